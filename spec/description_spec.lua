-- What we send is valid under each of the API's descriptions that knows the operation, from the
-- strict one to the newest; and whatever one of them lets the API answer, broken on the way or not,
-- is an answer or a typed error (row 22 of the fault matrix).

local api = require "spec.support.api"
local benches = require "spec.support.bench"
local cjson = require "cjson"
local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local openapi = require "spec.support.openapi"
local raw = require "spec.support.raw"
local real = require "spec.support.real"

local SEEDS = 1000
local TOKEN = benches.TOKEN
local JOBS, JOB = "/2/compliance/jobs", "/2/compliance/jobs/{id}"

local descriptions = openapi.all()

local STRICT, NEWEST = descriptions[1], descriptions[#descriptions]

local function describe_where_possible(name, work)
  if #descriptions > 0 then return describe(name, work) end
  describe(name, function()
    it("is left to where the API's descriptions are", function()
      pending(real.NO_DESCRIPTIONS)
    end)
  end)
end

describe_where_possible("what is sent", function()
  local bench, session

  before_each(function()
    bench = benches.start()
    session = assert(core.session {})
  end)
  after_each(function()
    session:close()
    bench:stop()
  end)
  local function ask(operation, options)
    options.base_url, options.bearer_token = bench.sim.url, TOKEN
    local task = assert(core[operation](session, options))
    assert.is_true(task:wait(20))
    task:close()
  end

  --- The requests to the API, not those to storage.
  local function requests()
    local list = {}
    for _, entry in ipairs(bench:log()) do
      if entry.path:find("^/2/") then list[#list + 1] = entry end
    end
    return list
  end

  local function expect_valid(list)
    for _, request in ipairs(list) do
      assert.is_true(request.authorization)
      assert.is_true(NEWEST:knows(request), request.path)
      for _, description in ipairs(descriptions) do
        local why = description:knows(request) and description:request_complaint(request) or nil
        assert.is_nil(why, ("%s: %s %s?%s %s: %s"):format(description.name, request.method,
          request.path, request.query or "", request.body or "", tostring(why)))
      end
    end
  end

  local CHARACTERS = {
    "a", "Z", "0", " ", "\"", "\\", "/", "\n", "\1", "\127", "\194\128", "é", "€", "\226\128\168",
    "\239\191\191", "\240\159\152\128", "\244\143\191\191", "{", "}", ",", "<", "&", "%",
  }
  local FIELDS = {
    "created_at", "download_expires_at", "download_url", "id", "name", "resumable", "status",
    "type", "upload_expires_at", "upload_url",
  }

  local function some_name(random)
    local characters = {}
    for i = 1, random(65) - 1 do characters[i] = CHARACTERS[random(#CHARACTERS)] end
    return table.concat(characters)
  end

  local function some_fields(random)
    if random(2) == 1 then return nil end
    local fields = {}
    for _, field in ipairs(FIELDS) do
      if random(2) == 1 then fields[#fields + 1] = field end
    end
    return #fields > 0 and fields or nil
  end

  it("is valid under each, for whatever may be given", function()
    local random = openapi.random(1)
    local types, names = { "tweets", "users" }, {}
    local statuses = { "created", "in_progress", "failed", "complete" }
    for i = 1, 150 do
      names[i] = some_name(random)
      ask("create_compliance_job", { type = types[random(2)], name = names[i],
        resumable = ({ true, false })[random(3)] })
      ask("list_jobs", { type = types[random(2)], status = statuses[random(6)],
        fields = some_fields(random) })
      ask("list_job", { id = ("%d"):format(random(2 ^ 30)), fields = some_fields(random) })
      ask("cancel_job", { id = ("%d"):format(random(2 ^ 30)), fields = some_fields(random) })
    end
    local list = requests()
    assert.equal(600, #list)
    expect_valid(list)
    local i = 0
    for _, request in ipairs(list) do
      if request.step == "create" then
        i = i + 1
        assert.equal(names[i], cjson.decode(request.body).name)
      end
    end
  end)

  it("is valid under each, for a whole check, in either flow", function()
    for _, case in ipairs {
      { "storage", "simple" }, { "storage", "resumable" }, { "api", "auto" },
    } do
      bench:stop()
      bench = benches.start { flow = case[1] }
      assert(bench:client():check { type = "tweets", ids = (bench:list(20000)), upload = case[2],
        results = bench:path("results"), poll = { min = 0.01, max = 0.01 } })
      local steps, asked = {}, requests()
      for _, request in ipairs(asked) do steps[request.step] = true end
      assert.same(case[1] == "api" and { create = true, upload = true, get = true, download = true }
        or { create = true, get = true }, steps)
      expect_valid(asked)
    end
  end)

  it("asks for fields of a new job only if the user does, since the older one has none", function()
    ask("create_compliance_job", { type = "users", fields = { "id" } })
    local request = requests()[1]
    assert.matches("no parameter", STRICT:request_complaint(request))
    assert.is_nil(NEWEST:request_complaint(request))
  end)

  it("would be found invalid where it was", function()
    local good = { method = "POST", path = JOBS, headers = {} }
    good.headers["content-type"] = "application/json"
    for body, valid in pairs {
      ['{"type":"tweets"}'] = true, ['{}'] = false, ['{"type":"posts"}'] = false,
      ['{"type":"users","name":"' .. ("é"):rep(65) .. '"}'] = false,
      ['{"type":"users","resumable":"yes"}'] = false,
    } do
      good.body = body
      for _, description in ipairs(descriptions) do
        assert.equal(valid, description:request_complaint(good) == nil, body)
      end
    end
    for target, valid in pairs {
      ["?type=tweets&status=failed"] = true, ["?"] = false, ["?type=x"] = false, ["/1?"] = true,
      ["/x?"] = false, ["/12345678901234567890?"] = false, ["/1?x=1"] = false,
      ["/1?compliance_job.fields=id,id"] = false, ["/1?compliance_job.fields=id,name"] = true,
    } do
      local path, query = target:match("^(.*)%?(.*)$")
      local request = { method = "GET", path = JOBS .. path, query = query, headers = {} }
      for _, description in ipairs(descriptions) do
        assert.equal(valid, description:request_complaint(request) == nil, target)
      end
    end
  end)
end)

describe_where_possible("what is answered", function()
  local STATUSES = { 400, 401, 403, 404, 409, 429, 500, 503, 302, 206 }
  local OPERATIONS = {
    { "list_job", "get", JOB, { id = "1" } },
    { "list_jobs", "get", JOBS, { type = "tweets" } },
    { "create_compliance_job", "post", JOBS, { type = "tweets" } },
    { "cancel_job", "delete", JOB, { id = "1" } },
  }

  --- The descriptions that know an operation.
  local function that_know(operation)
    local list = {}
    for _, description in ipairs(descriptions) do
      local path = description.root.paths[operation[3]]
      if path and path[operation[2]] then list[#list + 1] = description end
    end
    return list
  end

  --- Something of the text is cut, doubled, or replaced.
  local function broken(text, random)
    local at = random(#text)
    local ways = {
      function() return text:sub(1, at) end,
      function() return text:sub(1, at) .. text:sub(at) end,
      function() return text:sub(1, at - 1) .. string.char(random(256) - 1) .. text:sub(at + 1) end,
      function() return (text:gsub('"[^"]*"', "12345678901234567890", 3)) end,
      function() return (text:gsub(":", ":[[[[", 1)) end,
      function() return (text:gsub('":"', '":null,"x":"')) end,
      function() return text .. text end,
      function() return ("[%s]"):format(text) end,
    }
    return ways[random(#ways)]()
  end

  --- An answer, and whether it must be taken: valid, good, and of the description that is strict.
  local function some_answer(description, operation, seed)
    local random = openapi.random(seed)
    local good = random(3) > 1
    local schema = good and description:answer(operation[2], operation[3], "200")
      or description:answer(operation[2], operation[3], "default",
        ({ "application/json", "application/problem+json" })[random(2)])
    local body = description:generate(schema, random)
    local status = good and 200 or STATUSES[random(#STATUSES)]
    assert.is_nil(description:complaint(schema, cjson.decode(body)), body)
    if random(3) == 1 then return status, broken(body, random), false end
    local has_data = type(cjson.decode(body).data) == "table" or operation[1] == "list_jobs"
    return status, body, good and has_data and description == STRICT
  end

  --- Serves the answers one after another, from a file.
  local function serve(answers)
    local path = os.tmpname()
    benches.write(path, cjson.encode(answers))
    local server = raw.start(([[
      local file = io.open(%q)
      local answers = require("cjson").decode(file:read("*a"))
      return function(connection, head, number)
        local answer = answers[number]
        local head = "HTTP/1.1 %%d x\r\nContent-Length: %%d\r\nConnection: close\r\n\r\n"
        connection:write(head:format(answer.status, #answer.body), answer.body)
      end]]):format(path))
    os.remove(path)
    return server
  end

  for _, operation in ipairs(OPERATIONS) do
    it("is accepted, or reported in a typed error: " .. operation[1], function()
      local answers, must, known = {}, {}, that_know(operation)
      for seed = 1, SEEDS do
        local description = known[seed % #known + 1]
        local status, body, good = some_answer(description, operation, seed)
        answers[seed], must[seed] = { status = status, body = body }, good
      end
      local server, session = serve(answers), assert(core.session {})
      finally(function()
        session:close()
        server:stop()
      end)
      local taken = 0
      for seed = 1, SEEDS do
        local options = { base_url = server.url, bearer_token = TOKEN }
        for name, value in pairs(operation[4]) do options[name] = value end
        local response, err = api.call(operation[1], session, options)
        if response then
          assert.is_table(response)
          taken = taken + 1
        else
          assert.is_false(must[seed], answers[seed].body .. ": " .. tostring(err))
          assert.is_string(errors.kinds[err.kind], err.kind)
          assert.is_true(#tostring(err) > 20 and not tostring(err):find("%c"))
        end
      end
      -- the newer ones do not even say that an id is a number
      assert.is_true(taken > SEEDS / 10 and taken < SEEDS or known[1] ~= STRICT, taken)
    end)
  end
end)
