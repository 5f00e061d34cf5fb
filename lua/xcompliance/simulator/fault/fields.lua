--- Faults in the head of an answer whose work is done: its status, its headers.
-- @internal xcompliance.simulator.fault.fields

local headers = require "xcompliance.simulator.headers"

local M = {}

local SESSION = { start = true }
local STORED = { upload = true, chunk = true, query = true, download = true }

-- "Name: value" replaces a header, "Name:" removes it
local function change_header(response, text)
  local name, value = text:match("^([^:]+):%s*(.*)$")
  headers.remove(response.headers, name)
  if value ~= "" then headers.add(response.headers, name, value) end
end

local function header(doc, text, steps)
  return {
    doc = doc, steps = steps,
    after = function(_, response) change_header(response, text) end,
  }
end

local function location(doc, change, parameter, default)
  return {
    doc = doc, parameter = parameter, default = default, steps = SESSION,
    after = function(_, response, value)
      local url = headers.get(response.headers, "Location")
      headers.set(response.headers, "Location", change(url, value))
    end,
  }
end

-- the same hash with its first digit changed
local function lie(value)
  return (value:gsub("=(.)", function(digit) return digit == "A" and "=B" or "=A" end, 1))
end

M.kinds = {
  ["header"] = {
    doc = "a header replaced, @NAME: VALUE, or removed, @NAME:", parameter = "text",
    after = function(_, response, text) change_header(response, text) end,
  },
  ["status"] = {
    doc = "another status, @NNN, for the same answer", parameter = "integer",
    after = function(_, response, status) response.status = status end,
  },
  ["date"] = {
    doc = "dates written as @FORM: utc, gmt, rfc850 or asctime", parameter = "form",
    before = function(exchange, form) exchange.dates = form end,
  },
  ["no-location"] = header("a session without Location", "Location:", SESSION),
  ["relative-location"] = location("a session whose Location has no host", function(url)
    return url:match("^%a+://[^/]*(.*)$")
  end),
  ["foreign-location"] = location("a session at another origin: @ORIGIN", function(url, origin)
    return origin .. url:match("^%a+://[^/]*(.*)$")
  end, "text", "https://storage.example.com"),
  ["no-hash"] = header("no x-goog-hash", "x-goog-hash:", STORED),
  ["wrong-hash"] = {
    doc = "hashes that differ from what is stored", steps = STORED,
    after = function(_, response)
      for _, field in ipairs(response.headers) do
        if field[1] == "x-goog-hash" then field[2] = lie(field[2]) end
      end
    end,
  },
  ["no-length"] =
    header("no x-goog-stored-content-length", "x-goog-stored-content-length:", STORED),
  ["wrong-length"] = {
    doc = "one byte less stored than there is", steps = STORED,
    after = function(_, response)
      local size = tonumber(headers.get(response.headers, "x-goog-stored-content-length") or "")
      if size then
        headers.set(response.headers, "x-goog-stored-content-length", ("%d"):format(size - 1))
      end
    end,
  },
  ["other-etag"] = header("another ETag and generation", 'ETag: "another"', STORED),
}

return M
