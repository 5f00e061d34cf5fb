--- The X batch compliance API, from stored tweets to a compliant dataset.
--
--     local xcompliance = require "xcompliance"
--     local client = xcompliance.client {}
--     local outcome = assert(client:check {
--       type = "tweets", ids = "ids.txt", results = "results.jsonl",
--     })
--
-- Misuse raises; run-time failures return `nil, err` (see docs/errors.md).
-- @module xcompliance

local blocking = require "xcompliance.loop.blocking"
local calls = require "xcompliance.api_calls"
local clients = require "xcompliance.client"
local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local sync = require "xcompliance.sync"
local workflow = require "xcompliance.workflow"

local M = { _VERSION = core.version, errors = errors.kinds }

--- What a job may be about.
M.ComplianceJobType = { tweets = "tweets", users = "users" }

--- What a job may be; the API may know more.
M.ComplianceJobStatus = {
  created = "created", in_progress = "in_progress", failed = "failed", complete = "complete",
  expired = "expired",
}

clients.methods.check = workflow.check
clients.methods.sync = sync.sync

--- Makes a client.
-- @tparam[opt] table settings `bearer_token`, `token_file` (else the environment's BEARER_TOKEN
-- when a call is made), `base_url` (else XCOMPLIANCE_BASE_URL, https://api.x.com), `loop`,
-- `ca_file`, `proxy`, `timeout`, `storage_hosts`, `user_agent`, `connect_timeout`,
-- `low_speed_limit`, `low_speed_time`, `allow_http`, `retry`
-- @treturn table
function M.client(settings)
  local own = {}
  if type(settings) ~= "table" and settings ~= nil then
    errors.misuse("xcompliance.client: settings must be a table, not %s", type(settings))
  end
  for name, value in next, settings or {} do own[name] = value end
  own.loop = own.loop or blocking
  return clients.new(own)
end

local default

-- The operations as plain functions, over one client made from the environment.
local function add_function(name)
  M[name] = function(...)
    default = default or M.client()
    return default[name](default, ...)
  end
end

for _, call in ipairs(calls) do add_function(call.name) end
for _, name in ipairs { "upload_ids", "download_results", "check", "sync" } do
  add_function(name)
end

return M
