--- Waiting where there is no event loop: the calling thread sleeps.
-- @module xcompliance.loop.blocking

local core = require "xcompliance.core"

local M = {}

--- Waits until a task has ended.
-- @param task a task of the core
-- @tparam number seconds how long at the most
-- @treturn boolean whether it has ended
function M.wait(task, seconds)
  return task:wait(seconds)
end

--- Sleeps.
-- @tparam number seconds how long
function M.sleep(seconds)
  core.sleep(seconds)
end

return M
