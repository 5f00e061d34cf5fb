-- the loops: one list of promises (spec/support/promises.lua), kept in every host

local core = require "xcompliance.core"
local hosts = require "spec.support.hosts"
local nginx = require "spec.support.nginx"
local promises = require "spec.support.promises"
local simulator = require "spec.support.simulator"

local shell = simulator.shell
local is_jit = rawget(_G, "jit") ~= nil
local is_sanitized = os.getenv("LD_PRELOAD") ~= nil -- other processes have no sanitizer's runtime

--- Has a promise kept beside a fresh simulator and in an empty folder.
local function with_place(promise, keep)
  local sim = simulator.start { jobs_take = 0, rate_limit = 1e6, faults = promise.faults }
  local folder = assert(shell("mktemp -d"))
  local ok, err = pcall(keep, { url = sim.url, folder = folder })
  sim:stop()
  shell("rm -rf " .. folder)
  if not ok then error(err, 0) end
end

--- One test for each promise that a host can keep.
local function each(host, keep)
  for name, promise in pairs(promises) do
    if host.concurrent or not promise.concurrent then
      it(promise.says, function()
        with_place(promise, function(place) keep(name, place) end)
      end)
    end
  end
end

for _, name in ipairs { "blocking", "cqueues", "luv" } do
  local host = hosts[name]
  describe("the loop for " .. name .. ":", function()
    each(host, function(promise, place)
      host.enter(function() promises[promise].keep(host, place) end)
    end)
  end)
end

describe("the loop", function()
  local lua = require "spec.support.interpreter"

  for _, name in ipairs(is_sanitized and {} or { "cqueues", "luv" }) do
    it("for " .. name .. " leaves descriptors for connections if there are few", function()
      with_place(promises.thousand, function(place)
        assert.equal("kept", shell(("ulimit -n 200; LUA_PATH='%s' LUA_CPATH='%s' %s"
          .. " spec/support/keep.lua %s thousand %s %s 2>&1"):format(package.path,
          package.cpath, lua, name, place.url, place.folder)))
      end)
    end)
  end

  it("for luv says that it needs a coroutine", function()
    local ok, err = pcall(require("xcompliance.loop.luv").sleep, 1)
    assert.is_false(ok)
    assert.matches("wrap the work in coroutine.wrap and call uv.run", err)
  end)
end)

local SERVER = [[
  lua_package_path "%ROOT%/lua/?.lua;%ROOT%/lua/?/init.lua;%ROOT%/?.lua;;";
  lua_package_cpath "%ROOT%/%BUILD%/luajit/?.so;;";
  init_by_lua_block { require "xcompliance" }
  server {
    listen 127.0.0.1:%PORT1%;
    location = /keep { content_by_lua_block { require("spec.support.keep").answer() } }
    location = /phase {
      content_by_lua_block { ngx.say "answered" }
      header_filter_by_lua_block {
        local _, err = pcall(require("xcompliance.loop.nginx").sleep, 0)
        ngx.header["X-Error"] = err
      }
    }
    location = /misuse {
      content_by_lua_block { ngx.say "answered" }
      header_filter_by_lua_block {
        local client = require("xcompliance").client {
          base_url = ngx.var.arg_url, bearer_token = "t0ken",
        }
        local _, err = pcall(client.create_compliance_job, client, "users")
        ngx.header["X-Error"] = tostring(err)
      }
    }
    location = /download {
      lua_check_client_abort on;
      content_by_lua_block { require("spec.support.keep").download() }
    }
    location = /policies { content_by_lua_block { require("spec.support.keep").policies() } }
    location = /descriptors { content_by_lua_block { require("spec.support.keep").descriptors() } }
  }
]]

if is_jit and not is_sanitized then -- nginx's Lua is LuaJIT
  describe("the loop for nginx:", function()
    local server

    setup(function()
      local build = os.getenv("XCOMPLIANCE_BUILD") or "build"
      local folders = { ROOT = assert(shell("pwd")), BUILD = build }
      server = nginx.start(SERVER:gsub("%%(%u+)%%", folders), nginx.LUA)
    end)
    teardown(function() server:stop() end)

    local function curl(path, options)
      return shell(("curl -sS %s '127.0.0.1:%d/%s'"):format(options or "", server.ports[1], path))
    end

    each(hosts.nginx, function(promise, place)
      assert.equal("kept",
        curl(("keep?promise=%s&url=%s&folder=%s"):format(promise, place.url, place.folder)))
    end)

    for how, kind in pairs { ["cancel=1"] = "cancelled", ["cancel="] = "" } do
      it("leaves nothing of a request that its client aborts, with " .. how, function()
        with_place({ faults = { "download:stall@20x*" } }, function(place)
          local before = curl("descriptors")
          assert.is_nil((curl(("download?url=%s&folder=%s&%s"):format(place.url, place.folder, how),
            "-m 0.5 2>/dev/null")))
          local tries = 0
          while curl("descriptors") ~= before and tries < 50 do
            tries = tries + 1
            core.sleep(0.02)
          end
          assert.equal(before, curl("descriptors"))
          assert.equal(kind, shell("cat " .. place.folder .. "/said"))
          assert.equal("said", shell("cd " .. place.folder .. " && ls -A"))
        end)
      end)
    end

    it("has the core's threads let the worker's go first", function()
      local SCHED_OTHER, SCHED_IDLE = "0", "5"
      assert.equal(SCHED_OTHER .. " " .. SCHED_IDLE, curl("policies"))
    end)

    it("is the loop of a client that is given none, and raises before a request is sent", function()
      with_place({}, function(place)
        assert.matches("X-Error: .*cannot wait in nginx's phase",
          curl("misuse?url=" .. place.url, "-i"))
        core.sleep(0.2)
        local client = require("xcompliance").client { base_url = place.url, bearer_token = "t0ken",
          loop = require "xcompliance.loop.blocking" }
        assert.is_nil(assert(client:list_jobs("users")).data)
        client:close()
      end)
    end)

    it("says in which phases it can wait", function()
      local answer = assert(curl("phase", "-i"))
      assert.matches("X-Error: .*cannot wait in nginx's phase 'header_filter' %- call it in",
        answer)
    end)
  end)
end
