--- Keeps one promise (spec/support/promises.lua): in a process of its own, by
-- `lua spec/support/keep.lua HOST PROMISE URL FOLDER`, or in nginx, by `answer()`. Says "kept", or
-- what is broken.

-- luacheck: read globals ngx

local hosts = require "spec.support.hosts"
local promises = require "spec.support.promises"

local M = {}

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

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

--- A download that waits until its client goes away, and what its handler learns of that.
function M.download()
  local given = ngx.req.get_uri_args()
  local loop, folder = require "xcompliance.loop.nginx", given.folder
  local client = require("xcompliance").client {
    loop = loop, base_url = given.url, bearer_token = "t0ken",
  }
  if given.cancel == "1" then assert(loop.cancel_on_abort()) end
  local job = assert(client:create_compliance_job("tweets")).data
  write(folder .. "/said", "")
  local _, err = pcall(client.download_results, client, job.download_url, folder .. "/results")
  write(folder .. "/said", err.kind)
end

--- How the kernel schedules the worker's threads: each policy once (proc(5), stat, field 41).
function M.policies()
  local loop = require "xcompliance.loop.nginx"
  local session, seen, policies = assert(require("xcompliance.core").session {}), {}, {}
  loop.sleep(0.1) -- until it has begun
  for id in require("lfs").dir("/proc/self/task") do
    local file = id:match("%d") and io.open("/proc/self/task/" .. id .. "/stat")
    if file then
      seen[file:read("*a"):match("%) %S" .. (" %S+"):rep(37) .. " (%S+)")] = true
      file:close()
    end
  end
  session:close()
  for policy in pairs(seen) do policies[#policies + 1] = policy end
  table.sort(policies)
  ngx.print(table.concat(policies, " "))
end

--- How many descriptors are open, after the garbage was collected.
function M.descriptors()
  collectgarbage()
  collectgarbage()
  local count = 0
  for _ in require("lfs").dir("/proc/self/fd") do count = count + 1 end
  ngx.print(count)
end

if arg and tostring(arg[0]):match("spec/support/keep%.lua$") then
  local host, promise, url, folder = (table.unpack or unpack)(arg) -- luacheck: ignore
  print(M.keep(host, promise, { url = url, folder = folder }))
end

return M
