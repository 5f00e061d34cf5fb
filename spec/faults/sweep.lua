--- The sweep: the answer of each kind of exchange is cut at every byte, in each way in which a
-- connection can end. What must hold each time:
--
--   - a client that tries again gets the right answer; one that does not gets that, or an error of
--     the network;
--   - results are the old ones or all of the new ones;
--   - a whole check ends well, at once or when it is run again, with one job.
--
--     lua spec/faults/sweep.lua [EVERY [WORD…]]
--
-- (with the module's paths set, as `make sweep` does) cuts at every EVERYth byte (1), and prints a
-- line for each kind of exchange, or for each whose name begins with one of the words. See
-- sweep_spec.lua for the part of it that every run of the specs does.

local benches = require "spec.support.bench"
local cjson = require "cjson"
local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local shell = require("spec.support.simulator").shell
local sockets = require "cqueues.socket"

local M = {}

local PATIENT = { attempts = 5, first = 0.001, max = 0.005 }
local HASTY = { attempts = 1, first = 0.001, max = 0.005 }
local LIST = benches.ids(60)
local ACTS = 200 -- with one simulator, whose log and jobs become more

--- How a connection can end. Under TLS only "end-answer" says goodbye (close_notify).
M.ways = {
  http = { "cut-answer", "reset-answer" },
  tls = { "cut-answer", "end-answer", "reset-answer" },
}

-- {====================================================================
-- The simulator, given orders over one connection: thousands of times
-- =====================================================================

local Sweep = {}
Sweep.__index = Sweep

local function make_certificate(folder)
  assert(shell("cd " .. folder .. " && openssl req -x509 -newkey ec -pkeyopt"
    .. " ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out cert.pem -days 2"
    .. " -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 2>/dev/null"))
  return { certificate = folder .. "/cert.pem", key = folder .. "/key.pem" }
end

--- @tparam string flow "storage" or "api"
-- @tparam string transport "http" or "tls"
local function new(flow, transport)
  local folder = assert(shell("mktemp -d"))
  local tls = transport == "tls" and make_certificate(folder) or nil
  local bench = benches.start { flow = flow, tls = tls, shares = { deleted = 0.9 } }
  local self = setmetatable({
    bench = bench, folder = folder, tls = tls, flow = flow, acts = 0,
    target = bench:path("results.jsonl"), list = bench:path("ids.txt"),
  }, Sweep)
  benches.write(self.list, LIST)
  self.clients = {}
  for name, policy in pairs { patient = PATIENT, hasty = HASTY } do
    self.clients[name] = bench:client { retry = policy, ca_file = tls and tls.certificate }
  end
  return self
end

function Sweep:stop()
  if self.connection then self.connection:close() end
  self.bench:stop()
  shell("rm -rf " .. self.folder)
end

function Sweep:connect()
  local connection = assert(sockets.connect("127.0.0.1", self.bench.sim.port))
  connection:setmode("b", "bf")
  assert(connection:connect())
  if self.tls then
    assert(connection:starttls(require("openssl.ssl.context").new("TLS", false)))
  end
  return connection
end

--- Asks the simulator's admin.
function Sweep:admin(method, path, value)
  self.connection = self.connection or self:connect()
  local connection, body = self.connection, value and cjson.encode(value) or ""
  assert(connection:write(("%s /admin/%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s")
    :format(method, path, #body, body)))
  assert(connection:flush())
  local size, status
  for line in connection:lines("*L") do
    status = status or line
    size = tonumber(line:lower():match("^content%-length: (%d+)")) or size
    if line == "\r\n" then break end
  end
  local text = size and size > 0 and assert(connection:read(size)) or ""
  assert(status:find("HTTP/1.1 20", 1, true), status .. text)
  return text
end

function Sweep:arm(...) self:admin("POST", "faults", { ... }) end

-- }====================================================================

-- {====================================================================
-- What is done to meet an exchange
-- =====================================================================

local function expect(condition, format, ...)
  if not condition then error(format:format(...), 0) end
end

--- The result of an act, or nil if it failed as it may.
local function result(self, value, err)
  if value ~= nil then return value end
  expect(errors.is(err), "no error of ours: %s", tostring(err))
  expect(self.who == "hasty", "a client that tries again failed: %s", err.message)
  expect(err.kind == "network", "%s: %s", err.kind, err.message)
  return nil
end

--- A new job, for which nothing is armed.
function Sweep:job(resumable)
  local response = assert(self.clients.patient:create_compliance_job("tweets", nil, resumable))
  return response.data
end

--- Frees the slot of jobs that have nothing left to do.
function Sweep:free(id) self:admin("POST", "jobs/" .. id, { status = "failed" }) end

local acts = {}

--- Each act makes one job, whether the client learns of it or not.
function acts.create(self, client, fault)
  self:arm(fault)
  local made = result(self, client:create_compliance_job("tweets", "job " .. self.acts))
  expect(not made or made.data.upload_url and made.data.download_url, "the job has no URLs")
  local left = assert(self.clients.patient:list_jobs("tweets", "created")).data
  expect(left and #left == 1 and left[1].name == "job " .. self.acts, "not one job")
  expect(not made or made.data.id == left[1].id, "another job")
  self.jobs = (self.jobs or 0) + 1
  self:free(left[1].id)
end

local function known_job(self)
  if not self.known then
    self.known = self:job().id
    self:free(self.known)
  end
  return self.known
end

function acts.get(self, client, fault)
  local id = known_job(self)
  self:arm(fault)
  local got = result(self, client:list_job(id))
  expect(not got or got.data.id == id and got.data.status == "failed", "another job")
end

function acts.list(self, client, fault)
  local id = known_job(self)
  self:arm(fault)
  local got = result(self, client:list_jobs("tweets"))
  expect(not got or #got.data == 1 and got.data[1].id == id, "another list")
end

function acts.cancel(self, client, fault)
  local id = self:job().id
  self:arm(fault)
  local got = result(self, client:cancel_job(id))
  expect(not got or got.data.id == id, "another job")
  expect(self.clients.patient:list_job(id).data.status == "failed", "it was not cancelled")
end

local function upload(self, client, resumable, ...)
  local job = self:job(resumable)
  self:arm(...)
  local said, info = client:upload_ids(job.upload_url, self.list)
  said = result(self, said, info)
  expect(self:admin("GET", "upload/" .. job.id) == LIST, "storage holds something else")
  expect(not said or self.flow == "api" or info.verified, "the upload is not verified")
  self:free(job.id)
end

function acts.upload(self, client, fault) upload(self, client, false, fault) end
function acts.chunk(self, client, fault) upload(self, client, true, fault) end
function acts.query(self, client, fault) upload(self, client, true, "chunk:lost", fault) end

function acts.start(self, client, fault)
  local job = self:job(true)
  self:arm(fault)
  local said, info = client:upload_ids(job.upload_url, self.list)
  if result(self, said, info) then
    expect(self:admin("GET", "upload/" .. job.id) == LIST, "storage holds something else")
  end
  self:free(job.id)
end

--- A job that is complete, and its results.
local function finished_job(self)
  if not self.finished then
    local job = self:job()
    assert(self.clients.patient:upload_ids(job.upload_url, self.list))
    local deadline = core.now() + 10
    repeat
      self.finished = self.clients.patient:list_job(job.id).data
    until self.finished.status == "complete" or core.now() > deadline
    assert(self.clients.patient:download_results(self.finished.download_url, self.target))
    self.results = benches.read(self.target)
    expect(#self.results > 0, "there is nothing to download")
  end
  return self.finished
end

function acts.download(self, client, fault)
  local job = finished_job(self)
  benches.write(self.target, "old")
  self:arm(fault)
  local status = result(self, client:download_results(job.download_url, self.target))
  expect(benches.read(self.target) == (status and self.results or "old"), "a mixed file: %s",
    benches.read(self.target))
end

--- Whole checks. One that does not try again is run again.
function acts.check(self, client, fault)
  os.remove(self.target)
  self:arm(fault)
  local options = { type = "tweets", ids = self.list, results = self.target,
    upload = self.resumable and "resumable" or "simple", poll = { min = 0.001, max = 0.01 } }
  local outcome, err = client:check(options)
  if not outcome then
    result(self, outcome, err)
    expect(not benches.read(self.target), "results in spite of: %s", err.message)
    outcome, err = client:check(options)
    expect(outcome, "the check run again: %s", tostring(err))
  end
  self.jobs = (self.jobs or 0) + 1
  local text = benches.read(self.target)
  self.results = self.results or text
  expect(text == self.results and #text > 0, "other results: %s", text)
  expect(self:admin("GET", "upload/" .. outcome.jobs[1].id) == LIST, "storage holds something else")
end

-- }====================================================================

--- The kinds of exchange: `{ step, flow }`, and `check` and `resumable` for those within a check.
M.kinds = {}

local function add(flows, steps, check, resumable)
  for _, step in ipairs(steps) do
    for _, flow in ipairs(flows) do
      M.kinds[#M.kinds + 1] = { step = step, flow = flow, check = check, resumable = resumable }
    end
  end
end

local BOTH, OLDER = { "storage", "api" }, { "storage" }
add(BOTH, { "create", "get", "list", "cancel", "upload", "download" })
add(OLDER, { "start", "chunk", "query" })
add(BOTH, { "create", "upload", "get", "download" }, true)
add(OLDER, { "start", "chunk" }, true, true)

local function act(self, kind, who, fault)
  self.who, self.acts = who, self.acts + 1
  acts[kind.check and "check" or kind.step](self, self.clients[who], fault)
end

--- How many bytes the answer has: from there on a cut changes nothing.
local function size_of(self, kind)
  --- The fewest requests of three tries: a job may be polled once more under load.
  local function requests(at)
    local fewest = math.huge
    for _ = 1, 3 do
      self.bench:begin()
      act(self, kind, "patient", ("%s:cut-answer@%d"):format(kind.step, at))
      fewest = math.min(fewest, #self.bench:log())
    end
    return fewest
  end
  requests(1e6) -- what it needs once
  local usual, low, high = requests(1e6), 0, 8192
  while low < high do
    local middle = math.floor((low + high) / 2)
    if requests(middle) > usual then low = middle + 1 else high = middle end
  end
  expect(low > 100, "an answer of %d bytes is too small", low)
  return low
end

--- Each act that makes a job made one.
local function expect_jobs(self)
  local jobs = self.jobs and #self.bench.sim:state().jobs
  expect(jobs == self.jobs, "%s jobs, not %s", jobs, self.jobs)
end

--- Runs `act` with a sweep of its own, and says where something did not hold.
local function with_sweep(kind, transport, run)
  local self = new(kind.flow, transport)
  self.resumable = kind.resumable
  local ok, value = pcall(run, self)
  if ok then ok, value = pcall(function() expect_jobs(self) return value end) end
  self:stop()
  if ok then return value end
  error(("%s (%s): %s"):format(tostring(self.fault), transport, tostring(value)), 0)
end

--- Who meets each cut. Over plain TCP a client that tries again and one that does not both meet it;
-- otherwise they take turns.
local function meetings(transport, way, first, last, every)
  local list, both = {}, transport == "http" and way == "cut-answer"
  for at = first, last, every do
    if both or #list % 2 == 0 then list[#list + 1] = { at, "patient" } end
    if both or #list % 2 == 1 and list[#list][1] ~= at then list[#list + 1] = { at, "hasty" } end
  end
  return list
end

--- Cuts the first answer of a kind of exchange.
-- @tparam table kind one of `kinds`
-- @tparam string transport "http" or "tls"
-- @tparam string way one of `ways`
-- @tparam[opt=1] integer every at every that many bytes
-- @tparam[opt=0] integer from the first of them
-- @tparam[opt] integer size of the answer, if it need not be measured
-- @treturn integer how many cuts were met
-- @treturn integer the bytes of the answer
-- @raise a message that begins with the place, if something does not hold
function M.run(kind, transport, way, every, from, size)
  size = size or with_sweep(kind, transport, function(self) return size_of(self, kind) end)
  local list, next_one = meetings(transport, way, from or 0, size, every or 1), 1
  while next_one <= #list do
    with_sweep(kind, transport, function(self)
      for _ = 1, math.min(ACTS, #list - next_one + 1) do
        local at, who = list[next_one][1], list[next_one][2]
        self.fault = ("%s:%s@%d"):format(kind.step, way, at)
        act(self, kind, who, self.fault)
        next_one = next_one + 1
      end
    end)
  end
  return #list, size
end

--- A kind in words: "download, api" or "start within a check, storage".
function M.name(kind)
  return ("%s%s, %s"):format(kind.step, kind.check and " within a check" or "", kind.flow)
end

local function chosen(words)
  local list = {}
  for _, kind in ipairs(M.kinds) do
    local wanted = #words == 0
    for _, word in ipairs(words) do wanted = wanted or M.name(kind):sub(1, #word) == word end
    if wanted then list[#list + 1] = kind end
  end
  return list
end

local function main(every, ...)
  local began, cuts, failed = core.now(), 0, 0
  for _, kind in ipairs(chosen { ... }) do
    for _, transport in ipairs { "http", "tls" } do
      for _, way in ipairs(M.ways[transport]) do
        local ok, count, size = pcall(M.run, kind, transport, way, tonumber(every))
        if ok then
          cuts = cuts + count
          print(("%-34s %-4s %-13s %5d cuts in %d bytes"):format(M.name(kind), transport, way,
            count, size))
        else
          failed = failed + 1
          print(("%-34s %-4s %-13s FAILED: %s"):format(M.name(kind), transport, way, count))
        end
        io.stdout:flush()
      end
    end
  end
  print(("%d cuts; %.0f s"):format(cuts, core.now() - began))
  return failed == 0 and 0 or 1
end

if arg and tostring(arg[0]):match("spec/faults/sweep%.lua$") then
  os.exit(main((table.unpack or unpack)(arg)), true) -- luacheck: ignore
end

return M
