-- The reports of parts: `redact --report` writes them, merge-reports adds them, and what cannot be
-- added stops.

local core = require "xcompliance.core"
local json = require "xcompliance.json"
local own_command = require "spec.support.command"
local scratches = require "spec.support.scratch"
local xcompliance = require "xcompliance"

local RESULTS = {
  tweets = '{"id":"13","action":"delete","reason":"suspended"}\n'
    .. '{"id":"1372900000000000001","action":"delete","reason":"deleted"}\n'
    .. '{"id":"19","action":"scrub_geo"}\n{"id":"2","action":"rehydrate"}\n',
  users = '{"id":"7","action":"delete","reason":"deleted"}\n',
}

describe("merge-reports", function()
  local scratch

  local function run(words) return own_command.run_in(scratch, words) end

  local function redact(part, more, results)
    results = results or "--tweets @tweets.jsonl --users @users.jsonl"
    local status, _, err = run(("redact @parts/%s --report @%s.json %s %s"):format(part, part,
      results, more or ("-o @clean/" .. part)))
    return status, err
  end

  --- Writes what `check --json` prints.
  local function write_check(type, changes)
    local text = RESULTS[type]
    local rows = select(2, text:gsub("\n", ""))
    local outcome = { format = 1, kind = "check", version = core.version, type = type, ids = 100,
      started = "2026-11-01T00:00:00Z", finished = "2026-11-01T00:01:00Z", seconds = 60,
      results = scratch:at(type .. ".jsonl"), crc32c = core.crc32c(text), rows = rows,
      verified = true, calls = { create_compliance_job = 1 },
      jobs = { { id = "5", ids = 100, rows = rows, verified = true } } }
    for name, value in pairs(changes or {}) do outcome[name] = value end
    scratch:write(type .. ".check.json", json.encode(outcome) .. "\n")
  end

  local CHECKS = "@tweets.check.json @users.check.json "

  --- Merges; returns the report if there is one, else the status and the message.
  local function merge(words)
    local status, _, err = run("merge-reports " .. words .. " -o @all.json")
    if status == 0 then return json.decode(scratch:read("all.json")) end
    return nil, status, err
  end

  --- Asserts that a merge fails and that the message has all of these.
  local function refuses(words, expected, ...)
    local report, status, err = merge(words)
    assert.is_nil(report)
    assert.equal(expected, status, err)
    for _, part in ipairs { ... } do assert.matches(part, err, 1, true) end
    assert.matches("xcompliance: [^\n]+ %- [^\n]+\n$", err)
    assert.is_nil(scratch:read("all.json"))
  end

  --- Changes the report of a part by hand.
  local function change(name, act)
    local report = json.decode(scratch:read(name))
    act(report)
    scratch:write(name, json.encode(report))
  end

  before_each(function()
    scratch = scratches.new()
    for type, text in pairs(RESULTS) do
      scratch:write(type .. ".jsonl", text)
      write_check(type)
    end
    scratch:write("parts/a.jsonl", '{"id":"1","text":"a"}\n{"id":"13","text":"b"}\n'
      .. '{"id":"19","text":"c","geo":{}}\n{"id":"2","text":"d"}\n')
    scratch:write("parts/b.jsonl", '{"id":"4","text":"d","author_id":"7"}\n{"limit":{"track":1}}\n'
      .. '{"id":"1372900000000000001","text":"e"}\n')
    scratch:shell("mkdir clean")
    assert.equal(0, (redact "a.jsonl"))
    assert.equal(0, (redact "b.jsonl"))
  end)
  after_each(function() scratch:remove() end)

  it("adds everything up, as one redaction of all counts it", function()
    local all = assert(merge(CHECKS .. "@a.jsonl.json @b.jsonl.json"))
    assert.equal(0, (run("redact @parts/ -o @whole --report @whole.json --tweets @tweets.jsonl"
      .. " --users @users.jsonl")))
    local whole = json.decode(scratch:read("whole.json"))
    for name, count in pairs(all.records) do
      assert.equal(name == "files" and #whole.files or whole[name], count, name)
    end
    assert.same({ 7, 2, 1, 1, 3, 2 }, { all.records.records, all.records.files,
      all.records.changed, all.edited.tweets, all.records.dropped, all.parts })
    assert.same({ tweets = whole.tweets, users = whole.users }, all.objects)
    for i, file in ipairs(whole.files) do
      local other = all.files[i]
      assert.same({ file.path, file.crc32c, file.output_crc32c, file.unparsed },
        { other.path, other.crc32c, other.output_crc32c, other.unparsed })
    end
    assert.same({ asked = 100, compliant = 96, skipped = 0,
      reasons = { deleted = 1, suspended = 1 },
      outcomes = { delete = 2, scrub_geo = 1, rehydrate = 1 },
      jobs = { { id = "5", ids = 100, rows = 4, verified = true } } }, all.checked.tweets)
    assert.equal(1, all.checked.users.outcomes.delete)
    assert.same({ create_compliance_job = 2 }, all.calls)
    assert.same({ { month = "before 2010-11", ids = 1 }, { month = "2021-03", ids = 1 } },
      all.removals_by_month)
    assert.is_true(all.verified)
    assert.equal(scratch:at("clean"), all.output)
    assert.equal("2026-11-01T00:00:00Z", all.started)
    assert.same({ "2026-11-01T00:01:00Z", 120 }, { all.finished, all.seconds })
  end)

  it("writes what report shows, as text and as a page", function()
    assert(merge(CHECKS .. "@a.jsonl.json @b.jsonl.json"))
    local status, out = run "report @all.json"
    assert.equal(0, status)
    assert.matches("tweets  100 ids asked, 96 compliant, 2 delete, 1 rehydrate, 1 scrub_geo\n", out,
      1, true)
    assert.matches("\n7 records: 3 kept, 1 changed, 3 dropped, 0 quarantined\n", out, 1, true)
    status, out = run "report @all.json -o -"
    assert.equal(0, status)
    assert.matches("all 100 tweet ids and 100 user ids in the dataset were submitted", out, 1, true)
    assert.matches("The original still holds", out, 1, true)
    assert.is_nil(out:find("This was the first one", 1, true))
  end)

  it("is the same from Lua, and misuse raises", function()
    local list = {}
    for i, name in ipairs { "tweets.check.json", "users.check.json", "a.jsonl.json" } do
      list[i] = scratch:at(name)
    end
    local report = assert(xcompliance.merge_reports { reports = list, output = scratch:at("x") })
    assert.equal(4, report.records.records)
    assert.equal(4, json.decode(scratch:read("x")).records.records)
    assert.equal(4, assert(xcompliance.merge_reports { reports = list }).records.records)
    assert.has_error(function() xcompliance.merge_reports { output = "x" } end)
    assert.has_error(function() xcompliance.merge_reports { reports = {}, output = "x" } end)
    local _, err = xcompliance.merge_reports { reports = list, output = list[3] }
    assert.equal("usage", err.kind)
  end)

  it("says that a check was not verified", function()
    write_check("users", { verified = false })
    assert.is_false(assert(merge(CHECKS .. "@a.jsonl.json")).verified)
  end)

  describe("stops at", function()
    it("another policy, or another setting", function()
      redact("b.jsonl", "-o @clean/b.jsonl --policy suspended=keep")
      refuses(CHECKS .. "@a.jsonl.json @b.jsonl.json", 65, "a.jsonl.json and ", "b.jsonl.json",
        "with different settings (--policy) - redact all parts in the same way")
      redact("b.jsonl", "-o @clean/b.jsonl --policy suspended=remove")
      assert(merge(CHECKS .. "@a.jsonl.json @b.jsonl.json"))
      os.remove(scratch:at("all.json"))
      redact("b.jsonl", "-o @clean/b.jsonl --on-unrecognised keep")
      refuses(CHECKS .. "@a.jsonl.json @b.jsonl.json", 65, "settings (--on-unrecognised)")
    end)

    it("other verdicts, even if their file has the same name", function()
      scratch:write("users.jsonl", '{"id":"8","action":"delete","reason":"deleted"}\n')
      redact "b.jsonl"
      scratch:write("users.jsonl", RESULTS.users)
      refuses(CHECKS .. "@a.jsonl.json @b.jsonl.json", 65, "a.jsonl.json and ",
        "by different verdicts")
      redact("b.jsonl", nil, "--tweets @tweets.jsonl")
      refuses(CHECKS .. "@a.jsonl.json @b.jsonl.json", 65, "by different verdicts")
    end)

    it("a part twice, by its input or its output", function()
      refuses(CHECKS .. "@a.jsonl.json @a.jsonl.json", 65, "must be counted once")
      scratch:shell("cp a.jsonl.json copy.json")
      refuses(CHECKS .. "@a.jsonl.json @copy.json", 65, "copy.json", "must be counted once",
        "give each report once")
      redact("b.jsonl", "-o @clean/a.jsonl")
      refuses(CHECKS .. "@a.jsonl.json @b.jsonl.json", 65, "clean/a.jsonl is in ", "b.jsonl.json")
    end)

    it("a dry run among real ones, and adds dry runs alone", function()
      redact("b.jsonl", "--dry-run")
      refuses(CHECKS .. "@a.jsonl.json @b.jsonl.json", 65, "of a dry run and of one")
      redact("a.jsonl", "--dry-run")
      assert.is_true(assert(merge(CHECKS .. "@a.jsonl.json @b.jsonl.json")).dry_run)
    end)

    it("another version of the report, or of the program", function()
      change("b.jsonl.json", function(report) report.format = 2 end)
      refuses(CHECKS .. "@a.jsonl.json @b.jsonl.json", 65, "b.jsonl.json are reports of different"
        .. " formats")
      change("b.jsonl.json", function(report) report.format, report.version = 1, "0.9.0" end)
      refuses(CHECKS .. "@a.jsonl.json @b.jsonl.json", 65, "made by different versions")
      redact "b.jsonl"
      write_check("users", { version = "0.9.0" })
      refuses(CHECKS .. "@a.jsonl.json @b.jsonl.json", 65, "users.check.json", "different versions")
    end)

    it("a check that is missing, is there twice, or whose results were not applied", function()
      refuses("@tweets.check.json @a.jsonl.json", 65, "add what check users --json has printed")
      refuses(CHECKS .. "@users.check.json @a.jsonl.json", 65, "it is of a check of users")
      refuses(CHECKS, 65, "no report of a redaction is given")
      redact("a.jsonl", nil, "--tweets @tweets.jsonl")
      refuses(CHECKS .. "@a.jsonl.json", 65, "the results of this check of users were not applied")
    end)

    it("results that are not those of the check, or not those that were applied", function()
      write_check("users", { crc32c = "AAAAAA==" })
      refuses(CHECKS .. "@a.jsonl.json", 65, "users.jsonl: these are not the results",
        "users.check.json")
      local other = '{"id":"7","action":"delete","reason":"suspended"}\n'
      scratch:write("users.jsonl", other)
      write_check("users", { crc32c = core.crc32c(other) })
      refuses(CHECKS .. "@a.jsonl.json", 65, "users.check.json: its results are not those",
        "a.jsonl.json was redacted with")
      os.remove(scratch:at("users.jsonl"))
      refuses(CHECKS .. "@a.jsonl.json", 74, "users.jsonl", "run this in the folder of the check")
    end)

    it("ids that were never checked", function()
      local rows = RESULTS.users .. '{"error":{"message":"?"}}\n'
      scratch:write("users.jsonl", rows)
      write_check("users", { crc32c = core.crc32c(rows) })
      redact "a.jsonl"
      refuses(CHECKS .. "@a.jsonl.json", 65, "1 row of errors without an id")
      redact("a.jsonl", "-o @clean/a.jsonl --on-unknown remove")
      assert(merge(CHECKS .. "@a.jsonl.json"))
    end)

    it("more results than ids that were asked about", function()
      write_check("tweets", { ids = 3 })
      refuses(CHECKS .. "@a.jsonl.json", 65, "tweets.check.json: it asked about 3 ids, but its"
        .. " results name 4")
    end)

    it("a report that is missing, torn, changed, merged already or none", function()
      refuses(CHECKS .. "@a.jsonl.json @c.json", 74, "c.json", "every part must have been redacted")
      scratch:write("c.json", scratch:read("a.jsonl.json"):sub(1, 400))
      refuses(CHECKS .. "@a.jsonl.json @c.json", 65, "c.json: it does not parse")
      change("b.jsonl.json", function(report) report.inputs = nil end)
      refuses(CHECKS .. "@a.jsonl.json @b.jsonl.json", 65, "b.jsonl.json: ", "inputs is missing")
      redact "b.jsonl"
      for _, text in ipairs { "", "[]", "7", '{"format":1,"kind":"redaction"}', '{"id":"1"}' } do
        scratch:write("c.json", text)
        refuses(CHECKS .. "@a.jsonl.json @c.json", 65, "c.json: it ")
      end
      change("b.jsonl.json", function(report) report.files[1].dropped = 1 end)
      refuses(CHECKS .. "@a.jsonl.json @b.jsonl.json", 65, "b.jsonl.json: its files do not add up")
      assert(merge(CHECKS .. "@a.jsonl.json"))
      scratch:shell("mv all.json c.json")
      refuses("@c.json @a.jsonl.json", 65, "c.json: a check was added to it already")
      refuses("@" .. "parts", 65, "parts")
    end)
  end)

  describe("of syncs", function()
    local function sync(name, changes)
      local report = { format = 1, kind = "sync", version = core.version, state = name,
        started = "2026-11-01T00:00:00Z", finished = "2026-11-01T01:00:00Z", seconds = 3600,
        dry_run = false, in_place = true, inputs = { name }, verified = true, calls = { get = 2 },
        settings = { policy = {} }, edited = { tweets = 1, treatment = "keep" },
        ignored = { count = 1, files = { name .. "/x" } },
        files = { { path = name, records = 3, kept = 1, changed = 0, dropped = 2,
          quarantined = 0 } },
        records = { files = 1, records = 3, kept = 1, changed = 0, dropped = 2, quarantined = 0 },
        removals_by_month = { { month = "2021-03", ids = 2 } }, checked = {},
        differences = { tweets = { newly_gone = 1, reinstated = 0, places = {} } } }
      for _, type in ipairs { "tweets", "users" } do
        report.checked[type] = { asked = 5, compliant = 3, skipped = 1, outcomes = { delete = 2 },
          reasons = { deleted = 2 }, jobs = {} }
      end
      for key, value in pairs(changes or {}) do report[key] = value end
      scratch:write(name, json.encode(report))
    end

    it("adds what each has asked", function()
      sync("s1")
      sync("s2", { verified = false, removals_by_month = { { month = "2020-01", ids = 1 },
        { month = "2021-03", ids = 1 } } })
      local all = assert(merge "@s1 @s2")
      assert.same({ asked = 10, compliant = 6, skipped = 2, outcomes = { delete = 4 },
        reasons = { deleted = 4 }, jobs = {} }, all.checked.users)
      assert.same({ { month = "2020-01", ids = 1 }, { month = "2021-03", ids = 3 } },
        all.removals_by_month)
      assert.same({ 6, 2, 2, 4, 7200, 2 }, { all.records.records, all.ignored.count,
        #all.ignored.files, all.calls.get, all.seconds, all.edited.tweets })
      assert.is_false(all.verified)
      assert.equal(2, all.differences.tweets.newly_gone)
      assert.is_nil(all.state)
      assert.equal(0, (run "report @all.json"))
    end)

    it("stops at reports of redactions, of checks, and of a sync that says no settings", function()
      sync("s1")
      refuses("@s1 @a.jsonl.json", 65, "a.jsonl.json: it is not of a sync, as ", "merge reports of")
      refuses(CHECKS .. "@s1", 65, "tweets.check.json: it is not of a sync")
      sync("s2", { in_place = false })
      refuses("@s1 @s2", 65, "in place and of one that wrote elsewhere")
      sync("s2", { settings = 1 })
      refuses("@s1 @s2", 65, "s2: it is not a report: settings is missing")
    end)
  end)
end)

describe("redact --report", function()
  local scratch

  before_each(function()
    scratch = scratches.new()
    scratch:write("t.jsonl", RESULTS.tweets)
    scratch:write("in.jsonl", '{"id":"13","text":"b"}\n')
  end)
  after_each(function() scratch:remove() end)

  local function run(words) return own_command.run_in(scratch, words) end

  it("refuses a redaction in place, whose repetition would count less", function()
    local status, _, err = run "redact @in.jsonl --tweets @t.jsonl --in-place --report @r.json"
    assert.equal(64, status)
    assert.matches("--report", err, 1, true)
    assert.matches('"13"', scratch:read("in.jsonl"))
  end)

  it("finds out first whether the report can be written", function()
    local status, _, err = run "redact @in.jsonl --tweets @t.jsonl -o @o.jsonl --report @no/r.json"
    assert.equal(73, status, err)
    assert.is_nil(scratch:read("o.jsonl"))
    for _, name in ipairs { "in.jsonl", "t.jsonl", "o.jsonl" } do
      status, _, err = run("redact @in.jsonl --tweets @t.jsonl -o @o.jsonl --report @" .. name)
      assert.equal(64, status)
      assert.matches("--report", err, 1, true)
    end
    assert.is_nil(scratch:read("o.jsonl"))
  end)

  it("is the same if the redaction is repeated", function()
    assert.equal(0, (run "redact @in.jsonl --tweets @t.jsonl -o @o.jsonl --report @r.json"))
    local report = scratch:read("r.json")
    assert.equal(0, (run "redact @in.jsonl --tweets @t.jsonl -o @o.jsonl --report @r.json"))
    assert.equal(report, scratch:read("r.json"))
  end)

  it("is of a part alone: report says that merge-reports is needed", function()
    assert.equal(0, (run "redact @in.jsonl --tweets @t.jsonl -o @o.jsonl --report @r.json"))
    local status, _, err = run "report @r.json"
    assert.equal(65, status)
    assert.matches("of a redaction alone: merge-reports adds", err, 1, true)
  end)
end)
