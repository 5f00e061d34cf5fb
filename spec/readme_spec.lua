-- The README is short, its commands and statuses are real. documents_spec runs what it shows.

local benches = require "spec.support.bench"
local shell = require("spec.support.simulator").shell

local README = assert(benches.read("README.md"))

describe("the README", function()
  it("is short", function()
    assert.is_true(select(2, README:gsub("\n", "")) <= 150)
  end)

  it("names every command, and no other", function()
    local help = assert(shell(benches.command("bin/xcompliance --help")))
    local count = 0
    for name in help:match("Commands:(.*)"):gmatch("\n   ?([a-z-]+)") do
      count = count + 1
      assert.truthy(README:find("`" .. name:gsub("%-", "%%-") .. "[` ]"), name)
    end
    assert.is_true(count >= 11)
  end)

  it("lists the exit statuses", function()
    local statuses = require("xcompliance.cli").statuses
    for kind, status in pairs(statuses) do
      assert.truthy(README:find("\n| " .. status, 1, true) or README:find(", " .. status, 1, true),
        kind .. " " .. status)
    end
    local errors = benches.read("docs/errors.md")
    for kind in pairs(require("xcompliance").errors) do
      assert.truthy(errors:find("| `" .. kind .. "`", 1, true), kind)
    end
  end)
end)
