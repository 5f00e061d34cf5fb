--- Waiting inside a cqueues controller: other coroutines continue meanwhile.
-- @module xcompliance.loop.cqueues

local cqueues = require "cqueues"
local polling = require "xcompliance.loop.polling"

local M = {}

--- Waits until a task has ended.
-- @param task a task of the core
-- @tparam number seconds for at most this long
-- @treturn boolean whether it has ended
function M.wait(task, seconds)
  if task:done() then return true end
  local fd = task:fd()
  if not fd then return polling.wait(task, seconds, M.sleep) end -- too many are open
  cqueues.poll({ pollfd = fd, events = "r" }, seconds)
  local controller = cqueues.running()
  -- the descriptor is the task's and will be closed: the controller must not remember it
  if controller then controller:cancel(fd) end
  return task:done()
end

--- Sleeps.
-- @tparam number seconds how long
function M.sleep(seconds)
  cqueues.sleep(seconds)
end

return M
