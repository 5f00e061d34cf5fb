-- spec/README.md: every module has a spec of its name, or is in the table; the files there exist.

local benches = require "spec.support.bench"
local shell = require("spec.support.simulator").shell

local README = benches.read("spec/README.md")

local function exists(path)
  return shell(("test -e '%s' && echo yes || true"):format(path)) == "yes"
end

describe("the README of the specs", function()
  it("says where each module is tested", function()
    local count = 0
    for path in shell("git ls-files lua || find lua -name '*.lua'"):gmatch("[^\n]+") do
      local name = path:match("^lua/xcompliance/(.*)%.lua$")
      local folder = name:match("^(%l+)/")
      local listed = README:find("\n| `" .. name .. "` |", 1, true)
        or folder and README:find("\n| `" .. folder .. "/…` |", 1, true)
      local own = ("spec/%s_spec.lua"):format(name:match("([^/]+)$"))
      assert.is_true(listed ~= nil or exists(own), name)
      count = count + 1
    end
    assert.is_true(count > 50)
  end)

  it("names files and modules that exist", function()
    for path in README:gmatch("`(spec/[%l%d_/.]+)`") do assert.is_true(exists(path), path) end
    for name in README:gmatch("\n| `([%l_/]+)` | `spec/") do
      assert.is_true(exists("lua/xcompliance/" .. name .. ".lua"), name)
    end
  end)
end)
