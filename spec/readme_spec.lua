-- What the README says works: its Lua runs as it stands, its commands and statuses are real.

local benches = require "spec.support.bench"
local shell = require("spec.support.simulator").shell

local README = assert(benches.read("README.md"))

local function blocks(language)
  local found = {}
  for block in README:gmatch("```" .. language .. "\n(.-)```") do found[#found + 1] = block end
  return found
end

describe("the README", function()
  local bench

  setup(function() bench = benches.start() end)
  teardown(function() bench:stop() end)

  it("has Lua that runs", function()
    local data = bench:path("readme")
    assert(shell(([[mkdir %s && lua5.4 examples/sample_dataset.lua %s 30 && cd %s && mkdir more &&
      mv pages.jsonl more && gzip -c flat.jsonl > tweets.jsonl.gz && seq 100 200 > ids.txt]])
      :format(data, data, data)))
    local lua = blocks("lua")
    assert.equal(3, #lua)
    -- what the comment says in words
    local steps, waits = lua[2]:gsub('%-%- until response.data.status is "complete"[^\n]*', [[

      while response.data.status ~= "complete" do
        response = assert(client:list_job(response.data.id))
      end]])
    assert.equal(1, waits)
    local check = lua[1]:gsub('results = "results.jsonl"', 'results = "tweets.results.jsonl", '
      .. "poll = { min = 0.02 }")
    benches.write(data .. "/readme.lua", check .. steps .. lua[3])
    local root = shell("pwd")
    local output, complaint = shell(("cd %s && BEARER_TOKEN=%s XCOMPLIANCE_BASE_URL=%s"
      .. " LUA_PATH='%s/lua/?.lua;%s/lua/?/init.lua;;' LUA_CPATH='%s/build/lua5.4/?.so;;'"
      .. " lua5.4 readme.lua 2>&1"):format(data, benches.TOKEN, bench.sim.url, root, root, root))
    assert.is_string(output, complaint)
    assert.matches("^101%s+%d+$", output)
    assert.is_string(benches.read(data .. "/clean.jsonl.gz"))
    assert.is_string(benches.read(data .. "/results.jsonl"))
  end)

  it("names every command, and no other", function()
    local help = assert(shell(benches.command("bin/xcompliance --help")))
    local count = 0
    for name in help:match("Commands:(.*)"):gmatch("\n   ?([a-z]+)") do
      count = count + 1
      assert.truthy(README:find("`" .. name .. "[` ]"), name)
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
