local differences = require "xcompliance.differences"

describe("differences between two checks", function()
  local paths, turns
  local loop = { sleep = function(seconds) turns = turns + (seconds == 0 and 1 or 0) end }

  before_each(function() paths, turns = {}, 0 end)
  after_each(function()
    for _, path in ipairs(paths) do os.remove(path) end
  end)

  local function list_of(lines)
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    for _, line in ipairs(lines) do file:write(line, "\n") end
    file:close()
    paths[#paths + 1] = path
    return path
  end

  local function list(...) return list_of { ... } end

  it("report what is newly gone and what is reinstated, by number and not by text", function()
    local found = differences.compare(
      { list("9", "10", "30", "400") }, { list("9", "11", "400", "1000") },
      { list("9", "10", "11"), list("400", "1000") }, loop)
    assert.equal(2, found.newly_gone) -- 11 and 1000
    assert.equal(1, found.reinstated) -- 10; 30 was not asked
    assert.same({ "10" }, found.reinstated_ids)
  end)

  it("find what was asked in any of the parts", function()
    local found = differences.compare({ list("1", "3", "5", "9") }, {},
      { list("1", "2"), list("3", "4"), list("6", "9") }, loop)
    assert.same({ "1", "3", "9" }, found.reinstated_ids)
  end)

  it("do not skip a part for an id that lies before it", function()
    local found = differences.compare({ list("3", "4") }, {}, { list("1", "2"), list("4", "6") },
      loop)
    assert.same({ "4" }, found.reinstated_ids)
  end)

  it("find the first id that is in no list", function()
    local parts = { list("1", "2"), list("4", "6"), list("8", "100") }
    assert.is_nil(differences.first_missing(list("1", "4", "6", "100"), parts, loop))
    assert.equal("3", differences.first_missing(list("1", "3", "4"), parts, loop))
    assert.equal("101", differences.first_missing(list("8", "101"), parts, loop))
    assert.is_nil(differences.first_missing(list(), {}, loop))
    assert.equal("1", differences.first_missing(list("1"), {}, loop))
  end)

  it("are none at the first time", function()
    local now = list("1", "2")
    local found = differences.compare({}, { now }, { now }, loop)
    assert.equal(2, found.newly_gone)
    assert.equal(0, found.reinstated)
    assert.equal(0, differences.compare({ now }, { now }, { now }, loop).newly_gone)
  end)

  --- Waits for a task, as a call does.
  local call = {
    ask = function(_, task)
      assert.is_true(task:wait(10))
      return task:result()
    end,
  }

  it("name the quarantined record, packed or not", function()
    local quarantine = list('{"id":"5","in_reply_to_status_id":7}', '{"id":"123","by":"123"}',
      '{"id":"1234","text":"0123 12300000000000000000000"}', '{"id":"7"}')
    local expected = {}
    for _, packing in ipairs { "cat", "gzip -c", "zstd -qc", "bzip2 -c", "xz -c" } do
      local packed = list()
      if os.execute(("%s %s >%s"):format(packing, quarantine, packed)) then
        expected = {
          { id = "7", file = packed, line = 1 }, { id = "123", file = packed, line = 2 },
          { id = "7", file = packed, line = 4 },
        }
        assert.same(expected, differences.locate(call, { "123", "7" }, { packed }))
      end
    end
    assert.is_true(#expected > 0)
    assert.same({}, differences.locate(call, {}, { "/nonexistent" }))
    local places, err = differences.locate(call, { "1" }, { "/nonexistent" })
    assert.is_nil(places)
    assert.equal("io", err.kind)
  end)

  it("name records on the right line, however long the file", function()
    local lines = {}
    for i = 1, 30000 do lines[i] = ('{"id":"%d","text":"%s"}'):format(i, ("x"):rep(100)) end
    local quarantine = list_of(lines)
    local found = differences.locate(call, { "29999", "3", "15000" }, { quarantine })
    assert.same({
      { id = "3", file = quarantine, line = 3 }, { id = "15000", file = quarantine, line = 15000 },
      { id = "29999", file = quarantine, line = 29999 },
    }, found)
  end)

  it("are looked for in turns with what else the loop has to do", function()
    local ids = {}
    for i = 1, 20000 do ids[i] = ("%d"):format(i) end
    local all = list_of(ids)
    assert.equal(20000, differences.compare({}, { all }, { all }, loop).newly_gone)
    assert.is_true(turns >= 4, turns)
    turns = 0
    assert.is_nil(differences.first_missing(all, { all }, loop))
    assert.is_true(turns >= 4, turns)
  end)

  it("return an error if a list cannot be read; a list that does not exist is empty", function()
    local all, folder = list("9", "10"), "/" -- which can be opened, but not read
    for _, case in ipairs { { { folder }, { all }, { all } }, { { all }, { folder }, { all } },
        { { all }, {}, { folder } } } do
      local found, err = differences.compare(case[1], case[2], case[3], loop)
      assert.is_nil(found)
      assert.equal("io", err.kind)
      assert.equal(folder, err.file)
    end
    for _, case in ipairs { { folder, { all } }, { all, { folder } } } do
      local missing, err = differences.first_missing(case[1], case[2], loop)
      assert.is_nil(missing)
      assert.equal("io", err.kind)
    end
    assert.equal(2, differences.compare({ "/nonexistent" }, { all }, { all }, loop).newly_gone)
    assert.equal("9", differences.first_missing(all, { "/nonexistent" }, loop))
  end)
end)
