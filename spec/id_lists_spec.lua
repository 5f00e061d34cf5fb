-- dataset.difference and dataset.merge, beside sort and comm.

local dataset = require "xcompliance.dataset"
local scratches = require "spec.support.scratch"

describe("lists of ids", function()
  local scratch

  before_each(function() scratch = scratches.new() end)
  after_each(function() scratch:remove() end)

  --- A list of random ids below `most`, some of them twice.
  local function list(name, count, most)
    scratch:shell("awk -v n=%d -v most=%d -v seed=%d 'BEGIN { srand(seed); for (i = 0; i < n; i++)"
      .. " printf \"%%d\\n\", 1 + int(rand() * most) }' > %s", count, most, #name, name)
    return scratch:at(name)
  end

  local function expect(expected, got)
    scratch:shell("%s | LC_ALL=C sort -n > expected", expected)
    assert.equal("", scratch:shell("cmp expected %s", got))
  end

  local DIFFERENCE = "LC_ALL=C sort -u a bb > from; LC_ALL=C sort -u ccc > without;"
    .. " LC_ALL=C comm -23 from without"

  it("are subtracted as comm does it", function()
    for _, count in ipairs { 0, 1, 100, 50000 } do
      local most = count * 2 + 1
      local from = { list("a", count, most), list("bb", count, most) }
      local counts = assert(dataset.difference {
        from = from, without = list("ccc", count, most), output = scratch:at("out"),
      })
      expect(DIFFERENCE, "out")
      assert.same({ 2 * count, count }, { counts.from, counts.without })
      assert.equal(tostring(counts.ids), (scratch:shell("wc -l < out"):gsub("%s", "")))
    end
  end)

  it("may be larger than memory, and packed", function()
    local from = { list("a", 1500000, 2 ^ 40), list("bb", 1500000, 2 ^ 40) }
    scratch:shell("head -n 1000000 a > ccc; tail -n 800000 bb >> ccc; gzip -k ccc")
    assert(dataset.difference {
      from = from, without = scratch:at("ccc.gz"), output = scratch:at("out"), memory = 16 * 2 ^ 20,
    })
    expect(DIFFERENCE, "out")
    assert.equal("", scratch:shell("ls -A | grep part || true"))
  end)

  it("are merged as sort does it", function()
    local inputs = { list("a", 20000, 30000), list("bb", 20000, 30000) }
    local counts = assert(dataset.merge { inputs = inputs, output = scratch:at("out") })
    expect("LC_ALL=C sort -u a bb", "out")
    assert.equal(40000, counts.ids_seen)
  end)

  it("that are wrong leave no output", function()
    local good, bad = scratch:write("good", "1\n2\n"), scratch:write("bad", "1\nx\n")
    for _, options in ipairs {
      { from = good, without = bad }, { from = bad, without = good },
      { from = good, without = scratch:at("none") },
    } do
      options.output = scratch:at("out")
      local counts, err = dataset.difference(options)
      assert.is_nil(counts)
      assert.is_true(err.kind == "data" and err.line == 2 or err.kind == "io")
      assert.is_nil(scratch:read("out"))
    end
    local counts, err = dataset.difference { from = good, without = bad, output = good }
    assert.is_nil(counts)
    assert.equal("usage", err.kind)
    assert.equal("bad\ngood\n", scratch:shell("ls -A"))
  end)

  it("need what they need", function()
    for _, options in ipairs {
      {}, { from = "a", without = "b" }, { from = {}, without = "b", output = "c" },
      { from = "a", without = "b", output = "c", memory = 1 },
    } do
      local ok, err = pcall(dataset.difference, options)
      assert.is_false(ok)
      assert.matches("dataset.difference: ", tostring(err), 1, true)
    end
  end)
end)
