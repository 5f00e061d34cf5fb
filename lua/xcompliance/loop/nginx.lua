--- Waiting inside nginx (ngx_lua, OpenResty): the worker serves its other requests meanwhile.
--
-- nginx cannot watch a descriptor of ours from Lua, so the task is asked between sleeps.
-- @module xcompliance.loop.nginx

local polling = require "xcompliance.loop.polling"

local M = {}

local SLEEP_LEAST = 0.001 -- seconds: nginx complains of ngx.sleep(0)

-- the phases in which ngx.sleep may be called (lua-nginx-module, "ngx.sleep")
local PHASES = {
  rewrite = true, access = true, content = true, timer = true,
  server_rewrite = true, ssl_cert = true, ssl_client_hello = true, ssl_session_fetch = true,
  preread = true,
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
  return polling.wait(task, seconds, ngx.sleep)
end

--- Sleeps.
-- @tparam number seconds how long
function M.sleep(seconds)
  check_phase()
  ngx.sleep(math.max(SLEEP_LEAST, seconds))
end

return M
