local core = require "xcompliance.core"

local API = "https://api.x.com"

--- The error that an operation raises for `options`, or nil where it takes them.
local function misuse(operation, options)
  local session = assert(core.session {})
  options.base_url = options.base_url or "http://127.0.0.1:1"
  if options.bearer_token == nil then options.bearer_token = "t0ken" end
  local ok, task = pcall(core[operation], session, options)
  if ok then task:close() end
  session:close()
  return not ok and task or nil
end

local function refused(operation, options, pattern)
  local err = misuse(operation, options)
  assert.is_table(err, "was taken")
  assert.equal("usage", err.kind)
  if pattern then assert.matches(pattern, tostring(err)) end
end

describe("an operation", function()
  it("takes a job id of 1 to 19 digits alone, before anything is sent", function()
    for _, id in ipairs { "1", "0", "1372966999991541762", ("9"):rep(19) } do
      assert.is_nil(misuse("list_job", { id = id }))
    end
    for _, id in ipairs {
      "", ("9"):rep(20), "1/../../x", "1%0d%0aX: y", "1?x", "1 ", "-1", "1\0", "1e3", "abc",
    } do refused("list_job", { id = id }) end
    refused("list_job", { id = 1372966999991541762 }, "must be a string")
    refused("list_job", {}, "id is missing")
  end)

  it("takes the types and statuses of the API alone", function()
    for _, type in ipairs { "tweets", "users" } do
      assert.is_nil(misuse("list_jobs", { type = type }))
      assert.is_nil(misuse("create_compliance_job", { type = type }))
    end
    for _, status in ipairs { "created", "in_progress", "failed", "complete" } do
      assert.is_nil(misuse("list_jobs", { type = "tweets", status = status }))
    end
    refused("list_jobs", { type = "tweets", status = "expired" }, "status must be one of")
    refused("list_jobs", { type = "posts" }, "type must be one of 'tweets', 'users'")
    refused("list_jobs", {}, "type is missing")
    refused("create_compliance_job", {}, "type is missing")
  end)

  it("takes a name of at most 64 code points of valid UTF-8", function()
    local u = "\226\130\172" -- three bytes
    for _, name in ipairs {
      "", "testjob", ("x"):rep(64), u:rep(64), ("\240\159\144\166"):rep(64), "a\"b\\c\n\1",
      "\226\128\168",
    } do assert.is_nil(misuse("create_compliance_job", { type = "tweets", name = name }), name) end
    for _, name in ipairs {
      ("x"):rep(65), u:rep(65), "\255", "\192\128", "\237\160\128", "\244\144\128\128", "\226\130",
      "a\128", "\224\128\128", "\240\128\128\128", "a\0b",
    } do refused("create_compliance_job", { type = "tweets", name = name }) end
  end)

  it("takes a token of printable ASCII alone, and never shows it", function()
    for byte = 0, 255 do
      local token = "to" .. string.char(byte) .. "ken"
      local err = misuse("list_job", { id = "1", bearer_token = token })
      assert.equal(byte > 32 and byte < 127, err == nil, "byte " .. byte)
      if err then assert.is_nil(tostring(err):find(token, 1, true)) end
    end
    refused("list_job", { id = "1", bearer_token = "" }, "empty")
    refused("list_job", { id = "1", bearer_token = false }, "must be a string")
  end)

  it("sends its token by https, or to a loopback address", function()
    for _, url in ipairs { API, API .. "/", "http://localhost:8080", "http://[::1]:1" } do
      assert.is_nil(misuse("list_job", { id = "1", base_url = url }), url)
    end
    for _, url in ipairs {
      "http://api.x.com", "http://127.0.0.1.evil.example", "ftp://api.x.com", "api.x.com", "",
      "https://user@api.x.com", "https://api.x.com?x=1", "https://api.x.com#x",
      "https://api.x.com\\@evil.example", "https://" .. ("x"):rep(5000),
    } do refused("list_job", { id = "1", base_url = url }) end
    local opened = { id = "1", base_url = "http://api.example", allow_http = true }
    assert.is_nil(misuse("list_job", opened))
  end)

  it("takes the fields that the API has, each once", function()
    assert.is_nil(misuse("list_job", { id = "1", fields = { "id", "status", "upload_url" } }))
    refused("list_job", { id = "1", fields = { "id", "id" } }, "twice")
    refused("list_job", { id = "1", fields = { "password" } }, "no field 'password'")
    refused("list_job", { id = "1", fields = "id" }, "array")
    refused("list_job", { id = "1", fields = { 1 } }, "array")
  end)

  it("takes no option that it does not know", function()
    refused("list_job", { id = "1", idd = "1" }, "no option 'idd'")
    refused("list_job", { id = "1", [1] = "1" }, "option names are strings")
  end)

  it("takes no number that is not one", function()
    for _, timeout in ipairs { 0 / 0, -1, 0, math.huge } do
      refused("list_job", { id = "1", timeout = timeout }, "timeout must be from")
    end
    refused("list_job", { id = "1", timeout = "30" }, "must be a number")
  end)

  it("runs no code of an options table", function()
    local session = assert(core.session {})
    local options = setmetatable({ base_url = API, bearer_token = "x" },
      { __index = function() error("ran") end })
    local ok, err = pcall(core.list_job, session, options)
    assert.is_false(ok)
    assert.matches("id is missing", tostring(err))
    session:close()
  end)

  it("raises for a session that is closed, or is not one", function()
    local session = assert(core.session {})
    session:close()
    session:close()
    local options = { base_url = API, bearer_token = "x", id = "1" }
    local ok, err = pcall(core.list_job, session, options)
    assert.is_false(ok)
    assert.equal("usage", err.kind)
    assert.is_false(pcall(core.list_job, nil, options))
    assert.is_false(pcall(core.list_job, io.stdout, options))
  end)
end)

describe("a session", function()
  it("says that its certificates cannot be used", function()
    local empty = os.tmpname()
    for path, pattern in pairs { ["/nonexistent.pem"] = "No such file", [empty] = "is empty" } do
      local session, err = core.session { ca_file = path }
      assert.is_nil(session)
      assert.equal("io", err.kind)
      assert.matches(pattern, tostring(err))
    end
    os.remove(empty)
  end)

  it("takes sensible options alone", function()
    for _, options in ipairs {
      { connect_timeout = 0 }, { connect_timeout = 0 / 0 }, { low_speed_limit = -1 },
      { low_speed_time = 1.5 }, { user_agent = "a\r\nb" }, { ca_file = 1 }, { ca = "x" }, { 1 },
    } do
      local ok, err = pcall(core.session, options)
      assert.is_false(ok)
      assert.equal("usage", err.kind)
    end
  end)
end)

describe("a task", function()
  local session

  before_each(function() session = assert(core.session { connect_timeout = 5 }) end)
  after_each(function() session:close() end)

  local function failing()
    return core.list_job(session, { base_url = "http://127.0.0.1:1", bearer_token = "t", id = "1" })
  end

  it("is waited for, and gives its result as often as it is asked", function()
    local task = failing()
    assert.is_true(task:wait(10))
    assert.is_true(task:done())
    for _ = 1, 2 do
      local response, err = task:result()
      assert.is_nil(response)
      assert.equal("network", err.kind)
      assert.equal(7, err.system)
      assert.is_true(err.retryable)
      assert.matches("reading a compliance job at http://127.0.0.1:1/2/compliance/jobs/1: ",
        tostring(err))
    end
    task:close()
  end)

  it("has one descriptor that becomes readable at the end", function()
    local task = failing()
    local fd = task:fd()
    assert.is_number(fd)
    assert.equal(fd, task:fd())
    assert.is_true(task:wait(10))
    local late = failing()
    late:wait(10)
    local ready = late:fd()
    for _, one in ipairs { fd, ready } do
      local read = io.open("/proc/self/fdinfo/" .. one)
      assert.is_truthy(read)
      read:close()
    end
    task:close()
    late:close()
  end)

  it("raises when it is used too early or after its end", function()
    local task = core.request(session, { url = "http://127.0.0.1:1/", loopback = true })
    assert.is_false(pcall(task.wait, task, -1))
    assert.is_false(pcall(task.wait, task, 0 / 0))
    task:close()
    assert.is_true(task:close())
    for _, method in ipairs { "cancel", "done", "fd", "progress", "result", "wait" } do
      local ok, err = pcall(task[method], task)
      assert.is_false(ok)
      assert.equal("usage", err.kind)
    end
    assert.equal("task (closed)", tostring(task))
  end)

  it("ends, cancelled, with its session", function()
    local task = core.request(session, { url = "http://127.0.0.1:1/", loopback = true })
    session:close()
    assert.is_true(task:done())
    assert.is_nil((task:result()))
    task:close()
  end)

  it("may be forgotten at any time", function()
    for _ = 1, 50 do failing() end
    collectgarbage()
    collectgarbage()
  end)
end)
