-- Rows 1 to 3, 5 to 11, 82 and 84 of the fault matrix: what may happen at any step. Row 4 is in
-- spec/tls_spec.lua, kill -9 of row 11 in spec/crash_spec.lua, row 81 in spec/memory_spec.lua.

local benches = require "spec.support.bench"
local core = require "xcompliance.core"
local flows = require "spec.support.flows"
local raw = require "spec.support.raw"
local simulator = require "spec.support.simulator"

local shell, quote = simulator.shell, simulator.quote

flows.describe("at any step", function(flow)
  local bench

  before_each(function() bench = benches.start() end)
  after_each(function() bench:stop() end)

  local function list(settings, options)
    return bench:client(settings):list_jobs("tweets", nil, options)
  end

  local HAS_SESSIONS = flow == "storage"
  local STEPS = HAS_SESSIONS and { "get", "upload", "start", "chunk", "query", "download" }
    or { "get", "cancel", "upload", "download" }
  local it_with_sessions = HAS_SESSIONS and it or function() end
  local TRANSFERS = HAS_SESSIONS and { "upload", "chunk", "download" } or { "upload", "download" }

  --- Does what has the step in it; faults strike from there on.
  -- @tparam string step
  -- @tparam table faults `@` in them stands for the step
  -- @tparam[opt] table settings of the client
  -- @tparam[opt] table options of the operation, and `bytes` or `ids`: how many
  local function operate(step, faults, settings, options)
    local client, own = bench:client(settings), options or {}
    local bytes, ids = own.bytes or 300000, own.ids or 200
    own.bytes, own.ids = nil, nil
    local job = step == "download" and bench:complete_job(ids)
      or bench:job { resumable = HAS_SESSIONS and step ~= "upload" }
    for i, fault in ipairs(faults) do faults[i] = fault:gsub("^@", step) end
    if step == "query" then table.insert(faults, 1, "chunk:503-early") end
    bench:arm(faults)
    if step == "get" then return client:list_job(job.id, own) end
    if step == "cancel" then return client:cancel_job(job.id, own) end
    bench.results = bench:path("results")
    if step == "download" then
      return client:download_results(job.download_url, bench.results, own)
    end
    return client:upload_ids(job.upload_url, (bench:list(bytes)), own)
  end

  -- {==================================================================
  -- The connection
  -- ===================================================================

  it("row 1: a connection that is refused twice is tried again, with growing waits", function()
    bench.sim:stop()
    local waits, port = {}, bench.sim.port
    local again
    local response, err = bench:client { retry = { attempts = 8, first = 0.1, max = 5 } }:list_jobs(
      "tweets", nil, {
        on_progress = function(event)
          if not event.warning then return end
          assert.matches("libcurl 7", event.warning)
          waits[event.retry] = event.wait
          if event.retry == 2 then again = simulator.start { port = port } end
        end,
      })
    if again then again:stop() end
    assert.is_table(response, tostring(err))
    assert.equal(2, #waits)
    assert.is_true(waits[1] >= 0.05 and waits[1] <= 0.1, waits[1])
    assert.is_true(waits[2] >= 0.1 and waits[2] <= 0.2, waits[2])
  end)

  it("row 1: not for ever", function()
    bench:arm("list:refuse@30")
    local response, err = list()
    assert.is_nil(response)
    assert.equal("network", err.kind)
    assert.equal(5, err.attempts)
    assert.matches("after 5 attempts", tostring(err))
  end)

  for _, step in ipairs(STEPS) do
    it("row 1: connections may be refused for a while, at " .. step, function()
      assert(operate(step, { "@:refuse@0.4" },
        { retry = { attempts = 20, first = 0.05, max = 0.2 } }))
    end)
  end

  it("row 2: a name that nobody knows is tried again, within bounds, and named", function()
    local response, err = list { base_url = "https://api.invalid" }
    assert.is_nil(response)
    assert.equal("network", err.kind)
    assert.equal(6, err.system)
    assert.equal(5, err.attempts)
    assert.matches("api%.invalid", tostring(err))
    assert.matches("check the name", tostring(err))
  end)

  it("row 3: a server that never answers a call of the API is given up, and asked again", function()
    local id = bench:job().id
    bench:arm("get:blackhole@30")
    assert(bench:client { timeout = 0.3 }:list_job(id))
    assert.equal("get get", bench:steps())
  end)

  for step, steps in pairs {
    upload = HAS_SESSIONS and "upload upload" or "upload get upload",
    download = "download download", chunk = HAS_SESSIONS and "start chunk query chunk" or nil,
  } do
    it("row 3: a storage that never answers is given up, and asked again, at " .. step, function()
      assert(operate(step, { "@:blackhole@30" },
        { low_speed_time = 1, low_speed_limit = 1000000000 }))
      assert.equal(steps, bench:steps())
    end)
  end

  for _, step in ipairs(STEPS) do
    for _, fault in ipairs { "garbage", "http09", "1xx-only" } do
      it(("row 5: %s instead of an answer is tried again, at %s"):format(fault, step), function()
        assert(operate(step, { "@:" .. fault }))
        -- or what had become of it was looked at, and it had arrived
        local looked = step == "chunk" and "query" or step == "upload" and "get"
        assert.is_true(bench:count(step) > 1 or looked and bench:count(looked) == 1)
      end)
    end
  end

  for _, fault in ipairs { "garbage", "http09", "1xx-only" } do
    it("row 5: and is an error of the protocol in the end: " .. fault, function()
      bench:arm("list:" .. fault .. "x*")
      local response, err = list()
      assert.is_nil(response)
      assert.is_true(err.kind == "protocol" or err.kind == "network", err.kind)
      assert.equal(5, err.attempts)
      assert.equal(5, bench:count("list"))
    end)
  end

  for _, step in ipairs(STEPS) do
    it("row 6: answers come in single bytes, at " .. step, function()
      assert(operate(step, { "@:piecesx*" }))
    end)
  end

  for _, fault in ipairs { "endless-header@16MiB", "many-headers@100000" } do
    for _, step in ipairs(STEPS) do
      it(("row 7: %s is an error, and takes no memory, at %s"):format(fault, step), function()
        local faults = { "@:" .. fault .. "x*" }
        -- or a job that can be read says what became of an upload, a query what of a piece
        local looks = step == "chunk" and "query" or "get"
        if step ~= "get" then faults[2] = looks .. ":" .. fault .. "x*" end
        benches.grows_at_most(4 * benches.MiB, function()
          local result, err = operate(step, faults, { retry = { attempts = 2 } })
          assert.is_nil(result)
          assert.equal("protocol", err.kind, tostring(err))
        end)
      end)
    end
  end

  it("row 8: a connection that the server has closed meanwhile is no failure", function()
    local client, warned = bench:client(), nil
    local function on_progress(event) warned = warned or event.warning end
    for _ = 1, 3 do
      bench:arm("list:idle-close")
      assert(client:list_jobs("tweets", nil, { on_progress = on_progress }))
      core.sleep(0.05)
    end
    local tweets, users = bench:job(), bench:job { type = "users" }
    bench:arm("upload:idle-close")
    assert(client:upload_ids(tweets.upload_url, (bench:list(3000)), { on_progress = on_progress }))
    core.sleep(0.05)
    assert(client:upload_ids(users.upload_url, (bench:list(3000)), { on_progress = on_progress }))
    assert.is_nil(warned)
    assert.equal("upload upload", bench:steps())
  end)

  it("row 8: a body that is sent again on another connection is summed again", function()
    -- answers one PUT, reads 100 kB of the next on the same connection, and ends the connection;
    -- it reads on, as closing with unread bytes is a reset, which libcurl may meet while it sends
    local server = raw.start([[
      local function read_body(connection, head)
        local left = tonumber(head:match("Content%-Length: (%d+)"))
        while left > 0 do
          local piece = connection:read(-left)
          if not piece then return end
          left = left - #piece
        end
      end
      return function(connection, head, number)
        if head:find("100-continue", 1, true) then
          connection:write("HTTP/1.1 100 Continue\r\n\r\n")
          connection:flush()
        end
        read_body(connection, head)
        connection:write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        connection:flush()
        if number > 1 then return end
        local line
        repeat line = connection:read("*L") until not line or line == "\r\n"
        connection:read(100000)
        connection:shutdown("w")
        repeat until not connection:read(-100000)
      end]])
    local client, warned = bench:client { base_url = server.url }, nil
    local function upload(bytes)
      return client:upload_ids(server.url .. "/o", (bench:list(bytes)),
        { on_progress = function(event) warned = warned or event.warning end })
    end
    assert(upload(3000))
    local said, info = upload(900000)
    assert.is_string(said, tostring(info))
    assert.is_nil(warned) -- libcurl did it by itself
    assert.equal(2, select(2, server:heads():gsub("PUT ", "")))
    server:stop()
  end)

  it("row 8: a job is never created on a kept connection", function()
    local client = bench:client()
    for i = 1, 3 do
      bench:arm("list:idle-close")
      assert(client:list_jobs("tweets"))
      local response = assert(client:create_compliance_job("tweets", "n" .. i))
      bench.sim:change_job(response.data.id, { status = "failed" })
    end
    assert.equal("list create list create list create", bench:steps())
  end)

  -- }==================================================================

  -- {==================================================================
  -- The caller
  -- ===================================================================

  it("row 9: a deadline that passes between two attempts ends the call", function()
    bench:arm("list:503x*")
    local began = core.now()
    local response, err =
      list({ retry = { attempts = 100, first = 0.5, max = 1 } }, { deadline = 1 })
    assert.is_nil(response)
    assert.equal("timeout", err.kind)
    assert.is_true(core.now() - began < 2)
    assert.matches("503", tostring(err))
    assert.matches("run it again to resume", tostring(err))
  end)

  for step, fault in pairs {
    upload = "upload:stall@30", download = "download:throttle@10kB",
    chunk = HAS_SESSIONS and "chunk:throttle@10kB" or nil,
  } do
    it("row 9: a deadline that passes in a transfer ends the call, at " .. step, function()
      local began
      bench:list(300000) -- made once, and then at hand
      local said, err = operate(step, { fault }, nil, { deadline = 0.5, ids = 20000,
        on_progress = function() began = began or core.now() end })
      assert.is_true(core.now() - began < 1.5, core.now() - began)
      assert.is_nil(said)
      assert.equal("timeout", err.kind)
      assert.matches("the deadline of", tostring(err))
      assert.is_nil(benches.read(bench.results))
    end)
  end

  it_with_sessions("row 9: what was reached until the deadline is not done again", function()
    local ids, results = bench:path("ids.txt"), bench:path("results.jsonl")
    benches.write(ids, benches.ids(20 * 30000))
    local function check(deadline)
      return bench:client():check { type = "tweets", ids = ids, results = results,
        upload = "resumable", poll = { min = 0.02 }, deadline = deadline }
    end
    bench:arm("chunk:throttle@500kB")
    local outcome, err = check(1)
    assert.is_nil(outcome)
    assert.equal("timeout", err.kind)
    assert.matches("at byte [%d,]+ of 600,000", tostring(err))
    outcome = assert(check())
    assert.is_true(outcome.resumed and outcome.verified)
    assert.equal("create start chunk query chunk download", (bench:steps():gsub("get ", "")))
    local ranges = bench:asked("chunk", "content-range")
    assert.equal("bytes 0-599999/600000", ranges[1])
    assert.matches("^bytes [1-9]%d+%-599999/600000", ranges[2])
  end)

  for _, step in ipairs(TRANSFERS) do
    it("row 10: a callback that raises ends the call cleanly, at " .. step, function()
      local calls = 0
      local ok, failure = pcall(operate, step, { "@:throttle@200kB" }, nil, {
        ids = 20000, on_progress = function()
          calls = calls + 1
          error("enough", 0)
        end,
      })
      assert.is_false(ok)
      assert.equal("enough", failure)
      assert.equal(1, calls)
      assert.is_nil(benches.read(bench.results))
      assert.equal("0", shell(("ls -A %s | grep -c part; true"):format(quote(bench.folder))))
      assert(bench.clients[1]:list_jobs("tweets")) -- the client is as good as new
    end)
  end

  it("row 10: and the transfer is over when the call is", function()
    -- the server sends for as long as anybody listens, and says when nobody does any more
    local server = raw.start([[
      local folder = ...
      return function(connection)
        local cqueues = require "cqueues"
        connection:write("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        repeat
          local sent = connection:write(("x"):rep(1000)) and connection:flush()
          cqueues.sleep(0.01)
        until not sent
        local file = io.open(folder .. "/over", "w")
        file:close()
      end]])
    local client = bench:client { base_url = server.url }
    collectgarbage("stop") -- nobody else may tidy up
    local ok, failure = pcall(client.download_results, client, server.url .. "/o",
      bench:path("results.jsonl"), { on_progress = function() error("enough", 0) end })
    local deadline = core.now() + 3
    while not benches.read(server.folder .. "/over") and core.now() < deadline do
      core.sleep(0.02)
    end
    collectgarbage("restart")
    assert.is_false(ok)
    assert.equal("enough", failure)
    assert.is_string(benches.read(server.folder .. "/over"), "the transfer ran on")
    server:stop()
  end)

  it("row 10: and a check continues afterwards", function()
    local ids, results = bench:path("ids.txt"), bench:path("results.jsonl")
    benches.write(ids, benches.ids(20 * 30000))
    local function check(on_progress)
      return bench:client():check { type = "tweets", ids = ids, results = results,
        poll = { min = 0.02 }, upload = HAS_SESSIONS and "resumable" or nil,
        on_progress = on_progress }
    end
    for _, step in ipairs { "prepare", "create", "upload", "wait", "download" } do
      local ok, failure = pcall(check, function(event)
        if event.step == step then error("enough of " .. step, 0) end
      end)
      assert.is_false(ok)
      assert.equal("enough of " .. step, failure)
    end
    local outcome = assert(check())
    -- at the API's own host nobody may have seen the answer to the upload
    assert.is_true(outcome.verified or not HAS_SESSIONS)
    assert.equal(1, bench:count("create"))
  end)

  -- }==================================================================

  -- {==================================================================
  -- The process
  -- ===================================================================

  for step, upload in pairs {
    create = "simple", upload = "simple", get = "simple", download = "simple",
    start = HAS_SESSIONS and "resumable" or nil, chunk = HAS_SESSIONS and "resumable" or nil,
  } do
    it("row 11: a SIGINT ends the command, and the next one continues, at " .. step, function()
      local ids, results = bench:path("ids.txt"), bench:path("results.jsonl")
      benches.write(ids, benches.ids(20 * 1000))
      local command = bench:xcompliance(("check tweets %s -o %s --poll 1:1 --upload %s"):format(
        ids, results, upload))
      bench:arm(step .. ":stall@1")
      local process = bench:spawn(command)
      for _ = 1, 200 do
        if bench:count(step) > 0 then break end
        core.sleep(0.02)
      end
      local began = core.now()
      process.kill("INT")
      local output, status = process.wait()
      assert.is_true(core.now() - began < 0.9, core.now() - began)
      assert.equal(130, status)
      assert.matches("interrupted by SIGINT", output)
      bench.sim:disarm()
      output, status = bench:spawn(command).wait()
      assert.equal(0, status, output)
      assert.equal(1, #bench.sim:state().jobs)
    end)
  end

  it("row 11: the reader of the output may go away", function()
    local ids, results = bench:list(20000), bench:path("results.jsonl")
    bench:arm("upload:reset@10000", "get:reset", "download:reset@10")
    local output = assert(shell(("{ %s; echo \"status $?\" >&3; } 3>&1 2>&1 >/dev/null | true;")
      :format(bench:xcompliance(("check tweets %s -o %s --poll 1:1"):format(ids, results)))
      .. ("[ -f %s ] && echo there"):format(quote(results))))
    assert.matches("there", output)
  end)

  -- }==================================================================

  -- {==================================================================
  -- Handles
  -- ===================================================================

  it("row 82: a client may be closed, and forgotten, in the middle of anything", function()
    for i = 1, 20 do
      local client = bench:client()
      local resumable = HAS_SESSIONS and i % 2 == 0
      local job = bench:job { resumable = resumable }
      bench:arm((resumable and "chunk" or "upload") .. ":throttle@100kB")
      local ok, failure = pcall(client.upload_ids, client, job.upload_url, (bench:list(300000)), {
        on_progress = function() client:close() end,
      })
      assert.is_true(ok, tostring(failure))
      ok, failure = pcall(client.list_jobs, client, "tweets")
      assert.is_false(ok)
      assert.equal("usage", failure.kind)
      assert.matches("closed", tostring(failure))
      bench.sim:disarm()
    end
  end)

  it("row 82: tasks and sessions may be collected while they run", function()
    local job = bench:job()
    bench:arm("upload:throttle@100kBx*")
    local path = bench:list(300000)
    for _ = 1, 20 do
      local session = assert(core.session {})
      local file = assert(core.open_source(path))
      assert(core.upload_ids(session, { url = job.upload_url, file = file, loopback = true,
        headers = { "Content-Type: text/plain" } }))
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil(bench:stored(job))
  end)

  it("row 82: many coroutines share a client, each waiting for its own", function()
    local together = require "xcompliance.together"
    local blocking = require "xcompliance.loop.blocking"
    local client, functions = bench:client(), {}
    local id = bench:job().id
    bench:arm("get:503+3x2", "get:lost+9", "get:reset+20", "get:stall@0.2+30")
    for i = 1, 50 do
      functions[i] = function(loop) return client:with_loop(loop):list_job(id) end
    end
    for _, result in ipairs(together.run(blocking, functions)) do
      assert.equal(id, assert(result[1], tostring(result[2])).data.id)
    end
  end)

  -- }==================================================================

  it("row 84: neither ~/.netrc nor ~/.curlrc is read", function()
    local home = bench:path("home")
    assert(shell("mkdir " .. quote(home)))
    benches.write(home .. "/.netrc", "machine 127.0.0.1 login evil password s3cret\n")
    benches.write(home .. "/.curlrc", "proxy = http://127.0.0.1:1\nuser-agent = evil\n")
    local output = assert(shell("HOME=" .. quote(home) .. " "
      .. bench:xcompliance("list tweets --json")))
    assert.matches("result_count", output)
    local log = bench:log()
    assert.equal("list", log[#log].step)
    assert.is_nil(log[#log].headers["user-agent"]:find("evil", 1, true))
  end)

  it("row 84: no proxy of the environment stands between us and this machine", function()
    for _, name in ipairs { "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy" } do
      assert(shell(name .. "=http://127.0.0.1:1 " .. bench:xcompliance("list tweets")))
    end
  end)
end)
