-- The slot of a type: waited for if another job holds it, freed by cancelling our own job.

local benches = require "spec.support.bench"
local core = require "xcompliance.core"
local flows = require "spec.support.flows"
local operations = require "xcompliance.operations"
local shell = require("spec.support.simulator").shell

flows.describe("the slot of a type", function(flow)
  local bench, client, ids, results
  -- what a fresh upload URL at which there is nothing is to each flow; and an expired one
  local GONE = flow == "api" and "server" or "not_found"
  local REFUSED = flow == "api" and "usage" or "protocol"
  local EXPIRED = flow == "api" and "403-expired" or "400-expired"

  local function start(options)
    bench = benches.start(options)
    client = bench:client()
    ids, results = bench:path("ids.txt"), bench:path("results.jsonl")
    benches.write(ids, benches.ids(20 * 50))
  end

  before_each(function() start() end)
  after_each(function() bench:stop() end)

  local function check(more)
    local options = {
      type = "tweets", ids = ids, results = results, poll = { min = 0.02, max = 0.1 },
    }
    for name, value in pairs(more or {}) do options[name] = value end
    return client:check(options)
  end

  local function jobs() return bench.sim:state().jobs end

  local function left_over()
    return shell(("ls -A %s | grep '^[.]' || true"):format(bench.folder))
  end

  --- Collects what is reported, and acts once at the first message that holds `text`.
  local function listener(text, act)
    local reported = {}
    return function(event)
      local said = event.message or event.warning
      if not said then return end
      reported[#reported + 1] = said
      if act and said:find(text, 1, true) then
        act()
        act = nil
      end
    end, reported
  end

  describe("that another job holds", function()
    it("row 98: is waited for while that job is created; the message says until when", function()
      local other = bench:job()
      local on_progress, reported = listener("which holds the slot", function()
        bench.sim:advance(1000)
      end)
      local outcome = assert(check { on_progress = on_progress })
      assert.matches("^waiting for job " .. other.id .. " %(created, waits for its upload until"
        .. " %d%d:%d%d:%d%d at the latest%), which holds the slot of tweets$", reported[1])
      assert.equal(2, #jobs())
      assert.equal("expired", jobs()[1].status) -- nobody has cancelled it
      assert.equal(jobs()[2].id, outcome.jobs[1].id)
      assert.equal(0, bench:count("cancel"))
    end)

    it("row 98: is waited for while it is in progress; the message says since when", function()
      local other = bench:job()
      bench.sim:change_job(other.id, { status = "in_progress", name = "theirs" })
      local on_progress, reported = listener("which holds the slot", function()
        bench.sim:change_job(other.id, { status = "complete" })
      end)
      assert(check { on_progress = on_progress })
      assert.matches("^waiting for job " .. other.id .. ".*in_progress since %d%d:%d%d",
        reported[1])
      assert.equal("complete", jobs()[1].status)
    end)

    it("is reported again if its status changes, in the times of this machine's clock", function()
      bench:stop()
      start { clock_offset = 7200 }
      local other = bench:job()
      local on_progress, reported = listener("created, waits for", function()
        bench.sim:change_job(other.id, { status = "in_progress" })
      end)
      assert(check { on_progress = function(event)
        on_progress(event)
        if reported[2] then bench.sim:change_job(other.id, { status = "complete" }) end
      end })
      local function is_near(seconds, said)
        for late = -5, 60 do
          if said == os.date("%H:%M:%S", os.time() + seconds - late) then return true end
        end
      end
      assert.is_true(is_near(900, reported[1]:match("until (%S+) at the latest")), reported[1])
      assert.is_true(is_near(0, reported[2]:match("in_progress since ([%d:]+)")), reported[2])
    end)

    it("holds it until its upload window has ended for sure: dates are whole seconds", function()
      local other = bench:job()
      bench.sim:advance(901)
      bench.sim:change_job(other.id, { status = "created" })
      bench:arm("create:409")
      local on_progress, reported = listener()
      assert(check { on_progress = on_progress, deadline = 10 })
      assert.matches("which holds the slot of tweets$", reported[1])
    end)

    it("is polled no more often than a job of our own, and reported once", function()
      bench:job()
      local on_progress, reported = listener()
      local _, err = check { deadline = 1, poll = { min = 0.3, max = 0.3 },
        on_progress = on_progress }
      assert.equal(1, #reported)
      assert.equal("timeout", err.kind)
      assert.is_true(bench:count("get") <= 3)
      assert.equal(1, bench:count("create"))
      assert.equal(1, bench:count("list"))
    end)

    it("is polled within the limits of the API", function()
      bench:stop()
      start { rate_limit = 3, rate_window = 2 }
      local other = bench:job()
      local began, is_over = core.now(), false
      assert(check { on_progress = function()
        if core.now() - began > 1 and not is_over then
          is_over = true
          bench.sim:change_job(other.id, { status = "expired" })
        end
      end })
      for _, entry in ipairs(bench:log()) do assert.is_true(entry.status ~= 429) end
    end)

    it("row 98: is waited for within the deadline, and the error names that job", function()
      local other = bench:job()
      local _, err = check { deadline = 0.3 }
      assert.equal("timeout", err.kind)
      assert.matches("job " .. other.id .. " %(created", tostring(err))
      assert.equal(1, #jobs())
      bench.sim:change_job(other.id, { status = "expired" })
      assert(check())
      assert.equal(2, #jobs())
    end)

    it("is not waited for if the caller does not want it", function()
      bench:job()
      local _, err = check { wait = false }
      assert.equal("conflict", err.kind)
      local process = bench:spawn(bench:xcompliance(("check tweets %s -o %s --no-wait"):format(ids,
        results)))
      local output, status = process.wait()
      assert.equal(75, status)
      assert.matches("the API answered 409", output)
      assert.equal(1, #jobs())
    end)

    it("is tried again if the job that holds it is not listed", function()
      bench:arm("create:409x3")
      local on_progress, reported = listener()
      assert(check { on_progress = on_progress })
      assert.matches("lists none", reported[1])
      assert.equal(4, bench:count("create"))
      assert.equal(1, #jobs())
    end)

    it("is free if that job's upload window has ended, whatever its status says", function()
      local other = bench:job()
      local on_progress, reported = listener()
      bench.sim:advance(1000) -- the slot is free now, but the status stays
      bench.sim:change_job(other.id, { status = "created" })
      bench:arm("create:409")
      assert(check { on_progress = on_progress, deadline = 5 })
      assert.matches("^the API says that a job of this type is running, but lists none",
        reported[1])
    end)

    it("is free if that job is not known any more", function()
      bench:job()
      local on_progress = listener("which holds the slot", function()
        bench:arm("get:404")
        bench.sim:change_job(jobs()[1].id, { status = "expired" })
      end)
      assert(check { on_progress = on_progress })
    end)
  end)

  it("row 98: may be held by the run's own job, which it adopts by its name", function()
    local real, first = operations.create, true
    operations.create = function(own, call, wish)
      if first then -- as if the request had been sent twice, and the second was answered
        first = false
        assert(bench:client():create_compliance_job(wish.type, wish.name))
      end
      return real(own, call, wish)
    end
    local outcome, err = check()
    operations.create = real
    assert(outcome, err)
    assert.equal(1, #jobs())
    assert.equal(jobs()[1].id, outcome.jobs[1].id)
    assert.equal(1, bench:count("list"))
  end)

  describe("is freed", function()
    it("row 89: if the upload is refused; the same again makes another job at once", function()
      for status, kind in pairs { ["404-empty"] = GONE, ["400"] = REFUSED } do
        local before = #jobs()
        bench:begin()
        bench:arm("upload:" .. status)
        local _, err = check()
        assert.equal(kind, err.kind)
        assert.equal(1, bench:count("upload"))
        assert.equal("failed", jobs()[before + 1].status)
        bench:begin()
        assert(check { wait = false })
        assert.equal(1, bench:count("create"))
      end
    end)

    it("row 95: if the upload URL expires, twice at most", function()
      bench:arm("upload:" .. EXPIRED .. "x2")
      assert(check { wait = false })
      assert.equal("failed failed complete", ("%s %s %s"):format(jobs()[1].status,
        jobs()[2].status, jobs()[3].status))
      bench:arm("upload:" .. EXPIRED .. "x*")
      local _, err = check()
      assert.is_true(err.kind == "expired" or err.url_refused)
      assert.equal(6, #jobs())
      for number = 4, 6 do assert.equal("failed", jobs()[number].status) end
    end)

    it("if the job failed before the upload; the same again makes another job at once", function()
      if flow ~= "api" then return end -- storage does not say
      bench:arm("upload:403-expired")
      local failed = false
      local _, err = check { on_progress = function(event)
        if event.step ~= "upload" or failed then return end
        failed = true
        bench.sim:change_job(jobs()[1].id, { status = "failed", error = "too odd" })
      end }
      assert.equal("job_failed", err.kind)
      assert.matches("failed: too odd %- run the same command again to make a new job",
        tostring(err))
      assert(check { wait = false })
      assert.equal(2, #jobs())
    end)

    it("if the prepared list is not what it was when the upload began", function()
      local real = require("xcompliance.upload").run
      require("xcompliance.upload").run = function(...)
        local path = select(4, ...)
        benches.write(type(path) == "string" and path or select(5, ...), "66\n")
        return real(...)
      end
      local _, err = check()
      require("xcompliance.upload").run = real
      assert.equal("data", err.kind)
      assert.equal("failed", jobs()[1].status)
      assert.equal(0, bench:count("upload"))
      assert(check { wait = false })
    end)

    it("row 96: whatever the cancel is answered, without a loop", function()
      for answer, requests in pairs {
        ["404"] = 1, ["409"] = 1, lost = 2, ["503x2"] = 3, ["503x*"] = 5,
      } do
        bench:stop()
        start()
        bench:arm("upload:404", "cancel:" .. answer)
        local _, err = check()
        assert.equal(GONE, err.kind)
        assert.equal(requests, bench:count("cancel"))
        assert.is_true(bench:count("get") <= 2)
        bench.sim:disarm()
        for _, job in ipairs(jobs()) do
          if job.status == "created" then bench.sim:change_job(job.id, { status = "expired" }) end
        end
        assert(check())
        assert.is_true(#jobs() == 2)
      end
    end)

    it("later, if the run dies before the cancel", function()
      bench:arm("upload:404", "cancel:503x*")
      local _, err = check()
      assert.equal(GONE, err.kind)
      bench.sim:disarm()
      bench:begin()
      assert(check { wait = false })
      assert.matches("^cancel create upload", bench:steps())
      assert.equal("failed", jobs()[1].status)
    end)
  end)

  describe("is kept", function()
    it("by an upload that may be tried again", function()
      bench:arm("upload:503x*")
      local _, err = check()
      assert.equal("server", err.kind)
      assert.equal("created", jobs()[1].status)
      assert.equal(0, bench:count("cancel"))
    end)

    it("on Ctrl-C", function()
      bench:arm("upload:stall@2")
      local process = bench:spawn(bench:xcompliance(("check tweets %s -o %s"):format(ids, results)))
      for _ = 1, 200 do
        if bench:count("upload") > 0 then break end
        core.sleep(0.02)
      end
      process.kill("INT")
      local _, status = process.wait()
      assert.equal(130, status)
      assert.equal(0, bench:count("cancel"))
    end)
  end)

  describe("is asked for again", function()
    it("row 101: if the API does not know the job any more, a few times", function()
      local on_progress, reported = listener()
      bench:arm("get:404")
      assert(check { on_progress = on_progress, wait = false, poll = { min = 0.2 } })
      assert.matches("the API does not know job %d+ any more %- creating another job",
        table.concat(reported, "\n"))
      assert.equal(2, #jobs())
      bench:arm("get:404x*")
      local _, err = check { poll = { min = 0.2 } }
      assert.equal("not_found", err.kind)
      assert.equal(5, #jobs())
    end)

    it("row 101: if the results have expired", function()
      bench:arm("get:503x*")
      assert.is_nil((check()))
      bench.sim:disarm()
      bench.sim:advance(8 * 86400)
      local on_progress, reported = listener()
      assert(check { on_progress = on_progress })
      assert.matches("the results of job %d+ have expired %- creating another job",
        table.concat(reported, "\n"))
      assert.equal(2, #jobs())
    end)

    it("row 101: if the results expire while they are downloaded; nothing of them stays", function()
      bench:arm("download:cut@500", "download:503x*")
      assert.is_nil((check()))
      bench.sim:disarm()
      bench.sim:advance(8 * 86400)
      assert(check())
      assert.equal(2, #jobs())
      assert.equal("", left_over())
    end)
  end)

  it("binds nothing before a job exists", function()
    for _, refusal in ipairs { "create:401", "create:403", "create:400" } do
      bench:arm(refusal)
      assert.is_nil((check()))
      benches.write(ids, "8\n9\n")
      bench:arm(refusal)
      assert.is_nil((check { type = "users" }))
      benches.write(ids, "7\n")
    end
    local outcome = assert(check())
    assert.equal(1, outcome.ids)
    assert.equal("tweets", outcome.type)
    assert.equal(1, #jobs())
  end)

  it("binds nothing while it waits for another job", function()
    bench:job()
    local _, err = check { deadline = 0.3 }
    assert.equal("timeout", err.kind)
    benches.write(ids, "8\n9\n")
    _, err = check { deadline = 0.3 }
    assert.equal("timeout", err.kind)
    bench.sim:advance(1000)
    local outcome = assert(check())
    assert.equal(2, outcome.ids)
    assert.equal(2, #jobs())
  end)

  it("binds the list if a job may exist", function()
    bench:arm("create:lost", "list:503x*")
    assert.is_nil((check()))
    bench.sim:disarm()
    benches.write(ids, "8\n9\n")
    local _, err = check()
    assert.equal("usage", err.kind)
    assert.matches("the job that may have been created is lost then", tostring(err))
  end)
end)
