--- Waiting inside nginx (ngx_lua, OpenResty): the worker serves its other requests meanwhile.
--
-- nginx cannot watch a descriptor of ours from Lua, so the task is asked between short sleeps that
-- grow. Nothing is lost by it: the bytes move on the session's thread.
-- @module xcompliance.loop.nginx

local M = {}

local PAUSE_FIRST, PAUSE_MAX, PAUSE_GROWTH = 0.001, 0.02, 1.5 -- seconds

-- the phases in which ngx.sleep may be called (lua-nginx-module, "ngx.sleep")
local PHASES = {
  rewrite = true, access = true, content = true, timer = true,
  ssl_cert = true, ssl_session_fetch = true, server_rewrite = true,
}

local function check_phase()
  local phase = ngx.get_phase()
  if not PHASES[phase] then
    error("xcompliance cannot wait in nginx's phase '" .. phase .. "' - call it in rewrite, access"
      .. " or content, in a timer (ngx.timer.at) or in a light thread of one of these", 3)
  end
end

--- Waits until a task has ended. In the phases rewrite, access, content and timer, and in their
-- light threads.
-- @param task a task of the core
-- @tparam number seconds how long at the most
-- @treturn boolean whether it has ended
function M.wait(task, seconds)
  check_phase()
  local deadline = ngx.now() + seconds
  local pause = PAUSE_FIRST
  while not task:done() do
    local left = deadline - ngx.now()
    if left <= 0 then return false end
    ngx.sleep(math.max(PAUSE_FIRST, math.min(pause, left)))
    pause = math.min(PAUSE_MAX, pause * PAUSE_GROWTH)
  end
  return true
end

--- Sleeps.
-- @tparam number seconds how long
function M.sleep(seconds)
  check_phase()
  ngx.sleep(math.max(PAUSE_FIRST, seconds))
end

return M
