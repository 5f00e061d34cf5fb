-- Rows 27 to 33 of the fault matrix: uploads by one PUT.

local benches = require "spec.faults.bench"
local flows = require "spec.flows"
local core = require "xcompliance.core"

local MiB = benches.MiB

flows.describe("a simple upload", function()
  local bench, job, path, text

  --- A new job, for a list of so many bytes.
  local function begin(bytes)
    job = bench:job()
    path, text = bench:list(bytes)
  end

  before_each(function()
    bench = benches.start()
    begin(MiB)
  end)
  after_each(function() bench:stop() end)

  local function upload(fault, settings, options)
    if fault then bench:arm(fault) end
    return bench:client(settings):upload_ids(job.upload_url, path, options)
  end

  local function succeeds(fault, attempts, settings)
    local said, info = upload(fault, settings)
    assert.is_string(said, tostring(info))
    assert.equal(("upload "):rep(attempts):sub(1, -2), bench:steps())
    bench:holds(job, text)
    return info
  end

  local function fails(kind, fault, attempts)
    local said, err = upload(fault)
    assert.is_nil(said)
    assert.equal(kind, err.kind, tostring(err))
    if attempts then assert.equal(attempts, bench:count("upload")) end
    return err
  end

  it("without a fault is one PUT with the headers that were signed", function()
    local info = succeeds(nil, 1)
    assert.is_true(info.verified)
    assert.is_false(info.resumable)
    assert.equal(core.crc32c(text), info.crc32c)
    local headers = bench:log()[1].headers
    assert.equal("text/plain", headers["content-type"])
    assert.is_nil(headers["x-goog-hash"])
    assert.is_nil(headers["content-range"])
  end)

  for _, fault in ipairs {
    "reset@900kB", "cut@900kB", "reset", "close", "503", "503-early", "503-after@500kB", "408",
    "429", "500-html", "garbage",
  } do
    it("row 27: is sent again as a whole, by the same URL: " .. fault, function()
      assert.is_true(succeeds("upload:" .. fault, 2).verified)
      local paths = {}
      for _, entry in ipairs(bench:log()) do paths[entry.path] = true end
      assert.is_string(next(paths))
      assert.is_nil(next(paths, (next(paths))))
      assert.same({ tostring(MiB), tostring(MiB) }, bench:asked("upload", "content-length"))
    end)
  end

  it("row 27: is sent again where storage stalls", function()
    succeeds("upload:stall@30", 2, { low_speed_time = 1, low_speed_limit = 1000000000 })
  end)

  it("row 27: not once the URL has expired", function()
    local late = false
    local said, err = upload("upload:503", nil, {
      on_progress = function(event)
        if event.retry and not late then
          late = true
          bench.sim:advance(901)
        end
      end,
    })
    assert.is_nil(said)
    assert.equal("expired", err.kind, tostring(err))
    assert.equal(2, bench:count("upload"))
    assert.matches("create a new job", tostring(err))
  end)

  it("row 27: not for ever", function()
    local err = fails("server", "upload:503x*", 5)
    assert.equal(5, err.attempts)
  end)

  it("row 28: an answer that was lost is no failure", function()
    assert.is_true(succeeds("upload:lost", 2).verified)
  end)

  it("row 29: a digest that storage contradicts is tried once more", function()
    succeeds("upload:400-digest", 2)
  end)

  it("row 29: and is data loss then", function()
    local err = fails("integrity", "upload:400-digestx*", 2)
    assert.matches("BadDigest", tostring(err))
  end)

  for _, fault in ipairs { "wrong-length", "wrong-hash" } do
    it("row 30: storage that holds something else is data loss: " .. fault, function()
      local err = fails("integrity", "upload:" .. fault .. "x*")
      assert.matches("storage", tostring(err))
    end)
  end

  it("row 30: without hashes it is delivered, unverified", function()
    assert.is_false(succeeds("upload:no-hash", 1).verified)
  end)

  it("row 31: an early 403 is read, and ends the sending", function()
    begin(64 * MiB)
    local most = 0
    bench:arm("upload:403-after@1MiBx*")
    local said, err = bench:client():upload_ids(job.upload_url, path, {
      on_progress = function(event) most = math.max(most, event.done or 0) end,
    })
    assert.is_nil(said)
    assert.equal("forbidden", err.kind)
    assert.equal(403, err.status)
    assert.equal(1, bench:count("upload"))
    assert.is_true(most < 64 * MiB, most .. " bytes were sent")
  end)

  it("row 31: a 403 before the body means that no body is sent", function()
    begin(8 * MiB)
    local most = 0
    bench:arm("upload:403-earlyx*")
    local said, err = bench:client():upload_ids(job.upload_url, path, {
      on_progress = function(event) most = math.max(most, event.done or 0) end,
    })
    assert.is_nil(said)
    assert.equal("forbidden", err.kind)
    assert.equal(0, most)
  end)

  it("row 32: leave that is never given is not waited for", function()
    begin(8 * MiB)
    local began = core.now()
    succeeds("upload:no-100", 1)
    assert.is_true(core.now() - began < 4, core.now() - began)
    assert.equal("100-continue", bench:asked("upload", "expect")[1])
  end)

  it("row 33: a bit that flips on the way up is seen", function()
    local err = fails("integrity", "upload:flip@1000x*")
    assert.matches("CRC32C", tostring(err))
  end)
end)
