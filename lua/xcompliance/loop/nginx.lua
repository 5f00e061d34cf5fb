--- Waiting inside nginx (ngx_lua, OpenResty): the worker serves its other requests meanwhile.
--
-- nginx cannot watch a descriptor of ours from Lua, so the task is asked between sleeps. A worker's
-- one thread has everybody to serve, so the core's threads take only what processors have left.
-- @module xcompliance.loop.nginx

local core = require "xcompliance.core"
local polling = require "xcompliance.loop.polling"

local M = {}

local SLEEP_LEAST = 0.001 -- seconds: nginx complains of ngx.sleep(0)
local SLICE = 1 -- seconds within which a sleep notices that its request was aborted

core.give_way()

-- the phases in which ngx.sleep may be called (lua-nginx-module, "ngx.sleep")
local PHASES = {
  rewrite = true, access = true, content = true, timer = true,
  server_rewrite = true, ssl_cert = true, ssl_client_hello = true, ssl_session_fetch = true,
  preread = true,
}

--- Raises if nothing can wait here, so that misuse is noticed before any work is started.
function M.check()
  local phase = ngx.get_phase()
  if not PHASES[phase] then
    error("xcompliance cannot wait in nginx's phase '" .. phase .. "' - call it in rewrite, access"
      .. " or content, in a timer (ngx.timer.at) or in a light thread of one of these", 0)
  end
end

local function check_client()
  if not ngx.ctx.xcompliance_aborted then return end
  error(core.error {
    kind = "cancelled", message = "the request was aborted by its client", retryable = false,
  }, 0)
end

--- Has what the running request waits for cancelled when its client goes away: the wait raises an
-- error of the kind "cancelled". Needs `lua_check_client_abort on`. With that alone nginx drops the
-- request, and what it waited for is cancelled when it is collected as garbage; without it nginx
-- does not notice.
-- @treturn ?true or nil, and a message, see `ngx.on_abort`
function M.cancel_on_abort()
  local context = ngx.ctx
  return ngx.on_abort(function() context.xcompliance_aborted = true end)
end

local function sleep(seconds)
  ngx.sleep(math.max(SLEEP_LEAST, seconds))
  check_client()
end

--- Waits until a task has ended. In the phases rewrite, access, content and timer, and in their
-- light threads.
-- @param task a task of the core
-- @tparam number seconds for at most this long
-- @treturn boolean whether it has ended
function M.wait(task, seconds)
  M.check()
  return polling.wait(task, seconds, sleep)
end

--- Sleeps.
-- @tparam number seconds how long
function M.sleep(seconds)
  M.check()
  local left = seconds
  repeat
    sleep(math.min(SLICE, left))
    left = left - SLICE
  until left <= 0
end

return M
