--- A gate: each stored tweet is redacted at the moment it is served, by verdicts in memory.
-- @module gate

local dataset = require "xcompliance.dataset"

local M = {}

local verdicts

--- Loads the verdicts, and makes what the first record needs.
function M.load()
  local path = assert(os.getenv "VERDICTS", "VERDICTS names no file of verdicts")
  verdicts = assert(dataset.verdicts { tweets = path, users = path })
  verdicts:redact("{}")
end

local function stored()
  local answer = ngx.location.capture("/data/" .. ngx.var.id .. ".json")
  if answer.status ~= 200 or answer.truncated then return ngx.exit(404) end
  ngx.header["Content-Type"] = "application/json"
  return answer.body
end

--- What is left of the tweet; 404 if nothing is, 503 if nobody knows.
function M.serve()
  local text, why = verdicts:redact(stored())
  if text then return ngx.print(text) end
  if why.action then return ngx.exit(404) end
  ngx.log(ngx.ERR, "tweet ", ngx.var.id, ": ", why.message)
  return ngx.exit(503)
end

--- The tweet as it is stored.
function M.serve_as_stored() return ngx.print(stored()) end

return M
