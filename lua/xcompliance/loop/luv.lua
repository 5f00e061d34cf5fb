--- Waiting inside a coroutine of a libuv loop, which the host runs by `uv.run()`.
-- @module xcompliance.loop.luv

local core = require "xcompliance.core"
local polling = require "xcompliance.loop.polling"

local M = {}

--- The running coroutine; nil outside of any.
local function coroutine_here()
  local thread, is_main = coroutine.running()
  return not is_main and thread or nil
end

-- luv calls back on the thread that loaded it, which must not be one that waits
if not package.loaded.luv and coroutine_here() then
  error("xcompliance.loop.luv: luv must be loaded outside of coroutines - require it first")
end

local uv = require "luv"

--- Raises if nothing can wait here, so that misuse is noticed before any work is started.
function M.check()
  if not coroutine_here() then
    error("xcompliance.loop.luv waits only in a coroutine - wrap the work in coroutine.wrap and"
      .. " call uv.run()", 0)
  end
end

local function resume(thread)
  local ok, err = coroutine.resume(thread)
  if not ok then error(debug.traceback(thread, tostring(err)), 0) end
end

local TICK = 0.25 -- seconds within which a wait notices that its coroutine was closed

local Wait = {}
Wait.__index = Wait

--- Ends a wait, once: stops its handles and resumes its coroutine. A coroutine that the host has
-- closed meanwhile is not resumed; what it waited for is cancelled.
function Wait:finish()
  if self.ended then return end
  self.ended = true
  self.timer:stop()
  if self.poll then self.poll:stop() end
  local ok, failure = true, nil
  if coroutine.status(self.thread) == "suspended" then
    ok, failure = pcall(resume, self.thread)
  elseif self.task then
    self.task:close()
  end
  -- after the coroutine: luv crashes if the Lua state ends in a callback that has closed a handle
  self.timer:close()
  if self.poll then self.poll:close() end
  if not ok then error(failure, 0) end
end

function Wait:tick()
  if coroutine.status(self.thread) ~= "suspended" or core.now() >= self.ends_at then
    return self:finish()
  end
  self:start_timer()
end

function Wait:start_timer()
  local seconds = math.min(TICK, self.ends_at - core.now())
  self.timer:start(math.max(1, math.ceil(seconds * 1000)), 0, function() self:tick() end)
end

--- Yields until the task has ended or the time has passed. The host may resume the coroutine for
-- reasons of its own: that ends nothing.
-- @tparam number seconds for at most this long
-- @tparam ?userdata task a task of the core
-- @tparam ?userdata poll a handle for its descriptor
local function await(seconds, task, poll)
  local self = setmetatable({
    thread = coroutine_here(), ends_at = core.now() + seconds, task = task, poll = poll,
    timer = uv.new_timer(),
  }, Wait)
  uv.update_time() -- the loop's clock stands still while Lua runs
  self:start_timer()
  if poll then poll:start("r", function() self:finish() end) end
  repeat coroutine.yield() until self.ended
end

--- Waits until a task has ended.
-- @param task a task of the core
-- @tparam number seconds for at most this long
-- @treturn boolean whether it has ended
function M.wait(task, seconds)
  if task:done() then return true end
  M.check()
  local fd = task:fd()
  local poll = fd and uv.new_poll(fd)
  if not poll then return polling.wait(task, seconds, M.sleep) end -- too many are open
  await(seconds, task, poll)
  return task:done()
end

--- Sleeps.
-- @tparam number seconds for how long
function M.sleep(seconds)
  M.check()
  await(seconds)
end

return M
