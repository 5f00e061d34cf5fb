-- Datasets in tar and zip archives: what is read of them, what is made of them, and what hostile
-- ones do. They are made and looked at by tar, zip and python3, not by what is tested.
-- luacheck: no max line length

local dataset = require "xcompliance.dataset"
local scratches = require "spec.support.scratch"

local RESULT = '{"id":"%s","action":"delete","reason":"deleted",'
  .. '"created_at":"2021-08-17T17:26:15.000Z","redacted_at":"2021-08-17T17:26:15.000Z"}\n'

local function tweet(id, text) return ('{"id":"%s","text":"%s"}\n'):format(id, text or "a") end

--- What distinguishes a member from another, and its content unpacked, one a line.
local LOOK = [[
import bz2, gzip, hashlib, lzma, sys, tarfile, zipfile
def plain(name, data):
  for ending, unpack in ((".bz2", bz2.decompress), (".gz", gzip.decompress), (".xz", lzma.decompress)):
    if name.endswith(ending): return unpack(data)
  return data
def show(name, facts, data):
  print(name, *facts, plain(name, data).decode("latin1").replace("\n", "|"), sep="\t")
for path in sys.argv[2:]:
  if zipfile.is_zipfile(path):
    with zipfile.ZipFile(path) as archive:
      assert archive.testzip() is None
      for member in archive.infolist():
        show(member.filename, (member.date_time, oct(member.external_attr >> 16)), archive.read(member))
  else:
    with tarfile.open(path) as archive:
      for member in archive:
        data = archive.extractfile(member).read() if member.isreg() else b""
        kind = member.type.replace(tarfile.AREGTYPE, tarfile.REGTYPE)
        facts = (member.mtime, oct(member.mode), member.uname, kind, member.linkname)
        show(member.name, facts if sys.argv[1] == "facts" else (), data)
]]

--- python3 that writes archives of members that are given as they are.
local MAKE = [[
import bz2, gzip, io, lzma, tarfile, zipfile
def tar(path, members, mode="w", **options):
  with tarfile.open(path, mode, **options) as archive:
    for name, data, *more in members:
      member = tarfile.TarInfo(name)
      member.size, member.mtime, member.mode = len(data), 1500000000, 0o640
      for key, value in (more[0] if more else {}).items(): setattr(member, key, value)
      archive.addfile(member, io.BytesIO(data) if member.isreg() else None)
def zip(path, members, **options):
  with zipfile.ZipFile(path, "w", **options) as archive:
    for name, data in members:
      info = zipfile.ZipInfo(name, (2017, 1, 2, 3, 4, 6))
      info.external_attr = 0o100640 << 16
      archive.writestr(info, data)
R = b'{"id":"1","text":"a"}\n'
GONE = b'{"id":"13","text":"b"}\n'
]]

describe("an archive", function()
  local scratch

  before_each(function()
    scratch = scratches.new()
    scratch:write("look.py", LOOK)
    scratch:write("results", RESULT:format("13"))
  end)
  after_each(function() scratch:remove() end)

  local function make(code)
    scratch:write("make.py", MAKE .. code)
    assert.equal("", scratch:shell("python3 make.py"))
  end

  local function look(path, facts)
    return scratch:shell("python3 look.py %s %s", facts and "facts" or "content", path)
  end

  local function extract(input, options)
    local given = { type = "tweets", inputs = scratch:at(input), output = scratch:at("ids") }
    for key, value in pairs(options or {}) do given[key] = value end
    local counts, err = dataset.extract(given)
    return counts and scratch:read("ids"):gsub("\n", " "), counts or err
  end

  local function redact(input, options)
    local given = { verdicts = assert(dataset.verdicts { tweets = scratch:at("results") }),
      inputs = scratch:at(input) }
    for key, value in pairs(options or { in_place = true }) do given[key] = value end
    return dataset.redact(given)
  end

  --- A folder with records in every form, and things that are not.
  local function write_folder()
    scratch:write("d/a.jsonl", tweet(1) .. tweet(13) .. tweet(2))
    scratch:write("d/b.json", '[{"id":"3","text":"a"},\n{"id":"13","text":"a"}]')
    scratch:write("d/deep/c.csv", 'id,text\n4,"a\nb"\n13,c\n')
    scratch:write("d/deep/ids.txt", "5\n13\n")
    scratch:write("d/README.md", "13\n")
    scratch:write("d/.hidden.json", tweet(9))
    scratch:shell("cd d && for pack in gzip bzip2 xz; do cp a.jsonl $pack.jsonl && $pack $pack.jsonl;"
      .. " done && ln -s a.jsonl link.jsonl && chmod 600 a.jsonl; find . -exec touch -hd '2017-01-02 03:04:06' {} +")
  end

  local ARCHIVES = {
    ["a.tar"] = "tar cf a.tar d", ["a.tar.gz"] = "tar czf a.tar.gz d", ["a.tgz"] = "tar czf a.tgz d",
    ["a.tar.bz2"] = "tar cjf a.tar.bz2 d", ["a.tar.xz"] = "tar cJf a.tar.xz d",
    ["a.tar.zst"] = "tar c d | zstd -qo a.tar.zst", ["ustar.tar"] = "tar -H ustar -cf ustar.tar d",
    ["pax.tar"] = "tar -H pax -cf pax.tar d", ["v7"] = "tar -H v7 -cf v7 d",
    ["a.zip"] = "zip -qry a.zip d",
  }

  for name, command in pairs(ARCHIVES) do
    it("is read and redacted, made by: " .. command, function()
      write_folder()
      scratch:shell(command)
      local ids, counts = extract(name)
      assert.equal("1 2 3 4 5 13 ", ids)
      assert.same({ 18, 3 }, { counts.records, counts.ignored })
      local ignored = {}
      for i, path in ipairs(counts.ignored_files) do ignored[i] = path:match("[^/]*!.*") end
      table.sort(ignored)
      assert.same({ name .. "!d/.hidden.json", name .. "!d/README.md", name .. "!d/link.jsonl" },
        ignored)

      local before = look(name, "facts")
      local redacted = assert(redact(name))
      assert.same({ 18, 11, 7 }, { redacted.records, redacted.kept, redacted.dropped })
      assert.equal(1, redacted.written)
      assert.equal(7, #redacted.files[1].members)
      local after = look(name, "facts")
      assert.equal("1 2 3 4 5 ", (extract(name)))
      -- the same members, each without what is condemned; and nothing else
      local expected = before:gsub("[^\n]*\n", function(line)
        if line:find("README", 1, true) then return line end
        return (line:gsub('{"id":"13","text":"a"}|', ""):gsub(',|{"id":"13","text":"a"}', "|")
          :gsub("13,c|", ""):gsub("5|13|", "5|"))
      end)
      assert.equal(expected, after)

      local stamp = scratch:shell("stat -c '%%i %%Y %%s' %s", name)
      assert.equal(0, assert(redact(name)).written)
      assert.equal(stamp, scratch:shell("stat -c '%%i %%Y %%s' %s", name))
    end)
  end

  it("goes into a new folder without what holds no records", function()
    write_folder()
    scratch:shell("tar cf in.tar d; zip -qry in.zip d; mkdir all && mv in.* all")
    local counts = assert(redact("all", { output = scratch:at("out/") }))
    assert.equal(36, counts.records)
    assert.equal(6, counts.ignored)
    for _, name in ipairs { "in.tar", "in.zip" } do
      local content = look("out/" .. name)
      for _, gone in ipairs { "README", "hidden", "link", "13" } do
        assert.is_nil(content:find(gone, 1, true), gone)
      end
      assert.equal("1 2 3 4 5 ", (extract("out/" .. name)))
    end
    assert.same({ "in.tar", "in.zip" }, { scratch:shell("ls out"):match("(%S+)%s+(%S+)") })
  end)

  it("stops at a member that is not read, if it shall", function()
    write_folder()
    scratch:shell("tar cf in.tar d")
    for _, act in ipairs { extract, redact } do
      local ok, err = act("in.tar", { on_ignored = "stop", dry_run = act == redact or nil })
      assert.is_nil(ok)
      assert.matches("in.tar!d/", err.message, 1, true)
    end
    assert(redact("in.tar", { on_ignored = "skip", in_place = true }))
  end)

  it("is counted by a dry run as it is redacted, and not written", function()
    write_folder()
    scratch:shell("tar cf in.tar d")
    local before = scratch:read("in.tar")
    local dry = assert(redact("in.tar", { dry_run = true }))
    assert.equal(before, scratch:read("in.tar"))
    local done = assert(redact("in.tar"))
    for _, name in ipairs { "records", "kept", "changed", "dropped", "quarantined" } do
      assert.equal(dry[name], done[name])
      for i, member in ipairs(dry.files[1].members) do
        assert.equal(member[name], done.files[1].members[i][name])
      end
    end
  end)

  it("adds to the quarantine what its members lose, once", function()
    make [[tar("in.tar", [("a.json", R + GONE), ("b.json.xz", lzma.compress(GONE + R))])
tar("list.tar", [("ids.txt", b"1\n13\n")])]]
    local options = { in_place = true, quarantine = scratch:at("aside.jsonl"),
      policy = { deleted = "quarantine" } }
    local gone = '{"id":"13","text":"b"}\n'
    assert.equal(2, assert(redact("in.tar", options)).quarantined)
    assert.equal(gone .. gone, scratch:read("aside.jsonl"))
    assert.equal(0, assert(redact("in.tar", options)).quarantined)
    assert.equal(gone .. gone, scratch:read("aside.jsonl"))
    local ok, err = redact("list.tar", options)
    assert.is_nil(ok)
    assert.matches("list.tar!ids.txt: rows of a table or ids of a list", err.message, 1, true)
    assert.equal("1 13 ", (extract("list.tar")))
  end)

  it("takes its packing from its new name, and keeps its kind", function()
    write_folder()
    scratch:shell("tar cjf in.tar.bz2 d")
    assert(redact("in.tar.bz2", { output = scratch:at("out.tgz") }))
    assert.equal("", scratch:shell("gzip -dc out.tgz | tar t >/dev/null"))
    local ok, err = redact("in.tar.bz2", { output = scratch:at("out.zip") })
    assert.is_nil(ok)
    assert.equal("usage", err.kind)
    ok, err = redact("d/a.jsonl", { output = scratch:at("out.tar") })
    assert.is_nil(ok)
    assert.equal("usage", err.kind)
  end)

  it("is read from a pipe, if it is a tar", function()
    write_folder()
    scratch:shell("tar czf in.tgz d")
    scratch:shell("mkfifo pipe; (exec >/dev/null 2>&1; cat in.tgz >pipe) & :")
    assert.equal("1 2 3 4 5 13 ", (extract("pipe")))
    scratch:shell("zip -qr in.zip d; (exec >/dev/null 2>&1; cat in.zip >pipe) & :")
    local _, err = extract("pipe")
    assert.matches("can only be read from a file", err.message, 1, true)
  end)

  it("is named with its member and the line in a message, and in the list of what was skipped",
    function()
      make [[tar("in.tar", [("x/a.json", R), ("x/b.jsonl.bz2", bz2.compress(R + b'{"id":\n' + GONE))])]]
      local _, err = extract("in.tar")
      assert.matches("in.tar!x/b.jsonl.bz2, line 2, byte 28:", err.message, 1, true)
      local ids = extract("in.tar", { on_malformed = "skip" })
      assert.equal("1 13 ", ids)
      assert.matches('in.tar!x/b.jsonl.bz2","line":2', scratch:read("ids.malformed"), 1, true)
      _, err = redact("in.tar", { in_place = true, strict = true })
      assert.matches("in.tar!x/b.jsonl.bz2, line 2, byte 28:", err.message, 1, true)
      local counts = assert(redact("in.tar", { in_place = true, strict = true,
        on_malformed = "quarantine", quarantine = scratch:at("aside/") }))
      assert.same({ 4, 2, 1, 1 }, { counts.records, counts.kept, counts.dropped, counts.quarantined })
      assert.equal('{"id":\n', scratch:read("aside/in.tar.jsonl"))
    end)

  it("skips a member that is damaged, if it may, and reads the others", function()
    make [[tar("in.tar", [("a.json", R), ("b.json.gz", gzip.compress(R * 99)[:-9]), ("c.json", GONE)])]]
    local ids, counts = extract("in.tar", { on_malformed = "skip" })
    assert.equal("1 13 ", ids)
    assert.equal(1, counts.malformed)
    assert.matches("truncated", scratch:read("ids.malformed"), 1, true)
  end)

  it("keeps the bytes of members in which nothing changes", function()
    make [[
data = lzma.compress(R * 1000, preset=0)
tar("in.tar", [("a.json", GONE), ("b.json.xz", data)])
open("b.xz", "wb").write(data)]]
    assert(redact("in.tar"))
    scratch:shell("tar xf in.tar")
    assert.equal(scratch:read("b.xz"), scratch:read("b.json.xz"))
    assert.equal("", scratch:read("a.json"))
  end)

  it("may hold members that are larger than what is kept in memory", function()
    make [[
lines = b"".join(b'{"id":"%d","text":"%064d"}\n' % (i + 100, i) for i in range(400000))
open("plain", "wb").write(lines)
tar("in.tar", [("a.json", lines), ("b.json.gz", gzip.compress(lines + GONE, 1)),
               ("c.bin", lines), ("d.json", GONE)])]]
    for _, jobs in ipairs { 1, 3 } do
      scratch:shell("cp in.tar place.tar")
      local counts = assert(redact("place.tar", { in_place = true, jobs = jobs }))
      assert.same({ 800002, 2 }, { counts.records, counts.dropped })
      assert.equal("", scratch:shell("tar xf place.tar && cmp a.json plain && cmp c.bin plain"
        .. " && gzip -dc b.json.gz | cmp - plain"))
      assert(redact("in.tar", { output = scratch:at("new.tar"), jobs = jobs }))
      assert.equal("", scratch:shell("tar xf new.tar && cmp a.json plain"
        .. " && gzip -dc b.json.gz | cmp - plain"))
    end
  end)

  it("keeps names of every kind", function()
    make [[
names = ["\u00e9\u4e2d.json", "x" * 300 + ".json", "a b'\".json"]
tar("pax.tar", [(name, GONE + R) for name in names], format=tarfile.PAX_FORMAT)
tar("gnu.tar", [(name, GONE + R) for name in names], format=tarfile.GNU_FORMAT)
zip("in.zip", [(name, GONE + R) for name in names])
tar("latin.tar", [("caf\u00e9.json", GONE)], format=tarfile.USTAR_FORMAT, encoding="latin1")]]
    for _, name in ipairs { "pax.tar", "gnu.tar", "in.zip", "latin.tar" } do
      local before = look(name, "facts")
      assert(redact(name))
      assert.equal((before:gsub('{"id":"13","text":"b"}|', "")), look(name, "facts"))
    end
  end)

  -- {==================================================================
  -- Hostile ones
  -- ===================================================================

  local function outside() return scratch:shell("cd .. && ls -d evil* 2>/dev/null; ls / | sort") end

  local function refused(name, problem)
    local before = scratch:read(name)
    for _, act in ipairs { extract, redact } do
      local ok, err = act(name)
      assert.is_nil(ok, name)
      assert.equal("data", err.kind)
      assert.matches(problem, err.message, 1, true)
    end
    assert.equal(before, scratch:read(name))
  end

  it("harms nothing by its names, links and devices", function()
    make [[
tar("in.tar", [("../../evil.json", GONE), ("/evil.json", R), ("a.json", R),
  ("link.json", b"", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}),
  ("hard.json", b"", {"type": tarfile.LNKTYPE, "linkname": "a.json"}),
  ("device.json", b"", {"type": tarfile.CHRTYPE}), ("pipe.json", b"", {"type": tarfile.FIFOTYPE}),
  ("a.json", GONE + R), ("\x1b[31mred.json", R)])
zip("in.zip", [("../../evil.json", GONE), ("/evil.json", R), ("a.json", GONE)])]]
    local before, facts = outside(), look("in.tar", "facts")
    local ids, counts = extract("in.tar")
    assert.same({ "1 13 ", 4 }, { ids, counts.ignored })
    assert.equal("1 13 ", (extract("in.zip")))
    assert(redact("in.zip"))
    assert(redact("in.tar"))
    assert.equal((facts:gsub('{"id":"13","text":"b"}|', "")), look("in.tar", "facts"))
    assert.equal(before, outside())
    for _, member in ipairs(assert(redact("in.tar")).files[1].members) do
      assert.is_nil(member.path:find("\27", 1, true))
    end
  end)

  it("is refused if it holds an archive", function()
    make [[
tar("a.tar", [("a.json", R)])
inner = open("a.tar", "rb").read()
tar("named.tar", [("a.json", R), ("b.tar.gz", gzip.compress(inner))])
tar("hidden.tar", [("a.json", R), ("b.json", inner)])
tar("packed.tar", [("a.json", R), ("b.json.gz", gzip.compress(inner))])
zip("in.zip", [("b.zip", inner)])]]
    for _, name in ipairs { "named.tar", "hidden.tar", "packed.tar", "in.zip" } do
      refused(name, "is an archive in an archive")
    end
  end)

  it("is refused if it is cut off anywhere", function()
    make [[
members = [("%d.json" % i, R * 100) for i in range(5)]
tar("whole.tar", members)
tar("whole.tgz", members, "w:gz")
zip("whole.zip", members)]]
    local whole = scratch:read("whole.tar")
    for _, size in ipairs { 512, 700, 1024, 2000, 3584, 5 * 3072 } do -- between members, too
      scratch:write("cut.tar", whole:sub(1, size))
      refused("cut.tar", "truncated")
    end
    for _, name in ipairs { "whole.tgz", "whole.zip" } do
      whole = scratch:read(name)
      for _, share in ipairs { 0.2, 0.6, 0.95 } do
        scratch:write("cut" .. name, whole:sub(1, math.floor(#whole * share)))
        refused("cut" .. name, "truncated")
      end
    end
  end)

  it("is refused if a checksum is wrong, or something follows", function()
    make [[
tar("in.tar", [("a.json", R), ("b.json", R)])
whole = bytearray(open("in.tar", "rb").read())
open("after.tar", "wb").write(whole + b"junk" * 200)
whole[1024 + 3] ^= 1
open("name.tar", "wb").write(whole)
zip("in.zip", [("a.json", R * 3)])
whole = bytearray(open("in.zip", "rb").read())
whole[whole.index(b'"a"') + 1] = ord("b")
open("crc.zip", "wb").write(whole)]]
    refused("name.tar", "damaged")
    refused("after.tar", "damaged")
    refused("crc.zip", "bad CRC")
  end)

  it("is read whole if it is two tars, one after the other", function()
    make [[
tar("a.tar", [("a.json", R)])
tar("b.tar", [("b.json", GONE)])
open("in.tar", "wb").write(open("a.tar", "rb").read() + open("b.tar", "rb").read())]]
    assert.equal("1 13 ", (extract("in.tar")))
    assert(redact("in.tar"))
    assert.equal("1 ", (extract("in.tar")))
  end)

  it("is refused if it is not one, or encrypted", function()
    scratch:write("page.zip", "<html>")
    scratch:write("page.tar", "<html>")
    scratch:write("none.tar", "")
    refused("page.zip", "has the name of a zip archive, but is something else")
    refused("page.tar", "has the name of a tar archive, but is something else")
    refused("none.tar", "has the name of a tar archive, but is empty")
    scratch:write("a.json", tweet(1))
    scratch:shell("zip -qP secret in.zip a.json")
    refused("in.zip", "is encrypted")
    make [[zip("book.xlsx", [("[Content_Types].xml", b"<xml/>")])]]
    refused("book.xlsx", "spreadsheet")
    make [[tar("empty.tar", [])]]
    assert.equal("", (extract("empty.tar")))
  end)

  it("may swell a thousandfold, and takes no more memory", function()
    local function peak()
      return tonumber(io.open("/proc/self/status"):read("*a"):match("VmHWM:%s*(%d+) kB")) / 1024
    end
    make [[
line = b'{"id":"%d","text":"' + b"a" * 65500 + b'"}\n'
bomb = gzip.compress(b"".join(line % (13 + i) for i in range(16))) * 700
tar("in.tar", [("a.json.gz", bomb), ("b.json", R)])
tar("deep.tar", [("a.json.gz", gzip.compress(b"[" * (20 << 20)))])]]
    local before = peak()
    local ids, counts = extract("in.tar")
    assert.equal("1 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 ", ids)
    assert.equal(16 * 700 + 1, counts.records)
    assert.equal(700, assert(redact("in.tar", { output = scratch:at("out.tar") })).dropped)
    assert.is_true(peak() - before < 100, peak() - before)
    refused("deep.tar", "a.json.gz")
  end)

  -- }==================================================================
end)
