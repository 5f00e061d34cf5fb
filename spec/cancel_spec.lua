-- A task that is cancelled ends within a tenth of a second, whatever it is at: reading, parsing or
-- judging one long record, sorting or merging ids, loading or saving verdicts, writing.
-- luacheck: no max line length

local core = require "xcompliance.core"
local dataset = require "xcompliance.dataset"
local scratches = require "spec.support.scratch"

local MOST = 0.1 -- seconds of the processor's time, since others may use it too
local MOMENTS = { 0, 0.02, 0.05, 0.1, 0.2, 0.4 } -- seconds after the beginning
local TRIES = 3

describe("a task that is cancelled", function()
  local scratch

  setup(function()
    scratch = scratches.new()
    -- one record of 50 MB: users with a tweet each, and tweets at one of many places
    scratch:shell([[awk 'BEGIN {
      printf "{\"data\":["
      for (i = 1; i <= 400000; i++) printf "%%s{\"id\":\"%%d\",\"username\":\"u\",\"status\":{\"id\":\"%%d\",\"text\":\"t\"}}",
        (i > 1 ? "," : ""), i, 1000000 + i
      for (i = 1; i <= 200000; i++) printf ",{\"id\":\"%%d\",\"text\":\"t\",\"geo\":{\"place_id\":\"%%d\"}}", 2000000 + i, i
      printf "],\"includes\":{\"places\":[{\"id\":\"0\"}"
      for (i = 1; i <= 200000; i++) printf ",{\"id\":\"%%d\"}", i
      print "]}}"
    }' >page.jsonl; (echo '['; cat page.jsonl; echo ']') >page.json; gzip -1 -c page.jsonl >page.jsonl.gz
    (printf '{"id":"5","text":"'; head -c 60000000 /dev/zero | tr '\0' x; echo '"}') >text.jsonl
    seq 12000000 -1 1 >ids.txt
    awk 'BEGIN { for (i = 1; i <= 1000000; i++) printf "{\"id\":\"%%d\",\"action\":\"delete\"}\n", i * 3 }' >rows]])
  end)
  teardown(function() scratch:remove() end)

  it("has something to do", function()
    for name, least in pairs {
      ["page.jsonl"] = 40e6, ["page.json"] = 40e6, ["page.jsonl.gz"] = 1e6, ["text.jsonl"] = 60e6,
      ["ids.txt"] = 90e6, rows = 30e6,
    } do
      assert.is_true(tonumber(scratch:shell("stat -c %%s %s", name)) > least, name)
    end
  end)

  --- Cancels the task that `start` returns, at each moment, and once more where that took long.
  local function ends_soon(start, leaves)
    local cancelled = 0
    for _, moment in ipairs(MOMENTS) do
      local least = math.huge
      for _ = 1, TRIES do
        local task = assert(start())
        local ended = moment > 0 and task:wait(moment)
        local began = os.clock()
        task:cancel()
        assert.is_true(task:wait(20))
        if not ended then least = math.min(least, os.clock() - began) end
        local _, err = task:result()
        task:close()
        if err then
          assert.equal("cancelled", err.kind)
          cancelled = cancelled + 1
          assert.is_nil(scratch:shell("ls -A"):find(".part", 1, true))
        end
        if least < MOST or ended then break end
      end
      if least < math.huge then
        assert.is_true(least < MOST, ("%.3f s, cancelled after %.2f s"):format(least, moment))
      end
      for _, name in ipairs(leaves) do os.remove(scratch:at(name)) end
    end
    assert.is_true(cancelled > 0)
  end

  local function extract(type, name, options)
    return function()
      local all = { type = type, inputs = { scratch:at(name) }, output = scratch:at("out") }
      for key, value in pairs(options or {}) do all[key] = value end
      return core.extract(all)
    end
  end

  for _, name in ipairs { "page.jsonl", "page.json", "page.jsonl.gz", "text.jsonl" } do
    it("while it extracts from " .. name, function()
      ends_soon(extract("users", name), { "out" })
    end)

    it("while it redacts " .. name, function()
      local verdicts = assert(dataset.verdicts { tweets = scratch:at("rows"), users = scratch:at("rows") })
      for _, output in ipairs { "out", "out.gz" } do
        ends_soon(function()
          return core.redact {
            verdicts = verdicts.core, inputs = { scratch:at(name) }, output = scratch:at(output),
            checksums = true, strict = true,
          }
        end, { "out", "out.gz" })
      end
      verdicts:close()
    end)
  end

  it("while it sorts ids in memory", function()
    ends_soon(extract("tweets", "ids.txt", { memory = 2 ^ 30 }), { "out" })
  end)

  it("while it sorts and merges ids on the disk", function()
    ends_soon(extract("tweets", "ids.txt", { memory = 2 ^ 24 }), { "out" })
  end)

  it("while it loads results", function()
    ends_soon(function() return core.verdicts { tweets = { scratch:at("rows") } } end, {})
  end)

  it("while it saves verdicts, loads them again, and lists them", function()
    local verdicts = assert(dataset.verdicts { tweets = scratch:at("rows") })
    ends_soon(function() return verdicts.core:save(scratch:at("out")) end, {})
    assert(verdicts:save(scratch:at("saved")))
    ends_soon(function() return core.verdicts { tweets = { scratch:at("saved") } } end, {})
    ends_soon(function()
      return core.verdicts { tweets = { scratch:at("saved"), scratch:at("rows") } }
    end, {})
    ends_soon(function()
      return core.list_verdicts { verdicts = verdicts.core, type = "tweets", output = scratch:at("out") }
    end, { "out", "saved" })
    verdicts:close()
  end)
end)
