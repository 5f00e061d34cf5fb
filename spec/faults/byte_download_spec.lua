-- Downloads from the API's own host, which promises neither parts nor a checksum; and row 103 of
-- the fault matrix. The other rows of downloads are in download_spec.lua.

local benches = require "spec.support.bench"
local core = require "xcompliance.core"
local leaks = require "spec.support.leaks"

describe("a download from the API", function()
  local bench, client, job, results, target

  local function start(options)
    if bench then bench:stop() end
    options = options or {}
    options.flow = "api"
    bench = benches.start(options)
    client = bench:client()
    job, results = bench:complete_job(20000)
    target = bench:path("results.jsonl")
  end

  before_each(function() start() end)
  after_each(function()
    bench:stop()
    bench = nil
  end)

  local function succeeds(steps)
    local status, info = client:download_results(job.download_url, target)
    assert.equal(200, status, tostring(info))
    assert.equal(steps, bench:steps())
    assert.is_true(results == benches.read(target), "other results")
    return info
  end

  local function fails(kind, steps, pattern)
    benches.write(target, "before")
    local status, err = client:download_results(job.download_url, target)
    assert.is_nil(status)
    assert.equal(kind, err.kind, tostring(err))
    assert.equal(steps, bench:steps(), tostring(err))
    assert.matches("^downloading %d+%-results.jsonl[: ]", tostring(err))
    if pattern then assert.matches(pattern, tostring(err)) end
    leaks.search(err, "the error")
    assert.equal("before", benches.read(target))
    return err
  end

  it("is one GET with the token, proved by its length", function()
    local info = succeeds("download")
    assert.same({
      bytes = #results, crc32c = core.crc32c(results), flow = "api", verified = true,
      checksum = "none",
    }, info)
    assert.is_true(bench:log()[1].authorization)
    assert.equal("", bench:asked("download", "range")[1])
  end)

  it("compares a checksum if the API sends one", function()
    start { checksums = true }
    local info = succeeds("download")
    assert.is_true(info.verified)
    assert.equal("crc32c", info.checksum)
    bench:begin()
    bench:arm("download:wrong-hash")
    fails("integrity", "download", "the API's CRC32C is ")
  end)

  for _, header in ipairs { "Digest: crc32c=", "Repr-Digest: crc32c=:" } do
    it("compares a checksum in another header, too: " .. header, function()
      local close = header:sub(-1) == ":" and ":" or ""
      bench:arm("download:header@" .. header .. core.crc32c(results) .. close)
      assert.equal("crc32c", succeeds("download").checksum)
      bench:begin()
      bench:arm("download:header@" .. header .. core.crc32c("x") .. close)
      fails("integrity", "download")
    end)
  end

  it("begins again if it breaks off, because parts of it are not offered", function()
    bench:arm("download:cut@100kB", "download:reset@200kB")
    succeeds("download download download")
    assert.same({ "", "", "" }, bench:asked("download", "range"))
  end)

  it("continues with a part if the API offers parts", function()
    start { ranges = true }
    bench:arm("download:cut@100kB")
    succeeds("download download")
    local ranges = bench:asked("download", "range")
    assert.equal("", ranges[1])
    assert.matches("^bytes=%d+%-$", ranges[2])
  end)

  it("without a marked end is refused, and is not verified if that is accepted", function()
    bench:arm("download:unframed")
    fails("protocol", "download", "the API sent neither the length nor a checksum")
    bench:begin()
    bench:arm("download:unframed")
    local _, info = assert(client:download_results(job.download_url, target,
      { allow_unframed = true }))
    assert.is_false(info.verified)
    assert.equal("none", info.checksum)
  end)

  for _, range in ipairs { "bytes 0-99/*", "bytes 0-99/20000000", "bytes 100-199/200" } do
    it("is not complete if a part is sent that was not asked for: " .. range, function()
      local rows = results:match("^[^\n]*\n") -- whole rows, and their length is stated
      range = range:gsub("0%-99", "0-" .. #rows - 1)
      bench.sim:arm_raw { step = "download", fault = "raw", status = 206, body = rows,
        headers = { ["Content-Range"] = range } }
      succeeds("download download")
    end)
  end

  for _, status in ipairs { "401", "403" } do
    it("row 103: reads the job once for another URL, " .. status, function()
      bench:arm("download:" .. status)
      bench.sim:arm_raw { step = "get", fault = "set", parameter = require("cjson").encode {
        download_url = job.download_url .. "&compliance_job.fields=id",
      } }
      succeeds("download get download")
    end)

    it("row 103: the URL is of no use, " .. status, function()
      bench:arm("download:" .. status .. "x*")
      local err = fails("forbidden", "download get", "accepts the bearer token, but not the job's"
        .. " download URL")
      assert.is_true(err.url_refused)
    end)

    it("row 103: the results expired, " .. status, function()
      bench.sim:advance(604801)
      bench:arm("download:" .. status .. "x*")
      fails("expired", "download get", "the results of job %d+ expired at 20%d%d%-")
    end)

    it("row 103: the bearer token is refused, " .. status, function()
      bench:arm("download:" .. status .. "x*", "get:" .. status .. "x*")
      local err = fails(status == "401" and "auth" or "forbidden", "download get",
        "refuses the bearer token for the job too")
      assert.is_nil(err.url_refused)
    end)
  end

  it("row 103: another URL that is refused, too, is not exchanged again", function()
    bench:arm("download:403x*")
    for i = 1, 3 do
      bench.sim:arm_raw { step = "get", fault = "set", parameter = require("cjson").encode {
        download_url = job.download_url .. "&compliance_job.fields=" .. i,
      } }
    end
    assert.is_true(fails("forbidden", "download get download get").url_refused)
  end)

  it("row 103: another URL that leads elsewhere is refused", function()
    bench:arm("download:403x*")
    bench.sim:arm_raw { step = "get", fault = "set",
      parameter = '{"download_url":"https://api.example/2/compliance/jobs/1/download?token=a"}' }
    fails("protocol", "download get", "refused")
  end)

  it("row 103: for real: expired, and of another operation", function()
    local url = job.download_url
    job.download_url = url:gsub("token=.*$", "token=nonsense")
    succeeds("download get download") -- the job has the right one
    bench:begin()
    bench.sim:advance(604801)
    job.download_url = url
    fails("expired", "download get")
  end)

  it("of a job without results says what the job is", function()
    local other = bench:job()
    target = bench:path("other.jsonl")
    bench:arm("download:401x*")
    local _, err = client:download_results(other.download_url, target)
    assert.equal("not_found", err.kind)
    assert.matches("job %d+ is created: it has no results yet$", tostring(err))
    bench.sim:change_job(other.id, { status = "failed", error = "no reason" })
    _, err = client:download_results(other.download_url, target)
    assert.equal("job_failed", err.kind)
    assert.matches("no reason", tostring(err))
  end)
end)
