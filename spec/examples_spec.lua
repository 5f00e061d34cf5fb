-- The examples do what they say; the types are those of the code.

local benches = require "spec.support.bench"
local errors = require "xcompliance.errors"
local shell = require("spec.support.simulator").shell
local xcompliance = require "xcompliance"

describe("the examples", function()
  it("run as they are", function()
    local root = assert(shell("pwd"))
    local running, commands = {}, {}
    for i, example in ipairs { "examples/five_steps.lua", "examples/script.lua" } do
      local bench = benches.start() -- each its own: one job a type at a time
      local script, arguments = root .. "/" .. example, "ids.txt results.jsonl"
      if example == "examples/script.lua" then arguments = "users " .. arguments end
      benches.write(bench.folder .. "/ids.txt", benches.ids(20 * 100))
      running[i] = bench
      commands[i] = ("(cd %s && BEARER_TOKEN=%s XCOMPLIANCE_BASE_URL=%s %s >out 2>&1) &"):format(
        bench.folder, benches.TOKEN, bench.sim.url, benches.command(script .. " " .. arguments))
    end
    shell(table.concat(commands, " ") .. " wait")
    for _, bench in ipairs(running) do
      local said = benches.read(bench.folder .. "/out")
      assert.matches("100", said)
      assert.is_nil(said:find("traceback", 1, true), said)
      assert.is_string(benches.read(bench.folder .. "/results.jsonl"), said)
      bench:stop()
    end
  end)
end)

describe("the example of a sync", function()
  it("runs as it is, and says what is back", function()
    local bench = benches.start { shares = {}, verdicts = {
      '{"id":"100","action":"delete","created_at":"2020-01-01T00:00:00.000Z","reason":"protected"}',
    } }
    local data, kept = bench:path("data"), bench:path("kept")
    assert(shell("mkdir " .. data))
    benches.write(data .. "/a.jsonl", '{"id":"100","author_id":"7","text":"a"}\n'
      .. '{"id":"101","author_id":"7","text":"a"}\n')
    local function run()
      return shell(("BEARER_TOKEN=%s XCOMPLIANCE_BASE_URL=%s %s 2>/dev/null"):format(benches.TOKEN,
        bench.sim.url, benches.command(("examples/sync.lua %s %s"):format(data, kept))))
    end
    assert.matches("a.jsonl: 1 kept, 0 changed, 0 dropped, 1 quarantined", run(), 1, true)
    bench.sim:stop()
    bench.sim = require("spec.support.simulator").start { jobs_take = 0, shares = {} }
    assert.matches("100 is back: its record is in " .. kept, run(), 1, true)
    bench:stop()
  end)
end)

describe("the types", function()
  local text = benches.read("types/xcompliance.lua")

  local function fields(class)
    local names = {}
    local block = assert(text:match("\n%-%-%-@class " .. class .. "[^\n]*\n(.-)\n\n"), class)
    for name in block:gmatch("%-%-%-@field ([%w_]+)%??") do names[#names + 1] = name end
    return names
  end

  it("declare every method and function, and no other", function()
    local methods = getmetatable(xcompliance.client {}).__index
    for name, value in pairs(methods) do
      if type(value) == "function" and not name:find("^__") then
        assert.is_truthy(text:find("function Client:" .. name .. "(", 1, true), name)
      end
    end
    for name in text:gmatch("function Client:([%w_]+)") do
      assert.is_function(methods[name], name)
    end
    for name, value in pairs(xcompliance) do
      if type(value) == "function" then
        assert.is_truthy(text:find("function M." .. name .. "(", 1, true), name)
      end
    end
  end)

  it("declare the options of a client, of a check and of a sync", function()
    for _, name in ipairs(fields "xcompliance.ClientOptions") do
      local ok, err = pcall(xcompliance.client, { [name] = io.stdout })
      assert.is_false(ok)
      assert.matches(name .. " must be a", tostring(err))
    end
    local client = xcompliance.client {}
    for _, class in ipairs { "xcompliance.CheckOptions", "xcompliance.CallOptions" } do
      for _, name in ipairs(fields(class)) do
        local ok, err = pcall(client.check, client, { [name] = io.stdout })
        assert.is_false(ok)
        assert.matches(name .. " must be a", tostring(err))
      end
    end
    for _, name in ipairs(fields "xcompliance.SyncOptions") do
      local ok, err = pcall(client.sync, client, { [name] = io.stdout })
      assert.is_false(ok)
      assert.matches(name .. " must be a", tostring(err))
    end
  end)

  it("declare the dataset module, its functions and their options", function()
    local dataset = require "xcompliance.dataset"
    text = benches.read("types/dataset.lua")
    for name in pairs(dataset) do
      assert.is_truthy(text:find("function M." .. name .. "(", 1, true), name)
    end
    for class, run in pairs {
      ["xcompliance.ExtractOptions"] = dataset.extract,
      ["xcompliance.VerdictsOptions"] = dataset.verdicts,
      ["xcompliance.ListVerdictsOptions"] = dataset.list_verdicts,
      ["xcompliance.RedactOptions"] = dataset.redact,
    } do
      for _, name in ipairs(fields(class)) do
        local ok, err = pcall(run, { [name] = coroutine.create(print) })
        assert.is_false(ok)
        assert.matches(name .. " must be a", tostring(err))
      end
    end
    text = benches.read("types/xcompliance.lua")
  end)

  it("declare every kind of error", function()
    for kind in pairs(errors.kinds) do
      assert.is_truthy(text:find('"' .. kind .. '"', 1, true), kind)
    end
  end)
end)
