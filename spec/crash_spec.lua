-- kill -9 at every state of a check, the process really killed; the same command again then ends
-- right, with exactly one job made.

local benches = require "spec.support.bench"
local core = require "xcompliance.core"
local flows = require "spec.support.flows"
local shell = require("spec.support.simulator").shell

flows.describe("row 11: a check that was killed", function(flow)
  local bench, ids, results

  before_each(function()
    bench = benches.start ()
    ids, results = bench:path("ids.txt"), bench:path("results.jsonl")
  end)
  after_each(function() bench:stop() end)

  local function command(upload)
    return ("BEARER_TOKEN=%s XCOMPLIANCE_BASE_URL=%s %s"):format(benches.TOKEN, bench.sim.url,
      benches.command(("bin/xcompliance check tweets %s -o %s --poll 1:1 --upload %s"):format(
        ids, results, upload)))
  end

  --- The same again has ended well: everything is right, and there is no second job.
  local function is_right(text)
    local jobs = bench.sim:state().jobs
    assert.equal(1, #jobs)
    assert.equal("complete", jobs[1].status)
    assert.equal(core.crc32c(text), jobs[1].upload.crc32c)
    assert.equal(jobs[1].results.crc32c, core.crc32c(benches.read(results)))
    assert.equal("", shell(("ls -A %s | grep -E '^[.].*(journal|ids|results.0001)$' || true")
      :format(bench.folder)))
  end

  describe("around a line of its journal", function()
    -- runs a check that kills itself before or after its journal's n-th line is written
    local SUICIDE = [[
      local journal = require "xcompliance.journal"
      local when, at, upload, ids, results = (table.unpack or unpack)(arg)
      local real, count
      local open = journal.open
      function journal.open(path)
        local self, err = open(path)
        local methods = self and getmetatable(self).__index
        if methods and not real then
          real, count = methods.record, 0
          function methods.record(own, entry)
            count = count + 1
            local now = count == tonumber(at)
            if now and when == "before" then os.execute("kill -9 $PPID") end
            local ok, why = real(own, entry)
            if now then os.execute("kill -9 $PPID") end
            return ok, why
          end
        end
        return self, err
      end
      local client = require("xcompliance").client { retry = { attempts = 1 } }
      assert(client:check {
        type = "tweets", ids = ids, results = results, poll = { min = 0.02 }, upload = upload,
      })
      print("lines", count)
    ]]

    local function run(when, at, upload)
      local script = bench:path("suicide.lua")
      benches.write(script, SUICIDE)
      local _, output = shell(("BEARER_TOKEN=%s XCOMPLIANCE_BASE_URL=%s %s 2>&1"):format(
        benches.TOKEN, bench.sim.url, benches.command(table.concat(
          { script, when, at, upload, ids, results }, " "))))
      return output
    end

    for upload, lines in pairs { simple = 9, resumable = flow == "storage" and 10 or nil } do
      it("has " .. lines .. " of them, uploading so: " .. upload, function()
        benches.write(ids, benches.ids(20 * 500))
        assert.matches("lines%s+" .. lines, run("never", 0, upload))
      end)
      for at = 1, lines do
        for _, when in ipairs { "before", "after" } do
          it(("continues: %s line %d, uploading so: %s"):format(when, at, upload), function()
            local text = benches.ids(20 * 500)
            benches.write(ids, text)
            assert.is_nil(run(when, at, upload):find("lines", 1, true))
            assert.matches("lines", run("never", 0, upload))
            is_right(text)
          end)
        end
      end
    end
  end)

  describe("in the middle of", function()
    --- Begins the command, waits until the simulator was asked at that step, kills it.
    local function kill_at(step, upload)
      local run = ("( exec env %s ) >/dev/null 2>&1 & echo $!"):format(command(upload))
      local pid = assert(shell(run))
      for _ = 1, 200 do
        if bench:count(step) > 0 then break end
        core.sleep(0.02)
      end
      assert.is_true(bench:count(step) > 0, step)
      core.sleep(0.1)
      assert(shell("kill -9 " .. pid))
      for _ = 1, 100 do
        if not shell("kill -0 " .. pid .. " 2>/dev/null") then break end
        core.sleep(0.01)
      end
    end

    for name, case in pairs {
      ["a create that came too late"] = { "create:blackhole@1", "create", "simple" },
      ["a create that made the job"] = { "create:stall@1", "create", "simple" },
      ["an upload"] = { "upload:throttle@20kB", "upload", "simple" },
      ["an upload that was stored"] = { "upload:stall@1", "upload", "simple" },
      ["the start of a session"] = { "start:stall@1", "start", "resumable" },
      ["a resumable upload"] = { "chunk:throttle@400kB", "chunk", "resumable" },
      ["a resumable upload that was stored"] = { "chunk:stall@1", "chunk", "resumable" },
      ["a poll of the job"] = { "get:stall@1", "get", "simple" },
      ["a download"] = { "download:stall-body@1", "download", "simple" },
    } do
      local is_there = flow == "storage" or case[3] == "simple"
      (is_there and it or function() end)(name, function()
        local text = benches.ids(20 * 30000)
        benches.write(ids, text)
        bench:arm(case[1])
        kill_at(case[2], case[3])
        assert.is_nil(benches.read(results))
        bench.sim:disarm()
        local _, output = shell(command(case[3]) .. " 2>&1")
        assert.matches("30,000 tweet ids asked", output)
        is_right(text)
      end)
    end
  end)
end)
