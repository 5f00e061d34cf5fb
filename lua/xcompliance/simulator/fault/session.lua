--- Faults of resumable sessions.
-- @internal xcompliance.simulator.fault.session

local http = require "xcompliance.simulator.http"

local M = {}

local SESSION = { chunk = true, query = true }
local CHUNK = { chunk = true }
local QUARTER = 256 * 1024

local function progress(range)
  return http.response(308, range and { { "Range", range } })
end

local function ranged(doc, make, parameter)
  return {
    doc = doc, parameter = parameter, steps = SESSION,
    after = function(exchange, _, value)
      local session = exchange.service.sessions:of(exchange.request)
      return progress(make(session and session:kept() or 0, value))
    end,
  }
end

local function gap(exchange)
  local session = exchange.service.sessions:of(exchange.request)
  local kept = session and session:kept() or 0
  exchange.response = http.response(503, { { "Content-Type", "text/plain; charset=utf-8" } },
    ("Invalid request.  According to the Content-Range header, the upload offset is %d byte(s), "
      .. "which exceeds already uploaded size of %d byte(s)."):format(kept + QUARTER, kept))
end

M.kinds = {
  ["308-partial"] = {
    doc = "only the first @SIZE of the chunk are kept, in whole 256 KiB", parameter = "size",
    steps = CHUNK,
    before = function(exchange, size) exchange.request.keep = size end,
  },
  ["no-range"] = ranged("308 without Range, although the data is kept", function() end),
  ["range"] = ranged("308 with that Range: @bytes=0-5", function(_, text) return text end, "text"),
  ["range-ahead"] = ranged("308 with a Range beyond what was sent", function(kept)
    return ("bytes=0-%d"):format(kept + QUARTER - 1)
  end),
  ["two-ranges"] = {
    doc = "308 with two Range headers", steps = SESSION,
    after = function()
      local response = progress("bytes=0-262143")
      http.add_header(response.headers, "Range", "bytes=0-524287")
      return response
    end,
  },
  ["override-308"] = {
    doc = "200 with X-HTTP-Status-Code-Override: 308 and the Range", steps = SESSION,
    before = function(exchange) exchange.request.keep = math.maxinteger end,
    after = function(_, response)
      response.status = 200
      http.add_header(response.headers, "X-HTTP-Status-Code-Override", "308")
    end,
  },
  ["gap"] = {
    doc = "503 that says the offset is beyond what is kept", steps = CHUNK, before = gap,
  },
  ["shrink"] = {
    doc = "@N pieces of 256 KiB are forgotten first", parameter = "integer", default = 1,
    steps = SESSION,
    before = function(exchange, pieces)
      local session = exchange.service.sessions:of(exchange.request)
      if session then session:shrink(pieces) end
    end,
  },
}

return M
