--- The URLs of a job: at the API's own host, with a token for each operation; or, in the older
-- flow, signed URLs of storage.
-- @internal xcompliance.simulator.addresses

local digest = require "openssl.digest"
local hmac = require "openssl.hmac"
local clock = require "xcompliance.simulator.clock"
local digests = require "xcompliance.simulator.digests"
local problem = require "xcompliance.simulator.problem"

local M = {}

-- {====================================================================
-- The tokens in the URLs of jobs at the API's own host. A token is good for one operation of one
-- =====================================================================

-- job; until when is for the job to say. It holds characters that must be escaped in a URL, so that
-- a client that decodes and encodes URLs is caught.

local Tokens = {}
Tokens.__index = Tokens

local ESCAPES = { ["+"] = "%2B", ["/"] = "%2F", ["="] = "%3D" }

--- @tparam string secret
function M.tokens(secret)
  return setmetatable({ secret = secret, issued = {}, count = 0 }, Tokens)
end

--- Makes a token that is like no other.
-- @tparam string purpose `"upload"` or `"download"`
-- @tparam string id the job's
-- @treturn string the token as it stands in a URL
function Tokens:issue(purpose, id)
  self.count = self.count + 1
  local text = ("%s %s %d"):format(purpose, id, self.count)
  local token = digests.base64(hmac.new(self.secret, "sha256"):final(text))
  self.issued[token] = { purpose = purpose, id = id }
  return (token:gsub("[+/=]", ESCAPES))
end

--- Makes the tokens for an operation of a job unusable.
function Tokens:revoke(purpose, id)
  for token, use in pairs(self.issued) do
    if use.purpose == purpose and use.id == id then self.issued[token] = nil end
  end
end

--- What a token is good for: `{ purpose, id }`, or nil if it is unusable.
-- @tparam[opt] string token decoded
function Tokens:use(token)
  return token and self.issued[token]
end

-- }====================================================================

-- {====================================================================
-- V4-shaped signed URLs: a signature over method, path, query and the values of signed headers
-- =====================================================================

-- The real ones are RSA over SHA-256; an HMAC of the same text serves as well if one party signs
-- and verifies, and is repeated to the length that RSA would have.

local Signer = {}
Signer.__index = Signer

local ALGORITHM = "GOOG4-RSA-SHA256"
local ACCOUNT = "complianceapi-public-svc-acct%40xcompliance-simulator.iam.gserviceaccount.com"

--- A signer of URLs.
-- @tparam string origin what URLs begin with, such as `http://127.0.0.1:8080`
-- @tparam string secret
function M.signer(origin, secret)
  local host = origin:match("^%a+://(.*)$")
  return setmetatable({ origin = origin, host = host, secret = secret }, Signer)
end

local function hex(bytes)
  return (bytes:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
end

local function canonical_request(method, path, query, names, values)
  local lines = { method, path, query }
  for _, name in ipairs(names) do lines[#lines + 1] = name .. ":" .. values[name] end
  lines[#lines + 1] = ""
  lines[#lines + 1] = table.concat(names, ";")
  lines[#lines + 1] = "UNSIGNED-PAYLOAD"
  return table.concat(lines, "\n")
end

local function string_to_sign(canonical, date)
  return table.concat({
    ALGORITHM, date, date:sub(1, 8) .. "/auto/storage/goog4_request",
    hex(digest.new("sha256"):final(canonical)),
  }, "\n")
end

local function signature(secret, text)
  return hex(hmac.new(secret, "sha256"):final(text)):rep(8)
end

local function names_of(values)
  local names = {}
  for name in pairs(values) do names[#names + 1] = name end
  table.sort(names)
  return names
end

--- A signed URL.
-- @tparam string method
-- @tparam string path
-- @tparam table values the values of the headers that must be sent with it, `host` apart
-- @tparam number at seconds since 1970
-- @tparam integer expires seconds
function Signer:url(method, path, values, at, expires)
  values.host = self.host
  local names, date = names_of(values), clock.basic(at)
  local scope = date:sub(1, 8) .. "%2Fauto%2Fstorage%2Fgoog4_request"
  local query = table.concat({
    "X-Goog-Algorithm=" .. ALGORITHM,
    "X-Goog-Credential=" .. ACCOUNT .. "%2F" .. scope,
    "X-Goog-Date=" .. date,
    "X-Goog-Expires=" .. expires,
    "X-Goog-SignedHeaders=" .. table.concat(names, "%3B"),
  }, "&")
  local text = string_to_sign(canonical_request(method, path, query, names, values), date)
  return ("%s%s?%s&X-Goog-Signature=%s"):format(self.origin, path, query,
    signature(self.secret, text))
end

-- the query's parts by name, and all but the signature in canonical order
local function parse_query(query)
  local values, parts = {}, {}
  for part in query:gmatch("[^&]+") do
    local name, value = part:match("^([^=]*)=?(.*)$")
    values[name] = value
    if name ~= "X-Goog-Signature" then parts[#parts + 1] = part end
  end
  table.sort(parts)
  return values, table.concat(parts, "&")
end

local function missing_header(names, fields)
  for _, name in ipairs(names) do
    if not fields[name] then
      return problem.error(400, "MalformedSecurityHeader", "Your request has a malformed header.", {
        { "ParameterName", name },
        { "Details", "Header was included in signedheaders, but not in the request." },
      })
    end
  end
end

--- The error for a URL whose time is over.
-- @tparam number ends seconds since 1970
function M.expired(ends)
  return problem.error(400, "ExpiredToken", "The provided token has expired.", {
    { "Details", "Request signature expired at: " .. clock.iso_offset(ends) },
  })
end

local function expired(given, now)
  local date = clock.parse_basic(given["X-Goog-Date"] or "") or 0
  local ends = date + (tonumber(given["X-Goog-Expires"]) or 0)
  if now >= ends then return M.expired(ends) end
end

local function unsigned_header(names, fields)
  local signed = {}
  for _, name in ipairs(names) do signed[name] = true end
  for name in pairs(fields) do
    if name:find("^x%-goog%-") and not signed[name] then return name end
  end
end

--- Whether a request may pass.
-- @treturn nil|table nothing, or the XML error that refuses it
function Signer:refusal(request, now)
  local given, query = parse_query(request.query)
  if not given["X-Goog-Signature"] then
    return problem.error(403, "AccessDenied", "Access denied.", {
      { "Details", "Anonymous caller does not have storage.objects.get access." },
    })
  end
  local names = {}
  for name in (given["X-Goog-SignedHeaders"] or ""):gsub("%%3B", ";"):gmatch("[^;]+") do
    names[#names + 1] = name
  end
  local refusal = expired(given, now) or missing_header(names, request.headers)
  if refusal then return refusal end

  local canonical = canonical_request(request.method, request.path, query, names, request.headers)
  local text = string_to_sign(canonical, given["X-Goog-Date"] or "")
  local right = signature(self.secret, text) == given["X-Goog-Signature"]
  if right and not unsigned_header(names, request.headers) then return nil end
  return problem.error(403, "SignatureDoesNotMatch", "The request signature we calculated does not "
    .. "match the signature you provided. Check your Google secret key and signing method.", {
    { "StringToSign", text }, { "CanonicalRequest", canonical },
  })
end

-- }====================================================================

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
  service.signer = M.signer(service.origin, secret)
  service.tokens = M.tokens(secret)
  service.addresses = (service.options.flow == "api" and at_api or at_storage)(service)
  return service
end

return M
