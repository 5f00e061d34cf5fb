--- Waiting inside a coroutine of a libuv loop, which the host runs by `uv.run()`.
-- @module xcompliance.loop.luv

local polling = require "xcompliance.loop.polling"

local M = {}

--- The running coroutine; nil outside of any.
local function coroutine_here()
  local thread, is_main = coroutine.running()
  return not is_main and thread or nil
end

-- luv calls back on the thread that has loaded it, which must not be one that waits
if not package.loaded.luv and coroutine_here() then
  error("xcompliance.loop.luv: luv must be loaded outside of coroutines - require it first")
end

local uv = require "luv"

local function current()
  return coroutine_here() or error("xcompliance.loop.luv waits in a coroutine alone - wrap the work"
    .. " in coroutine.wrap and call uv.run()", 3)
end

local function resume(thread)
  local ok, err = coroutine.resume(thread)
  if not ok then error(debug.traceback(thread, tostring(err)), 0) end
end

--- Yields until one of the handles that `start` starts calls back; then closes them all.
local function await(thread, handles, start)
  uv.update_time() -- the loop's clock stands still while Lua runs
  local function finish()
    if handles[1]:is_closing() then return end
    for _, handle in ipairs(handles) do handle:close() end
    resume(thread)
  end
  start(finish)
  coroutine.yield()
end

local function milliseconds(seconds)
  return math.max(1, math.ceil(seconds * 1000))
end

--- Waits until a task has ended.
-- @param task a task of the core
-- @tparam number seconds how long at the most
-- @treturn boolean whether it has ended
function M.wait(task, seconds)
  if task:done() then return true end
  local thread, fd = current(), task:fd()
  if not fd then return polling.wait(task, seconds, M.sleep) end -- too many are open
  local poll, timer = assert(uv.new_poll(fd)), uv.new_timer()
  await(thread, { poll, timer }, function(finish)
    poll:start("r", finish)
    timer:start(milliseconds(seconds), 0, finish)
  end)
  return task:done()
end

--- Sleeps.
-- @tparam number seconds how long
function M.sleep(seconds)
  local thread, timer = current(), uv.new_timer()
  await(thread, { timer }, function(finish) timer:start(milliseconds(seconds), 0, finish) end)
end

return M
