-- the rocks: they name what is in the tree, and install offline, with Debian's packages

local simulator = require "spec.support.simulator"

local shell = simulator.shell
local VERSION = require("xcompliance.core").version
local VERSIONS = { ["scm-1"] = { branch = "main" }, [VERSION .. "-1"] = { tag = "v" .. VERSION } }

local function load_rockspec(version)
  local file = assert(io.open("rockspec/xcompliance-" .. version .. ".rockspec"))
  local text = file:read("*a")
  file:close()
  local rockspec = {}
  assert(load(text, version, "t", rockspec))()
  return rockspec
end

--- The files under a folder: those that git knows, or all, where this is no checkout.
local function tree(folder, ending)
  local list = assert(shell(("{ git ls-files %s 2>/dev/null | grep . || find %s -type f; } | sort")
    :format(folder, folder)))
  local found = {}
  for path in list:gmatch("[^\n]+") do
    if path:sub(-#ending) == ending then found[path] = true end
  end
  return found
end

local function set_of(list)
  local set = {}
  for _, value in pairs(list) do
    if type(value) == "string" then set[value] = true end
  end
  return set
end

for version, source in pairs(VERSIONS) do
  describe("the rockspec of " .. version, function()
    local rockspec = load_rockspec(version)

    it("names exactly the modules and sources there are (after a change: make rockspec)", function()
      local modules = rockspec.build.modules
      assert.same(tree("lua", ".lua"), set_of(modules))
      assert.same(tree("src", ".c"), set_of(modules["xcompliance.core"].sources))
    end)

    it("gives each module the name that requires it", function()
      for name, path in pairs(rockspec.build.modules) do
        if type(path) == "string" then
          local as_path = "lua/" .. name:gsub("%.", "/")
          assert.is_true(path == as_path .. ".lua" or path == as_path .. "/init.lua", name)
        end
      end
    end)

    it("says where that version comes from", function()
      assert.equal(version, rockspec.version)
      assert.equal(source.branch, rockspec.source.branch)
      assert.equal(source.tag, rockspec.source.tag)
    end)
  end)
end

describe("luarocks make, offline", function()
  local is_jit = rawget(_G, "jit") ~= nil
  local version = _VERSION:match "%d%.%d"
  local folder, luarocks

  setup(function()
    folder = assert(shell("mktemp -d"))
    assert(shell("cp -r bin docs lua rockspec src " .. folder))
    local config = assert(io.open(folder .. "/config.lua", "w"))
    config:write(is_jit and [[lua_interpreter = "luajit"
      variables = { LUA_INCDIR = "/usr/include/luajit-2.1", LUA_BINDIR = "/usr/bin" }]] or "")
    config:close()
    luarocks = ("cd %s && unset LD_PRELOAD LUA_PATH LUA_CPATH LUA_INIT && HOME=%s "
      .. "LUAROCKS_CONFIG=%s/config.lua luarocks --lua-version=%s --tree=%s/tree ")
      :format(folder, folder, folder, version, folder)
    assert(shell(luarocks .. "make --deps-mode=none rockspec/xcompliance-scm-1.rockspec "
      .. ">make.log 2>&1 || { tail -n 20 make.log; false; }"))
  end)
  teardown(function() shell("rm -rf " .. folder) end)

  --- Runs a command as a user of the installed rock would.
  local function run(command)
    return shell(('%s path >path.sh && . ./path.sh && cd / && PATH=%s/tree/bin:$PATH && %s 2>&1')
      :format(luarocks, folder, command))
  end

  it("exports the opener alone", function()
    assert.equal("luaopen_xcompliance_core", shell(("nm -D --defined-only %s/tree/lib/lua/%s/"
      .. "xcompliance/core.so | awk '{ print $3 }'"):format(folder, version)))
  end)

  it("installs a module and a command that run", function()
    local core = require "xcompliance.core"
    local lua = require "spec.support.interpreter"
    assert.equal(core.version,
      run(lua .. [[ -e 'print(require("xcompliance.core").version)']]))
    assert.equal("xcompliance " .. core.version, run("xcompliance --version"))
    -- with --deps-mode=none LuaRocks gives the command nothing of its tree
    assert.equal("xcompliance " .. core.version, shell("cd / && env -u LUA_PATH -u LUA_CPATH "
      .. folder .. "/tree/bin/xcompliance --version 2>&1"))
  end)
end)
