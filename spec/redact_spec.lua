-- Redaction of whole datasets: equality with a slow reference, what is promised of the output,
-- every form of input, and what happens when something is wrong.
-- luacheck: no max line length

local core = require "xcompliance.core"
local dataset = require "xcompliance.dataset"
local generate = require "spec.support.generate_records"
local real = require "spec.support.real"
local reference = require "spec.support.reference_redact"
local scratches = require "spec.support.scratch"

local REASONS = { "deleted", "bounced", "suspended", "deactivated", "protected" }

local function lines_of(text)
  local lines = {}
  for line in (text or ""):gmatch("([^\n]*)\n") do lines[#lines + 1] = line end
  return lines
end

local function same(one, other)
  if one == other then return true end
  if type(one) ~= "table" or type(other) ~= "table" then return false end
  for key, value in pairs(one) do
    if not same(value, other[key]) then return false end
  end
  for key in pairs(other) do
    if one[key] == nil then return false end
  end
  return true
end

local function union(one, other)
  local all = { tweets = {}, users = {} }
  for type in pairs(all) do
    for _, part in ipairs { one, other } do
      for id, rows in pairs(part[type]) do
        all[type][id] = all[type][id] or {}
        for _, row in ipairs(rows) do table.insert(all[type][id], row) end
      end
    end
  end
  return all
end

describe("redaction", function()
  local scratch

  before_each(function() scratch = scratches.new() end)
  after_each(function() scratch:remove() end)

  local function load(verdicts)
    return assert(dataset.verdicts {
      tweets = scratch:write("tweets.results", generate.results(verdicts.tweets or {})),
      users = scratch:write("users.results", generate.results(verdicts.users or {})),
    })
  end

  --- Verdicts on tweets and users by lists of ids, deleted ones.
  local function deleted(tweets, users)
    local verdicts = { tweets = {}, users = {} }
    for _, id in ipairs(tweets) do verdicts.tweets[id] = { { outcome = "delete", reason = "deleted" } } end
    for _, id in ipairs(users or {}) do
      verdicts.users[id] = { { outcome = "delete", reason = "deleted" } }
    end
    return load(verdicts)
  end

  --- Redacts `name` to "out" (or as the options say); the options' other fields as they are.
  local function redact(verdicts, name, options)
    local all = { verdicts = verdicts, inputs = scratch:at(name) }
    for key, value in pairs(options or {}) do all[key] = value end
    if not all.in_place and not all.dry_run then all.output = all.output or scratch:at("out") end
    return dataset.redact(all)
  end

  -- {==================================================================
  -- Equality with the reference
  -- ===================================================================

  --- What the reference makes of the records, and whether the core makes the same.
  local function compare(records, verdicts, options)
    local loaded = load(verdicts)
    scratch:write("in", table.concat(records, "\n") .. "\n")
    local counts = assert(redact(loaded, "in", {
      quarantine = scratch:at("quarantine"), rehydrate = scratch:at("rehydrate"),
      policy = options.policy, on_unknown = options.on_unknown, strict = options.strict,
      jobs = options.jobs, on_unrecognised = options.on_unrecognised,
    }))
    loaded:close()
    local out, quarantine = lines_of(scratch:read("out")), lines_of(scratch:read("quarantine"))
    local seen, again = { kept = 0, changed = 0, dropped = 0, quarantined = 0 }, {}
    local at = { out = 0, quarantine = 0 }

    --- What the reference makes of one record, and what is left of it in the output.
    local function redact_one(record)
      local what, rehydrate, now = reference.redact(record, verdicts, options)
      seen[what] = seen[what] + 1
      for id in pairs(rehydrate) do again[id] = true end
      if what == "quarantined" then
        at.quarantine = at.quarantine + 1
        assert.is_true(same(now, reference.decode(quarantine[at.quarantine])))
      end
      return what, (what == "kept" or what == "changed") and now or nil
    end

    --- An array on a line: its elements are records, and the line stays.
    local function redact_array(elements)
      local left, kept = {}, true
      for i, element in ipairs(elements) do
        local what, now = redact_one(element)
        kept = kept and what == "kept"
        left[#left + 1] = now
        elements[i] = nil
      end
      return kept and "kept" or "changed", left
    end

    for _, record in ipairs(records) do
      local decoded = reference.decode(record)
      local redact_it = record:find("^%s*%[") and redact_array or redact_one
      local what, left = redact_it(decoded)
      if left then
        at.out = at.out + 1
        local line = out[at.out]
        if what == "kept" then assert.equal(record, line) end
        assert.is_true((record == line) == (what == "kept") and same(left, reference.decode(line)), record)
      end
    end
    assert.same({ out = #out, quarantine = #quarantine }, at)
    local sum = 0
    for what, count in pairs(seen) do
      assert.equal(count, counts[what])
      sum = sum + count
    end
    assert.equal(sum, counts.records)
    local ids = lines_of(scratch:read("rehydrate"))
    for _, id in ipairs(ids) do
      assert.is_true(again[id], id)
      again[id] = nil
    end
    assert.same({}, again)
    assert.equal(#ids, counts.rehydrate)
  end

  local function random_policy(generator)
    local policy = {}
    for _, reason in ipairs(REASONS) do
      policy[reason] = generator:pick { "remove", "remove", "quarantine", "keep" }
    end
    if generator:chance(20) then policy.scrub_geo = "keep" end
    policy.rehydrate = generator:pick { false, "keep", "scrub_geo", "quarantine", "remove" } or nil
    return policy
  end

  describe("equals a slow reference", function()
    it("on generated records, under any policy", function()
      for seed = 1, 12 do
        local generator = generate.new(seed)
        local records = {}
        for i = 1, 150 do
          records[i] = i % 10 == 0 and generator:unrecognised() or generator:record()
        end
        local unknown = seed % 3 == 0
        compare(records, generator:verdicts(generator:pick { 5, 20, 60 }, unknown), {
          policy = random_policy(generator), strict = seed % 2 == 0,
          on_unknown = unknown and generator:pick { "remove", "quarantine" } or nil,
          on_unrecognised = ({ "keep", "remove", "quarantine" })[seed % 3 + 1],
          jobs = seed % 4 + 1,
        })
      end
    end)

    --- The records of a file of real data.
    local function real_records(path)
      local file = assert(io.open(path))
      local records = lines_of(file:read("*a") .. "\n")
      file:close()
      return records
    end

    local function ids_of(records, type)
      scratch:write("records.jsonl", table.concat(records, "\n") .. "\n")
      assert(dataset.extract {
        type = type, inputs = scratch:at("records.jsonl"), output = scratch:at("ids"),
      })
      return lines_of(scratch:read("ids"))
    end

    local function some_verdicts(generator, ids, percent, only)
      local verdicts = {}
      for _, id in ipairs(ids) do
        if generator:chance(percent) then
          verdicts[id] = { only and { outcome = "delete", reason = "deleted" } or generator:row() }
        end
      end
      return verdicts
    end

    it("on real data, and leaves no condemned id there", function()
      local paths = real.files()
      if #paths == 0 then return pending(real.NO_FILES) end
      for seed, path in ipairs(paths) do
        local generator = generate.new(seed)
        local records = {}
        for _, record in ipairs(real_records(path)) do
          if record:find("%S") then records[#records + 1] = record end
        end
        local tweets, users = ids_of(records, "tweets"), ids_of(records, "users")
        for _, percent in ipairs { 3, 30 } do
          compare(records, {
            tweets = some_verdicts(generator, tweets, percent),
            users = some_verdicts(generator, users, percent),
          }, { policy = random_policy(generator) })
          local gone = {
            tweets = some_verdicts(generator, tweets, percent, true),
            users = some_verdicts(generator, users, percent, true),
          }
          compare(records, gone, {})
          local left = lines_of(scratch:read("out"))
          for type, condemned in pairs(gone) do
            for _, id in ipairs(ids_of(left, type)) do assert.is_nil(condemned[id]) end
          end
        end
      end
    end)
  end)

  -- }==================================================================

  -- {==================================================================
  -- What is promised of the output
  -- ===================================================================

  --- A dataset of generated records, and two sets of verdicts.
  local function generated(seed, count)
    local generator = generate.new(seed)
    local records = {}
    for i = 1, count do records[i] = generator:record() end
    scratch:write("in", table.concat(records, "\n") .. "\n")
    return generator:verdicts(15), generator:verdicts(15)
  end

  describe("promises", function()
    it("that the same verdicts again change nothing", function()
      for seed = 20, 23 do
        local verdicts = load((generated(seed, 300)))
        local first = assert(redact(verdicts, "in", { in_place = true }))
        assert.is_true(first.changed > 0 and first.dropped > 0)
        local text = scratch:read("in")
        local second = assert(redact(verdicts, "in", { in_place = true }))
        assert.equal(second.records, second.kept)
        assert.equal(text, scratch:read("in"))
      end
    end)

    it("that A, then B gives what A and B together give, and B, then A", function()
      for seed = 30, 35 do
        local one, other = generated(seed, 200)
        local policy = { deleted = seed % 2 == 0 and "keep" or "remove", scrub_geo = "remove" }
        local input, outputs = scratch:read("in"), {}
        for i, order in ipairs { { one, other }, { other, one }, { union(one, other) } } do
          scratch:write("in", input)
          for _, verdicts in ipairs(order) do
            assert(redact(load(verdicts), "in", { in_place = true, policy = policy }))
          end
          outputs[i] = scratch:read("in")
        end
        assert.equal(outputs[3], outputs[1])
        assert.equal(outputs[3], outputs[2])
      end
    end)

    --- A file of records in mixed forms: on lines, over lines, in arrays of either kind.
    local function mixed(generator)
      local parts = {}
      for i = 1, generator:upto(6) do
        local kind, records = generator:upto(5), {}
        for n = 1, generator:upto(3) do records[n] = generator:tweet(1) end
        parts[i] = kind == 1 and "[" .. table.concat(records, " , ") .. "]\n"
          or kind == 2 and "[\n" .. table.concat(records, ",\n") .. "\n]\n"
          or kind == 3 and generator:pick { "", "  " } .. records[1]:gsub("^{", "{\n") .. "\n"
          or generator:pick { "", " " } .. records[1] .. generator:pick { "", " ", "\r" } .. "\n"
      end
      local text = table.concat(parts)
      return generator:chance(20) and text:gsub("%s+$", "") or text
    end

    it("A, then B, whatever form a file is taken for in between", function()
      local files = 0
      for seed = 50, 250 do
        local generator = generate.new(seed)
        local input, name = mixed(generator), generator:pick { "in.jsonl", "in.json", "in" }
        local one, other = generator:verdicts(30), generator:verdicts(30)
        local outputs = {}
        for i, order in ipairs { { union(one, other) }, { one, other }, { other, one } } do
          scratch:write(name, input)
          for _, verdicts in ipairs(order) do
            local loaded = load(verdicts)
            local counts = redact(loaded, name, { in_place = true })
            loaded:close()
            outputs[i] = counts and scratch:read(name)
            if not counts then break end -- its first line is whole, and a later one is not
          end
        end
        if outputs[1] and outputs[2] and outputs[3] then
          files = files + 1
          assert.same({ outputs[1], outputs[1] }, { outputs[2], outputs[3] })
        end
      end
      assert.is_true(files > 100)
    end)

    it("that verdicts may be applied again, though a tweet has the number of a user who went", function()
      scratch:write("in", '{"id":"5","text":"a","author_id":"7"}\n{"id":"6","text":"b","author_id":"5"}\n')
      scratch:write("u", '{"id":"5","action":"delete","reason":"deleted","created_at":"2019-08-10T12:22:39.022Z"}\n')
      local verdicts = assert(dataset.verdicts { users = scratch:at("u") })
      for time = 1, 2 do
        local counts = assert(redact(verdicts, "in", { in_place = true }))
        assert.equal(2 - time, counts.dropped)
        assert.equal('{"id":"5","text":"a","author_id":"7"}\n', scratch:read("in"))
      end
    end)

    it("that results without times are not taken for those of the other type", function()
      scratch:write("in", '{"id":"1","text":"a","author_id":"7000000000"}\n')
      scratch:write("u", '{"id":"7000000000","action":"delete","reason":"deleted"}\n')
      local counts = assert(redact(assert(dataset.verdicts { tweets = scratch:at("u") }), "in"))
      assert.equal(1, counts.kept)
    end)

    it("the same bytes with and without the filter, from any number of threads", function()
      local verdicts = load((generated(40, 400)))
      local text = scratch:read("in")
      -- several pieces of a file, blank lines, carriage returns, a last line without its end
      scratch:write("in", (text .. "\n \n" .. text:gsub("\n", "\r\n")):rep(4) .. text:sub(1, -2))
      local expected, counted
      for _, options in ipairs {
        { jobs = 1 }, { jobs = 1, strict = true }, { jobs = 2 }, { jobs = 5 },
        { jobs = 3, strict = true },
      } do
        local counts = assert(redact(verdicts, "in", options))
        expected, counted = expected or scratch:read("out"), counted or counts
        assert.equal(expected, scratch:read("out"))
        for _, name in ipairs { "records", "kept", "changed", "dropped" } do
          assert.equal(counted[name], counts[name])
        end
        assert.same(counted.tweets, counts.tweets)
      end
      assert.is_true(counted.records > 9 * 400) -- an array on a line is several
    end)

    it("that counts add up, by file and in all, and objects are counted by reason", function()
      scratch:write("a.jsonl", '{"id":"1","text":"a"}\n{"id":"2","text":"a","author_id":"7"}\n')
      scratch:write("b.jsonl", '{"id":"3","text":"RT","retweeted_status":{"id":"1","text":"a"}}\n'
        .. '{"id":"4","text":"a","entities":{"mentions":[{"id":"7","username":"b"}]}}\n')
      local verdicts = load {
        tweets = { ["1"] = { { outcome = "delete", reason = "suspended" } } },
        users = { ["7"] = { { outcome = "delete", reason = "protected" } } },
      }
      local counts = assert(redact(verdicts, "a.jsonl", {
        inputs = { scratch:at("a.jsonl"), scratch:at("b.jsonl") }, output = scratch:at("out/"),
      }))
      assert.same({ delete = { suspended = 3, protected = 1 } }, counts.tweets)
      assert.same({ delete = { protected = 1 } }, counts.users)
      assert.same({ 4, 0, 1, 3, 0 }, {
        counts.records, counts.kept, counts.changed, counts.dropped, counts.quarantined,
      })
      assert.same({ delete = { suspended = 1, protected = 1 } }, counts.files[1].tweets)
      assert.same({ 2, 2 }, { counts.files[1].dropped, counts.files[2].records })
    end)

    it("that a user's latest tweet counts for its own reason before that of its user", function()
      local verdicts = load {
        tweets = { ["2"] = { { outcome = "rehydrate" } } },
        users = { ["7"] = { { outcome = "scrub_geo" } } },
      }
      scratch:write("in", '{"id":"7","username":"u","status":{"id":"2","text":"a","geo":{"a":1}}}\n'
        .. '{"id":"7","username":"u","status":{"id":"3","text":"a","geo":{"a":1}}}\n')
      local counts = assert(redact(verdicts, "in", { policy = { rehydrate = "scrub_geo" } }))
      assert.same({ rehydrate = 1, scrub_geo = 1 }, counts.tweets)
      assert.equal(2, counts.changed)
    end)

    it("a time that grows with a page's length, not with its square", function()
      local pages = { tweets = {}, users = {} }
      for i = 1, 30000 do
        pages.tweets[i] = ('{"id":"%d","text":"t","geo":{"place_id":"p"}}'):format(1000 + i)
        pages.users[i] = ('{"id":"%d","username":"u","status":{"id":"%d","text":"t"}}'):format(i, 100000 + i)
      end
      scratch:write("in", ('{"data":[{"id":"19","text":"x","geo":{"place_id":"p"}},%s],"includes":{"places":[%s]}}\n')
        :format(table.concat(pages.tweets, ","), ('{"id":"p"},'):rep(30000) .. '{"id":"q"}')
        .. ('{"data":[%s]}\n'):format(table.concat(pages.users, ",")))
      local verdicts = load {
        tweets = { ["19"] = { { outcome = "scrub_geo" } } },
        users = { ["13"] = { { outcome = "delete", reason = "deleted" } } },
      }
      local began = core.now()
      local counts = assert(redact(verdicts, "in"))
      assert.is_true(core.now() - began < 5) -- it takes 0.1 s; each square took 10 s
      assert.equal(2, counts.changed)
      assert.same({ scrub_geo = 1, delete = { deleted = 1 } }, counts.tweets)
      assert.same({ delete = { deleted = 1 } }, counts.users)
      for _, type in ipairs { "tweets", "users" } do
        began = core.now()
        assert(dataset.extract { type = type, inputs = scratch:at("in"), output = scratch:at("ids") })
        assert.is_true(core.now() - began < 5)
      end
    end)

    it("that an object counts for one reason: the first in the record that condemns it as much", function()
      local verdicts = load {
        tweets = {
          ["13"] = { { outcome = "delete", reason = "suspended" } }, ["17"] = { { outcome = "delete", reason = "bounced" } },
        },
        users = { ["23"] = { { outcome = "delete", reason = "deactivated" } } },
      }
      for record, reason in pairs {
        ['{"id":"13","text":"a","author_id":"23"}'] = "suspended",
        ['{"author_id":"23","text":"a","id":"13"}'] = "deactivated",
        ['{"id":"13","text":"a","edit_history_tweet_ids":["17"]}'] = "suspended",
        ['{"id":"13","text":"a","referenced_tweets":[{"type":"retweeted","id":"17"}]}'] = "suspended",
        ['{"id":"1","text":"a","author_id":"23","retweeted_status":{"id":"17","text":"b"}}'] = "deactivated",
      } do
        scratch:write("in", record .. "\n")
        local counts = assert(redact(verdicts, "in"))
        assert.equal(1, counts.tweets.delete[reason], record)
      end
      -- removal comes before quarantine, whichever is first
      scratch:write("in", '{"id":"13","text":"a","author_id":"23"}\n')
      local counts = assert(redact(verdicts, "in", { quarantine = scratch:at("q"), policy = { suspended = "quarantine" } }))
      assert.same({ 1, { delete = { deactivated = 1 } } }, { counts.dropped, counts.tweets })
    end)

    it("a time that grows with what is condemned in a page, not with its square", function()
      scratch:shell([[awk 'BEGIN {
        printf "{\"data\":["
        for (i = 1; i <= 300000; i++) printf "%%s{\"id\":\"%%d\",\"username\":\"u\",\"pinned\":[\"x\"]}", (i > 1 ? "," : ""), i
        print "]}"
      }' >in; awk 'BEGIN {
        for (i = 1; i <= 300000; i += 2) printf "{\"id\":\"%%d\",\"action\":\"delete\",\"reason\":\"deleted\"}\n", i
      }' >u]])
      local verdicts = assert(dataset.verdicts { users = scratch:at("u") })
      local began = os.clock()
      local counts = assert(redact(verdicts, "in", { jobs = 1 }))
      assert.is_true(os.clock() - began < 2) -- of the processor's time: it takes 0.3 s, the square 7 s
      assert.same({ delete = { deleted = 150000 } }, counts.users)
      assert.equal(1, counts.changed)
    end)

    it("check sums of what was read and of what was written", function()
      local verdicts = deleted { "2" }
      scratch:write("in", '{"id":"1","text":"a"}\n{"id":"2","text":"b"}\n')
      local file = assert(redact(verdicts, "in", { checksums = true })).files[1]
      assert.equal(core.crc32c(scratch:read("in")), file.crc32c)
      assert.equal(core.crc32c(scratch:read("out")), file.output_crc32c)
      assert.same({ 44, 22 }, { file.bytes, file.output_bytes })
    end)
  end)

  -- }==================================================================

  -- {==================================================================
  -- Forms
  -- ===================================================================

  describe("of a JSON file that is no JSON Lines", function()
    local function turns(before, after, options)
      scratch:write("in.json", before)
      options = options or {}
      options.output = scratch:at("out.json")
      local counts = assert(redact(deleted { "13" }, "in.json", options))
      assert.equal(after, scratch:read("out.json"))
      return counts
    end

    it("keeps an array an array", function()
      turns('[\n {"id":"13","text":"a"},\n {"id":"1","text":"b"}\n]\n', '[\n \n {"id":"1","text":"b"}\n]\n')
      turns('[{"id":"1","text":"b"} , {"id":"13","text":"a"} ]', '[{"id":"1","text":"b"}   ]')
      turns('[{"id":"1","text":"b"},{"id":"13","text":"a"},{"id":"2","text":"c"}]',
        '[{"id":"1","text":"b"},{"id":"2","text":"c"}]')
      turns('[{"id":"13","text":"a"},{"id":"13","text":"a"}]', "[]")
      turns('[{"id":"1",\n"text":"a","quoted_status":{"id":"13",\n"text":"b"}}]',
        '[{"id":"1",\n"text":"a"}]')
    end)

    it("keeps the assignment that a file of an archive begins with", function()
      turns('window.YTD.tweets.part0 = [\n {"tweet":{"id":"13","full_text":"a"}},\n {"tweet":{"id":"1","full_text":"b"}}\n]\n',
        'window.YTD.tweets.part0 = [\n \n {"tweet":{"id":"1","full_text":"b"}}\n]\n')
      turns('Grailbird.data.tweets_2013_05 = \n [ {"id":1,"text":"b"}, {"id":13,"text":"a"} ];\n',
        'Grailbird.data.tweets_2013_05 = \n [ {"id":1,"text":"b"}  ];\n')
      turns('window.YTD.tweets.part0 = [ ]', 'window.YTD.tweets.part0 = [ ]')
      scratch:write("d/tweets.js", 'window.YTD.tweets.part0 = [{"tweet":{"id":"7","full_text":"a"}}]')
      scratch:write("d/account.js", 'window.YTD.account.part0 = [{"account":{}}]')
      local counts = assert(dataset.extract { type = "tweets", inputs = scratch:at("d"), output = scratch:at("ids") })
      assert.same({ "7\n", 1 }, { scratch:read("ids"), counts.ignored })
    end)

    it("takes a value over many lines with its line end", function()
      local counts = turns('{\n "id": "13",\n "text": "a"\n}\n{\n "id": "1",\n "text": "b"\n}\n',
        '{\n "id": "1",\n "text": "b"\n}\n')
      assert.same({ 2, 1, 1 }, { counts.records, counts.kept, counts.dropped })
    end)

    it("quarantines elements as lines", function()
      local verdicts = deleted { "13" }
      scratch:write("in.json", '[{"id":"13","text":"a"},\n{"id":"1","text":"b"}]\n')
      assert(redact(verdicts, "in.json", {
        output = scratch:at("out.json"), quarantine = scratch:at("q.jsonl"),
        policy = { deleted = "quarantine" },
      }))
      assert.equal('{"id":"13","text":"a"}\n', scratch:read("q.jsonl"))
    end)
  end)

  describe("of a table", function()
    local TABLE = "id,author_id,text,referenced_tweets.retweeted.id,geo.place_id,place\n"
      .. '1,2,"a, ""b""\nand more",,x,"he""re"\n'
      .. "13,2,a,,x,y\n"
      .. '3,23,b,,"x",y\n'
      .. "4,2,RT,17,,\n"
      .. '"19",2,c,,"x,y",z\n'
      .. "5,29,d,,p,q\n"

    local function verdicts()
      return load {
        tweets = {
          ["13"] = { { outcome = "delete", reason = "deleted" } },
          ["17"] = { { outcome = "delete", reason = "suspended" } },
          ["19"] = { { outcome = "scrub_geo", reason = "scrub_geo" } },
        },
        users = {
          ["23"] = { { outcome = "delete", reason = "deactivated" } },
          ["29"] = { { outcome = "scrub_geo", reason = "scrub_geo" } },
        },
      }
    end

    it("drops rows by tweet, author and retweet, and empties places", function()
      scratch:write("in.csv", TABLE)
      local counts = assert(redact(verdicts(), "in.csv", { output = scratch:at("out.csv") }))
      assert.equal("id,author_id,text,referenced_tweets.retweeted.id,geo.place_id,place\n"
        .. '1,2,"a, ""b""\nand more",,x,"he""re"\n' .. '"19",2,c,,,\n' .. "5,29,d,,,\n",
        scratch:read("out.csv"))
      assert.same({ 6, 1, 2, 3 }, { counts.records, counts.kept, counts.changed, counts.dropped })
      local again = assert(redact(verdicts(), "out.csv", { output = scratch:at("again.csv") }))
      assert.equal(again.records, again.kept)
    end)

    it("gives its header to the quarantine, once", function()
      local policy = { deleted = "quarantine", deactivated = "quarantine" }
      for _ = 1, 2 do
        scratch:write("in.csv", TABLE)
        assert(redact(verdicts(), "in.csv", {
          in_place = true, quarantine = scratch:at("q.csv"), policy = policy,
        }))
      end
      local rows = "13,2,a,,x,y\n" .. '3,23,b,,"x",y\n'
      assert.equal("id,author_id,text,referenced_tweets.retweeted.id,geo.place_id,place\n" .. rows
        .. rows, scratch:read("q.csv"))
    end)

    it("can have any names for its columns", function()
      scratch:write("in.csv", "Tweet;By\r\n1;2\r\n13;2\r\n3;23\r\n")
      assert(redact(verdicts(), "in.csv", {
        output = scratch:at("out.csv"), columns = { id = "Tweet", author = "By" },
      }))
      assert.equal("Tweet;By\r\n1;2\r\n", scratch:read("out.csv"))
      local counts, err = redact(verdicts(), "in.csv")
      assert.is_nil(counts)
      assert.matches("no column has a known name for ids", err.message, 1, true)
    end)

    it("of users goes by users", function()
      scratch:write("in.csv", "id,username\n13,a\n23,b\n")
      assert(redact(verdicts(), "in.csv", { output = scratch:at("out.csv") }))
      assert.equal("id,username\n13,a\n", scratch:read("out.csv"))
    end)

    it("takes the whole of a cell for its id, however many blanks are in it", function()
      local blanks = (" "):rep(300)
      scratch:write("in.csv", "id,text\n" .. blanks .. "13" .. blanks .. ',a\n"' .. blanks .. "\t1" .. blanks .. '",b\n')
      assert(redact(verdicts(), "in.csv", { output = scratch:at("out.csv") }))
      assert.equal('id,text\n"' .. blanks .. "\t1" .. blanks .. '",b\n', scratch:read("out.csv"))
      assert(dataset.extract { type = "tweets", inputs = scratch:at("in.csv"), output = scratch:at("ids") })
      assert.equal("1\n13\n", scratch:read("ids"))
      for _, cell in ipairs { "1" .. blanks .. "x", "1" .. blanks .. "2", '"13' .. blanks .. '""3"' } do
        scratch:write("in.csv", "id,text\n" .. cell .. ",a\n")
        local counts, err = redact(verdicts(), "in.csv", { output = scratch:at("out.csv") })
        assert.is_nil(counts)
        assert.matches("is not an id", err.message, 1, true)
        counts, err = dataset.extract { type = "tweets", inputs = scratch:at("in.csv"), output = scratch:at("ids") }
        assert.is_nil(counts)
        assert.matches("is not an id", err.message, 1, true)
      end
    end)

    it("with a rounded id stops, or does what it is asked to", function()
      scratch:write("in.csv", "id,text\n1,a\n1.26532E+18,b\n13,c\n")
      local counts, err = redact(verdicts(), "in.csv", { output = scratch:at("out.csv") })
      assert.is_nil(counts)
      assert.same({ "data", 3, 12 }, { err.kind, err.line, err.byte })
      assert.matches("spreadsheet", err.message, 1, true)
      counts = assert(redact(verdicts(), "in.csv", {
        output = scratch:at("out.csv"), on_malformed = "remove",
      }))
      assert.equal("id,text\n1,a\n", scratch:read("out.csv"))
      assert.same({ 3, 1, 2, 1 }, { counts.records, counts.kept, counts.dropped, counts.malformed })
    end)
  end)

  it("does about edited tweets in tables and lists what the policy says", function()
    scratch:write("in.csv", "id,text,geo\n1,a,x\n31,b,y\n")
    scratch:write("in.txt", "1\n31\n")
    local verdicts = load { tweets = { ["31"] = { { outcome = "rehydrate" } } } }
    for _, case in ipairs {
      { "keep", "1,a,x\n31,b,y\n", "1\n31\n", "31\n" },
      { "scrub_geo", "1,a,x\n31,b,\n", "1\n31\n", "31\n" },
      { "remove", "1,a,x\n", "1\n", "" },
      { "quarantine", "1,a,x\n", "1\n", "" },
    } do
      local options = {
        policy = { rehydrate = case[1] }, rehydrate = scratch:at("ids"), quarantine = scratch:at("q"),
      }
      local counts = assert(redact(verdicts, "in.csv", options))
      assert.equal("id,text,geo\n" .. case[2], scratch:read("out"))
      assert.equal(case[4], scratch:read("ids"))
      assert.same({ rehydrate = 1 }, counts.tweets)
      assert(redact(verdicts, "in.txt", options))
      assert.equal(case[3], scratch:read("out"))
      assert.equal(case[4], scratch:read("ids"))
    end
  end)

  describe("of an id list", function()
    it("drops the lines of deleted ids", function()
      scratch:write("in.txt", "1\n13\r\n\n 17 \n2\n13")
      local counts = assert(redact(deleted { "13", "17" }, "in.txt"))
      assert.equal("1\n\n2\n", scratch:read("out"))
      assert.same({ 5, 2, 3 }, { counts.records, counts.kept, counts.dropped })
    end)

    it("goes by users if it is given as one of users", function()
      scratch:write("in.txt", "1\n13\n23\n")
      local verdicts = deleted({ "13" }, { "23" })
      assert(redact(verdicts, "in.txt", { lists = "users" }))
      assert.equal("1\n13\n", scratch:read("out"))
      assert(redact(verdicts, "in.txt"))
      assert.equal("1\n23\n", scratch:read("out"))
    end)

    it("with a line that is no id stops", function()
      scratch:write("in.txt", "1\nabc\n")
      local counts, err = redact(deleted { "13" }, "in.txt")
      assert.is_nil(counts)
      assert.same({ "data", 2, 2 }, { err.kind, err.line, err.byte })
    end)
  end)

  describe("of compressed files", function()
    local RECORDS = '{"id":"1","text":"a"}\n{"id":"13","text":"b"}\n{"id":"2","text":"c"}\n'
    local LEFT = '{"id":"1","text":"a"}\n{"id":"2","text":"c"}\n'

    it("keeps their packing, and their names", function()
      scratch:write("d/a.jsonl", RECORDS)
      scratch:shell("gzip -k d/a.jsonl && zstd -q d/a.jsonl && gzip -c d/a.jsonl >>d/a.jsonl.gz"
        .. " && bzip2 -k d/a.jsonl && xz -k d/a.jsonl")
      local counts = assert(redact(deleted { "13" }, "d", { output = scratch:at("out") }))
      assert.same({ 18, 12, 6 }, { counts.records, counts.kept, counts.dropped })
      assert.equal(LEFT, scratch:read("out/a.jsonl"))
      assert.equal(LEFT, scratch:shell("bzip2 -dc out/a.jsonl.bz2"))
      assert.equal(LEFT, scratch:shell("xz -dc out/a.jsonl.xz"))
      assert.equal(LEFT .. LEFT, scratch:shell("gzip -dc out/a.jsonl.gz"))
      assert.equal(LEFT, scratch:shell("zstd -dc out/a.jsonl.zst"))
    end)

    it("in place, begins again where something changes late in them", function()
      local many = ('{"id":"1","text":"a"}\n'):rep(60000)
      for _, packing in ipairs { { "gz", "gzip" }, { "bz2", "bzip2" }, { "xz", "xz" } } do
        local name = "a.jsonl." .. packing[1]
        scratch:write("a.jsonl", many .. RECORDS)
        scratch:shell("%s a.jsonl", packing[2])
        for _, jobs in ipairs { 1, 3 } do
          local counts = assert(redact(deleted { "13" }, name, {
            output = scratch:at("out.jsonl." .. packing[1]), jobs = jobs,
          }))
          assert.equal(60003, counts.records)
          assert.equal(many .. LEFT, scratch:shell("%s -dc out.jsonl.%s", packing[2], packing[1]))
        end
      end
    end)

    it("refuses one that is empty: it was not written completely", function()
      for _, name in ipairs { "a.jsonl.gz", "a.jsonl.zst", "a.jsonl.bz2", "a.jsonl.xz", "a.GZ" } do
        scratch:write(name, "")
        local counts, err = redact(deleted { "13" }, name, { in_place = true })
        assert.is_nil(counts)
        assert.same({ "data", scratch:at(name) }, { err.kind, err.file })
        assert.matches("it was not written completely", err.message, 1, true)
        counts, err = dataset.extract { type = "tweets", inputs = scratch:at(name), output = scratch:at("ids") }
        assert.is_nil(counts)
        assert.equal("data", err.kind)
        counts, err = dataset.verdicts { tweets = scratch:at(name) }
        assert.is_nil(counts)
        assert.equal("data", err.kind)
      end
    end)

    it("reads large windows of zstd if memory allows, else says what they need #native", function()
      scratch:write("a.jsonl", LEFT:rep(2000))
      local command = scratch.shell({ path = "." }, "pwd"):gsub("%s+$", "") .. "/bin/xcompliance"
      for log, size in pairs { [27] = 128, [28] = 256, [31] = 2048 } do
        scratch:shell("cat a.jsonl | zstd -q --ultra --long=%d >a.jsonl.zst", log) -- its size is not known
        local function extract(limit)
          return scratch:shell("ulimit -v %s; '%s' extract tweets a.jsonl.zst -o ids; echo $?", limit, command)
        end
        if not os.getenv("ASAN_OPTIONS") then
          local text = extract(900000)
          if log == 27 then
            assert.matches("\n0\n$", text)
          else
            assert.matches(("decoding these zstd data takes %d MiB of memory"):format(size), text, 1, true)
            assert.matches("a quarter of this machine's memory, 219 MiB, may be used %- unpack the file with unzstd %-%-long=31\n65\n$", text)
          end
        end
        local memory = tonumber(scratch:shell("awk '/MemTotal/ { print $2 }' /proc/meminfo"))
        if memory > 4 * 1024 * size then
          assert.matches("2 ids of 4,000 records.*\n0\n$", extract "unlimited")
        end
      end
    end)

    it("counts in them what it counts in plain ones", function()
      scratch:write("a.jsonl", '{"id":"5","text":"a"}\n' .. ('{"id":"1","text":"a"}\n'):rep(60000) .. RECORDS:rep(3))
      scratch:shell("gzip -k a.jsonl; zstd -q a.jsonl")
      local verdicts = load { tweets = {
        ["5"] = { { outcome = "rehydrate", reason = "tweet_edited" } }, ["13"] = { { outcome = "delete", reason = "deleted" } },
      } }
      local plain
      for _, name in ipairs { "a.jsonl", "a.jsonl.gz", "a.jsonl.zst" } do
        local counts = assert(redact(verdicts, name, { output = scratch:at("out-" .. name) }))
        plain = plain or counts
        for _, field in ipairs { "records", "kept", "changed", "dropped", "quarantined", "tweets" } do
          assert.same(plain[field], counts[field])
          assert.same(plain.files[1][field], counts.files[1][field])
        end
        assert.equal(tonumber(scratch:shell("stat -c %%s out-%s", name)), counts.output_bytes)
        assert.equal(tonumber(scratch:shell("stat -c %%s %s", name)), counts.bytes)
      end
      assert.equal(60010, plain.records)
      assert.equal(1, plain.tweets.rehydrate)
    end)

    it("takes the packing from the name of the output", function()
      scratch:write("a.jsonl", RECORDS)
      for _, case in ipairs { { "b.jsonl.gz", "gzip -dc" }, { "b.jsonl.zst", "zstd -dc" },
        { "b.jsonl.bz2", "bzip2 -dc" }, { "b.jsonl.xz", "xz -dc" } } do
        for _, level in ipairs { 1, 6, 9 } do
          assert(redact(deleted { "13" }, "a.jsonl", { output = scratch:at(case[1]), level = level }))
          assert.equal(LEFT, scratch:shell("%s %s", case[2], case[1]))
        end
        assert(redact(deleted { "99" }, case[1], { output = scratch:at("c.jsonl") }))
        assert.equal(LEFT, scratch:read("c.jsonl"))
      end
    end)
  end)

  it("keeps a byte order mark and carriage returns", function()
    scratch:write("in", '\239\187\191{"id":"1","text":"a"}\r\n{"id":"13","text":"b"}\r\n')
    assert(redact(deleted { "13" }, "in"))
    assert.equal('\239\187\191{"id":"1","text":"a"}\r\n', scratch:read("out"))
  end)

  it("takes records longer than any piece", function()
    local long = '{"id":"1","text":"' .. ("x"):rep(3000000) .. '","quoted_status":{"id":"13","text":"b"}}\n'
    scratch:write("in", '{"id":"2","text":"a"}\n' .. long .. '{"id":"13","text":"c"}\n')
    for _, jobs in ipairs { 1, 2 } do
      assert(redact(deleted { "13" }, "in", { jobs = jobs }))
      assert.equal('{"id":"2","text":"a"}\n' .. long:gsub(',"quoted_status".*', "}\n"), scratch:read("out"))
    end
  end)

  -- }==================================================================

  -- {==================================================================
  -- Places
  -- ===================================================================

  local RECORDS = '{"id":"1","text":"a"}\n{"id":"13","text":"b"}\n'
  local LEFT = '{"id":"1","text":"a"}\n'

  describe("of a folder", function()
    it("gives a folder with the same tree, and leaves other files alone", function()
      scratch:write("d/a.jsonl", RECORDS)
      scratch:write("d/deep/er/b.jsonl", LEFT)
      scratch:write("d/README.md", "no data")
      local counts = assert(redact(deleted { "13" }, "d", { output = scratch:at("new/out") }))
      assert.equal(LEFT, scratch:read("new/out/a.jsonl"))
      assert.equal(LEFT, scratch:read("new/out/deep/er/b.jsonl"))
      assert.is_nil(scratch:read("new/out/README.md"))
      assert.same({ 1, { scratch:at("d/README.md") } }, { counts.ignored, counts.ignored_files })
      assert.same({ true, false }, { counts.files[1].written, counts.files[2].written })
    end)

    it("and of files goes to a folder under their names", function()
      scratch:write("d/a.jsonl", RECORDS)
      scratch:write("b.jsonl", RECORDS)
      assert(redact(deleted { "13" }, "d", {
        inputs = { scratch:at("d"), scratch:at("b.jsonl") }, output = scratch:at("out"),
      }))
      assert.same({ LEFT, LEFT }, { scratch:read("out/d/a.jsonl"), scratch:read("out/b.jsonl") })
    end)

    it("is refused where two outputs would be one, or outputs inputs", function()
      scratch:write("a/x.jsonl", RECORDS)
      scratch:write("b/x.jsonl", RECORDS)
      local verdicts = deleted { "13" }
      local before = scratch:list()
      for _, case in ipairs {
        { "two inputs", { "a/x.jsonl", "b/x.jsonl" }, "out" },
        { "given twice", { "a", "a/x.jsonl" }, "out" },
        { "is the same file as inputs", { "a/x.jsonl" }, "a/x.jsonl" },
        { "a folder that is read", { "a" }, "a/out" },
      } do
        local inputs = {}
        for i, name in ipairs(case[2]) do inputs[i] = scratch:at(name) end
        local counts, err = redact(verdicts, "a", { inputs = inputs, output = scratch:at(case[3]) })
        assert.is_nil(counts)
        assert.matches(case[1], err.message, 1, true)
        assert.same(before, scratch:list())
      end
    end)
  end)

  describe("in place", function()
    it("does not write a file in which nothing is found", function()
      scratch:write("a.jsonl", LEFT)
      scratch:shell("touch -d 2001-01-01 a.jsonl; gzip -k a.jsonl")
      local before = scratch:shell("stat -c '%%i %%Y' a.jsonl a.jsonl.gz")
      local counts = assert(redact(deleted { "13" }, "a.jsonl", {
        inputs = { scratch:at("a.jsonl"), scratch:at("a.jsonl.gz") }, in_place = true,
      }))
      assert.equal(before, scratch:shell("stat -c '%%i %%Y' a.jsonl a.jsonl.gz"))
      assert.same({ 0, 2 }, { counts.written, counts.kept })
    end)

    it("keeps the mode, and what a link leads to is changed", function()
      scratch:write("real.jsonl", RECORDS)
      scratch:shell("chmod 640 real.jsonl && ln -s real.jsonl link.jsonl")
      assert(redact(deleted { "13" }, "link.jsonl", { in_place = true }))
      assert.equal(LEFT, scratch:read("real.jsonl"))
      assert.equal("640 regular file\n777 symbolic link\n",
        scratch:shell("stat -c '%%a %%F' real.jsonl link.jsonl"))
    end)

    it("keeps the owner", function()
      if scratch:shell("id -u") ~= "0\n" then return pending "only root may give files away" end
      scratch:write("a.jsonl", RECORDS)
      scratch:shell("chown 1234:2345 a.jsonl && gzip -k a.jsonl && chown 1234:2345 a.jsonl.gz")
      for _, name in ipairs { "a.jsonl", "a.jsonl.gz" } do
        assert(redact(deleted { "13" }, name, { in_place = true }))
        assert.equal("1234 2345\n", scratch:shell("stat -c '%%u %%g' %s", name))
      end
      assert(redact(deleted { "13" }, "a.jsonl")) -- elsewhere it is whose who makes it
      assert.equal("0\n", scratch:shell("stat -c %%u out"))
    end)

    it("refuses a file that has another name, which would keep all", function()
      scratch:write("a.jsonl", RECORDS)
      scratch:shell("ln a.jsonl b.jsonl")
      local counts, err = redact(deleted { "13" }, "a.jsonl", { in_place = true })
      assert.is_nil(counts)
      assert.matches("hard links", err.message, 1, true)
      assert.equal(RECORDS, scratch:read("a.jsonl"))
      assert(redact(deleted { "99" }, "a.jsonl", { in_place = true }))
    end)

    it("killed at any moment, has changed nothing or all, and the next run tidies up", function()
      local command = scratch.shell({ path = "." }, "pwd"):gsub("%s+$", "") .. "/bin/xcompliance"
      local original = (LEFT:rep(300) .. RECORDS):rep(200)
      local final = (LEFT:rep(300) .. LEFT):rep(200)
      deleted({ "13" }):close() -- writes tweets.results
      os.remove(scratch:at("users.results"))
      local killed = 0
      for moment = 1, 12 do
        scratch:write("a.jsonl", original)
        scratch:shell("timeout -s KILL %.3f '%s' redact -q a.jsonl --in-place --tweets tweets.results",
          0.004 * moment, command)
        local text = scratch:read("a.jsonl")
        assert.is_true(text == original or text == final)
        if text == original then killed = killed + 1 end
        scratch:shell("'%s' redact -q a.jsonl --in-place --tweets tweets.results", command)
        assert.equal(final, scratch:read("a.jsonl"))
        assert.same({ "a.jsonl", "tweets.results" }, scratch:list())
      end
      assert.is_true(killed > 0)
    end)

    it("adds to the quarantine; elsewhere it is made again", function()
      local policy = { deleted = "quarantine" }
      local gone = '{"id":"13","text":"b"}\n'
      for i = 1, 2 do
        scratch:write("a.jsonl", RECORDS)
        assert(redact(deleted { "13" }, "a.jsonl", {
          in_place = true, quarantine = scratch:at("q.jsonl.gz"), policy = policy,
        }))
        assert.equal(gone:rep(i), scratch:shell("gzip -dc q.jsonl.gz"))
      end
      for _ = 1, 2 do
        scratch:write("a.jsonl", RECORDS)
        assert(redact(deleted { "13" }, "a.jsonl", { quarantine = scratch:at("q"), policy = policy }))
        assert.equal(gone, scratch:read("q"))
      end
    end)
  end)

  describe("quarantine", function()
    it("is one file, or a folder with the same tree", function()
      scratch:write("d/a.jsonl", RECORDS)
      scratch:write("d/e/b.jsonl", RECORDS)
      local options = { output = scratch:at("out"), policy = { deleted = "quarantine" } }
      local gone = '{"id":"13","text":"b"}\n'
      options.quarantine = scratch:at("q.jsonl")
      assert(redact(deleted { "13" }, "d", options))
      assert.equal(gone .. gone, scratch:read("q.jsonl"))
      options.quarantine = scratch:at("q")
      assert(redact(deleted { "13" }, "d", options))
      assert.same({ gone, gone }, { scratch:read("q/a.jsonl"), scratch:read("q/e/b.jsonl") })
    end)

    it("holds one record a line, and can be read and redacted again", function()
      scratch:write("d/a.jsonl", '{"id":"1","text":"a"}\n[{"id":"2","text":"a"},{"id":"3","text":"a"}]\n')
      scratch:write("d/b.json", '[\n  {\n    "id": "4",\r\n    "text": "b\\n"\n  },\n  {"id":"5","text":"b"}\n]\n')
      scratch:write("d/c.json", '{\n "id": "6",\n "text": "c", "quoted_status": {\n  "id": "99", "text": "d"\n }\n}\n')
      local verdicts = load { tweets = {
        ["1"] = { { outcome = "delete", reason = "suspended" } }, ["2"] = { { outcome = "delete", reason = "suspended" } },
        ["4"] = { { outcome = "delete", reason = "suspended" } }, ["6"] = { { outcome = "delete", reason = "suspended" } },
        ["99"] = { { outcome = "delete", reason = "deleted" } },
      } }
      assert(redact(verdicts, "d", { in_place = true, quarantine = scratch:at("q.jsonl"), policy = { suspended = "quarantine" } }))
      local lines = lines_of(scratch:read("q.jsonl"))
      assert.same({ '{"id":"1","text":"a"}', '{"id":"2","text":"a"}' }, { lines[1], lines[2] })
      assert.same({ id = "4", text = "b\n" }, reference.decode(lines[3]))
      assert.same({ id = "6", text = "c" }, reference.decode(lines[4]))
      assert.equal(4, #lines)
      assert(dataset.extract { type = "tweets", inputs = scratch:at("q.jsonl"), output = scratch:at("ids") })
      assert.equal("1\n2\n4\n6\n", scratch:read("ids"))
      assert(redact(deleted { "4", "2" }, "q.jsonl", { in_place = true, strict = true }))
      assert.same({ lines[1], lines[4] }, lines_of(scratch:read("q.jsonl")))
    end)

    it("takes records of one kind only, so that it can be read again", function()
      local options = { policy = { deleted = "quarantine" }, in_place = true }
      local inputs = {
        json = { "j.jsonl", '{"id":"13","text":"a"}\n' }, ids = { "i.txt", "13\n" },
        table = { "t.csv", "id,text\n13,a\n" }, other = { "u.csv", "id,text,lang\n13,a,en\n" },
        as_long = { "v.csv", "id,lang\n13,a\n" },
      }
      for one, first in pairs(inputs) do
        for two, second in pairs(inputs) do
          -- in one run
          scratch:write("d/1" .. first[1], first[2])
          scratch:write("d/2" .. second[1], second[2])
          options.quarantine = scratch:at("q.txt")
          local counts, err = redact(deleted { "13" }, "d", options)
          if one == two then
            assert.equal(2, assert(counts, err).quarantined)
            local header, row = first[2]:match("^(id.-\n)(.*)")
            assert.equal(header and header .. row .. row or first[2]:rep(2), scratch:read("q.txt"))
          else
            assert.is_nil(counts)
            assert.equal("usage", err.kind)
            assert.matches("give a folder as `quarantine`", err.message, 1, true)
            assert.is_nil(scratch:read("q.txt"))
          end
          scratch:shell("rm -rf d q.txt")
          -- in one run after the other
          for i, input in ipairs { first, second } do
            scratch:write(input[1], input[2])
            counts, err = redact(deleted { "13" }, input[1], options)
            if i == 1 or one == two then
              assert.equal(1, assert(counts, err).quarantined)
            else
              assert.is_nil(counts)
              assert.equal("conflict", err.kind)
              assert.matches("records of another kind", err.message, 1, true)
              assert.equal(input[2], scratch:read(input[1]))
            end
          end
          scratch:shell("rm -f *")
        end
      end
    end)

    it("that is added to keeps its mode, and does not appear for nothing", function()
      local options = { in_place = true, quarantine = scratch:at("q.jsonl"), policy = { deleted = "quarantine" } }
      scratch:write("in", RECORDS)
      assert(redact(deleted { "99" }, "in", options))
      assert.is_nil(scratch:read("q.jsonl"))
      scratch:write("q.jsonl", '{"id":"1","text":"a"}\n')
      scratch:shell("chmod 604 q.jsonl")
      assert(redact(deleted { "13" }, "in", options))
      assert.equal("604\n", scratch:shell("stat -c %%a q.jsonl"))
      assert.equal(2, #lines_of(scratch:read("q.jsonl")))
    end)

    it("comes before a stop: what is in the record is decided later", function()
      scratch:write("in", '{"id":"13","text":"a","quoted_status":{"id":"2","text":"b"}}\n')
      local verdicts = load { tweets = {
        ["13"] = { { outcome = "delete", reason = "suspended" } }, ["2"] = { { outcome = "unknown" } },
      } }
      local counts = assert(redact(verdicts, "in", {
        quarantine = scratch:at("q"), policy = { suspended = "quarantine" },
      }))
      assert.equal(1, counts.quarantined)
      local none, err = redact(verdicts, "in", { policy = { suspended = "keep" } })
      assert.is_nil(none)
      assert.matches("tweet 2", err.message, 1, true)
      scratch:write("in.csv", "id,text,quoted_status_id,quoted_text\n2,a,13,b\n")
      counts = assert(redact(verdicts, "in.csv", { quarantine = scratch:at("q"), policy = { suspended = "quarantine" } }))
      assert.equal(1, counts.quarantined)
    end)

    it("that was edited and lacks its last line end is added to all the same", function()
      scratch:write("q.jsonl", '{"id":"1","text":"a"}')
      scratch:write("in", RECORDS)
      assert(redact(deleted { "13" }, "in", { in_place = true, quarantine = scratch:at("q.jsonl"), policy = { deleted = "quarantine" } }))
      assert.equal('{"id":"1","text":"a"}\n{"id":"13","text":"b"}\n', scratch:read("q.jsonl"))
    end)

    it("of malformed lines is added to again", function()
      for i = 1, 2 do
        scratch:write("in", '{"id":"1","text":"a"}\nnonsense\n')
        assert(redact(deleted { "13" }, "in", { in_place = true, quarantine = scratch:at("q"), on_malformed = "quarantine" }))
        assert.equal(("nonsense\n"):rep(i), scratch:read("q"))
      end
    end)

    it("gets the whole record, without what must be removed", function()
      scratch:write("in", '{"id":"1","text":"a","quoted_status":{"id":"13","text":"b"},'
        .. '"entities":{"mentions":[{"id":"7","username":"c"}]}}\n')
      local verdicts = load {
        tweets = { ["13"] = { { outcome = "delete", reason = "deleted" } } },
        users = { ["7"] = { { outcome = "delete", reason = "suspended" } } },
      }
      local counts = assert(redact(verdicts, "in", {
        quarantine = scratch:at("q"), policy = { suspended = "quarantine" },
      }))
      assert.equal(1, counts.quarantined)
      assert.equal("", scratch:read("out"))
      assert.equal('{"id":"1","text":"a","entities":{"mentions":[{"id":"7","username":"c"}]}}\n',
        scratch:read("q"))
    end)
  end)

  it("dry, counts and writes nothing", function()
    scratch:write("in", RECORDS)
    local verdicts = deleted { "13" }
    local before = scratch:list()
    local counts = assert(redact(verdicts, "in", {
      dry_run = true, quarantine = scratch:at("q"), policy = { deleted = "quarantine" },
    }))
    assert.equal(1, counts.quarantined)
    assert.same(before, scratch:list())
  end)

  -- }==================================================================

  -- {==================================================================
  -- What is wrong
  -- ===================================================================

  describe("fails closed", function()
    --- Fails with what is reported, and leaves nothing.
    local function fails(options, verdicts, kind, message)
      local before, input = scratch:list(), scratch:read("in")
      for _, mode in ipairs { { in_place = true }, { output = scratch:at("out/file") } } do
        for key, value in pairs(options) do mode[key] = value end
        for jobs = 1, 2 do
          mode.jobs = jobs
          local counts, err = redact(verdicts, "in", mode)
          assert.is_nil(counts)
          assert.equal(kind, err.kind)
          assert.matches(message, err.message, 1, true)
          assert.same(before, scratch:list())
          assert.equal(input, scratch:read("in"))
          mode.err = nil
        end
      end
      local _, err = redact(verdicts, "in", options)
      return err
    end

    it("on a record that does not parse: file, line, byte", function()
      local verdicts = deleted { "13" }
      for _, case in ipairs {
        { '{"id":"2","text":"a"}\n{"id":"13","text":}\n', 2, 40 },
        { '{"id":"13","text":"b"}\n\n{"id":"2","text":"torn', 3, nil },
        { '{"id":"1","text":"a"}\nnonsense\n', 2, 22 },
        { '{"id":"1","text":"a"}\n{"id":"13x","text":"a","author_id":"13"}\n', 2, 29 },
      } do
        scratch:write("in", case[1])
        local err = fails({}, verdicts, "data", "in, line " .. case[2])
        assert.same({ scratch:at("in"), case[2] }, { err.file, err.line })
        if case[3] then assert.equal(case[3], err.byte) end
      end
    end)

    it("and does with such a record what it is asked to", function()
      scratch:write("in", '{"id":"1","text":"a"}\n{"id":"2","text":"torn\n{"id":"13","text":"b"}\n')
      local counts = assert(redact(deleted { "13" }, "in", {
        on_malformed = "quarantine", quarantine = scratch:at("q"),
      }))
      assert.same({ 3, 1, 1, 1, 1 }, {
        counts.records, counts.kept, counts.dropped, counts.quarantined, counts.malformed,
      })
      assert.equal('{"id":"2","text":"torn\n', scratch:read("q"))
      counts = assert(redact(deleted { "13" }, "in", { on_malformed = "remove" }))
      assert.same({ 2, 1 }, { counts.dropped, counts.malformed })
      assert.equal('{"id":"1","text":"a"}\n', scratch:read("out"))
    end)

    it("on an element of an array on a line alone, if that is what is wrong", function()
      scratch:write("in", '{"id":"3","text":"a"}\n[{"id":"1","text":"a"}, {"id":"x","text":"b"},{"id":"13","text":"c"}]\n')
      fails({}, deleted { "13" }, "data", "in, line 2, byte 53")
      local counts = assert(redact(deleted { "13" }, "in", { on_malformed = "remove" }))
      assert.equal('{"id":"3","text":"a"}\n[{"id":"1","text":"a"} ]\n', scratch:read("out"))
      assert.same({ 4, 2, 2, 1 }, { counts.records, counts.kept, counts.dropped, counts.malformed })
      -- what is kept of it was asked about
      counts = assert(dataset.extract {
        type = "tweets", inputs = scratch:at("in"), output = scratch:at("ids"), on_malformed = "skip",
      })
      assert.same({ "1\n3\n13\n", 3, 1 }, { scratch:read("ids"), counts.records, counts.malformed })
      for _, array in ipairs {
        '[{"id":"1","text":"a"},]', '[{"id":"1","text":"a"}', '[{"id":"1","text":"a"}] [{"id":"13","text":"a"}]',
        '[,{"id":"1","text":"a"}]', '[{"id":"1","text":"a"} {"id":"13","text":"a"}]', '[{"id":"1","text":"a"}]]',
        '[{"id":"1","text":"a"}}', '[}',
      } do
        scratch:write("in", '{"id":"3","text":"a"}\n' .. array .. "\n")
        fails({}, deleted { "13" }, "data", "in, line 2")
        assert(redact(deleted { "13" }, "in", { on_malformed = "remove" }))
        assert.equal('{"id":"3","text":"a"}\n', scratch:read("out"))
        counts = assert(dataset.extract {
          type = "tweets", inputs = scratch:at("in"), output = scratch:at("ids"), on_malformed = "skip",
        })
        assert.same({ "3\n", 1, 1 }, { scratch:read("ids"), counts.records, counts.malformed })
      end
    end)

    it("where strict, on a record that nobody would have looked at", function()
      scratch:write("in", '{"id":"1","text":}\n')
      assert(redact(deleted { "13" }, "in"))
      fails({ strict = true }, deleted { "13" }, "data", "line 1, byte 17")
    end)

    it("on an id whose outcome is not known, or that was not checked", function()
      scratch:write("in", '{"id":"1","text":"a"}\n{"id":"2","text":"b","author_id":"7"}\n')
      local verdicts = load { users = { ["7"] = { { outcome = "unknown" } } } }
      local err = fails({}, verdicts, "data", "user 7")
      assert.same({ 2, 56 }, { err.line, err.byte })
      local counts = assert(redact(verdicts, "in", { on_unknown = "remove" }))
      assert.equal(1, counts.dropped)
      assert.same({ unknown = 1 }, counts.tweets)
      counts = assert(redact(verdicts, "in", {
        on_unknown = "quarantine", quarantine = scratch:at("q"),
      }))
      assert.equal(1, counts.quarantined)
      scratch:write("tweets.results", '{"id":"2","error":"invalid_id"}\n')
      verdicts = assert(dataset.verdicts { tweets = scratch:at("tweets.results") })
      fails({}, verdicts, "data", "was not checked")
    end)

    it("where results are of the other type", function()
      local users = scratch:write("u", '{"id":"7000000000","action":"delete","reason":"deleted",'
        .. '"created_at":"2011-11-02T15:26:18+00:00"}\n')
      scratch:write("in", '{"id":"1","text":"a","author_id":"7000000000"}\n')
      fails({}, assert(dataset.verdicts { tweets = users }), "data", "exchange the two")
      assert(redact(assert(dataset.verdicts { users = users }), "in"))
      assert.equal("", scratch:read("out"))
    end)

    it("on a compressed file that is cut off or damaged", function()
      scratch:write("whole", RECORDS:rep(2000))
      scratch:shell("gzip -c whole | head -c 150 >in")
      fails({}, deleted { "99" }, "data", "in")
      scratch:shell("zstd -qc whole | head -c 40 >in")
      fails({}, deleted { "13" }, "data", "in")
    end)

    it("on what is no file, and misuse raises", function()
      local counts, err = redact(deleted { "13" }, "nowhere")
      assert.is_nil(counts)
      assert.equal("io", err.kind)
      local verdicts = deleted { "13" }
      for _, case in ipairs {
        { "give `output`", { verdicts = verdicts, inputs = "x" } },
        { "not both", { verdicts = verdicts, inputs = "x", output = "y", in_place = true } },
        { "at least one", { verdicts = verdicts, inputs = {}, output = "y" } },
        { "`quarantine` is not given", {
          verdicts = verdicts, inputs = "x", output = "y", policy = { deleted = "quarantine" },
        } },
        { "no reason 'suspnded'", {
          verdicts = verdicts, inputs = "x", output = "y", policy = { suspnded = "keep" },
        } },
        { "'remove', 'quarantine' or 'keep'", {
          verdicts = verdicts, inputs = "x", output = "y", policy = { deleted = "drop" },
        } },
        { "'keep', 'scrub_geo', 'quarantine' or 'remove'", {
          verdicts = verdicts, inputs = "x", output = "y", policy = { rehydrate = "scrub" },
        } },
        { "`quarantine` is not given", {
          verdicts = verdicts, inputs = "x", output = "y", policy = { rehydrate = "quarantine" },
        } },
        { "verdicts", { inputs = "x", output = "y" } },
        { "no option 'strictly'", { verdicts = verdicts, inputs = "x", output = "y", strictly = true } },
      } do
        local ok, raised = pcall(dataset.redact, case[2])
        assert.is_false(ok)
        assert.equal("usage", raised.kind)
        assert.matches(case[1], raised.message, 1, true)
      end
    end)

    for what, edit in pairs {
      ["longer"] = "echo '{\"id\":\"2\",\"text\":\"c\"}' >>a.jsonl",
      ["of another time"] = "touch -d @1000000000.123456780 a.jsonl",
      ["of a time a little later"] = "touch -d @$(stat -c %%.9Y a.jsonl | sed 's/[0-9]$/x/;s/[0-8]x$/9x/;s/x$/7/') a.jsonl",
      ["another file"] = "cp -p a.jsonl b && mv b a.jsonl",
      ["of equal size"] = "printf X | dd of=a.jsonl bs=1 seek=15 conv=notrunc status=none",
    } do
      it("on an input that becomes " .. what .. " while it is read", function()
        scratch:write("a.jsonl", RECORDS)
        scratch:shell("touch -d @1500000000.123456780 a.jsonl; mkfifo pipe")
        local verdicts = deleted { "13" }
        local task = assert(core.redact {
          verdicts = verdicts.core, inputs = { scratch:at("a.jsonl"), scratch:at("pipe") },
          output = scratch:at("out"), jobs = 1,
        })
        while task:progress().records < 2 do core.sleep(0.001) end -- a.jsonl has been read
        local before = scratch:shell(edit .. "; cat a.jsonl; echo >pipe")
        assert.is_true(task:wait(10))
        local counts, err = task:result()
        task:close()
        assert.is_nil(counts)
        assert.equal("data", err.kind)
        assert.matches("was changed while it was being read", err.message, 1, true)
        assert.equal(before, scratch:read("a.jsonl"))
        assert.is_nil(scratch:read("out/a.jsonl"))
      end)
    end

    it("cancelled, and leaves nothing", function()
      scratch:shell("mkfifo pipe")
      local before = scratch:list()
      local verdicts = deleted { "13" }
      local task = assert(core.redact {
        verdicts = verdicts.core, inputs = { scratch:at("pipe") }, output = scratch:at("out"),
      })
      task:cancel()
      assert.is_true(task:wait(10))
      local _, err = task:result()
      task:close()
      assert.equal("cancelled", err.kind)
      os.remove(scratch:at("tweets.results"))
      os.remove(scratch:at("users.results"))
      assert.same(before, scratch:list())
    end)
  end)

  describe("on a disk", function()
    --- A small file system of its own, where this process may have one.
    local function with_disk(options, work)
      local disk = scratches.new()
      if disk:shell("mount -t tmpfs -o %s none . && echo done", options) ~= "done\n" then
        disk:remove()
        return pending("no file system can be mounted here")
      end
      local ok, err = pcall(work, disk)
      disk:shell("cd / && umount '%s'", disk.path)
      disk:remove()
      if not ok then error(err, 0) end
    end

    local MANY = (LEFT:rep(1000) .. RECORDS):rep(30)

    it("that is full, leaves the original and says what helps", function()
      with_disk("size=1m", function(disk)
        local input = disk:write("a.jsonl", MANY)
        for _, path in ipairs { "a.jsonl", "a.jsonl.gz" } do
          local counts, err = dataset.redact {
            verdicts = deleted { "13" }, inputs = input, jobs = 1,
            in_place = path == "a.jsonl" or nil, output = path ~= "a.jsonl" and disk:at("b.jsonl") or nil,
          }
          assert.is_nil(counts)
          assert.equal("io", err.kind)
          assert.matches("free some space", err.message, 1, true)
          assert.equal(MANY, disk:read("a.jsonl"))
          assert.same({ "a.jsonl" }, disk:list())
        end
      end)
    end)

    it("that cannot be written, leaves the original and says what helps", function()
      with_disk("size=2m", function(disk)
        local input = disk:write("a.jsonl", MANY)
        disk:shell("mount -o remount,ro '%s'", disk.path)
        local counts, err = dataset.redact {
          verdicts = deleted { "13" }, inputs = input, in_place = true,
        }
        assert.is_nil(counts)
        assert.equal("io", err.kind)
        assert.matches("choose a place that can be written", err.message, 1, true)
        assert.equal(MANY, disk:read("a.jsonl"))
      end)
    end)
  end)

  -- }==================================================================
end)
