-- Rows 57 to 59 of the fault matrix: lists that change, state files that are not what they should
-- be, and two runs at once. What the disk does (rows 58 and 60) is in disk_spec.lua.

local benches = require "spec.support.bench"
local core = require "xcompliance.core"
local flows = require "spec.support.flows"
local simulator = require "spec.support.simulator"

local quote, run, shell = simulator.quote, simulator.run, simulator.shell

flows.describe("a list that changes", function(flow)
  local bench, path, text

  before_each(function()
    bench = benches.start()
    path, text = bench:list(700 * 1024)
  end)
  after_each(function() bench:stop() end)

  local function append() return text .. "1\n" end
  local CHANGES = {
    ["grows"] = append,
    ["shrinks"] = function() return text:sub(1, 300000) end,
    ["is edited"] = function() return text:sub(1, -100) .. "7" .. text:sub(-98) end,
    ["is emptied"] = function() return "" end,
  }

  --- Writes into the file as an editor does: the same inode, a later time.
  local function change(how)
    core.sleep(0.02)
    benches.write(path, CHANGES[how]())
  end

  for how in pairs(CHANGES) do
    for _, resumable in ipairs(flows.resumable[flow]) do
      local step = resumable and "chunk" or "upload"

      it(("row 57: and %s between two attempts is given up, at %s"):format(how, step), function()
        local job, changed = bench:job { resumable = resumable }, false
        bench:arm(step .. ":503-early")
        local said, err = bench:client():upload_ids(job.upload_url, path, {
          on_progress = function(event)
            if event.retry and not changed then
              changed = true
              change(how)
            end
          end,
        })
        assert.is_true(changed)
        assert.is_nil(said)
        assert.equal("data", err.kind, tostring(err))
        assert.matches("ids%.txt", tostring(err))
        assert.equal(1, bench:count(step)) -- not a byte more was sent
        assert.is_nil(bench:stored(job))
      end)

      it(("row 57: and %s while it is sent is found, at %s"):format(how, step), function()
        path, text = bench:list(24 * benches.MiB) -- more than sockets hold
        local job, changed = bench:job { resumable = resumable }, false
        bench:arm(step .. ":throttle@12MB")
        local said, err = bench:client():upload_ids(job.upload_url, path, {
          on_progress = function(event)
            if (event.done or 0) > 0 and not changed then
              changed = true
              change(how)
            end
          end,
        })
        assert.is_true(changed)
        if how == "grows" and said then return bench:holds(job, text) end -- it is what was summed
        assert.is_nil(said)
        assert.equal("data", err.kind, tostring(err))
        assert.matches("ids%.txt", tostring(err))
        assert.is_true(resumable == false or bench:stored(job) == nil, "something else was stored")
      end)
    end
  end

  it("row 57: a file that takes its name meanwhile is another one, and not sent", function()
    local job, changed = bench:job(), false
    bench:arm("upload:503-early")
    assert(bench:client():upload_ids(job.upload_url, path, {
      on_progress = function(event)
        if event.retry and not changed then
          changed = true
          benches.write(path .. ".new", "1\n2\n")
          assert(os.rename(path .. ".new", path))
        end
      end,
    }))
    assert.is_true(changed)
    bench:holds(job, text)
  end)
end)

flows.describe("the state of a check", function(flow)
  local bench, ids, results, journal
  local HAS_SESSIONS = flow == "storage"
  local it_with_sessions = HAS_SESSIONS and it or function() end

  before_each(function()
    bench = benches.start { checksums = true }
    ids, results = bench:path("ids.txt"), bench:path("results.jsonl")
    journal = results:gsub("[^/]+$", ".%0.journal")
    benches.write(ids, benches.ids(20 * 20000))
  end)
  after_each(function() bench:stop() end)

  local function check(options, faults)
    bench:arm(faults or {})
    local all = { type = "tweets", ids = ids, results = results, poll = { min = 0.02 },
      upload = HAS_SESSIONS and "resumable" or nil }
    for name, value in pairs(options or {}) do all[name] = value end
    return bench:client():check(all)
  end

  --- A run that is in the middle of its upload.
  local function interrupted()
    local faults = HAS_SESSIONS and { "chunk:503-after@256KiB", "query:stall@30" }
      or { "upload:throttle@50kB" }
    local outcome, err = check({ deadline = 0.3 }, faults)
    assert.is_nil(outcome)
    assert.equal("timeout", err.kind)
    bench:begin()
    return assert(benches.read(journal))
  end

  local function fails(kind, options)
    local outcome, err = check(options)
    assert.is_nil(outcome)
    assert.equal(kind, err.kind, tostring(err))
    assert.equal("", bench:steps())
    return err
  end

  it("row 57: and the list changed between two runs is another list", function()
    interrupted()
    benches.write(ids, benches.ids(20 * 20000):gsub("1", "2", 1))
    assert.matches("another list", tostring(fails("usage")))
  end)

  it("row 57: and the prepared list changed between two runs is made again", function()
    interrupted()
    local prepared = journal:gsub("journal$", "ids")
    benches.write(prepared, (benches.read(prepared):gsub("1", "2", 1)))
    assert.is_true(assert(check()).verified)
    assert.equal(1, #bench.sim:state().jobs)
  end)

  it_with_sessions("row 58: continues from where storage is", function()
    interrupted()
    assert.is_true(assert(check()).verified)
    assert.matches("^get query chunk ", bench:steps())
    assert.equal("bytes 262144-399999/400000", bench:asked("chunk", "content-range")[1])
  end)

  it("row 58: continues with the same job, which is read first", function()
    interrupted()
    assert.is_true(assert(check()).verified)
    assert.matches(HAS_SESSIONS and "^get query chunk " or "^get upload ", bench:steps())
    assert.equal(1, #bench.sim:state().jobs)
  end)

  it_with_sessions("row 58: continues though the URL has expired, as the session lives", function()
    interrupted()
    bench.sim:advance(7200)
    assert.is_true(assert(check()).verified)
    assert.matches("^get query chunk ", bench:steps())
  end)

  it_with_sessions("row 44: a session lost after its URL has expired makes another job", function()
    interrupted()
    bench.sim:advance(8 * 86400)
    local outcome = assert(check())
    assert.is_true(outcome.verified)
    assert.matches("^get query start cancel get create start chunk ",
      (bench:steps():gsub("list ", "")))
    assert.equal(2, #bench.sim:state().jobs)
    assert.is_nil(benches.read(journal))
  end)

  it("row 58: is dropped from where it is torn", function()
    local text = interrupted()
    benches.write(journal, text:sub(1, -20))
    assert.is_true(assert(check()).verified)
    assert.equal(1, #bench.sim:state().jobs)
  end)

  it("row 58: is refused where it is corrupt", function()
    local text = interrupted()
    local lines = select(2, text:gsub("\n", "\n"))
    local last = #text:match("[^\n]*\n$") -- which would be taken for torn
    for _, at in ipairs { 10, 60, math.floor((#text - last) / 2) } do
      local bent = text:sub(1, at - 1) .. string.char((text:byte(at) + 1) % 128) .. text:sub(at + 1)
      benches.write(journal, bent)
      local outcome, err = check()
      if outcome then error("continued with a corrupt state") end
      assert.equal("data", err.kind)
      assert.matches("line %d", tostring(err))
      assert.matches("remove the file to start again", tostring(err))
      assert.equal("", bench:steps())
    end
    assert.is_true(lines > 3)
  end)

  it("row 58: is refused where it is of other ids, or of another type", function()
    interrupted()
    fails("usage", { type = "users" })
    local other = bench:list(2000)
    fails("usage", { ids = other })
    assert.is_true(assert(check()).verified)
  end)

  it("row 58: of another job is refused", function()
    local own = interrupted()
    local results_before, journal_before = results, journal
    bench.sim:change_job(bench.sim:state().jobs[1].id, { status = "expired" })
    ids, results = bench:list(40000), bench:path("other.jsonl")
    journal = results:gsub("[^/]+$", ".%0.journal")
    interrupted()
    benches.write(journal, own) -- the first run's
    assert.matches("another list", tostring(fails("usage")))
    assert.is_string(benches.read(journal_before))
    assert.is_nil(benches.read(results_before))
  end)

  it("row 58: from the future is refused", function()
    local text = interrupted()
    local entry = '{"format":3,"step":"wait","version":"9.0"}'
    benches.write(journal, ('%s{"crc32c":"%s","entry":%s}\n'):format(text, core.crc32c(entry),
      entry))
    assert.matches("written by version 9.0", tostring(fails("data")))
  end)

  it("row 58: full of anything is refused", function()
    for _, text in ipairs {
      "\n\n", "hello\nworld\n", ("\0"):rep(1000) .. "\n\n", "{}\n{}\n", "[[[\n1\n",
    } do
      benches.write(journal, text)
      fails("data")
    end
  end)

  it("row 58: a link is refused, and the link's end untouched", function()
    local victim = bench:path("victim")
    benches.write(victim, "precious\n")
    assert(shell(("ln -s %s %s"):format(quote(victim), quote(journal))))
    fails("io")
    assert.equal("precious\n", benches.read(victim))
  end)

  it("row 58: in a place that cannot be written is an error before any job is made", function()
    benches.write(bench.folder .. "/file", "")
    fails("io", { state = bench.folder .. "/file" })
    fails("io", { state = bench.folder .. "/missing/folder" })
  end)

  for name, fault in pairs {
    ["another length"] = HAS_SESSIONS and "wrong-length" or nil, ["another hash"] = "wrong-hash",
    ["a bit that flipped"] = "flip@5",
  } do
    it("row 30: forgets a job that was given something else: " .. name, function()
      local outcome, err = check({ upload = "simple" }, { "upload:" .. fault })
      assert.is_nil(outcome)
      assert.equal("integrity", err.kind)
      assert.is_false(err.retryable)
      assert.matches("a new job is needed: run the same command again", tostring(err))
      local running = { created = true, in_progress = true }
      while running[bench.sim:state().jobs[1].status] do core.sleep(0.02) end
      outcome = assert(check { upload = "simple" })
      assert.is_true(outcome.verified)
      local jobs = bench.sim:state().jobs
      assert.equal(2, #jobs)
      assert.equal(jobs[2].id, outcome.jobs[1].id)
      bench:holds(outcome.jobs[1], benches.ids(20 * 20000))
    end)
  end

  it_with_sessions("row 39: forgets a session that says what cannot be", function()
    local outcome, err = check({}, { "chunk:503-early", "query:range@bytes=0-99999999" })
    if outcome then error("it continued") end
    assert.equal("integrity", err.kind)
    assert.is_true(assert(check()).verified)
    assert.equal(1, #bench.sim:state().jobs)
  end)

  it("row 59: is one run's at a time", function()
    local command = bench:xcompliance(("check tweets %s -o %s --poll 1:1"):format(ids, results))
    bench:arm("get:stall@2")
    local first = bench:spawn(command)
    for _ = 1, 200 do
      if bench:count("get") > 0 then break end
      core.sleep(0.02)
    end
    local asked = #bench:log()
    local output, status = run(command .. " 2>&1")
    assert.equal(75, status)
    assert.matches("another run holds this journal", output)
    assert.equal(asked, #bench:log())
    output, status = first.wait()
    assert.equal(0, status, output)
    assert.equal(1, #bench.sim:state().jobs)
  end)
end)
