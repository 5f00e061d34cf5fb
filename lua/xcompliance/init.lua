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

local calls = require "xcompliance.api_calls"
local clients = require "xcompliance.client"
local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local handles = require "xcompliance.handle"
local merge = require "xcompliance.merge"

local M = { _VERSION = core.version, errors = errors.kinds }

--- A table of names. A misspelt one raises: as nil it would mean "any".
local function enumeration(what, names)
  local values = {}
  for _, name in ipairs(names) do values[name] = name end
  return setmetatable(values, {
    __index = function(_, name) errors.misuse("%s has no member '%s'", what, tostring(name)) end,
  })
end

--- What a job may be about.
M.ComplianceJobType = enumeration("ComplianceJobType", { "tweets", "users" })

--- The statuses of jobs; the API may know more.
M.ComplianceJobStatus = enumeration("ComplianceJobStatus",
  { "created", "in_progress", "failed", "complete", "expired" })

--- The loop of clients that are given none: in nginx the worker must continue to serve.
local function usual_loop()
  local ngx = rawget(_G, "ngx")
  local in_nginx = type(ngx) == "table" and ngx.get_phase ~= nil
  return require(in_nginx and "xcompliance.loop.nginx" or "xcompliance.loop.blocking")
end

--- Makes a client.
-- @tparam[opt] table settings `bearer_token`, `token_file` (else the environment's BEARER_TOKEN
-- when a call is made), `base_url` (else XCOMPLIANCE_BASE_URL, https://api.x.com), `loop` (else
-- xcompliance.loop.nginx in nginx, xcompliance.loop.blocking elsewhere),
-- `ca_file`, `proxy`, `timeout`, `storage_hosts`, `user_agent`, `connect_timeout`,
-- `low_speed_limit`, `low_speed_time`, `allow_http`, `retry`
-- @treturn table
function M.client(settings)
  if type(settings) ~= "table" and settings ~= nil then
    errors.misuse("xcompliance.client: settings must be a table, not %s", type(settings))
  end
  local own = merge.tables(settings)
  own.loop = own.loop or usual_loop()
  return clients.new(own)
end

--- Waits until one of several operations has ended: see xcompliance.handle.
-- @tparam table handles an array
-- @tparam[opt] number seconds for at most this long
-- @treturn ?table the first that has ended; nil if none has
M.wait_any = handles.wait_any

--- The data's side: see xcompliance.dataset.
M.dataset = require "xcompliance.dataset"

--- Makes one report of those of parts: of redactions (`report` of dataset.redact) together with
-- what `check --json` printed for the check that they share, or of syncs (docs/report.md). What
-- cannot be added - other settings, other verdicts, a part twice, a dry run among others, another
-- version - is an error of the kind "data" that names the files.
-- @tparam table options `reports` (paths) is needed; `output` (a path), `loop`, `on_progress`,
-- `deadline`
-- @treturn ?table the report; or nil, err
function M.merge_reports(options)
  return require("xcompliance.report_merge").merge(options, usual_loop())
end

local default, process

--- Closes the client of the plain functions; the next of them makes another, from the environment
-- as it is then.
function M.reset()
  if default and process == core.process() then default:close() end
  default = nil
end

-- The operations as plain functions, over one client made from the environment. A session does not
-- survive a fork, so a child gets a client of its own.
local function add_function(name)
  M[name] = function(...)
    if process ~= core.process() then default, process = nil, core.process() end
    default = default or M.client()
    return default[name](default, ...)
  end
end

for _, call in ipairs(calls) do add_function(call.name) end
for _, name in ipairs { "upload_ids", "download_results", "wait_for", "check", "sync" } do
  add_function(name)
end

return M
