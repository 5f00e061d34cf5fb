--- What the specs of the fault matrix share: a simulator, clients, lists of ids, what was asked.
--
--     local bench = require("spec.support.bench").start()
--     local job = bench:job { resumable = true }
--     bench:arm("chunk:503")
--     bench:client():upload_ids(job.upload_url, bench:list(300000))
--     bench:steps()        --> "start chunk query chunk"
--     bench:stop()

local cjson = require "cjson"
local connections = require "xcompliance.connection"
local core = require "xcompliance.core"
local simulator = require "spec.support.simulator"
local xcompliance = require "xcompliance"

local shell, quote = simulator.shell, simulator.quote

local M = {}
local Bench = {}
Bench.__index = Bench

M.TOKEN = "t0ken-0123456789abcdef"
M.KiB, M.MiB = 1024, 1024 * 1024

-- in memory where that can be: flushing to a disk that others use takes its time
local FOLDER = [[mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")"]]

-- quick, and bounded
local RETRY = { attempts = 5, first = 0.01, max = 0.05 }

--- Starts a simulator. What a job takes and how often it may be asked do not matter here.
-- @tparam[opt] table options of the simulator
function M.start(options)
  local all = { jobs_take = 0, rate_limit = 100000, hashes = "crc32c" }
  for name, value in pairs(options or {}) do all[name] = value end
  return setmetatable({
    sim = simulator.start(all), flow = all.flow or simulator.flow, folder = assert(shell(FOLDER)),
    clients = {}, jobs = {}, files = 0, mark = 0,
  }, Bench)
end

--- Forgets what was asked until now.
function Bench:begin()
  local log = self.sim:log()
  self.mark = #log > 0 and log[#log].number or 0
end

function Bench:stop()
  for _, client in ipairs(self.clients) do client:close() end
  self.sim:stop()
  shell("rm -rf " .. quote(self.folder))
end

--- The connection of a client of the simulator, for what users do not see.
function Bench:connection()
  return connections.new {
    base_url = self.sim.url, bearer_token = M.TOKEN, retry = RETRY,
    loop = require "xcompliance.loop.blocking",
  }
end

--- A client of the simulator, closed with it.
-- @tparam[opt] table settings further ones
function Bench:client(settings)
  local all = { bearer_token = M.TOKEN, base_url = self.sim.url, retry = RETRY }
  for name, value in pairs(settings or {}) do all[name] = value end
  local client = xcompliance.client(all)
  self.clients[#self.clients + 1] = client
  return client
end

--- Arms faults: texts (see lua/xcompliance/simulator/fault/grammar.lua), or an array of them.
function Bench:arm(faults, ...)
  if type(faults) == "string" then return self.sim:arm(faults, ...) end
  if #faults > 0 then self.sim:arm_raw(faults) end
end

-- {====================================================================
-- Lists and jobs
-- =====================================================================

--- A name in the bench's folder that nothing has yet.
function Bench:path(name)
  self.files = self.files + 1
  return ("%s/%d-%s"):format(self.folder, self.files, name or "file")
end

local texts = {}

--- Text of exactly this many bytes: ids of 19 digits, one a line; the last may be shorter.
function M.ids(bytes)
  if not texts[bytes] then
    local lines = {}
    for i = 1, math.ceil(bytes / 20) do lines[i] = ("1%018d\n"):format(i * 7) end
    texts[bytes] = table.concat(lines):sub(1, bytes)
  end
  return texts[bytes]
end

function M.write(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
end

function M.read(path)
  local file = io.open(path, "rb")
  local text = file and file:read("*a")
  if file then file:close() end
  return text
end

--- A list of exactly this many bytes.
-- @treturn string its path
-- @treturn string its text
function Bench:list(bytes)
  local path, text = self:path("ids.txt"), M.ids(bytes)
  M.write(path, text)
  return path, text
end

--- Creates a job, past the client. The last one of its type is ended first.
-- @tparam[opt] table options `type`, `resumable`
-- @treturn table its model
function Bench:job(options)
  options = options or {}
  local job_type = options.type or "tweets"
  local last = self.jobs[job_type]
  if last then self.sim:change_job(last.id, { status = "expired" }) end
  local text = self.sim:curl(("-f -H 'Authorization: Bearer %s' -H 'Content-Type: application/json'"
    .. " --data-binary %s /2/compliance/jobs"):format(M.TOKEN, quote(cjson.encode {
      type = job_type, resumable = options.resumable or nil,
    })))
  self:begin()
  self.jobs[job_type] = cjson.decode(text).data
  return self.jobs[job_type]
end

--- A job that is complete, with what its results are.
-- @tparam[opt] number ids how many are asked about
-- @treturn table the model
-- @treturn string the results
function Bench:complete_job(ids)
  local job = self:job()
  local path = self:path("ids.txt")
  M.write(path, M.ids(20 * (ids or 20000)))
  local bearer = self.flow == "api" and "-H 'Authorization: Bearer " .. M.TOKEN .. "' " or ""
  self.sim:curl(("-f -X PUT %s-H 'Content-Type: text/plain' -H 'Expect:' --data-binary @%s %s")
    :format(bearer, quote(path), quote(job.upload_url)))
  local deadline = core.now() + 10
  local get = "env -u LD_PRELOAD curl -sf " .. bearer .. quote(job.download_url) .. " && printf ."
  local results = shell(get)
  while not results and core.now() < deadline do results = shell(get) end
  self:begin()
  return job, assert(results):sub(1, -2)
end

-- }====================================================================

-- {====================================================================
-- What was asked
-- =====================================================================

--- The requests since the test began, as the simulator's log has them.
function Bench:log()
  local list = {}
  for _, entry in ipairs(self.sim:log()) do
    if entry.number > self.mark then list[#list + 1] = entry end
  end
  return list
end

--- The steps since the test began: "start chunk query chunk".
function Bench:steps()
  local steps = {}
  for i, entry in ipairs(self:log()) do steps[i] = entry.step end
  return table.concat(steps, " ")
end

--- One header of each request at a step, in order.
function Bench:asked(step, header)
  local list = {}
  for _, entry in ipairs(self:log()) do
    if entry.step == step then list[#list + 1] = entry.headers[header] or "" end
  end
  return list
end

--- How many requests there were at a step.
function Bench:count(step) return #self:asked(step, "host") end

--- What storage holds of a job: `{ size, crc32c }`, or nil.
function Bench:stored(job)
  for _, known in ipairs(self.sim:state().jobs) do
    if known.id == job.id then return known.upload end
  end
end

--- Asserts that storage holds this text for the job, and that the client knows it.
function Bench:holds(job, text)
  local stored = assert(self:stored(job), "storage holds nothing")
  local same = stored.size == #text and stored.crc32c == core.crc32c(text)
  assert(same, "storage holds something else")
end

-- }====================================================================

--- Asserts that `act` makes this process grow by no more than this many bytes at any time.
function M.grows_at_most(bytes, act)
  local function peak()
    return 1024 * tonumber(M.read("/proc/self/status"):match("VmHWM:%s*(%d+)"))
  end
  local before = peak()
  act()
  local grown = peak() - before
  -- the sanitizers keep what was freed
  assert(grown <= bytes or os.getenv("LD_PRELOAD"), ("it grew by %.0f bytes"):format(grown))
end

-- {====================================================================
-- Other processes
-- =====================================================================

local function lua_command()
  local build = os.getenv("XCOMPLIANCE_BUILD") or "build"
  local interpreter = require "spec.support.interpreter"
  local cwd = assert(shell("pwd"))
  local preload = os.getenv("LD_PRELOAD") -- the sanitizers', which the core was built for
  local text = "env LUA_PATH='@/lua/?.lua;@/lua/?/init.lua;@/?.lua;;' LUA_CPATH='@/%s/%s/?.so;;'"
    .. " %s %%s %s"
  return (text:format(build, interpreter, preload and "LD_PRELOAD=" .. quote(preload) or "",
    interpreter):gsub("@", function() return cwd end))
end

--- The shell's words that run a Lua file, or the command with these arguments, under this Lua.
-- @tparam string arguments
-- @tparam[opt] string wrapper what is to run it: "faketime …", "fiu-run …"
function M.command(arguments, wrapper)
  return lua_command():format(wrapper or "") .. " " .. arguments
end

--- The words that run `xcompliance` against the simulator.
function Bench:xcompliance(arguments, wrapper)
  return ("env BEARER_TOKEN=%s XCOMPLIANCE_BASE_URL=%s %s"):format(
    M.TOKEN, self.sim.url, M.command("bin/xcompliance " .. arguments, wrapper))
end

--- Runs a command in the background.
-- @treturn table `{ pid }`, `kill(signal)`, `wait()` which returns its output and exit status
function Bench:spawn(command)
  local output, status, id = self:path("output"), self:path("status"), self:path("pid")
  local inner = quote(("echo $$ >%s; exec %s"):format(id, command))
  os.execute(("( sh -c %s >%s 2>&1; echo $? >%s ) >/dev/null 2>&1 &"):format(inner, output, status))
  repeat
    core.sleep(0.002)
    local pid = M.read(id)
  until pid and pid:find("\n")
  local process = { pid = M.read(id):match("%d+") }
  function process.kill(signal) shell(("kill -%s %s 2>/dev/null"):format(signal, process.pid)) end
  function process.wait()
    for _ = 1, 1200 do
      if (M.read(status) or "") ~= "" then break end
      core.sleep(0.05)
    end
    return M.read(output), tonumber(M.read(status))
  end
  return process
end

-- }====================================================================

return M
