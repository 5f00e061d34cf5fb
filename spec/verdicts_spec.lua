-- Results to verdicts: what rows mean, what is no row, files of verdicts, and lists of them.
-- luacheck: no max line length

local dataset = require "xcompliance.dataset"
local scratches = require "spec.support.scratch"

describe("results", function()
  local scratch

  before_each(function() scratch = scratches.new() end)
  after_each(function() scratch:remove() end)

  local function load(tweets, users)
    return dataset.verdicts {
      tweets = tweets and scratch:write("tweets", tweets),
      users = users and scratch:write("users", users),
    }
  end

  local function row(fields) return "{" .. fields .. "}\n" end

  --- The verdict on tweet 1 that rows result in.
  local function verdict(...)
    local verdicts = assert(load(table.concat { ... }))
    local found = verdicts:tweet("1")
    verdicts:close()
    return found
  end

  describe("say of an id", function()
    local function means(fields, outcome, reason)
      local found = verdict(row('"id":"1",' .. fields))
      assert.same({ outcome = outcome, reason = reason }, found)
    end

    it("that it is deleted, for a reason", function()
      for _, reason in ipairs { "deleted", "suspended", "protected", "deactivated", "bounced" } do
        means(('"action":"delete","reason":"%s"'):format(reason), "delete", reason)
      end
      means('"action":"delete","reason":"withheld"', "delete", "other")
      means('"action":"delete"', "delete", "other")
      means('"action":"delete","reason":null', "delete", "other")
    end)

    it("that it has lost its places, whatever member says so", function()
      means('"action":"delete","reason":"scrub_geo"', "scrub_geo", "scrub_geo")
      means('"action":"scrub_geo","reason":"geo_scrubbed"', "scrub_geo", "scrub_geo")
      means('"action":"geo_scrubbed"', "scrub_geo", "scrub_geo")
      means('"reason":"geo_scrubbed","action":"later"', "scrub_geo", "scrub_geo")
    end)

    it("that it was edited", function()
      means('"action":"rehydrate","reason":"tweet_edited"', "rehydrate", "tweet_edited")
      means('"action":"rehydrate"', "rehydrate", "tweet_edited")
      means('"reason":"tweet_edited"', "rehydrate", "tweet_edited")
    end)

    it("that it was not checked", function()
      means('"error":"invalid_id"', "invalid", nil)
      means('"error":{"title":"Invalid"}', "invalid", nil)
    end)

    it("what this version does not know", function()
      means('"action":"vanish","reason":"deleted"', "unknown", nil)
      means('"action":"DELETE"', "unknown", nil)
      means('"reason":"deleted"', "unknown", nil)
      local counts = assert(load(row '"id":"1","action":"delete","reason":"deleted"'
        .. row '"id":"2","action":"vanish"' .. row '"id":"3","action":"delete","reason":"no\\u0007ise"'))
        :counts().tweets
      assert.same({ 3, 3, 1, { deleted = 1, other = 1 } },
        { counts.rows, counts.ids, counts.unknown, counts.delete })
      assert.matches('tweets, line 2: action "vanish", reason absent', counts.first_unknown, 1, true)
      assert.matches('line 3: action "delete", reason "no?ise"', counts.first_other, 1, true)
    end)

    it("all of it, of which the gravest counts, and the earliest time", function()
      local rows = {
        row '"id":"1","error":"x"', row '"id":"1","action":"rehydrate"',
        row '"id":"1","action":"scrub_geo","redacted_at":"2021-08-17T17:26:15.788Z"',
        row '"id":"1","action":"vanish"',
        row '"id":"1","action":"delete","reason":"protected","redacted_at":"2022-01-01T00:00:00+00:00"',
        row '"id":"1","action":"delete","reason":"deleted"',
      }
      local outcomes = { "invalid", "rehydrate", "scrub_geo", "unknown", "delete", "delete" }
      for last = 1, #rows do
        local some = {}
        for i = 1, last do table.insert(some, i % 2 == 0 and 1 or #some + 1, rows[i]) end
        local found = verdict(table.concat(some))
        assert.equal(outcomes[last], found.outcome)
        assert.equal(last >= 3 and "2021-08-17T17:26:15Z" or nil, found.redacted_at)
      end
      assert.equal("deleted", verdict(rows[5], rows[6]).reason)
      assert.equal("deleted", verdict(rows[6], rows[5]).reason)
    end)

    it("when, in either form", function()
      for text, expected in pairs {
        ["2021-08-17T17:26:15.788Z"] = "2021-08-17T17:26:15Z",
        ["2021-02-21T18:01:36+00:00"] = "2021-02-21T18:01:36Z",
        ["2021-02-21T18:01:36.5+0130"] = "2021-02-21T16:31:36Z",
        ["2020-02-29T23:59:60-00:01"] = "2020-03-01T00:01:00Z",
        ["1999-12-31T23:59:59Z"] = "1999-12-31T23:59:59Z",
        ["2100-03-01T00:00:00Z"] = "2100-03-01T00:00:00Z",
      } do
        local found = verdict(row(('"id":"1","action":"delete","redacted_at":"%s"'):format(text)))
        assert.equal(expected, found.redacted_at)
      end
    end)
  end)

  it("may be written in any way that JSON has", function()
    local verdicts = assert(load('\239\187\191\n \r\n'
      .. '{ "reason" : "deleted" , "\\u0061ction":"delete","id":"\\u0031", "more":{"a":[1,{}]}, "n":1.5 }\r\n'
      .. '{"id":2,"action":"dele\\u0074e","reason":"suspended"}\n\n\n'
      .. '{"id":"9223372036854775807","action":"delete","reason":"deleted","text":"' .. ("x"):rep(2000)
      .. '"}'))
    assert.equal("deleted", verdicts:tweet("1").reason)
    assert.equal("suspended", verdicts:tweet("2").reason)
    assert.equal("deleted", verdicts:tweet("9223372036854775807").reason)
    assert.is_nil(verdicts:tweet("3"))
    assert.equal(3, verdicts:counts().tweets.rows)
    assert.is_nil(verdicts:counts().users)
  end)

  it("that were not loaded say nothing: asking about them is misuse", function()
    local verdicts = assert(load(row '"id":"1","action":"delete"'))
    local ok, err = pcall(verdicts.user, verdicts, "1")
    assert.is_false(ok)
    assert.equal("usage", err.kind)
    assert.matches("no results of users were loaded", err.message, 1, true)
    ok, err = pcall(dataset.list_verdicts,
      { verdicts = verdicts, type = "users", output = scratch:at("out") })
    assert.is_false(ok)
    assert.matches("no results of users were loaded", err.message, 1, true)
    assert.is_nil(scratch:read("out"))
  end)

  it("must be given: no list, and none with holes or other things in it, is a list of all", function()
    scratch:write("t", row '"id":"1","action":"delete"')
    local path = scratch:at("t")
    for _, options in ipairs {
      {}, { tweets = {} }, { users = {} }, { tweets = { path }, users = {} },
      { tweets = { path, nil, path } }, { tweets = { nil, path } }, { tweets = { [2] = path } },
      { tweets = { path, more = path } }, { tweets = { path, 1 } }, { tweets = { path, "" } },
      { tweets = "" }, { tweets = { false } },
    } do
      local ok, err = pcall(dataset.verdicts, options)
      assert.is_false(ok)
      assert.equal("usage", err.kind)
    end
    local inputs = { path, nil, path }
    local verdicts = assert(dataset.verdicts { tweets = { path } })
    for _, call in ipairs {
      function() return dataset.extract { type = "tweets", inputs = inputs, output = path .. ".ids" } end,
      function() return dataset.redact { verdicts = verdicts, inputs = inputs, output = path .. "d" } end,
    } do
      local ok, err = pcall(call)
      assert.is_false(ok)
      assert.equal("usage", err.kind)
    end
    assert.same({ "t" }, scratch:list())
  end)

  it("that are compiled are never empty", function()
    local verdicts, err = dataset.verdicts { tweets = scratch:write("t.verdicts", "") }
    assert.is_nil(verdicts)
    assert.equal("data", err.kind)
    assert.matches("t.verdicts: is empty", err.message, 1, true)
    local saved = scratch:at("u.verdicts")
    assert(assert(load(nil, row '"id":"1","action":"delete"')):save(saved))
    verdicts, err = dataset.verdicts { tweets = saved }
    assert.is_nil(verdicts)
    assert.matches("holds no verdicts on tweets", err.message, 1, true)
  end)

  it("that are empty say that all is well", function()
    for _, text in ipairs { "", "\n", "\n\n \n" } do
      local verdicts = assert(load(text))
      assert.same({ tweets = { ids = 0, rows = 0, nameless = 0 } }, verdicts:counts())
      assert.is_nil(verdicts:tweet("1"))
    end
  end)

  it("as real jobs give them load: empty lines, two forms of dates, a row twice", function()
    local tweets = scratch:write("t", '\n{"id":"1180000000000000001","action":"delete","created_at":'
      .. '"2019-09-06T17:25:54.667Z","reason":"protected"}\n{"id":"1180000000000000002","action":'
      .. '"delete","created_at":"2019-09-07T01:30:03.390Z","redacted_at":"2021-08-17T17:26:15.788Z",'
      .. '"reason":"deactivated"}\n')
    local user = '{"id":"1500000001","action":"delete","created_at":"2013-06-04T16:25:04+00:00",'
      .. '"reason":"protected"}\n'
    local users = scratch:write("u", user .. user .. "\n")
    local verdicts = assert(dataset.verdicts { tweets = tweets, users = users })
    assert.same({ outcome = "delete", reason = "protected" }, verdicts:tweet("1180000000000000001"))
    assert.same({ outcome = "delete", reason = "deactivated", redacted_at = "2021-08-17T17:26:15Z" },
      verdicts:tweet("1180000000000000002"))
    assert.same({ outcome = "delete", reason = "protected" }, verdicts:user("1500000001"))
    local counts = verdicts:counts()
    assert.same({ 2, 2, 2, 1 }, { counts.tweets.rows, counts.tweets.ids, counts.users.rows, counts.users.ids })
  end)

  describe("are refused", function()
    local GOOD = row '"id":"1","action":"delete","reason":"deleted"'

    local function refused(text, message, line, byte)
      local verdicts, err = load(text)
      assert.is_nil(verdicts)
      assert.equal("data", err.kind)
      assert.matches(message, err.message, 1, true)
      assert.matches("tweets", err.message, 1, true)
      assert.equal(line, err.line)
      if byte then assert.equal(byte, err.byte) end
    end

    it("where they are something else", function()
      refused("<!DOCTYPE html><html></html>\n", "HTML")
      refused("<?xml version='1.0'?><Error><Code>ExpiredToken</Code></Error>", "link may have expired")
      refused("[" .. GOOD:gsub("\n", "") .. "]\n", "JSON array")
      refused("id,action\n1,delete\n", "a JSON object was expected", 1, 0)
      refused("1\n2\n", "a JSON object was expected", 1, 0)
      refused('{"id":"1","text":"a tweet"}\n', "not a row of results", 1, 0)
      scratch:write("plain", GOOD)
      scratch:shell("gzip -c plain >gz; zstd -qc plain >zst; bzip2 -c plain >bz2")
      refused(scratch:read("gz"), "gzip")
      refused(scratch:read("zst"), "zstd")
      refused(scratch:read("bz2"), "unpack it with bunzip2")
    end)

    it("where a row is damaged: file, line, byte", function()
      refused(GOOD .. '{"id":"2","action":"delete"\n', "", 2)
      refused(GOOD .. GOOD .. '{"id":"3","action":"del', "the file is truncated, download it again", 3)
      refused(GOOD .. '\n{"id":"2","action":"delete"} x\n', "", 3)
      refused(GOOD .. '{"action":"delete"}\n', 'a row with an "id" was expected', 2, #GOOD)
      refused('{"id":"1e5","action":"delete"}\n', "not an id", 1, 0)
      refused('{"id":"01","action":"delete"}\n', "not an id", 1, 0)
      refused('{"id":1.5,"action":"delete"}\n', "not an id", 1, 0)
      refused('{"id":"9223372036854775808","action":"delete"}\n', "not an id", 1, 0)
      refused('{"id":"1","action":{"a":1}}\n', 'a string was expected in "action"', 1)
      refused('{"id":"1","action":1,"reason":"deleted"}\n', 'a string was expected in "action"', 1)
      refused('{"id":"1","id":"2","action":"delete"}\n', "appears twice", 1)
      for _, odd in ipairs { '{xx"id":"1","action":"delete"}', '{"id":"1",x"action":"delete"}', 'x"id":"1","action":"delete"}',
        '{"id"x:"1","action":"delete"}', '{"id":x"1","action":"delete"}', '{"id":"1"x,"action":"delete"}',
        '{"id":"1","action":"delete"x}', '{"id":"1","action":"delete"}}', '{{"id":"1","action":"delete"}' } do
        refused(odd .. "\n", "", 1)
      end
      refused('{"id":"1","action":"delete","redacted_at":"yesterday"}\n', "a time like", 1, 0)
      refused('{"id":"1","action":"delete","redacted_at":"2021-13-01T00:00:00Z"}\n', "a time like", 1, 0)
    end)

    it("if there are none", function()
      local verdicts, err = dataset.verdicts { tweets = scratch:at("nowhere") }
      assert.is_nil(verdicts)
      assert.equal("io", err.kind)
      assert.has_error(function() dataset.verdicts {} end)
      assert.has_error(function() dataset.verdicts { tweet = "x" } end)
    end)
  end)

  it("of many parts are one", function()
    local parts = {}
    for part = 1, 3 do
      local rows = {}
      for id = part, 30000, 3 do
        rows[#rows + 1] = ('{"id":"%d","action":"delete","reason":"deleted"}\n'):format(id * 7919)
      end
      parts[part] = scratch:write("part" .. part, table.concat(rows))
    end
    local verdicts = assert(dataset.verdicts { tweets = parts })
    assert.equal(30000, verdicts:counts().tweets.ids)
    for id = 1, 30000, 97 do
      assert.truthy(verdicts:tweet(("%d"):format(id * 7919)))
      assert.is_nil(verdicts:tweet(("%d"):format(id * 7919 + 1)))
    end
  end)

  -- {==================================================================
  -- Files of verdicts
  -- ===================================================================

  describe("saved as verdicts", function()
    local function both()
      return assert(load(row '"id":"1","action":"delete","reason":"deleted","redacted_at":"2021-08-17T17:26:15Z"'
        .. row '"id":"2","action":"vanish"', row '"id":"3","action":"delete","reason":"suspended"'))
    end

    it("are what they were when they are loaded", function()
      local verdicts = both()
      assert(verdicts:save(scratch:at("saved")))
      local saved = scratch:at("saved")
      local again = assert(dataset.verdicts { tweets = saved, users = { saved } })
      assert.same(verdicts:counts(), again:counts())
      assert.same(verdicts:tweet("1"), again:tweet("1"))
      assert.same(verdicts:user("3"), again:user("3"))
      assert.is_nil(again:tweet("3"))
      assert(again:save(scratch:at("saved again")))
      assert.equal(scratch:read("saved"), scratch:read("saved again"))
    end)

    it("go together with others, and with results", function()
      assert(both():save(scratch:at("saved")))
      local more = scratch:write("more", row '"id":"5","action":"delete","reason":"deleted"')
      local verdicts = assert(dataset.verdicts { tweets = { more, scratch:at("saved") } })
      assert.same({ "delete", "delete", "unknown" }, {
        verdicts:tweet("5").outcome, verdicts:tweet("1").outcome, verdicts:tweet("2").outcome,
      })
      assert.equal(3, verdicts:counts().tweets.ids)
    end)

    it("are only given for the type that they hold", function()
      assert(load(row '"id":"1","action":"delete"'):save(scratch:at("saved")))
      local verdicts, err = dataset.verdicts { users = scratch:at("saved") }
      assert.is_nil(verdicts)
      assert.matches("holds no verdicts on users", err.message, 1, true)
    end)

    it("are refused when they are damaged", function()
      local rows = {}
      for id = 1, 500 do rows[id] = ('{"id":"%d","action":"delete"}\n'):format(id * 104729) end
      assert(load(table.concat(rows)):save(scratch:at("saved")))
      local text = scratch:read("saved")
      for at = 9, #text, 211 do -- after the magic, by which they are known
        local byte = text:sub(at, at):byte()
        scratch:write("damaged", text:sub(1, at - 1) .. string.char((byte + 1) % 256) .. text:sub(at + 1))
        local verdicts, err = dataset.verdicts { tweets = scratch:at("damaged") }
        assert.is_nil(verdicts)
        assert.equal("data", err.kind)
      end
      for _, size in ipairs { 8, 100, #text / 2, #text - 1 } do
        scratch:write("damaged", text:sub(1, size))
        assert.is_nil((dataset.verdicts { tweets = scratch:at("damaged") }))
      end
      scratch:write("damaged", text .. " ")
      assert.is_nil((dataset.verdicts { tweets = scratch:at("damaged") }))
    end)

    it("tidy up what a killed run has left, and nothing else", function()
      local verdicts = assert(dataset.verdicts { tweets = scratch:write("r", row '"id":"1","action":"delete"') })
      local leftovers = { ".v.abcdefghijkl.part", ".l.abcdefghijkl.part" }
      for _, name in ipairs(leftovers) do scratch:write(name, "") end
      scratch:write(".w.abcdefghijkl.part", "")
      assert(verdicts:save(scratch:at("v")))
      assert(dataset.list_verdicts { verdicts = verdicts, type = "tweets", output = scratch:at("l") })
      for _, name in ipairs(leftovers) do assert.is_nil(scratch:read(name)) end
      assert.equal("", scratch:read(".w.abcdefghijkl.part"))
      verdicts:close()
    end)

    it("leave what was there where they cannot be written", function()
      local verdicts = both()
      local ok, err = verdicts:save("/proc/none/saved")
      assert.is_nil(ok)
      assert.equal("io", err.kind)
    end)
  end)

  it("are closed once and for all", function()
    local verdicts = assert(load(row '"id":"1","action":"delete"'))
    assert.matches("verdicts %(1", tostring(verdicts))
    assert.is_true(verdicts:close())
    assert.is_true(verdicts:close())
    assert.matches("closed", tostring(verdicts))
    local ok, err = pcall(verdicts.tweet, verdicts, "1")
    assert.is_false(ok)
    assert.equal("usage", err.kind)
  end)

  it("are asked by ids, which are strings", function()
    local verdicts = assert(load(row '"id":"1","action":"delete"'))
    for _, id in ipairs { 1, "", "x", "01", "1.0", "99999999999999999999" } do
      local ok, err = pcall(verdicts.tweet, verdicts, id)
      assert.is_false(ok)
      assert.equal("usage", err.kind)
    end
  end)

  -- }==================================================================

  -- {==================================================================
  -- Lists
  -- ===================================================================

  describe("listed", function()
    local verdicts

    before_each(function()
      verdicts = assert(load(
        row '"id":"30","action":"delete","reason":"deleted","redacted_at":"2021-08-17T17:26:15.788Z"'
        .. row '"id":"4","action":"scrub_geo"' .. row '"id":"200","action":"delete","reason":"suspended"'
        .. row '"id":"6","error":"invalid_id"' .. row '"id":"7","action":"vanish"'
        .. row '"id":"5","action":"rehydrate"'))
    end)

    local function list(options)
      options.verdicts, options.type = verdicts, options.type or "tweets"
      options.output = scratch:at("out")
      local counts, err = dataset.list_verdicts(options)
      return counts and scratch:read("out"), counts or err
    end

    it("by what was asked: a line for each id, in that order", function()
      local ids = scratch:write("ids", "1\n30\r\n\n4\n200\n1\n5\n6\n7")
      local text, counts = list { ids = ids }
      assert.equal("id,outcome,reason,redacted_at\n1,compliant,,\n30,delete,deleted,2021-08-17T17:26:15Z\n"
        .. "4,scrub_geo,scrub_geo,\n200,delete,suspended,\n1,compliant,,\n"
        .. "5,rehydrate,tweet_edited,\n6,invalid,,\n7,unknown,,\n", text)
      assert.same({
        asked = 8, compliant = 2, lines = 8, delete = { deleted = 1, suspended = 1 }, scrub_geo = 1,
        rehydrate = 1, invalid = 1, unknown = 1,
      }, counts)
    end)

    it("by themselves: ascending", function()
      assert.equal("id,outcome,reason,redacted_at\n4,scrub_geo,scrub_geo,\n5,rehydrate,tweet_edited,\n"
        .. "6,invalid,,\n7,unknown,,\n30,delete,deleted,2021-08-17T17:26:15Z\n200,delete,suspended,\n",
        (list {}))
    end)

    it("by outcome: the bare ids", function()
      assert.equal("30\n200\n", (list { outcome = "delete" }))
      assert.equal("4\n", (list { outcome = "scrub_geo" }))
      assert.equal("200\n", (list { outcome = "delete", ids = scratch:write("ids", "1\n200\n") }))
    end)

    it("are refused if no id that was asked is among them", function()
      local text, err = list { ids = scratch:write("ids", "1\n2\n") }
      assert.is_nil(text)
      assert.equal("data", err.kind)
      assert.matches("of the other type", err.message, 1, true)
      assert.is_nil(scratch:read("out"))
    end)

    it("stop at what is no id", function()
      local text, err = list { ids = scratch:write("ids", "30\n1.2E+18\n") }
      assert.is_nil(text)
      assert.same({ "data", 2, 3 }, { err.kind, err.line, err.byte })
    end)
  end)

  -- }==================================================================
end)
