-- A loop of your own, over luasocket's select: a check while the program serves a socket.
--
--   BEARER_TOKEN=… lua5.4 examples/luasocket.lua tweets ids.txt results.jsonl PORT
--
-- A program that connects to the port gets a line that says how far the check is.

local socket = require "socket"
local xcompliance = require "xcompliance"

local type, ids, results, port = arg[1], arg[2], arg[3], tonumber(arg[4])
if not port then
  io.stderr:write("usage: luasocket.lua tweets|users IDS RESULTS PORT\n")
  os.exit(64)
end

-- {====================================================================
-- The loop: a coroutine waits by yielding what it waits for
-- =====================================================================

local loop = {}

--- luasocket selects on anything with these two methods.
local function selectable(fd)
  return { getfd = function() return fd end, dirty = function() return false end }
end

function loop.wait(task, seconds)
  local fd = task:fd()
  if not task:done() then coroutine.yield(fd and selectable(fd), fd and seconds or 0.01) end
  return task:done()
end

function loop.sleep(seconds) coroutine.yield(nil, seconds) end

--- Runs a function to its end, and serves `server` meanwhile.
local function run(work, server, serve)
  local thread = coroutine.create(work)
  local ok, what, seconds = coroutine.resume(thread)
  while coroutine.status(thread) ~= "dead" do
    local due = socket.gettime() + seconds
    local ready
    repeat
      ready = socket.select({ server, what }, nil, math.max(0, due - socket.gettime()))
      if ready[server] then serve(server:accept()) end
    until (what and ready[what]) or socket.gettime() >= due
    ok, what, seconds = coroutine.resume(thread)
  end
  if not ok then error(what, 0) end
end

-- }====================================================================

local state, failed = "starting", false

local function check()
  local client = xcompliance.client { loop = loop }
  local outcome, err = client:check {
    type = type, ids = ids, results = results,
    on_progress = function(event) state = event.doing end,
  }
  client:close()
  if outcome then
    print(("%d ids, %d rows"):format(outcome.ids, outcome.rows))
  else
    failed = true
    io.stderr:write(tostring(err), "\n")
  end
end

local server = assert(socket.bind("127.0.0.1", port))
run(check, server, function(peer)
  peer:send(state .. "\n")
  peer:close()
end)
os.exit(failed and 1 or 0, true)
