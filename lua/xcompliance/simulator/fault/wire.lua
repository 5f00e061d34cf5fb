--- Faults of the connection.
-- @internal xcompliance.simulator.fault.wire

local connections = require "xcompliance.simulator.connection"
local cqueues = require "cqueues"
local http = require "xcompliance.simulator.http"
local streams = require "xcompliance.simulator.fault.streams"

local M = {}

local UPLOADS = { upload = true, chunk = true }
local FOR_EVER = 3600 -- seconds; no test waits longer
local SETTLE = 0.05 -- seconds in which the peer takes what was sent, before a reset throws it away

-- {====================================================================
-- Ends
-- =====================================================================

local function end_by(exchange, how)
  return function()
    exchange.connection:flush()
    if how == "reset" then cqueues.sleep(SETTLE) end
    connections.hang_up(how)
  end
end

-- after this number of bytes of an upload's body, or of the answer's; without a size, at once
local function ends(doc, how)
  return {
    doc = doc, parameter = "size", optional = true,
    before = function(exchange, size)
      if not size then connections.hang_up(how) end
      if not UPLOADS[exchange.step] then return end
      exchange.request.body = streams.cut(exchange.request.body, size, end_by(exchange, how))
    end,
    after = function(exchange, response, size)
      response.size = streams.size(response)
      response.body = streams.cut(streams.of(response.body), size, end_by(exchange, how))
    end,
  }
end

-- after this number of bytes of the answer, its head included; without a size, after all of it
local function ends_answer(doc, how)
  return {
    doc = doc, parameter = "size", optional = true,
    after = function(exchange, _, size)
      exchange.write = function(connection, response, date)
        if size then connection:stop_after(size, how) end
        http.write_response(connection, response, date)
        connections.hang_up(how)
      end
    end,
  }
end

-- }====================================================================

-- {====================================================================
-- Waits
-- =====================================================================

local function blackhole(_, seconds)
  cqueues.sleep(seconds)
  connections.hang_up("close")
end

local function stall(_, _, seconds)
  cqueues.sleep(seconds)
end

local function stall_body(exchange, response, seconds)
  response.size = streams.size(response)
  response.body = streams.paused(streams.of(response.body), response.size // 2, function()
    exchange.connection:flush()
    cqueues.sleep(seconds)
  end)
end

local function throttle(exchange, rate)
  exchange.connection.pace = { piece = math.max(1, rate // 20), rate = rate }
  exchange.request.body = streams.slow(exchange.request.body, rate)
end

local function pieces(exchange)
  exchange.connection.pace = { piece = 1 }
end

-- }====================================================================

-- {====================================================================
-- Nonsense
-- =====================================================================

-- writes something else than an answer, and closes
local function instead(doc, write, parameter, default)
  return {
    doc = doc, parameter = parameter, default = default,
    after = function(exchange, _, value)
      exchange.write = function(connection, response)
        write(connection, value, response)
        connection:flush()
        connections.hang_up("close")
      end
    end,
  }
end

local function endless_header(connection, size)
  local piece = ("a"):rep(64 * 1024)
  connection:write("HTTP/1.1 200 OK\r\nX-Padding: ")
  for _ = 1, size // #piece do connection:write(piece) end
  connection:write("\r\nContent-Length: 0\r\n\r\n")
end

local function many_headers(connection, count)
  connection:write("HTTP/1.1 200 OK\r\n")
  for at = 1, count do connection:write(("X-Header-%d: value\r\n"):format(at)) end
  connection:write("Content-Length: 0\r\n\r\n")
end

local GARBAGE = "\1\2\3\255 this is no answer \0\r\n\r\n"

M.kinds = {
  ["refuse"] = {
    doc = "at once, whatever the step: connections are refused for @SECONDS", parameter = "number",
    default = 1,
    arm = function(service, seconds) service.listener:refuse(seconds) end,
  },
  ["clock"] = {
    doc = "at once, whatever the step: the clock is put forward by @SECONDS, back if negative",
    parameter = "number", arm = function(service, seconds) service.clock:advance(seconds) end,
  },
  ["close"] = {
    doc = "closed without an answer, nothing done",
    before = function() connections.hang_up("close") end,
  },
  ["lost"] = {
    doc = "the work done, then closed without an answer",
    after = function() connections.hang_up("close") end,
  },
  ["cut"] = ends("closed after @SIZE of the upload's body, or of the answer's", "close"),
  ["reset"] = ends("reset after @SIZE of the upload's body, or of the answer's", "reset"),
  ["cut-answer"] = ends_answer("closed after @SIZE of the answer, its head included", "close"),
  ["end-answer"] = ends_answer("the same; under TLS with close_notify", "end"),
  ["reset-answer"] = ends_answer("reset after @SIZE of the answer, its head included", "reset"),
  ["blackhole"] = {
    doc = "nothing read, nothing answered for @SECONDS", parameter = "number", default = FOR_EVER,
    before = blackhole,
  },
  ["stall"] = {
    doc = "@SECONDS between the work and the answer", parameter = "number", default = FOR_EVER,
    after = stall,
  },
  ["stall-body"] = {
    doc = "@SECONDS in the middle of the answer's body", parameter = "number", default = FOR_EVER,
    after = stall_body,
  },
  ["throttle"] = {
    doc = "both ways at @SIZE a second", parameter = "size", default = 100000, before = throttle,
  },
  ["pieces"] = { doc = "the answer byte by byte", before = pieces },
  ["no-100"] = {
    doc = "100 Continue never comes",
    before = function(exchange) exchange.request.expects_continue = false end,
  },
  ["garbage"] = instead("bytes that are no HTTP", function(connection)
    connection:write(GARBAGE)
  end),
  ["http09"] = instead("a body without a head", function(connection)
    connection:write("<html>hello from 1991</html>\n")
  end),
  ["1xx-only"] = instead("103 Early Hints and nothing more", function(connection)
    connection:write("HTTP/1.1 103 Early Hints\r\n\r\n")
  end),
  ["endless-header"] = instead("one header line of @SIZE", endless_header, "size", 16 << 20),
  ["many-headers"] = instead("@N headers", many_headers, "integer", 100000),
  ["idle-close"] = ends_answer("answered, then closed without a word", "close"),
}

-- }====================================================================

return M
