-- Records that come back from the quarantine: which, where to, byte for byte, and once.

local command = require "spec.support.command"
local journals = require "xcompliance.journal"
local scratches = require "spec.support.scratch"
local simulator = require "spec.support.simulator"
local xcompliance = require "xcompliance"

local lua = require "spec.support.interpreter"

local function row(id, reason)
  return ('{"id":"%s","action":"delete","reason":"%s"}'):format(id, reason or "suspended")
end

describe("restoring", function()
  local scratch

  before_each(function()
    scratch = scratches.new()
    scratch:shell("mkdir ds ds/more")
  end)
  after_each(function() scratch:remove() end)

  local function gz(name, text)
    scratch:write("plain", text)
    scratch:shell("gzip -c plain >%s", name)
  end

  local A = '{"id":"13","author_id":"7","text":"a"}\n'
  local B = '{"id":"14","author_id":"8","text":"b \\u00e9"}\n'
  local C = '{"id": "15",  "author_id":"7","text":"c"}'

  --- A sync in place for which X says certain things of certain tweets.
  local function sync(tweets, options)
    local sim = simulator.start { jobs_take = 0, rate_limit = 100000, shares = {},
      verdicts = tweets }
    local client = xcompliance.client { base_url = sim.url, bearer_token = "t" }
    local all = { inputs = { scratch:at("ds") }, in_place = true,
      poll = { min = 0.01, max = 0.05 } }
    for name, value in pairs(options) do all[name] = value end
    assert(client:sync(all))
    client:close()
    sim:stop()
  end

  local function quarantined(...)
    sync({ ... }, { quarantine = scratch:at("kept"), policy = { suspended = "quarantine" } })
  end

  local function restore(expected)
    local status, out, err = command.run_in(scratch, "restore @ds/.xcompliance")
    assert.equal(expected or 0, status, err)
    return out, err
  end

  local function unpacked(name) return scratch:shell("gzip -dc %s", name) end

  it("knows of users too if there are no tweets", function()
    local one = '{"id":"7","username":"a","name":"A"}\n'
    local other = '{"id":"8","username":"b","name":"B"}\n'
    scratch:write("ds/a.jsonl", one .. other)
    quarantined(row "7", row "8")
    quarantined(row "8")
    assert.matches("^1 record restored to 1 file\n$", restore())
    assert.equal(one, scratch:read "ds/a.jsonl")
  end)

  it("puts back what is condemned no more, where it came from, and leaves the rest", function()
    scratch:write("ds/a.jsonl", A .. B .. C)
    scratch:write("ds/more/r.csv", 'id,text\n13,"x\ny"\n15,y\n16,z')
    gz("ds/b.jsonl.gz", A .. B .. C)
    scratch:write("ds/untouched.jsonl", B)
    quarantined(row "13", row "15")
    assert.equal(B, scratch:read "ds/a.jsonl")
    quarantined(row "15")
    assert.matches("^3 records restored to 3 files\n$", restore())
    assert.equal(B .. A, scratch:read "ds/a.jsonl")
    assert.equal('id,text\n16,z\n13,"x\ny"\n', scratch:read "ds/more/r.csv")
    assert.equal(B .. A, unpacked "ds/b.jsonl.gz")
    assert.equal(B, scratch:read "ds/untouched.jsonl")
    local left = scratch:shell "cat kept/*/a.jsonl; gzip -dc kept/*/b.jsonl.gz; cat kept/*/more/*"
    assert.equal(C .. "\n" .. C .. "\nid,text\n15,y\n", left)
    assert.matches("^0 records restored", restore())
    quarantined()
    assert.matches("^3 records restored to 3 files\n$", restore())
    assert.equal(B .. A .. C .. "\n", scratch:read "ds/a.jsonl")
    assert.equal("", scratch:shell("find kept -type f"))
    assert.is_nil(scratch:shell("ls -A ds/.xcompliance"):find("restore", 1, true))
  end)

  it("leaves out what is still to be removed", function()
    scratch:write("ds/a.jsonl", '{"data":[{"id":"15","author_id":"8","text":"c"},{"id":"13",'
      .. '"author_id":"7","text":"a"}]}\n' .. B)
    quarantined(row "13", row "15")
    assert.equal(B, scratch:read "ds/a.jsonl")
    quarantined(row("15", "deleted"))
    restore()
    -- a tweet that was deleted takes nothing back with it
    assert.equal(B, (scratch:read("ds/a.jsonl"):sub(1, #B)))
    assert.is_nil(scratch:read("ds/a.jsonl"):find('"15"', 1, true))
  end)

  it("scrubs what it restores, and says of how many", function()
    scratch:write("ds/a.jsonl",
      '{"id":"13","author_id":"7","text":"a","geo":{"place_id":"p"}}\n' .. B .. C)
    quarantined(row "13", row "15")
    quarantined('{"id":"13","action":"scrub_geo"}')
    assert.equal("2 records restored to 1 file, 1 of them without what is still to be removed\n",
      (restore()))
    assert.equal(B .. A .. C .. "\n", scratch:read "ds/a.jsonl")
  end)

  it("refuses what it cannot do, and loses nothing", function()
    scratch:write("ds/a.json", "[" .. A:gsub("\n", ",") .. B .. "]\n")
    quarantined(row "13")
    quarantined()
    local before = scratch:shell("cat ds/a.json kept/*/*")
    local _, err = restore(65)
    assert.matches("a.json is one array, so records cannot be added to its end", err, 1, true)
    assert.equal(before, scratch:shell("cat ds/a.json kept/*/*"))
    scratch:shell("mv ds/a.json elsewhere; rm -r ds/.xcompliance")
    scratch:write("ds/other.jsonl", B)
    quarantined()
    _, err = restore(65)
    assert.matches("the dataset has no file that it can be of", err, 1, true)
  end)

  it("is of a sync in place with a quarantine, that has ended", function()
    scratch:write("ds/a.jsonl", A .. B)
    sync({ row("13", "deleted") }, {})
    local _, err = restore(64)
    assert.matches("had no --quarantine", err, 1, true)
    scratch:write("ds/.xcompliance/sync.journal", "")
    _, err = restore(75)
    assert.matches("a sync has not ended", err)
    assert.equal(74, (command.run_in(scratch, "restore @nowhere")))
    local report = scratch:read("ds/.xcompliance/report.json")
    scratch:shell("rm ds/.xcompliance/sync.journal")
    report = report:gsub('"in_place":true', '"in_place":false')
    scratch:write("ds/.xcompliance/report.json", report)
    _, err = restore(64)
    assert.matches("reads the original", err)
  end)

  it("needs the results of the sync", function()
    scratch:write("ds/a.jsonl", A .. B)
    quarantined(row "13")
    quarantined()
    scratch:shell("rm ds/.xcompliance/tweets.results.jsonl")
    restore(74)
    assert.equal(A, scratch:shell("cat kept/*/a.jsonl"))
  end)

  it("is completed by the same command after kills, and restores nothing twice", function()
    local records, others = {}, {}
    for i = 1, 300 do
      records[i] = ('{"id":"%d","author_id":"7","text":"a"}\n'):format(1000 + i)
      others[i] = ('{"id":"%d","author_id":"8","text":"b"}\n'):format(5000 + i)
    end
    local rows = {}
    for i = 1, 300 do rows[i] = row(tostring(1000 + i)) end
    for i = 1, 6 do
      scratch:write(("ds/%d.jsonl"):format(i), table.concat(records) .. table.concat(others))
    end
    quarantined((table.unpack or unpack)(rows)) -- luacheck: ignore
    local still = {}
    for i = 1, 300, 3 do still[#still + 1] = rows[i] end
    quarantined((table.unpack or unpack)(still)) -- luacheck: ignore
    local root = simulator.shell("pwd")
    for kill = 1, 25 do
      scratch:shell("timeout -s KILL %s %s %s/bin/xcompliance restore ds/.xcompliance -q"
        .. " 2>/dev/null || true", ("%.3f"):format(0.02 + kill * 0.003), lua, root)
    end
    restore()
    local back, stay = {}, {}
    for i = 1, 300 do
      if i % 3 == 1 then stay[#stay + 1] = records[i] else back[#back + 1] = records[i] end
    end
    for i = 1, 6 do
      assert.equal(table.concat(others) .. table.concat(back),
        scratch:read(("ds/%d.jsonl"):format(i)))
      assert.equal(table.concat(stay), scratch:shell("cat kept/*/%d.jsonl", i))
    end
  end)

  it("does not take a file that others have changed for one that it has replaced", function()
    scratch:write("ds/a.jsonl", A .. B)
    quarantined(row "13")
    quarantined()
    local journal = journals.open(scratch:at("ds/.xcompliance/restore.journal"))
    local path = scratch:shell("ls %s/kept/*/a.jsonl", scratch.path):gsub("%s+$", "")
    assert(journal:record { put = path, before = "of another file" })
    journal:close()
    local _, err = restore(65)
    assert.matches("was changed after an interrupted run", err)
    assert.equal(A, scratch:shell("cat kept/*/a.jsonl"))
  end)
end)
