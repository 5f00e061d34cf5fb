--- Keeps one promise (spec/promises.lua): in a process of its own, by
-- `lua spec/keep.lua HOST PROMISE URL FOLDER`, or in nginx, by `answer()`. Says "kept", or what is
-- broken.

-- luacheck: read globals ngx

local hosts = require "spec.hosts"
local promises = require "spec.promises"

local M = {}

function M.keep(host, promise, place)
  local ok, err = xpcall(function()
    hosts[host].enter(function() promises[promise].keep(hosts[host], place) end)
  end, debug.traceback)
  return ok and "kept" or tostring(err)
end

function M.answer()
  local given = ngx.req.get_uri_args()
  ngx.print(M.keep("nginx", given.promise, given))
end

if arg and tostring(arg[0]):match("spec/keep%.lua$") then
  local host, promise, url, folder = (table.unpack or unpack)(arg) -- luacheck: ignore
  print(M.keep(host, promise, { url = url, folder = folder }))
end

return M
