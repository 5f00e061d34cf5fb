-- The commands redact and verdicts: what they read, what they write where, how they end.
-- luacheck: no max line length

local cjson = require "cjson"
local own_command = require "spec.support.command"
local scratches = require "spec.support.scratch"

describe("the command", function()
  local scratch

  before_each(function()
    scratch = scratches.new()
    scratch:write("t.jsonl", '{"id":"13","action":"delete","reason":"suspended"}\n{"id":"19","action":"scrub_geo"}\n')
    scratch:write("u.jsonl", '{"id":"7","action":"delete","reason":"deleted"}\n')
    scratch:write("in.jsonl", '{"id":"1","text":"a"}\n{"id":"13","text":"b"}\n'
      .. '{"id":"19","text":"c","geo":{}}\n{"id":"2","text":"d","author_id":"7"}\n')
  end)
  after_each(function() scratch:remove() end)

  local function run(words) return own_command.run_in(scratch, words) end

  local LEFT = '{"id":"1","text":"a"}\n{"id":"19","text":"c"}\n'

  describe("redact", function()
    it("writes what is left, and says how much that is", function()
      local status, out, err = run("redact @in.jsonl --tweets @t.jsonl --users @u.jsonl"
        .. " -o @out.jsonl --progress none")
      assert.same({ 0, "" }, { status, err })
      assert.equal(LEFT, scratch:read("out.jsonl"))
      assert.equal("4 records in 1 file, 115 bytes: 1 kept, 1 changed, 2 dropped, 0 quarantined\n"
        .. "of these 3 recognised, 0 notices, 0 malformed, 0 unrecognised, 1 not parsed"
        .. " (without any id of the results)\n"
        .. "tweets: 1 deleted, 1 scrub_geo, 1 suspended\n", out)
    end)

    it("reports programs as JSON", function()
      local _, out = run "redact @in.jsonl --tweets @t.jsonl --users @u.jsonl --in-place --json"
      local counts = cjson.decode(out)
      assert.same({ 4, 1, 1, 2 }, { counts.records, counts.kept, counts.changed, counts.dropped })
      assert.equal(scratch:at("in.jsonl"), counts.files[1].path)
      assert.equal(LEFT, scratch:read("in.jsonl"))
    end)

    it("takes a policy, a quarantine, columns", function()
      local status = run("redact @in.jsonl --tweets @t.jsonl --users @u.jsonl -o @out.jsonl"
        .. " --policy suspended=quarantine,deleted=keep --policy scrub_geo=keep --quarantine @q.jsonl")
      assert.equal(0, status)
      assert.equal('{"id":"13","text":"b"}\n', scratch:read("q.jsonl"))
      assert.matches('"19","text":"c","geo"', scratch:read("out.jsonl"), 1, true)
      scratch:write("in.csv", "Tweet,By\n1,7\n2,3\n")
      assert.equal(0, (run "redact @in.csv --users @u.jsonl -o @out.csv --column id=Tweet --column author=By"))
      assert.equal("Tweet,By\n2,3\n", scratch:read("out.csv"))
    end)

    it("says that edited tweets are stale, and what helps", function()
      scratch:write("t.jsonl", '{"id":"19","action":"rehydrate","reason":"tweet_edited"}\n')
      local _, out = run "redact @in.jsonl --tweets @t.jsonl -o @out.jsonl"
      assert.matches("\n1 tweet was edited: its stored copy is stale and may hold a location that must go"
        .. " - fetch it again, or use --policy rehydrate=scrub_geo\n", out, 1, true)
      _, out = run "redact @in.jsonl --tweets @t.jsonl -o @out.jsonl --rehydrate @ids"
      assert.matches("fetch it again (its id is in " .. scratch:at("ids") .. ")", out, 1, true)
      assert.equal("19\n", scratch:read("ids"))
      _, out = run "redact @in.jsonl --tweets @t.jsonl -o @out.jsonl --policy rehydrate=scrub_geo"
      assert.matches("its stored copy is stale, without places - fetch it again\n", out, 1, true)
      assert.matches('{"id":"19","text":"c"}', scratch:read("out.jsonl"), 1, true)
      _, out = run "redact @in.jsonl --tweets @t.jsonl --dry-run --json"
      assert.equal(1, cjson.decode(out).rehydrate)
      _, out = run "redact @in.jsonl --tweets @t.jsonl -o @out.jsonl --policy rehydrate=remove"
      assert.is_nil(out:find("edited", 1, true))
      assert.is_nil(scratch:read("out.jsonl"):find('"19"', 1, true))
    end)

    it("is a filter", function()
      local command = ("'%s/bin/xcompliance'"):format(scratch.shell({ path = "." }, "pwd"):gsub("%s+$", ""))
      local text = scratch:shell("cat in.jsonl | %s redact - --tweets t.jsonl --users u.jsonl 2>err", command)
      assert.equal(LEFT, text)
      assert.matches("4 records", scratch:read("err"), 1, true)
      text = scratch:shell("gzip -c in.jsonl | %s redact -q - --tweets t.jsonl --users u.jsonl | gzip -dc", command)
      assert.equal(LEFT, text)
    end)

    it("ends with 64 where it is used wrongly, with 65 where the data is wrong", function()
      for _, case in ipairs {
        { 64, "give results", "redact @in.jsonl -o @out" },
        { 64, "give --output, --in-place or --dry-run", "redact @in.jsonl --tweets @t.jsonl" },
        { 64, "can not be used together", "redact @in.jsonl --tweets @t.jsonl -o @out --in-place" },
        { 64, "REASON=TREATMENT", "redact @in.jsonl --tweets @t.jsonl -o @out --policy suspended" },
        { 64, "no reason 'lost'", "redact @in.jsonl --tweets @t.jsonl -o @out --policy lost=keep" },
        { 64, "records would be quarantined, but --quarantine is not given", "redact @in.jsonl --tweets @t.jsonl -o @out --on-unknown quarantine" },
        { 64, "--level is", "redact @in.jsonl --tweets @t.jsonl -o @out --level 11" },
        { 65, 'an object with "action", "reason" or "error" was expected: this is not a row of results', "redact @in.jsonl --tweets @in.jsonl -o @out" },
        { 74, "nowhere", "redact @in.jsonl --tweets @nowhere -o @out" },
      } do
        local status, out, err = run(case[3])
        assert.equal(case[1], status)
        assert.equal("", out)
        assert.matches(case[2], err, 1, true)
        assert.is_nil(scratch:read("out"))
      end
    end)

    it("says what it has left alone, and what it does not know", function()
      scratch:shell("mkdir d && cp in.jsonl d/ && touch d/notes.doc")
      scratch:write("t.jsonl", '{"id":"5","action":"vanish"}\n{"id":"6","action":"delete","reason":"odd"}\n')
      local status, _, err = run "redact @d --tweets @t.jsonl --dry-run"
      assert.equal(0, status)
      assert.matches("notes.doc", err, 1, true)
      assert.matches('action "vanish"', err, 1, true)
      assert.matches('reason "odd"', err, 1, true)
    end)
  end)

  describe("verdicts", function()
    it("compiles results, which then stand for them", function()
      local status, out = run "verdicts --tweets @t.jsonl --users @u.jsonl -o @both.verdicts"
      assert.equal(0, status)
      assert.equal(("%s: verdicts on 2 tweets (1 scrub_geo, 1 suspended)\n"
        .. "%s: verdicts on 1 user (1 deleted)\n"):gsub("%%s", scratch:at("both.verdicts")), out)
      run "redact @in.jsonl --tweets @both.verdicts --users @both.verdicts -o @out.jsonl"
      assert.equal(LEFT, scratch:read("out.jsonl"))
    end)

    it("lists what was asked", function()
      scratch:write("ids", "13\n1\n19\n")
      local status, out = run "verdicts --ids @ids --tweets @t.jsonl -o @out.csv"
      assert.equal(0, status)
      assert.equal("id,outcome,reason,redacted_at\n13,delete,suspended,\n1,compliant,,\n19,scrub_geo,scrub_geo,\n",
        scratch:read("out.csv"))
      assert.matches("3 lines of 3 ids (1 compliant, 1 scrub_geo, 1 suspended)", out, 1, true)
    end)

    it("lists the ids that must be deleted", function()
      assert.equal(0, (run "verdicts --tweets @t.jsonl --outcome delete -o @gone"))
      assert.equal("13\n", scratch:read("gone"))
      assert.equal(0, (run "verdicts --users @u.jsonl --outcome delete -o @gone"))
      assert.equal("7\n", scratch:read("gone"))
    end)

    it("ends with 64 where it is used wrongly", function()
      for _, case in ipairs {
        { "give results", "verdicts -o @x" },
        { "cannot be standard output", "verdicts --tweets @t.jsonl -o -" },
        { "not both", "verdicts --tweets @t.jsonl --users @u.jsonl --outcome delete -o @x" },
        { "-o", "verdicts --tweets @t.jsonl" },
      } do
        local status, _, err = run(case[2])
        assert.equal(64, status)
        assert.matches(case[1], err, 1, true)
      end
    end)
  end)
end)
