--- Waiting if no descriptor can be watched: the task is asked between short sleeps that grow.
-- Nothing is lost by it: the work is done on a thread of its own.
-- @module xcompliance.loop.polling

local core = require "xcompliance.core"

local M = {}

local PAUSE_FIRST, PAUSE_MAX, PAUSE_GROWTH = 0.001, 0.02, 1.5 -- seconds

--- Waits until a task has ended.
-- @param task a task of the core
-- @tparam number seconds for at most this long
-- @tparam function sleep the host's, of a number of seconds
-- @treturn boolean whether it has ended
function M.wait(task, seconds, sleep)
  local ends_at = core.now() + seconds
  local pause = PAUSE_FIRST
  while not task:done() do
    local left = ends_at - core.now()
    if left <= 0 then return false end
    sleep(math.max(PAUSE_FIRST, math.min(pause, left)))
    pause = math.min(PAUSE_MAX, pause * PAUSE_GROWTH)
  end
  return true
end

return M
