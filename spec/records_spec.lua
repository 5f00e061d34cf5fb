-- Single records in memory: equality with the redaction of files, what is said of a record and why,
-- records in tables, misuse, and memory.
-- luacheck: no max line length

local cjson = require "cjson"
local dataset = require "xcompliance.dataset"
local generate = require "spec.support.generate_records"
local scratches = require "spec.support.scratch"

local REASONS = { "deleted", "bounced", "suspended", "deactivated", "protected" }

describe("a single record", function()
  local scratch, verdicts

  setup(function()
    scratch = scratches.new()
    scratch:write("tweets.results", [[
{"id":"13","action":"delete","created_at":"2019-08-10T12:22:39.022Z","reason":"deleted"}
{"id":"17","action":"delete","created_at":"2019-08-10T12:22:39.022Z","reason":"suspended"}
{"id":"19","action":"delete","created_at":"2019-08-10T12:22:39.022Z","reason":"scrub_geo"}
{"id":"31","action":"rehydrate","created_at":"2019-08-10T12:22:39.022Z","reason":"tweet_edited"}
{"id":"41","action":"vanish","created_at":"2019-08-10T12:22:39.022Z"}
{"id":"9007199254740992","action":"delete","reason":"deleted"}
{"id":"1238024261100000013","action":"delete","reason":"deleted"}
]])
    scratch:write("users.results", [[
{"id":"23","action":"delete","created_at":"2011-11-02T15:26:18+00:00","reason":"deactivated"}
{"id":"27","action":"delete","created_at":"2011-11-02T15:26:18+00:00","reason":"protected"}
]])
    verdicts = assert(dataset.verdicts {
      tweets = scratch:at("tweets.results"), users = scratch:at("users.results"),
    })
  end)

  teardown(function()
    verdicts:close()
    scratch:remove()
  end)

  -- {==================================================================
  -- Equality with the redaction of files
  -- ===================================================================

  local PLAIN = '{"id":"1","text":"so that the file is lines"}\n'

  --- What the redaction of a file makes of lines: what is left, the quarantine, the counts.
  local function redact_file(loaded, text, options)
    local all = { verdicts = loaded, inputs = scratch:write("in.jsonl", PLAIN .. text), jobs = 1 }
    for name, value in pairs(options) do all[name] = value end
    all.output, all.quarantine = scratch:at("out.jsonl"), scratch:at("quarantine.jsonl")
    os.remove(all.quarantine)
    local counts, err = dataset.redact(all)
    if not counts then return nil, err end
    local out = scratch:read("out.jsonl")
    assert.equal(PLAIN, out:sub(1, #PLAIN))
    return out:sub(#PLAIN + 1), scratch:read("quarantine.jsonl") or "", counts
  end

  --- Compares one by one with all in a file; those at which a redaction stops are files of their own.
  local function compare(loaded, records, options)
    local lines, out, quarantine, stopped = {}, {}, {}, 0
    local seen = { kept = 1, changed = 0, dropped = 0, quarantined = 0 }
    for _, record in ipairs(records) do
      local array = record:find "^%s*%["
      local left, why = loaded:redact(record, options)
      local judged = assert(loaded:judge(record, options))
      if left == nil and why.kind then
        assert.equal("stopped", judged.action)
        assert.equal(why.message, judged.problem.message)
        local none, err = redact_file(loaded, record .. "\n", options)
        assert.is_nil(none)
        assert.same({ why.kind, (why.message:gsub("^record, line 1, byte %d+", "")) },
          { err.kind, (err.message:gsub("^.-, line 2, byte %d+", "")) })
        stopped = stopped + 1
      else
        lines[#lines + 1] = record .. "\n"
        if not array then
          seen[judged.action] = seen[judged.action] + 1
          if not left then
            assert.equal(why.action, judged.action)
          else
            assert.equal(judged.action, left == record and "kept" or "changed")
          end
          if why and why.action == "quarantined" then quarantine[#quarantine + 1] = why.quarantine end
        end
        if left then out[#out + 1] = left .. "\n" end
      end
    end
    local left, aside, counts = redact_file(loaded, table.concat(lines), options)
    assert(left, aside)
    assert.equal(left, table.concat(out))
    return aside, table.concat(quarantine), counts, seen, stopped
  end

  local function load(by_type)
    return assert(dataset.verdicts {
      tweets = scratch:write("generated.tweets", generate.results(by_type.tweets)),
      users = scratch:write("generated.users", generate.results(by_type.users)),
    })
  end

  local function random_options(generator, seed)
    local policy = {}
    for _, reason in ipairs(REASONS) do
      policy[reason] = generator:pick { "remove", "remove", "quarantine", "keep" }
    end
    if generator:chance(20) then policy.scrub_geo = "keep" end
    policy.rehydrate = generator:pick { false, "keep", "scrub_geo", "quarantine", "remove" } or nil
    return {
      policy = policy, strict = seed % 2 == 0, on_malformed = "quarantine",
      on_unknown = ({ "stop", "remove", "quarantine" })[seed % 3 + 1],
      on_unrecognised = ({ "keep", "remove", "quarantine", "stop" })[seed % 4 + 1],
    }
  end

  it("becomes what it becomes in a file, whatever its shape, under any policy", function()
    local stopped = 0
    for seed = 1, 12 do
      local generator = generate.new(seed + 100)
      local records = {}
      for i = 1, 120 do
        local record = i % 10 == 0 and generator:unrecognised() or generator:record()
        if not record:find "^%s*%[" then records[#records + 1] = record end
      end
      local loaded = load(generator:verdicts(generator:pick { 5, 20, 60 }, seed % 3 == 0))
      local aside, quarantine, counts, seen, stops =
        compare(loaded, records, random_options(generator, seed))
      assert.equal(aside, quarantine)
      assert.same(seen, {
        kept = counts.kept, changed = counts.changed, dropped = counts.dropped,
        quarantined = counts.quarantined,
      })
      stopped = stopped + stops
      loaded:close()
    end
    assert.is_true(stopped > 10)
  end)

  it("may be an array of records", function()
    for seed = 1, 4 do
      local generator = generate.new(seed + 200)
      local records = {}
      for i = 1, 40 do records[i] = "[" .. generator:record() .. ", " .. generator:record() .. "]" end
      local loaded = load(generator:verdicts(40))
      compare(loaded, records, { on_unrecognised = "keep" })
      loaded:close()
    end
  end)

  it("that is torn or altered becomes what it becomes in a file", function()
    local generator = generate.new(300)
    local records = {}
    for i = 1, 400 do
      local record = generator:record()
      local at = generator:upto(#record)
      if i % 2 == 0 then
        record = record:sub(1, at)
      else
        local byte = generator:pick { '"', "{", "}", "[", "]", ",", ":", "\\", "0", "\0", "\255", " " }
        record = record:sub(1, at - 1) .. byte .. record:sub(at + 1)
      end
      if not record:find "^%s*%[" and record:find "%S" then records[#records + 1] = record end
    end
    local loaded = load(generator:verdicts(60))
    for _, on_unrecognised in ipairs { "keep", "quarantine" } do
      local aside, quarantine = compare(loaded, records, {
        on_malformed = "quarantine", on_unrecognised = on_unrecognised, strict = true,
      })
      assert.equal(aside, quarantine)
    end
    compare(loaded, records, {})
    loaded:close()
  end)

  it("may stand over several lines", function()
    local record = '{\n  "id": "19",\n  "text": "a",\n  "geo": {}\n}\n'
    assert.equal('{\n  "id": "19",\n  "text": "a"\n  \n}\n', verdicts:redact(record))
    local all = {
      verdicts = verdicts, inputs = scratch:write("in.json", record), output = scratch:at("out.json"),
    }
    assert(dataset.redact(all))
    assert.equal(scratch:read("out.json"), verdicts:redact(record))
    assert.equal("dropped", verdicts:judge('{\n"id": "13",\n"text": "a"}').action)
    local _, err = verdicts:redact('{"id":"13","text":"a"}\n{"id":"1","text":"b"}')
    assert.equal("data", err.kind) -- two records are no record
  end)

  it("is taken for text and not for a path, and nothing is written", function()
    local _, err = verdicts:redact(scratch:at("tweets.results"))
    assert.equal("data", err.kind)
    assert.matches("^record, line 1, byte 0: ", err.message)
  end)

  -- }==================================================================

  -- {==================================================================
  -- What is said of it
  -- ===================================================================

  local function judged(record, options)
    local result = assert(verdicts:judge(record, options))
    result.problem = result.problem and result.problem.message
    return result
  end

  it("is judged: what, and why", function()
    local cause = { id = "13", type = "tweets", outcome = "delete", reason = "deleted", cause = "record" }
    local expected = { action = "dropped", class = "recognised", causes = { cause } }
    for name, value in pairs(cause) do expected[name] = value end
    assert.same(expected, judged '{"id":"13","text":"a"}')
    local _, why = verdicts:redact '{"id":"13","text":"a"}'
    expected.causes = nil
    assert.same(expected, why)
    assert.same({ action = "kept", class = "recognised", causes = {} }, judged '{"id":"1","text":"13 a"}')
  end)

  it("is judged by the gravest of its causes, and all are listed", function()
    local result = judged '{"id":"19","text":"a","geo":{},"quoted_status":{"id":13,"text":"b"},"user":{"id":27}}'
    assert.equal("dropped", result.action)
    local causes = {}
    for i, cause in ipairs(result.causes) do
      causes[i] = table.concat({ cause.cause, cause.type, cause.id, cause.outcome, cause.reason }, " ")
    end
    table.sort(causes)
    assert.same({
      "author users 27 delete protected", "quoted tweets 13 delete deleted",
      "record tweets 19 scrub_geo scrub_geo",
    }, causes)
    assert.equal("delete", result.outcome)
  end)

  it("says where the id stands", function()
    for place, record in pairs {
      ["author"] = '{"id":"1","text":"a","author_id":"23"}',
      ["retweeted"] = '{"id":"1","text":"a","retweeted_status":{"id":"13","text":"b"}}',
      ["retweeted author"] = '{"id":"1","text":"a","retweeted_status":{"id":"3","text":"b","author_id":"23"}}',
      ["referenced"] = '{"id":"1","text":"a","referenced_tweets":[{"type":"retweeted","id":"13"}]}',
      ["edit_history"] = '{"id":"1","text":"a","edit_history_tweet_ids":["13","1"]}',
      ["data"] = '{"data":{"id":"13","text":"a"}}',
      ["item"] = '{"data":[{"id":"13","text":"a"}]}',
    } do
      local result = judged(record)
      assert.same({ "dropped", place }, { result.action, result.cause })
    end
    for place, record in pairs {
      ["included"] = '{"data":{"id":"1","text":"a"},"includes":{"tweets":[{"id":"13","text":"b"}]}}',
      ["mentioned"] = '{"id":"1","text":"a","entities":{"mentions":[{"id":"23","username":"b"}]}}',
      ["posted"] = '{"id":"1","username":"a","status":{"id":"13","text":"b"}}',
    } do
      local result = judged(record)
      assert.same({ "changed", place }, { result.action, result.cause })
    end
  end)

  it("is named for what it is, also if the filter finds nothing in it", function()
    local function is(action, class, problem, record, options)
      local result = judged(record, options)
      assert.same({ action, class }, { result.action, result.class }, record)
      if problem then assert.matches(problem, result.problem, 1, true)
      else assert.is_nil(result.problem) end
    end
    is("kept", "notice", nil, '{"delete":{"status":{"id":1,"user_id":3}}}')
    is("kept", "unrecognised", "no tweet and no user", '{"some":"thing"}')
    is("kept", "malformed", "line 1, byte", '{"some":thing}')
    is("stopped", "unrecognised", "on_unrecognised", '{"some":"thing"}', { strict = true })
    is("stopped", "malformed", "line 1, byte", '{"some":thing}', { strict = true })
    is("stopped", "malformed", "line 1, byte", '{"id":"13","text":')
    is("stopped", "malformed", "line 1, byte", "no JSON")
    is("dropped", "malformed", "line 1, byte", '{"id":"13","text":}', { on_malformed = "remove" })
    is("stopped", "recognised", "tweet 41", '{"id":"41","text":"a"}')
    is("dropped", "recognised", nil, '{"id":"41","text":"a"}', { on_unknown = "remove" })
    is("quarantined", "recognised", nil, '{"id":"17","text":"a"}', { policy = { suspended = "quarantine" } })
    is("quarantined", "unrecognised", "no tweet and no user", '{"some":"thing"}', { on_unrecognised = "quarantine" })
    is("stopped", "unrecognised", "13", '{"id":"1","text":"a","analysis":{"tweet_id":"13"}}')
    is("kept", "unrecognised", nil, '{"some":"thing","n":13}', { on_unrecognised = "keep" })
    is("kept", "empty", nil, " \n")
    is("kept", "empty", nil, "")
    assert.equal('{"id":"17","text":"a"}\n',
      judged('{"id":"17","text":"a"}', { policy = { suspended = "quarantine" } }).quarantine)
  end)

  it("is understood by further shapes", function()
    local shape = scratch:write("more.shape", "tweet tid id 3\ntweet tid mark\n")
    local record = '{"tid":"13"}'
    local left, err = verdicts:redact(record, { shape = scratch:at("none.shape") })
    assert.is_nil(left)
    assert.equal("io", err.kind)
    assert.equal("unrecognised", verdicts:judge(record).class)
    local result = verdicts:judge(record, { shape = shape })
    assert.same({ "dropped", "recognised", "13" }, { result.action, result.class, result.id })
  end)

  -- }==================================================================

  -- {==================================================================
  -- Records in tables
  -- ===================================================================

  local function same(one, other)
    if type(one) ~= "table" or type(other) ~= "table" then return one == other end
    for name, value in pairs(one) do
      if not same(value, other[name]) then return false end
    end
    for name in pairs(other) do
      if one[name] == nil then return false end
    end
    return true
  end

  it("in a table becomes what its text becomes", function()
    local seen = { kept = 0, changed = 0, dropped = 0 }
    local options = { on_unrecognised = "keep", policy = { rehydrate = "scrub_geo" } }
    for seed = 1, 4 do
      local generator = generate.new(seed + 400)
      local loaded = load(generator:verdicts(40))
      for _ = 1, 150 do
        local text = generator:record()
        if not text:find "[%d]%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d[%s,}%]]" then -- ids are strings
          local decoded = cjson.decode(text)
          local left, why = loaded:redact(decoded, options)
          local left_text, why_text = loaded:redact(text, options)
          if left_text == text then
            assert.is_true(rawequal(left, decoded))
            seen.kept = seen.kept + 1
          elseif left_text then
            assert.is_true(same(cjson.decode(left_text), left), text)
            seen.changed = seen.changed + 1
          else
            assert.is_nil(left)
            assert.equal(why_text.action, why.action)
            seen.dropped = seen.dropped + 1
          end
        end
      end
      loaded:close()
    end
    for what, count in pairs(seen) do assert.is_true(count > 10, what) end
  end)

  it("in a table keeps its ids, numbers, nulls and texts", function()
    local before = {
      id = "19", geo = { type = "Point" }, author_id = "1238024261100000015", text = 'a"\\\n\0\127é',
      numbers = { 0, -1, 2 ^ 53, 0.1, 52.123456789012345, 1e-300, -2.5e100 * 0 + 3 },
      flag = true, none = cjson.null,
    }
    local expected = {}
    for name, value in pairs(before) do expected[name] = value end
    expected.geo = nil
    local left = assert(verdicts:redact(before))
    assert.is_true(same(expected, left))
    assert.is_not_nil(before.geo) -- which stays as it was
    assert.equal("dropped", verdicts:judge({ id = "1238024261100000013", text = "a" }).action)
  end)

  it("in a table quarantines a table", function()
    local left, why = verdicts:redact({ id = "17", text = "a" }, { policy = { suspended = "quarantine" } })
    assert.is_nil(left)
    assert.same({ id = "17", text = "a" }, why.quarantine)
  end)

  it("in a table is refused if a number may be rounded, or it is not JSON", function()
    local cyclic = { id = "1" }
    cyclic.text = cyclic
    for problem, record in pairs {
      ["9007199254740994 is above 2^53"] = { id = 2 ^ 53 + 2, text = "a" },
      ["-9007199254740994 is above 2^53"] = { id = "1", n = -2 ^ 53 - 2 },
      ["inf is above 2^53"] = { id = "1", n = math.huge },
      ["JSON has no NaN"] = { id = "1", n = 0 / 0 },
      ["JSON has no function"] = { id = "1", text = print },
      ["deeper than 100 tables"] = cyclic,
      ["an array also has members"] = { { id = "1" }, id = "13" },
      ["the name of a member is a number"] = { id = "1", text = { [3] = "x" } },
    } do
      for _, method in ipairs { "redact", "judge" } do
        local left, err = verdicts[method](verdicts, record)
        assert.is_nil(left)
        assert.equal("data", err.kind)
        assert.matches(problem, err.message, 1, true)
      end
    end
  end)

  -- }==================================================================

  -- {==================================================================
  -- Misuse, reuse, memory
  -- ===================================================================

  it("raises misuse, and names the function", function()
    for _, method in ipairs { "redact", "judge" } do
      local function raises(message, ...)
        local good, err = pcall(verdicts[method], verdicts, ...)
        assert.is_false(good)
        assert.equal("usage", err.kind)
        assert.matches("verdicts:" .. method .. ": " .. message, err.message, 1, true)
      end
      raises("a record is a string or a table, not a nil", nil)
      raises("a record is a string or a table, not a number", 13)
      raises("there is no option 'inputs'", "{}", { inputs = "x" })
      raises("options must be a table", "{}", "strict")
      raises("on_unknown must be one of", "{}", { on_unknown = "keep" })
      raises("there is no reason 'gone'", "{}", { policy = { gone = "remove" } })
    end
  end)

  it("is judged by the options of each call, however many there are", function()
    local record = '{"id":"13","text":"a","quoted_status":{"id":17,"text":"b"}}'
    local policies = {}
    for _, deleted in ipairs { "remove", "quarantine", "keep" } do
      for _, suspended in ipairs { "remove", "quarantine", "keep" } do
        policies[#policies + 1] = { deleted = deleted, suspended = suspended }
      end
    end
    local first = {}
    for round = 1, 3 do
      for i = 1, #policies do
        local policy = policies[round % 2 == 0 and i or #policies + 1 - i]
        local key = policy.deleted .. policy.suspended
        local result = judged(record, { policy = policy })
        first[key] = first[key] or result
        assert.same(first[key], result)
      end
    end
    assert.equal("dropped", first.removeremove.action)
    assert.equal("quarantined", first.quarantineremove.action)
    assert.equal('{"id":"13","text":"a"}\n', first.quarantineremove.quarantine)
    assert.equal("changed", first.keepremove.action)
    assert.equal("kept", first.keepkeep.action)
    assert.equal("dropped", verdicts:judge(record).action)
    local changing = { policy = { deleted = "keep", suspended = "keep" } }
    assert.equal(record, verdicts:redact(record, changing))
    changing.policy.deleted = "remove" -- the same tables, changed
    assert.equal("dropped", judged(record, changing).action)
  end)

  it("is not mixed up with those before it, long ones too", function()
    local long = '{"id":"19","geo":{},"text":"' .. ("x"):rep(3 * 2 ^ 20) .. '"}'
    local left = long:gsub('"geo":{},', "")
    for _ = 1, 3 do
      assert.is_true(left == verdicts:redact(long))
      assert.equal('{"id":"19","text":"a"}', verdicts:redact '{"id":"19","text":"a","geo":{}}')
      assert.is_nil((verdicts:redact '{"id":"13","text":"a"'))
      assert.equal('{"id":"1","text":"a"}', verdicts:redact '{"id":"1","text":"a"}')
    end
    local deep = ("["):rep(100000)
    assert.equal("data", select(2, verdicts:redact(deep)).kind)
    local many = '{"data":[' .. ('{"id":"13","text":"a"},'):rep(50000) .. '{"id":"1","text":"b"}]}'
    assert.equal('{"data":[{"id":"1","text":"b"}]}', verdicts:redact(many))
  end)

  local function resident()
    local file = assert(io.open "/proc/self/statm")
    local pages = file:read("*a"):match "^%d+ (%d+)"
    file:close()
    return tonumber(pages) * 4096
  end

  it("takes no memory that is not given back", function()
    local options = { policy = { suspended = "quarantine" }, strict = true }
    local function work(rounds)
      for round = 1, rounds do
        verdicts:redact '{"id":"17","text":"a"}'
        verdicts:redact('{"id":"17","text":"a"}', options)
        verdicts:redact '{"id":"19","text":"a","geo":{}}'
        verdicts:judge('{"id":"13"', options)
        verdicts:redact { id = "19", text = "a", geo = {} }
        if round % 500 == 0 then collectgarbage() end -- so that garbage does not hide what is lost
      end
      collectgarbage()
    end
    local is_sanitized = os.getenv "ASAN_OPTIONS" -- which keeps what is freed, and finds leaks itself
    work(is_sanitized and 100 or 5000)
    local before, lua_before = resident(), collectgarbage "count"
    work(is_sanitized and 100 or 10000)
    if not is_sanitized then assert.is_true(resident() - before < 2 ^ 22) end
    assert.is_true(collectgarbage "count" - lua_before < 256)
  end)

  it("needs open verdicts, which the collector may take meanwhile", function()
    for _ = 1, 50 do
      local loaded = load { tweets = { ["13"] = { { outcome = "delete", reason = "deleted" } } }, users = {} }
      assert.equal("dropped", loaded:judge('{"id":"13","text":"a"}').action)
      collectgarbage()
    end
    local loaded = load { tweets = { ["13"] = { { outcome = "delete", reason = "deleted" } } }, users = {} }
    loaded:redact '{"id":"13","text":"a"}'
    loaded:close()
    loaded:close()
    local good, err = pcall(loaded.redact, loaded, "{}")
    assert.is_false(good)
    assert.equal("usage", err.kind)
  end)

  -- }==================================================================
end)
