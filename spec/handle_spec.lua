-- Operations that run beside their caller; that they do so under every loop is in loop_spec.

local benches = require "spec.support.bench"
local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local lfs = require "lfs"
local simulator = require "spec.support.simulator"
local xcompliance = require "xcompliance"

local POLL = { min = 0.02, max = 0.05 }

describe("a handle", function()
  local bench, client

  before_each(function()
    bench = benches.start()
    client = bench:client()
  end)
  after_each(function() bench:stop() end)

  local function options(name)
    local ids = bench:path(name or "ids.txt")
    benches.write(ids, benches.ids(20 * 100))
    return { type = "tweets", ids = ids, results = ids .. ".results", poll = POLL }
  end

  it("is of each operation, and returns what that returns", function()
    local job = bench:job()
    local path, text = bench:list(2000)
    local said, info = client:start_upload(job.upload_url, path):result()
    assert(said, info)
    bench:holds(job, text)
    local complete = assert(client:wait_for(job.id, { poll = POLL }))
    assert.equal("complete", complete.data.status)
    local status
    status, info = client:start_download(complete.data.download_url, bench:path("out")):result()
    assert.equal(200, status)
    assert.is_true(info.bytes > 0)
    local records, found, rows = bench:path("in.jsonl"), bench:path("found"), bench:path("rows")
    benches.write(records, '{"id":"7","text":"a"}\n{"id":"8","text":"a"}\n')
    local counts = assert(client:start_extract({
      type = "tweets", inputs = records, output = found,
    }):result())
    assert.equal(2, counts.ids)
    assert.equal("7\n8\n", benches.read(found))
    benches.write(rows, '{"id":"7","action":"delete","reason":"deleted"}\n')
    counts = assert(client:start_redact({
      verdicts = assert(xcompliance.dataset.verdicts { tweets = rows }), inputs = records,
      output = bench:path("clean.jsonl"),
    }):result())
    assert.equal(1, counts.records - counts.kept)
    local data = bench:path("data")
    assert(simulator.shell(("mkdir %s && cp %s %s"):format(data, records, data)))
    local report = assert(client:start_sync({
      inputs = { data }, output = bench:path("synced"), poll = POLL,
    }):result())
    assert.equal(2, report.records.records)
  end)

  it("raises misuse when it is started, and starts nothing then", function()
    for _, misuse in ipairs {
      function() client:start_check { type = "tweet" } end,
      function() client:start_check { nonsense = 1 } end,
      function() client:start_check "ids.txt" end,
      function() client:start_check { on_progress = 1 } end,
      function() client:start_upload(1, 2) end,
      function() client:start_redact {} end,
      function() xcompliance.wait_any {} end,
      function() xcompliance.wait_any { 1 } end,
    } do
      local ok, err = pcall(misuse)
      assert.is_false(ok)
      assert.equal("usage", errors.from(err).kind)
    end
    assert.same({}, bench:log())
  end)

  it("returns a run-time failure, and raises what on_progress raises", function()
    local wrong = options()
    wrong.ids = bench:path("nothing")
    local outcome, err = client:start_check(wrong):result()
    assert.is_nil(outcome)
    assert.equal("io", err.kind)
    local own = options("other.txt")
    local count = 0
    own.on_progress = function()
      count = count + 1
      if count == 3 then error({ "no more" }, 0) end
    end
    local handle = client:start_check(own)
    local ok, failure = pcall(handle.result, handle)
    assert.is_false(ok)
    assert.equal("no more", failure[1])
  end)

  it("gives each event as a table that does not change", function()
    local events, copies = {}, {}
    local own = options()
    own.on_progress = function(event)
      events[#events + 1] = event
      copies[#copies + 1] = {}
      for name, value in pairs(event) do copies[#copies][name] = value end
    end
    local handle = client:start_check(own)
    local outcome = assert(handle:result())
    assert.is_true(#events > 5)
    assert.same(copies, events)
    local last = handle:progress()
    assert.equal(outcome.jobs[1].id, last.job)
    assert.equal("tweets", last.type)
    last.job = nil
    assert.is_string(handle:progress().job)
  end)

  it("waits for at most the time that it is given", function()
    bench:arm("create:stall@2")
    local handle, began = client:start_check(options()), core.now()
    assert.is_false(handle:wait(0.1))
    assert.is_nil(xcompliance.wait_any({ handle }, 0.1))
    assert.is_false(handle:done())
    assert.is_true(core.now() - began < 1)
    assert.matches("^xcompliance.handle: check, running$", tostring(handle))
    handle:cancel()
    assert.matches("^xcompliance.handle: check, ended$", tostring(handle))
  end)

  it("refuses a time to wait that is no number", function()
    local handle = client:start_check(options())
    for _, seconds in ipairs { 0 / 0, "1", {} } do
      for _, wait in ipairs {
        function() handle:wait(seconds) end,
        function() xcompliance.wait_any({ handle }, seconds) end,
      } do
        local ok, err = pcall(wait)
        assert.is_false(ok)
        assert.equal("wait: give a number of seconds, or nothing", err.message)
      end
    end
    handle:cancel()
  end)

  it("leaves nothing when it is dropped", function()
    bench:arm("create:stall@5x*")
    local function tasks()
      local count = 0
      for _ in lfs.dir("/proc/self/fd") do count = count + 1 end
      return count
    end
    collectgarbage()
    local before = tasks()
    for i = 1, 20 do client:start_check(options("ids" .. i)) end
    for _ = 1, 3 do collectgarbage() end
    assert.is_true(tasks() <= before + 2, tasks() .. " descriptors, not " .. before)
  end)

  it("waits for a job that does not end well", function()
    local job = bench:job()
    bench.sim:change_job(job.id, { status = "failed" })
    local response, err = client:wait_for(job.id, { poll = POLL })
    assert.is_nil(response)
    assert.equal("job_failed", err.kind)
    assert.equal(job.id, err.job.id)
    assert.equal(("job %s failed: internal_error - create another"):format(job.id), err.message)
    assert.has_error(function() client:wait_for(job.id, { poll = { min = -1 } }) end)
  end)
end)
