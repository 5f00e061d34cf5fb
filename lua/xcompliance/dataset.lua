--- Stored datasets: what they hold.
--
--     local dataset = require "xcompliance.dataset"
--     local counts = assert(dataset.extract {
--       type = "tweets", inputs = { "tweets.jsonl.gz", "more/" }, output = "ids.txt",
--     })
--
-- Misuse raises; what the world does returns `nil, err` (docs/errors.md). The work is done by
-- a thread of the core; `loop` says who waits for it (docs/hosts.md), else the calling thread does.
-- @module xcompliance.dataset

local calls = require "xcompliance.call"
local core = require "xcompliance.core"
local errors = require "xcompliance.errors"

local M = {}

--- The calling thread waits.
local waiting = {
  wait = function(task, seconds) return task:wait(seconds) end,
  sleep = core.sleep,
}

local WAITING = { loop = "table", on_progress = "function", deadline = "number" }

--- Checks options and takes those away that say how to wait.
-- @treturn table the call
-- @treturn table the other options
local function begin(name, options, known)
  local all = {}
  for _, list in ipairs { known, WAITING } do
    for key, types in pairs(list) do all[key] = types end
  end
  options = errors.check_options(name, options, all)
  local call = calls.new(options.loop or waiting, {
    on_progress = options.on_progress, deadline = options.deadline,
  })
  for key in pairs(WAITING) do options[key] = nil end
  return call, options
end

local EXTRACT = {
  type = "string", inputs = "table|string", output = "string", format = "string",
  column = "string", top_level = "boolean", ids_per_file = "number", memory = "number",
  on_malformed = "string",
}

--- Writes the ids that a dataset holds to a file, each once, ascending, one a line.
--
-- Options: `type` ("tweets" or "users"), `inputs` (files, folders, "-" for standard input) and
-- `output` are needed. `format` is "auto", "jsonl", "csv" or "ids"; `column` names the column of
-- a CSV file; `top_level` leaves nested and included objects out; `ids_per_file` splits the output
-- into OUTPUT.0001, OUTPUT.0002 and so on; `memory` is how many bytes the ids may take before they
-- are sorted in files (default: a quarter of the machine's); `on_malformed` is "stop" or "skip",
-- which lists what was passed over in OUTPUT.malformed.
-- `on_progress` is told `{ bytes, total, records, ids }`.
-- @tparam table options these, and `loop`, `on_progress`, `deadline`
-- @treturn ?table counts: `records`, `ids_seen`, `ids`, `malformed`, `empty`, `bytes`, `files`,
-- `ignored`, `outputs` (paths), `ignored_files` (the first hundred); or nil, err
function M.extract(options)
  local call, fields = begin("dataset.extract", options, EXTRACT)
  if type(fields.inputs) == "string" then fields.inputs = { fields.inputs } end
  call:at("extract", "extracting the ids of " .. tostring(fields.type))
  return call:await(core.extract(fields))
end

return M
