-- The client over real sockets: settings, the operations, creating once, what is waited for.

local benches = require "spec.support.bench"
local core = require "xcompliance.core"
local flows = require "spec.support.flows"
local shell = require("spec.support.simulator").shell
local xcompliance = require "xcompliance"

flows.describe("a client", function(flow)
  local bench, client

  before_each(function()
    bench = benches.start()
    client = bench:client()
  end)
  after_each(function() bench:stop() end)

  --- Begins again within a test: no job in the way, nothing armed, nothing asked so far.
  local function begin()
    for _, job in ipairs(bench.sim:state().jobs) do
      if job.status == "created" then bench.sim:change_job(job.id, { status = "expired" }) end
    end
    bench.sim:disarm()
    bench:begin()
  end

  describe("has settings that", function()
    local function refused(settings, pattern)
      local ok, err = pcall(xcompliance.client, settings)
      assert.is_false(ok)
      assert.equal("usage", err.kind)
      assert.matches(pattern, tostring(err))
    end

    it("are known, and of their types", function()
      refused({ token = "x" }, "there is no option 'token'")
      refused({ timeout = "1" }, "timeout must be a number")
      refused({ retry = { tries = 1 } }, "there is no option 'tries'")
      refused("x", "settings must be a table")
      assert.is_table(xcompliance.client())
    end)

    it("are checked by value when the client is made", function()
      for _, wrong in ipairs {
        { timeout = 0 / 0 }, { timeout = -1 }, { timeout = 1e9 }, { connect_timeout = 0 },
        { low_speed_time = 1.5 }, { low_speed_limit = -1 }, { base_url = "x" },
        { base_url = "http://api.x.com" }, { base_url = "https://user:word@api.x.com" },
        { bearer_token = "" }, { bearer_token = "a b" }, { bearer_token = "a\n" }, { loop = {} },
        { storage_hosts = { 1 } }, { storage_hosts = { "a", nil, "b" } },
        { retry = { first = -1 } }, { retry = { attempts = 0 / 0 } },
      } do
        refused(wrong, "^[^ ]+: xcompliance.client: ")
      end
    end)

    it("give the token when a call is made: itself, by a file, or by the environment", function()
      local path = bench:path("token")
      benches.write(path, "  " .. benches.TOKEN .. "\r\n")
      local by_file = xcompliance.client { token_file = path, base_url = bench.sim.url }
      assert.is_table(by_file:list_jobs("tweets"))
      benches.write(path, "\n")
      local _, err = by_file:list_jobs("tweets")
      assert.equal("config", err.kind)
      os.remove(path)
      _, err = by_file:list_jobs("tweets")
      assert.equal("config", err.kind)
      assert.matches("No such file", tostring(err))
      by_file:close()
      if not os.getenv("BEARER_TOKEN") then
        _, err = xcompliance.client({ base_url = bench.sim.url }):list_jobs("tweets")
        assert.equal("config", err.kind)
        assert.matches("there is no bearer token", tostring(err))
      end
    end)

    it("name certificates that can be used", function()
      local _, err = bench:client({ ca_file = "/nonexistent" }):list_jobs("tweets")
      assert.equal("config", err.kind)
    end)
  end)

  it("shares its session with the client of another loop, and alone closes it", function()
    local own = bench:client()
    local guest = assert(own:with_loop(require "xcompliance.loop.blocking"))
    assert.is_table(guest:list_jobs("tweets"))
    guest:close()
    assert.is_table(own:list_jobs("tweets"))
    local ok, err = pcall(guest.list_jobs, guest, "tweets")
    assert.is_false(ok)
    assert.matches("this client is closed", err.message)
    own:close()
    ok = pcall(own.with_loop, own, require "xcompliance.loop.blocking")
    assert.is_false(ok)
  end)

  it("shows no token, whatever is printed of it", function()
    local own = bench:client()
    assert.matches("^xcompliance.client: http", tostring(own))
    for name in pairs(own) do error("a client shows " .. tostring(name)) end
  end)

  it("opens nothing before its first operation, and may be closed twice", function()
    local function threads() return #assert(shell("ls /proc/$PPID/task")) end
    local before = threads()
    local own = xcompliance.client { base_url = bench.sim.url, bearer_token = "t" }
    assert.equal(before, threads())
    assert.is_table(own:list_jobs("tweets"))
    assert.is_true(own:close())
    assert.is_true(own:close())
    assert.equal(before, threads())
    local ok, err = pcall(own.list_jobs, own, "tweets")
    assert.is_false(ok)
    assert.equal("usage", err.kind)
    assert.matches("closed", tostring(err))
  end)

  it("does the five steps of the API", function()
    local path, text = bench:list(2000)
    local response = assert(client:create_compliance_job("tweets", "testjob"))
    assert.equal("testjob", response.data.name)
    local said, info = assert(client:upload_ids(response.data.upload_url, path))
    assert.matches(flow == "api" and '^{"data":{' or "^$", said)
    assert.same({
      bytes = 2000, ids = 100, crc32c = core.crc32c(text), verified = true, resumable = false,
      flow = flow, checksum = flow == "storage" and "crc32c" or "none",
    }, info)
    bench:holds(response.data, text)
    local job = assert(client:list_job(response.data.id)).data
    assert.equal("complete", job.status)
    local found
    for _, one in ipairs(assert(client:list_jobs("tweets", "complete")).data) do
      found = found or one.id == job.id
    end
    assert.is_true(found)
    local results = bench:path("results.jsonl")
    local status
    status, info = assert(client:download_results(job.download_url, results))
    assert.equal(200, status)
    assert.is_true(info.verified)
    assert.equal(info.crc32c, core.crc32c(benches.read(results)))
    assert.equal("600", shell("stat -c %a " .. results))
  end)

  local it_with_sessions = flow == "storage" and it or function() end

  it_with_sessions("uploads resumably where the URL is made for it", function()
    local path, text = bench:list(600000)
    local job = assert(client:create_compliance_job("users", nil, true)).data
    local _, info = assert(client:upload_ids(job.upload_url, path, { chunk = 262144 }))
    assert.is_true(info.resumable)
    assert.is_true(info.verified)
    bench:holds(job, text)
    assert.equal("create start chunk chunk chunk", bench:steps())
    local ok, err = pcall(client.upload_ids, client, job.upload_url, path, { chunk = 1000 })
    assert.is_false(ok)
    assert.matches("multiple of 262144", tostring(err))
  end)

  it("asks for the fields that are named", function()
    local response = assert(client:create_compliance_job("tweets", "f", nil,
      { fields = { "status" } }))
    local job = response.data
    assert.same({ id = job.id, status = "created" }, job)
    job = assert(client:list_job(job.id, { fields = { "name" } })).data
    assert.same({ id = job.id, name = "f" }, job)
    local jobs = assert(client:list_jobs("tweets", nil, { fields = { "type" } })).data
    assert.same({ id = jobs[1].id, type = "tweets" }, jobs[1])
  end)

  it("keeps warnings beside data, and members that nobody knows", function()
    local id = assert(client:create_compliance_job("tweets")).data.id
    bench:arm("get:with-errors", 'get:set@{"colour":"red","parts":[1,2.5]}')
    assert.matches("Something went wrong", assert(client:list_job(id)).errors[1].detail)
    local job = assert(client:list_job(id)).data
    assert.equal("red", job.colour)
    assert.same({ 1, 2.5 }, job.parts)
  end)

  it("raises misuse of an operation", function()
    for _, misuse in ipairs {
      { "create_compliance_job", "posts" }, { "create_compliance_job" },
      { "create_compliance_job", "tweets", ("x"):rep(65) },
      { "list_job", "abc" }, { "list_job", 12 },
      { "list_jobs", "tweets", "expired" }, { "list_jobs", "tweets", nil, { field = {} } },
      { "upload_ids", "https://storage.googleapis.com/x" }, { "download_results", 1, "x" },
      { "list_job", "1", { deadline = -1 } }, { "list_job", "1", { on_progress = 1 } },
    } do
      local ok, err = pcall(client[misuse[1]], client, misuse[2], misuse[3], misuse[4])
      assert.is_false(ok, misuse[1])
      assert.equal("usage", err.kind)
    end
    assert.equal("", bench:steps())
  end)

  it("tries a call again that the network or the API has failed", function()
    local id = assert(client:create_compliance_job("tweets")).data.id
    bench:begin()
    bench:arm("get:503", "get:close", "get:408", "get:half")
    local warnings = {}
    local job = assert(client:list_job(id, { on_progress = function(event)
      warnings[#warnings + 1] = event.warning
    end })).data
    assert.equal(id, job.id)
    assert.equal("get get get get get", bench:steps())
    assert.is_true(#warnings >= 3) -- libcurl itself repeats what a kept connection lost
    assert.matches("the API answered 503.* %- trying again in ", warnings[1])
  end)

  it("gives up after this many attempts, and says how many", function()
    bench:arm("list:503x*")
    local _, err = client:list_jobs("tweets")
    assert.equal("server", err.kind)
    assert.equal(503, err.status)
    assert.equal(5, err.attempts)
    assert.matches("503: Service Unavailable %(after 5 attempts%) %- try again later$",
      tostring(err))
  end)

  it("tries nothing again that cannot help", function()
    for fault, kind in pairs {
      ["401"] = "auth", ["403-unsupported"] = "forbidden", ["403-client-forbidden"] = "forbidden",
      ["404"] = "not_found", ["429-usage-capped"] = "rate_limited", ["400"] = "usage",
      ["302"] = "protocol",
    } do
      begin()
      bench:arm("get:" .. fault)
      local _, err = client:list_job("1")
      assert.equal(kind, err.kind)
      assert.equal("get", bench:steps())
      assert.is_nil(tostring(err):find(benches.TOKEN, 1, true))
    end
  end)

  it("waits until a rate limit is reset", function()
    bench:arm("list:429@1")
    local start = core.now()
    local reason
    assert(client:list_jobs("tweets", nil, { on_progress = function(event)
      reason = reason or event.warning
    end }))
    local waited = core.now() - start
    assert.is_true(waited > 0.2 and waited < 4, waited)
    assert.matches("^rate limited until %d%d:%d%d:%d%d %- trying again", reason)
  end)

  describe("creates a job once", function()
    local function jobs_named(name)
      local count = 0
      for _, job in ipairs(bench.sim:state().jobs) do
        if job.name == name then count = count + 1 end
      end
      return count
    end

    it("although the answer was lost: it is found by its name", function()
      bench:arm("create:lost")
      local response, details = assert(client:create_compliance_job("tweets", "lost"))
      assert.equal("lost", response.data.name)
      assert.is_string(response.data.upload_url)
      assert.is_true(details.adopted)
      assert.equal("create list get", bench:steps())
      assert.equal(1, jobs_named("lost"))
    end)

    it("although the answer could not be read", function()
      for _, fault in ipairs {
        "half", "without@upload_url", "number-id", "status@500", "null-data",
      } do
        begin()
        bench:arm("create:" .. fault)
        local name = "unread " .. fault
        local response = assert(client:create_compliance_job("tweets", name))
        assert.equal(name, response.data.name)
        assert.equal("create list get", bench:steps())
        assert.equal(1, jobs_named(name))
      end
    end)

    it("after it was looked for, where the API failed before it was made", function()
      bench:arm("create:503-html")
      local response = assert(client:create_compliance_job("tweets", "second"))
      assert.equal("second", response.data.name)
      assert.equal("create list create", bench:steps())
      assert.equal(1, jobs_named("second"))
    end)

    it("and is not taken for an older one of the same name", function()
      local older = assert(client:create_compliance_job("tweets", "twin")).data
      begin()
      bench.sim:advance(10)
      bench:arm("create:503")
      local newer = assert(client:create_compliance_job("tweets", "twin")).data
      assert.is_true(older.id ~= newer.id)
      assert.equal("create list create", bench:steps())
    end)

    it("or says that it cannot know, where it has no name", function()
      bench:arm("create:lost")
      local response, err = client:create_compliance_job("tweets")
      assert.is_nil(response)
      assert.equal("network", err.kind)
      assert.is_false(err.retryable)
      assert.matches("a job may have been made all the same", tostring(err))
      assert.equal("create", bench:steps())
    end)

    it("again where it was refused, or never sent", function()
      bench:arm("create:429@1")
      assert(client:create_compliance_job("tweets", "limited"))
      assert.equal("create create", bench:steps())
      begin()
      bench:arm("create:refuse@0.3")
      local patient = bench:client { retry = { attempts = 8, first = 0.2 } }
      assert(patient:create_compliance_job("tweets"))
      assert.equal("create", bench:steps())
    end)

    it("and says which runs if one runs already", function()
      assert(client:create_compliance_job("tweets"))
      bench:begin()
      local _, err = client:create_compliance_job("tweets", "x")
      assert.equal("conflict", err.kind)
      assert.equal(409, err.status)
      assert.equal("conflict", err.problem_type)
      assert.equal("create", bench:steps())
    end)
  end)

  describe("is waited for", function()
    it("no longer than the deadline, in a transfer", function()
      local job = bench:job()
      bench:arm("upload:blackhole@20")
      local start = core.now()
      local said, err = client:upload_ids(job.upload_url, (bench:list(2000)), { deadline = 0.3 })
      assert.is_true(core.now() - start < 1.3)
      assert.is_nil(said)
      assert.equal("timeout", err.kind)
      assert.is_true(err.retryable)
      assert.matches("^uploading .*ids.txt: the deadline of 0.3 s has passed", tostring(err))
      assert.matches("run it again to resume$", tostring(err))
    end)

    it("no longer than the deadline, between attempts", function()
      bench:arm("list:429@600x*")
      local start = core.now()
      local _, err = client:list_jobs("tweets", nil, { deadline = 1 })
      assert.is_true(core.now() - start < 2)
      assert.equal("timeout", err.kind)
      assert.matches("rate limited until %d%d:%d%d:%d%d", tostring(err))
    end)

    it("not at all where the callback raises: all is closed, and the file is not there", function()
      local job = bench:complete_job(200)
      local results = bench:path("results.jsonl")
      local ok, err = pcall(client.download_results, client, job.download_url, results,
        { on_progress = function() error("stop") end })
      assert.is_false(ok)
      assert.matches("stop", tostring(err))
      assert.is_nil(benches.read(results))
      assert.equal("", shell(("ls -A %s | grep part || true"):format(bench.folder)))
      assert.equal(200, (assert(client:download_results(job.download_url, results))))
    end)

    it("by the loop that it was handed, and by no other", function()
      local waits, sleeps = 0, 0
      local loop = {
        wait = function(task, seconds)
          waits = waits + 1
          return task:wait(seconds)
        end,
        sleep = function(seconds)
          sleeps = sleeps + 1
          core.sleep(seconds)
        end,
      }
      bench:arm("list:503")
      assert(bench:client({ loop = loop }):list_jobs("tweets"))
      assert.equal(2, waits)
      assert.equal(1, sleeps)
    end)
  end)

  it("reports an upload's progress", function()
    local job, last = bench:job(), nil
    assert(client:upload_ids(job.upload_url, (bench:list(20000)), { on_progress = function(event)
      assert.equal("upload", event.step)
      last = event
    end }))
    assert.equal(20000, last.done)
    assert.equal(20000, last.total)
  end)

  it("refuses a list that is empty, or no file", function()
    local job = bench:job()
    local empty = bench:path("empty")
    benches.write(empty, "")
    local _, err = client:upload_ids(job.upload_url, empty)
    assert.equal("data", err.kind)
    for _, path in ipairs { bench.folder, "/dev/zero", "/nonexistent" } do
      _, err = client:upload_ids(job.upload_url, path)
      assert.equal("io", err.kind)
    end
    assert.equal("", bench:steps())
  end)

  it("takes no list with holes for a shorter one", function()
    local job = bench:job()
    for _, list in ipairs { { "id", nil, "status" }, { nil, "id" }, { "id", more = "status" } } do
      local ok, err = pcall(client.list_job, client, job.id, { fields = list })
      assert.is_false(ok)
      assert.equal("usage", err.kind)
      assert.matches("without holes", err.message, 1, true)
      ok, err = pcall(bench.client, bench, { storage_hosts = list })
      assert.is_false(ok)
      assert.matches("without holes", err.message, 1, true)
    end
    assert.equal("", bench:steps())
  end)

  it("refuses what is not a list of ids, unless it is asked to send it as it is", function()
    local job = bench:job()
    local path = bench:path("odd")
    local tweets = '{"id":"1","text":"private"}\n'
    for name, content in pairs {
      tweets = tweets, gzip = "\31\139\8\0\0\0\0\0\0\3", csv = "id\n1\n", rounded = "1.2E+18\n",
      two = "1\n2 3\n", late = ("1\n"):rep(200000) .. "x", bom = "\239\187\1911\n",
    } do
      benches.write(path, content)
      local said, err = client:upload_ids(job.upload_url, path)
      assert.is_nil(said, name)
      assert.equal("data", err.kind)
      assert.matches("odd, line %d+", err.message)
      assert.matches("only a list of ids is uploaded", err.message, 1, true)
    end
    benches.write(path, "\n \n")
    local said, err = client:upload_ids(job.upload_url, path)
    assert.is_nil(said)
    assert.matches("holds no ids", err.message, 1, true)
    assert.equal("", bench:steps())
    benches.write(path, tweets)
    assert(client:upload_ids(job.upload_url, path, { as_is = true }))
    bench:holds(job, tweets)
  end)

  it("keeps a target as it was where the download fails", function()
    local job = bench:complete_job(200)
    local results = bench:path("results.jsonl")
    benches.write(results, "before")
    local faults = {
      storage = { flip = "integrity", ["wrong-hash"] = "integrity", ["400-expired"] = "expired",
        ["403-signature"] = "forbidden", ["404"] = "not_found" },
      api = { truncated = "data", ["403-expired"] = "forbidden", ["404"] = "not_found" },
    }
    for fault, kind in pairs(faults[flow]) do
      begin()
      bench:arm("download:" .. fault)
      local _, err = client:download_results(job.download_url, results)
      assert.equal(kind, err.kind)
      assert.equal("before", benches.read(results))
    end
    assert.equal("", shell(("ls -A %s | grep part || true"):format(bench.folder)))
  end)

  it("raises when a name of an enumeration is misspelt: nil would mean all", function()
    local ok, err = pcall(function() return xcompliance.ComplianceJobStatus.completed end)
    assert.is_false(ok)
    assert.matches("ComplianceJobStatus has no member 'completed'", tostring(err))
    assert.is_false((pcall(function() return xcompliance.ComplianceJobType.tweet end)))
    assert.equal("users", xcompliance.ComplianceJobType.users)
  end)

  it("has the same operations as plain functions of the module", function()
    local script = bench:path("plain.lua")
    benches.write(script, [[
      local xcompliance = require "xcompliance"
      local type = xcompliance.ComplianceJobType.tweets
      local response = assert(xcompliance.create_compliance_job(type))
      assert(response.data.status == xcompliance.ComplianceJobStatus.created)
      assert(xcompliance.list_jobs("tweets"))
      assert(xcompliance.upload_ids(response.data.upload_url, arg[1]))
      repeat
        local job = assert(xcompliance.list_job(response.data.id)).data
      until job.status == "complete"
      assert(xcompliance.download_results(response.data.download_url, arg[1] .. ".results"))
    ]])
    assert(shell(("BEARER_TOKEN=%s XCOMPLIANCE_BASE_URL=%s %s 2>&1"):format(benches.TOKEN,
      bench.sim.url, benches.command(script .. " " .. (bench:list(2000))))))
  end)

  it("touches no global", function()
    local before = {}
    for name in pairs(_G) do before[name] = true end
    assert(client:list_jobs("tweets"))
    for name in pairs(_G) do assert.is_true(before[name], name) end
  end)
end)
