--- Real inputs, if there are some: XCOMPLIANCE_REAL_DATA is a folder of JSON Lines as twarc writes
-- them, XCOMPLIANCE_API_DESCRIPTIONS one of X's OpenAPI descriptions. Neither may be shipped, so
-- the specs generate inputs of the same forms, and read these as well if they are given.

local M = {}

--- The real files of tweets that are given.
-- @treturn table an array of paths; empty if there are none
function M.files()
  local folder, found = os.getenv("XCOMPLIANCE_REAL_DATA"), {}
  local pipe = folder and assert(io.popen(("ls '%s'/*.jsonl 2>/dev/null"):format(folder)))
  if not pipe then return found end
  for path in pipe:lines() do
    if not path:find("compliance") then found[#found + 1] = path end
  end
  pipe:close()
  return found
end

--- The folder of X's descriptions of its API, or nil.
function M.api_descriptions() return os.getenv("XCOMPLIANCE_API_DESCRIPTIONS") end

M.NO_FILES = "set XCOMPLIANCE_REAL_DATA to a folder of real tweets (*.jsonl) to run this"
M.NO_DESCRIPTIONS = "set XCOMPLIANCE_API_DESCRIPTIONS to a folder of X's OpenAPI files to run this"

return M
