--- Starts the simulator for a spec, as a child process that ends with this one.
--
--     local simulator = require "spec.support.simulator"
--     local sim = simulator.start { jobs_take = 0 }
--     sim:arm("create:503x2")   sim:advance(900)   sim:state().counters.create   sim:stop()
--
-- It is spoken to with the curl command, so that no code of ours is trusted to test itself.

local cjson = require "cjson"

local M = {}

--- The flow of simulators that are started without one; see flows.lua.
M.flow = "api"

local Simulator = {}
Simulator.__index = Simulator

local ROOT = debug.getinfo(1, "S").source:match("^@(.*)spec/support/simulator%.lua$")

--- Runs a shell command.
-- @treturn string its output, byte for byte
-- @treturn number its exit status
function M.run(command)
  -- what the command starts needs no sanitizer, whose complaints would be its status
  local pipe = io.popen("unset LD_PRELOAD; " .. command .. "; printf '\\n%s' $?", "r")
  local output = pipe:read("*a")
  pipe:close()
  local text, status = output:match("^(.*)\n(%d+)$")
  return text or output, tonumber(status)
end

--- Runs a shell command.
-- @treturn string|nil its output without its last newline; nil where it failed
-- @treturn string the same, also where it failed
function M.shell(command)
  local output, status = M.run(command)
  local text = output:gsub("\n$", "")
  return status == 0 and text or nil, text
end

--- Text as one word of the shell.
function M.quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function command(fifo)
  return table.concat({
    "cd", M.quote(ROOT == "" and "." or ROOT), "&&",
    "{ echo $$; exec env -u LD_PRELOAD LUA_CPATH=';;' LUA_PATH='lua/?.lua;lua/?/init.lua;;'",
    "lua5.4 spec/support/simulator_process.lua; } >", M.quote(fifo),
  }, " ")
end

local function with_flow(options)
  local all = { flow = M.flow }
  for name, value in pairs(options or {}) do all[name] = value end
  return all
end

--- Starts a simulator. Raises its complaint where it does not come up.
-- @tparam[opt] table options see lua/xcompliance/simulator/options.lua
-- @treturn table `{ url, port, pid }` and the methods below
function M.start(options)
  local fifo = os.tmpname()
  os.remove(fifo)
  assert(M.shell("mkfifo -m 600 " .. M.quote(fifo)))
  local input = io.popen(command(fifo), "w")
  local output = assert(io.open(fifo, "r"))
  os.remove(fifo)
  options = with_flow(options)
  input:write(cjson.encode(options), "\n")
  input:flush()
  local pid = output:read("*l")
  local line = output:read("*l") or "no answer"
  local port = line:match("^ready (%d+)$")
  if not port then error("the simulator did not start: " .. line, 2) end
  local scheme = options.tls and "https" or "http"
  return setmetatable({
    input = input, output = output, pid = pid, port = tonumber(port),
    url = scheme .. "://127.0.0.1:" .. port,
  }, Simulator)
end

function Simulator:admin(method, path, body)
  local text = self:curl(("-k -f -X %s %s /admin/%s"):format(
    method, body and "--data-binary " .. M.quote(body) or "", path))
  return text ~= "" and cjson.decode(text) or nil
end

--- Runs curl, quietly; a last word that begins with `/` is a path of the simulator.
-- @tparam string arguments as the shell has them
-- @treturn string what it wrote; raises where it failed
function Simulator:curl(arguments)
  local line = (" " .. arguments):gsub("(%s)(/%S*)$", "%1" .. self.url .. "%2")
  local output, status = M.run("env -u LD_PRELOAD curl -sS" .. line .. " 2>&1")
  return status == 0 and output or error("curl" .. line .. ": " .. output, 2)
end

--- Arms faults: texts such as `"create:503x2"`, see lua/xcompliance/simulator/fault/grammar.lua.
function Simulator:arm(...)
  self:admin("POST", "faults", cjson.encode { ... })
end

--- Arms a fault given as a table: `{ step = "get", fault = "raw", status = 200, body = "" }`, or an
-- array of them.
function Simulator:arm_raw(fault)
  self:admin("POST", "faults", cjson.encode(fault))
end

--- Disarms all faults.
function Simulator:disarm()
  self:admin("DELETE", "faults")
end

--- What the simulator knows: jobs, sessions, faults, counters, log; see its admin.lua.
function Simulator:state()
  return self:admin("GET", "state")
end

--- The requests so far, oldest first.
function Simulator:log()
  return self:state().log
end

--- Puts the simulator's clock forward.
function Simulator:advance(seconds)
  self:admin("POST", "clock", cjson.encode { advance = seconds })
end

--- Says what a job now is: `{ status = "failed", error = "…" }`.
function Simulator:change_job(id, change)
  self:admin("POST", "jobs/" .. id, cjson.encode(change))
end

--- The bytes that were uploaded for a job.
function Simulator:uploaded(id)
  return self:curl("-k -f /admin/upload/" .. id)
end

--- The bytes of a job's results.
function Simulator:results(id)
  return self:curl("-k -f /admin/results/" .. id)
end

--- Ends it, and waits until it has.
function Simulator:stop()
  if not self.input then return end
  M.shell("kill " .. self.pid)
  self.input:close()
  self.output:close()
  self.input = nil
end

return M
