--- Whether a file holds results: checked before it takes the place of others.
-- @internal xcompliance.results_check

local core = require "xcompliance.core"

local M = {}

--- Reads a file of results to its end.
-- @tparam table call
-- @tparam string path
-- @tparam[opt] string name what messages call the file; default: its path
-- @treturn ?table `{ rows, bytes, unknown }`: `unknown` rows say something that this version does
-- not know; or nil, err of the kind "data" with the line and byte of what is not a row
function M.check(call, path, name)
  return call:ask(core.check_results(path, name))
end

return M
