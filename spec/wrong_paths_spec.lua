-- A path that is wrong never ends in exit status 0: missing, empty, a folder for a file and a file
-- for a folder, a device, a pipe, a place that cannot be written.
-- luacheck: no max line length

local cli = require "xcompliance.cli"
local scratches = require "spec.support.scratch"

local FLAT = '{"id":"201","text":"one","author_id":"21"}\n'
local ROW = '{"id":"201","action":"delete","reason":"suspended"}\n'
local MISUSE, DATA, IO = 64, 65, 74

describe("a path that is wrong", function()
  local scratch, root

  before_each(function()
    scratch = scratches.new()
    root = root or scratch.shell({ path = "." }, "pwd"):gsub("%s+$", "")
    scratch:write("one.jsonl", FLAT)
    scratch:write("d/one.jsonl", FLAT)
    scratch:write("rows.jsonl", ROW)
    scratch:write("t.ids", "201\n")
    scratch:write("blank", "\n\n")
    scratch:write("zero.verdicts", "")
    scratch:write("others/README", "nothing that a dataset is called\n")
    scratch:shell("mkdir empty && mkfifo fifo && ln -s /proc/self/fd/1 out && ln -s /dev/null null && ln -s d folder")
  end)
  after_each(function() scratch:remove() end)

  --- Runs the command in this process; "@" stands for the folder, %s for `path`.
  local function run(line, path)
    local argv, said = {}, {}
    for word in line:gmatch("%S+") do
      argv[#argv + 1] = (word == "%s" and path or word):gsub("^@", scratch.path .. "/")
    end
    local status = cli.main(argv, {
      getenv = function(name)
        return ({ XCOMPLIANCE_BASE_URL = "http://127.0.0.1:1", BEARER_TOKEN = "x" })[name]
      end,
      out = function() end, err = function(text) said[#said + 1] = text end, terminal = false,
    })
    return status, table.concat(said)
  end

  local function all()
    return scratch:shell("find . -type f ! -name '*~' ! -path '*/.xcompliance/*' -exec md5sum {} + | LC_ALL=C sort; ls -l out null folder fifo;"
      .. " stat -c '%%F %%t %%T' /dev/null /dev/full")
  end

  local function fails(line, path, statuses)
    local before = all()
    local status, said = run(line, path)
    local what = ("%s with '%s' ended with %d: %s"):format(line, path, status, said)
    local expected = {}
    for _, one in ipairs(statuses) do expected[one] = true end
    assert.is_true(expected[status] or false, what)
    assert.matches("xcompliance: .+", said)
    assert.equal(before, all(), what)
  end

  it("is refused as a dataset", function()
    for _, line in ipairs {
      "extract tweets %s -o @o.ids", "extract users %s -o @o.ids --ids-per-file 1",
      "redact %s --tweets @rows.jsonl -o @o", "redact %s --tweets @rows.jsonl --in-place",
      "redact %s --tweets @rows.jsonl --dry-run", "sync %s -o @o", "sync %s --in-place",
    } do
      for _, path in ipairs { "@missing", "@empty", "@others", "@d/missing", "", "/dev/null", "@one.jsonl/" } do
        if path == "@one.jsonl/" and line:find("sync", 1, true) then break end -- it takes that for the file
        fails(line, path, { MISUSE, DATA, IO })
        scratch:shell("rm -rf o empty/.xcompliance others/.xcompliance .xcompliance")
      end
    end
  end)

  it("is refused as results", function()
    for _, line in ipairs {
      "redact @one.jsonl --tweets %s -o @o", "redact @one.jsonl --tweets @rows.jsonl --users %s -o @o",
      "redact @one.jsonl --tweets @rows.jsonl %s -o @o", "verdicts --tweets %s -o @o",
      "verdicts --users %s --outcome delete -o @o", "verdicts --tweets %s --ids @t.ids -o @o",
    } do
      for _, path in ipairs {
        "@missing", "@empty", "@d", "@one.jsonl", "@rows.jsonl/", "@zero.verdicts", "@t.ids", "", "/dev/null",
      } do
        fails(line, path, { MISUSE, DATA, IO })
      end
    end
  end)

  it("is refused as a list of ids", function()
    for _, line in ipairs {
      "verdicts --tweets @rows.jsonl --ids %s -o @o", "check tweets %s -o @o",
      "upload https://storage.googleapis.com/b/o?X-Goog-Signature=x %s",
    } do
      for _, path in ipairs { "@missing", "@empty", "@d", "@one.jsonl", "@blank", "@zero.verdicts", "@t.ids/", "", "/dev/null" } do
        fails(line, path, { MISUSE, DATA, IO })
      end
    end
  end)

  it("is refused as an output", function()
    local wrong = { "/dev/null", "/dev/full", "@fifo", "@out", "@null", "@missing/x", "@one.jsonl/x", "/proc/x", "" }
    local folders = { "@d", "@d/", "@folder", ".", ".." }
    for _, case in ipairs {
      { "extract tweets @one.jsonl -o %s", folders },
      { "redact @one.jsonl --tweets @rows.jsonl -o @o --rehydrate %s", folders, "-" },
      { "redact @one.jsonl --tweets @rows.jsonl -o @o --policy suspended=quarantine --quarantine %s", {}, "-" },
      { "redact @one.jsonl --tweets @rows.jsonl --in-place --policy suspended=quarantine --quarantine %s", {}, "-" },
      { "redact @one.jsonl --tweets @rows.jsonl -o %s", {} },
      { "verdicts --tweets @rows.jsonl -o %s", folders, "-" },
      { "verdicts --tweets @rows.jsonl --outcome delete -o %s", folders },
      { "verdicts --tweets @rows.jsonl --ids @t.ids -o %s", folders },
      { "extract tweets @one.jsonl --ids-per-file 1 -o %s", folders, "-" },
      { "check tweets @t.ids -o %s", { "@d", "@d/" }, "-" },
      { "download https://storage.googleapis.com/b/o?X-Goog-Signature=x -o %s", folders },
    } do
      for _, list in ipairs { wrong, case[2], { case[3] } } do
        for _, path in ipairs(list) do
          local makes_folders = path == "@missing/x" and case[1]:find("redact", 1, true)
            and not case[1]:find("rehydrate", 1, true)
          if not makes_folders then fails(case[1], path, { MISUSE, IO, 73 }) end
        end
      end
    end
  end)

  it("is refused if it leads to standard output, whatever that is", function()
    local function sh(line)
      return scratch:shell("%s; echo $?", (line:gsub("XC", root .. "/bin/xcompliance")))
    end
    for _, line in ipairs {
      "XC extract tweets one.jsonl -o out", "XC verdicts --tweets rows.jsonl -o out",
      "XC redact one.jsonl --tweets rows.jsonl -o out", "XC extract tweets one.jsonl -o out --ids-per-file 1",
    } do
      for _, where in ipairs { ">>log~", "| cat", ">/dev/null" } do
        local before = all()
        sh(line .. " " .. where)
        assert.equal(before, all(), line .. where)
      end
    end
    assert.matches("standard stream", sh "XC extract tweets one.jsonl -o out 2>&1 >>log~")
  end)

  it("is refused where its user may not write or read", function()
    local who = "setpriv --reuid=65534 --regid=65534 --clear-groups"
    if scratch:shell("%s test -x %s/bin/xcompliance || echo no", who, root) ~= "" then
      return pending("nobody without privileges can run the command here")
    end
    scratch:shell("chmod 755 . && mkdir -m 755 closed && mkdir -m 777 open && chmod 600 one.jsonl && cp rows.jsonl secret.jsonl"
      .. " && chmod 600 secret.jsonl && chmod 644 rows.jsonl t.ids d/one.jsonl && chmod 755 d")
    for _, line in ipairs {
      "extract tweets d -o closed/o.ids", "redact d --tweets rows.jsonl -o closed/o",
      "redact d --tweets rows.jsonl --in-place", "verdicts --tweets rows.jsonl -o closed/o",
      "redact d --tweets rows.jsonl -o open/o --rehydrate closed/o",
      "extract tweets one.jsonl -o open/o.ids", "redact one.jsonl --tweets rows.jsonl -o open/o",
      "redact d --tweets secret.jsonl -o open/o", "verdicts --tweets secret.jsonl -o open/o",
    } do
      local before = all()
      local said = scratch:shell("%s %s/bin/xcompliance %s 2>&1; echo $?", who, root, line)
      assert.matches("ermission denied", said, 1, true)
      assert.matches("\n7[34]\n$", said)
      assert.equal(before, all(), line)
    end
  end)

  it("that is empty by design says so, and is no error", function()
    scratch:write("zero.jsonl", "")
    local status, said = run("redact %s --tweets @zero.jsonl --dry-run", "@zero.jsonl")
    assert.equal(0, status, said)
    assert.matches("no records were found", said, 1, true)
    status, said = run("extract tweets %s -o @o.ids", "@zero.jsonl")
    assert.equal(0, status, said)
    assert.matches("no ids of tweets were found", said, 1, true)
    assert.equal(0, (run("redact %s --tweets @zero.jsonl -o @o.jsonl", "@one.jsonl"))) -- all are compliant
    assert.equal(FLAT, scratch:read("o.jsonl"))
  end)

  it("that is a pipe without results is an error: the one that should have written them has failed", function()
    local said = scratch:shell("false | %s/bin/xcompliance redact one.jsonl --tweets - -o o.jsonl; echo $?", root)
    assert.matches("standard input: is empty", said, 1, true)
    assert.matches("\n65\n$", said)
    assert.is_nil(scratch:read("o.jsonl"))
  end)
end)
