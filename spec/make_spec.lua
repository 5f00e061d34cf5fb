-- The Makefile: which Luas it builds for, what it installs, and that it never does so unasked.

local Scratch = require "spec.support.scratch"
local benches = require "spec.support.bench"
local shell = require("spec.support.simulator").shell

local VERSION = require("xcompliance.core").version

describe("make", function()
  local scratch

  before_each(function() scratch = Scratch.new() end)
  after_each(function() scratch:remove() end)

  --- A program in the folder that is first in PATH.
  local function fake(name, script)
    scratch:write("bin/" .. name, "#!/bin/sh\n" .. script .. "\n")
    scratch:shell("chmod +x bin/" .. name)
  end

  local function make(arguments)
    return shell(("unset LD_PRELOAD LUAS MAKEFLAGS MAKELEVEL; PATH=%s:$PATH; make -s %s 2>&1;"
      .. " echo status $?"):format(scratch:at("bin"), arguments))
  end

  local function luas(known)
    fake("pkg-config", ('[ "$1" = --exists ] || exit 1; case " %s " in *" $2 "*) ;; *) exit 1 ;;'
      .. " esac"):format(known))
    return make("--eval='show: ; @echo \"[$(LUAS)] $(MODULES)\"' show")
  end

  it("builds for the Luas that are installed", function()
    assert.matches("[lua5.4] build/lua5.4/xcompliance/core.so\n", luas("lua5.4"), 1, true)
    assert.matches("[luajit] build/luajit/xcompliance/core.so\n", luas("luajit"), 1, true)
    assert.matches("[lua5.4 luajit] build/lua5.4/xcompliance/core.so build/luajit",
      luas("lua5.4 luajit"), 1, true)
  end)

  it("says what to install if there is neither", function()
    fake("pkg-config", "exit 1")
    local said = make("all")
    assert.matches("install liblua5.4-dev", said, 1, true)
    assert.matches("status 2", said, 1, true)
  end)

  it("says which packages it installs, before it does", function()
    fake("dpkg-query", "exit 1")
    fake("apt-get", "echo $* >>" .. scratch:at("apt"))
    fake("sudo", 'exec "$@"')
    local said = make("lint-packages LINT_PACKAGES='one two'")
    assert.matches("installing.*INSTALL=no.*: one two\nstatus 0", said)
    assert.matches("install %-qy %-%-no%-install%-recommends one two", scratch:read("apt"))
  end)

  it("installs nothing with INSTALL=no", function()
    fake("dpkg-query", "exit 1")
    fake("apt-get", "echo $* >>" .. scratch:at("apt"))
    local said = make("lint-packages INSTALL=no LINT_PACKAGES='one two'")
    assert.matches("these packages are missing: one two\n", said, 1, true)
    assert.matches("status 2", said, 1, true)
    assert.is_nil(scratch:read("apt"))
  end)

  it("installs for each Lua, and the command runs under the first", function()
    for list, first in pairs { ["lua5.4 luajit"] = "lua5.4", luajit = "luajit" } do
      make(("install LUAS='%s' DESTDIR=%s PREFIX=/usr"):format(list, scratch:at(first)))
      for lua in list:gmatch("%S+") do
        local version = lua == "luajit" and "5.1" or "5.4"
        local usr = scratch:at(first) .. "/usr"
        local lua_path = ("%s/share/lua/%s/?.lua;%s/share/lua/%s/?/init.lua"):format(usr, version,
          usr, version)
        assert.equal(VERSION, shell(("unset LD_PRELOAD; cd / && LUA_PATH='%s' LUA_CPATH='%s;;' %s"
          .. " -e 'require \"xcompliance\" print(require(\"xcompliance.core\").version)'"):format(
          lua_path .. ";;", usr .. "/lib/lua/" .. version .. "/?.so", lua)))
      end
      local command = scratch:read(first .. "/usr/bin/xcompliance")
      assert.equal("#!/usr/bin/env " .. first, command:match("^[^\n]*"))
      assert.matches("xcompliance " .. VERSION,
        scratch:shell(first .. "/usr/bin/xcompliance --version"))
    end
  end)

  it("uninstalls what it has installed, and nothing else", function()
    local other = scratch:write("usr/share/man/man1/other.1", "")
    scratch:write("usr/lib/lua/5.4/other.so", "")
    assert.matches("status 0", make(("install DESTDIR=%s PREFIX=/usr"):format(scratch.path)))
    for _, name in ipairs { "bin/xcompliance", "share/man/man1/xcompliance-sync.1",
      "share/bash-completion/completions/xcompliance", "share/zsh/vendor-completions/_xcompliance",
      "share/fish/vendor_completions.d/xcompliance.fish", "lib/lua/5.4/xcompliance/core.so" } do
      assert.is_string(scratch:read("usr/" .. name), name)
    end
    assert.matches("status 0", make(("uninstall DESTDIR=%s PREFIX=/usr"):format(scratch.path)))
    assert.equal("usr/lib/lua/5.4/other.so\n" .. other:sub(#scratch.path + 2) .. "\n",
      scratch:shell("find usr -type f | LC_ALL=C sort"))
    assert.equal("", scratch:shell("find . -name '*xcompliance*'"))
  end)

  it("installs into a relative DESTDIR and uninstalls from it", function()
    local stage = "build/spec-destdir"
    finally(function() shell("rm -rf " .. stage) end)
    assert.matches("status 0", make(("install DESTDIR=%s PREFIX=/usr"):format(stage)))
    assert.equal("", shell("test -e lua/build && echo 'in the sources' || true"))
    assert.is_not.equal("", shell(("find %s -name client.lua"):format(stage)))
    assert.matches("status 0", make(("uninstall DESTDIR=%s PREFIX=/usr"):format(stage)))
    assert.equal("", shell(("find %s -type f"):format(stage)))
  end)

  it("packs the version that the core states, which the changelog begins with", function()
    assert.equal(VERSION, shell("unset MAKEFLAGS; make -s --eval='show: ; @echo $(VERSION)' show"))
    assert.equal(VERSION, benches.read("CHANGELOG.md"):match("\n## ([%d.]+)"))
  end)

  it("gives clangd the flags that it compiles by", function()
    local flags = benches.read("compile_flags.txt")
    local makefile = benches.read("Makefile")
    for flag in flags:gmatch("[^\n]+") do
      if not flag:find("^%-I/usr") then assert.matches(flag, makefile, 1, true) end
    end
  end)
end)
