--- Waiting inside a coroutine of a libuv loop, which the host runs by `uv.run()`.
-- @module xcompliance.loop.luv

local uv = require "luv"

local M = {}

local function current()
  local thread, main = coroutine.running()
  if not thread or main then
    error("xcompliance.loop.luv waits in a coroutine alone - "
      .. "wrap the work in coroutine.wrap and call uv.run()", 3)
  end
  return thread
end

local function resume(thread)
  local ok, err = coroutine.resume(thread)
  if not ok then error(debug.traceback(thread, tostring(err)), 0) end
end

--- Yields until one of the handles that `start` starts calls back; then closes them all.
local function await(handles, start)
  local thread = current()
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
  local poll, timer = assert(uv.new_poll(assert(task:fd()))), uv.new_timer()
  await({ poll, timer }, function(finish)
    poll:start("r", finish)
    timer:start(milliseconds(seconds), 0, finish)
  end)
  return task:done()
end

--- Sleeps.
-- @tparam number seconds how long
function M.sleep(seconds)
  local timer = uv.new_timer()
  await({ timer }, function(finish) timer:start(milliseconds(seconds), 0, finish) end)
end

return M
