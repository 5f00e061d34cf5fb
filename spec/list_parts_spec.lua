-- A list that is longer than a job may be: parts, one job after another, one file of results.

local benches = require "spec.support.bench"
local core = require "xcompliance.core"
local flows = require "spec.support.flows"
local parts = require "xcompliance.list_parts"
local shell = require("spec.support.simulator").shell
local checks = require "xcompliance.check"

flows.describe("a check in parts", function()
  local bench, client, ids, results

  local function start(options)
    bench = benches.start(options)
    client = bench:client()
    ids, results = bench:path("ids.txt"), bench:path("results.jsonl")
    benches.write(ids, benches.ids(20 * 500))
  end

  before_each(function() start { shares = { deleted = 0.4 } } end)
  after_each(function() bench:stop() end)

  local function check(more)
    local options = {
      type = "tweets", ids = ids, results = results, poll = { min = 0.02, max = 0.1 },
      ids_per_job = 200,
    }
    for name, value in pairs(more or {}) do options[name] = value end
    return client:check(options)
  end

  local function jobs() return bench.sim:state().jobs end

  local function left_over()
    return shell(("ls -A %s | grep '^[.]' || true"):format(bench.folder))
  end

  local function beside(ending)
    local folder, name = results:match("^(.*/)(.*)$")
    return folder .. "." .. name .. "." .. ending
  end

  --- These jobs were asked about the list, in order, and the results are all that they gave.
  local function is_joined(list)
    local sent, given = {}, {}
    for i, job in ipairs(list) do
      sent[i] = bench.sim:uploaded(job.id)
      given[i] = bench.sim:results(job.id)
    end
    assert.equal(benches.read(ids), table.concat(sent))
    assert.equal(table.concat(given), benches.read(results))
    assert.is_true(#benches.read(results) > 0)
    assert.equal("", left_over())
  end

  it("asks one job after another, and joins what they give", function()
    local outcome = assert(check())
    is_joined(jobs())
    assert.equal(3, #outcome.jobs)
    assert.equal(500, outcome.ids)
    local rows = 0
    for i, job in ipairs(outcome.jobs) do
      assert.equal(jobs()[i].id, job.id)
      assert.equal(i < 3 and 200 or 100, job.ids)
      assert.is_true(job.verified)
      rows = rows + job.rows
    end
    assert.equal(rows, outcome.rows)
    assert.equal(select(2, benches.read(results):gsub("[^\n]+", "")), outcome.rows)
    assert.equal(core.crc32c(benches.read(results)), outcome.crc32c)
    assert.equal(outcome.ids_with_events, outcome.reasons.deleted)
    assert.is_true(outcome.verified)
    assert.equal(0, bench:count("list")) -- which a conflict would have asked for
  end)

  it("keeps each part below the bytes that X takes", function()
    local usual = parts.BYTES_MAX
    parts.BYTES_MAX = 4000 -- the lines have 20
    local outcome, err = check { ids_per_job = 1000 }
    parts.BYTES_MAX = usual
    assert(outcome, err)
    is_joined(jobs())
    assert.equal(199, outcome.jobs[1].ids)
    assert.equal(500 - 2 * 199, outcome.jobs[3].ids)
  end)

  it("keeps to the ids of a job, however long its part is", function()
    benches.write(ids, benches.ids(20 * 9000)) -- copied in several blocks
    local outcome = assert(check { ids_per_job = 5000 })
    is_joined(jobs())
    assert.same({ 5000, 4000 }, { outcome.jobs[1].ids, outcome.jobs[2].ids })
  end)

  it("joins results whose last row has no line end", function()
    local paths, target = { bench:path(), bench:path(), bench:path() }, bench:path("joined")
    benches.write(paths[1], '{"id":"1"}')
    benches.write(paths[2], "")
    benches.write(paths[3], '{"id":"2"}\n{"id":"3"}')
    local sum = assert(parts.join(bench:connection():call("check", {}), paths, target))
    assert.equal('{"id":"1"}\n{"id":"2"}\n{"id":"3"}\n', benches.read(target))
    assert.equal(33, sum.bytes)
  end)

  it("does not take results that cannot be read for ones that are short", function()
    local path = bench:path()
    benches.write(path, '{"id":"1"}\n')
    benches.write(results, "as it was")
    for _, paths in ipairs { { bench.folder }, { path, bench.folder }, { bench.folder, path } } do
      local sum, err = parts.join(bench:connection():call("check", {}), paths, results)
      assert.is_nil(sum)
      assert.equal("io", err.kind)
      assert.equal(bench.folder, err.file)
      assert.equal("as it was", benches.read(results))
    end
  end)

  it("asks at once what may be asked at once", function()
    for _, most in ipairs { 500, 501, 6000000 } do
      assert.equal(1, #assert(check { ids_per_job = most }).jobs)
    end
    assert.equal(2, #assert(check { ids_per_job = 499 }).jobs)
  end)

  it("joins results without a last newline, empty ones, and ones with a mark", function()
    local paths, mark = {}, "\239\187\191"
    for i, text in ipairs { mark .. "1\n", "2", "", "\r\n", mark .. "3\n4", "5\n", mark } do
      paths[i] = bench:path("part" .. i)
      benches.write(paths[i], text)
    end
    local call = bench:connection():call("check", {})
    assert(parts.join(call, paths, results))
    assert.equal(mark .. "1\n2\n\r\n3\n4\n5\n", benches.read(results))
  end)

  it("says which part it is at", function()
    local messages, doing = {}, {}
    assert(check { on_progress = function(event)
      messages[#messages + 1] = event.message
      doing[event.doing] = true
    end })
    assert.equal("part 1 of 3: 200 ids", messages[1])
    assert.is_true(doing["part 2 of 3: creating a compliance job"])
    assert.is_true(doing["part 3 of 3: uploading " .. ids:match("[^/]*$")])
  end)

  describe("refused as too large", function()
    it("row 91: continues with half as many ids, and remembers that", function()
      local warnings = {}
      bench:arm("upload:413")
      local outcome = assert(check { on_progress = function(event)
        warnings[#warnings + 1] = event.warning
      end })
      local all = jobs()
      assert.equal("failed", all[1].status) -- it was cancelled
      assert.equal(6, #all)
      assert.equal(5, #outcome.jobs)
      for _, job in ipairs(outcome.jobs) do assert.equal(100, job.ids) end
      table.remove(all, 1)
      is_joined(all)
      assert.equal(1, #warnings)
      assert.matches("continuing with parts of 100 ids", warnings[1])
      assert.equal(0, bench:count("list"))
    end)

    it("row 91: remembers it in another run as well", function()
      bench:arm("upload:413", "create:503+1x*")
      assert.is_nil((check()))
      bench.sim:disarm()
      local outcome = assert(check())
      assert.equal(100, outcome.jobs[1].ids)
      assert.equal(5, #outcome.jobs)
    end)

    it("row 91: ends at a list of one id, and the slot is free", function()
      benches.write(ids, "7\n")
      bench:arm("upload:413")
      local _, err = check()
      assert.equal("too_large", err.kind)
      assert.equal("failed", jobs()[1].status)
      assert(check())
    end)
  end)

  describe("whose second job fails", function()
    before_each(function()
      benches.write(results, "before\n")
      bench:arm("create:job-fails@odd+1")
      local outcome, err = check()
      bench.sim:disarm()
      assert.is_nil(outcome)
      assert.equal("job_failed", err.kind)
      assert.equal(2, err.part)
      assert.matches("^part 2 of 3: job %d+ failed: odd", tostring(err))
      assert.equal("before\n", benches.read(results))
    end)

    it("row 105: keeps what it has, and resumes there", function()
      local outcome = assert(check())
      local all = jobs()
      assert.equal(4, #all)
      assert.equal(3, #outcome.jobs)
      assert.is_true(outcome.resumed)
      table.remove(all, 2)
      is_joined(all)
    end)

    it("may ask in other portions from there on", function()
      local outcome = assert(check { ids_per_job = 50 })
      assert.equal(200, outcome.jobs[1].ids)
      assert.equal(50, outcome.jobs[2].ids)
      assert.equal(7, #outcome.jobs)
    end)

    for what, damage in pairs {
      ["are zeros"] = function(path, size) benches.write(path, ("\0"):rep(size)) end,
      ["were replaced by other results"] = function(path) benches.write(path, '{"id":"1"}\n') end,
      ["are gone"] = os.remove,
    } do
      it("row 106: downloads results again that " .. what .. ", and blames nobody else", function()
        local path, warnings = beside("results.0001"), {}
        damage(path, #benches.read(path))
        assert(check { on_progress = function(event) table.insert(warnings, event.warning) end })
        assert.equal(1, #warnings)
        assert.matches("is not what was downloaded %- downloading it again", warnings[1])
        local all = jobs()
        table.remove(all, 2)
        is_joined(all)
      end)
    end

    it("asks again about a part whose kept results are gone here and expired there", function()
      os.remove(beside("results.0001"))
      bench.sim:advance(8 * 24 * 3600)
      local outcome = assert(check())
      local all = jobs()
      assert.equal(5, #all)
      assert.equal(3, #outcome.jobs)
      is_joined { all[5], all[3], all[4] }
    end)

    it("asks again about the same ids then, whatever else has changed", function()
      os.remove(beside("results.0001"))
      bench.sim:advance(8 * 24 * 3600)
      local outcome = assert(check { ids_per_job = 150 })
      local all = jobs()
      assert.equal(5, #all)
      assert.equal(200, outcome.jobs[1].ids)
      is_joined { all[5], all[3], all[4] }
    end)

    it("refuses another list, names the file to remove, and what is lost then", function()
      local text = benches.read(ids)
      benches.write(ids, text .. "77\n")
      local _, err = check()
      assert.equal("usage", err.kind)
      assert.matches("is of an unfinished check of another list %(500 tweet ids%)", tostring(err))
      assert.matches("remove the file to start again: the results of 1 finished job is lost then",
        tostring(err))
      assert.equal(beside("journal"), err.file)
    end)

    it("takes the same ids in another order as the same list", function()
      local lines = {}
      for line in benches.read(ids):gmatch("[^\n]+\n") do table.insert(lines, 1, line) end
      benches.write(ids, table.concat(lines))
      assert.is_true(assert(check()).resumed)
      assert.equal(4, #jobs())
    end)
  end)

  it("makes the part at hand again if it is missing or was touched", function()
    for number, damage in ipairs {
      os.remove, function(path) benches.write(path, "66\n") end,
    } do
      bench:arm("upload:503+1x*") -- the first part passes
      assert.is_nil((check()))
      bench.sim:disarm()
      damage(beside("part.ids"))
      assert(check())
      assert.equal(3 * number, #jobs())
    end
  end)

  it("resumes wherever it is killed", function()
    local command = bench:xcompliance(("check tweets %s -o %s --ids-per-job 200 --poll 1:1"):format(
      ids, results))
    for _, step in ipairs { "create", "upload", "get", "download" } do
      local before = #jobs()
      os.remove(results)
      bench:begin()
      bench:arm(step .. ":stall@1+1") -- of the second part
      local process = bench:spawn(command)
      for _ = 1, 400 do
        if bench:count(step) > 1 then break end
        core.sleep(0.02)
      end
      core.sleep(0.1)
      process.kill("KILL")
      process.wait()
      bench.sim:disarm()
      assert.is_nil(benches.read(results))
      local text = assert(shell(command .. " 2>&1"))
      assert.matches("jobs %d+, %d+, %d+: 500 tweet ids asked", text)
      local all = jobs()
      assert.equal(before + 3, #all)
      is_joined({ all[before + 1], all[before + 2], all[before + 3] })
    end
  end)

  describe("that has ended, but not its run", function()
    before_each(function()
      local outcome, err = checks.run(bench:connection(), {
        type = "tweets", ids = ids, results = results, poll = { min = 0.02, max = 0.1 },
        ids_per_job = 200,
      }, function(outcome)
        assert.equal(3, #outcome.jobs)
        return nil, { kind = "io", message = "a full disk" }
      end)
      assert.is_nil(outcome)
      assert.equal("io", err.kind)
      assert.matches("journal", left_over())
      bench:begin()
    end)

    it("says once more what came out, and asks nothing", function()
      assert.is_true(assert(check()).resumed)
      assert.equal("", bench:steps())
      is_joined(jobs())
    end)

    it("publishes once more what was lost meanwhile", function()
      assert(os.remove(results))
      assert(check())
      assert.equal("", bench:steps())
      is_joined(jobs())
    end)
  end)

  it("leaves nothing of a run that was killed while it joined", function()
    local folder, name = results:match("^(.*/)(.*)$")
    local left = folder .. "." .. name .. "." .. ("a"):rep(12) .. ".part"
    benches.write(left, "half")
    assert(check())
    assert.is_nil(benches.read(left))
  end)

  it("row 104: resumes a journal of the format before, of one job for a whole list", function()
    bench:arm("get:503x*")
    assert.is_nil((check { ids_per_job = 1000 }))
    bench.sim:disarm()
    local facts = require("xcompliance.journal").open(beside("journal"))
    local known = facts.facts
    facts:close()
    local entry = require("xcompliance.json").encode {
      format = 1, step = "wait", type = "tweets", name = known.name, job = known.job,
      list = known.list, source = known.source, uploaded = known.uploaded,
    }
    benches.write(beside("journal"), ('{"crc32c":"%s","entry":%s}\n'):format(core.crc32c(entry),
      entry))
    bench:begin()
    local outcome = assert(check { ids_per_job = 1000 })
    assert.equal("get download", bench:steps())
    assert.is_true(outcome.resumed)
    is_joined(jobs())
  end)
end)
