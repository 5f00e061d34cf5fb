local cjson = require "cjson"
local curl = require "spec.support.curl"
local flows = require "spec.support.flows"
local simulator = require "spec.support.simulator"

local JOBS = "/2/compliance/jobs"

flows.describe("the simulator's API", function()
  local sim

  before_each(function() sim = simulator.start { jobs_take = 0 } end)
  after_each(function() sim:stop() end)

  it("makes a job as the real API does", function()
    local answer = curl.api(sim, JOBS, { type = "tweets", name = "testjob" })
    local job = answer.json.data
    assert.equal(200, answer.status)
    assert.equal("application/json; charset=utf-8", answer.headers["content-type"])
    assert.matches("^%d+$", job.id)
    assert.equal(19, #job.id)
    assert.equal("testjob", job.name)
    assert.equal("tweets", job.type)
    assert.equal("created", job.status)
    assert.is_false(job.resumable)
    assert.matches("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.000Z$", job.created_at)
    assert.matches("X%-Goog%-Expires=900&X%-Goog%-SignedHeaders=content%-type%%3Bhost&",
      job.upload_url)
    assert.matches("X%-Goog%-Expires=604800&X%-Goog%-SignedHeaders=host&", job.download_url)
    assert.matches("/twttr%-tweet%-compliance/" .. job.id .. "/submission/%d+_" .. job.id .. "%?",
      job.upload_url)
  end)

  it("signs more headers for a resumable upload", function()
    local job = curl.create(sim, "users", true)
    assert.is_true(job.resumable)
    assert.matches("SignedHeaders=content%-length%%3Bcontent%-type%%3Bhost%%3Bx%-goog%-resumable&",
      job.upload_url)
    assert.matches("/twttr%-user%-compliance/", job.upload_url)
  end)

  it("refuses who has no token, without rate-limit headers", function()
    local answer = curl.ask(sim.url .. JOBS .. "?type=tweets")
    assert.equal(401, answer.status)
    assert.equal("application/problem+json", answer.headers["content-type"])
    assert.same({ title = "Unauthorized", type = "about:blank", status = 401,
      detail = "Unauthorized" }, cjson.decode(answer.body))
    assert.is_nil(answer.headers["x-rate-limit-limit"])
  end)

  it("refuses a user's context", function()
    local answer = curl.ask("-H 'Authorization: OAuth oauth_token=\"1\"' " .. sim.url .. JOBS)
    assert.equal(403, answer.status)
    assert.matches("unsupported%-authentication", answer.body)
  end)

  it("takes only the tokens it was given", function()
    local strict = simulator.start { bearer_token = "right" }
    local function status(token)
      return curl.ask(("-H 'Authorization: Bearer %s' '%s%s?type=users'"):format(
        token, strict.url, JOBS)).status
    end
    assert.equal(200, status("right"))
    assert.equal(401, status("wrong"))
    strict:stop()
  end)

  it("refuses bodies that the description does not allow", function()
    local function message(body)
      local answer = curl.api(sim, JOBS, body)
      assert.equal(400, answer.status)
      assert.matches("invalid%-request$", answer.json.type)
      return next(answer.json.errors[1].parameters)
    end
    assert.equal("type", message { name = "x" })
    assert.equal("type", message { type = "likes" })
    assert.equal("type", message '{"type":null}')
    assert.equal("name", message { type = "tweets", name = ("ä"):rep(65) })
    assert.equal("name", message '{"type":"tweets","name":7}')
    assert.equal("resumable", message { type = "tweets", resumable = "yes" })
    assert.equal("colour", message { type = "tweets", colour = "red" })
    assert.equal("body", message "{")
    assert.equal("body", message "")
    assert.equal(0, sim:state().counters.get or 0)
    assert.equal(200, curl.api(sim, JOBS, { type = "tweets", name = ("ä"):rep(64) }).status)
  end)

  it("refuses another content type", function()
    local answer = curl.ask("-H 'Authorization: Bearer t' -d '{\"type\":\"tweets\"}' "
      .. sim.url .. JOBS)
    assert.equal(415, answer.status)
  end)

  it("allows one running job of a type", function()
    curl.create(sim, "tweets")
    local answer = curl.api(sim, JOBS, { type = "tweets" })
    assert.equal(409, answer.status)
    assert.matches("/conflict$", answer.json.type)
    curl.create(sim, "users")
  end)

  it("allows another when the first has expired", function()
    local job = curl.create(sim, "tweets")
    sim:advance(901)
    assert.equal("expired", curl.job(sim, job.id).status)
    curl.create(sim, "tweets")
  end)

  it("gets a job by its id", function()
    local job = curl.create(sim, "tweets")
    assert.same(job, curl.job(sim, job.id))
    assert.equal(404, curl.api(sim, JOBS .. "/1").status)
    assert.equal(400, curl.api(sim, JOBS .. "/12345678901234567890").status)
    assert.equal(400, curl.api(sim, JOBS .. "/x").status)
  end)

  it("lists jobs by type and status", function()
    local job = curl.create(sim, "tweets")
    curl.create(sim, "users")
    local all = curl.api(sim, JOBS .. "?type=tweets").json
    assert.same({ job }, all.data)
    assert.equal(1, all.meta.result_count)
    assert.same({ job }, curl.api(sim, JOBS .. "?type=tweets&status=created").json.data)
    assert.equal(400, curl.api(sim, JOBS).status)
    assert.equal(400, curl.api(sim, JOBS .. "?type=likes").status)
    assert.equal(400, curl.api(sim, JOBS .. "?type=tweets&status=expired").status)
    assert.equal(400, curl.api(sim, JOBS .. "?type=tweets&page=2").status)
  end)

  it("leaves `data` out of an empty list", function()
    assert.equal('{"meta":{"result_count":0}}', curl.api(sim, JOBS .. "?type=tweets").body)
  end)

  it("gives the fields that were asked for, and the id", function()
    local job = curl.create(sim, "tweets")
    local query = "?compliance_job.fields=status,upload_url"
    assert.same({ id = job.id, status = "created", upload_url = job.upload_url },
      curl.api(sim, JOBS .. "/" .. job.id .. query).json.data)
    local fields = JOBS .. "/" .. job.id .. "?compliance_job.fields="
    assert.equal(400, curl.api(sim, fields .. "colour").status)
    assert.equal(400, curl.api(sim, fields).status)
  end)

  it("goes from created to in_progress to complete as the upload arrives", function()
    local slow = simulator.start { jobs_take = 60 }
    local job = curl.create(slow, "tweets")
    slow:advance(60)
    assert.equal("created", curl.job(slow, job.id).status)
    curl.put(job.upload_url, "20\n")
    assert.equal("in_progress", curl.job(slow, job.id).status)
    slow:advance(60)
    assert.equal("complete", curl.job(slow, job.id).status)
    curl.create(slow, "tweets")
    slow:stop()
  end)

  it("shows the error of a failed job", function()
    local job = curl.create(sim, "tweets")
    sim:change_job(job.id, { status = "failed", error = "too_many" })
    job = curl.job(sim, job.id)
    assert.equal("failed", job.status)
    assert.equal("too_many", job.error)
  end)
end, "storage")

flows.describe("the simulator's rate limit", function()
  it("counts down in headers, refuses, and starts again", function()
    local sim = simulator.start { rate_limit = 2, rate_window = 100 }
    local list = JOBS .. "?type=users"
    local first = curl.api(sim, list)
    assert.equal("2", first.headers["x-rate-limit-limit"])
    assert.equal("1", first.headers["x-rate-limit-remaining"])
    assert.equal("0", curl.api(sim, list).headers["x-rate-limit-remaining"])
    local refused = curl.api(sim, list)
    assert.equal(429, refused.status)
    assert.same({ title = "Too Many Requests", detail = "Too Many Requests", type = "about:blank",
      status = 429 }, refused.json)
    assert.equal(first.headers["x-rate-limit-reset"], refused.headers["x-rate-limit-reset"])
    assert.equal(404, curl.api(sim, JOBS .. "/1").status) -- a bucket of its own
    sim:advance(100)
    assert.equal(200, curl.api(sim, list).status)
    sim:stop()
  end)
end, "storage")
