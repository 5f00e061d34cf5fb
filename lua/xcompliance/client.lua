--- A client: the operations of the API and the whole check, each waited for by the client's loop.
-- @module xcompliance.client

local api_calls = require "xcompliance.api_calls"
local checks = require "xcompliance.check"
local check_options = require "xcompliance.check_options"
local connections = require "xcompliance.connection"
local dataset = require "xcompliance.dataset"
local download = require "xcompliance.download"
local errors = require "xcompliance.errors"
local handles = require "xcompliance.handle"
local job_wait = require "xcompliance.job_wait"
local merge = require "xcompliance.merge"
local operations = require "xcompliance.operations"
local syncs = require "xcompliance.sync"
local upload = require "xcompliance.upload"

local M = {}

local Client = {}
Client.__index = Client
Client.__name = "xcompliance.client"

-- a client shows nothing of its connection, which has the token
local connection_of = setmetatable({}, { __mode = "k" })

local function connect(client, name)
  return connection_of[client] or errors.misuse("%s: call it as a method of a client", name)
end

local function wrap(connection)
  local client = setmetatable({}, Client)
  connection_of[client] = connection
  return client
end

-- {====================================================================
-- The calls of the API
-- =====================================================================

--- Begins a call of the API.
-- @tparam table client
-- @tparam string name see xcompliance.api_calls
-- @tparam ?table options what the user gave
-- @treturn table the client's connection
-- @treturn table the call
-- @treturn ?table the fields that the user chose
local function api_call(client, name, options)
  local connection = connect(client, name)
  local call, checked = connection:call(name, options, { fields = "table" })
  call:at(api_calls[name].word, api_calls[name].doing)
  return connection, call, checked.fields
end

--- Creates a compliance job.
-- @tparam string type "tweets" or "users"
-- @tparam[opt] string name at most 64 characters; if the answer is lost, our job is known by it
-- @tparam[opt] boolean resumable whether the ids will be uploaded resumably
-- @tparam[opt] table options `fields`, `deadline`, `on_progress`
-- @treturn ?table CreateComplianceJobResponse: the job is its `data`; or nil, err
function Client:create_compliance_job(type, name, resumable, options)
  local connection, call, fields = api_call(self, "create_compliance_job", options)
  return operations.create(connection, call,
    { type = type, name = name, resumable = resumable, fields = fields })
end

--- Reads a job.
-- @tparam string id
-- @tparam[opt] table options `fields`, `deadline`, `on_progress`
-- @treturn ?table Get2ComplianceJobsIdResponse: the job is its `data`; or nil, err
function Client:list_job(id, options)
  local connection, call, fields = api_call(self, "list_job", options)
  return operations.list_job(connection, call, id, fields)
end

--- Lists the jobs of a type.
-- @tparam string type "tweets" or "users"
-- @tparam[opt] string status "created", "in_progress", "failed" or "complete"
-- @tparam[opt] table options `fields`, `deadline`, `on_progress`
-- @treturn ?table Get2ComplianceJobsResponse: the jobs are its `data`, which is absent if
-- there are none; or nil, err
function Client:list_jobs(type, status, options)
  local connection, call, fields = api_call(self, "list_jobs", options)
  return operations.list_jobs(connection, call, type, status, fields)
end

--- Cancels a job that is not finished, so that another of its type can be created.
-- @tparam string id
-- @tparam[opt] table options `fields`, `deadline`, `on_progress`
-- @treturn ?table DeleteComplianceJobsByIdResponse: the job is its `data`, and has failed (or has
-- expired before); or nil, err. A job that is complete is a `conflict`, with the job as `err.job`
function Client:cancel_job(id, options)
  local connection, call, fields = api_call(self, "cancel_job", options)
  return operations.cancel(connection, call, id, fields)
end

--- Polls a job until it has ended.
-- @tparam string id
-- @tparam[opt] table options `poll` (`{ min, max }` in seconds, default 5 and 60), `deadline`,
-- `on_progress`
-- @treturn ?table Get2ComplianceJobsIdResponse of a job that is complete; or nil, err: of the kind
-- "job_failed" or "expired", with the job as `err.job`, if it has ended otherwise
function Client:wait_for(id, options)
  local connection = connect(self, "wait_for")
  if type(id) ~= "string" then errors.misuse("wait_for: id must be a string, not %s", type(id)) end
  local call, checked = connection:call("wait_for", options, { poll = "table" })
  local poll = check_options.poll("wait_for", checked.poll)
  call:at("wait", "waiting for job " .. id)
  local response, err = job_wait.until_ended(connection, call, id, poll, true)
  if not response then return nil, err end
  local job = response.data
  if job.status == "complete" then return response end
  return nil, job_wait.failure(job, " - create another")
end

-- }====================================================================

-- {====================================================================
-- Transfers
-- =====================================================================

local function check_strings(name, url, path)
  if type(url) ~= "string" or type(path) ~= "string" then
    errors.misuse("%s: give a URL and a path, both strings", name)
  end
end

local function upload_ids(connection, url, path, options)
  check_strings("upload_ids", url, path)
  local call, checked = connection:call("upload_ids", options,
    { chunk = "number", as_is = "boolean" })
  local ok, err = connection:check_names(call, "upload", { ids = path })
  if not ok then return nil, err end
  return upload.run(connection, call, url, path, { chunk = checked.chunk, as_is = checked.as_is })
end

local function download_results(connection, url, path, options)
  check_strings("download_results", url, path)
  local call, checked = connection:call("download_results", options,
    { allow_unframed = "boolean", as_is = "boolean" })
  local ok, err = connection:check_names(call, "download", { results = path })
  if not ok then return nil, err end
  return download.run(connection, call, url, path,
    { allow_unframed = checked.allow_unframed, as_is = checked.as_is })
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
  return upload_ids(connect(self, "upload_ids"), url, path, options)
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
  return download_results(connect(self, "download_results"), url, path, options)
end

-- }====================================================================

-- {====================================================================
-- The whole
-- =====================================================================

--- Asks the API about a list of ids, and holds its results. Call it again in the same way to resume
-- an unfinished check; after a finished one it is a new check. See docs/check.md.
-- @tparam table options `type`; `ids` (a path; or an array, or an iterator such as `dataset.ids`
-- returns, of ids as strings: to resume, give the same ids again); `results` (path); `verdicts`
-- (true: the outcome's `verdicts` are the results in memory, see xcompliance.verdicts); `name`,
-- `state` (folder, default: that of the results), `ids_per_job` (6,000,000), `wait` (false: do not
-- wait for another job of the type to end), `deadline`, `on_progress`, `poll` (`{ min, max }`),
-- `upload` ("auto", "simple", "resumable"), `chunk`, `max_polls_per_15min`, `allow_unframed` (see
-- client:download_results), `allow_rounded` (accept ids that a spreadsheet seems to have rounded)
-- @treturn ?table Outcome, or nil, err
function Client:check(options)
  return checks.run(connect(self, "check"), options)
end

--- Brings a dataset into compliance. Call it again in the same way to resume an unfinished sync;
-- after a finished one it is a new check. See docs/report.md.
-- @tparam table options `inputs` (files and folders) and `output` (a folder), `in_place` or
-- `dry_run`; `state` (a folder; default: .xcompliance in the output, or beside the dataset),
-- `quarantine` (a folder), `policy`, `on_unknown`, `on_malformed`, `on_unrecognised`, `on_ignored`,
-- `shape`, `columns`, `lists`, `allow_rounded`, `strict`, `jobs` (as dataset.redact has them),
-- `memory`; `max_age` (days: ids that were checked less long ago are not asked about again, see
-- docs/sync.md); `ids_per_job`, `wait`, `name`, `poll`, `upload`, `chunk`, `max_polls_per_15min`,
-- `allow_unframed` (as check has them); `deadline`, `on_progress`
-- @treturn ?table the report, or nil, err
function Client:sync(options)
  return syncs.sync(connect(self, "sync"), options)
end

-- }====================================================================

-- {====================================================================
-- Operations that run beside their caller: see xcompliance.handle
-- =====================================================================

local function start(client, name, options, run)
  local connection = connect(client, "start_" .. name)
  if options ~= nil and type(options) ~= "table" then
    errors.misuse("start_%s: options must be a table, not %s", name, type(options))
  end
  local on_progress = options and rawget(options, "on_progress")
  if on_progress ~= nil and type(on_progress) ~= "function" then
    errors.misuse("start_%s: on_progress must be a function, not %s", name, type(on_progress))
  end
  return handles.start(connection.settings.loop, name, on_progress, function(loop, report)
    local own, err = connection:with_loop(loop)
    if not own then return nil, err end
    return run(own, merge.tables(options, { on_progress = report }))
  end)
end

--- Starts what `client:check` does.
-- @tparam table options
-- @treturn table a handle
function Client:start_check(options) return start(self, "check", options, checks.run) end

--- Starts what `client:sync` does.
-- @tparam table options
-- @treturn table a handle
function Client:start_sync(options) return start(self, "sync", options, syncs.sync) end

--- Starts what `client:upload_ids` does.
-- @tparam string url
-- @tparam string path
-- @tparam[opt] table options
-- @treturn table a handle
function Client:start_upload(url, path, options)
  return start(self, "upload", options, function(connection, own)
    return upload_ids(connection, url, path, own)
  end)
end

--- Starts what `client:download_results` does.
-- @tparam string url
-- @tparam string path
-- @tparam[opt] table options
-- @treturn table a handle
function Client:start_download(url, path, options)
  return start(self, "download", options, function(connection, own)
    return download_results(connection, url, path, own)
  end)
end

--- The dataset's functions wait by a loop that is an option of theirs.
local function start_on_data(client, name, options, run)
  if type(options) == "table" and rawget(options, "loop") ~= nil then
    errors.misuse("start_%s: there is no option 'loop' - the client's loop waits", name)
  end
  return start(client, name, options, function(connection, own)
    return run(merge.tables(own, { loop = connection.settings.loop }))
  end)
end

--- Starts what `dataset.extract` does; the client's loop waits.
-- @tparam table options but `loop`
-- @treturn table a handle
function Client:start_extract(options)
  return start_on_data(self, "extract", options, dataset.extract)
end

--- Starts what `dataset.redact` does; the client's loop waits.
-- @tparam table options but `loop`
-- @treturn table a handle
function Client:start_redact(options)
  return start_on_data(self, "redact", options, dataset.redact)
end

-- }====================================================================

-- {====================================================================
-- The client
-- =====================================================================

--- The same client for another loop. It shares the session, which only the first client closes.
-- @tparam table loop
-- @treturn ?table a client, or nil, err
function Client:with_loop(loop)
  local own = connect(self, "with_loop")
  errors.check_loop("with_loop", loop)
  local connection, err = own:with_loop(loop)
  if not connection then return nil, err end
  return wrap(connection)
end

--- Cancels what the client runs and frees what it holds. Closing twice is harmless.
-- @treturn boolean true
function Client:close()
  connect(self, "close"):close()
  return true
end

Client.__close = Client.close

function Client:__tostring()
  return ("xcompliance.client: %s"):format(connect(self, "tostring").base_url)
end

-- }====================================================================

--- Makes a client. Nothing is opened and nothing runs until its first operation.
-- @tparam table settings see xcompliance.client; `loop` is required here
-- @treturn table
function M.new(settings) return wrap(connections.new(settings)) end

return M
