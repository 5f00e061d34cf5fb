-- A dataset into compliance, whole: against the simulator, over real files.

local benches = require "spec.support.bench"
local cjson = require "cjson"
local flows = require "spec.support.flows"
local real = require "spec.support.real"
local simulator = require "spec.support.simulator"

local shell, quote = simulator.shell, simulator.quote

local POLL = { min = 0.02, max = 0.05 }

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

local function lines_of(path)
  local lines = {}
  for line in io.lines(path) do lines[#lines + 1] = line end
  return lines
end

--- What every file of a folder holds, as one text, without the state.
local function sums(folder)
  return (assert(shell(("cd %s && find . -type f -not -path './.xcompliance/*' | LC_ALL=C sort"
    .. " | xargs sha256sum"):format(quote(folder)))))
end

local function tweet(id, author, more)
  return ('{"id":"%s","author_id":"%s","text":"a"%s}'):format(id, author, more or "")
end

local function row(id, reason, action)
  return ('{"id":"%s","action":"%s","created_at":"2020-01-01T00:00:00.000Z","reason":"%s"}')
    :format(id, action or "delete", reason)
end

flows.describe("a sync", function()
  local bench, folder

  local function start(options)
    bench = benches.start(options)
    folder = bench:path("data")
    assert(shell("mkdir " .. folder))
  end
  after_each(function() bench:stop() end)

  local function sync(options)
    options.inputs = options.inputs or { folder }
    options.poll = POLL
    return bench:client():sync(options)
  end

  local function write(name, ...)
    benches.write(folder .. "/" .. name, table.concat({ ... }, "\n") .. "\n")
  end

  --- Nothing condemned is left: neither a second extraction nor a second sync finds any.
  local function is_compliant(output, rest)
    local again = assert(sync { inputs = { output }, dry_run = true, state = bench:path("state") })
    for _, type in ipairs { "tweets", "users" } do
      assert.is_nil(again.checked[type].outcomes.delete)
    end
    assert.equal(0, again.records.dropped)
    assert.equal(rest, again.records.records)
    -- places are scrubbed once: the second time there is nothing to scrub
    assert.equal(0, again.records.changed)
  end

  it("leaves nothing condemned of a dataset in every form", function()
    start { shares = { deleted = 0.2, suspended = 0.1, scrub_geo = 0.1, tweet_edited = 0.05 } }
    assert(shell("lua5.4 examples/sample_dataset.lua " .. folder .. " 900"))
    assert(shell(([[cd %s && mkdir deep && gzip -k flat.jsonl && zstd -q pages.jsonl &&
      gzip -c pages.jsonl flat.jsonl > deep/both.jsonl.gz &&
      grep -o '137[0-9]*' rows.csv > deep/ids.txt]])
      :format(folder)))
    for i, path in ipairs(real.files()) do
      assert(shell(("cp %s %s/deep/real%d.jsonl"):format(quote(path), folder, i)))
    end
    local before = sums(folder)
    local output = bench:path("clean")
    local report = assert(sync { output = output })
    assert.equal(before, sums(folder))
    assert.is_true(report.records.dropped > 100)
    assert.is_true(report.records.changed > 10)
    assert.is_true(report.verified)
    for _, type in ipairs { "tweets", "users" } do
      local checked, sum = report.checked[type], 0
      for _, ids in pairs(checked.outcomes) do sum = sum + ids end
      assert.equal(checked.asked, checked.compliant + sum)
      assert.is_true(sum > 0)
      assert.equal(1, #checked.jobs)
    end
    assert.equal(2, report.calls.create_compliance_job)
    assert.equal(assert(shell("cd " .. folder .. " && find . -type f | LC_ALL=C sort")),
      shell("cd " .. output .. " && find . -type f -not -path './.xcompliance/*' | LC_ALL=C sort"))
    is_compliant(output, report.records.records - report.records.dropped)
  end)

  it("writes the report that it returns", function()
    start { shares = { deleted = 0.3 } }
    assert(shell("lua5.4 examples/sample_dataset.lua " .. folder .. " 90"))
    local output = bench:path("clean")
    local report = assert(sync { output = output })
    local written = cjson.decode(benches.read(output .. "/.xcompliance/report.json"))
    assert.equal(1, written.format)
    assert.equal(report.records.kept, written.records.kept)
    assert.equal(report.files[1].crc32c, written.files[1].crc32c)
    assert.equal(#report.checked.tweets.jobs, #written.checked.tweets.jobs)
    local removals = 0
    for _, month in ipairs(written.removals_by_month) do removals = removals + month.ids end
    assert.equal(written.checked.tweets.outcomes.delete, removals)
    assert.equal("600", shell("stat -c %a " .. output .. "/.xcompliance/report.json"))
    assert.is_false(exists(output .. "/.xcompliance/sync.journal"))
    for _, name in ipairs { "tweets.ids", "users.ids" } do
      assert.is_false(exists(output .. "/.xcompliance/" .. name))
    end
  end)

  it("does with edited tweets what the policy says, and reports it", function()
    start { shares = {}, verdicts = { row("101", "tweet_edited", "rehydrate") } }
    local placed = '{"id":"101","text":"a","author_id":"7","geo":{"place_id":"x"}}'
    write("a.jsonl", tweet(100, 7), placed)
    local kept, scrubbed = bench:path("kept"), bench:path("scrubbed")
    local report = assert(sync { output = kept })
    local ids = kept .. "/.xcompliance/rehydrate.ids"
    assert.same({ tweets = 1, treatment = "keep", list = ids }, report.edited)
    assert.same({ "101" }, lines_of(ids))
    assert.same({ tweet(100, 7), placed }, lines_of(kept .. "/a.jsonl"))
    report = assert(sync { output = scrubbed, policy = { rehydrate = "scrub_geo" } })
    assert.same({ 1, "scrub_geo" }, { report.edited.tweets, report.edited.treatment })
    assert.same({ tweet(100, 7), '{"id":"101","text":"a","author_id":"7"}' },
      lines_of(scrubbed .. "/a.jsonl"))
    report = assert(sync { dry_run = true, state = bench:path("state") })
    assert.same({ tweets = 1, treatment = "keep" }, report.edited)
  end)

  it("in place leaves files alone in which nothing is condemned", function()
    start { shares = {}, verdicts = { row("102", "deleted") } }
    write("a.jsonl", tweet(100, 7), tweet(101, 7))
    write("b.jsonl", tweet(102, 7), tweet(103, 7))
    assert(shell("touch -d 2020-01-01 " .. folder .. "/a.jsonl"))
    local inode = shell("stat -c %i " .. folder .. "/a.jsonl")
    local report = assert(sync { in_place = true })
    assert.equal(inode, shell("stat -c %i " .. folder .. "/a.jsonl"))
    assert.same({ tweet(103, 7) }, lines_of(folder .. "/b.jsonl"))
    assert.equal(1, report.records.dropped)
    assert.equal(3, report.records.kept)
  end)

  it("asks in parts, one job after the other", function()
    start { shares = { deleted = 0.5 } }
    assert(shell("lua5.4 examples/sample_dataset.lua " .. folder .. " 300"))
    local output = bench:path("clean")
    local report = assert(sync { output = output, ids_per_job = 100 })
    assert.equal(3, #report.checked.tweets.jobs)
    assert.equal(300, report.checked.tweets.asked)
    assert.equal(100, report.checked.tweets.jobs[2].ids)
    is_compliant(output, report.records.records - report.records.dropped)
  end)

  it("runs the job of the tweets beside that of the users", function()
    start { shares = {}, jobs_take = 1 }
    write("a.jsonl", tweet(100, 7))
    local report = assert(sync { output = bench:path("clean") })
    local jobs = bench.sim:state().jobs
    assert.equal(2, #jobs)
    local first, second = report.checked.tweets.jobs[1], report.checked.users.jobs[1]
    assert.is_true(first.seconds > 0.9 and second.seconds > 0.9)
    assert.is_true(report.seconds < first.seconds + second.seconds)
  end)

  it("changes nothing as a dry run, and reports what would go", function()
    start { shares = { deleted = 0.5 } }
    assert(shell("lua5.4 examples/sample_dataset.lua " .. folder .. " 90"))
    local before = sums(folder)
    local report = assert(sync { dry_run = true })
    assert.equal(before, sums(folder))
    assert.is_true(report.dry_run)
    assert.is_true(report.records.dropped > 0)
    assert.is_nil(report.files[1].output)
  end)

  it("reports what is newly gone and what is reinstated, and where its record is", function()
    start { shares = {}, verdicts = { row("100", "suspended"), row("101", "deleted") } }
    write("a.jsonl", tweet(100, 7), tweet(101, 7), tweet(102, 7))
    local options = {
      in_place = true, state = bench:path("state"), quarantine = bench:path("kept"),
      policy = { suspended = "quarantine" },
    }
    local first = assert(sync(options))
    assert.is_nil(first.differences)
    assert.equal(1, first.records.quarantined)
    assert.same({ tweet(102, 7) }, lines_of(folder .. "/a.jsonl"))
    bench.sim:stop()
    bench.sim = simulator.start { jobs_take = 0, shares = {}, verdicts = { row("102", "deleted") } }
    local second = assert(sync(options))
    local found = second.differences.tweets
    assert.equal(1, found.newly_gone)
    assert.equal(1, found.reinstated)
    assert.equal(1, #found.places)
    assert.equal("100", found.places[1].id)
    assert.equal(tweet(100, 7), lines_of(found.places[1].file)[found.places[1].line])
    assert.equal(0, second.differences.users.newly_gone)
  end)

  it("locates a reinstated record of a compressed dataset", function()
    start { shares = {}, verdicts = { row("100", "suspended") } }
    write("a.jsonl", tweet(100, 7), tweet(102, 7))
    assert(shell("gzip " .. folder .. "/a.jsonl"))
    local options = {
      in_place = true, quarantine = bench:path("kept"), state = bench:path("state"),
      policy = { suspended = "quarantine" },
    }
    assert.equal(1, assert(sync(options)).records.quarantined)
    bench.sim:stop()
    bench.sim = simulator.start { jobs_take = 0, shares = {} }
    local found = assert(sync(options)).differences.tweets
    assert.equal(1, found.reinstated)
    assert.equal("100", found.places[1].id)
    assert.equal(1, found.places[1].line)
    assert.equal(tweet(100, 7), (shell("gzip -dc " .. found.places[1].file)))
  end)

  it("stops at an outcome that it does not know, and publishes nothing", function()
    start { shares = {}, verdicts = { row("101", "odd", "explode"), row("100", "deleted") } }
    write("a.jsonl", tweet(100, 7))
    write("b.jsonl", tweet(101, 7))
    local before = sums(folder)
    local report, err = sync { in_place = true }
    assert.is_nil(report)
    assert.equal("data", err.kind)
    assert.matches("101", tostring(err))
    assert.equal(before, sums(folder))
    local after = assert(sync { in_place = true, on_unknown = "remove", state = bench:path("s") })
    assert.equal(2, after.records.dropped)
  end)

  it("understands records and tables as people have them, and says what it did not", function()
    start { shares = {}, verdicts = { row("13", "deleted"), row("17", "deleted") } }
    write("activity.jsonl", '{"id":"tag:search.twitter.com,2005:13","verb":"post",'
      .. '"body":"a","actor":{"id":"id:twitter.com:7"}}',
      '{"info":{"message":"Replay Request Completed"}}')
    write("hydrator.csv", "id,text,retweet_id,user_id", "1,RT,13,7", "2,b,,7")
    write("snscrape.jsonl", '{"id":3,"rawContent":"a","user":{"id":7,"username":"b"},'
      .. '"quotedTweet":{"id":17,"rawContent":"c"}}',
      '{"id":4,"rawContent":"a"}', '{"payload":{}}')
    write("list.txt", "13", "5")
    write("users.csv", "id,username", "99,a")
    write("notes.md", "x")
    local report, err = sync { in_place = true }
    assert.is_nil(report)
    assert.matches("its keys: payload", err.message, 1, true)
    assert.equal(0, #bench.sim:state().jobs)
    report, err = sync { in_place = true, on_unrecognised = "keep", on_ignored = "stop" }
    assert.is_nil(report)
    assert.matches("notes.md", err.message, 1, true)
    report = assert(sync { in_place = true, on_unrecognised = "keep" })
    assert.same({ 10, 8, 1, 0, 1, 2 }, {
      report.records.records, report.records.recognised, report.records.notices,
      report.records.malformed,
      report.records.unrecognised, report.records.without_author,
    })
    assert.same({ 1, folder .. "/notes.md" }, { report.ignored.count, report.ignored.files[1] })
    local text = require("xcompliance.report_text").text(report)
    assert.matches("1 notice, 0 malformed, 1 unrecognised", text, 1, true)
    assert.matches("2 tweets have no id of an author", text, 1, true)
    assert.matches("1 file was not read: " .. folder .. "/notes.md", text, 1, true)
    local function content(name)
      local file = assert(io.open(folder .. "/" .. name))
      local all = file:read("*a")
      file:close()
      return all
    end
    assert.equal('{"info":{"message":"Replay Request Completed"}}\n', content("activity.jsonl"))
    assert.equal("id,text,retweet_id,user_id\n2,b,,7\n", content("hydrator.csv"))
    assert.is_nil(content("snscrape.jsonl"):find("17", 1, true))
    assert.equal("5\n", content("list.txt"))
    assert.equal("id,username\n99,a\n", content("users.csv"))
    -- what is asked about lists of users, and of tables with columns of other names
    write("list.txt", "21")
    write("hydrator.csv", "Tweet,By", "6,7")
    report = assert(sync { inputs = { folder .. "/list.txt" }, in_place = true, lists = "users" })
    assert.same({ 0, 1 }, { report.checked.tweets.asked, report.checked.users.asked })
    report = assert(sync {
      inputs = { folder .. "/hydrator.csv" }, in_place = true,
      columns = { id = "Tweet", author = "By" },
    })
    assert.same({ 1, 1 }, { report.checked.tweets.asked, report.checked.users.asked })
  end)

  it("stops at ids that a spreadsheet has rounded, unless they are accepted", function()
    start { shares = {}, verdicts = { row("1372900000000001000", "deleted") } }
    local ids = {}
    for i = 1, 20 do ids[i] = ("13729000000000%02d000"):format(i) end
    write("list.txt", table.concat(ids, "\n"))
    local report, err = sync { in_place = true }
    assert.is_nil(report)
    assert.matches("list.txt.*a spreadsheet has rounded them", err.message)
    assert.equal(0, #bench.sim:state().jobs)
    assert.equal(1, assert(sync { in_place = true, allow_rounded = true }).records.dropped)
  end)

  it("stops at a record that does not parse, by file, line and byte, before any job", function()
    start { shares = {} }
    write("a.jsonl", tweet(100, 7), '{"id":"101","text":')
    local report, err = sync { in_place = true }
    assert.is_nil(report)
    assert.equal("data", err.kind)
    assert.equal(2, err.line)
    assert.matches("a.jsonl, line 2", tostring(err))
    assert.equal(0, #bench.sim:state().jobs)
  end)

  it("notices what was added while it ran, and continues once that is gone", function()
    start { shares = {}, verdicts = { row("100", "deleted") } }
    write("a.jsonl", tweet(100, 7), tweet(101, 7))
    local client = bench:client()
    local options = {
      inputs = { folder }, in_place = true, poll = POLL, state = bench:path("state"),
      on_progress = function(event)
        if event.step == "wait" then write("new.jsonl", tweet(999, 7)) end
      end,
    }
    local report, err = client:sync(options)
    assert.is_nil(report)
    assert.equal("data", err.kind)
    assert.matches("999", tostring(err))
    assert.matches("new.jsonl", tostring(err))
    assert.same({ tweet(100, 7), tweet(101, 7) }, lines_of(folder .. "/a.jsonl"))
    os.remove(folder .. "/new.jsonl")
    options.on_progress = nil
    report = assert(client:sync(options))
    assert.equal(1, report.records.dropped)
    assert.equal(2, #bench.sim:state().jobs)
  end)

  it("stops at a row of the results that says of no id that it was not checked", function()
    local rows = os.tmpname()
    benches.write(rows, '{"error":"invalid"}\n')
    start { results = rows }
    write("a.jsonl", tweet(100, 7))
    local report, err = sync { in_place = true }
    assert.is_nil(report)
    assert.equal("data", err.kind)
    assert.matches("hold 1 row of errors without an id", tostring(err))
    assert(sync { in_place = true, on_unknown = "remove" })
    os.remove(rows)
  end)

  it("says whether all transfers were verified", function()
    start { shares = {}, flow = "storage" }
    write("a.jsonl", tweet(100, 7))
    bench:arm("download:no-hash")
    assert.is_false(assert(sync { in_place = true }).verified)
    assert.is_true(assert(sync { in_place = true }).verified)
  end)

  it("is refused with options that cannot be meant", function()
    start { shares = {} }
    for _, options in ipairs {
      {}, { output = "x", in_place = true }, { inputs = {} },
      { inputs = { folder, nil, folder }, output = "x" }, { inputs = { 1 }, output = "x" },
      { inputs = { "-" }, output = "x" }, { output = "x", in_plaice = true },
    } do
      local ok, err = pcall(sync, options)
      assert.is_false(ok)
      assert.equal("usage", err.kind)
    end
    local report, err = sync { inputs = { bench:path("missing") }, output = bench:path("x") }
    assert.is_nil(report)
    assert.equal("io", err.kind)
  end)

  it("is refused before anything is asked if its files are in each other's way", function()
    start { shares = {} }
    write("a.jsonl", '{"id":"1","text":"a"}')
    local inner, state, kept = folder .. "/inner/", bench:path("state"), bench:path("kept")
    for _, case in ipairs {
      { "is in inputs", { output = folder .. "/clean" } },
      { "is in inputs", { output = folder } },
      { "is in inputs", { output = inner .. "../clean" } },
      { "is in inputs", { in_place = true, quarantine = folder .. "/kept" } },
      { "is in inputs", { in_place = true, state = folder .. "/state" } },
      { "is in state", { output = state .. "/clean", state = state } },
      { "is in quarantine", { output = kept, quarantine = kept } },
      { "is in quarantine", { output = kept .. "/clean", quarantine = kept } },
      { "given twice", { inputs = { folder, folder .. "/a.jsonl" }, in_place = true } },
    } do
      local report, err = sync(case[2])
      assert.is_nil(report)
      assert.equal("usage", err.kind)
      assert.matches(case[1], err.message, 1, true)
    end
    assert.equal(0, #bench.sim:state().log)
  end)

  it("may write to a folder whose name begins with that of an input", function()
    start { shares = {} }
    write("a.jsonl", '{"id":"1","text":"a"}')
    assert(sync { output = folder .. "-clean" })
    assert(sync { output = folder .. "/.hidden" }) -- which no walk sees
  end)

  it("has nothing to ask about a dataset without ids", function()
    start { shares = {} }
    write("a.jsonl", '{"meta":{"result_count":0}}')
    local report = assert(sync { output = bench:path("clean") })
    assert.equal(0, report.checked.tweets.asked)
    assert.equal(0, #bench.sim:state().jobs)
    assert.equal(1, report.records.kept)
  end)
end)

flows.describe("a sync that is killed", function()
  local SHARES = { deleted = 0.2, suspended = 0.1, scrub_geo = 0.1 }
  local bench, folder, original

  setup(function()
    bench = benches.start { shares = SHARES, jobs_take = 0.1 }
    original = bench:path("original")
    assert(shell(("mkdir %s && lua5.4 examples/sample_dataset.lua %s 600 && gzip -k %s/flat.jsonl")
      :format(original, original, original)))
  end)
  teardown(function() bench:stop() end)

  local function command(output)
    return ("XCOMPLIANCE_BASE_URL=%s BEARER_TOKEN=%s %s"):format(bench.sim.url, benches.TOKEN,
      benches.command(("bin/xcompliance sync %s %s --poll 1:1 --state %s/.xcompliance"):format(
        folder, output and "-o " .. output or "--in-place", output or folder)))
  end

  local function copy()
    folder = bench:path("data")
    assert(shell(("cp -a %s %s"):format(original, folder)))
  end

  --- Kills runs at random moments until one is not killed in time; the moments are seeded.
  local function run_and_kill(output, moments)
    for _, moment in ipairs(moments) do
      shell(("timeout -s KILL %.3f sh -c %s >/dev/null 2>&1"):format(moment,
        quote("exec env " .. command(output))))
    end
    local text, complaint = shell(command(output) .. " 2>&1")
    return text or error(complaint)
  end

  local seed = 7
  local function moment(limit)
    seed = (seed * 16807) % 2147483647
    return 0.005 + limit * seed / 2147483647
  end

  local function check(kills, in_place)
    copy()
    local reference = in_place and folder or bench:path("clean")
    run_and_kill(not in_place and reference or nil, {})
    local expected = sums(reference)
    for _ = 1, kills do
      copy()
      local output = in_place and folder or bench:path("clean")
      run_and_kill(not in_place and output or nil, { moment(2.5), moment(2.5) })
      assert.equal(expected, sums(output))
      assert.equal("", shell(("find %s -name '.*.part'"):format(output)))
    end
  end

  it("ends with the same bytes as one that is not, in place", function() check(4, true) end)
  it("ends with the same bytes as one that is not, elsewhere", function() check(3, false) end)
  it("ends with the same bytes as one that is not, many times #slow", function()
    check(25, true)
    check(25, false)
  end)
end)
