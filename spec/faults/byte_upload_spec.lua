-- Rows 89 to 94 and 97 of the fault matrix: uploads to the API's own host. The job is read before
-- anything is repeated, and whenever a refusal has two meanings.

local benches = require "spec.support.bench"
local core = require "xcompliance.core"
local leaks = require "spec.support.leaks"
local xcompliance = require "xcompliance"

describe("an upload to the API", function()
  local bench, client, job, path, text

  local function start(options)
    if bench then bench:stop() end
    options = options or {}
    options.flow = "api"
    bench = benches.start(options)
    client = bench:client()
    job = bench:job()
    path, text = bench:list(300000)
  end

  before_each(function() start() end)
  after_each(function()
    bench:stop()
    bench = nil
  end)

  local function upload(options) return client:upload_ids(job.upload_url, path, options) end

  local function succeeds(steps)
    local said, info = assert(upload())
    assert.equal(steps, bench:steps())
    bench:holds(job, text)
    return said, info
  end

  local function fails(kind, steps, pattern)
    local said, err = upload()
    assert.is_nil(said)
    assert.equal(kind, err.kind, tostring(err))
    assert.equal(steps, bench:steps(), tostring(err))
    assert.matches("^uploading %d+%-ids.txt[: ]", tostring(err))
    if pattern then assert.matches(pattern, tostring(err)) end
    leaks.search(err, "the error")
    return err
  end

  --- The token of the job's URL, as it is written and decoded.
  local function is_silent(err)
    local token = job.upload_url:match("token=(.*)$")
    local decoded = token:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
    local function search(value)
      if type(value) == "table" then
        for name, member in pairs(value) do
          search(name)
          search(member)
        end
      elseif type(value) == "string" then
        assert.is_nil(value:find(token, 1, true), value)
        assert.is_nil(value:find(decoded, 1, true), value)
      end
    end
    search(err)
  end

  it("is one PUT of octets with the token, proved by its length", function()
    local said, info = succeeds("upload")
    assert.equal(job.id, require("cjson").decode(said).data.id)
    assert.same({
      bytes = 300000, ids = 15000, crc32c = core.crc32c(text), flow = "api", verified = true,
      checksum = "none", resumable = false,
    }, info)
    assert.equal("application/octet-stream", bench:asked("upload", "content-type")[1])
    assert.equal("300000", bench:asked("upload", "content-length")[1])
    assert.is_true(bench:log()[1].authorization)
  end)

  it("compares a checksum if the API sends one", function()
    start { checksums = true }
    local _, info = succeeds("upload")
    assert.is_true(info.verified)
    assert.equal("crc32c", info.checksum)
    job = bench:job()
    bench:arm("upload:wrong-hash")
    local err = fails("integrity", "upload", "the API's CRC32C is ")
    assert.is_true(err.spoilt)
  end)

  it("row 89: a fresh URL at which X answers 404 without a body is its own fault", function()
    bench:arm("upload:404-emptyx*")
    local err = fails("server", "upload get", "X does not accept uploads at the URL that it issued")
    assert.is_false(err.retryable)
  end)

  it("row 89: so is it with a body, and a job that is gone is not found", function()
    bench:arm("upload:404x*")
    fails("server", "upload get")
    bench:begin()
    bench:arm("get:404")
    fails("not_found", "upload get", "the API does not know job %d+ any more$")
  end)

  for _, status in ipairs { "401", "403" } do
    it("row 90: distinguished by the job: the URL expired, " .. status, function()
      bench:arm("upload:" .. status .. "x*")
      bench.sim:advance(901)
      local err = fails("expired", "upload get", "the upload URL of job %d+ expired at 20%d%d%-")
      assert.is_false(err.retryable)
      assert.equal(job.id, err.job.id)
    end)

    it("row 90: the same in the second in which it expires: dates are whole, " .. status, function()
      bench:arm("upload:" .. status .. "x*")
      bench.sim:advance(899)
      fails("expired", "upload get")
    end)

    it("row 90: distinguished by the job: the URL is of no use, " .. status, function()
      bench:arm("upload:" .. status .. "x*")
      bench.sim:advance(890)
      local err = fails("forbidden", "upload get", "accepts the bearer token, but not the job's"
        .. " upload URL, which was altered or is for another purpose %- create a new job$")
      assert.is_true(err.url_refused)
      assert.is_false(err.retryable)
      assert.equal(tonumber(status), err.status)
    end)

    it("row 90: distinguished by the job: the bearer token is refused, " .. status, function()
      bench:arm("upload:" .. status .. "x*", "get:" .. status .. "x*")
      local err = fails(status == "401" and "auth" or "forbidden", "upload get",
        "refuses the bearer token for the job too: .* %- check ")
      assert.is_nil(err.url_refused)
    end)
  end

  it("row 90: for real: a token of another operation, a window that has ended", function()
    local download_token = job.download_url:match("token=(.*)$")
    local upload_url = job.upload_url
    job.upload_url = upload_url:gsub("token=.*$", "token=" .. download_token:gsub("%%", "%%%%"))
    assert.is_true(fails("forbidden", "upload get").url_refused)
    job.upload_url = upload_url:gsub("token=.*$", "token=nonsense")
    bench:begin()
    assert.is_true(fails("forbidden", "upload get").url_refused)
    job.upload_url = upload_url
    bench:begin()
    bench.sim:advance(901)
    fails("expired", "upload get")
  end)

  it("row 90: a job that failed meanwhile is said to have failed", function()
    bench.sim:change_job(job.id, { status = "failed", error = "no reason" })
    fails("job_failed", "upload get", "job %d+ failed: no reason %- create a new job$")
  end)

  it("row 91: 413 says that the list is too large, before it is sent", function()
    start { upload_limit = 200000 }
    local err = fails("too_large", "upload")
    assert.is_false(err.retryable)
    assert.equal(413, err.status)
  end)

  it("row 92: 415 is answered by the other content type, once", function()
    bench:arm("upload:415")
    succeeds("upload upload")
    assert.same({ "application/octet-stream", "text/plain" }, bench:asked("upload", "content-type"))
    job = bench:job()
    bench:arm("upload:415x*")
    fails("protocol", "upload upload")
  end)

  it("row 93: an upload whose answer was lost is not repeated", function()
    bench:arm("upload:lost")
    local _, info = succeeds("upload get")
    assert.is_true(info.verified)
    assert.equal("none", info.checksum)
  end)

  for _, fault in ipairs { "half", "status@503", "chunked-cut", "garbage", "errors-only" } do
    it("row 93: nor is one whose answer cannot be read: " .. fault, function()
      bench:arm("upload:" .. fault)
      local _, info = assert(upload())
      assert.is_true(info.verified)
      -- the job says that the ids have arrived, unless the status has said so
      assert.equal(fault == "half" and "upload" or "upload get", bench:steps())
      bench:holds(job, text)
    end)
  end

  it("row 93: nor is one whose answer came too late for the deadline, by a later call", function()
    bench:arm("upload:stall@5")
    local _, err = upload { deadline = 0.5 }
    assert.equal("timeout", err.kind)
    assert.is_true(err.deadline)
    bench:begin()
    fails("conflict", "upload get", "is %a+_?%a*: ids were uploaded to it before")
    bench:holds(job, text)
  end)

  for _, fault in ipairs { "reset@100kB", "cut@100kB", "close", "503", "503-after@100kB", "408" } do
    it("row 94: a broken upload is repeated whole while the job is created: " .. fault, function()
      bench:arm("upload:" .. fault)
      succeeds("upload get upload")
    end)
  end

  it("row 94: it is not repeated when the window has ended meanwhile", function()
    bench:arm("upload:reset@100kB")
    bench.sim:arm_raw { step = "get", fault = "set",
      parameter = '{"upload_expires_at":"2021-10-07T07:56:18.000Z"}' }
    fails("expired", "upload get")
  end)

  it("row 94: it is repeated at most so often", function()
    bench:arm("upload:closex*")
    local err = fails("network", "upload get upload get upload get upload get upload")
    assert.equal(5, err.attempts)
    assert.matches("after 5 attempts%)", tostring(err))
  end)

  it("row 94: and the job is asked for again if that fails", function()
    bench:arm("upload:reset@100kB", "get:503", "get:close")
    succeeds("upload get get get upload")
  end)

  it("never takes the ids of others for its own", function()
    local other = bench:list(2000)
    assert(client:upload_ids(job.upload_url, other))
    bench:begin()
    local err = fails("conflict", "upload get", "ids were uploaded to it before")
    assert.is_false(err.retryable)
  end)

  it("says so if the job works on a list that was not sent to its end", function()
    path = bench:list(20000000) -- more than the buffers on the way hold
    bench:arm("upload:reset@100kB")
    bench.sim:arm_raw { step = "get", fault = "set", parameter = '{"status":"in_progress"}' }
    local err = fails("integrity", "upload get", "is in_progress, but only [%d,]+ of 20,000,000 ")
    assert.is_true(err.spoilt)
  end)

  it("says so if the answer is yes before the list was sent to its end", function()
    path = bench:list(20000000)
    bench:arm("upload:200-early")
    local err = fails("integrity", "upload", "the API took [%d,]+ of 20,000,000 bytes")
    assert.is_true(err.spoilt)
  end)

  it("row 94: and not if an attempt before the last had sent it to its end", function()
    path, text = bench:list(2000000) -- so much waits for a yes, and the second time it gets a no
    bench:arm("upload:lost")
    bench.sim:arm_raw { step = "get", fault = "set", parameter = '{"status":"created"}' }
    succeeds("upload get upload get")
  end)

  it("needs no job that is known, but refuses that of another", function()
    local url = job.upload_url:gsub("/jobs/%d+", "/jobs/1")
    local _, err = client:upload_ids(url, path)
    assert.equal("not_found", err.kind)
    local uploads, connection = require "xcompliance.upload", bench:connection()
    bench:begin()
    _, err = uploads.run(connection, connection:call("x"), url, path, { job_id = job.id })
    assert.equal("protocol", err.kind)
    assert.matches("it is not the job's upload URL", tostring(err))
    assert.equal("", bench:steps())
  end)

  it("needs a bearer token", function()
    local own = xcompliance.client { token_file = "/nonexistent", base_url = bench.sim.url }
    local _, err = own:upload_ids(job.upload_url, path)
    own:close()
    assert.equal("config", err.kind)
    assert.matches("^uploading %d+%-ids.txt: reading the bearer token: ", tostring(err))
    assert.equal("", bench:steps())
  end)

  it("shows no token, however it is echoed", function()
    local token = job.upload_url:match("token=(.*)$")
    for _, body in ipairs {
      '{"errors":[{"parameters":{"token":["%s"]},"message":"bad %s"}],"title":"Invalid Request"}',
      '<html>%s token=%s</html>',
    } do
      bench.sim:arm_raw { step = "upload", fault = "raw", status = 400, early = true,
        body = body:gsub("%%s", function() return token end), headers = { ["X-Echo"] = token } }
      local _, err = upload()
      assert.equal(400, err.status)
      is_silent(err)
      leaks.search(err, "an error")
    end
  end)

  it("row 97: a job for resumable uploads that is refused is created plainly", function()
    bench.sim:change_job(job.id, { status = "failed" })
    local warnings = {}
    local response = assert(client:create_compliance_job("tweets", "plain", true, {
      on_progress = function(event) warnings[#warnings + 1] = event.warning end,
    }))
    assert.equal("plain", response.data.name)
    assert.equal("create create", bench:steps())
    assert.same({ "the API refuses resumable uploads - creating a job for a plain upload" },
      warnings)
  end)
end)
