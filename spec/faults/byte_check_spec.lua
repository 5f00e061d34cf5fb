-- Rows 89 to 103 of the fault matrix in whole checks over the API's own host: what becomes of the
-- job, and of its slot. What an upload or a download alone does is in byte_upload_spec.lua and
-- byte_download_spec.lua.

local benches = require "spec.support.bench"
local core = require "xcompliance.core"

describe("a check in the flow over the API's own host", function()
  local bench, ids, text, results

  local function begin(options)
    local all = { flow = "api" }
    for name, value in pairs(options or {}) do all[name] = value end
    bench = benches.start(all)
    ids, text = bench:list(20000)
    results = bench:path("results.jsonl")
  end
  before_each(function() begin() end)
  after_each(function() bench:stop() end)

  local function check(faults, options, settings)
    bench:arm(faults)
    local all = { type = "tweets", ids = ids, results = results, poll = { min = 0.01, max = 0.02 } }
    for name, value in pairs(options or {}) do all[name] = value end
    return bench:client(settings):check(all)
  end

  --- The steps, with polls left out: reads of the job that follow each other are one.
  local function steps()
    return (bench:steps():gsub("get[ get]*get", "get"))
  end

  local function jobs() return bench.sim:state().jobs end

  --- @return the outcome, and what was said on the way
  local function succeeds(faults, options, settings)
    local said = {}
    local all = {
      on_progress = function(event) said[#said + 1] = event.warning or event.message end,
    }
    for name, value in pairs(options or {}) do all[name] = value end
    local outcome = assert(check(faults, all, settings))
    local list = jobs()
    bench:holds(list[#list], text)
    return outcome, table.concat(said, "\n")
  end

  local function fails(kind, faults, options, settings)
    local outcome, err = check(faults, options, settings)
    assert.is_nil(outcome)
    assert.equal(kind, err.kind, tostring(err))
    assert.is_nil(benches.read(results))
    assert.is_nil(tostring(err):find(benches.TOKEN, 1, true))
    assert.is_nil(tostring(err):find("token=[^*]"), tostring(err))
    return err
  end

  it("without a fault is one job, one PUT and one GET", function()
    local outcome = succeeds {}
    assert.matches("^create upload get download$", steps())
    assert.equal(1, bench:count("upload"))
    assert.equal("application/octet-stream", bench:asked("upload", "content-type")[1])
    assert.equal(tostring(#text), bench:asked("upload", "content-length")[1])
    assert.is_true(outcome.verified)
  end)

  it("row 89: 404 with an empty body at a fresh URL names what X did, and ends the job", function()
    local err = fails("server", { "upload:404-emptyx*" })
    assert.matches("X does not accept uploads at the URL", tostring(err))
    assert.is_true(bench:count("upload") <= 8, bench:steps())
    local list = jobs()
    assert.equal("failed", list[#list].status)
    assert.is_true(#list <= 3)
    bench.sim:disarm()
    succeeds {}
  end)

  it("row 90: 401 while the token is revoked is the credential", function()
    local err = fails("auth", { "upload:401x*", "get:401x*" })
    assert.equal(1, bench:count("create"))
    assert.is_false(err.retryable)
  end)

  for _, fault in ipairs { "401", "403-purpose", "403-expired" } do
    it("row 90: while the token is good and the URL lives, it is the URL: " .. fault, function()
      local err = fails("forbidden", { "upload:" .. fault .. "x*" })
      assert.is_true(bench:count("get") > 0, "the job was not read")
      assert.matches("accepts the bearer token, but not the job's upload URL", tostring(err))
    end)
  end

  it("row 90: 403 because the URL has expired makes another job", function()
    local _, said = succeeds { "upload:upload-over" }
    assert.equal(2, #jobs())
    assert.equal(2, bench:count("create"))
    assert.matches("expired", said)
  end)

  it("row 92: 415 is tried once more with the other content type", function()
    succeeds { "upload:415" }
    assert.same({ "application/octet-stream", "text/plain" }, bench:asked("upload", "content-type"))
    assert.equal(1, #jobs())
  end)

  it("row 92: and not more often", function()
    fails("protocol", { "upload:415x*" })
    assert.equal(2, bench:count("upload"))
  end)

  it("row 93: an upload whose answer was lost is not repeated", function()
    begin { jobs_take = 0.3 }
    succeeds { "upload:lost" }
    assert.equal(1, bench:count("upload"))
    assert.matches("^create upload get download$", steps())
  end)

  for _, fault in ipairs { "cut@10000", "reset@10000", "close", "503", "503-after@10000" } do
    it("row 94: an upload that broke is repeated as a whole: " .. fault, function()
      succeeds { "upload:" .. fault }
      assert.same({ tostring(#text), tostring(#text) }, bench:asked("upload", "content-length"))
      assert.equal(1, #jobs())
      assert.equal("create upload get upload get download", steps())
    end)
  end

  it("row 94: not for ever", function()
    fails("network", { "upload:cut@1000x*" }, nil, { retry = { attempts = 8, first = 0.01,
      max = 0.02 } })
    assert.equal(8, bench:count("upload"))
  end)

  it("row 97: resumable uploads are refused, and the list is uploaded plainly", function()
    local _, said = succeeds({}, { upload = "resumable" })
    assert.matches("resumable", said)
    assert.equal(1, select(2, said:gsub("resumable", "")))
    assert.equal(2, bench:count("create"))
    assert.equal(1, #jobs())
  end)

  it("row 97: which costs one request and is said once, however many parts the list has", function()
    local warnings = {}
    local outcome = assert(check({}, { upload = "resumable", ids_per_job = 600,
      on_progress = function(event) warnings[#warnings + 1] = event.warning end }))
    assert.is_true(#outcome.jobs > 1)
    assert.equal(#outcome.jobs + 1, bench:count("create"))
    assert.equal(1, #warnings)
  end)

  it("row 97: is not blamed if it is something else that is refused", function()
    local warnings = {}
    local _, err = check({ "create:400x2" }, { upload = "resumable",
      on_progress = function(event) warnings[#warnings + 1] = event.warning end })
    assert.equal("usage", err.kind)
    assert.same({}, warnings)
  end)

  it("row 97: which costs no request if they are not wanted, however long the list is", function()
    ids, text = bench:list(20 * 500000)
    succeeds {}
    assert.equal(1, bench:count("create"))
  end)

  for _, form in ipairs { "utc", "gmt", "rfc850", "asctime" } do
    for _, offset in ipairs { -600, 600 } do
      it(("row 99: by a clock that is %d s off, written as %s"):format(offset, form), function()
        bench:stop()
        begin { dates = form, clock_offset = offset }
        local began = core.now()
        succeeds { "create:lost", "get:429@2" }
        local took = core.now() - began
        assert.is_true(took > 0.9 and took < 10, took)
        assert.equal(1, #jobs())
        for _, entry in ipairs(bench:log()) do assert.is_true((entry.status or 0) ~= 409) end
      end)
    end
  end

  it("row 100: finds its job among 5,000", function()
    bench:stop()
    begin { old_jobs = 5000 }
    bench:arm("create:lost")
    local response = assert(bench:client():create_compliance_job("tweets", "ours"))
    assert.equal("ours", response.data.name)
    assert.equal(10001, #jobs())
    assert.equal(1, bench:count("create"))
  end)

  it("row 101: a job that the API no longer knows is followed by another", function()
    local _, said = succeeds { "get:job-gone" }
    assert.equal(2, bench:count("create"))
    assert.matches("job", said)
  end)

  it("row 101: results that have expired are asked for again by another job", function()
    succeeds { "download:results-over" }
    assert.equal(2, bench:count("create"))
  end)

  it("row 103: a download whose URL was replaced reads the job, once, for the new one", function()
    succeeds { "download:url-renewed" }
    assert.equal(1, #jobs())
    assert.matches("download get download$", bench:steps())
  end)
end)
