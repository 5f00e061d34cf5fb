-- Outputs take their names one after the other: what a run that fails or is killed among them has
-- not done, the same command does, and nothing is quarantined twice (row 108 of the fault matrix).
-- The faults are made by strace, which makes a system call fail or kills at it.
-- luacheck: no max line length

local scratches = require "spec.support.scratch"

local FILES = 3

describe("row 108: renames in place", function()
  local scratch, command

  before_each(function()
    scratch = scratches.new()
    command = scratch.shell({ path = "." }, "pwd"):gsub("%s+$", "") .. "/bin/xcompliance"
    local rows = {}
    for i = 1, FILES do
      scratch:write(("d/%d.jsonl"):format(i),
        ('{"id":"1%d","text":"a"}\n{"id":"2%d","text":"b"}\n'):format(i, i))
      rows[i] = ('{"id":"1%d","action":"delete","reason":"suspended"}\n'):format(i)
    end
    scratch:write("results", table.concat(rows))
  end)
  after_each(function() scratch:remove() end)

  local function can_trace()
    return scratch:shell("strace -f -o /dev/null -e inject=none:error=EPERM true 2>&1; "
      .. "strace -o /dev/null true && echo yes"):find("yes\n$")
  end

  --- Runs the command, with a fault at a call: "/^rename:error=EPERM:when=2".
  local function redact(options, fault)
    local wrapper = fault and ("strace -f -o /dev/null -e trace=%s -e inject=%s"):format(
      fault:match("^[^:]+"), fault) or ""
    local text = scratch:shell("%s '%s' redact d --tweets results --in-place -q %s; echo $?", wrapper,
      command, options)
    return tonumber(text:match("(%d+)\n$")), text
  end

  local function left()
    local files = {}
    for i = 1, FILES do
      files[i] = scratch:read(("d/%d.jsonl"):format(i)) == ('{"id":"2%d","text":"b"}\n'):format(i)
    end
    return files
  end

  local function is_clean(quarantined)
    local all, ids = {}, {}
    for i = 1, FILES do all[i] = true end
    assert.same(all, left())
    for id in scratch:shell("cat %s | grep -o 'id\":\"[0-9]*' | sort", quarantined):gmatch("%d+") do
      ids[#ids + 1] = id
    end
    assert.same({ "11", "12", "13" }, ids)
    for _, name in ipairs(scratch:list()) do assert.is_nil(name:find("^%.") or name:find("/%.")) end
  end

  for name, quarantine in pairs {
    ["a quarantine file"] = { "q.jsonl", "q.jsonl", 1 },
    ["a compressed one"] = { "q.jsonl.gz", "q.jsonl.gz | gzip -dc", 1 },
    ["a folder"] = { "q/", "q/*", FILES },
  } do
    local options = ("--quarantine %s --policy suspended=quarantine"):format(quarantine[1])
    local renames = 1 + quarantine[3] + FILES -- the note, the quarantines, the files

    it("killed at any of them, are completed, with " .. name, function()
      if not can_trace() then return pending "nothing can be traced here" end
      for at = 1, renames do
        local status = redact(options, "/^rename:signal=KILL:when=" .. at)
        assert.equal(137, status)
        assert.equal(0, (redact(options)))
        is_clean(quarantine[2])
        scratch:shell("rm -rf q*")
        for i = 1, FILES do
          scratch:write(("d/%d.jsonl"):format(i),
            ('{"id":"1%d","text":"a"}\n{"id":"2%d","text":"b"}\n'):format(i, i))
        end
      end
    end)

    it("of which one fails, are completed, and it is said which are done, with " .. name, function()
      if not can_trace() then return pending "nothing can be traced here" end
      local first = renames - FILES + 1
      local status, text = redact(options, ("/^rename:error=EPERM:when=%d"):format(first + 1))
      assert.equal(74, status)
      assert.matches("d/2.jsonl: Operation not permitted", text, 1, true)
      assert.matches("; 1 of 3 files was replaced (" .. scratch:at("d/1.jsonl") .. "), 2 were not ("
        .. scratch:at("d/2.jsonl") .. ", " .. scratch:at("d/3.jsonl") .. ") - fix that and run the"
        .. " same command again to replace the rest", text, 1, true)
      assert.same({ true, false, false }, left())
      -- it fails again, and says so again
      assert.equal(74, (redact(options, "/^rename:error=EPERM:when=1")))
      assert.same({ true, false, false }, left())
      assert.equal(0, (redact(options)))
      is_clean(quarantine[2])
    end)
  end

  local QUARANTINE = "--quarantine q.jsonl --policy suspended=quarantine"

  it("of which the quarantine's fails, change nothing", function()
    if not can_trace() then return pending "nothing can be traced here" end
    local before = scratch:list()
    for at = 1, 2 do
      local status, text = redact(QUARANTINE, "/^rename:error=EPERM:when=" .. at)
      assert.equal(74, status)
      assert.is_nil(text:find("replaced", 1, true))
      assert.same({ false, false, false }, left())
      assert.same(before, scratch:list())
    end
  end)

  it("of which the first file's fails, are completed, and it is said that none is done", function()
    if not can_trace() then return pending "nothing can be traced here" end
    local status, text = redact(QUARANTINE, "/^rename:error=EPERM:when=3")
    assert.equal(74, status)
    assert.matches("; no file was replaced (" .. scratch:at("d/1.jsonl") .. ", "
      .. scratch:at("d/2.jsonl") .. ", " .. scratch:at("d/3.jsonl") .. ") - fix that and run the"
      .. " same command again", text, 1, true)
    assert.same({ false, false, false }, left())
    assert.equal(0, (redact(QUARANTINE)))
    is_clean("q.jsonl")
  end)

  it("are not completed over a file that was changed since; nothing is lost", function()
    if not can_trace() then return pending "nothing can be traced here" end
    redact(QUARANTINE, "/^rename:signal=KILL:when=4")
    scratch:write("d/2.jsonl", '{"id":"12","text":"new"}\n{"id":"22","text":"b"}\n')
    assert.equal(0, (redact(QUARANTINE)))
    assert.same({ true, true, true }, left())
    assert.matches('{"id":"12","text":"a"}\n.*{"id":"12","text":"new"}\n', scratch:read("q.jsonl"))
  end)

  it("are not completed if the quarantine has gone since; nothing is lost", function()
    if not can_trace() then return pending "nothing can be traced here" end
    redact(QUARANTINE, "/^rename:signal=KILL:when=4")
    os.remove(scratch:at("q.jsonl"))
    assert.equal(0, (redact(QUARANTINE)))
    assert.same({ true, true, true }, left())
    -- what was taken out of the first file went with the quarantine that was removed
    assert.equal('{"id":"12","text":"a"}\n{"id":"13","text":"a"}\n', scratch:read("q.jsonl"))
  end)

  it("without a quarantine are done by the next run, too", function()
    if not can_trace() then return pending "nothing can be traced here" end
    local status, text = redact("", "/^rename:error=EIO:when=3")
    assert.equal(74, status)
    assert.matches("2 of 3 files were replaced", text, 1, true)
    assert.same({ true, true, false }, left())
    assert.equal(0, (redact("")))
    assert.same({ true, true, true }, left())
  end)

  it("are not begun in a folder that cannot be flushed: then an error would come too late", function()
    local who = scratch:shell("id -u") == "0\n" and "setpriv --reuid=65534 --regid=65534 --clear-groups" or ""
    if scratch:shell("%s test -x %s || echo no", who, command) ~= "" then
      return pending "nobody without privileges can run the command here"
    end
    scratch:write("e/a.jsonl", '{"id":"11","text":"a"}\n')
    scratch:shell("chmod 755 . && chown 65534:65534 e e/a.jsonl; chmod 300 e")
    local text = scratch:shell("%s '%s' redact e/a.jsonl --tweets results --in-place -q; echo $?", who, command)
    scratch:shell("chmod 755 e")
    assert.matches("opening the folder.+e/: Permission denied.+\n74\n$", text)
    assert.equal('{"id":"11","text":"a"}\n', scratch:read("e/a.jsonl"))
    assert.same({ "e/a.jsonl" }, { scratch:shell("ls -A e/*"):match("[^\n]+") })
  end)
end)
