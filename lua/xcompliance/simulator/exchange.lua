--- One request and its answer, with what the fault board has in store for it.
--
-- A fault has two places to act: `before(exchange, parameter)`, which may put an answer of its own
-- into `exchange.response`, bend the request's body or hang up; and `after(exchange, response,
-- parameter)`, when the work is done, which may bend the answer, or return another.
-- @internal xcompliance.simulator.exchange

local clock = require "xcompliance.simulator.clock"
local cqueues = require "cqueues"
local http = require "xcompliance.simulator.http"
local problem = require "xcompliance.simulator.problem"
local steps = require "xcompliance.simulator.steps"

local M = {}

local LINGER = 2 -- seconds in which what a client still sends is read, so that it sees the answer

local function respond(exchange)
  local fault = exchange.fault
  if fault and fault.kind.before then fault.kind.before(exchange, fault.parameter) end
  local response = exchange.response or steps.answer(exchange)
  if not response.early then http.drain(exchange.request) end
  if fault and fault.kind.after then
    response = fault.kind.after(exchange, response, fault.parameter) or response
  end
  return response
end

local function linger(connection, request)
  local deadline = cqueues.monotime() + LINGER
  request.expects_continue = false
  connection.socket:settimeout(LINGER)
  repeat
    local piece = request.body()
  until not piece or cqueues.monotime() > deadline
end

-- the API writes dates in a form of its own
local function date_of(exchange)
  return clock.http(exchange.service.clock:now(), exchange.dates)
end

local function write(exchange, response)
  local connection, request = exchange.connection, exchange.request
  local date = date_of(exchange)
  response.close = response.close or response.early
    or (request.headers.connection or ""):lower() == "close"
  if exchange.write then return exchange.write(connection, response, date) end
  http.write_response(connection, response, date, request.method == "HEAD")
  if response.early then linger(connection, request) end
end

local function answer(exchange)
  local response = respond(exchange)
  exchange.status = response.status
  exchange.service.log:answered(exchange) -- before the client can ask for the log
  write(exchange, response)
  return not response.close
end

--- Serves one request.
-- @treturn boolean whether the connection stays
-- @treturn string|nil how it ends otherwise, see connection.lua
function M.serve(service, connection, request)
  local exchange = { service = service, connection = connection, request = request }
  exchange.step, exchange.place = steps.of(request, service.options.flow)
  exchange.dates = exchange.place == "api" and service.options.dates or "gmt"
  service.log:asked(exchange)
  if exchange.step ~= "admin" then exchange.fault = service.board:take(exchange.step) end
  local good, result = xpcall(answer, function(failure)
    if type(failure) == "table" then return failure end
    return { defect = debug.traceback(failure) }
  end, exchange)
  connection.pace = nil
  if good then return result end
  service.log:answered(exchange)
  if result.defect then
    service.log:defect(result.defect)
    http.write_response(connection, problem.plain(500, "Internal Server Error"),
      date_of(exchange))
  end
  return false, result.hangup
end

return M
