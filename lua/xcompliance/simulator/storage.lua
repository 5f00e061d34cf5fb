--- The storage service: uploads and downloads by signed URL.
-- @internal xcompliance.simulator.storage

local objects = require "xcompliance.simulator.objects"
local http = require "xcompliance.simulator.http"
local jobs = require "xcompliance.simulator.jobs"
local addresses = require "xcompliance.simulator.addresses"
local problem = require "xcompliance.simulator.problem"

local M = {}

-- {====================================================================
-- What answers have in common
-- =====================================================================

--- The fields that describe a stored object: ETag, hashes, stored length.
function M.describe(object)
  local fields = {
    { "ETag", object.etag },
    { "x-goog-generation", object.generation },
    { "x-goog-metageneration", "1" },
  }
  for _, name in ipairs { "crc32c", "md5" } do
    if object[name] then http.add_header(fields, "x-goog-hash", name .. "=" .. object[name]) end
  end
  http.add_header(fields, "x-goog-stored-content-encoding", "identity")
  http.add_header(fields, "x-goog-stored-content-length", tostring(object.size))
  http.add_header(fields, "Server", "UploadServer")
  return fields
end

local function stored(object)
  return http.response(200, M.describe(object))
end

--- The error for a body that is not what its hash header promised, or nil.
-- @tparam table object
-- @tparam table fields the request's headers
function M.digest_refusal(object, fields)
  local promised = { md5 = fields["content-md5"] }
  for name, value in (fields["x-goog-hash"] or ""):gmatch("(%w+)=([%w+/=]+)") do
    promised[name] = value
  end
  for name, value in pairs(promised) do
    local actual = object[name]
    if actual and actual ~= value then
      local message = name == "md5"
        and "The MD5 you specified in Content-MD5 or x-goog-hash was invalid."
        or "The CRC32C you specified did not match what we computed."
      return problem.error(400, "BadDigest", message,
        { { "Details", ("Provided %s hash '%s' doesn't match calculated hash '%s'.")
          :format(name, value, actual) } })
    end
  end
end

-- }====================================================================

-- {====================================================================
-- Simple upload
-- =====================================================================

--- `PUT` of a whole object.
function M.upload(service, request, job)
  local object = jobs.while_receiving(job, function()
    return service.jobs:store(request)
  end)
  local refusal = M.digest_refusal(object, request.headers)
  if refusal then return refusal end
  service.jobs:arrived(job, object)
  return stored(object)
end

-- }====================================================================

-- {====================================================================
-- Download
-- =====================================================================

local function delivery_fields(object)
  local fields = M.describe(object)
  http.add_header(fields, "Content-Type", "application/octet-stream")
  http.add_header(fields, "Accept-Ranges", "bytes")
  http.add_header(fields, "x-goog-component-count", "20")
  http.add_header(fields, "Cache-Control", "private, max-age=0")
  return fields
end

--- `GET` of an object, or of a range of it.
function M.download(_, request, object)
  return objects.part(request, object, delivery_fields(object), function()
    return problem.error(416, "InvalidRange", "The requested range cannot be satisfied.",
      { { "Details", request.headers.range } })
  end)
end

-- }====================================================================

-- {====================================================================
-- Which of them
-- =====================================================================

local function no_such_key(path)
  return problem.error(404, "NoSuchKey", "The specified key does not exist.",
    { { "Details", "No such object: " .. path:sub(2) } })
end

local function early(response)
  response.early = true
  return response
end

--- Answers one request with a signed URL.
-- @tparam table service
-- @tparam table request
-- @tparam string step `"upload"`, `"start"` or `"download"`
function M.answer(service, request, step)
  local refusal = service.signer:refusal(request, service.clock:now())
  if refusal then return early(refusal) end
  local job = service.jobs.by_path[request.path]
  if not job then return early(no_such_key(request.path)) end
  if step == "upload" then return M.upload(service, request, job) end
  if step == "start" then return service.sessions:start(request, job) end
  local ends = job.download_expires_at
  if service.clock:now() >= ends then return addresses.expired(ends) end
  local complete = service.jobs:status(job) == "complete"
  if not complete then return no_such_key(request.path) end
  return M.download(service, request, job.results)
end

-- }====================================================================

return M
