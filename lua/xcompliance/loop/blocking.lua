--- Waiting without an event loop: the calling thread sleeps.
-- @module xcompliance.loop.blocking

local core = require "xcompliance.core"

local M = {}

-- seconds: Lua's own interpreter turns SIGINT into an error only between two of its instructions
local SLICE = 0.2

--- Waits until a task has ended.
-- @param task a task of the core
-- @tparam number seconds for at most this long
-- @treturn boolean whether it has ended
function M.wait(task, seconds)
  local ends_at = core.now() + seconds
  repeat
    local left = math.max(0, ends_at - core.now())
    if task:wait(math.min(SLICE, left)) then return true end
  until left <= SLICE
  return false
end

--- Sleeps.
-- @tparam number seconds for how long
function M.sleep(seconds)
  core.sleep(seconds)
end

return M
