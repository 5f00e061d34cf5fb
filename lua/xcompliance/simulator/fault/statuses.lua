--- Faults that answer with a status instead of doing the work: `503`, `503-html`, `429@2`, …
--
--     NNN                  with the body that the service has for it (JSON or XML)
--     NNN-html -text -empty    with another body
--     NNN-early            before the request's body is read
--     NNN-after@SIZE       upload, chunk: after so much of the body (a chunk's is kept)
--     NNN-retry-after@SECONDS  NNN-retry-date@SECONDS    with Retry-After
--     301 302 303 307 308@URL  a redirect
--     429@SECONDS          with x-rate-limit-reset in SECONDS (default 1)
--     429-reset@TEXT       with that text as x-rate-limit-reset; 429-no-reset without any
--     403-client-forbidden 403-unsupported 429-usage-capped 429-v1        the API's other bodies
--     403-expired 403-purpose      the API's too: a URL's token that is used too late, or for
--                                  another operation or job
--     400-expired 400-malformed 400-digest 403-signature                  storage's other bodies
--
-- 404 and 410 on a chunk or a query end the session too.
-- @internal xcompliance.simulator.fault.statuses

local clock = require "xcompliance.simulator.clock"
local http = require "xcompliance.simulator.http"
local problem = require "xcompliance.simulator.problem"
local streams = require "xcompliance.simulator.fault.streams"

local M = {}

local TITLES = {
  [400] = "Bad Request", [401] = "Unauthorized", [403] = "Forbidden", [404] = "Not Found",
  [408] = "Request Timeout", [413] = "Payload Too Large", [415] = "Unsupported Media Type",
  [429] = "Too Many Requests", [500] = "Internal Server Error", [502] = "Bad Gateway",
  [503] = "Service Unavailable", [504] = "Gateway Timeout",
}
local HTML = "<!DOCTYPE html>\n<html><head><title>%d</title></head>"
  .. "<body><h1>Something is technically wrong.</h1></body></html>\n"

-- {====================================================================
-- Bodies
-- =====================================================================

local API_BODIES = {
  ["403-client-forbidden"] = problem.client_forbidden,
  ["403-unsupported"] = problem.unsupported_authentication,
  ["403-expired"] = problem.expired,
  ["403-purpose"] = problem.wrong_purpose,
  ["409"] = function() return problem.conflict() end,
  ["429-usage-capped"] = problem.usage_capped,
  ["429-v1"] = problem.rate_limited_v1,
}

-- echoes the URL, as the real one does
local function signature_mismatch(request)
  return problem.error(403, "SignatureDoesNotMatch", "The request signature we calculated does not "
    .. "match the signature you provided. Check your Google secret key and signing method.", {
    { "StringToSign", "GOOG4-RSA-SHA256" }, { "CanonicalRequest", request.target },
  })
end

local STORAGE_BODIES = {
  ["400-expired"] = function(_, now)
    return problem.error(400, "ExpiredToken", "Invalid argument.", {
      { "Details", "(The provided token has expired. )Request signature expired at: "
        .. clock.iso_offset(now) },
    })
  end,
  ["400-malformed"] = function()
    return problem.error(400, "MalformedSecurityHeader", "Your request has a malformed header.", {
      { "ParameterName", "content-type" },
      { "Details", "Header was included in signedheaders, but not in the request." },
    })
  end,
  ["400-digest"] = function()
    return problem.error(400, "BadDigest", "The MD5 you specified in Content-MD5 was invalid.")
  end,
  ["403"] = function() return problem.error(403, "AccessDenied", "Access denied.") end,
  ["403-signature"] = signature_mismatch,
  ["404"] = function()
    return problem.error(404, "NoSuchKey", "The specified key does not exist.")
  end,
}

local function plain_body(status, api)
  local title = TITLES[status] or "Unknown"
  if status < 400 then return http.response(status) end
  if api then return problem.plain(status, title) end
  return problem.error(status, title:gsub(" ", ""), title .. ".")
end

local function own_body(exchange, status, variant)
  local api = exchange.place == "api"
  local bodies = api and API_BODIES or STORAGE_BODIES
  local name = variant == "" and tostring(status) or status .. "-" .. variant
  local body = bodies[name] or (not M.bodies[name] and bodies[tostring(status)])
  if body then return body(exchange.request, exchange.service.clock:now()) end
  return plain_body(status, api)
end

-- the names of all special bodies
M.bodies = {}
for _, bodies in ipairs { API_BODIES, STORAGE_BODIES } do
  for name in pairs(bodies) do M.bodies[name] = true end
end

-- }====================================================================

-- {====================================================================
-- Variants
-- =====================================================================

local function typed(content_type, text)
  return function(response)
    http.set_header(response.headers, "Content-Type", content_type)
    response.body = text:format(response.status)
  end
end

local function retry_after(value)
  return function(response, exchange, seconds)
    local now = exchange.service.clock:now()
    http.set_header(response.headers, "Retry-After", value(seconds, now, exchange))
  end
end

local function whole(seconds)
  return ("%d"):format(math.ceil(seconds))
end

local function rate_limited(reset)
  return function(response, exchange, parameter)
    local service = exchange.service
    if exchange.place ~= "api" then return end
    http.set_header(response.headers, "x-rate-limit-limit", tostring(service.limiter.limit))
    http.set_header(response.headers, "x-rate-limit-remaining", "0")
    local value = reset(parameter, service.clock:now())
    if value then http.set_header(response.headers, "x-rate-limit-reset", value) end
  end
end

local function redirect(response, _, url)
  http.set_header(response.headers, "Location", url)
end

local VARIANTS = {
  html = { bend = typed("text/html; charset=utf-8", HTML) },
  text = { bend = typed("text/plain; charset=utf-8", "upstream says %d\n") },
  empty = {
    bend = function(response)
      http.remove_header(response.headers, "Content-Type")
      response.body = ""
    end,
  },
  early = { bend = function(response) response.early = true end },
  ["retry-after"] = { parameter = "number", bend = retry_after(whole) },
  ["retry-date"] = {
    parameter = "number",
    bend = retry_after(function(seconds, now, exchange)
      return clock.http(math.ceil(now + seconds), exchange.dates)
    end),
  },
  reset = { parameter = "text", bend = rate_limited(function(text) return text end) },
  ["no-reset"] = { bend = rate_limited(function() end) },
}

local LIMITED = {
  parameter = "number", default = 1,
  bend = rate_limited(function(seconds, now) return whole(now + seconds) end),
}
local REDIRECT = { parameter = "text", default = "http://127.0.0.1:1/", bend = redirect }
local REDIRECTS = { [301] = true, [302] = true, [303] = true, [307] = true, [308] = true }

local function variant_of(status, name)
  if name == "" and status == 429 then return LIMITED end
  if name == "" and REDIRECTS[status] then return REDIRECT end
  if M.bodies[status .. "-" .. name] then return {} end
  return VARIANTS[name] or name == "" and {}
end

-- }====================================================================

-- {====================================================================
-- Kinds
-- =====================================================================

local LOSES_SESSION = { [404] = true, [410] = true }

local function answer(exchange, status, name, variant, parameter)
  local response = own_body(exchange, status, name)
  if variant.bend then variant.bend(response, exchange, parameter) end
  local session = exchange.service.sessions:of(exchange.request)
  if session and LOSES_SESSION[status] then session:lose(status) end
  return response
end

-- a chunk's bytes are kept so far; those of a whole upload are read so far, and forgotten
local function after(status)
  return {
    parameter = "size", steps = { upload = true, chunk = true },
    before = function(exchange, size)
      exchange.request.keep = size
      if exchange.step == "chunk" then return end
      for _ in streams.cut(exchange.request.body, size) do end -- luacheck: ignore 542
      exchange.response = answer(exchange, status, "", {})
      exchange.response.early = true
    end,
    after = function(exchange)
      if exchange.step == "chunk" then return answer(exchange, status, "", {}) end
    end,
  }
end

--- The kind of a fault that is named by a status, or nil.
function M.kind(fault)
  local digits, name = fault:match("^(%d%d%d)%-?(.*)$")
  local status = math.tointeger(tonumber(digits))
  if not status then return nil end
  if name == "after" then return after(status) end
  local variant = variant_of(status, name)
  return variant and {
    parameter = variant.parameter, default = variant.default,
    before = function(exchange, parameter)
      exchange.response = answer(exchange, status, name, variant, parameter)
    end,
  }
end

-- }====================================================================

return M
