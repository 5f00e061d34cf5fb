-- The calls of the API over real sockets: what is sent, what comes back, and each error body
-- that the API has been seen to give.

local api = require "spec.support.api"
local core = require "xcompliance.core"
local flows = require "spec.support.flows"
local simulator = require "spec.support.simulator"

local TOKEN = "t0ken-0123456789abcdef"

flows.describe("the API", function(flow)
  local sim, session
  local it_with_sessions = flow == "storage" and it or function() end

  setup(function() sim = simulator.start { jobs_take = 0 } end)
  teardown(function() sim:stop() end)
  before_each(function() session = assert(core.session {}) end)
  after_each(function()
    session:close()
    sim:disarm()
  end)

  local function call(operation, options)
    options.base_url = sim.url
    options.bearer_token = options.bearer_token or TOKEN
    return api.call(operation, session, options)
  end

  local function last_request()
    local log = sim:log()
    return log[#log]
  end

  --- A create, with the job that stands in the way ended first.
  local function create(options)
    for _, job in ipairs((call("list_jobs", { type = options.type })).data or {}) do
      sim:change_job(job.id, { status = "expired" })
    end
    return call("create_compliance_job", options)
  end

  it("creates a job, and gives the model as it came", function()
    local response, exchange = create { type = "tweets", name = "a \"test\" \226\130\172\n" }
    local job = response.data
    assert.matches("^%d+$", job.id)
    assert.equal("tweets", job.type)
    assert.equal("created", job.status)
    assert.equal("a \"test\" \226\130\172\n", job.name)
    assert.is_true(not job.resumable)
    assert.is_false(core.signed_url(job.upload_url).resumable)
    assert.equal(200, exchange.status)
    assert.equal("150", exchange.headers["x-rate-limit-limit"])
  end)

  it_with_sessions("creates a job for resumable uploads", function()
    local job = assert(create { type = "users", resumable = true }).data
    assert.is_true(job.resumable)
    assert.is_true(core.signed_url(job.upload_url).resumable)
    assert.is_nil(job.name)
  end)

  it("reads a job by its id, and lists jobs by type and status", function()
    local id = create { type = "tweets" }.data.id
    assert.equal(id, call("list_job", { id = id }).data.id)
    local found
    for _, job in ipairs(call("list_jobs", { type = "tweets", status = "created" }).data) do
      found = found or job.id == id
    end
    assert.is_true(found)
  end)

  it("lists nothing as nothing, with a whole count", function()
    local response = assert(call("list_jobs", { type = "tweets", status = "failed" }))
    assert.is_nil(response.data)
    assert.equal("0", tostring(response.meta.result_count))
  end)

  it("gives the fields that are asked for", function()
    local id = create { type = "tweets" }.data.id
    local job = assert(call("list_job", { id = id, fields = { "id", "status" } })).data
    assert.same({ id = id, status = "created" }, job)
  end)

  it("is asked with the token, and with nothing that it has not defined", function()
    create { type = "tweets", name = "x", resumable = true }
    local request = last_request()
    assert.equal("POST", request.method)
    assert.equal("/2/compliance/jobs", request.path)
    assert.equal("application/json", request.headers["content-type"])
    assert.is_nil(request.headers["expect"])
  end)

  it("keeps its connection", function()
    local function connections() -- open ones and those that were closed in the last minute
      local count, port = 0, (":%04X "):format(sim.port)
      for line in io.lines("/proc/net/tcp") do
        local remote = line:match("^%s*%d+: %x+:%x+ (%x+:%x+ )")
        if remote and remote:sub(-6) == port then count = count + 1 end
      end
      return count
    end
    call("list_jobs", { type = "tweets" })
    local before = connections()
    for _ = 1, 20 do assert(call("list_jobs", { type = "tweets" })) end
    assert.equal(before, connections())
  end)

  it("answers 200 operations at once on one session", function()
    local id = create { type = "tweets" }.data.id
    local tasks = {}
    for i = 1, 200 do
      tasks[i] = assert(core.list_job(session,
        { base_url = sim.url, bearer_token = TOKEN, id = id }))
    end
    local answered, limited = 0, 0
    for _, task in ipairs(tasks) do
      assert.is_true(task:wait(30))
      local response, err = api.result("list_job", task, TOKEN)
      if response then
        assert.equal(id, response.data.id)
        answered = answered + 1
      else
        assert.equal("rate_limited", err.kind)
        limited = limited + 1
      end
      task:close()
    end
    assert.equal(200, answered + limited)
    assert.is_true(answered > 100)
    sim:advance(1000) -- a new window
  end)

  -- protocol, "Error bodies (seen)"
  local PROBLEMS = "https://api.twitter.com/2/problems/"
  for name, case in pairs {
    ["401"] = { 401, '{"title":"Unauthorized","type":"about:blank","status":401,'
      .. '"detail":"Unauthorized"}', kind = "auth", says = "check the bearer token" },
    ["403 of the wrong kind of token"] = { 403, '{"title":"Unsupported Authentication",'
      .. '"detail":"Authenticating with OAuth 1.0a User Context is forbidden for this endpoint.",'
      .. '"type":"' .. PROBLEMS .. 'unsupported-authentication","status":403}',
      kind = "forbidden", problem = "unsupported-authentication", says = "own bearer token" },
    ["403 without access, without a status in it"] = { 403, '{"client_id":"1","detail":'
      .. '"When authenticating requests","title":"Client Forbidden","required_enrollment":'
      .. '"Appropriate Level of API Access","reason":"client-not-enrolled","type":"'
      .. PROBLEMS .. 'client-forbidden"}', kind = "forbidden", problem = "client-forbidden",
      says = "attach the app" },
    ["429"] = { 429, '{"title":"Too Many Requests","detail":"Too Many Requests",'
      .. '"type":"about:blank","status":429}', kind = "rate_limited", retryable = true },
    ["429 of the old form"] = { 429, '{"errors":[{"code":88,"message":"Rate limit exceeded"}]}',
      kind = "rate_limited", says = "Rate limit exceeded", retryable = true },
    ["429 of a cap that is spent"] = { 429, '{"title":"UsageCapExceeded","period":"Monthly",'
      .. '"scope":"Product","type":"https://api.x.com/2/problems/usage-capped"}',
      kind = "rate_limited", problem = "usage-capped", retryable = false },
    ["400 of an invalid request"] = { 400, '{"errors":[{"message":"The `type` query parameter '
      .. 'value [x] is not one of [tweets,users]","parameters":{"type":["x"]}}],"title":'
      .. '"Invalid Request","detail":"One or more parameters to your request was invalid.","type":"'
      .. PROBLEMS .. 'invalid-request"}', kind = "usage", problem = "invalid-request" },
    ["409 of a job in the way"] = { 409, '{"title":"ConnectionException","detail":"You cannot '
      .. 'create a new job if one is already in progress.","type":"' .. PROBLEMS .. 'conflict"}',
      kind = "conflict", problem = "conflict", says = "already in progress" },
    ["403 that is a conflict"] = { 403, '{"type":"https://api.x.com/2/problems/conflict"}',
      kind = "conflict" },
    ["404"] = { 404, '{"errors":[{"detail":"Could not find job","title":"Not Found Error",'
      .. '"type":"' .. PROBLEMS .. 'resource-not-found"}]}', kind = "not_found" },
    ["503 in HTML"] = { 503, "<html><body><h1>503 Service Unavailable</h1>\r\n</body></html>",
      kind = "server", says = "503 Service Unavailable", retryable = true },
    ["500 without a body"] = { 500, "", kind = "server", retryable = true },
    ["408"] = { 408, "", kind = "timeout", retryable = true },
    ["a redirect"] = { 302, "", kind = "protocol", retryable = false },
    ["200 with errors alone"] = { 200, '{"errors":[{"title":"Not Found Error","detail":"no job",'
      .. '"type":"' .. PROBLEMS .. 'resource-not-found"}]}', kind = "not_found", says = "no job" },
    ["data that is null"] = { 200, '{"data":null}', kind = "protocol", says = "no data" },
    ["data that is an array"] = { 200, '{"data":[]}', kind = "protocol", says = "data.id" },
    ["a job without an id"] = { 200, '{"data":{"status":"created"}}', kind = "protocol",
      says = "data.id is missing" },
    ["an id that is a number"] = { 200, '{"data":{"id":1372966999991541762,"status":"created"}}',
      kind = "protocol", says = "data.id is missing or not a string" },
    ["an id that is no id"] = { 200, '{"data":{"id":"../x","status":"created"}}',
      kind = "protocol", says = "1 to 19 digits" },
    ["a status that is a number"] = { 200, '{"data":{"id":"1","status":1}}', kind = "protocol",
      says = "data.status" },
    ["JSON that is cut off"] = { 200, '{"data":{"id":"1","sta', kind = "protocol",
      says = "does not parse", retryable = true },
    ["JSON after a byte order mark"] = { 200, '\239\187\191{"data":{}}', kind = "protocol" },
    ["JSON that is no object"] = { 200, '"x"', kind = "protocol" },
    ["nothing"] = { 200, "", kind = "protocol" },
    ["a number that is not one"] = { 200, '{"data":{"id":"1","status":"created","x":NaN}}',
      kind = "protocol" },
    ["a body as deep as the sea"] = { 200, ("["):rep(100000), kind = "protocol" },
  } do
    it("is understood when it answers " .. name, function()
      sim:arm_raw { step = "get", fault = "raw", status = case[1], body = case[2] }
      local response, err = call("list_job", { id = "1" })
      assert.is_nil(response)
      assert.equal(case.kind, err.kind)
      assert.equal(case[1], err.status)
      if case.problem then assert.equal(case.problem, err.problem_type) end
      if case.says then assert.truthy(tostring(err):find(case.says, 1, true), tostring(err)) end
      if case.retryable ~= nil then assert.equal(case.retryable, err.retryable) end
      assert.matches("reading a compliance job at http://127", tostring(err))
      assert.is_true(#tostring(err) < 1500)
    end)
  end

  it("may say more than is known, and both data and errors", function()
    sim:arm_raw { step = "get", fault = "raw", status = 200, body = '{"data":{"id":"1",'
      .. '"status":"paused","new":{"a":[1,2.5,null]},"error":"x"},"errors":[{"title":"partial"}]}' }
    local response = assert(call("list_job", { id = "1" }))
    assert.equal("paused", response.data.status)
    assert.equal("1", tostring(response.data.new.a[1]))
    assert.equal(2.5, response.data.new.a[2])
    assert.equal("partial", response.errors[1].title)
  end)

  it("may echo the token and the URL, and no part of the error holds them", function()
    local echo = '{"detail":"got ' .. TOKEN .. ' and X-Goog-Signature=SECRET&upload_id=SECRET",'
      .. '"type":"' .. PROBLEMS .. TOKEN .. '","' .. TOKEN .. '":"Authorization: Bearer ' .. TOKEN
      .. '"}'
    local escaped = '{"detail":"got ' .. TOKEN:gsub(".", function(c)
      return ("\\u%04x"):format(c:byte())
    end) .. ' X-Goog-Signature\\u003dSECRET\\u0026x","errors":[["\\u001b[2J"]]}'
    for _, body in ipairs { echo, escaped, "<html>" .. TOKEN .. " upload_id=SECRET</html>" } do
      sim:arm_raw { step = "get", fault = "raw", status = 403, body = body,
        headers = { ["X-Echo"] = TOKEN } }
      local _, err = call("list_job", { id = "1" })
      local function search(value)
        if type(value) == "table" then
          for k, v in pairs(value) do search(k) search(v) end
        elseif type(value) == "string" then
          assert.is_nil(value:find(TOKEN, 1, true), value)
          assert.is_nil(value:find("SECRET", 1, true), value)
          assert.is_nil(value:find("%c"), value)
        end
      end
      search(err)
      assert.equal("forbidden", err.kind)
      assert.equal("***", err.headers["x-echo"])
      assert.is_nil(tostring(err):find(TOKEN, 1, true))
    end
  end)
end)
