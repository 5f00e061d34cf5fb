--- One request and its answer, with what the fault board has in store for it.
--
-- A fault has two places to act: `before(exchange, parameter)`, which may put an answer of its own
-- into `exchange.response`, bend the request's body or hang up; and `after(exchange, response,
-- parameter)`, when the work is done, which may bend the answer, or return another.
-- @internal xcompliance.simulator.exchange

local cqueues = require "cqueues"
local admin = require "xcompliance.simulator.admin"
local api = require "xcompliance.simulator.api"
local clock = require "xcompliance.simulator.clock"
local http = require "xcompliance.simulator.http"
local problem = require "xcompliance.simulator.problem"
local storage = require "xcompliance.simulator.storage"

local M = {}

-- {====================================================================
-- Which step of the protocol a request is, and who answers it
-- =====================================================================

local function storage_step(request)
  local method = request.method
  if ("&" .. request.query):find("&upload_id=", 1, true) then
    if method == "DELETE" then return "abort" end
    local asks = (request.headers["content-range"] or ""):find("^bytes %*/")
    return asks and "query" or "chunk"
  end
  return method == "PUT" and "upload" or method == "POST" and "start" or "download"
end

--- The step of a request: create, list, get, cancel, upload, download; start, chunk, query, abort
-- (of upload sessions); admin or other. And its place: api, storage or admin.
-- @tparam table request
-- @tparam string flow which of the two places has the bytes
-- @treturn string
-- @treturn string
function M.of(request, flow)
  local path = request.path
  if path:find("^/admin/") then return "admin", "admin" end
  if flow == "storage" and path:find("^/twttr%-%a+%-compliance/") then
    return storage_step(request), "storage"
  end
  local rest = path:match("^/2/compliance/jobs(.*)$")
  local call = rest and request.method .. " " .. rest:gsub("^/[^/]+", "/ID")
  return call and (api.steps[call] or flow == "api" and api.byte_steps[call]) or "other", "api"
end

local function by_api(service, request, step, exchange)
  if step == "other" then return problem.plain(404, "Not Found") end
  local response
  response, exchange.job = api.answer(service, request, step)
  return response
end

local SESSION = { chunk = true, query = true, abort = true }

local function by_storage(service, request, step)
  if SESSION[step] then return service.sessions:answer(request, step) end
  return storage.answer(service, request, step)
end

local ANSWERS = { admin = admin.answer, api = by_api, storage = by_storage }

--- Does what a request asks.
-- @treturn table the response
function M.answer(exchange)
  local step = exchange.step
  return ANSWERS[exchange.place](exchange.service, exchange.request, step, exchange)
end

-- }====================================================================

-- {====================================================================
-- Rate limits: one bucket an operation, reported in three headers
-- =====================================================================

local Limiter = {}
Limiter.__index = Limiter

--- @tparam integer limit requests a window
-- @tparam integer window seconds
-- @tparam table own_clock
function M.limiter(limit, window, own_clock)
  return setmetatable({ limit = limit, window = window, clock = own_clock, buckets = {} }, Limiter)
end

--- Counts one request.
-- @treturn table the bucket: `{ used, resets_at }`; `used` beyond the limit where it is refused
function Limiter:count(operation)
  local now = self.clock:now()
  local bucket = self.buckets[operation]
  if not bucket or now >= bucket.resets_at then
    bucket = { used = 0, resets_at = math.floor(now) + self.window }
    self.buckets[operation] = bucket
  end
  bucket.used = bucket.used + 1
  return bucket
end

--- Writes a bucket into a response's headers.
function Limiter:report(bucket, fields)
  http.set_header(fields, "x-rate-limit-limit", tostring(self.limit))
  http.set_header(fields, "x-rate-limit-remaining", tostring(math.max(0, self.limit - bucket.used)))
  http.set_header(fields, "x-rate-limit-reset", tostring(bucket.resets_at))
end

-- }====================================================================

local LINGER = 2 -- seconds in which what a client still sends is read, so that it sees the answer

local function respond(exchange)
  local fault = exchange.fault
  if fault and fault.kind.before then fault.kind.before(exchange, fault.parameter) end
  local response = exchange.response or M.answer(exchange)
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
  exchange.step, exchange.place = M.of(request, service.options.flow)
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
