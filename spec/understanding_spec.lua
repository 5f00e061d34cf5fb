-- No record passes unseen: each is recognised, a notice, malformed or unrecognised, and the last
-- stop a run unless the user has decided about them.
-- luacheck: no max line length

local cjson = require "cjson"
local command = require "spec.support.command"
local dataset = require "xcompliance.dataset"
local generate = require "spec.support.generate_records"
local reference = require "spec.support.reference_extract"
local scratches = require "spec.support.scratch"

describe("of a record that no shape knows", function()
  local scratch

  before_each(function() scratch = scratches.new() end)
  after_each(function() scratch:remove() end)

  local function extract(options)
    local all = { type = "tweets", inputs = scratch:at("in.jsonl"), output = scratch:at("ids") }
    for name, value in pairs(options or {}) do all[name] = value end
    return dataset.extract(all)
  end

  --- Redacts in.jsonl; tweet 13 and user 23 are condemned.
  local function redact(options)
    local verdicts = assert(dataset.verdicts {
      tweets = scratch:write("t.results", '{"id":"13","action":"delete","reason":"deleted"}\n'),
      users = scratch:write("u.results", '{"id":"23","action":"delete","reason":"suspended"}\n'),
    })
    local all = {
      verdicts = verdicts, inputs = scratch:at("in.jsonl"), output = scratch:at("out.jsonl"),
    }
    for name, value in pairs(options or {}) do all[name] = value end
    local counts, err = dataset.redact(all)
    verdicts:close()
    return counts, err
  end

  local function run(words) return command.run_in(scratch, words) end

  local function classes(counts)
    return { counts.recognised, counts.notices, counts.malformed, counts.unrecognised }
  end

  describe("extraction", function()
    it("counts what a slow reference counts, in records of every shape", function()
      for seed = 50, 55 do
        local generator, records = generate.new(seed), {}
        for i = 1, 200 do
          local odd = i % 9 == 0
          repeat
            records[i] = odd and generator:unrecognised() or generator:record()
          until not records[i]:find("^%s*%[") -- each element of an array is a record
        end
        scratch:write("in.jsonl", table.concat(records, "\n"))
        local _, expected = reference.file(records, "tweets")
        local counts = assert(extract { on_unrecognised = "skip" })
        assert.same({ expected.recognised, expected.notice, 0, expected.unrecognised }, classes(counts))
        assert.equal(expected.without_author, counts.without_author)
        assert.equal(200, counts.records)
      end
    end)

    it("stops, and names the file, the line, the keys and the option", function()
      scratch:write("in.jsonl", '{"id":"1","text":"a"}\n{"event":"favorite","source":{},"a":1,"b":2,"c":3,"d":4}\n')
      local counts, err = extract { on_malformed = "skip" }
      assert.is_nil(counts)
      assert.equal("data", err.kind)
      assert.same({ scratch:at("in.jsonl"), 2, 22 }, { err.file, err.line, err.byte })
      assert.matches("its keys: event, source, a, b, c, ...", err.message, 1, true)
      assert.matches("`on_unrecognised`", err.message, 1, true)
      local status, _, said = run "extract tweets @in.jsonl -o @ids"
      assert.equal(65, status)
      assert.matches("--on-unrecognised", said, 1, true)
      assert.is_nil(scratch:read("ids"))
    end)

    it("shows of a key nothing that a terminal could take for a command", function()
      scratch:write("in.jsonl", '{"a\194\155\12731mb":1}\n')
      local counts, err = extract {}
      assert.is_nil(counts)
      assert.matches("its keys: a%?%?%?31mb%)", err.message)
    end)

    it("skips it if asked to; the classes add up, by file and in all", function()
      scratch:write("in.jsonl", '{"id":"1","text":"a"}\n{"x":1}\n{"limit":{"track":1}}\n{"id":"2","text":"b","user":{"id":3}}\n{torn\n')
      scratch:write("more.jsonl", '{"delete":{"status":{"id":13}}}\n[{"meta":{}},{"y":2}]\n')
      local counts = assert(extract {
        inputs = { scratch:at("in.jsonl"), scratch:at("more.jsonl") },
        on_unrecognised = "skip", on_malformed = "skip",
      })
      assert.same({ 2, 3, 1, 2 }, classes(counts))
      assert.equal(counts.records, counts.recognised + counts.notices + counts.unrecognised)
      assert.equal(1, counts.without_author)
      assert.same({ 2, 1, 1, 1 }, classes(counts.by_file[1]))
      assert.same({ 0, 2, 0, 1 }, classes(counts.by_file[2]))
      assert.equal(scratch:at("more.jsonl"), counts.by_file[2].path)
      local _, out, said = run "extract tweets @in.jsonl @more.jsonl -o @ids --on-unrecognised skip --on-malformed skip"
      assert.matches("\nrecords: 2 recognised, 3 notices, 1 malformed, 2 unrecognised\n$", out)
      assert.matches("1 tweet has no id of an author", said, 1, true)
    end)

    it("counts each element of an array on its own", function()
      scratch:write("in.json", '[{"id":"1","text":"a"},\n {"x":1}]\n')
      local _, err = extract { inputs = scratch:at("in.json") }
      assert.equal(2, err.line)
      assert.same({ 1, 0, 0, 1 },
        classes(assert(extract { inputs = scratch:at("in.json"), on_unrecognised = "skip" })))
    end)
  end)

  describe("redaction", function()
    local RECORDS = '{"id":"1","text":"a"}\n{"payload":{"id":"13"}}\n{"id":"13","text":"b"}\n{"limit":{}}\n'
    local ODD = '{"payload":{"id":"13"}}\n'

    it("stops at it, whether it parses all or not", function()
      scratch:write("in.jsonl", RECORDS)
      for _, strict in ipairs { false, true } do
        local counts, err = redact { strict = strict }
        assert.is_nil(counts)
        assert.same({ 2, 22 }, { err.line, err.byte })
        assert.matches("its keys: payload", err.message, 1, true)
        assert.is_nil(scratch:read("out.jsonl"))
      end
      local status, _, said = run "redact @in.jsonl --tweets @t.results -o @out.jsonl"
      assert.equal(65, status)
      assert.matches("--on-unrecognised", said, 1, true)
    end)

    it("keeps, removes or quarantines it, and the counts add up", function()
      scratch:write("in.jsonl", RECORDS)
      for treatment, expected in pairs {
        keep = { '{"id":"1","text":"a"}\n' .. ODD .. '{"limit":{}}\n', nil },
        remove = { '{"id":"1","text":"a"}\n{"limit":{}}\n', nil },
        quarantine = { '{"id":"1","text":"a"}\n{"limit":{}}\n', ODD },
      } do
        os.remove(scratch:at("q.jsonl"))
        local counts = assert(redact {
          on_unrecognised = treatment, strict = true,
          quarantine = treatment == "quarantine" and scratch:at("q.jsonl") or nil,
        })
        assert.same({ 2, 1, 0, 1 }, classes(counts))
        assert.equal(4, counts.kept + counts.dropped + counts.quarantined)
        assert.same(expected, { scratch:read("out.jsonl"), (scratch:read("q.jsonl")) })
      end
    end)

    it("parses all records if any of them could go for it", function()
      scratch:write("in.jsonl", '{"payload":{}}\n')
      assert.equal(1, assert(redact {}).unparsed)
      assert.equal(1, assert(redact { on_unrecognised = "remove" }).dropped)
    end)

    it("stops at a condemned id that a member of a known record holds at an unknown place", function()
      for _, member in ipairs {
        '"tweet_ids":{"tweet_id":"13"}', '"analysis":{"about":[{"id":13}]}', '"owner_user_id":"23"',
        '"parentTweetId":"13"', '"a":{"b":{"_id":"13"}}', '"x_id_str":"13"', '"\\u0078_id":"1\\u0033"', '"x\\u005fid" :\t"13"',
        '"user":{"id":5,"status":{"id":13,"text":"b"}}',
      } do
        local record = '{"id":"1","text":"a",' .. member .. '}\n'
        scratch:write("in.jsonl", record)
        for _, strict in ipairs { false, true } do
          local counts, err = redact { strict = strict }
          assert.is_nil(counts, record)
          assert.matches("which the results condemn, but no shape knows", err.message, 1, true)
          assert.matches("`on_unrecognised`", err.message, 1, true)
        end
        assert.equal(1, assert(redact { on_unrecognised = "remove" }).dropped)
        assert(redact { on_unrecognised = "keep" })
        assert.equal(record, scratch:read("out.jsonl"))
      end
    end)

    it("stops at it too after more ids than are noted", function()
      -- a million users go, and then a member that no shape knows names a tweet
      scratch:write("in.jsonl", '{"id":"1","text":"a","entities":{"mentions":['
        .. ('{"id":"23"},'):rep(2 ^ 20) .. '{"id":"5"}]},"x_id":"13"}\n')
      local counts, err = redact {}
      assert.is_nil(counts)
      assert.matches("x_id", err.message, 1, true)
    end)

    it("names the line and the byte, also in a value of many lines", function()
      for what, text in pairs {
        ["13"] = '[\n {"id":"1","text":"a",\n  "x_id" :\r\n "13"},\n {"id":"2","text":"b"}\n]\n',
        ['{"y"'] = '[\n {"id":"1","text":"a"},\n {"id":"2",\n  "text":"b"}, {"y":2}\n]\n',
      } do
        scratch:write("in.json", text)
        local counts, err = redact { inputs = scratch:at("in.json") }
        assert.is_nil(counts)
        assert.same({ 4, text:find(what, 1, true) - 1 }, { err.line, err.byte })
      end
    end)

    it("passes known references, texts, and what goes anyway", function()
      for _, member in ipairs {
        '"conversation_id":"13"', '"in_reply_to_user_id":"23"', '"pinned_tweet_id":"13"', '"quoted_status_id_str":"13"',
        '"context_annotations":[{"domain":{"id":"13"},"entity":{"id":"23"}}]', '"matching_rules":[{"id":"13"}]',
        '"tags":["a"],"matching_rules":[{"id":"13"}]', '"media":[{"source_user_id":"23"}]', '"referenced_tweets":[{"type":"quoted","id":"13"}]',
        '"note":"13 and \\"id\\":\\"13\\""', '"name":"13"', '"id_of":"13"', '"quoted_status":{"id":13,"text":"b","x":{"y_id":13}}',
      } do
        scratch:write("in.jsonl", '{"id":"1","text":"a",' .. member .. '}\n')
        local counts, err = redact {}
        assert(counts, err)
        assert.equal(1, counts.recognised)
      end
      scratch:write("in.jsonl", '{"id":"13","text":"a","x_id":"13"}\n')
      assert.equal(1, assert(redact {}).dropped)
    end)
  end)

  describe("a file that is not read", function()
    it("is an error if asked to", function()
      scratch:write("d/a.jsonl", '{"id":"1","text":"a"}\n')
      scratch:write("d/b.doc", "x")
      for _, run_it in ipairs { extract, redact } do
        local counts, err = run_it { inputs = scratch:at("d"), output = scratch:at("o"), on_ignored = "stop" }
        assert.is_nil(counts)
        assert.equal("data", err.kind)
        assert.matches("d/b.doc", err.message, 1, true)
        assert.equal(1, assert(run_it { inputs = scratch:at("d"), output = scratch:at("o") }).ignored)
        scratch:shell("rm -rf o")
      end
      local status, _, said = run "extract tweets @d -o @ids --on-ignored stop"
      assert.equal(65, status)
      assert.matches("--on-ignored", said, 1, true)
    end)
  end)

  describe("a file of shapes", function()
    local SHAPE = [[
# tweets of a tool
tweet   payload     inside
tweet   tid         id 3
tweet   tid         mark
tweet   by          author
user    uid         id 3     # also a comment
user    handle      mark
tweet   shared      retweeted
tweet   thread[]    quoted
]]

    it("makes them known to extraction and redaction", function()
      scratch:write("shape", SHAPE)
      scratch:write("in.jsonl", '{"payload":{"tid":"1","by":{"uid":"2","handle":"a"},"thread":[{"tid":"13"},{"tid":"4"}]}}\n'
        .. '{"payload":{"tid":"5","shared":{"tid":"13"}}}\n{"payload":{"tid":"6","by":{"uid":"23","handle":"b"}}}\n')
      local counts = assert(extract { shape = scratch:at("shape") })
      assert.equal("1\n4\n5\n6\n13\n", scratch:read("ids"))
      assert.same({ 3, 0, 0, 0 }, classes(counts))
      assert(extract { shape = scratch:at("shape"), type = "users" })
      assert.equal("2\n23\n", scratch:read("ids"))
      assert(redact { shape = scratch:at("shape") })
      assert.equal('{"payload":{"tid":"1","by":{"uid":"2","handle":"a"},"thread":[{"tid":"4"}]}}\n', scratch:read("out.jsonl"))
      local status = run "extract tweets @in.jsonl -o @ids --shape @shape"
      assert.equal(0, status)
    end)

    for what, case in pairs {
      ["a role that there is not"] = { "tweet x quote\n", 1, 'no role "quote"' },
      ["a holder that there is not"] = { "\npost x quoted\n", 2, '"post" is not' },
      ["a line that is too short"] = { "tweet x\n", 1, "HOLDER PATH ROLE" },
      ["a line that is too long"] = { "tweet x id 3 4\n", 1, "HOLDER PATH ROLE" },
      ["a rank that is not one"] = { "tweet x id 9\n", 1, "rank from 1 to 7" },
      ["an argument too many"] = { "tweet x quoted 3\n", 1, "nothing may follow" },
      ["a role of another holder"] = { "user x quoted\n", 1, "not for members" },
      ["a second role for one place"] = { "tweet quoted_status author\n", 1, "another role" },
      ["two roles where a tweet or a user may stand"] = { "tweet x quoted\nuser x posted\n", nil, "two roles" },
      ["a path that is not one"] = { "tweet x..y quoted\n", 1, "not a path" },
      ["prefixes without end"] = { ("anywhere p prefix\n"):rep(14), 14, "more than 15 prefixes" },
      ["a bracket that stays open"] = { "tweet x[ quoted\n", 1, "bracket" },
    } do
      it("is refused for " .. what, function()
        scratch:write("in.jsonl", "")
        scratch:write("shape", case[1])
        local counts, err = extract { shape = scratch:at("shape") }
        assert.is_nil(counts)
        assert.equal("data", err.kind)
        assert.equal(scratch:at("shape"), err.file)
        assert.equal(case[2], err.line)
        assert.matches(case[3], err.message, 1, true)
      end)
    end

    it("must be there", function()
      local _, err = extract { inputs = scratch:write("in.jsonl", ""), shape = scratch:at("none") }
      assert.equal("io", err.kind)
    end)

    it("has keys of any length, each of which is found", function()
      local lines, members = {}, {}
      for i = 1, 900 do
        local key = ("k%s%d"):format(("abcdefgh_"):rep(i % 7), i)
        lines[i] = ("tweet %s quoted\n"):format(key)
        members[i] = ('"%s":{"id":"%d","text":""}'):format(key, i)
      end
      scratch:write("shape", table.concat(lines))
      scratch:write("in.jsonl", '{"id":"901","text":"",' .. table.concat(members, ",") .. "}")
      local counts = assert(extract { shape = scratch:at("shape") })
      assert.equal(901, counts.ids)
    end)
  end)

  it("the counts of a command are there for programs, too", function()
    scratch:write("in.jsonl", '{"id":"1","text":"a"}\n{"meta":{}}\n')
    local _, out = run "extract tweets @in.jsonl -o @ids --json"
    assert.same({ 1, 1, 0, 0 }, classes(cjson.decode(out)))
  end)
end)
