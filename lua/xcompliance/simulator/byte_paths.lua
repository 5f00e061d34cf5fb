--- The bytes of jobs at the API's own host: `PUT …/upload?token=…`, `GET …/download?token=…`.
-- The bearer token has been checked; the token in the URL is checked here.
-- @internal xcompliance.simulator.byte_paths

local objects = require "xcompliance.simulator.objects"
local http = require "xcompliance.simulator.http"
local jobs = require "xcompliance.simulator.jobs"
local problem = require "xcompliance.simulator.problem"
local queries = require "xcompliance.simulator.queries"

local M = {}

local TOKEN = { token = true }
local CONTENT_TYPES = { ["application/octet-stream"] = true, ["text/plain"] = true }

local function is_over(service, job, purpose)
  return service.clock:now() >= job[purpose .. "_expires_at"]
end

-- the job that a request is about, and the fields it asks for; or nil, nil and the refusal
local function job_of(service, request, purpose)
  local values, fields, refusal = queries.read(request.query, TOKEN)
  if refusal then return nil, nil, refusal end
  local id = request.path:match("^/2/compliance/jobs/([^/]*)/")
  if not id:find("^%d+$") or #id > 19 then return nil, nil, problem.invalid_id(id) end
  local use = service.tokens:use(values.token)
  if not use then return nil, nil, problem.plain(401, "Unauthorized") end
  if use.purpose ~= purpose or use.id ~= id then return nil, nil, problem.wrong_purpose() end
  local job = service.jobs.by_id[id]
  if not job then return nil, nil, problem.not_found(id) end
  if is_over(service, job, purpose) then return nil, nil, problem.expired() end
  return job, fields
end

-- hashes and ETag of an object, if this server computes any
local function describe(service, object, fields)
  if not service.options.checksums then return end
  for _, name in ipairs { "crc32c", "md5" } do
    if object[name] then http.add_header(fields, "x-goog-hash", name .. "=" .. object[name]) end
  end
end

-- {====================================================================
-- Upload
-- =====================================================================

-- what is wrong with an upload before its body has been read, or nil
local function upload_refusal(service, request, job)
  local content_type = (request.headers["content-type"] or ""):match("^[^;%s]*")
  if not CONTENT_TYPES[content_type:lower()] then
    return problem.plain(415, "Unsupported Media Type")
  end
  if (request.length or 0) > service.options.upload_limit then return problem.too_large() end
  local status = service.jobs:status(job)
  if status == "expired" then return problem.expired() end
  if status ~= "created" then return problem.conflict(("This job is %s."):format(status)) end
end

-- takes the body; the window may have ended, or the job may have been cancelled, in the meantime
local function take(service, request, job, fields)
  local object = service.jobs:store(request, service.options.upload_limit)
  if not object then return problem.too_large() end
  local refusal = upload_refusal(service, request, job)
  if refusal then return refusal end
  service.jobs:arrived(job, object)
  local response = problem.response(200, { data = service.jobs:model(job, fields) })
  describe(service, object, response.headers)
  return response
end

--- `PUT` of a whole list.
function M.upload(service, request)
  local job, fields, refusal = job_of(service, request, "upload")
  refusal = refusal or upload_refusal(service, request, job)
  if refusal then return refusal end
  return jobs.while_receiving(job, function() return take(service, request, job, fields) end)
end

-- }====================================================================

-- {====================================================================
-- Download
-- =====================================================================

local function unsatisfiable()
  return problem.plain(416, "Range Not Satisfiable")
end

--- `GET` of results.
function M.download(service, request)
  local job, _, refusal = job_of(service, request, "download")
  if refusal then return refusal end
  if service.jobs:status(job) ~= "complete" then return problem.not_found(job.id) end
  local object, fields = job.results, { { "Content-Type", "application/octet-stream" } }
  describe(service, object, fields)
  if not service.options.ranges then return objects.whole(object, fields) end
  http.add_header(fields, "Accept-Ranges", "bytes")
  http.add_header(fields, "ETag", object.etag)
  return objects.part(request, object, fields, unsatisfiable)
end

-- }====================================================================

return M
