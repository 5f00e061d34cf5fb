-- Parts on many machines: the recipes of docs/cluster.md, whose tasks are killed, and the reports
-- of parts as one.

local benches = require "spec.support.bench"
local command = require "spec.support.command"
local core = require "xcompliance.core"
local documents = require "spec.support.documents"
local json = require "xcompliance.json"
local scratches = require "spec.support.scratch"
local shell = require("spec.support.simulator").shell

local PATH = "docs/cluster.md"
local ROW = '{"id":"13","action":"delete","reason":"deleted"}\n'
local PARTS = 3

--- The programs that the recipes need and that are not here.
local function missing()
  local found = {}
  for name in ("parallel sshd ssh sbatch slurmctld slurmd munged strace"):gmatch("%S+") do
    if shell("PATH=$PATH:/usr/sbin command -v " .. name .. " || true") == "" then
      found[#found + 1] = name
    end
  end
  if #found > 0 then
    return "not installed: " .. table.concat(found, ", ") .. " (make cluster installs them)"
  end
  return not shell("strace -o /dev/null true") and "strace may not trace here" or nil
end

describe("the recipes for many machines", function()
  local lacking, run, folder = missing(), nil, nil

  setup(function()
    if lacking then return end
    run = documents.start(PATH)
    folder = run.work
  end)
  teardown(function()
    if run then run:stop() end
  end)

  local function read(name) return json.decode(benches.read(folder .. "/" .. name)) end

  it("work as docs/cluster.md shows them, though tasks are killed", function()
    if lacking then return pending(lacking) end
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
    assert.equal(2, shown)
  end)

  for _, engine in ipairs { "slurm", "parallel" } do
    it("kill each task, and leave byte for byte what one machine writes: " .. engine, function()
      if lacking then return pending(lacking) end
      local function sh(line)
        return (select(2, shell(("cd %s && %s 2>&1"):format(folder, line))))
      end
      for _, step in ipairs { "extract", "redact" } do
        local died = ("ls killed.%s | grep -c '^dead-%s'"):format(engine, step)
        assert.equal(tostring(PARTS), sh(died))
      end
      assert.equal("", sh(("diff -r one %s/clean"):format(engine)))
      for _, type in ipairs { "tweets", "users" } do
        assert.equal("", sh(("cmp one.%s %s/all.%s"):format(type, engine, type)))
      end
      assert.equal("", sh(("find %s -name '.*.part'"):format(engine)))
      local one, all = read "one.json", read(engine .. "/report.json")
      assert.same({ 1, PARTS }, { one.parts, all.parts })
      for i, file in ipairs(one.files) do
        file.output = file.output:gsub("^one/", "clean/")
        assert.same(file, all.files[i])
      end
      -- of parts: a tweet that is in two of them counts twice
      assert.same({ 1, 2 }, { one.edited.tweets, all.edited.tweets })
      one.edited, all.edited = nil, nil
      one.parts, one.files, one.inputs, one.output = nil, nil, nil, nil
      all.parts, all.files, all.inputs, all.output = nil, nil, nil, nil
      assert.same(one, all)
      assert.is_true(all.records.dropped > 0 and all.checked.users.outcomes.delete > 0)
    end)
  end
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
