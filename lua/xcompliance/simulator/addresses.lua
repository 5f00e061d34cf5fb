--- The URLs of a job: at the API's own host, with a token for each operation; or, in the older
-- flow, signed URLs of storage.
-- @internal xcompliance.simulator.addresses

local signature = require "xcompliance.simulator.signature"
local tokens = require "xcompliance.simulator.tokens"

local M = {}

local CLIENT = "20259681"

local function at_api(service)
  return function(job)
    local function url(purpose)
      local path = ("/2/compliance/jobs/%s/%s"):format(job.id, purpose)
      return service.origin .. path .. "?token=" .. service.tokens:issue(purpose, job.id), path
    end
    local upload_url, upload_path = url("upload")
    local download_url, download_path = url("download")
    return upload_url, upload_path, download_url, download_path
  end
end

local function signed_upload_url(service, job, path)
  local values = { ["content-type"] = "text/plain" }
  if job.resumable then values["content-length"], values["x-goog-resumable"] = "0", "start" end
  local method, lives = job.resumable and "POST" or "PUT", service.options.upload_expires
  return service.signer:url(method, path, values, job.created_at, lives)
end

local function at_storage(service)
  return function(job)
    local kind = job.type == "tweets" and "tweet" or "user"
    local path = ("/twttr-%s-compliance/%s/%%s/%s_%s"):format(kind, job.id, CLIENT, job.id)
    local submission, delivery = path:format("submission"), path:format("delivery")
    local download_url = service.signer:url("GET", delivery, {}, job.created_at,
      service.options.download_expires)
    return signed_upload_url(service, job, submission), submission, download_url, delivery
  end
end

--- Gives a service `tokens`, `signer`, and `addresses`: a function that returns a job's upload URL
-- and its path, then its download URL and its path.
-- @tparam table service has `options` and `origin`
-- @treturn table the service
function M.give(service)
  local secret = "simulator " .. service.options.seed
  service.signer = signature.new(service.origin, secret)
  service.tokens = tokens.new(secret)
  service.addresses = (service.options.flow == "api" and at_api or at_storage)(service)
  return service
end

return M
