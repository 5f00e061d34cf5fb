--- The storage service's errors: small XML documents.
-- @internal xcompliance.simulator.xml

local http = require "xcompliance.simulator.http"

local M = {}

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

return M
