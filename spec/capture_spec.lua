-- A tar of 200 bz2 files of a stream capture, with all that a stream sends, brought into compliance
-- in place. Python makes it, and says what it must be afterwards.

local benches = require "spec.support.bench"
local core = require "xcompliance.core"
local simulator = require "spec.support.simulator"

local shell, quote = simulator.shell, simulator.quote

local POLL = { min = 0.02, max = 0.05 }

--- capture.py make TAR [MEMBERS]: writes the capture, and beside it the rows of results on what is
-- condemned; capture.py check OLD NEW: whether NEW is OLD without it.
local CAPTURE = [[
import bz2, hashlib, io, json, random, sys, tarfile
FIRST = 800000000000000000
def gone(number): return number % 11 == 3
def gone_user(number): return number % 37 == 5
def user(number):
  return {"id": 7000 + number, "id_str": str(7000 + number), "screen_name": "u%d" % number}
def tweet(number, draw, nested=True):
  made = {"created_at": "Mon Jan 02 03:04:05 +0000 2017", "id": FIRST + number,
    "id_str": str(FIRST + number), "text": "w%d " % number * draw.randrange(1, 20),
    "user": user(number % 301), "entities": {"hashtags": [], "urls": []}, "lang": "en"}
  if nested and number % 5 == 0:
    made["retweeted_status"] = tweet(number // 5, draw, False)
  return made
def lines(member, draw):
  for i in range(60):
    number, kind = member * 60 + i, draw.randrange(20)
    if kind == 0: yield ""
    elif kind == 1: yield json.dumps({"delete": {"status": {"id": FIRST + number,
      "id_str": str(FIRST + number), "user_id": 7003, "user_id_str": "7003"}, "timestamp_ms": "1"}})
    elif kind == 2: yield json.dumps({"limit": {"track": number, "timestamp_ms": "1483326245123"}})
    else: yield json.dumps(tweet(number, draw), separators=(",", ":"))
def is_gone(record):
  if "user" not in record: return False
  return (gone(int(record["id_str"]) - FIRST) or gone_user(int(record["user"]["id_str"]) - 7000)
    or ("retweeted_status" in record and is_gone(record["retweeted_status"])))
def without(text):
  return b"".join(line for line in text.splitlines(True)
    if not line.strip() or not is_gone(json.loads(line)))
def row(id):
  return json.dumps({"id": str(id), "action": "delete", "created_at": "2017-01-01T00:00:00.000Z",
    "redacted_at": "2018-01-01T00:00:00.000Z", "reason": "deleted"}) + "\n"
def make(path, members):
  draw = random.Random(1)
  with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
    for i in range(members):
      data = bz2.compress("".join(line + "\r\n" for line in lines(i, draw)).encode())
      member = tarfile.TarInfo("2017/01/02/%02d/%02d.json.bz2" % (i // 60, i % 60))
      member.size, member.mtime, member.mode = len(data), 1483326000 + i, 0o644
      archive.addfile(member, io.BytesIO(data))
  for name, rows in (("tweets", [FIRST + i for i in range(60 * members) if gone(i)]),
                     ("users", [7000 + i for i in range(301) if gone_user(i)])):
    with open(path + "." + name, "w") as out: out.writelines(map(row, rows))
def facts(member): return (member.name, member.mtime, member.mode, member.uid, member.type)
def check(old, new):
  with tarfile.open(old) as before, tarfile.open(new) as after:
    members = 0
    for one, other in zip(before.getmembers(), after.getmembers(), strict=True):
      assert facts(one) == facts(other)
      text = bz2.decompress(before.extractfile(one).read())
      assert bz2.decompress(after.extractfile(other).read()) == without(text), one.name
      members += 1
    print(members)
if sys.argv[1] == "make": make(sys.argv[2], int(sys.argv[3]))
else: check(sys.argv[2], sys.argv[3])
]]

local function sum(path) return (assert(shell("sha256sum <" .. quote(path)))) end

describe("a tar of stream captures", function()
  local bench, folder, tar

  before_each(function()
    bench = nil
    folder = assert(shell(
      'mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")"'))
    benches.write(folder .. "/capture.py", CAPTURE)
    assert(shell(("mkdir %s/data"):format(folder)))
    tar = folder .. "/data/stream.tar"
  end)
  after_each(function()
    if bench then bench:stop() end
    shell("rm -rf " .. quote(folder))
  end)

  local function python(...)
    return (assert(shell(("python3 %s/capture.py %s"):format(folder, table.concat({ ... }, " ")))))
  end

  local function make(members)
    python("make", tar, members)
    assert(shell(("cd %s && mv data/stream.tar.tweets data/stream.tar.users . && cp %s old.tar")
      :format(folder, tar)))
  end

  local function rows()
    local all = {}
    for _, type in ipairs { "tweets", "users" } do
      for line in io.lines(folder .. "/stream.tar." .. type) do all[#all + 1] = line end
    end
    return all
  end

  local function sync()
    return bench:client():sync { inputs = { tar }, in_place = true, poll = POLL }
  end

  it("has the same members after a sync in place, and nothing condemned; a second changes nothing",
    function()
      make(200)
      bench = benches.start { shares = {}, verdicts = rows() }
      local report = assert(sync())
      assert.equal("200", python("check", folder .. "/old.tar", tar))
      assert.is_true(report.records.dropped > 1000)
      assert.equal(200, #report.files[1].members)
      local records = 0
      for _, member in ipairs(report.files[1].members) do records = records + member.records end
      assert.equal(report.records.records, records)
      assert.equal(core.crc32c(benches.read(tar)), report.files[1].output_crc32c)
      local stamp = assert(shell("stat -c '%i %Y %s' " .. tar)) .. sum(tar)
      local again = assert(sync())
      assert.equal(0, again.records.dropped)
      assert.equal(stamp, assert(shell("stat -c '%i %Y %s' " .. tar)) .. sum(tar))
    end)

  --- Begins a command and kills it after a time, or lets it end. Returns whether it had ended.
  local function kill(command, seconds)
    local pid = assert(shell(("( exec env %s ) >/dev/null 2>&1 & echo $!"):format(command)))
    core.sleep(seconds)
    local killed = shell("kill -9 " .. pid .. " 2>/dev/null")
    for _ = 1, 500 do
      if not shell("kill -0 " .. pid .. " 2>/dev/null") then break end
      core.sleep(0.01)
    end
    return not killed
  end

  it("is the old one or the new one, whenever a redaction is killed", function()
    make(40)
    local command = benches.command(("bin/xcompliance redact %s --in-place --tweets"
      .. " %s/stream.tar.tweets --users %s/stream.tar.users"):format(tar, folder, folder))
    local began = core.now()
    assert(shell(command .. " >/dev/null"))
    local whole = core.now() - began
    assert.equal("40", python("check", folder .. "/old.tar", tar))
    local old, new = sum(folder .. "/old.tar"), sum(tar)
    math.randomseed(1)
    for _ = 1, 20 do
      assert(shell(("cp %s/old.tar %s"):format(folder, tar)))
      local ended = kill(command, math.random() * whole * 1.2)
      local now = sum(tar)
      assert.is_true(now == old or now == new)
      if ended then assert.equal(new, now) end
    end
    assert(shell(("cp %s/old.tar %s && %s >/dev/null"):format(folder, tar, command)))
    assert.equal(new, sum(tar))
    assert.equal("stream.tar", (assert(shell("ls -A " .. folder .. "/data")))) -- nothing is left
  end)

  it("is the old one or the new one, whenever a sync is killed; the same command completes it",
    function()
      make(40)
      bench = benches.start { shares = {}, verdicts = rows() }
      local command = ("BEARER_TOKEN=%s XCOMPLIANCE_BASE_URL=%s %s"):format(benches.TOKEN,
        bench.sim.url, benches.command("bin/xcompliance sync " .. tar .. " --in-place --poll 1:1"))
      local old = sum(tar)
      math.randomseed(2)
      for _ = 1, 6 do
        if kill(command, 0.2 + math.random() * 2) then break end
        if sum(tar) ~= old then assert.equal("40", python("check", folder .. "/old.tar", tar)) end
      end
      assert(shell("env " .. command .. " >/dev/null"))
      assert.equal("40", python("check", folder .. "/old.tar", tar))
      assert.equal("", (shell(("ls -A %s/data | grep part"):format(folder)) or ""))
    end)

  it("is given up at once", function()
    make(60)
    local task = assert(core.verdicts { tweets = { folder .. "/stream.tar.tweets" } })
    assert.is_true(task:wait(60))
    task = assert(core.redact { verdicts = assert(task:result()), inputs = { tar },
      output = folder .. "/new.tar" })
    while task:progress().records < 500 do core.sleep(0.002) end
    local began = core.now()
    task:cancel()
    assert.is_true(task:wait(5))
    assert.is_true(core.now() - began < 0.3, core.now() - began) -- others use the machine too
    local _, err = task:result()
    assert.equal("cancelled", err.kind)
  end)
end)
