-- The flow over the API's own host, driven by the curl command; what is asked and answered is held
-- against the API's own description, if that is at hand.

local cjson = require "cjson"
local curl = require "spec.support.curl"
local openapi = require "spec.support.openapi"
local simulator = require "spec.support.simulator"

local JOBS = "/2/compliance/jobs"

local newest
for _, description in ipairs(openapi.all()) do
  if description.name:find("2.168", 1, true) then newest = description end
end

local function start(options)
  local all = { flow = "api", jobs_take = 0, shares = { deleted = 1 } }
  for name, value in pairs(options or {}) do all[name] = value end
  return simulator.start(all)
end

-- asserts that an answer is one that the description has for the operation
local function described(method, template, answer, content_type)
  if not newest then return end
  local status = answer.status == 200 and "200" or "default"
  local schema = newest:answer(method, template, status, content_type)
  assert.is_nil(newest:complaint(schema, answer.json))
end

local function other_token(url, token)
  return url:match("^.*token=") .. token
end

describe("a job in the flow over the API's own host", function()
  local sim, job

  before_each(function()
    sim = start()
    job = curl.create(sim, "tweets")
  end)
  after_each(function() sim:stop() end)

  it("has URLs at that host, with a token that is escaped, and says nothing of sessions", function()
    local base = sim.url .. JOBS .. "/" .. job.id
    assert.equal(base .. "/upload?token=", job.upload_url:match("^(.*token=)[%w%%]+%%3D$"))
    assert.equal(base .. "/download?token=", job.download_url:match("^(.*token=)[%w%%]+%%3D$"))
    assert.not_equal(job.upload_url:match("=(.*)$"), job.download_url:match("=(.*)$"))
    assert.is_nil(job.resumable)
    local function seconds(text) return tonumber((text:match("T%d+:(%d+)"))) * 60
      + tonumber((text:match("T%d+:%d+:(%d+)"))) end
    assert.equal(900, (seconds(job.upload_expires_at) - seconds(job.created_at)) % 3600)
  end)

  it("takes its ids and gives its results", function()
    local answer = curl.upload(job.upload_url, "20\n21\n")
    assert.equal(200, answer.status)
    assert.equal("application/json; charset=utf-8", answer.headers["content-type"])
    assert.equal(job.id, answer.json.data.id)
    described("put", JOBS .. "/{id}/upload", answer)
    assert.equal("20\n21\n", sim:uploaded(job.id))
    assert.equal("complete", curl.job(sim, job.id).status)
    answer = curl.download(job.download_url)
    assert.equal(200, answer.status)
    assert.equal("application/octet-stream", answer.headers["content-type"])
    assert.equal(tostring(#answer.body), answer.headers["content-length"])
    assert.matches('^{"id":"20",.*\n{"id":"21",.*\n$', answer.body)
    for _, name in ipairs { "x-goog-hash", "content-md5", "etag", "digest", "accept-ranges" } do
      assert.is_nil(answer.headers[name], name)
    end
  end)

  it("is shown with the fields that the upload asked for", function()
    local answer = curl.upload(job.upload_url .. "&compliance_job.fields=status", "20\n")
    assert.equal(200, answer.status)
    assert.is_nil(answer.json.data.upload_url)
    assert.is_truthy(answer.json.data.status)
    assert.equal(400, curl.upload(job.upload_url .. "&colour=red", "20\n").status)
  end)

  it("takes text/plain too, and no other type", function()
    local url = job.upload_url
    local wrong = curl.ask(("-X PUT -H 'Authorization: Bearer t' -d x '%s'"):format(url))
    assert.equal(415, wrong.status)
    assert.equal(200, curl.upload(url, "20\n", "-H 'Content-Type: text/plain'").status)
  end)

  it("wants the bearer token and the token of the URL", function()
    local function status(arguments, url)
      return curl.ask(("-X PUT -H 'Content-Type: text/plain' %s -d 20 '%s'"):format(
        arguments, url)).status
    end
    local bearer = "-H 'Authorization: Bearer t'"
    local bare = job.upload_url:match("^[^?]*")
    assert.equal(401, status("", job.upload_url))
    assert.equal(401, status("-H 'Authorization: Basic t'", job.upload_url))
    assert.equal(401, status(bearer, bare))
    assert.equal(401, status(bearer, other_token(job.upload_url, "nonsense")))
    -- a client that decodes the URL spoils the token if that holds a plus
    local decoded = job.upload_url:gsub("%%2B", "+")
    assert.equal(decoded == job.upload_url and 200 or 401, status(bearer, decoded))
    assert.equal(401, curl.ask("'" .. job.download_url .. "'").status)
  end)

  it("refuses a token of another operation or job", function()
    local other = curl.create(sim, "users")
    local upload, download = job.upload_url:match("=(.*)$"), job.download_url:match("=(.*)$")
    for _, token in ipairs { download, other.upload_url:match("=(.*)$") } do
      local answer = curl.upload(other_token(job.upload_url, token), "20\n")
      assert.equal(403, answer.status)
      assert.equal("application/problem+json", answer.headers["content-type"])
      assert.matches("not valid for this operation", answer.json.detail)
    end
    curl.upload(job.upload_url, "20\n")
    assert.equal(403, curl.download(other_token(job.download_url, upload)).status)
    assert.equal(200, curl.download(other_token(job.download_url, download)).status)
    assert.equal(400, curl.download(job.download_url .. "&token=" .. download).status)
  end)

  it("lets its tokens live for 15 minutes and for 7 days", function()
    local late = curl.create(sim, "users")
    curl.upload(job.upload_url, "20\n")
    sim:advance(890)
    assert.equal(415, curl.upload(late.upload_url, "x", "-H 'Content-Type: x'").status)
    sim:advance(10)
    local answer = curl.upload(late.upload_url, "20\n")
    assert.equal(403, answer.status)
    assert.matches("expired", answer.json.detail)
    assert.equal("expired", curl.job(sim, late.id).status)
    sim:advance(604800 - 910)
    assert.equal(200, curl.download(job.download_url).status)
    sim:advance(20)
    assert.equal(403, curl.download(job.download_url).status)
  end)

  it("takes its ids once", function()
    assert.equal(200, curl.upload(job.upload_url, "20\n").status)
    assert.equal(409, curl.upload(job.upload_url, "21\n").status)
    assert.equal("20\n", sim:uploaded(job.id))
  end)

  it("stays as it was if an upload breaks off", function()
    local path = curl.file(1000000)
    curl.upload_file(job.upload_url, path, "--limit-rate 1M -m 0.3")
    os.remove(path)
    assert.equal("created", curl.job(sim, job.id).status)
    assert.equal(200, curl.upload(job.upload_url, "20\n").status)
  end)

  it("has no results before it is complete", function()
    local answer = curl.download(job.download_url)
    assert.equal(404, answer.status)
    described("get", JOBS .. "/{id}/download", answer, "application/problem+json")
  end)

  it("names lines that are no ids, and is complete without rows", function()
    curl.upload(job.upload_url, "not_a_valid_id\n")
    assert.same({ id = "not_a_valid_id", error = "invalid_id" },
      cjson.decode(curl.download(job.download_url).body))
    local users = curl.create(sim, "users")
    assert.equal(200, curl.upload(users.upload_url, "").status)
    local answer = curl.download(users.download_url)
    assert.equal(200, answer.status)
    assert.equal("", answer.body)
  end)

  it("leaves no token and no bearer token in the log", function()
    curl.upload(job.upload_url, "20\n", "-H 'Authorization: Bearer very-secret'")
    local state = sim:curl("/admin/state")
    local log = cjson.encode(cjson.decode(state).log)
    assert.is_nil(log:find(job.upload_url:match("=(.*)$"), 1, true))
    assert.is_truthy(log:find("token=***", 1, true))
    assert.is_nil(log:find("secret", 1, true))
    assert.is_true(cjson.decode(state).log[2].authorization)
  end)

  it("has answers of the API that the description has", function()
    local fields = "?compliance_job.fields=id,status"
    described("post", JOBS, curl.api(sim, JOBS, { type = "users", name = "n" }))
    described("get", JOBS, curl.api(sim, JOBS .. "?type=tweets"))
    described("get", JOBS .. "/{id}", curl.api(sim, JOBS .. "/" .. job.id .. fields))
    local unknown = curl.api(sim, JOBS .. "/1")
    assert.equal(404, unknown.status)
    described("get", JOBS .. "/{id}", unknown, "application/problem+json")
    described("delete", JOBS .. "/{id}", curl.cancel(sim, job.id))
  end)
end)

describe("the size of an upload to the API's own host", function()
  it("is limited to 128 MB, by its length before its body is read", function()
    local sim = start()
    local job = curl.create(sim, "tweets")
    local answer = curl.ask("-X PUT -H 'Authorization: Bearer t' -H 'Content-Type: text/plain'"
      .. " -H 'Content-Length: 128000001' -H 'Expect: 100-continue' -d x"
      .. " '" .. job.upload_url .. "'")
    assert.equal(413, answer.status)
    assert.equal("created", curl.job(sim, job.id).status)
    sim:stop()
  end)

  it("is limited in chunks too, and can be set", function()
    local sim = start { upload_limit = 6 }
    local job = curl.create(sim, "tweets")
    assert.equal(413, curl.upload(job.upload_url, "20\n21\n2", "-H 'Transfer-Encoding: chunked'")
      .status)
    assert.equal(413, curl.upload(job.upload_url, "20\n21\n2").status)
    assert.equal(200, curl.upload(job.upload_url, "20\n21\n").status)
    sim:stop()
  end)

  it("costs no memory", function()
    local sim = start { results = "/dev/null" }
    local job = curl.create(sim, "tweets")
    local function peak()
      return tonumber(simulator.shell("grep VmHWM /proc/" .. sim.pid .. "/status"):match("%d+"))
    end
    local path = os.tmpname()
    assert(simulator.shell("truncate -s 128000000 " .. path))
    local before = peak()
    assert.equal(200, curl.upload_file(job.upload_url, path).status)
    local after = peak()
    os.remove(path)
    sim:stop()
    assert.is_true(after - before < 16 * 1024, ("it grew by %d KiB"):format(after - before))
  end)
end)

describe("cancelling a job of the simulator", function()
  local sim

  before_each(function() sim = start { jobs_take = 60 } end)
  after_each(function() sim:stop() end)

  it("ends it, and frees its slot", function()
    local job = curl.create(sim, "tweets")
    assert.equal(409, curl.api(sim, JOBS, { type = "tweets" }).status)
    local answer = curl.cancel(sim, job.id)
    assert.equal(200, answer.status)
    assert.equal("failed", answer.json.data.status)
    assert.equal("failed", curl.job(sim, job.id).status)
    assert.equal(409, curl.upload(job.upload_url, "20\n").status)
    curl.create(sim, "tweets")
  end)

  it("ends one that is being worked on", function()
    local job = curl.create(sim, "tweets")
    curl.upload(job.upload_url, "20\n")
    assert.equal("in_progress", curl.job(sim, job.id).status)
    assert.same({ id = job.id, status = "failed" },
      curl.cancel(sim, job.id, "?compliance_job.fields=status").json.data)
    sim:advance(60)
    assert.equal("failed", curl.job(sim, job.id).status)
    assert.equal(404, curl.download(job.download_url).status)
  end)

  it("is refused for jobs that are over, or unknown", function()
    local complete = curl.create(sim, "tweets")
    curl.upload(complete.upload_url, "20\n")
    sim:advance(60)
    assert.equal("complete", curl.job(sim, complete.id).status)
    local answer = curl.cancel(sim, complete.id)
    assert.equal(409, answer.status)
    assert.matches("/conflict$", answer.json.type)
    local expired = curl.create(sim, "tweets")
    sim:advance(901)
    assert.equal(409, curl.cancel(sim, expired.id).status)
    assert.equal(404, curl.cancel(sim, "1").status)
    assert.equal(400, curl.cancel(sim, "x").status)
    local twice = curl.create(sim, "tweets")
    curl.cancel(sim, twice.id)
    assert.equal(409, curl.cancel(sim, twice.id).status)
  end)

  it("wants the bearer token, and is limited in number", function()
    local strict = start { rate_limit = 1 }
    local url = strict.url .. JOBS .. "/1"
    assert.equal(401, curl.ask("-X DELETE '" .. url .. "'").status)
    assert.equal(404, curl.cancel(strict, "1").status)
    assert.equal(429, curl.cancel(strict, "1").status)
    strict:stop()
  end)

  it("works in the older flow too", function()
    local older = simulator.start { flow = "storage" }
    assert.equal("failed",
      curl.cancel(older, curl.create(older, "tweets").id).json.data.status)
    older:stop()
  end)
end)

describe("the flow over the API's own host", function()
  it("has no resumable uploads", function()
    local sim = start()
    local answer = curl.api(sim, JOBS, { type = "tweets", resumable = true })
    assert.equal(400, answer.status)
    assert.matches("/invalid%-request$", answer.json.type)
    assert.equal("true", answer.json.errors[1].parameters.resumable[1])
    described("post", JOBS, answer, "application/problem+json")
    assert.equal(200, curl.api(sim, JOBS, { type = "tweets", resumable = false }).status)
    sim:stop()
  end)

  it("has checksums if they are asked for", function()
    local sim = start { checksums = true }
    local job = curl.create(sim, "tweets")
    assert.equal("crc32c=4waSgw==, md5=JfnnlDI7RTiF9RgfG2JNCw==",
      curl.upload(job.upload_url, "123456789").headers["x-goog-hash"])
    assert.matches("^crc32c=[%w+/]+==$", curl.download(job.download_url).headers["x-goog-hash"])
    sim:stop()
  end)

  it("has parts of results if they are asked for", function()
    local sim = start { ranges = true }
    local job = curl.create(sim, "tweets")
    curl.upload(job.upload_url, "20\n21\n")
    local whole = curl.download(job.download_url)
    assert.equal("bytes", whole.headers["accept-ranges"])
    local answer = curl.download(job.download_url,
      ("-H 'Range: bytes=10-' -H 'If-Range: %s'"):format(whole.headers.etag))
    assert.equal(206, answer.status)
    assert.equal(whole.body:sub(11), answer.body)
    assert.equal(416, curl.download(job.download_url, "-H 'Range: bytes=99999-'").status)
    sim:stop()
    sim = start()
    job = curl.create(sim, "tweets")
    curl.upload(job.upload_url, "20\n21\n")
    assert.equal(200, curl.download(job.download_url, "-H 'Range: bytes=10-'").status)
    sim:stop()
  end)

  it("ends the job in the middle of an upload, if it is asked to", function()
    local path = curl.file(1000000)
    for strict, status in pairs { [true] = 403, [false] = 200 } do
      local sim = start { strict_expiry = strict }
      local job = curl.create(sim, "tweets")
      sim:arm("upload:throttle@1MB")
      local output = os.tmpname()
      simulator.run(("curl -s -o /dev/null -w '%%{http_code}' -T %s -H 'Authorization: Bearer t'"
        .. " -H 'Content-Type: text/plain' '%s' >%s & sleep 0.3; curl -s -d '{\"advance\":900}'"
        .. " %s/admin/clock; wait"):format(path, job.upload_url, output, sim.url))
      local file = io.open(output)
      assert.equal(tostring(status), file:read("*a"))
      file:close()
      os.remove(output)
      sim:stop()
    end
    os.remove(path)
  end)

  it("serves no storage, as storage's flow serves no byte paths", function()
    local sim, older = start(), simulator.start { flow = "storage" }
    local job, old_job = curl.create(sim, "tweets"), curl.create(older, "tweets")
    local path = old_job.upload_url:match("^%a+://[^/]*(.*)$")
    assert.equal(404, curl.put(sim.url .. path, "20\n").status)
    path = job.upload_url:match("^%a+://[^/]*(.*)$")
    assert.equal(404, curl.upload(older.url .. path, "20\n").status)
    sim:stop()
    older:stop()
  end)

  it("can begin with many jobs that are over, and lists them on one page", function()
    local sim = start { old_jobs = 600 }
    local fields = JOBS .. "?type=tweets&compliance_job.fields=id,name,status,created_at"
    local answer = curl.api(sim, fields)
    assert.equal(600, answer.json.meta.result_count)
    assert.equal(600, #answer.json.data)
    assert.equal("expired", answer.json.data[1].status)
    assert.is_nil(answer.json.data[1].upload_url)
    assert.is_true(#curl.api(sim, JOBS .. "?type=tweets").body > 3 * #answer.body)
    curl.create(sim, "tweets")
    sim:stop()
  end)

  it("writes the API's dates in UTC, or as it is asked to, by a clock that can be off", function()
    local patterns = {
      utc = "^%a%a%a, %d%d %a%a%a %d%d%d%d %d%d:%d%d:%d%d UTC$",
      gmt = "^%a%a%a, %d%d %a%a%a %d%d%d%d %d%d:%d%d:%d%d GMT$",
      rfc850 = "^%a+day, %d%d%-%a%a%a%-%d%d %d%d:%d%d:%d%d GMT$",
      asctime = "^%a%a%a %a%a%a [ %d]%d %d%d:%d%d:%d%d %d%d%d%d$",
    }
    local function seconds(text)
      return tonumber((assert(simulator.shell("date +%s -d " .. simulator.quote(text)))))
    end
    for form, pattern in pairs(patterns) do
      local sim = start { dates = form, clock_offset = -600 }
      local date = curl.api(sim, JOBS .. "?type=tweets").headers.date
      sim:stop()
      assert.matches(pattern, date)
      if form == "asctime" then date = date .. " UTC" end
      assert.is_true(math.abs(seconds(date) - (os.time() - 600)) < 5, date)
    end
    local sim = start()
    assert.matches(patterns.utc, curl.api(sim, JOBS .. "?type=tweets").headers.date)
    sim:stop()
    sim = simulator.start { flow = "storage" }
    assert.matches(patterns.gmt, curl.put(curl.create(sim, "users").upload_url, "1").headers.date)
    assert.matches(patterns.utc, curl.api(sim, JOBS .. "?type=tweets").headers.date)
    sim:stop()
  end)
end)

describe("the results of the flow over the API's own host", function()
  -- the rows of many ids, by shares of the reasons
  local function rows(job_type, shares)
    local sim = start { shares = shares }
    local job, ids = curl.create(sim, job_type), {}
    for i = 1, 400 do ids[i] = ("1372966999991%06d"):format(i) end
    curl.upload(job.upload_url, table.concat(ids, "\n") .. "\n")
    local list = {}
    for line in curl.download(job.download_url).body:gmatch("[^\n]+") do
      list[#list + 1] = cjson.decode(line)
    end
    sim:stop()
    return list
  end

  it("have deleted_at as an alias of redacted_at, which is null now and then", function()
    local with, without = 0, 0
    for _, row in ipairs(rows("tweets", { deleted = 0.5, protected = 0.5 })) do
      assert.equal("delete", row.action)
      assert.equal(row.redacted_at, row.deleted_at)
      if row.redacted_at == cjson.null then
        without = without + 1
      else
        with = with + 1
        assert.matches("^20%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ$", row.redacted_at)
      end
    end
    assert.is_true(with > 200 and without > 50)
    assert.equal(400, with + without)
  end)

  it("say what must be done with tweets", function()
    local actions = {}
    local shares = { tweet_edited = 0.4, geo_scrubbed = 0.4, suspended = 0.1, scrub_geo = 0.1 }
    for _, row in ipairs(rows("tweets", shares)) do
      actions[row.reason] = row.action
    end
    assert.same(
      { tweet_edited = "rehydrate", geo_scrubbed = "scrub_geo", suspended = "delete" }, actions)
  end)

  it("of users only say delete, and have one row for an id", function()
    local seen = {}
    for _, row in ipairs(rows("users", nil)) do
      assert.equal("delete", row.action)
      assert.is_nil(seen[row.id])
      seen[row.id] = true
    end
    assert.is_truthy(next(seen))
  end)
end)
