-- Parts on many machines: the recipes of docs/cluster.md, tasks that are killed, and the reports of
-- parts as one.

local benches = require "spec.support.bench"
local command = require "spec.support.command"
local core = require "xcompliance.core"
local documents = require "spec.support.documents"
local json = require "xcompliance.json"
local scratches = require "spec.support.scratch"
local shell = require("spec.support.simulator").shell

local PATH = "docs/cluster.md"
local ROW = '{"id":"13","action":"delete","reason":"deleted"}\n'

--- The programs that the recipes need and that are not here.
local function missing()
  local found = {}
  for name in ("parallel sshd sbatch slurmctld slurmd munged"):gmatch("%S+") do
    if shell("PATH=$PATH:/usr/sbin command -v " .. name .. " || true") == "" then
      found[#found + 1] = name
    end
  end
  return #found > 0 and table.concat(found, ", ")
end

describe("the recipes for many machines", function()
  it("work as docs/cluster.md shows them", function()
    local lacking = missing()
    if lacking then
      pending("not installed: " .. lacking .. " (make cluster installs them)")
      return
    end
    local run = documents.start(PATH)
    finally(function() run:stop() end)
    local printed, output, status = run:wait()
    assert.equal(0, status, output)
    assert.is_string(printed["end"], output)
    local shown = 0
    for number, block in ipairs(run.blocks) do
      if block.shown then
        shown = shown + 1
        assert.is_nil(documents.missing(block.shown, printed[number]), printed[number])
      end
    end
    assert.equal(1, shown)
  end)
end)

describe("tasks of parts that are killed", function()
  --- The text of the program that the document makes.
  local function program(name)
    for _, block in ipairs(documents.blocks(PATH)) do
      local _, start = block.text:find("cat >" .. name .. " <<'SH'\n", 1, true)
      if start then return block.text:sub(start + 1, block.text:find("\nSH\n", start, true)) end
    end
  end

  it("leave, once they are repeated, what one machine writes", function()
    local scratch = scratches.new()
    finally(function() scratch:remove() end)
    local bin = scratch.path .. "/bin"
    scratch:write("bin/xcompliance", "#!/bin/sh\nexec " .. benches.command(shell("pwd")
      .. "/bin/xcompliance") .. ' "$@"\n')
    scratch:write("redact-part", program "redact-part")
    scratch:write("extract-part", program "extract-part")
    scratch:shell("chmod +x bin/xcompliance *-part; mkdir ids clean reports")
    for i = 1, 3 do
      local path = scratch.path .. "/parts/" .. i
      shell(("mkdir -p %s && lua5.4 examples/sample_dataset.lua %s %d"):format(path, path,
        1500 * i))
    end
    local rows = {}
    for i = 1, 4000, 3 do
      rows[#rows + 1] = ('{"id":"13729%013d","action":"delete","reason":"deleted"}\n'):format(i)
    end
    scratch:write("rows", table.concat(rows))
    scratch:write("users", '{"id":"90000000000007","action":"delete","reason":"suspended"}\n')
    scratch:shell("bin/xcompliance verdicts --tweets rows --users users -o all.verdicts -q")
    scratch:shell("bin/xcompliance redact parts/ --tweets all.verdicts --users all.verdicts -o one/"
      .. " -q --json >one.json && bin/xcompliance extract tweets parts/ -o one.tweets -q")

    math.randomseed(7)
    local kills = 0
    for _, task in ipairs { "extract-part", "redact-part" } do
      for i = 1, 3 do
        local line = ("cd %s && PATH=%s:$PATH ./%s parts/%d"):format(scratch.path, bin, task, i)
        for _ = 1, 4 do -- killed, with all that it has started
          local status = shell(("setsid timeout -s KILL %.3f sh -c '%s' >/dev/null 2>&1; echo $?")
            :format(0.02 + math.random() * 0.15, line))
          if status ~= "0" then kills = kills + 1 end
        end
        assert.equal("0", shell(("sh -c '%s' >&2; echo $?"):format(line)))
      end
    end
    assert.is_true(kills > 5, kills .. " kills")
    assert.equal("", scratch:shell("diff -r one clean 2>&1 || true"))
    assert.equal("", scratch:shell("bin/xcompliance extract tweets ids/*.tweets -o all.tweets -q;"
      .. " cmp all.tweets one.tweets 2>&1 || true"))
    scratch:shell("bin/xcompliance merge-reports reports/*.json -o report.json")
    local merged = json.decode(scratch:read("report.json"))
    local single = json.decode(scratch:read("one.json"))
    for _, name in ipairs { "records", "kept", "changed", "dropped", "bytes", "recognised" } do
      assert.equal(single[name], merged[name])
    end
    assert.same(single.tweets, merged.tweets)
    assert.is_true(merged.dropped > 0)
    assert.equal(#single.files, #merged.files)
  end)
end)

describe("reports of parts", function()
  local scratch
  before_each(function()
    scratch = scratches.new()
    scratch:write("rows", ROW)
    scratch:write("a.jsonl", '{"id":"13","text":"a"}\n{"id":"14","text":"b"}\n')
    scratch:write("b.jsonl", '{"id":"15","text":"c"}\n')
  end)
  after_each(function() scratch:remove() end)

  local function run(words) return command.run_in(scratch, words) end

  --- Redacts a file, and keeps the report.
  local function part(name, more)
    local status, out, said = run(("redact @%s --tweets @rows -o @clean-%s --json %s"):format(name,
      name, more or ""))
    assert.equal(0, status, said)
    scratch:write(name .. ".json", out)
    return json.decode(out)
  end

  local function refuses(words, ...)
    local status, _, said = run("merge-reports " .. words)
    assert.equal(65, status, said)
    for _, text in ipairs { ... } do assert.matches(text, said, 1, true) end
    assert.is_nil(scratch:read("sum"))
  end

  it("become one that adds up, which can be added again", function()
    local one, other = part "a.jsonl", part "b.jsonl"
    local status, out = run "merge-reports @a.jsonl.json @b.jsonl.json -o @sum"
    assert.equal(0, status)
    assert.matches("3 records in 2 files, .* 2 kept, 0 changed, 1 dropped", out)
    local sum = json.decode(scratch:read("sum"))
    assert.same({ 3, 2, 1 }, { sum.records, sum.kept, sum.dropped })
    assert.equal(one.bytes + other.bytes, sum.bytes)
    assert.same({ delete = { deleted = 1 } }, sum.tweets)
    assert.equal(core.version, sum.version)
    scratch:write("c.jsonl", '{"id":"13","text":"d"}\n')
    part "c.jsonl"
    status, out = run "merge-reports @sum @c.jsonl.json --json"
    assert.equal(0, status)
    assert.same({ delete = { deleted = 2 } }, json.decode(out).tweets)
    status, out = run "merge-reports @sum @c.jsonl.json -o -"
    assert.equal(0, status)
    assert.equal(4, json.decode(out).records)
  end)

  it("are not added if a file is in two of them", function()
    part "a.jsonl"
    refuses("@a.jsonl.json @a.jsonl.json -o @sum", "a.jsonl is in ", "must be counted once")
    scratch:write("again.json", scratch:read("a.jsonl.json"))
    refuses("@a.jsonl.json @again.json -o @sum", "again.json", "must be counted once")
  end)

  it("are not added if they were made in different ways", function()
    part "a.jsonl"
    part("b.jsonl", "--policy deleted=keep")
    refuses("@a.jsonl.json @b.jsonl.json -o @sum", "a.jsonl.json and", "b.jsonl.json",
      "with different settings", "redact all parts in the same way")
    local _, out = run "redact @b.jsonl --tweets @rows --dry-run --json"
    scratch:write("b.jsonl.json", out)
    refuses("@a.jsonl.json @b.jsonl.json -o @sum", "of a dry run")
    scratch:write("rows", ROW .. ROW:gsub("13", "15"))
    part "b.jsonl"
    refuses("@a.jsonl.json @b.jsonl.json -o @sum", "by different verdicts")
  end)

  it("are not added if they are not whole, or no reports", function()
    part "a.jsonl"
    local text = scratch:read("a.jsonl.json")
    for size = 0, #text - 2, 7 do
      scratch:write("b.jsonl.json", text:sub(1, size))
      refuses("@b.jsonl.json -o @sum", "b.jsonl.json")
    end
    for _, other in ipairs {
      "[]", "{}", "7", '{"files":[]}', (text:gsub('"records":2', '"records":3')),
      (text:gsub('"kept":1', '"kept":"x"')), (text:gsub('"format":1', '"format":null')),
    } do
      scratch:write("b.jsonl.json", other)
      refuses("@b.jsonl.json -o @sum", "b.jsonl.json")
    end
    scratch:shell("rm b.jsonl.json")
    local status, _, said = run "merge-reports @b.jsonl.json"
    assert.equal(74, status, said)
    status = run "merge-reports @a.jsonl.json -o @a.jsonl.json"
    assert.equal(64, status)
  end)
end)
