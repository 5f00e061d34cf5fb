-- Iterators over ids, rows of results and verdicts; checks of ids in memory, and their verdicts.

local benches = require "spec.support.bench"
local dataset = require "xcompliance.dataset"
local errors = require "xcompliance.errors"
local lines = require "xcompliance.lines"
local scratches = require "spec.support.scratch"
local shell = require("spec.support.simulator").shell

local POLL = { min = 0.02, max = 0.05 }

describe("an iterator", function()
  local scratch
  local temporary_path = lines.temporary_path

  before_each(function()
    scratch = scratches.new()
    function lines.temporary_path() return scratch:at("temporary") end
  end)
  after_each(function()
    lines.temporary_path = temporary_path
    assert.is_nil(scratch:read("temporary")) -- it has no name any more
    scratch:remove()
  end)

  it("over ids has what extraction writes", function()
    local records = {}
    for i = 1, 3000 do
      records[i] = ('{"id":"%d","author_id":"%d","text":""}\n'):format(i * 7, i)
    end
    local inputs = scratch:write("in.jsonl", table.concat(records))
    for _, type in ipairs { "tweets", "users" } do
      local counts = assert(dataset.extract { type = type, inputs = inputs,
        output = scratch:at(type) })
      local ids = {}
      local iterator = assert(dataset.ids { type = type, inputs = inputs })
      for id in iterator do ids[#ids + 1] = id end
      assert.equal(scratch:read(type), table.concat(ids, "\n") .. "\n")
      assert.equal(counts.ids, iterator.counts.ids)
      assert.is_nil(iterator())
    end
  end)

  it("over ids returns what is wrong with a dataset, and refuses an output", function()
    local iterator, err = dataset.ids { type = "tweets", inputs = scratch:write("in.jsonl", "{") }
    assert.is_nil(iterator)
    assert.equal("data", err.kind)
    for _, option in ipairs { "output", "ids_per_file" } do
      local ok, failure = pcall(dataset.ids, { type = "tweets", inputs = "x", [option] = "1" })
      assert.is_false(ok)
      assert.matches("dataset.ids: there is no option '" .. option, tostring(failure), 1, true)
    end
  end)

  it("over verdicts has what each id has", function()
    local rows = {}
    for i = 1, 500 do
      rows[i] = ('{"id":"%d","action":"%s","reason":"%s"%s}\n'):format(i * 3,
        i % 5 == 0 and "scrub_geo" or "delete", i % 5 == 0 and "scrub_geo" or "suspended",
        i % 2 == 0 and ',"redacted_at":"2021-08-17T17:26:15.788Z"' or "")
    end
    local verdicts = assert(dataset.verdicts {
      tweets = scratch:write("rows", table.concat(rows)), users = scratch:write("none", ""),
    })
    local last, count = 0, 0
    for id, verdict in assert(verdicts:each "tweets") do
      assert.same(verdicts:tweet(id), verdict)
      assert.is_true(tonumber(id) > last)
      last, count = tonumber(id), count + 1
    end
    assert.equal(500, count)
    for _ in assert(verdicts:each "users") do error "no user has a verdict" end
    verdicts:close()
  end)

  it("over results has every row, and stops at what is not a row", function()
    local path = scratch:write("rows", '\239\187\191{"id":"1","action":"delete"}\n\n'
      .. '{"error":{"title":"x"}}\r\n{"id":"2","action":"scrub_geo","reason":"scrub_geo"}')
    local ids = {}
    for row in assert(dataset.results(path)) do ids[#ids + 1] = row.id or row.error.title end
    assert.same({ "1", "x", "2" }, ids)
    for text, line in pairs {
      ['{"id":"1"}\n<html>\n'] = 2, ['{"id":"1"}\n{"id":\n'] = 2, ["[]\n"] = 1, ['"1"\n'] = 1,
      ["\31\139\8\0"] = 1, [("x"):rep(1024 * 1024 + 1)] = 1,
    } do
      local iterator = assert(dataset.results(scratch:write("bad", text)))
      local ok, err = pcall(function()
        for _ in iterator do end -- luacheck: ignore 542
      end)
      assert.is_false(ok)
      assert.is_true(errors.is(err))
      assert.same({ "data", line }, { err.kind, err.line })
      assert.is_nil(iterator())
    end
    local iterator, err = dataset.results(scratch:at("nothing"))
    assert.is_nil(iterator)
    assert.equal("io", err.kind)
  end)

  it("has lines of every length, whatever is read at once", function()
    local block = 64 * 1024
    for _, length in ipairs { block - 1, block, block + 1, 2 * block - 1, 1024 * 1024 } do
      local row = ('{"id":"%d","x":"'):format(length)
      row = row .. ("x"):rep(length - #row - 2) .. '"}'
      local ids = {}
      for _, text in ipairs { row .. "\n", row, ("\n"):rep(block - 1) .. row } do
        for each in assert(dataset.results(scratch:write("rows", text))) do
          ids[#ids + 1] = each.id
        end
      end
      assert.same({ tostring(length), tostring(length), tostring(length) }, ids)
    end
  end)

  it("raises what cannot be read: a folder is not an empty file", function()
    local iterator = assert(dataset.results(scratch:at "."))
    local ok, err = pcall(iterator)
    assert.is_false(ok)
    assert.equal("io", err.kind)
    assert.matches("cannot be read", tostring(err), 1, true)
    assert.is_nil(iterator())
  end)

  it("over verdicts stops at what is not a verdict", function()
    local verdicts = assert(dataset.verdicts {
      tweets = scratch:write("rows", '{"id":"1","action":"delete","reason":"deleted"}\n'),
    })
    local open = lines.open_temporary
    function lines.open_temporary(path, take) -- as after a disk that became full
      scratch:write("temporary", "id,outcome,reason,redacted_at\n1,dele")
      return open(path, take)
    end
    local iterator = assert(verdicts:each "tweets")
    lines.open_temporary = open
    local ok, err = pcall(iterator)
    assert.is_false(ok)
    assert.same({ "data", 2 }, { err.kind, err.line })
  end)

  it("can be closed before its end, and then has no more", function()
    local iterator = assert(dataset.results(scratch:write("rows", '{"id":"1"}\n{"id":"2"}\n')))
    assert.equal("1", iterator().id)
    assert.matches("^xcompliance.iterator: line 1 of ", tostring(iterator))
    iterator:close()
    iterator:close()
    assert.is_nil(iterator())
  end)
end)

describe("a check of ids in memory", function()
  local bench, client

  before_each(function()
    bench = benches.start()
    client = bench:client()
  end)
  after_each(function() bench:stop() end)

  local function check(ids, options)
    local all = { type = "tweets", ids = ids, results = bench.folder .. "/results", poll = POLL }
    for name, value in pairs(options or {}) do all[name] = value end
    return client:check(all)
  end

  local function array(count)
    local ids = {}
    for i = 1, count do ids[i] = ("12653244805173%05d"):format(i) end
    return ids
  end

  it("takes an array, a function, and an iterator of a dataset", function()
    local ids, at = array(2000), 0
    assert.equal(2000, assert(check(ids)).ids)
    assert.equal(2000, assert(check(function()
      at = at + 1
      return ids[at]
    end)).ids)
    local list = bench:path("list")
    benches.write(list, table.concat(ids, "\n") .. "\n")
    assert.equal(2000, assert(check(assert(dataset.ids { type = "tweets", inputs = list }))).ids)
    assert.equal("results", shell("ls -A " .. bench.folder .. " | grep results"))
  end)

  it("is resumed by the same ids, and by no others", function()
    bench:arm("get:401x*")
    local _, err = check(array(100))
    assert.equal("auth", err.kind)
    bench.sim:disarm()
    _, err = check(array(99))
    assert.equal("usage", err.kind)
    local outcome = assert(check(array(100)))
    assert.is_true(outcome.resumed)
    assert.equal(1, #outcome.jobs)
  end)

  it("refuses what is not an id, before anything is sent", function()
    for _, wrong in ipairs { "x", "", "1.5", ("1"):rep(20), 1.5, -1, 2 ^ 60, {}, true } do
      local ok, err = pcall(check, { "1", wrong })
      assert.is_false(ok)
      assert.equal("usage", err.kind)
      assert.matches("check: ids: number 2 must be an id", err.message)
    end
    assert.same({}, bench:log())
    assert.equal("", shell("ls -A " .. bench.folder))
  end)

  it("passes on what an iterator raises", function()
    local ok, err = pcall(check, function() error({ "the database is gone" }, 0) end)
    assert.is_false(ok)
    assert.equal("the database is gone", err[1])
    assert.equal("", shell("ls -A " .. bench.folder))
  end)

  it("gives the verdicts if they are wanted", function()
    local ids = array(2000)
    local outcome = assert(check(ids, { verdicts = true }))
    local gone = 0
    for _ in assert(outcome.verdicts:each "tweets") do gone = gone + 1 end
    assert.equal(outcome.ids_with_events, gone)
    assert.is_true(gone > 0)
    outcome.verdicts:close()
    assert.is_nil(assert(check(ids)).verdicts)
  end)
end)
