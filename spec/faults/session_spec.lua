-- Rows 23 to 26 and 34 to 56 of the fault matrix: resumable uploads whose start, pieces, last piece
-- and status queries fail.

local benches = require "spec.support.bench"
local flows = require "spec.support.flows"

local KiB, MiB = benches.KiB, benches.MiB
local LIST = 700 * KiB -- two whole pieces of 256 KiB, and some

flows.describe("a resumable upload", function()
  local bench, job, path, text

  --- A new job, for a list of this many bytes.
  local function begin(bytes)
    job = bench:job { resumable = true }
    path, text = bench:list(bytes or LIST)
  end

  before_each(function()
    bench = benches.start()
    begin()
  end)
  after_each(function() bench:stop() end)

  --- Uploads, with faults.
  local function upload(faults, options, settings)
    bench:arm(faults)
    return bench:client(settings):upload_ids(job.upload_url, path, options)
  end

  local function succeeds(faults, steps, options, settings)
    local said, info = upload(faults, options, settings)
    assert.is_string(said, tostring(info))
    if steps then assert.equal(steps, bench:steps()) end
    bench:holds(job, text)
    return info
  end

  local function fails(kind, faults, steps, options)
    local said, err = upload(faults, options)
    assert.is_nil(said)
    assert.equal(kind, err.kind, tostring(err))
    if steps then assert.equal(steps, bench:steps()) end
    assert.matches("^uploading %d+%-ids%.txt", tostring(err))
    assert.is_nil(tostring(err):find("Signature=[^*]"), tostring(err))
    assert.is_nil(tostring(err):find("upload_id=[^*]"), tostring(err))
    return err
  end

  it("without a fault is a start and one piece that storage verifies", function()
    local info = succeeds({}, "start chunk")
    assert.is_true(info.verified)
    assert.is_true(info.resumable)
    assert.same({ ("bytes 0-%d/%d"):format(LIST - 1, LIST) }, bench:asked("chunk", "content-range"))
    assert.matches("^crc32c=", bench:asked("chunk", "x-goog-hash")[1])
    local start = bench:log()[1].headers
    assert.equal("0", start["content-length"])
    assert.equal("text/plain", start["content-type"])
    assert.equal("start", start["x-goog-resumable"])
  end)

  -- {==================================================================
  -- The start
  -- ===================================================================

  for _, fault in ipairs { "503", "408", "429", "reset", "close", "garbage", "500-html" } do
    it("row 23: starts again by the same URL after " .. fault, function()
      succeeds({ "start:" .. fault }, "start start chunk")
    end)
  end

  it("row 23: starts are bounded", function()
    local err = fails("server", { "start:503x*" }, "start start start start start")
    assert.equal(5, err.attempts)
    assert.is_true(err.retryable)
  end)

  for fault, case in pairs {
    ["400-expired"] = { "expired", "ExpiredToken" },
    ["400-malformed"] = { "protocol", "MalformedSecurityHeader" },
    ["403"] = { "forbidden", "AccessDenied" },
    ["403-signature"] = { "forbidden", "SignatureDoesNotMatch" },
  } do
    it("row 24: is over when the start is answered " .. fault, function()
      local err = fails(case[1], { "start:" .. fault .. "x*" }, "start")
      assert.matches(case[2], tostring(err), 1, true)
      assert.is_false(err.retryable)
      assert.is_nil(tostring(err):find("twttr", 1, true), "the canonical request shows")
    end)
  end

  it("row 25: takes 200 for 201", function() succeeds({ "start:status@200" }, "start chunk") end)

  for _, fault in ipairs {
    "no-location", "relative-location", "foreign-location", "foreign-location@http://127.0.0.1:1",
    "header@Location: https://user@storage.googleapis.com/x?upload_id=1",
    "header@Location: file:///etc/passwd", "header@Location: https://storage.googleapis.com.evil/",
  } do
    it("row 25: goes nowhere by " .. fault, function()
      fails("protocol", { "start:" .. fault .. "x*" }, "start")
    end)
  end

  it("row 26: a start whose answer was lost is made again, and harmless", function()
    succeeds({ "start:lost" }, "start start chunk")
    local open, complete = 0, 0
    for _, session in ipairs(bench.sim:state().sessions) do
      if session.job == job.id and session.state == "open" then open = open + 1 end
      if session.job == job.id and session.state == "complete" then complete = complete + 1 end
    end
    assert.same({ 1, 1 }, { open, complete })
  end)

  -- }==================================================================

  -- {==================================================================
  -- Pieces
  -- ===================================================================

  for _, fault in ipairs {
    "503", "408", "429", "500", "502", "504", "503-html", "503-early", "503-retry-after@0.1",
  } do
    it("row 34: asks what is kept after " .. fault .. ", and continues", function()
      succeeds({ "chunk:" .. fault }, "start chunk query chunk")
    end)
  end

  it("row 34: asks each time", function()
    succeeds({ "chunk:503x2" }, "start chunk query chunk query chunk")
  end)

  it("row 35: what is kept is not sent again", function()
    begin(10 * MiB)
    succeeds({ "chunk:503-after@256KiB", "chunk:503-after@8192KiB", "chunk:408" },
      "start chunk query chunk query chunk query chunk")
    local first = {}
    for i, range in ipairs(bench:asked("chunk", "content-range")) do
      first[i] = range:match("^bytes (%d+)%-10485759/10485760$")
    end
    assert.same({ "0", tostring(256 * KiB), tostring((256 + 8192) * KiB),
      tostring((256 + 8192) * KiB) }, first)
  end)

  for _, fault in ipairs { "reset@600000", "cut@600000" } do
    it("row 36: continues from what storage kept of a connection that broke: " .. fault, function()
      succeeds({ "chunk:" .. fault }, "start chunk query chunk")
      assert.equal(("bytes %d-%d/%d"):format(512 * KiB, LIST - 1, LIST),
        bench:asked("chunk", "content-range")[2])
    end)
  end

  it("row 37: goes back where 308 says that less is kept than was sent", function()
    succeeds({ "chunk:308-partial@300KiB" }, "start chunk chunk")
    assert.equal(("bytes %d-%d/%d"):format(256 * KiB, LIST - 1, LIST),
      bench:asked("chunk", "content-range")[2])
  end)

  it("row 37: pieces stay multiples of 256 KiB", function()
    begin(5 * 256 * KiB + 1)
    succeeds({ "chunk:308-partial@300KiB+1" }, nil, { chunk = 512 * KiB })
    local total = tostring(#text)
    assert.same({
      "bytes 0-524287/" .. total, "bytes 524288-1048575/" .. total, -- of which 256 KiB are kept
      "bytes 786432-1310719/" .. total, "bytes 1310720-1310720/" .. total,
    }, bench:asked("chunk", "content-range"))
    assert.same({ "", "", "", true }, (function(hashes)
      hashes[4] = hashes[4]:match("^crc32c=") ~= nil
      return hashes
    end)(bench:asked("chunk", "x-goog-hash")))
  end)

  it("row 38: asks where 308 comes without a Range", function()
    succeeds({ "chunk:no-range" }, "start chunk query")
  end)

  it("row 38: nothing kept, time and again, is an error", function()
    local err = fails("server", { "chunk:308-partial@0x*" })
    assert.equal(5, bench:count("chunk"))
    assert.equal(5, err.attempts)
    assert.matches("0 of 716,800 bytes", tostring(err))
  end)

  it("row 38: all kept, and yet never complete, is an error", function()
    local all = ("range@bytes=0-%d"):format(LIST - 1)
    fails("server", { "chunk:" .. all .. "x*", "query:" .. all .. "x*" })
    assert.is_true(#bench:log() < 20, bench:steps())
  end)

  for _, fault in ipairs { "range@bytes=0-99999999", "range@bytes=0-716800" } do
    it("row 39: more kept than there is, is data loss: " .. fault, function()
      fails("integrity", { "chunk:" .. fault .. "x*" }, "start chunk")
    end)
  end

  it("row 39: more kept than was sent, is data loss", function()
    fails("integrity", { "chunk:range-aheadx*" }, "start chunk", { chunk = 256 * KiB })
    fails("integrity", { "query:range@bytes=0-524287x*", "chunk:503-early" }, nil,
      { chunk = 256 * KiB })
  end)

  it("row 39: and the next run does not trust that session", function()
    local results = bench:path("results.jsonl")
    local function check()
      return bench:client():check { type = "tweets", ids = path, results = results,
        upload = "resumable", chunk = 256 * KiB, poll = { min = 0.01, max = 0.01 } }
    end
    bench.sim:change_job(job.id, { status = "expired" })
    bench:begin()
    bench:arm("chunk:range-ahead")
    local outcome, err = check()
    assert.is_nil(outcome)
    assert.equal("integrity", err.kind, tostring(err))
    bench:begin()
    assert(check())
    assert.matches("start chunk", bench:steps(), 1, true)
    assert.is_nil(bench:steps():find("query", 1, true))
  end)

  for _, range in ipairs {
    "bytes 0-5", "0-", "bytes=5-9", "bytes=0-18446744073709551616", "bytes=0--1", "bytes=-1",
    "bytes=0-9223372036854775807", "bytes=0-1e5", "bytes=0-0x10", "items=0-262143", "bytes=0-5,7-9",
  } do
    it("row 40: asks where the Range cannot be read: " .. range, function()
      bench.sim:arm_raw { step = "chunk", fault = "range", parameter = range }
      succeeds({}, "start chunk query")
    end)
    it("row 40: and gives up where it never can: " .. range, function()
      bench.sim:arm_raw { step = "query", fault = "range", parameter = range, count = "*" }
      local err = fails("protocol", { "chunk:503" })
      assert.is_true(#bench:log() < 10, bench:steps())
      assert.matches(range, tostring(err), 1, true)
    end)
  end

  it("row 40: two Ranges are not one", function()
    succeeds({ "chunk:two-ranges" }, "start chunk query")
  end)

  it("row 41: complete before all was sent, is no success", function()
    begin(8 * MiB)
    fails("integrity", { "chunk:200-early" }, "start chunk")
  end)

  it("row 41: complete after the first of several pieces, is no success", function()
    fails("integrity", { "chunk:status@200" }, "start chunk", { chunk = 256 * KiB })
  end)

  it("row 42: 200 that says that it is 308 is 308", function()
    succeeds({ "chunk:override-308" }, "start chunk chunk")
    begin()
    succeeds({ "chunk:503", "query:override-308" }, "start chunk query chunk")
  end)

  for _, status in ipairs { "404", "410" } do
    it("row 43: a lost session is started again, from byte 0: " .. status, function()
      succeeds({ "chunk:503-after@256KiB", "query:" .. status }, "start chunk query start chunk")
      local range = ("bytes 0-%d/%d"):format(LIST - 1, LIST)
      assert.equal(range, bench:asked("chunk", "content-range")[2])
      begin()
      succeeds({ "chunk:" .. status }, "start chunk start chunk")
    end)
  end

  it("row 43: not for ever", function()
    local err = fails("expired", { "chunk:410x*" })
    assert.is_true(bench:count("start") <= 4, bench:steps())
    assert.is_false(err.retryable)
  end)

  it("row 44: a lost session whose URL has expired needs a new job", function()
    local err = (function()
      bench:arm("chunk:503-after@256KiB", "query:404")
      local advanced = false
      local said, err = bench:client():upload_ids(job.upload_url, path, {
        on_progress = function(event)
          if event.retry and not advanced then
            advanced = true
            bench.sim:advance(901)
          end
        end,
      })
      assert.is_nil(said)
      return err
    end)()
    assert.equal("expired", err.kind)
    assert.equal("start chunk query start", bench:steps())
    assert.matches("create a new job", tostring(err))
  end)

  it("row 45: 308 with a Location is not followed", function()
    local other = benches.start()
    succeeds({ "chunk:308@" .. other.sim.url .. "/elsewhere" }, "start chunk query chunk")
    assert.equal("", other:steps())
    other:stop()
  end)

  it("row 46: a 503 that means a gap is recognised by asking", function()
    succeeds({ "chunk:gap" }, "start chunk query chunk")
  end)

  it("row 46: and does not continue for ever", function()
    local err = fails("server", { "chunk:gapx*" })
    assert.is_true(#bench:log() <= 11, bench:steps())
    assert.matches("exceeds already uploaded size", tostring(err))
  end)

  it("row 47: an answer that stalls is given up, and asked for", function()
    local info = succeeds({ "chunk:stall@30" }, "start chunk query", nil,
      { low_speed_time = 1, low_speed_limit = 1000000000 })
    assert.is_true(info.verified)
  end)

  it("row 48: a slow link is no fault", function()
    local client = { low_speed_time = 1, low_speed_limit = 1024, timeout = 1, connect_timeout = 1 }
    begin(300000)
    succeeds({ "chunk:throttle@100kB" }, "start chunk", nil, client)
  end)

  it("row 48: 50 MB at 100 kB a second arrive #slow", function()
    begin(50 * 1000 * 1000)
    succeeds({ "chunk:throttle@100kB" }, "start chunk")
  end)

  -- }==================================================================

  -- {==================================================================
  -- The last piece, and queries
  -- ===================================================================

  it("row 50: an answer that was lost is asked for", function()
    local info = succeeds({ "chunk:lost" }, "start chunk query")
    assert.is_true(info.verified)
  end)

  it("row 50: and its hash is looked at", function()
    fails("integrity", { "chunk:lost", "query:wrong-hash" }, "start chunk query")
  end)

  it("row 51: continues where the last piece was kept in part", function()
    path, text = bench:list(800 * KiB)
    succeeds({ "chunk:308-partial@256KiB+1" }, "start chunk chunk chunk", { chunk = 512 * KiB })
  end)

  it("row 52: 201 is success", function() succeeds({ "chunk:status@201" }, "start chunk") end)

  it("row 52: 200 with a body is success, and the body is returned", function()
    bench.sim:arm_raw { step = "chunk", fault = "raw", status = 200, body = "stored, thank you" }
    local said, info = bench:client():upload_ids(job.upload_url, path)
    assert.equal("stored, thank you", said)
    assert.is_false(info.verified)
  end)

  it("row 52: 200 without hashes is success, unverified", function()
    local info = succeeds({ "chunk:no-hash" }, "start chunk")
    assert.is_false(info.verified)
  end)

  it("row 52: other hashes, or another length, are data loss", function()
    fails("integrity", { "chunk:wrong-hash" }, "start chunk")
    begin()
    fails("integrity", { "chunk:wrong-length" }, "start chunk")
  end)

  it("row 53: a sum that storage contradicts ends the session; there is one more", function()
    succeeds({ "chunk:400-digest" }, "start chunk start chunk")
    begin()
    local err = fails("integrity", { "chunk:400-digestx*" }, "start chunk start chunk")
    assert.is_false(err.retryable)
  end)

  it("row 53: bits that flip on the way are found by storage", function()
    succeeds({ "chunk:flip@300000" }, "start chunk start chunk")
  end)

  for _, size in ipairs { 1, 256 * KiB - 1, 256 * KiB, 256 * KiB + 1, 1024 * KiB } do
    it(("row 54: %d bytes are sent as they are"):format(size), function()
      begin(size)
      succeeds({}, "start chunk")
      local range = ("bytes 0-%d/%d"):format(size - 1, size)
      assert.same({ range }, bench:asked("chunk", "content-range"))
      assert.same({ tostring(size) }, bench:asked("chunk", "content-length"))
      begin(size)
      succeeds({}, nil, { chunk = 256 * KiB })
      assert.equal(math.ceil(size / (256 * KiB)), bench:count("chunk"))
      assert.equal(0, bench:count("query"))
    end)
  end

  it("row 54: an empty list is refused before anything is sent", function()
    begin(0)
    local said, err = bench:client():upload_ids(job.upload_url, path)
    assert.is_nil(said)
    assert.equal("data", err.kind)
    assert.equal("", bench:steps())
  end)

  it("row 54: all kept but not complete is ended by an empty last piece", function()
    begin(512 * KiB)
    succeeds({ "chunk:503-after@512KiB" }, "start chunk query")
    assert.same({ "bytes */524288" }, bench:asked("query", "content-range"))
    assert.same({ "0" }, bench:asked("query", "content-length"))
  end)

  for _, fault in ipairs { "503", "500-html", "408", "429", "reset", "close", "lost", "garbage" } do
    it("row 55: a query that fails is asked again: " .. fault, function()
      succeeds({ "chunk:503-after@256KiB", "query:" .. fault }, "start chunk query query chunk")
      assert.equal(("bytes %d-%d/%d"):format(256 * KiB, LIST - 1, LIST),
        bench:asked("chunk", "content-range")[2])
    end)
  end

  it("row 55: a query that is never answered is asked again", function()
    succeeds({ "chunk:503-after@256KiB", "query:stall@30" }, "start chunk query query chunk", nil,
      { low_speed_time = 1, low_speed_limit = 1000000000 })
  end)

  it("row 55: queries are bounded", function()
    fails("server", { "chunk:503-after@256KiB", "query:503x*" },
      "start chunk query query query query")
  end)

  it("row 56: what is kept may become less", function()
    begin(2 * MiB)
    succeeds({ "chunk:503-after@1MiB", "chunk:503-after@0", "query:shrink@2+1" },
      "start chunk query chunk query chunk")
    local total = #text
    assert.same({
      ("bytes 0-%d/%d"):format(total - 1, total), ("bytes %d-%d/%d"):format(MiB, total - 1, total),
      ("bytes %d-%d/%d"):format(MiB / 2, total - 1, total),
    }, bench:asked("chunk", "content-range"))
  end)

  -- }==================================================================
end, "storage")
