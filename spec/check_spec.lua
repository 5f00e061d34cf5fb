-- Whole checks over real sockets: what comes out, what was asked, what goes wrong, what is resumed.

local benches = require "spec.support.bench"
local cjson = require "cjson"
local core = require "xcompliance.core"
local flows = require "spec.support.flows"
local shell = require("spec.support.simulator").shell

flows.describe("a check", function(flow)
  local bench, client, ids, results
  local in_older = flow == "storage" and it or function() end -- what the older flow alone has

  before_each(function()
    bench = benches.start { checksums = true, ranges = true }
    client = bench:client()
    ids, results = bench:path("ids.txt"), bench:path("results.jsonl")
    benches.write(ids, benches.ids(20 * 500))
  end)
  after_each(function() bench:stop() end)

  --- Options with what is usual here.
  local function with(more)
    local options = {
      type = "tweets", ids = ids, results = results, poll = { min = 0.02, max = 0.1 },
    }
    for name, value in pairs(more or {}) do options[name] = value end
    return options
  end

  local function check(more) return client:check(with(more)) end

  local function left_over()
    return shell(("ls -A %s | grep '^[.]' || true"):format(bench.folder))
  end

  --- The hidden file beside the results that ends so.
  local function beside(ending)
    local folder, name = results:match("^(.*/)(.*)$")
    return folder .. "." .. name .. "." .. ending
  end

  local function journal() return beside("journal") end

  local function last_job()
    local jobs = bench.sim:state().jobs
    return jobs[#jobs]
  end

  it("asks about every id and holds what came back, verified", function()
    local outcome = assert(check { name = "monday" })
    assert.equal(500, outcome.ids)
    assert.equal("tweets", outcome.type)
    assert.equal(1, #outcome.jobs)
    assert.matches("^monday%-%x+$", outcome.jobs[1].name)
    assert.is_true(outcome.verified)
    assert.equal("crc32c", outcome.checksum)
    assert.equal("crc32c", outcome.jobs[1].checksum)
    local text = benches.read(results)
    assert.equal(core.crc32c(text), outcome.crc32c)
    assert.equal(last_job().results.crc32c, outcome.crc32c)
    assert.equal(#text, outcome.bytes)
    local rows, reasons = 0, 0
    for line in text:gmatch("[^\n]+") do
      rows = rows + 1
      assert.is_string(cjson.decode(line).id)
    end
    for _, count in pairs(outcome.reasons) do reasons = reasons + count end
    assert.equal(rows, outcome.rows)
    assert.equal(outcome.ids_with_events, reasons)
    assert.is_true(outcome.ids_with_events <= rows and outcome.ids_with_events > 0)
    assert.equal(0, outcome.nameless)
    assert.equal(1, outcome.calls.create_compliance_job)
    assert.is_false(outcome.resumed)
    assert.equal("", left_over())
  end)

  --- Checks these ids, and they get these rows.
  local function check_scripted(list, rows)
    bench:stop()
    bench = benches.start { shares = {}, verdicts = rows }
    client = bench:client()
    ids, results = bench:path("ids.txt"), bench:path("results.jsonl")
    benches.write(ids, list)
    return check()
  end

  it("counts ids, each by what the worst of its rows says", function()
    local outcome = assert(check_scripted("1\n2\n3\n4\n5\n6\n", {
      '{"id":"1","action":"delete","reason":"suspended"}',
      '{"id":"1","action":"delete","reason":"deleted"}', '{"id":"2","action":"vanish"}',
      '{"id":"3","reason":"scrub_geo"}', '{"id":"4","error":"invalid_id"}',
    }))
    assert.equal(5, outcome.rows)
    assert.equal(4, outcome.ids_with_events)
    assert.same({ deleted = 1, unknown = 1, scrub_geo = 1, invalid = 1 }, outcome.reasons)
  end)

  it("says where results hold what is no row, and makes no other job for it", function()
    local outcome, err = check_scripted("1\n2\n", {
      '{"id":"1","action":"delete","reason":"deleted"}',
      '{"id":"2","action":"delete","reason":"deleted","redacted_at":"soon"}',
    })
    assert.is_nil(outcome)
    assert.equal("data", err.kind)
    assert.matches("results%.jsonl%.results%.0001, line %d, byte %d+: a time like", tostring(err))
    assert.is_nil(benches.read(results))
    assert.equal(tostring(err), tostring(select(2, check())))
    assert.equal(1, #bench.sim:state().jobs)
  end)

  it("sends each id once, whatever the list looks like", function()
    benches.write(ids, "\239\187\19112345678901\r\n\r\n  99\n12345678901\n7")
    local outcome = assert(check())
    assert.equal(3, outcome.ids)
    local sent = bench.sim:uploaded(last_job().id)
    local lines = {}
    for line in sent:gmatch("[^\n]+") do lines[#lines + 1] = line end
    table.sort(lines)
    assert.same({ "12345678901", "7", "99" }, lines)
  end)

  it("makes no job for a list that is wrong, and says where", function()
    for text, line in pairs {
      ["1\n2\n1.26E+18\n"] = 3, ["1\nx\n"] = 2, ["9223372036854775808\n"] = 1,
      ["12345678901234567890\n"] = 1,
    } do
      benches.write(ids, text)
      local outcome, err = check()
      assert.is_nil(outcome)
      assert.equal("data", err.kind)
      assert.equal(line, err.line)
      assert.equal("", left_over())
    end
    for _, text in ipairs { "", "\n\n \r\n" } do
      benches.write(ids, text)
      local _, err = check()
      assert.equal("data", err.kind)
      assert.matches("there is nothing to check", tostring(err))
      assert.equal("", left_over())
    end
    local _, err = check { ids = "/nonexistent" }
    assert.equal("io", err.kind)
    assert.equal("", bench:steps())
  end)

  it("asks about ids that a spreadsheet has rounded only if they are accepted", function()
    benches.write(ids, "1372900000000001000\n1372900000000002000\n1372900000000003000\n")
    local outcome, err = check()
    assert.is_nil(outcome)
    assert.matches("or accept them with `allow_rounded`", tostring(err), 1, true)
    assert.equal("", bench:steps())
    assert.equal(3, assert(check { allow_rounded = true }).ids)
  end)

  it("raises misuse before anything is made", function()
    for _, misuse in ipairs {
      { type = "posts" }, { poll = { min = 5, max = 1 } }, { poll = { every = 1 } },
      { upload = "fast" }, { output = "x" }, { deadline = -1 }, { ids = false },
    } do
      local options = with(misuse)
      if misuse.ids == false then options.ids = nil end
      local ok, err = pcall(client.check, client, options)
      assert.is_false(ok)
      assert.equal("usage", err.kind)
    end
    assert.equal("", left_over())
  end)

  in_older("uploads resumably only if it is asked to", function()
    assert.is_true(assert(check { upload = "resumable" }).jobs[1].uploaded.resumable)
    assert.matches("create start chunk", bench:steps())
    for _, how in ipairs { "simple", "auto" } do
      assert.is_false(assert(check { upload = how }).jobs[1].uploaded.resumable)
    end
  end)

  it("reports what it does, in order", function()
    local steps, seen = {}, {}
    assert(check { on_progress = function(event)
      if not seen[event.step] then steps[#steps + 1] = event.step end
      seen[event.step] = true
      assert.is_string(event.doing)
    end })
    assert.same({ "prepare", "create", "upload", "wait", "download" }, steps)
  end)

  it("asks no more than it must", function()
    assert(check { poll = { min = 0.5 } })
    assert.equal("create upload get download", bench:steps())
    bench:begin()
    local start = core.now()
    assert(check { max_polls_per_15min = 1500 })
    assert.is_true(core.now() - start >= 0.6)
    assert.equal("create upload get download", bench:steps())
  end)

  describe("waits", function()
    it("through statuses that nobody knows, with a warning", function()
      bench:arm('get:set@{"status":"queued"}x2')
      local warnings = {}
      assert(check { on_progress = function(event) warnings[#warnings + 1] = event.warning end })
      assert.matches("the job's status is 'queued', which is not known", warnings[1])
    end)

    it("through whatever a poll may meet", function()
      bench:arm("get:503-html", "get:429@1", "get:half", "get:reset", "get:without@status",
        'get:set@{"status":12}', "get:null-data", "get:500x9")
      local outcome = assert(check())
      assert.is_true(outcome.calls.list_job >= 16)
    end)

    it("until the limit is reset if no call is left", function()
      bench.sim:stop()
      bench = benches.start { rate_limit = 2, rate_window = 2, jobs_take = 0.5 }
      client = bench:client()
      assert(client:check(with()))
      assert.is_true(bench:count("get") <= 4)
      for _, entry in ipairs(bench:log()) do assert.is_true(entry.status ~= 429) end
    end)

    it("no longer than the deadline, and continues from there", function()
      bench:arm("create:job-slow@2.5")
      local start = core.now()
      local outcome, err = check { deadline = 1 }
      assert.is_true(core.now() - start < 2)
      assert.is_nil(outcome)
      assert.equal("timeout", err.kind)
      assert.matches("the job is in_progress", tostring(err))
      assert.is_nil(benches.read(results))
      bench:begin()
      outcome = assert(check())
      assert.is_true(outcome.resumed)
      assert.matches("^get ", bench:steps())
      assert.equal(1, #bench.sim:state().jobs)
    end)
  end)

  it("ends where the job has failed, and the next one makes another job", function()
    bench:arm("create:job-fails@too_many_ids")
    local outcome, err = check()
    assert.is_nil(outcome)
    assert.equal("job_failed", err.kind)
    assert.is_nil(tostring(err):find("although", 1, true)) -- that is said of one that has expired
    assert.matches("^job %d+ failed: too_many_ids", tostring(err))
    assert.equal("failed", err.job.status)
    bench:begin()
    outcome = assert(check())
    assert.equal(last_job().id, outcome.jobs[1].id)
    assert.equal(2, #bench.sim:state().jobs)
    assert.equal("", left_over())
  end)

  it("ends where the job has expired although the ids were uploaded", function()
    bench:arm("create:job-expires")
    local _, err = check()
    assert.equal("expired", err.kind)
    assert.matches("has expired, although the ids were uploaded", tostring(err))
    assert.is_true(assert(check()).verified)
  end)

  it("makes another job if the new one has expired already, and uploads to that alone", function()
    bench.sim:arm_raw { step = "create", fault = "set", parameter = '{"status":"expired"}' }
    local _, err = check { wait = false }
    assert.equal("conflict", err.kind) -- the simulator's first job is not over
    assert.equal(0, bench:count("upload"))
    bench.sim:change_job(bench.sim:state().jobs[1].id, { status = "expired" })
    assert.is_true(assert(check()).verified)
    assert.equal(2, #bench.sim:state().jobs)
  end)

  it("ends if another job of the type runs and it must not wait; it is resumed later", function()
    local other = bench:job()
    local _, err = check { wait = false }
    assert.equal("conflict", err.kind)
    assert.equal(1, #bench.sim:state().jobs)
    bench.sim:change_job(other.id, { status = "expired" })
    assert.is_true(assert(check()).verified)
    assert.equal(2, #bench.sim:state().jobs)
  end)

  it("makes one job although the answer was lost, and although its own run ended then", function()
    bench:arm("create:lost", "list:503x*")
    local _, err = check()
    assert.equal("server", err.kind)
    bench.sim:disarm()
    bench:begin()
    local outcome = assert(check())
    assert.equal(1, #bench.sim:state().jobs)
    assert.matches("^list get upload", bench:steps())
    assert.equal(last_job().id, outcome.jobs[1].id)
  end)

  it("makes another job where the upload URL has expired before anything was uploaded", function()
    local warnings, late = {}, false
    local outcome = assert(check { on_progress = function(event)
      warnings[#warnings + 1] = event.warning
      if event.message and not late then bench.sim:advance(1000) end -- the job was created
      late = late or event.message ~= nil
    end })
    assert.is_true(outcome.verified)
    assert.matches((flow == "api" and "the upload URL of job %d+ expired" or "ExpiredToken")
      .. ".* %- creating another job", warnings[1])
  end)

  it("does not make jobs without end", function()
    bench.sim:stop()
    bench = benches.start { upload_expires = -1, rate_limit = 1000 }
    client = bench:client()
    local _, err = client:check(with())
    assert.equal("expired", err.kind)
    assert.is_true(#bench.sim:state().jobs <= 3)
  end)

  it("does not upload by a URL that the API's clock says has expired", function()
    bench:arm("upload:503x*")
    assert.is_nil((check()))
    bench.sim:disarm()
    bench.sim:advance(1000)
    bench:begin()
    local outcome = assert(check())
    assert.equal("get create upload", bench:steps():match("^%a+ %a+ %a+"))
    assert.is_true(outcome.verified)
  end)

  in_older("continues an upload whose session outlives the URL that it was begun by", function()
    benches.write(ids, benches.ids(20 * 20000))
    bench:arm("chunk:503-after@256KiB", "query:503x*")
    assert.is_nil((check { upload = "resumable" }))
    bench.sim:disarm()
    bench.sim:advance(1000)
    bench:begin()
    local outcome = assert(check { upload = "resumable" })
    assert.is_true(outcome.verified)
    assert.matches("^get query chunk [get ]+ download$", bench:steps())
    assert.equal("bytes 262144-399999/400000", bench:asked("chunk", "content-range")[1])
  end)

  it("downloads what a complete job has not got yet", function()
    bench:arm("download:404x2")
    assert.is_true(assert(check()).verified)
  end)

  in_older("gets a fresh URL where the download URL has expired, once", function()
    bench:arm("download:400-expired")
    assert.is_true(assert(check()).verified)
    bench:begin()
    bench:arm("download:400-expiredx2")
    local warning
    assert(check { on_progress = function(event) warning = event.warning or warning end })
    assert.matches("the results of job %d+ have expired %- creating another job", warning)
    assert.equal(2, bench:count("create"))
    bench:arm("download:400-expiredx*")
    local _, err = check()
    assert.equal("expired", err.kind)
    assert.equal(5, bench:count("create"))
  end)

  it("continues with a download that was cut, also in another run", function()
    bench:arm("download:cut@30000x*")
    benches.write(ids, benches.ids(20 * 5000))
    local hasty = bench:client { retry = { attempts = 1 } }
    local outcome, err = hasty:check(with())
    assert.is_nil(outcome)
    assert.equal("network", err.kind)
    assert.is_nil(benches.read(results))
    bench.sim:disarm()
    bench:begin()
    outcome = assert(check())
    assert.is_true(outcome.verified)
    assert.equal("download", bench:steps())
    local log = bench:log()
    assert.equal("bytes=30000-", log[1].headers.range)
    assert.is_string(log[1].headers["if-range"])
    assert.equal(last_job().results.crc32c, core.crc32c(benches.read(results)))
    assert.equal("", left_over())
  end)

  it("publishes nothing that is not verified, or says so", function()
    benches.write(results, "before")
    bench:arm("download:wrong-hash")
    local _, err = check()
    assert.equal("integrity", err.kind)
    assert.equal("before", benches.read(results))
    bench:arm("download:no-hash")
    -- the API offers no hash: all that it offers has matched
    local outcome = assert(check())
    assert.equal(flow == "api", outcome.verified)
    assert.equal("none", outcome.checksum)
  end)

  describe("keeps its state", function()
    local function interrupted()
      bench:arm("upload:503x*")
      assert.is_nil((check()))
      bench.sim:disarm()
    end

    it("beside the results, for the owner alone, without the token", function()
      interrupted()
      assert.equal("600", shell("stat -c %a " .. journal()))
      local text = benches.read(journal())
      assert.is_nil(text:find(benches.TOKEN, 1, true))
      -- it is a credential: that is why the mode is 0600
      assert.matches(flow == "api" and "token=" or "Signature", text)
    end)

    it("in a folder of its own if it is asked to", function()
      local state = bench:path("state")
      bench:arm("upload:503x*")
      assert.is_nil((check { state = state }))
      bench.sim:disarm()
      assert.equal("", left_over())
      assert.equal("700", shell("stat -c %a " .. state))
      assert.is_true(assert(check { state = state }).resumed)
      assert.equal("", shell("ls -A " .. state))
    end)

    it("for one run at a time", function()
      bench:arm("create:job-slow@0.3")
      local err
      assert(check { on_progress = function(event)
        if event.step == "wait" and not err then
          local _, refusal = check()
          err = refusal
        end
      end })
      assert.equal("conflict", err.kind)
      assert.matches("another run holds this journal", tostring(err))
    end)

    it("for the list that it began with", function()
      interrupted()
      local text = benches.read(ids)
      benches.write(ids, text .. "77\n")
      local _, err = check()
      assert.equal("usage", err.kind)
      assert.matches("unfinished check of another list", tostring(err))
      _, err = check { type = "users" }
      assert.equal("usage", err.kind)
      assert.matches("unfinished check of tweets", tostring(err))
      benches.write(ids, text) -- the same again, of another time
      assert.is_true(assert(check()).resumed)
      assert.equal(1, #bench.sim:state().jobs)
    end)

    it("and makes the prepared list again where it is missing or was touched", function()
      local list = beside("ids")
      for _, damage in ipairs { os.remove, function(path) benches.write(path, "66\n") end } do
        interrupted()
        damage(list)
        bench:begin()
        local outcome = assert(check())
        assert.equal(500, outcome.ids)
        bench:holds(outcome.jobs[1], benches.ids(20 * 500))
      end
    end)

    it("but not in a journal that was damaged", function()
      interrupted()
      local text = benches.read(journal())
      benches.write(journal(), "x" .. text)
      local _, err = check()
      assert.equal("data", err.kind)
      assert.matches("remove the file to start again", tostring(err))
    end)
  end)

  in_older("reads the job first if a run is resumed that may have uploaded already", function()
    bench:arm("upload:lostx*")
    assert.is_nil((check()))
    bench.sim:disarm()
    bench:begin()
    local outcome = assert(check())
    assert.is_nil(bench:steps():find("upload", 1, true))
    assert.equal(last_job().id, outcome.jobs[1].id)
    assert.is_false(outcome.verified) -- nothing says what storage holds
  end)

  in_older("starts again where the job has expired although an upload session is open", function()
    benches.write(ids, benches.ids(900000))
    bench:arm("chunk:503-after@300000", "query:503x*")
    assert.is_nil((check { upload = "resumable" }))
    bench.sim:disarm()
    bench.sim:change_job(last_job().id, { status = "expired" })
    bench:begin()
    assert.is_true(assert(check { upload = "resumable" }).verified)
    assert.equal("get create start chunk", bench:steps():match("^%a+ %a+ %a+ %a+"))
  end)

  in_older("continues with an upload session of another run", function()
    benches.write(ids, benches.ids(900000))
    bench:arm("chunk:503-after@300000", "query:503x*")
    local _, err = check { upload = "resumable" }
    assert.equal("server", err.kind)
    bench.sim:disarm()
    bench:begin()
    local outcome = assert(check { upload = "resumable" })
    assert.equal("get query chunk", bench:steps():match("^%a+ %a+ %a+"))
    assert.is_true(outcome.verified)
    assert.same({ "bytes 262144-899999/900000" }, bench:asked("chunk", "content-range"))
    assert.equal(1, #bench.sim:state().jobs)
  end)
end)
