-- Rows 67 to 76, 78 and 80 of the fault matrix: downloads that break, resume and lie. What the disk
-- does is in disk_spec.lua.

local benches = require "spec.support.bench"
local core = require "xcompliance.core"
local flows = require "spec.support.flows"
local simulator = require "spec.support.simulator"

local shell, quote = simulator.shell, simulator.quote

local SHORT = '{"id":"1","action":"delete","reason":"deleted"}\n'

flows.describe("a download", function(flow)
  local bench, job, results, target

  before_each(function()
    bench = benches.start { shares = { deleted = 0.5 }, checksums = true, ranges = true }
    job, results = bench:complete_job()
    target = bench:path("results.jsonl")
  end)
  after_each(function() bench:stop() end)

  local function download(faults, settings)
    bench:arm(faults)
    return bench:client(settings):download_results(job.download_url, target)
  end

  --- The files next to the target, without it.
  local function leftovers()
    return assert(shell(("cd %s && find . -name '.*.part' | wc -l"):format(quote(bench.folder))))
  end

  local function succeeds(faults, ranges, settings)
    local status, info = download(faults, settings)
    assert.equal(200, status, tostring(info))
    assert.is_true(benches.read(target) == results, "the file is not the results")
    assert.equal(#results, info.bytes)
    if ranges then assert.same(ranges, bench:asked("download", "range")) end
    assert.equal("0", leftovers())
    return info
  end

  local function fails(kind, faults, attempts)
    benches.write(target, "old")
    local status, err = download(faults)
    assert.is_nil(status)
    assert.equal(kind, err.kind, tostring(err))
    if attempts then assert.equal(attempts, bench:count("download")) end
    assert.equal("old", benches.read(target))
    assert.equal("0", leftovers())
    assert.matches("results.jsonl", tostring(err), 1, true)
    assert.is_nil(tostring(err):find("Signature=[^*]"), tostring(err))
    assert.is_nil(tostring(err):find("token=[^*]"), tostring(err))
    return err
  end

  it("without a fault is one GET, verified", function()
    local info = succeeds({}, { "" })
    assert.is_true(info.verified)
    assert.equal(core.crc32c(results), info.crc32c)
    assert.equal("600", shell("stat -c %a " .. quote(target)))
  end)

  for _, how in ipairs { "cut", "reset" } do
    it("row 67: continues where it was " .. how, function()
      local info = succeeds({ ("download:%s@256KiB"):format(how) }, { "", "bytes=262144-" })
      assert.is_true(info.verified)
      local if_range = bench:asked("download", "if-range")
      assert.equal("", if_range[1])
      assert.matches('^".+"$', if_range[2])
    end)
  end

  it("row 67: twice, and when nothing came", function()
    succeeds({ "download:cut@100kB", "download:reset", "download:cut@200kB", "download:close" },
      { "", "bytes=100000-", "bytes=100000-", "bytes=300000-", "bytes=300000-" })
  end)

  for _, fault in ipairs { "503", "503-html", "408", "429", "500", "garbage", "lost" } do
    it("row 67: is tried again after " .. fault, function() succeeds({ "download:" .. fault }) end)
  end

  it("row 67: more often than there are attempts, as long as bytes come", function()
    local size = math.floor(#results / 10)
    succeeds({ ("download:cut@%dx9"):format(size) })
    assert.equal(10, bench:count("download"))
  end)

  it("row 67: not for ever", function()
    assert.equal(5, fails("server", { "download:503x*" }, 5).attempts)
  end)

  it("row 68: continues where it stalled", function()
    succeeds({ "download:stall-body@30" }, { "", ("bytes=%d-"):format(math.floor(#results / 2)) },
      { low_speed_time = 1, low_speed_limit = 1000000000 })
  end)

  it("row 68: and where the answer never began", function()
    succeeds({ "download:stall@30" }, { "", "" },
      { low_speed_time = 1, low_speed_limit = 1000000000 })
  end)

  it("row 69: starts over where the server sends all again", function()
    succeeds({ "download:cut@256KiB", "download:ignore-range" }, { "", "bytes=262144-" })
  end)

  it("row 69: starts over where that is shorter than what came before", function()
    bench:arm("download:cut@256KiB")
    bench.sim:arm_raw { step = "download", fault = "raw", status = 200, body = SHORT }
    local status, info = download {}
    assert.equal(200, status)
    assert.equal(SHORT, benches.read(target))
    assert.equal(flow == "api", info.verified) -- storage always offers a hash
  end)

  it("row 70: starts over where the object is another", function()
    succeeds({ "download:cut@256KiB", "download:other-etag" }, { "", "bytes=262144-", "" })
  end)

  for _, fault in ipairs { "wrong-range", "wrong-total", "no-content-range", "multipart" } do
    it("row 71: refuses the part and starts over: " .. fault, function()
      succeeds({ "download:cut@256KiB", "download:" .. fault }, { "", "bytes=262144-", "" })
    end)
  end

  it("row 70: starts over where the other object's part breaks off as well", function()
    bench:arm("download:cut@256KiB")
    bench.sim:arm_raw { step = "download", fault = "raw", status = 206, early = true,
      body = ("x"):rep(1000),
      headers = { ETag = '"another"', ["Content-Length"] = "2000",
        ["Content-Range"] = ("bytes 262144-264143/%d"):format(#results) } }
    succeeds({}, { "", "bytes=262144-", "" })
  end)

  it("row 71: refuses such parts, not for ever", function()
    local faults = {}
    for i = 1, 30, 2 do
      faults[i], faults[i + 1] = "download:cut@100kB", "download:no-content-range"
    end
    fails("network", faults)
    assert.is_true(bench:count("download") <= 6, bench:steps())
  end)

  it("row 72: nothing more to come is the whole, verified", function()
    local info = succeeds({ ("download:cut@%d"):format(#results) }, nil)
    assert.is_true(info.verified)
  end)

  it("row 72: the whole that the last run had is verified, and done", function()
    -- chunked, and cut before its end: all bytes are there, and nobody knows it
    local info = succeeds({ "download:chunked-cut" }, { "", ("bytes=%d-"):format(#results) })
    assert.is_true(info.verified)
    assert.equal(416, bench:log()[2].status)
  end)

  it("row 72: more than there is, is started over", function()
    bench:arm("download:chunked-cut")
    bench.sim:arm_raw { step = "download", fault = "raw", status = 416,
      headers = { ["Content-Range"] = "bytes */17" } }
    succeeds({}, { "", ("bytes=%d-"):format(#results), "" })
    bench:begin()
    bench:arm("download:chunked-cut")
    bench.sim:arm_raw { step = "download", fault = "raw", status = 416 }
    succeeds({}, { "", ("bytes=%d-"):format(#results), "" })
  end)

  it("row 73: a corrupt byte is found, and not published", function()
    fails("integrity", { "download:flip@1000x*" })
  end)

  it("row 73: a corrupt byte before or after the joint is found", function()
    fails("integrity", { "download:cut@256KiB", "download:flip@1000x*" })
  end)

  it("row 73: a hash that lies is not believed", function()
    local err = fails("integrity", { "download:wrong-hashx*" })
    assert.matches("CRC32C", tostring(err))
  end)

  it("row 73: without a hash it is published, unverified if there is always one", function()
    assert.equal(flow == "api", succeeds({ "download:no-hash" }, { "" }).verified)
  end)

  it("row 74: a length beyond the body is no success", function()
    succeeds({ "download:long-length" })
    assert.is_true(bench:count("download") > 1)
  end)

  it("row 74: half of it under an honest length is no success", function()
    fails("integrity", { "download:truncatedx*" })
  end)

  it("row 74: a length short of the body is no success", function()
    local status, info = download { "download:short-lengthx*" }
    assert.is_nil(status)
    assert.equal("integrity", info.kind)
    assert.is_nil(benches.read(target))
  end)

  it("row 74: chunks without the last one are no success", function()
    succeeds({ "download:chunked-cut" })
    assert.is_true(bench:count("download") > 1)
  end)

  local REFUSALS = {
    storage = {
      ["400-expired"] = "expired", ["403"] = "forbidden", ["403-signature"] = "forbidden",
      ["404"] = "not_found",
    },
    api = {
      ["401"] = "forbidden", ["403-expired"] = "forbidden", ["403-purpose"] = "forbidden",
      ["404"] = "not_found",
    },
  }
  for fault, kind in pairs(REFUSALS[flow]) do
    it("row 75: a refusal is not written into the results: " .. fault, function()
      local err = fails(kind, { "download:" .. fault .. "x*" }, 1)
      assert.is_nil(tostring(err):find("twttr", 1, true), tostring(err))
    end)
  end

  local it_at_storage = flow == "storage" and it or function() end -- else see row 103

  it_at_storage("row 75: the job is read again, once, for a URL that lives", function()
    local ids = bench:list(200)
    local function check()
      return bench:client():check { type = "users", ids = ids, results = target,
        poll = { min = 0.01, max = 0.01 } }
    end
    bench:arm("download:400-expired")
    local outcome = assert(check())
    assert.is_true(outcome.verified)
    assert.equal("create upload get download get download", bench:steps())
    bench:begin()
    bench:arm("download:400-expiredx*")
    local none, err = check()
    assert.is_nil(none)
    assert.equal("expired", err.kind)
    local one = "create upload get download get download get"
    assert.equal(table.concat({ one, one, one }, " "), bench:steps()) -- and then two other jobs
  end)

  it("row 76: what is stored as gzip is refused as it was not asked for", function()
    local err = fails("protocol", { "download:gzipx*" })
    assert.matches("gzip", tostring(err))
  end)

  it("row 76: what was decompressed on the way is delivered, unverified", function()
    -- at storage the hash is of what it stores; elsewhere it is of what was sent
    assert.equal(flow == "api", succeeds({ "download:transcoded" }, { "" }).verified)
  end)

  it("row 76: a bomb is never unpacked", function()
    fails("protocol", { "download:gzip-bomb@100MiBx*" })
  end)

  it("row 78: another file is replaced as a whole", function()
    benches.write(target, "old")
    succeeds({})
  end)

  it("row 78: a link is replaced, not followed", function()
    local victim = bench:path("victim")
    benches.write(victim, "precious")
    assert(shell(("ln -s %s %s"):format(quote(victim), quote(target))))
    succeeds({})
    assert.equal("precious", benches.read(victim))
    assert.equal("regular file", shell("stat -c %F " .. quote(target)))
  end)

  it("row 78: a folder is refused, and stays", function()
    assert(shell("mkdir " .. quote(target)))
    local status, err = download {}
    assert.is_nil(status)
    assert.equal("io", err.kind)
    assert.matches("results.jsonl", tostring(err), 1, true)
    assert.equal("directory", shell("stat -c %F " .. quote(target)))
    assert.equal("0", leftovers())
  end)

  it("row 78: a FIFO is replaced, and nobody waits for its reader", function()
    assert(shell("mkfifo " .. quote(target)))
    local status, err = download {}
    if status then
      assert.equal("regular file", shell("stat -c %F " .. quote(target)))
    else
      assert.equal("io", err.kind)
      assert.equal("fifo", shell("stat -c %F " .. quote(target)))
    end
  end)

  it("row 78: a folder that is missing is said so, before anything is asked", function()
    target = bench.folder .. "/missing/results.jsonl"
    local status, err = download {}
    assert.is_nil(status)
    assert.equal("io", err.kind)
    assert.equal("", bench:steps())
  end)

  it("row 80: no results are results", function()
    local empty = benches.start { shares = {} }
    local other = empty:complete_job(5)
    local status, info = empty:client():download_results(other.download_url, target)
    assert.equal(200, status)
    assert.equal(0, info.bytes)
    assert.is_true(info.verified)
    assert.equal("", benches.read(target))
    empty:stop()
  end)
end)
