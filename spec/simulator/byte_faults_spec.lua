-- Faults of the flow over the API's own host, and of dates and clocks, driven by the curl command.

local curl = require "spec.support.curl"
local simulator = require "spec.support.simulator"

local JOBS = "/2/compliance/jobs"

describe("a fault of the flow over the API's own host", function()
  local sim, job

  before_each(function()
    sim = simulator.start { flow = "api", jobs_take = 0, shares = { deleted = 1 } }
    job = curl.create(sim, "tweets")
  end)
  after_each(function() sim:stop() end)

  local function upload(fault, text)
    sim:arm("upload:" .. fault)
    return curl.upload(job.upload_url, text or "20\n")
  end

  local function status() return curl.job(sim, job.id).status end

  it("answers an upload with a status, and nothing has arrived", function()
    for fault, detail in pairs {
      ["401"] = "^Unauthorized$", ["403-expired"] = "expired",
      ["403-purpose"] = "not valid for this operation", ["403-client-forbidden"] = "attached",
      ["413"] = "^Payload Too Large$", ["415"] = "^Unsupported Media Type$",
      ["429"] = "^Too Many Requests$", ["503"] = "^Service Unavailable$",
    } do
      local answer = upload(fault)
      assert.equal(tonumber(fault:match("%d+")), answer.status)
      assert.equal("application/problem+json", answer.headers["content-type"])
      assert.matches(detail, answer.json.detail)
      assert.equal("created", status(), fault)
    end
    assert.equal(200, curl.upload(job.upload_url, "20\n").status)
  end)

  it("answers an upload with 404 and an empty body, at a fresh URL", function()
    local answer = upload "404-empty"
    assert.equal(404, answer.status)
    assert.equal("", answer.body)
    assert.is_nil(answer.headers["content-type"])
    assert.equal("created", status())
  end)

  it("breaks an upload off after some of its bytes", function()
    for _, fault in ipairs { "cut@100000", "reset@100000" } do
      local answer = upload(fault, ("1234567890123456789\n"):rep(5000))
      assert.is_nil(answer.status)
      assert.not_equal(0, answer.exit)
      assert.equal("created", status())
    end
    assert.equal(503, upload("503-after@65536", ("x\n"):rep(50000)).status)
    assert.equal("created", status())
  end)

  it("loses the answer to an upload, which has arrived", function()
    assert.equal(52, upload("lost").exit)
    assert.equal("complete", status())
    assert.equal("20\n", sim:uploaded(job.id))
  end)

  it("lets an upload wait for its answer", function()
    local began = os.time()
    assert.equal(200, upload("stall@1.5").status)
    assert.is_true(os.time() - began >= 1)
  end)

  it("bends the job that an upload is answered with", function()
    assert.equal("odd", upload('set@{"status":"odd"}').json.data.status)
    local other = curl.create(sim, "users")
    sim:arm "upload:half"
    assert.is_nil(curl.upload(other.upload_url, "20\n").json)
    assert.equal("complete", curl.job(sim, other.id).status)
  end)

  it("lets the upload URL expire before the request", function()
    local answer = upload "upload-over"
    assert.equal(403, answer.status)
    assert.matches("expired", answer.json.detail)
    assert.equal("expired", status())
  end)

  it("breaks a download off, bends it, or refuses it", function()
    curl.upload(job.upload_url, "20\n21\n22\n")
    local whole = curl.download(job.download_url).body
    local function download(fault)
      sim:arm("download:" .. fault)
      return curl.download(job.download_url)
    end
    assert.equal(18, download("cut@50").exit)
    local answer = download "truncated@50"
    assert.equal(0, answer.exit)
    assert.equal(whole:sub(1, 50), answer.body)
    assert.equal(401, download("401").status)
    assert.matches("expired", download("403-expired").json.detail)
    assert.matches("not valid for this operation", download("403-purpose").json.detail)
    assert.equal("gzip", download("gzip").headers["content-encoding"])
    assert.is_nil(download("gzip").headers["x-goog-hash"])
    assert.equal(whole, curl.download(job.download_url).body)
  end)

  it("lets results expire", function()
    curl.upload(job.upload_url, "20\n")
    sim:arm "download:results-over"
    assert.equal(403, curl.download(job.download_url).status)
    local model = curl.job(sim, job.id)
    assert.equal("complete", model.status)
    assert.is_true(model.download_expires_at < "2099" and model.download_expires_at
      <= os.date("!%Y-%m-%dT%H:%M:%S.999Z", os.time() + 1))
  end)

  it("gives a job another URL", function()
    curl.upload(job.upload_url, "20\n")
    sim:arm "download:url-renewed"
    assert.equal(401, curl.download(job.download_url).status)
    local url = curl.job(sim, job.id).download_url
    assert.not_equal(url, job.download_url)
    assert.equal(200, curl.download(url).status)
    assert.equal(401, curl.download(job.download_url).status)
  end)

  it("lets a job disappear", function()
    curl.upload(job.upload_url, "20\n")
    sim:arm "get:job-gone"
    assert.equal(404, curl.api(sim, JOBS .. "/" .. job.id).status)
    assert.equal(404, curl.api(sim, JOBS .. "/" .. job.id).status)
    assert.equal(404, curl.download(job.download_url).status)
    assert.equal(404, curl.cancel(sim, job.id).status)
    assert.is_nil(curl.api(sim, JOBS .. "?type=tweets").json.data)
    curl.create(sim, "tweets")
  end)

  it("strikes the cancelling of a job", function()
    sim:arm("cancel:404", "cancel:409", "cancel:lost")
    assert.equal(404, curl.cancel(sim, job.id).status)
    assert.equal(409, curl.cancel(sim, job.id).status)
    assert.equal("created", status())
    assert.equal(52, curl.cancel(sim, job.id).exit)
    assert.equal("failed", status())
  end)

  it("writes dates in another form", function()
    for form, pattern in pairs {
      gmt = " GMT$", utc = " UTC$", rfc850 = "^%a+day, %d%d%-", asctime = " %d%d%d%d$",
    } do
      sim:arm("get:date@" .. form)
      assert.matches(pattern, curl.api(sim, JOBS .. "/" .. job.id).headers.date)
    end
    assert.error_matches(function() sim:arm "get:date@iso" end, "error: 400")
  end)

  it("puts the clock forward and back at once", function()
    local now = sim:state().now
    sim:arm "any:clock@600"
    assert.is_true(sim:state().now - now > 599)
    sim:arm "any:clock@-1200"
    assert.is_true(sim:state().now - now < -590)
  end)
end)

describe("random faults", function()
  it("flip no bits that nothing could find", function()
    for checksums, flips in pairs { [false] = false, [true] = true } do
      local sim = simulator.start {
        flow = "api", jobs_take = 0, checksums = checksums, random = { seed = 5, probability = 1 },
      }
      for _ = 1, 150 do curl.ask("-m 1 -X PUT -d '' '" .. sim.url .. JOBS .. "/1/upload'") end
      local found = false
      for _, fired in ipairs(sim:state().faults.fired) do
        found = found or fired.fault == "upload:flip"
      end
      sim:stop()
      assert.equal(flips, found)
    end
  end)
end)
