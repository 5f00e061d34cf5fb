local cjson = require "cjson"
local curl = require "spec.support.curl"
local flows = require "spec.support.flows"
local simulator = require "spec.support.simulator"

local JOBS = "/2/compliance/jobs"
local QUARTER = 256 * 1024

flows.describe("the simulator's fault board", function()
  local sim

  setup(function() sim = simulator.start { jobs_take = 0, shares = { deleted = 1 } } end)
  teardown(function() sim:stop() end)
  before_each(function() sim:disarm() end)

  local function list()
    return curl.api(sim, JOBS .. "?type=tweets")
  end

  local function refused(fault)
    local _, complaint = pcall(sim.arm, sim, fault)
    return complaint
  end

  it("strikes once, or as often as it was asked to", function()
    sim:arm("list:503")
    assert.equal(503, list().status)
    assert.equal(200, list().status)
    sim:arm("list:503x2", "list:500")
    assert.same({ 503, 503, 500, 200 },
      { list().status, list().status, list().status, list().status })
    sim:arm("list:503x*")
    for _ = 1, 5 do assert.equal(503, list().status) end
    sim:disarm()
    assert.equal(200, list().status)
  end)

  it("lets some pass first", function()
    sim:arm("list:503+2")
    assert.same({ 200, 200, 503, 200 },
      { list().status, list().status, list().status, list().status })
  end)

  it("strikes at its step, or at any", function()
    sim:arm("get:503")
    assert.equal(200, list().status)
    sim:disarm()
    sim:arm("any:503")
    assert.equal(503, list().status)
  end)

  it("reports what is armed and what has struck", function()
    local before = #sim:state().faults.fired
    sim:arm("list:503x2", "get:lost+1x*")
    list()
    local faults = sim:state().faults
    assert.same({ { fault = "list:503", skip = 0, count = 1 },
      { fault = "get:lost", skip = 1, count = "*" } }, faults.armed)
    assert.equal(before + 1, #faults.fired)
    assert.equal("list:503", faults.fired[#faults.fired].fault)
    local log = sim:log()
    assert.equal("list:503", log[#log].fault)
  end)

  it("refuses what it does not know", function()
    for _, fault in ipairs { "503", "list", "lists:503", "list:no-such", "list:308-partial@1",
      "chunk:308-partial", "chunk:308-partial@1XB", "list:lost@1", "chunk:30x" } do
      assert.matches("400", refused(fault), 1, true)
    end
  end)

  it("takes its faults from the options too", function()
    local other = simulator.start {
      faults = { "list:418", { step = "list", fault = "raw", body = "{}" } },
    }
    assert.equal(418, curl.api(other, JOBS .. "?type=users").status)
    assert.equal("{}", curl.api(other, JOBS .. "?type=users").body)
    other:stop()
  end)

  it("strikes at random, the same for the same seed", function()
    local function statuses(seed)
      local other = simulator.start { random = { seed = seed, probability = 0.5 } }
      local seen = {}
      for _ = 1, 12 do seen[#seen + 1] = curl.api(other, JOBS .. "?type=users").exit end
      local fired = other:state().faults.fired
      other:stop()
      assert.is_true(#fired > 1 and #fired < 12)
      return seen
    end
    assert.same(statuses(3), statuses(3))
  end)
end, "storage")

flows.describe("any fault at any step", function()
  -- these spoil the jobs for other faults
  local LAST = { ["job-gone"] = true, ["results-over"] = true, ["upload-over"] = true,
    ["url-renewed"] = true }
  local PARAMETERS = { number = 0.1, size = 100, text = "x: y", integer = 299, form = "gmt" }
  local BEARER = "-H 'Authorization: Bearer t' "

  -- the faults, as { name, parameter, steps }
  local function faults_of(sim)
    local names, last = {}, {}
    for _, kind in ipairs(sim:admin("GET", "faults")) do
      if kind.name ~= "refuse" and kind.name ~= "raw" then
        local list = LAST[kind.name] and last or names
        list[#list + 1] = { kind.name, PARAMETERS[kind.parameter], kind.steps }
      end
    end
    for _, status in ipairs { "503", "403-early", "429", "418-html", "404" } do
      names[#names + 1] = { status }
    end
    for _, name in ipairs(last) do names[#names + 1] = name end
    return names
  end

  -- curl's arguments by step, for requests to the API
  local function api_requests(sim, id)
    local api = BEARER .. "'" .. sim.url .. JOBS
    return {
      create = "-H 'Content-Type: application/json' -d '{\"type\":\"tweets\"}' " .. api .. "'",
      list = api .. "?type=tweets'", get = api .. "/" .. id .. "'",
      cancel = "-X DELETE " .. api .. "/" .. id .. "'",
    }
  end

  -- and those that move bytes of a file
  local FLOWS = {
    storage = function(sim, path)
      local put = "-T " .. path .. " -H 'Content-Type: text/plain' "
      local simple, resumable = curl.create(sim, "tweets"), curl.create(sim, "users", true)
      curl.put(simple.upload_url, "20\n21\n")
      local uri, requests = curl.start(resumable.upload_url), api_requests(sim, simple.id)
      requests.upload = put .. "'" .. simple.upload_url .. "'"
      requests.chunk = put .. "'" .. uri .. "'"
      requests.start = "-H 'Content-Type: text/plain' -H 'x-goog-resumable: start' -d '' '"
        .. resumable.upload_url .. "'"
      requests.query = "-X PUT -H 'Content-Length: 0' -H 'Content-Range: bytes */*' '" .. uri .. "'"
      requests.download = "'" .. simple.download_url .. "'"
      return requests
    end,
    api = function(sim, path)
      local complete, waiting = curl.create(sim, "tweets"), curl.create(sim, "users")
      curl.upload(complete.upload_url, "20\n21\n")
      local requests = api_requests(sim, complete.id)
      requests.upload = BEARER .. "-T " .. path .. " -H 'Content-Type: text/plain' '"
        .. waiting.upload_url .. "'"
      requests.download = BEARER .. "'" .. complete.download_url .. "'"
      return requests
    end,
  }

  for flow, prepare in pairs(FLOWS) do
    it("leaves the simulator well, with --flow " .. flow, function()
      local sim = simulator.start { flow = flow, jobs_take = 0, shares = { deleted = 1 } }
      local path = curl.file(3000)
      local requests = prepare(sim, path)
      for _, name in ipairs(faults_of(sim)) do
        local faults, commands = {}, {}
        for step, request in pairs(requests) do
          if not name[3] or name[3][step] then
            local parameter = name[1] == "set" and "{}" or name[2]
            faults[#faults + 1] = { step = step, fault = name[1], parameter = parameter }
            commands[#commands + 1] = "curl -s -m 1 -o /dev/null " .. request .. " & "
          end
        end
        if #faults > 0 then sim:arm_raw(faults) end
        simulator.run(table.concat(commands) .. "wait")
      end
      os.remove(path)
      local state = sim:state()
      assert.same({}, state.defects)
      assert.same({}, state.faults.armed)
      assert.is_true(#state.faults.fired > (flow == "api" and 150 or 200), #state.faults.fired)
      sim:stop()
    end)
  end
end, "storage")

flows.describe("a status that is armed", function()
  local sim, job

  before_each(function()
    sim = simulator.start { jobs_take = 0, shares = { deleted = 1 } }
    job = curl.create(sim, "tweets")
  end)
  after_each(function() sim:stop() end)

  local function get(fault)
    sim:arm(fault)
    return curl.api(sim, JOBS .. "/" .. job.id)
  end

  it("has the body that the API has for it", function()
    assert.same({ title = "Service Unavailable", detail = "Service Unavailable",
      type = "about:blank", status = 503 }, get("get:503").json)
    assert.matches("client%-forbidden$", get("get:403-client-forbidden").json.type)
    assert.matches("unsupported%-authentication$", get("get:403-unsupported").json.type)
    assert.matches("usage%-capped$", get("get:429-usage-capped").json.type)
    assert.equal(88, get("get:429-v1").json.errors[1].code)
    assert.matches("conflict$", get("get:409").json.type)
    assert.equal("Unauthorized", get("get:401").json.title)
  end)

  it("has another body", function()
    local answer = get "get:503-html"
    assert.equal("text/html; charset=utf-8", answer.headers["content-type"])
    assert.matches("^<!DOCTYPE html>", answer.body)
    answer = get "get:502-empty"
    assert.equal(502, answer.status)
    assert.equal("", answer.body)
    assert.matches("^text/plain", get("get:500-text").headers["content-type"])
  end)

  it("says when to come again", function()
    local now = sim:state().now
    local answer = get "get:429@60"
    assert.equal("0", answer.headers["x-rate-limit-remaining"])
    assert.is_true(math.abs(tonumber(answer.headers["x-rate-limit-reset"]) - now - 60) < 2)
    assert.equal("soon", get("get:429-reset@soon").headers["x-rate-limit-reset"])
    assert.is_nil(get("get:429-no-reset").headers["x-rate-limit-reset"])
    assert.equal("7", get("get:503-retry-after@7").headers["retry-after"])
    assert.matches("^%a%a%a, %d%d %a%a%a %d%d%d%d %d%d:%d%d:%d%d UTC$",
      get("get:503-retry-date@7").headers["retry-after"])
  end)

  it("leads elsewhere", function()
    for _, status in ipairs { 301, 302, 303, 307, 308 } do
      local answer = get(("get:%d@http://127.0.0.1:9/x"):format(status))
      assert.equal(status, answer.status)
      assert.equal("http://127.0.0.1:9/x", answer.headers.location)
    end
  end)

  it("has storage's XML", function()
    local function code(fault)
      sim:arm(fault)
      local answer = curl.put(job.upload_url, "20\n")
      return answer.status .. " " .. answer.body:match("<Code>(%a+)</Code>")
    end
    assert.equal("400 ExpiredToken", code "upload:400-expired")
    assert.equal("400 MalformedSecurityHeader", code "upload:400-malformed")
    assert.equal("400 BadDigest", code "upload:400-digest")
    assert.equal("403 SignatureDoesNotMatch", code "upload:403-signature")
    assert.equal("403 AccessDenied", code "upload:403")
    assert.equal("503 ServiceUnavailable", code "upload:503")
    assert.equal("created", curl.job(sim, job.id).status)
  end)

  it("comes before the body is read", function()
    local path = curl.file(20 * 1024 * 1024)
    sim:arm("upload:403-early")
    local answer = curl.ask(("-T %s -H 'Content-Type: text/plain' -H 'Expect:' '%s'"):format(
      path, job.upload_url))
    assert.equal(403, answer.status)
    os.remove(path)
  end)

  it("comes after a part of the body", function()
    local path = curl.file(5000000)
    sim:arm("upload:503-after@1MB")
    local answer = curl.ask(("-T %s -H 'Content-Type: text/plain' '%s'"):format(
      path, job.upload_url))
    assert.equal(503, answer.status)
    assert.equal("created", curl.job(sim, job.id).status)
    os.remove(path)
  end)
end, "storage")

flows.describe("an API answer that is bent", function()
  local sim, job

  setup(function()
    sim = simulator.start { jobs_take = 0 }
    job = curl.create(sim, "tweets")
  end)
  teardown(function() sim:stop() end)

  local function get(fault)
    sim:arm(fault)
    return curl.api(sim, JOBS .. "/" .. job.id)
  end

  it("has other members", function()
    local answer = get 'get:set@{"status":"paused","upload_url":null,"id":5}'
    assert.equal("paused", answer.json.data.status)
    assert.equal(cjson.null, answer.json.data.upload_url)
    assert.equal(5, answer.json.data.id)
    assert.is_nil(get("get:without@upload_url").json.data.upload_url)
    assert.matches('"id":' .. job.id .. "%D", get("get:number-id").body)
  end)

  it("has no data, or errors", function()
    local answer = get "get:errors-only"
    assert.is_nil(answer.json.data)
    assert.equal(1, #answer.json.errors)
    answer = get "get:with-errors"
    assert.equal(job.id, answer.json.data.id)
    assert.equal(1, #answer.json.errors)
    assert.equal(cjson.null, get("get:null-data").json.data)
    assert.equal('{"data":[]}', get("get:empty-data").body)
  end)

  it("is no JSON, or odd JSON", function()
    assert.is_nil(get("get:half").json)
    assert.is_truthy(get("get:nul").body:find("\0", 1, true))
    assert.equal("\239\187\191{", get("get:bom").body:sub(1, 4))
    assert.is_truthy(get("get:invalid-utf8").body:find("\255\254", 1, true))
    assert.matches('"data":{.*},"data":null}$', get("get:duplicate-keys").body)
    assert.equal(200000, #get("get:deep@100000").body)
    assert.matches("1e999", get("get:huge-number").body)
    assert.equal("hello", get("get:body@hello").body)
  end)

  it("has a raw answer", function()
    sim:arm_raw { step = "get", fault = "raw", status = 299, headers = { ["X-Odd"] = "yes" },
      body = "\1raw" }
    local answer = curl.api(sim, JOBS .. "/" .. job.id)
    assert.equal(299, answer.status)
    assert.equal("yes", answer.headers["x-odd"])
    assert.equal("\1raw", answer.body)
    sim:arm_raw { step = "get", fault = "raw", headers = { { "X-Odd", "a" }, { "X-Odd", "b" } } }
    assert.equal("a, b", curl.api(sim, JOBS .. "/" .. job.id).headers["x-odd"])
  end)

  it("has another status or header", function()
    assert.equal(202, get("get:status@202").status)
    assert.equal("x", get("get:header@api-version: x").headers["api-version"])
    assert.is_nil(get("get:header@api-version:").headers["api-version"])
  end)

  it("is of another length than it says", function()
    assert.equal(18, get("get:long-length").exit)
    assert.is_nil(get("get:short-length").json)
    assert.equal(18, get("get:chunked-cut").exit)
    local answer = get "get:truncated@100"
    assert.equal(100, #answer.body)
    assert.equal("100", answer.headers["content-length"])
  end)

  it("is gzip", function()
    local answer = get "get:gzip"
    assert.equal("gzip", answer.headers["content-encoding"])
    sim:arm("get:gzip")
    answer = curl.api(sim, JOBS .. "/" .. job.id, nil, "--compressed")
    assert.same(job, answer.json.data)
  end)

  it("is a gzip bomb", function()
    sim:arm("get:gzip-bomb@100MB")
    local size = simulator.run(("curl -s --compressed %s%s/%s | wc -c"):format(
      sim.url, JOBS, job.id))
    assert.is_true(tonumber(size) >= 100000000)
  end)

  it("never ends", function()
    sim:arm("get:endless-body")
    local size = simulator.run(("curl -s %s%s/%s | head -c 50000000 | wc -c"):format(
      sim.url, JOBS, job.id))
    assert.matches("50000000", size)
  end)
end, "storage")

flows.describe("a job that is fated", function()
  it("fails, expires, is stuck or slow", function()
    local sim = simulator.start { jobs_take = 0 }
    local function status(fault)
      sim:arm(fault)
      local job = curl.create(sim, "users")
      curl.put(job.upload_url, "20\n")
      job = curl.job(sim, job.id)
      sim:change_job(job.id, { status = "expired" })
      return job.status, job.error
    end
    assert.same({ "failed", "no luck" }, { status "create:job-fails@no luck" })
    assert.same({ "expired" }, { status "create:job-expires" })
    assert.same({ "created" }, { status "create:job-stuck" })
    assert.same({ "in_progress" }, { status "create:job-slow@60" })
    assert.same({ "complete" }, { status "get:stall@0" })
    sim:stop()
  end)
end, "storage")

flows.describe("an upload that is bent", function()
  local sim, job

  before_each(function()
    sim = simulator.start { jobs_take = 0 }
    job = curl.create(sim, "tweets")
  end)
  after_each(function() sim:stop() end)

  local function put(fault, more)
    sim:arm(fault)
    return curl.put(job.upload_url, "123456789", more)
  end

  it("is answered with wrong hashes or lengths, or none", function()
    local answer = put "upload:wrong-hash"
    assert.equal("crc32c=AwaSgw==, md5=AfnnlDI7RTiF9RgfG2JNCw==", answer.headers["x-goog-hash"])
    assert.is_nil(put("upload:no-hash").headers["x-goog-hash"])
    assert.equal("8", put("upload:wrong-length").headers["x-goog-stored-content-length"])
    assert.is_nil(put("upload:no-length").headers["x-goog-stored-content-length"])
    assert.equal("123456789", sim:uploaded(job.id))
  end)

  it("is stored with a bit flipped", function()
    local answer = put "upload:flip@2"
    assert.equal(200, answer.status)
    assert.equal("122456789", sim:uploaded(job.id))
    assert.not_matches("4waSgw", answer.headers["x-goog-hash"])
    assert.equal(400, put("upload:flip", "-H 'Content-MD5: JfnnlDI7RTiF9RgfG2JNCw=='").status)
  end)

  it("is stored although the answer is lost", function()
    assert.equal(52, put("upload:lost").exit)
    assert.equal("123456789", sim:uploaded(job.id))
  end)
end, "storage")

flows.describe("a session that is bent", function()
  local SIZE = 2500000
  local sim, job, uri, path

  setup(function() path = curl.file(SIZE) end)
  teardown(function() os.remove(path) end)
  before_each(function()
    sim = simulator.start { jobs_take = 0 }
    job = curl.create(sim, "tweets", true)
    uri = curl.start(job.upload_url)
  end)
  after_each(function() sim:stop() end)

  local function whole(fault, more)
    if fault then sim:arm(fault) end
    return curl.chunk(uri, path, 0, SIZE - 1, SIZE, more)
  end

  it("has another Location, or none", function()
    sim:arm("start:no-location", "start:relative-location", "start:foreign-location@https://evil",
      "start:status@200", "start:lost")
    assert.is_nil((curl.start(job.upload_url)))
    assert.matches("^/twttr%-tweet%-compliance/", (curl.start(job.upload_url)))
    assert.matches("^https://evil/twttr%-", (curl.start(job.upload_url)))
    local location, answer = curl.start(job.upload_url)
    assert.equal(200, answer.status)
    assert.equal(308, curl.query(location).status)
    local sessions = #sim:state().sessions
    assert.equal(52, select(2, curl.start(job.upload_url)).exit)
    assert.equal(sessions + 1, #sim:state().sessions)
  end)

  it("keeps less than was sent", function()
    local answer = whole "upload:308-partial@1MiB" -- `upload` means a chunk here
    assert.equal(308, answer.status)
    assert.equal("bytes=0-1048575", answer.headers.range)
    assert.equal("bytes=0-1048575", curl.query(uri).headers.range)
    answer = curl.chunk(uri, path, 4 * QUARTER, 5 * QUARTER - 1, SIZE)
    assert.equal("bytes=0-1310719", answer.headers.range)
  end)

  it("keeps a part before it answers 503", function()
    assert.equal(503, whole("chunk:503-after@600kB").status)
    assert.equal("bytes=0-524287", curl.query(uri).headers.range)
    assert.equal(200, curl.chunk(uri, path, 2 * QUARTER, SIZE - 1, SIZE).status)
  end)

  it("keeps nothing where a status comes instead", function()
    assert.equal(408, whole("chunk:408").status)
    assert.is_nil(curl.query(uri).headers.range)
  end)

  it("says another Range than it has, or none", function()
    local function range(fault)
      sim:arm(fault)
      local answer = curl.chunk(uri, path, 0, QUARTER - 1, SIZE)
      assert.equal(308, answer.status)
      return answer.headers.range
    end
    assert.is_nil(range "chunk:no-range")
    assert.equal("bytes=0-262143", curl.query(uri).headers.range)
    assert.equal("bytes=0-524287", range "chunk:range-ahead")
    assert.equal("bytes 0-5", range "chunk:range@bytes 0-5")
    assert.equal("bytes=0-262143, bytes=0-524287", range "chunk:two-ranges")
  end)

  it("answers 200 that means 308", function()
    local answer = whole "chunk:override-308"
    assert.equal(200, answer.status)
    assert.equal("308", answer.headers["x-http-status-code-override"])
    assert.equal("bytes=0-2359295", answer.headers.range)
    assert.equal(308, curl.query(uri).status)
  end)

  it("answers 200 too early", function()
    assert.equal(308, curl.chunk(uri, path, 0, QUARTER - 1, SIZE).status)
    sim:arm("chunk:200")
    assert.equal(200, curl.chunk(uri, path, QUARTER, 2 * QUARTER - 1, SIZE).status)
    assert.equal("bytes=0-262143", curl.query(uri).headers.range)
  end)

  it("is lost", function()
    assert.equal(410, whole("chunk:410").status)
    assert.equal(410, curl.query(uri).status)
    uri = curl.start(job.upload_url)
    sim:arm("query:404")
    assert.equal(404, curl.query(uri).status)
    assert.equal(404, curl.query(uri).status)
  end)

  it("pretends a gap", function()
    local answer = whole "chunk:gap"
    assert.equal(503, answer.status)
    assert.matches("exceeds already uploaded size of 0 byte", answer.body)
  end)

  it("forgets what it had", function()
    curl.chunk(uri, path, 0, 4 * QUARTER - 1, SIZE)
    sim:arm("query:shrink@3")
    assert.equal("bytes=0-262143", curl.query(uri).headers.range)
    local answer = curl.chunk(uri, path, QUARTER, SIZE - 1, SIZE)
    local md5 = simulator.shell("openssl md5 -binary " .. path .. " | openssl base64")
    assert.matches("md5=" .. md5, answer.headers["x-goog-hash"], 1, true)
  end)

  it("is reset in the middle of a chunk, and keeps what came", function()
    local answer = whole "chunk:reset@900kB"
    assert.is_true(answer.exit == 55 or answer.exit == 56)
    assert.equal("bytes=0-786431", curl.query(uri).headers.range)
  end)

  it("is complete although the answer was lost", function()
    assert.equal(52, whole("chunk:lost").exit)
    assert.equal(200, curl.query(uri).status)
  end)

  it("leads elsewhere", function()
    local answer = whole "chunk:308@http://127.0.0.1:9/"
    assert.equal("http://127.0.0.1:9/", answer.headers.location)
  end)

  it("answers 201, or with a body, or without hashes", function()
    sim:arm("chunk:status@201")
    assert.equal(201, whole().status)
    uri = curl.start(job.upload_url)
    assert.is_nil(whole("chunk:no-hash").headers["x-goog-hash"])
    uri = curl.start(job.upload_url)
    local answer = whole "chunk:body@thank you"
    assert.same({ 200, "thank you" }, { answer.status, answer.body })
    assert.equal(tostring(SIZE), answer.headers["x-goog-stored-content-length"])
  end)

  it("stores a flipped bit", function()
    local hash = "-H 'x-goog-hash: md5="
      .. simulator.shell("openssl md5 -binary " .. path .. " | openssl base64") .. "'"
    assert.equal(400, whole("chunk:flip@1MB", hash).status)
  end)
end, "storage")

flows.describe("a download that is bent", function()
  local sim, job, whole

  setup(function()
    sim = simulator.start { jobs_take = 0, shares = { deleted = 1 }, repeated = 0 }
    job = curl.create(sim, "tweets")
    curl.put(job.upload_url, ("1372966999991541762\n"):rep(40))
    whole = curl.ask("'" .. job.download_url .. "'")
    assert(#whole.body > 4000)
  end)
  teardown(function() sim:stop() end)

  local function get(fault, arguments)
    sim:arm(fault)
    return curl.ask((arguments or "") .. " '" .. job.download_url .. "'")
  end

  local RANGE = "-H 'Range: bytes=1000-'"

  it("is cut or reset after some bytes", function()
    local answer = get "download:cut@1500"
    assert.equal(18, answer.exit)
    assert.equal(whole.body:sub(1, 1500), answer.body)
    answer = get "download:reset@1500"
    assert.equal(56, answer.exit)
    assert.equal(whole.body:sub(1, 1500), answer.body)
  end)

  it("ignores Range", function()
    local answer = get("download:ignore-range", RANGE)
    assert.equal(200, answer.status)
    assert.equal(whole.body, answer.body)
  end)

  it("gives another range, another total, none, or several", function()
    local answer = get("download:wrong-range", RANGE)
    assert.equal(206, answer.status)
    assert.matches("^bytes 1001%-", answer.headers["content-range"])
    assert.equal(whole.body:sub(1002), answer.body)
    assert.matches("/" .. #whole.body .. "9$",
      get("download:wrong-total", RANGE).headers["content-range"])
    assert.is_nil(get("download:no-content-range", RANGE).headers["content-range"])
    answer = get("download:multipart", RANGE)
    assert.equal(206, answer.status)
    assert.matches("multipart/byteranges", answer.headers["content-type"])
  end)

  it("has another ETag, wrong hashes or none", function()
    assert.equal('"another"', get("download:other-etag").headers.etag)
    assert.not_equal(whole.headers["x-goog-hash"],
      get("download:wrong-hash").headers["x-goog-hash"])
    assert.is_nil(get("download:no-hash").headers["x-goog-hash"])
  end)

  it("has a flipped bit", function()
    local answer = get "download:flip@3000"
    assert.equal(#whole.body, #answer.body)
    assert.not_equal(whole.body, answer.body)
    assert.equal(whole.body:sub(1, 3000), answer.body:sub(1, 3000))
    assert.equal(whole.body:sub(3002), answer.body:sub(3002))
    assert.equal(whole.headers["x-goog-hash"], answer.headers["x-goog-hash"])
  end)

  it("is shorter than it says, or honestly short", function()
    assert.equal(18, get("download:long-length").exit)
    assert.equal(#whole.body - #whole.body % 2, #get("download:short-length").body * 2)
    assert.equal(18, get("download:chunked-cut").exit)
    assert.equal(0, get("download:truncated").exit)
  end)

  it("is stored as gzip, as it is or decompressed on the way", function()
    local answer = get("download:gzip", "--compressed")
    assert.equal("gzip", answer.headers["x-goog-stored-content-encoding"])
    assert.equal(whole.body, answer.body)
    answer = get "download:transcoded"
    assert.equal(whole.body, answer.body)
    assert.equal("gzip", answer.headers["x-goog-stored-content-encoding"])
    assert.is_nil(answer.headers["content-length"])
    assert.not_equal(whole.headers["x-goog-hash"], answer.headers["x-goog-hash"])
  end)

  it("has expired, or is not there", function()
    assert.matches("ExpiredToken", get("download:400-expired").body)
    assert.matches("NoSuchKey", get("download:404").body)
    assert.equal(416, get("download:416").status)
  end)
end, "storage")
