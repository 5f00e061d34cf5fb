-- the shared object: what it needs, shows and is built with, and that the same sources make the
-- same bytes, without a network; promises 34 and 35 of docs/security.md

local simulator = require "spec.support.simulator"

local quote, shell = simulator.quote, simulator.shell

local build = os.getenv("XCOMPLIANCE_BUILD") or "build"
local is_jit = rawget(_G, "jit") ~= nil
local object = ("%s/%s/xcompliance/core.so"):format(build, require "spec.support.interpreter")

describe("the shared object", function()
  if os.getenv("LD_PRELOAD") then
    return it("is built in another way for the sanitizers", function() pending("not for users") end)
  end

  local function lines(command)
    local list = {}
    for line in (assert(shell(command)) .. "\n"):gmatch("([^\n]+)\n") do list[#list + 1] = line end
    return list
  end

  it("shows its opener and nothing else", function()
    local symbols = lines("nm -D --defined-only " .. object)
    assert.equal(1, #symbols)
    assert.matches(" T luaopen_xcompliance_core$", symbols[1])
  end)

  it("needs libcurl, libc, libraries of packings and archives, and no other", function()
    local needed = lines(("readelf -d %s | sed -n 's/.*(NEEDED).*\\[\\(.*\\)\\]/\\1/p' | sort")
      :format(object))
    for i, name in ipairs(needed) do needed[i] = name:match("^(.-)%.so") end
    local allowed = { libc = true, libcurl = true, libisal = true, libm = true, libpthread = true,
      libzstd = true, libbz2 = true, liblzma = true,
      libarchive = true, ["ld-linux-x86-64"] = true }
    for _, name in ipairs(needed) do assert.is_true(allowed[name], name) end
  end)

  it("is hardened: RELRO, all bound at once, no executable stack, guards, no text relocations",
    function()
      local dynamic = assert(shell("readelf -d " .. object))
      local segments = assert(shell("readelf -lW " .. object))
      local undefined = assert(shell("nm -D --undefined-only " .. object))
      assert.matches("BIND_NOW", dynamic, 1, true)
      assert.is_nil(dynamic:find("TEXTREL", 1, true))
      assert.is_nil(dynamic:find("RPATH", 1, true))
      assert.is_nil(dynamic:find("RUNPATH", 1, true))
      assert.matches("GNU_RELRO", segments, 1, true)
      assert.matches("GNU_STACK[^\n]* RW ", segments)
      assert.matches("__stack_chk_fail", undefined, 1, true)
      assert.matches("__snprintf_chk", undefined, 1, true) -- _FORTIFY_SOURCE
    end)

  it("is the same to the byte wherever it is built, without a network", function()
    if is_jit then return pending("Lua 5.4 has shown it") end
    local folder = assert(shell("mktemp -d"))
    finally(function() shell("rm -rf " .. folder) end)
    local isolate = shell("unshare -rn true 2>/dev/null") and "unshare -rn" or ""
    local make = "env -u MAKEFLAGS -u MAKELEVEL -u CI " .. isolate .. " make -s LUAS=lua5.4 -C "
    local script = { "set -e" }
    for i, name in ipairs { "a", "another/place" } do
      local place = quote(folder .. "/" .. name)
      script[#script + 1] = ("mkdir -p %s && cp -r Makefile src %s"):format(place, place)
      script[#script + 1] = ("%s %s & p%d=$!"):format(make, place, i)
    end
    script[#script + 1] = "wait $p1 && wait $p2"
    script[#script + 1] = ("cmp %s/a/build/lua5.4/xcompliance/core.so"
      .. " %s/another/place/build/lua5.4/xcompliance/core.so"):format(folder, folder)
    local output, status = simulator.run("{ " .. table.concat(script, "\n") .. "\n} 2>&1")
    assert.equal(0, status, output)
  end)
end)
