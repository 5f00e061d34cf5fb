--- The operations of the batch compliance API.
-- @internal xcompliance.simulator.api

local cjson = require("cjson").new()
local byte_paths = require "xcompliance.simulator.byte_paths"
local http = require "xcompliance.simulator.http"
local problem = require "xcompliance.simulator.problem"
local queries = require "xcompliance.simulator.queries"

local M = {}

local BODY_MAX = 64 * 1024
local NAME_MAX = 64 -- code points
local TYPES = { tweets = true, users = true }
local LIST = { type = true, status = true }
local STATUSES = { created = true, in_progress = true, failed = true, complete = true }

-- {====================================================================
-- The operations
-- =====================================================================

local CHECKS = {
  type = function(value) return TYPES[value], "must be tweets or users" end,
  name = function(value)
    local length = type(value) == "string" and utf8.len(value)
    return length and length <= NAME_MAX, "must be a string of at most 64 characters"
  end,
  resumable = function(value) return type(value) == "boolean", "must be a boolean" end,
}

-- what is wrong with a create request's body, or nil
local function body_refusal(body)
  if type(body) ~= "table" then return problem.invalid_request("body", "", "must be JSON") end
  if body.type == nil then return problem.invalid_request("type", "", "type is required") end
  for name, value in pairs(body) do
    local check = CHECKS[name]
    if not check then return problem.invalid_request(name, value, "is not a known member") end
    local good, why = check(value)
    if not good then return problem.invalid_request(name, value, name .. " " .. why) end
  end
end

local function create(service, request)
  local _, fields, refusal = queries.read(request.query)
  if refusal then return refusal end
  if not (request.headers["content-type"] or ""):find("^application/json") then
    return problem.plain(415, "Unsupported Media Type")
  end
  local text = http.read_all(request, BODY_MAX)
  request.text = text -- for the log
  local good, body = pcall(cjson.decode, text)
  refusal = body_refusal(good and body or nil)
  if refusal then return refusal end
  local resumable = body.resumable or false
  if service.options.flow == "api" then
    if resumable then
      return problem.invalid_request("resumable", "true", "resumable uploads are not supported")
    end
    resumable = nil
  end
  if service.jobs:running(body.type) then return problem.conflict() end
  local job = service.jobs:create(body.type, body.name, resumable)
  return problem.response(200, { data = service.jobs:model(job, fields) }), job
end

-- the job whose id ends the path, and the fields asked for; or nil, nil and the refusal
local function job_of(service, request)
  local id = request.path:match("([^/]*)$")
  local _, fields, refusal = queries.read(request.query)
  if refusal then return nil, nil, refusal end
  if not id:find("^%d+$") or #id > 19 then return nil, nil, problem.invalid_id(id) end
  local job = service.jobs.by_id[id]
  return job, fields, not job and problem.not_found(id) or nil
end

local function get(service, request)
  local job, fields, refusal = job_of(service, request)
  return refusal or problem.response(200, { data = service.jobs:model(job, fields) })
end

local function cancel(service, request)
  local job, fields, refusal = job_of(service, request)
  if refusal then return refusal end
  if not service.jobs:cancel(job) then
    local status = service.jobs:status(job)
    return problem.conflict(("You cannot cancel a job that is %s."):format(status))
  end
  return problem.response(200, { data = service.jobs:model(job, fields) })
end

local function list(service, request)
  local query, fields, refusal = queries.read(request.query, LIST)
  if refusal then return refusal end
  if not TYPES[query.type] then
    return problem.invalid_request("type", query.type or "", "type must be tweets or users")
  end
  if query.status and not STATUSES[query.status] then
    return problem.invalid_request("status", query.status, "status is not one of the known ones")
  end
  local data = {}
  for _, job in ipairs(service.jobs.list) do
    local wanted = not query.status or service.jobs:status(job) == query.status
    if job.type == query.type and wanted then data[#data + 1] = service.jobs:model(job, fields) end
  end
  return problem.response(200, { -- an empty list has no `data` at all
    data = #data > 0 and data or nil, meta = { result_count = #data },
  })
end

local OPERATIONS = { create = create, get = get, list = list, cancel = cancel }
local BYTES = { upload = byte_paths.upload, download = byte_paths.download }

--- The steps of requests for jobs, by method and by what follows /2/compliance/jobs, an id apart.
M.steps = {
  ["POST "] = "create", ["GET "] = "list", ["GET /ID"] = "get", ["DELETE /ID"] = "cancel",
}

--- The same for their bytes, in the flow over the API's own host.
M.byte_steps = { ["PUT /ID/upload"] = "upload", ["GET /ID/download"] = "download" }

-- }====================================================================

-- {====================================================================
-- What is around them
-- =====================================================================

local function authorization_refusal(service, request)
  local authorization = request.headers.authorization or ""
  if authorization:find("^OAuth ") then return problem.unsupported_authentication() end
  local token = authorization:match("^Bearer (%S+)$")
  local accepted = service.options.bearer_tokens
  if not token or (accepted and not accepted[token]) then
    return problem.plain(401, "Unauthorized")
  end
end

-- only operations on jobs are limited in number
local function answer(service, request, operation)
  local refusal = authorization_refusal(service, request)
  if refusal then return refusal end -- without rate-limit headers, as seen
  if BYTES[operation] then return BYTES[operation](service, request) end
  local bucket = service.limiter:count(operation)
  local response, job
  if bucket.used > service.limiter.limit then
    response = problem.plain(429, "Too Many Requests")
  else
    response, job = OPERATIONS[operation](service, request)
  end
  service.limiter:report(bucket, response.headers)
  return response, job
end

--- Answers one request to the API.
-- @tparam table service
-- @tparam table request
-- @tparam string operation `"create"`, `"get"`, `"list"`, `"cancel"`, `"upload"` or `"download"`
-- @treturn table the response
-- @treturn table|nil the job that was created
function M.answer(service, request, operation)
  local response, job = answer(service, request, operation)
  response.early = operation == "upload" and response.status >= 400 -- a long body is not waited for
  http.add_header(response.headers, "api-version", "2.168")
  return response, job
end

-- }====================================================================

return M
