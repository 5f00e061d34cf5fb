-- what a hostile server can make us hold or wait for: promises 17, 18, 25 and 39 of
-- docs/security.md

local bench = require "spec.support.bench"
local core = require "xcompliance.core"
local raw = require "spec.support.raw"

local TOKEN = bench.TOKEN
local MiB = 1024 * 1024

--- Answers of the server, by the path's first word.
local ANSWERS = [[
  local piece = ("x"):rep(64 * 1024)
  local answers = {}

  function answers.endless(connection)
    connection:write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"data\":\"")
    while connection:write(piece) do end
  end

  function answers.refusal(connection)
    connection:write("HTTP/1.1 403 Forbidden\r\n\r\n<Error>")
    while connection:write(piece) do end
  end

  function answers.promised(connection)
    connection:write("HTTP/1.1 200 OK\r\nContent-Length: 300000000\r\n\r\n")
    for _ = 1, 300000000 / #piece do
      if not connection:write(piece) then break end
    end
  end

  function answers.chunked(connection)
    connection:write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while connection:write(("%x\r\n"):format(#piece), piece, "\r\n") do end
  end

  function answers.header(connection)
    connection:write("HTTP/1.1 200 OK\r\nX-Padding: ")
    while connection:write(piece) do end
  end

  function answers.headers(connection)
    connection:write("HTTP/1.1 200 OK\r\n")
    while connection:write("X-Padding: ", piece:sub(1, 1000), "\r\n") do end
  end

  function answers.interim(connection)
    while connection:write(("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"):rep(500)) do end
  end

  function answers.trailers(connection)
    connection:write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n")
    while connection:write("X-Padding: ", piece:sub(1, 1000), "\r\n") do end
  end

  function answers.drops(connection)
    connection:write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    repeat require("cqueues").sleep(0.5) until not connection:write("x")
  end

  function answers.silence()
    require("cqueues").sleep(60)
  end

  return function(connection, head)
    answers[head:match("^%u+ /(%l+)")](connection)
  end
]]

describe("a hostile server", function()
  local server, session

  setup(function() server = raw.start(ANSWERS) end)
  teardown(function() server:stop() end)
  before_each(function()
    session = assert(core.session { low_speed_limit = 1000, low_speed_time = 1 })
  end)
  after_each(function() session:close() end)

  local function status_of(name)
    for line in io.lines("/proc/self/status") do
      local value = line:match("^" .. name .. ":%s*(%d+) kB")
      if value then return tonumber(value) * 1024 end
    end
  end

  --- Ends a task and says how it ended, and what memory it took at most.
  local function cost_of(task)
    local reset = io.open("/proc/self/clear_refs", "w") -- the peak begins here
    reset:write("5")
    reset:close()
    local before, began = status_of("VmRSS"), core.now()
    assert.is_true(task:wait(20))
    local result, err = task:result()
    task:close()
    return result, err, status_of("VmHWM") - before, core.now() - began
  end

  local calls = {}

  function calls.api(how)
    return core.list_job(session,
      { base_url = server.url .. "/" .. how, bearer_token = TOKEN, id = "1", timeout = 2 })
  end

  function calls.list(how)
    return core.list_jobs(session,
      { base_url = server.url .. "/" .. how, bearer_token = TOKEN, type = "users", timeout = 5 })
  end

  function calls.request(how)
    return core.request(session,
      { url = server.url .. "/" .. how, loopback = true, method = "PUT", timeout = 2 })
  end

  local path

  before_each(function()
    path = os.tmpname()
    bench.write(path, bench.ids(20000))
  end)
  after_each(function() os.remove(path) end)

  function calls.upload(how)
    return core.upload_ids(session, { url = server.url .. "/" .. how, loopback = true,
      file = assert(core.open_source(path)), timeout = 2 })
  end

  function calls.download(how)
    return core.download_results(session, { url = server.url .. "/" .. how, loopback = true,
      file = assert(core.reopen(path)), timeout = 2 })
  end

  for _, case in ipairs {
    { "answers without end", "endless", { "api", "request", "upload" }, "larger than 1 MiB" },
    { "refuses without end", "refusal", { "api", "request", "upload", "download" },
      "larger than 1 MiB" },
    { "promises 300 MB", "promised", { "api", "request", "upload" }, "larger than 1 MiB" },
    { "answers in chunks without end", "chunked", { "api", "upload" }, "larger than 1 MiB" },
    { "sends a header without end", "header", { "api", "upload", "download" }, "" },
    { "sends headers without end", "headers", { "api", "upload", "download" },
      "more than 64 KiB of headers" },
    { "sends interim answers without end", "interim", { "api", "request", "upload", "download" },
      "more than 64 KiB of headers" },
    { "sends trailers without end", "trailers", { "api", "download" },
      "more than 64 KiB of headers" },
  } do
    for _, call in ipairs(case[3]) do
      it(("that %s is stopped, and takes no memory: %s"):format(case[1], call), function()
        local result, err, memory = cost_of(assert(calls[call](case[2])))
        assert.is_nil(result)
        assert.equal("protocol", err.kind, tostring(err))
        assert.matches(case[4], tostring(err), 1, true)
        assert.is_true(memory < 16 * MiB, memory)
      end)
    end
  end

  it("that lists jobs without end is stopped at 16 MiB", function()
    local result, err, memory = cost_of(assert(calls.list("endless")))
    assert.is_nil(result)
    assert.equal("protocol", err.kind, tostring(err))
    assert.matches("larger than 16 MiB", tostring(err), 1, true)
    assert.is_true(memory < 48 * MiB, memory)
  end)

  for _, call in ipairs { "api", "request", "upload", "download" } do
    for _, how in ipairs { "drops", "silence" } do
      it(("that is slow (%s) is given up: %s"):format(how, call), function()
        local result, err, _, seconds = cost_of(assert(calls[call](how)))
        assert.is_nil(result)
        assert.equal("timeout", err.kind, tostring(err))
        assert.is_true(seconds < 5, seconds)
      end)
    end
  end

  it("that is slow keeps nobody longer than his deadline", function()
    local client = require("xcompliance").client { bearer_token = TOKEN,
      base_url = server.url .. "/drops" }
    local began = core.now()
    local response, err = client:list_job("1", { deadline = 0.7 })
    assert.is_nil(response)
    assert.equal("timeout", err.kind)
    assert.is_true(core.now() - began < 1.7)
    client:close()
  end)
end)

describe("a Content-Range", function()
  for _, range in ipairs {
    "bytes 9223372036854775807-9223372036854775807/9223372036854775807",
    "bytes 18446744073709551616-18446744073709551616/18446744073709551617",
    "bytes 18446744073709551620-18446744073709551630/*", "bytes -4-10/11", "bytes +4-10/11",
    "bytes 4-3/11", "bytes 4-11/11", "bytes 4-", "bytes 4", "bytes */11", "", "4-10/11",
    "bytes 4-10/18446744073709551617", "bytes 0x4-10/11", "bytes 4-10/11, bytes 4-10/11",
  } do
    it("that makes no sense is refused, and nothing written: " .. range, function()
      local server = raw.start(([[return function(connection)
        connection:write("HTTP/1.1 206 Partial Content\r\nContent-Range: %s\r\n"
          .. "Content-Length: 7\r\n\r\nHOSTILE")
      end]]):format(range))
      local session, path = assert(core.session {}), os.tmpname()
      finally(function()
        session:close()
        server:stop()
        os.remove(path)
      end)
      bench.write(path, "kept")
      local file = assert(core.reopen(path))
      local task = assert(core.download_results(session, { url = server.url .. "/",
        loopback = true, file = file, offset = 4, headers = { "Range: bytes=4-" } }))
      assert.is_true(task:wait(20))
      local result, err = task:result()
      assert.is_nil(result)
      assert.equal("protocol", err.kind)
      assert.matches("another part", tostring(err))
      task:close()
      file:close()
      assert.equal("kept", bench.read(path))
    end)
  end
end)
