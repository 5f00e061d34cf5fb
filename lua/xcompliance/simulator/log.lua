--- What was asked and answered: in memory for the admin, and as JSON lines in a file.
-- No token and no signature is in it; whether there was one is.
-- @internal xcompliance.simulator.log

local problem = require "xcompliance.simulator.problem"

local M = {}
local Log = {}
Log.__index = Log

local KEPT = 2000
local HEADERS = {
  "accept-encoding", "content-length", "content-md5", "content-range", "content-type", "expect",
  "host", "if-range", "range", "user-agent", "x-goog-hash", "x-goog-resumable",
}

--- @tparam[opt] string path of a file to append to
-- @tparam table clock
function M.new(path, clock)
  return setmetatable({
    file = path and assert(io.open(path, "a")), clock = clock,
    entries = {}, counters = {}, last = 0, defects = {},
  }, Log)
end

local function masked(query)
  return ("&" .. query):gsub("(&token=)[^&]*", "%1***"):sub(2)
end

local function selected(fields)
  local kept = {}
  for _, name in ipairs(HEADERS) do kept[name] = fields[name] end
  return kept
end

--- Notes a request; calls of the admin are not noted.
function Log:asked(exchange)
  if exchange.step == "admin" then return end
  local request = exchange.request
  self.counters[exchange.step] = (self.counters[exchange.step] or 0) + 1
  self.last = self.last + 1
  local signed = request.query:find("X%-Goog%-") ~= nil
  exchange.entry = {
    number = self.last, time = self.clock:now(), step = exchange.step, method = request.method,
    path = request.path, signed = signed, query = not signed and masked(request.query) or nil,
    authorization = request.headers.authorization ~= nil, headers = selected(request.headers),
  }
  self.entries[self.last] = exchange.entry
  self.entries[self.last - KEPT] = nil
end

--- Notes how it was answered: without `status` where the connection ended instead.
function Log:answered(exchange)
  local entry = exchange.entry
  if not entry or entry.done then return end
  entry.done, entry.status, entry.body = true, exchange.status, exchange.request.text
  entry.fault = exchange.fault and exchange.fault.text
  if self.file then
    self.file:write(problem.json(entry), "\n")
    self.file:flush()
  end
end

--- Notes a mistake of the simulator's own.
function Log:defect(trace)
  io.stderr:write("simulator: ", trace, "\n")
  self.defects[#self.defects + 1] = trace
end

--- The last entries, oldest first.
function Log:list()
  local list = {}
  for number = math.max(1, self.last - KEPT + 1), self.last do
    list[#list + 1] = self.entries[number]
  end
  return list
end

return M
