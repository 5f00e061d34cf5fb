--- A client: settings, the token, a session, and the operations, each waited for by its loop.
-- @module xcompliance.client

local api_calls = require "xcompliance.api_calls"
local calls = require "xcompliance.call"
local core = require "xcompliance.core"
local dates = require "xcompliance.dates"
local download = require "xcompliance.download"
local errors = require "xcompliance.errors"
local names = require "xcompliance.names"
local operations = require "xcompliance.operations"
local upload = require "xcompliance.upload"

local M = {}

local BASE_URL = "https://api.x.com"

local SETTINGS = {
  bearer_token = "string", token_file = "string", base_url = "string", ca_file = "string",
  proxy = "string", loop = "table", storage_hosts = "table", timeout = "number",
  user_agent = "string", connect_timeout = "number", low_speed_limit = "number",
  low_speed_time = "number", allow_http = "boolean", retry = "table",
}
local SESSION_SETTINGS = {
  "ca_file", "proxy", "user_agent", "connect_timeout", "low_speed_limit", "low_speed_time",
}
local CALL_OPTIONS = { deadline = "number", on_progress = "function" }

local Client = {}
Client.__index = Client
M.methods = Client

-- {====================================================================
-- What the modules below need of a client
-- =====================================================================

local function read_token(path)
  local file, why = io.open(path, "r")
  local token = file and file:read(65536)
  if file then file:close() end
  token = token and token:match("^%s*(.-)%s*$")
  if token and token ~= "" then return token end
  return nil, errors.new("config", ("reading the bearer token: %s - give the file that holds it")
    :format(why or path .. " is empty"))
end

local function token_of(settings)
  if settings.bearer_token then return settings.bearer_token end
  if settings.token_file then return read_token(settings.token_file) end
  local token = os.getenv("BEARER_TOKEN")
  if token and token ~= "" then return token end
  return nil, errors.new("config", "there is no bearer token - set BEARER_TOKEN, or give"
    .. " `token_file`")
end

--- The options that every call of the API has, and more.
function Client:api_options(fields)
  local token, err = token_of(self.settings)
  if not token then return nil, err end
  fields.bearer_token, fields.base_url = token, self.base_url
  fields.timeout, fields.allow_http = self.settings.timeout, self.settings.allow_http
  return fields
end

--- Whether requests can be made at all: there is a token, and the settings make a session.
-- @treturn true|nil,err
function Client:check_ready()
  local ok, err = self:api_options {}
  if ok then ok, err = self:session() end
  if not ok then return nil, err end
  return true
end

--- The session, made when it is first needed: after nginx has forked.
function Client:session()
  if self.closed then errors.misuse("this client is closed - make another") end
  if self.core_session then return self.core_session end
  local options = {}
  for _, name in ipairs(SESSION_SETTINGS) do options[name] = self.settings[name] end
  options.user_agent = options.user_agent or "xcompliance/" .. core.version
  local session, err = core.session(options)
  if not session then
    return nil, err.kind == "io" and errors.with(err, { kind = "config" }) or err
  end
  self.core_session = session
  return session
end

--- Learns how far the API's clock is from ours.
function Client:note_clock(headers)
  local date = dates.http(headers and headers.date)
  if date then self.clock_offset = date - os.time() end
end

--- A time of our clock by the API's, as far as that is known.
-- @treturn number
-- @treturn boolean whether it is known
function Client:server_time(time)
  return time + (self.clock_offset or 0), self.clock_offset ~= nil
end

--- Begins a call.
-- @tparam string name of the function, for messages
-- @tparam ?table options what the user gave
-- @tparam[opt] table more the types of further options
-- @treturn table the call
-- @treturn table the options, checked
function Client:call(name, options, more)
  local known = {}
  for _, list in ipairs { CALL_OPTIONS, more or {} } do
    for key, types in pairs(list) do known[key] = types end
  end
  options = errors.check_options(name, options, known)
  local call = calls.new(self.settings.loop, {
    deadline = options.deadline, on_progress = options.on_progress, retry = self.settings.retry,
  })
  return call, options
end

-- }====================================================================

-- {====================================================================
-- The operations
-- =====================================================================

--- Begins a call of the API.
-- @tparam table client
-- @tparam string name see xcompliance.api_calls
-- @tparam ?table options what the user gave
-- @treturn table the call
-- @treturn ?table the fields that the user chose
local function api_call(client, name, options)
  local call, checked = client:call(name, options, { fields = "table" })
  call:at(api_calls[name].word, api_calls[name].doing)
  return call, checked.fields
end

--- Creates a compliance job.
-- @tparam string type "tweets" or "users"
-- @tparam[opt] string name at most 64 characters; where the answer is lost, it tells our job
-- @tparam[opt] boolean resumable whether the ids will be uploaded resumably
-- @tparam[opt] table options `fields`, `deadline`, `on_progress`
-- @treturn ?table CreateComplianceJobResponse: the job is its `data`; or nil, err
function Client:create_compliance_job(type, name, resumable, options)
  local call, fields = api_call(self, "create_compliance_job", options)
  return operations.create(self, call,
    { type = type, name = name, resumable = resumable, fields = fields })
end

--- Reads a job.
-- @tparam string id
-- @tparam[opt] table options `fields`, `deadline`, `on_progress`
-- @treturn ?table Get2ComplianceJobsIdResponse: the job is its `data`; or nil, err
function Client:list_job(id, options)
  local call, fields = api_call(self, "list_job", options)
  return operations.list_job(self, call, id, fields)
end

--- Lists the jobs of a type.
-- @tparam string type "tweets" or "users"
-- @tparam[opt] string status "created", "in_progress", "failed" or "complete"
-- @tparam[opt] table options `fields`, `deadline`, `on_progress`
-- @treturn ?table Get2ComplianceJobsResponse: the jobs are its `data`, which is absent where there
-- are none; or nil, err
function Client:list_jobs(type, status, options)
  local call, fields = api_call(self, "list_jobs", options)
  return operations.list_jobs(self, call, type, status, fields)
end

--- Cancels a job that is not finished, so that another of its type can be created.
-- @tparam string id
-- @tparam[opt] table options `fields`, `deadline`, `on_progress`
-- @treturn ?table DeleteComplianceJobsByIdResponse: the job is its `data`, and has failed (or has
-- expired before); or nil, err. A job that is complete is a `conflict`, with the job as `err.job`
function Client:cancel_job(id, options)
  local call, fields = api_call(self, "cancel_job", options)
  return operations.cancel(self, call, id, fields)
end

--- Checks that the files that a call names are different ones, and none is the token's.
-- @tparam table call
-- @tparam string what see names.check
-- @tparam table options
-- @treturn true|nil,err
function Client:check_names(call, what, options)
  local all = { token_file = self.settings.token_file, ca_file = self.settings.ca_file }
  for name, value in pairs(options) do all[name] = value end
  return names.check(call, what, all)
end

local function check_strings(name, url, path)
  if type(url) ~= "string" or type(path) ~= "string" then
    errors.misuse("%s: give a URL and a path, both strings", name)
  end
end

--- Uploads a list of ids. The URL says where they go, and how.
-- @tparam string url the job's upload_url, as it came
-- @tparam string path a file of ids, one a line
-- @tparam[opt] table options `deadline`, `on_progress`, `chunk` (of resumable uploads: bytes, a
-- multiple of 256 KiB; without it all is sent at once), `as_is` (true: send the file whatever it
-- holds; else one that is not a list of ids is refused)
-- @treturn ?string what was answered: nothing from storage, the job from the API; or nil, err
-- @treturn table `{ bytes, ids, crc32c, flow, verified, checksum, resumable }`: see docs/check.md,
-- "Verified"
function Client:upload_ids(url, path, options)
  check_strings("upload_ids", url, path)
  local call, checked = self:call("upload_ids", options, { chunk = "number", as_is = "boolean" })
  local ok, err = self:check_names(call, "upload", { ids = path })
  if not ok then return nil, err end
  return upload.run(self, call, url, path, { chunk = checked.chunk, as_is = checked.as_is })
end

--- Downloads results. The file takes its name when it is whole and verified, and every line of it
-- was read as a row of results.
-- @tparam string url the job's download_url, as it came
-- @tparam string path where the results go
-- @tparam[opt] table options `deadline`, `on_progress`; `allow_unframed` (accept results although
-- neither a length nor a checksum says where they end); `as_is` (accept what is not results)
-- @treturn ?integer the HTTP status; or nil, err
-- @treturn table `{ bytes, crc32c, flow, verified, checksum }`
function Client:download_results(url, path, options)
  check_strings("download_results", url, path)
  local call, checked = self:call("download_results", options,
    { allow_unframed = "boolean", as_is = "boolean" })
  local ok, err = self:check_names(call, "download", { results = path })
  if not ok then return nil, err end
  return download.run(self, call, url, path,
    { allow_unframed = checked.allow_unframed, as_is = checked.as_is })
end

--- The same client, waited for by another loop. It shares the session, so it needs no closing.
-- @tparam table loop
-- @treturn ?table a client, or nil, err
function Client:with_loop(loop)
  local session, err = self:session()
  if not session then return nil, err end
  local settings = {}
  for name, value in pairs(self.settings) do settings[name] = value end
  settings.loop = loop
  return setmetatable({
    settings = settings, base_url = self.base_url, core_session = session,
    clock_offset = self.clock_offset,
  }, Client)
end

--- Ends what the client runs and gives back what it holds. Closing twice is harmless.
function Client:close()
  self.closed = true
  if self.core_session then self.core_session:close() end
  self.core_session = nil
  return true
end

-- }====================================================================

local function check_retry(policy)
  if not policy then return nil end
  local own = errors.check_options("xcompliance.client: retry", policy,
    { attempts = "number", first = "number", max = "number" })
  local usual = require("xcompliance.retry").policy
  for name, value in pairs(usual) do own[name] = own[name] or value end
  local first, max = own.first, own.max
  if not (own.attempts >= 1 and first >= 0 and max >= first and max < math.huge) then
    errors.misuse("xcompliance.client: retry is { attempts, first, max }: a number from 1, seconds,"
      .. " seconds")
  end
  return own
end

--- Makes a client. Nothing is opened and nothing runs until its first operation.
-- @tparam table settings see the types of xcompliance.ClientOptions; `loop` is required here
-- @treturn table
function M.new(settings)
  settings = errors.check_options("xcompliance.client", settings, SETTINGS)
  settings.retry = check_retry(settings.retry)
  local base_url = settings.base_url or os.getenv("XCOMPLIANCE_BASE_URL") or BASE_URL
  return setmetatable({ settings = settings, base_url = base_url }, Client)
end

return M
