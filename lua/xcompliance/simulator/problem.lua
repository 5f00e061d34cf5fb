--- The API's errors, as it was seen to write them.
-- @internal xcompliance.simulator.problem

local cjson = require "cjson"
local http = require "xcompliance.simulator.http"

local M = {}

-- {====================================================================
-- The storage service's errors: small XML documents
-- =====================================================================

local ENTITIES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }

local function element(name, text)
  return ("<%s>%s</%s>"):format(name, text:gsub("[&<>]", ENTITIES), name)
end

--- A response that says what storage did not like.
-- @tparam integer status
-- @tparam string code such as `"NoSuchKey"`
-- @tparam string message
-- @tparam[opt] table details further elements, a list of `{ name, text }`
function M.error(status, code, message, details)
  local elements = { element("Code", code), element("Message", message) }
  for _, detail in ipairs(details or {}) do
    elements[#elements + 1] = element(detail[1], detail[2])
  end
  local body = ("<?xml version='1.0' encoding='UTF-8'?><Error>%s</Error>")
    :format(table.concat(elements))
  return http.response(status, { { "Content-Type", "application/xml; charset=UTF-8" } }, body)
end

-- }====================================================================

local TYPES = "https://api.x.com/2/problems/"

--- JSON with plain slashes, as the API writes it.
function M.json(value)
  return (cjson.encode(value):gsub("\\/", "/"))
end

--- A JSON response.
function M.response(status, value, content_type)
  local fields = { { "Content-Type", content_type or "application/json; charset=utf-8" } }
  return http.response(status, fields, M.json(value))
end

--- A problem whose title says it all.
function M.plain(status, title)
  return M.response(status, {
    title = title, detail = title, type = "about:blank", status = status,
  }, "application/problem+json")
end

function M.invalid_request(parameter, value, message)
  return M.response(400, {
    errors = { { message = message, parameters = { [parameter] = { tostring(value) } } } },
    title = "Invalid Request", detail = "One or more parameters to your request was invalid.",
    type = TYPES .. "invalid-request",
  })
end

function M.not_found(id)
  return M.response(404, {
    title = "Not Found Error", detail = ("Could not find job with id: [%s]."):format(id),
    type = TYPES .. "resource-not-found", status = 404,
    parameter = "id", value = id, resource_id = id, resource_type = "compliance_job",
  })
end

--- @tparam[opt] string detail that another job is in progress, without it
function M.conflict(detail)
  return M.response(409, {
    title = "Conflict", type = TYPES .. "conflict", status = 409,
    detail = detail or "You cannot create a new job if one is already in progress.",
  })
end

function M.invalid_id(id)
  return M.invalid_request("id", id,
    ("The `id` query parameter value [%s] is not valid"):format(id))
end

local function forbidden(detail)
  return M.response(403, {
    title = "Forbidden", detail = detail, type = "about:blank", status = 403,
  }, "application/problem+json")
end

--- The URL of an upload or a download is no longer valid.
function M.expired() return forbidden("The token has expired.") end

--- The URL's token is for another operation or another job.
function M.wrong_purpose() return forbidden("The token is not valid for this operation.") end

function M.too_large() return M.plain(413, "Payload Too Large") end

function M.unsupported_authentication()
  return M.response(403, {
    title = "Unsupported Authentication", status = 403,
    type = TYPES .. "unsupported-authentication",
    detail = "Authenticating with OAuth 1.0a User Context is forbidden for this endpoint.  "
      .. "Supported authentication types are [OAuth 2.0 Application-Only].",
  }, "application/problem+json")
end

function M.client_forbidden() -- really without `status`
  return M.response(403, {
    client_id = "20259681", title = "Client Forbidden", type = TYPES .. "client-forbidden",
    detail = "When authenticating requests to the Twitter API v2 endpoints, you must use keys and "
      .. "tokens from a Twitter developer App that is attached to a Project.",
    required_enrollment = "Appropriate Level of API Access", reason = "client-not-enrolled",
    registration_url = "https://developer.twitter.com/en/docs/projects/overview",
  }, "application/problem+json")
end

function M.usage_capped()
  return M.response(429, {
    title = "UsageCapExceeded", detail = "Usage cap exceeded: Monthly product cap",
    type = TYPES .. "usage-capped", status = 429, period = "Monthly", scope = "Product",
  }, "application/problem+json")
end

function M.rate_limited_v1()
  return M.response(429, { errors = { { code = 88, message = "Rate limit exceeded" } } })
end

return M
