-- A sync with max_age: what is asked again and when, and that what was said before still counts.

local errors = require "xcompliance.errors"
local json = require "xcompliance.json"
local scratches = require "spec.support.scratch"
local simulator = require "spec.support.simulator"
local xcompliance = require "xcompliance"

local DAY = 86400

describe("a sync with max_age", function()
  local scratch, sim

  local function start(...)
    local rows = {}
    for i, id in ipairs { ... } do
      rows[i] = ('{"id":"%s","action":"delete","reason":"deleted"}'):format(id)
    end
    if sim then sim:stop() end
    sim = simulator.start { jobs_take = 0, rate_limit = 100000, shares = {}, verdicts = rows }
  end

  before_each(function()
    scratch = scratches.new()
    scratch:shell("mkdir data")
  end)
  after_each(function()
    sim:stop()
    sim = nil
    scratch:remove()
  end)

  local function tweets(name, from, to)
    local records = {}
    for id = from, to do
      records[#records + 1] = ('{"id":"%d","author_id":"%d","text":"a"}\n'):format(id, id + 1000)
    end
    return scratch:write("data/" .. name, table.concat(records))
  end

  local function sync(max_age, more)
    local client = xcompliance.client { base_url = sim.url, bearer_token = "t" }
    local options = { inputs = { scratch:at("data") }, output = scratch:at("clean"),
      max_age = max_age, poll = { min = 0.01, max = 0.05 } }
    for name, value in pairs(more or {}) do options[name] = value end
    local report, err = client:sync(options)
    client:close()
    return report, err
  end

  --- As if all of it had happened some days earlier.
  local function pass(days)
    local path = "clean/.xcompliance/checked.json"
    local index = json.decode(scratch:read(path))
    for _, check in ipairs(index.checks) do check.time = check.time - days * DAY end
    scratch:write(path, json.encode(index))
  end

  --- How many of tweets and users were asked about, and skipped.
  local function asked(report)
    local checked = report.checked
    return { checked.tweets.asked - checked.tweets.skipped, checked.tweets.skipped,
      checked.users.asked - checked.users.skipped, checked.users.skipped }
  end

  it("asks about new ids, and about those whose turn has come again", function()
    tweets("a.jsonl", 101, 200)
    start("110")
    assert.same({ 100, 0, 100, 0 }, asked(assert(sync(7))))
    tweets("b.jsonl", 201, 230)
    assert.same({ 30, 100, 30, 100 }, asked(assert(sync(7))))
    pass(6)
    assert.same({ 0, 130, 0, 130 }, asked(assert(sync(7))))
    pass(1.1)
    tweets("c.jsonl", 231, 240)
    assert.same({ 140, 0, 140, 0 }, asked(assert(sync(7))))
    assert.equal(4, select(2, scratch:shell("ls clean/.xcompliance"):gsub("checked%.%l+%.", "")))
  end)

  it("applies what was said before, also to what comes back", function()
    tweets("a.jsonl", 101, 200)
    start("110", "150")
    local report = assert(sync(7))
    assert.equal(2, report.records.dropped)
    start("220") -- X would say nothing of the others, but it is not asked about them
    tweets("b.jsonl", 201, 230)
    scratch:write("data/again.jsonl", '{"id":"110","text":"again"}\n')
    report = assert(sync(7))
    assert.same({ 30, 100, 30, 100 }, asked(report))
    assert.equal(4, report.records.dropped)
    assert.equal("", scratch:read("clean/again.jsonl"))
    assert.is_nil(scratch:read("clean/a.jsonl"):find('"150"', 1, true))
    assert.is_nil(scratch:read("clean/b.jsonl"):find('"220"', 1, true))
    assert.equal(1, report.differences.tweets.newly_gone)
    assert.equal(0, report.differences.tweets.reinstated)
    pass(8)
    start("220") -- now it is asked about all, and 110 and 150 are compliant again
    report = assert(sync(7))
    assert.equal(1, report.records.dropped)
    assert.equal(2, report.differences.tweets.reinstated)
  end)

  it("is forgotten by a run without it", function()
    tweets("a.jsonl", 101, 110)
    start()
    assert(sync(7))
    assert.same({ 10, 0, 10, 0 }, asked(assert(sync())))
    assert.equal("", scratch:shell("ls clean/.xcompliance | grep '^checked.*[0-9]' || true"))
    assert.same({ 10, 0, 10, 0 }, asked(assert(sync(7))))
  end)

  it("changes nothing in a dry run", function()
    tweets("a.jsonl", 101, 110)
    start()
    assert(sync(7))
    local before = scratch:shell("cd clean/.xcompliance; md5sum checked*")
    tweets("b.jsonl", 111, 115)
    assert.same({ 5, 10, 5, 10 }, asked(assert(sync(7, { dry_run = true, output = nil,
      state = scratch:at("clean/.xcompliance") }))))
    assert.equal(before, scratch:shell("cd clean/.xcompliance; md5sum checked*"))
  end)

  it("is resumed after an interruption like any other", function()
    tweets("a.jsonl", 101, 200)
    start("110")
    assert(sync(7))
    tweets("b.jsonl", 201, 230)
    sim:arm("download:404x*")
    assert.is_nil((sync(7, { deadline = 2 })))
    sim:disarm()
    local report = assert(sync(7))
    assert.same({ 30, 100, 30, 100 }, asked(report))
    assert.equal(1, report.records.dropped)
  end)

  --- Ends a run in its redaction, when its jobs are done: a folder is where a file should be.
  local function interrupt(max_age)
    scratch:shell("rm -f clean/*.jsonl; mkdir clean/b.jsonl")
    local report, err = sync(max_age)
    assert.is_nil(report)
    assert.matches("b.jsonl", err.message, 1, true)
    scratch:shell("rmdir clean/b.jsonl")
  end

  it("must be the same when a run is resumed whose jobs were created", function()
    tweets("a.jsonl", 101, 120)
    start("110")
    assert(sync(7))
    start("120", "125")
    tweets("b.jsonl", 121, 130)
    interrupt(7)
    for _, other in ipairs { false, 1, 30 } do
      local report, err = sync(other or nil)
      assert.is_nil(report)
      assert.equal("usage", err.kind)
      assert.matches("sync.journal is of an unfinished sync with `max_age` 7,", err.message, 1,
        true)
    end
    assert.equal(2, assert(sync(7)).records.dropped)
    assert.is_nil(scratch:read("clean/a.jsonl"):find('"110"', 1, true))
  end)

  it("may be another one when a run is resumed that has asked nothing", function()
    tweets("a.jsonl", 101, 120)
    start("110")
    assert(sync(7))
    tweets("b.jsonl", 121, 130)
    sim:arm("create:401x*", "list:401x*")
    assert.is_nil((sync(7)))
    sim:disarm()
    assert.same({ 30, 0, 30, 0 }, asked(assert(sync())))
  end)

  it("applies what was said before although the index is lost meanwhile", function()
    tweets("a.jsonl", 101, 120)
    start("110")
    assert(sync(7))
    tweets("b.jsonl", 121, 130)
    interrupt(7)
    scratch:shell("rm clean/.xcompliance/checked.json")
    assert.equal(1, assert(sync(7)).records.dropped)
    assert.is_nil(scratch:read("clean/a.jsonl"):find('"110"', 1, true))
    scratch:shell("rm clean/.xcompliance/checked.json")
    assert.same({ 30, 0, 30, 0 }, asked(assert(sync(7))))
  end)

  it("stops if what was said before is lost", function()
    tweets("a.jsonl", 101, 120)
    start("110")
    assert(sync(7))
    tweets("b.jsonl", 121, 130)
    interrupt(7)
    scratch:shell("rm clean/.xcompliance/checked.tweets.*.jsonl")
    local report, err = sync(7)
    assert.is_nil(report)
    assert.matches("checked.tweets.%d+.jsonl", err.message)
  end)

  it("stops at an index that is damaged, and at an age that is not one", function()
    tweets("a.jsonl", 101, 110)
    start()
    assert(sync(7))
    scratch:write("clean/.xcompliance/checked.json", "{")
    local report, err = sync(7)
    assert.is_nil(report)
    assert.equal("data", err.kind)
    assert.matches("checked.json: is damaged", err.message, 1, true)
    for _, age in ipairs { 0, -1, 0 / 0, math.huge } do
      local ok, failure = pcall(sync, age)
      assert.is_false(ok)
      assert.is_true(errors.is(failure))
    end
  end)
end)
