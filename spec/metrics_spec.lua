-- --metrics and --summary: what a log and Prometheus get of a run, also of one that fails.

local benches = require "spec.support.bench"
local command = require "spec.support.command"
local metrics = require "xcompliance.cli.metrics"
local simulator = require "spec.support.simulator"

local shell, quote = simulator.shell, simulator.quote

describe("the metrics of a run", function()
  local bench, path

  before_each(function()
    bench = benches.start()
    path = bench.folder .. "/x.prom"
  end)
  after_each(function() bench:stop() end)

  local function run(...)
    return command.run({ ... }, { BEARER_TOKEN = benches.TOKEN,
      XCOMPLIANCE_BASE_URL = bench.sim.url })
  end

  --- The values of the file, by name and labels.
  local function values()
    local found = {}
    for line in benches.read(path):gmatch("[^\n]+") do
      local name, value = line:match("^([^#].*) (%S+)$")
      if name then found[name] = tonumber(value) end
    end
    return found
  end

  --- Prometheus' own tool is the witness.
  local function is_right()
    if shell("command -v promtool || true") == "" then
      return print("skipped: a check by promtool: it is not installed")
    end
    assert.equal("", shell(("env -u LD_PRELOAD promtool check metrics <%s 2>&1"):format(
      quote(path))))
  end

  it("are what a sync has done, and of a failure the last success stays", function()
    shell("mkdir " .. bench.folder .. "/data")
    benches.write(bench.folder .. "/data/a.jsonl", '{"id":"13","author_id":"14","text":"a"}\n')
    local words = { "sync", bench.folder .. "/data", "-o", bench.folder .. "/clean", "--poll",
      "1:1", "--metrics", path, "--summary" }
    local began = os.time()
    local status, out = run((table.unpack or unpack)(words)) -- luacheck: ignore
    assert.equal(0, status)
    assert.matches("^sync: 1 tweet id and 1 user id asked; 1 record: 1 kept, 0 changed, 0 dropped,"
      .. " 0 quarantined; report: %S+/report.json\n$", out)
    is_right()
    local good = values()
    assert.equal(1, good['xcompliance_records{command="sync",what="kept"}'])
    assert.equal(1, good['xcompliance_ids{command="sync",type="users",outcome="compliant"}'])
    assert.equal(2, good['xcompliance_api_calls{command="sync",call="create"}'])
    assert.equal(0, good['xcompliance_last_exit_status{command="sync"}'])
    local success = 'xcompliance_last_success_timestamp_seconds{command="sync"}'
    assert.is_true(good[success] >= began and good[success] <= os.time())
    bench:arm("list:503x*", "create:401x*")
    status = run((table.unpack or unpack)(words)) -- luacheck: ignore
    assert.equal(77, status)
    is_right()
    local bad = values()
    assert.equal(77, bad['xcompliance_last_exit_status{command="sync"}'])
    assert.equal(good[success], bad[success])
    assert.equal(1, bad['xcompliance_records{command="sync",what="kept"}'])
  end)

  it("are what a check has found", function()
    local ids, results = bench:list(20 * 500), bench.folder .. "/r.jsonl"
    local status, out = run("check", "tweets", ids, "-o", results, "--poll", "1:1", "--metrics",
      path, "--summary")
    assert.equal(0, status)
    assert.matches("^check: 500 tweet ids, %d+ with an event; results: %S+r.jsonl\n$", out)
    is_right()
    local all = 0
    for name, value in pairs(values()) do
      if name:find("xcompliance_ids{", 1, true) then all = all + value end
    end
    assert.equal(500, all)
  end)

  it("that cannot be written are a failure", function()
    local ids, results = bench:list(20 * 5), bench.folder .. "/r.jsonl"
    assert.equal(73, (run("check", "tweets", ids, "-o", results, "--poll", "1:1", "--metrics",
      "/proc/x")))
    local before = benches.read(ids)
    for _, name in ipairs { ids, "" } do
      assert.equal(64, (run("check", "tweets", ids, "-o", results, "--metrics", name)))
      assert.equal(before, benches.read(ids))
    end
  end)

  it("escape what others have written", function()
    local text = metrics.text({ command = "check", status = 0, began = 1, ended = 2, result = {
      ids = 1, ids_with_events = 1, type = "tweets", reasons = { ['a"b\\c\nd'] = 1 }, calls = {},
    } }, {})
    assert.matches('outcome="a\\"b\\\\c\\nd"} 1\n', text, 1, true)
  end)
end)
