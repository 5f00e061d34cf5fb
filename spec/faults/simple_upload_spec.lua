-- Rows 27 to 33 of the fault matrix: uploads by one PUT.

local benches = require "spec.support.bench"
local flows = require "spec.support.flows"
local core = require "xcompliance.core"

local MiB = benches.MiB

flows.describe("a simple upload", function(flow)
  local bench, job, path, text

  --- A new job, for a list of this many bytes.
  local function begin(bytes)
    job = bench:job()
    path, text = bench:list(bytes)
  end

  before_each(function()
    bench = benches.start { checksums = true }
    begin(MiB)
  end)
  after_each(function() bench:stop() end)

  local function upload(fault, settings, options)
    if fault then bench:arm(fault) end
    return bench:client(settings):upload_ids(job.upload_url, path, options)
  end

  -- at the API's own host the job is read before anything is sent again
  local REPEATED = { storage = "upload upload", api = "upload get upload" }
  local ARRIVED = { storage = "upload upload", api = "upload get" }

  local function succeeds(fault, steps, settings)
    local said, info = upload(fault, settings)
    assert.is_string(said, tostring(info))
    assert.equal(steps, bench:steps())
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
    local info = succeeds(nil, "upload")
    assert.is_true(info.verified)
    assert.is_false(info.resumable)
    assert.equal(core.crc32c(text), info.crc32c)
    local headers = bench:log()[1].headers
    assert.equal(flow == "api" and "application/octet-stream" or "text/plain",
      headers["content-type"])
    assert.is_nil(headers["x-goog-hash"])
    assert.is_nil(headers["content-range"])
  end)

  for _, fault in ipairs {
    "reset@900kB", "cut@900kB", "reset", "close", "503", "503-early", "503-after@500kB", "408",
    "429", "500-html",
  } do
    it("row 27: is sent again as a whole, by the same URL: " .. fault, function()
      local refused = fault == "429" -- so nothing has arrived
      local info = succeeds("upload:" .. fault, refused and "upload upload" or REPEATED[flow])
      assert.is_true(info.verified)
      local paths = {}
      for _, entry in ipairs(bench:log()) do
        if entry.step == "upload" then paths[entry.path] = true end
      end
      assert.is_string(next(paths))
      assert.is_nil(next(paths, (next(paths))))
      assert.same({ tostring(MiB), tostring(MiB) }, bench:asked("upload", "content-length"))
    end)
  end

  it("row 27: is sent again where storage stalls, unless it has arrived", function()
    succeeds("upload:stall@30", ARRIVED[flow],
      { low_speed_time = 1, low_speed_limit = 1000000000 })
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
    assert.equal(flow == "api" and 1 or 2, bench:count("upload"))
    assert.matches("create a new job", tostring(err))
  end)

  it("row 27: not for ever", function()
    local err = fails("server", "upload:503x*", 5)
    assert.equal(5, err.attempts)
  end)

  for _, fault in ipairs { "lost", "garbage" } do
    it("row 28: an answer that was lost is no failure: " .. fault, function()
      assert.is_true(succeeds("upload:" .. fault, ARRIVED[flow]).verified)
    end)
  end

  local it_at_storage = flow == "storage" and it or function() end

  it_at_storage("row 29: a digest that storage contradicts is tried once more", function()
    succeeds("upload:400-digest", "upload upload")
  end)

  it_at_storage("row 29: and is data loss then", function()
    local err = fails("integrity", "upload:400-digestx*", 2)
    assert.matches("BadDigest", tostring(err))
  end)

  for _, fault in ipairs { "wrong-hash", flow == "storage" and "wrong-length" or nil } do
    it("row 30: storage that holds something else is data loss: " .. fault, function()
      local err = fails("integrity", "upload:" .. fault .. "x*")
      assert.matches(flow == "api" and "the API" or "storage", tostring(err))
    end)
  end

  it("row 30: without hashes it is delivered, unverified if there are always some", function()
    assert.equal(flow == "api", succeeds("upload:no-hash", "upload").verified)
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
    succeeds("upload:no-100", "upload")
    assert.is_true(core.now() - began < 4, core.now() - began)
    assert.equal("100-continue", bench:asked("upload", "expect")[1])
  end)

  it("row 33: a bit that flips on the way up is seen", function()
    local err = fails("integrity", "upload:flip@1000x*")
    assert.matches("CRC32C", tostring(err))
  end)
end)
