-- Rows 61 to 66 of the fault matrix: waiting for a job.

local benches = require "spec.support.bench"
local core = require "xcompliance.core"
local flows = require "spec.support.flows"
local retry = require "xcompliance.retry"
local simulator = require "spec.support.simulator"

flows.describe("waiting for a job", function()
  local bench, ids, results

  local function begin(options)
    bench = benches.start(options)
    ids, results = bench:list(2000), bench:path("results.jsonl")
  end
  before_each(function() begin { jobs_take = 0.5 } end)
  after_each(function() bench:stop() end)

  local function check(faults, options, settings)
    bench:arm(faults)
    local all = { type = "tweets", ids = ids, results = results, poll = { min = 0.1, max = 0.2 } }
    for name, value in pairs(options or {}) do all[name] = value end
    return bench:client(settings):check(all)
  end

  local function succeeds(faults, options, settings)
    local outcome = assert(check(faults, options, settings))
    assert.is_true(outcome.verified)
    assert.equal(1, bench:count("create"))
    return outcome
  end

  for _, fault in ipairs {
    "429-no-reset", "429@1", "503-html", "503-retry-after@1", "500", "502-empty", "half",
    "garbage", "lost", "close", "reset", "nul", "body@<html>", "empty-data", "null-data",
    "without@id", "number-id",
  } do
    it("row 61: continues through " .. fault, function()
      succeeds { "get:" .. fault .. "x2" }
      assert.is_true(bench:count("get") > 2)
    end)
  end

  it("row 61: within the deadline", function()
    local began = core.now()
    local outcome, err = check({ "get:503x*" }, { deadline = 1 },
      { retry = { attempts = 1000, first = 0.01, max = 0.1 } })
    assert.is_nil(outcome)
    assert.equal("timeout", err.kind)
    assert.is_true(core.now() - began < 2)
    bench.sim:disarm()
    assert.is_true(succeeds({}).resumed)
  end)

  for _, status in ipairs { '"paused"', '""', '"in_progress "', '"COMPLETE"', '"a\\nb"' } do
    it("row 62: waits on, with a warning, where the status is " .. status, function()
      local warned
      bench.sim:arm_raw { step = "get", fault = "set", parameter = '{"status":' .. status .. "}",
        count = 2 }
      succeeds({}, { on_progress = function(event)
        if event.warning and event.warning:find("is not known") then warned = true end
      end })
      assert.is_true(warned)
    end)
  end

  for _, status in ipairs { "null", "5", "[]", "{}", "true", "12.5" } do
    it("row 62: looks again where the status is " .. status, function()
      bench.sim:arm_raw { step = "get", fault = "set", parameter = '{"status":' .. status .. "}",
        count = 2 }
      succeeds {}
    end)
  end

  it("row 62: polls again if there is no status", function()
    succeeds { "get:without@statusx2" }
  end)

  it("row 63: a job that goes back is waited for, and nothing is downloaded meanwhile", function()
    bench.sim:arm_raw { step = "get", fault = "set", parameter = '{"status":"complete"}' }
    succeeds({}, nil, { retry = { attempts = 9, first = 0.1, max = 0.2 } })
    assert.equal(404, bench:log()[4].status) -- the first download
    bench:begin()
    bench.sim:arm_raw { { step = "get", fault = "set", parameter = '{"status":"in_progress"}',
      skip = 1, count = 3 }, { step = "get", fault = "set", parameter = '{"status":"created"}' } }
    succeeds {}
    local looks = bench:steps():match("upload (.*) download$")
    assert.matches("^get[ get]* get$", looks)
  end)

  for fault, case in pairs {
    ["job-fails@too many ids"] = { "job_failed", "too many ids" },
    ["job-expires"] = { "expired", "although the ids were uploaded" },
  } do
    it("row 64: ends at once where the job does: " .. fault, function()
      local outcome, err = check { "create:" .. fault }
      assert.is_nil(outcome)
      assert.equal(case[1], err.kind)
      assert.matches(case[2], tostring(err), 1, true)
      assert.equal(0, bench:count("download"))
      assert.is_nil(benches.read(results))
      assert.is_true(bench:count("get") < 10)
    end)
  end

  it("row 64: a job that stays as if nothing was uploaded is waited for to the deadline", function()
    local outcome, err = check({ "create:job-stuck" }, { deadline = 3 })
    assert.is_nil(outcome)
    assert.equal("timeout", err.kind)
    assert.matches("the job is created", tostring(err), 1, true)
  end)

  it("row 65: the wait doubles from its least to its most", function()
    for _, poll in ipairs { { min = 5, max = 60 }, { min = 1, max = 60 }, { min = 9, max = 9 } } do
      local waited, looks, last = 0, 0, 0
      while waited < 900 do
        local seconds = retry.poll(looks, poll, math.random)
        assert.is_true(seconds >= poll.min and seconds <= poll.max)
        assert.is_true(seconds > last * 0.74)
        waited, looks, last = waited + seconds, looks + 1, seconds
      end
      assert.is_true(looks <= 150, looks)
    end
  end)

  it("row 65: the API's limit is never exceeded", function()
    bench:stop()
    begin { jobs_take = 5, rate_limit = 4, rate_window = 2 }
    local said
    succeeds({}, { poll = { min = 0.05, max = 0.05 }, on_progress = function(event)
      said = said or event.message and event.message:match("the job is in_progress; (.*)")
    end })
    assert.matches("^rate limited until %d%d:%d%d:%d%d$", said)
    for _, entry in ipairs(bench:log()) do assert.is_true(entry.status ~= 429, entry.step) end
    assert.is_true(bench:count("get") > 4)
  end)

  it("row 65: nor that of the user", function()
    local began = core.now()
    succeeds({}, { max_polls_per_15min = 900 })
    assert.is_true(core.now() - began >= 1)
    assert.equal(1, bench:count("get"))
  end)

  it("row 65: which is a number that looks can keep", function()
    for _, polls in ipairs { 0, -1, 0 / 0 } do
      local ok, err = pcall(check, {}, { max_polls_per_15min = polls })
      assert.is_false(ok)
      assert.equal("usage", err.kind)
    end
    assert.equal("", bench:steps())
  end)

  it("row 65: the command does not look more often than once a second", function()
    local output, status = simulator.run(bench:xcompliance(
      ("check tweets %s -o %s --poll 0.1:1 2>&1"):format(ids, results)))
    assert.equal(64, status)
    assert.matches("from 1 on", output)
    assert.equal("", bench:steps())
  end)

  describe("row 66: while the clock on the wall", function()
    local FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"

    before_each(function()
      bench:stop()
      begin { jobs_take = 1.2 }
    end)

    local function run(first, later)
      local clock = bench:path("clock")
      benches.write(clock, first .. "\n")
      local wrapper = ("env LD_PRELOAD=%s FAKETIME_TIMESTAMP_FILE=%s FAKETIME_NO_CACHE=1"
        .. " FAKETIME_DONT_FAKE_MONOTONIC=1"):format(FAKETIME, clock)
      local began = core.now()
      local process = bench:spawn(bench:xcompliance(
        ("check tweets %s -o %s --poll 1:1"):format(ids, results), wrapper))
      if later then
        for _ = 1, 100 do
          if bench:count("get") > 0 then break end
          core.sleep(0.05)
        end
        benches.write(clock, later .. "\n")
      end
      local output = process.wait()
      assert.matches("100 tweet ids asked", output)
      assert.is_true(core.now() - began < 12, core.now() - began)
      assert.is_true(bench:count("get") <= 5, bench:steps())
      assert.equal(1, bench:count("create"))
    end

    for name, case in pairs {
      ["is two days late"] = { "-2d" }, ["is ten years early"] = { "+3650d" },
      ["jumps ten years ahead"] = { "+0", "+3650d" }, ["jumps back by two days"] = { "+0", "-2d" },
      ["runs sixty times as fast"] = { "+0 x60" }, ["stands still"] = { "2027-01-01 00:00:00" },
    } do
      it(name, function()
        if os.getenv("LD_PRELOAD") then return pending "the sanitizers must be preloaded alone" end
        if not benches.read(FAKETIME) then return pending "libfaketime is not installed" end
        run(case[1], case[2])
      end)
    end
  end)
end)
