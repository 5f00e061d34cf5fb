-- whom we speak to, and whom not: promises 3, 4, 15, 16, 31 and 36 of docs/security.md

local api_call = require "spec.support.api"
local bench = require "spec.support.bench"
local core = require "xcompliance.core"
local raw = require "spec.support.raw"
local shell = require("spec.support.simulator").shell

local TOKEN = "t0ken-of-the-network"

local REFUSE = [[return function(connection)
  connection:write("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
end]]

local function result_of(task, err)
  if not task then return nil, err end
  assert.is_true(task:wait(20))
  local result, failure = task:result()
  task:close()
  return result, failure
end

describe("a redirect", function()
  local api, elsewhere, session

  before_each(function() session = assert(core.session {}) end)
  after_each(function()
    session:close()
    api:stop()
    elsewhere:stop()
  end)

  --- A server that sends everybody elsewhere: to the same origin first, to another one then.
  local function start(status)
    elsewhere = raw.start(REFUSE)
    api = raw.start(([[return function(connection, head, number)
      local places = { "/2/compliance/jobs/2", "%s/x", "//localhost:%d/y" }
      connection:write("HTTP/1.1 %d Elsewhere\r\nLocation: " .. places[(number - 1) %% 3 + 1]
        .. "\r\nRange: bytes=0-0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    end]]):format(elsewhere.url, elsewhere.port, status))
  end

  for _, status in ipairs { 301, 302, 303, 307, 308 } do
    it("by " .. status .. " is never followed, by the API's calls nor storage's", function()
      start(status)
      local common = { base_url = api.url, bearer_token = TOKEN }
      local function asked(fields)
        for name, value in pairs(common) do fields[name] = value end
        return fields
      end
      local path = os.tmpname()
      bench.write(path, bench.ids(2000))
      for _ = 1, 3 do
        for name, options in pairs {
          list_job = { id = "1" }, cancel_job = { id = "1" },
          create_compliance_job = { type = "tweets" }, list_jobs = { type = "users" },
        } do
          local _, err = api_call.call(name, session, asked(options))
          assert.equal(status, err.status)
          assert.equal("protocol", err.kind)
        end
        local file = assert(core.open_source(path))
        local target = assert(core.create_beside(path))
        local storage = { url = api.url .. "/o", loopback = true, file = file }
        assert.equal(status, assert(result_of(core.upload_ids(session, storage))).status)
        storage.file = target
        assert.equal(status, assert(result_of(core.download_results(session, storage))).status)
        assert.equal(0, target:stat().size)
        file:close()
        target:discard()
      end
      os.remove(path)
      assert.equal("", elsewhere:heads())
      assert.is_nil(api:heads():find("/2/compliance/jobs/2", 1, true))
    end)
  end
end)

describe("the token", function()
  it("goes to the API alone: storage is sent no Authorization header", function()
    local own = bench.start { flow = "storage" }
    finally(function() own:stop() end)
    local client = own:client()
    local job = own:job()
    local function wait_for(id)
      while assert(client:list_job(id)).data.status ~= "complete" do core.sleep(0.02) end
    end
    assert(client:upload_ids(job.upload_url, (own:list(20000))))
    wait_for(job.id)
    assert(client:download_results(job.download_url, own:path("results")))
    job = own:job { type = "users", resumable = true }
    own:arm("chunk:503", "download:cut@10", "chunk:308-partial@256KiB")
    assert(client:upload_ids(job.upload_url, (own:list(600000))))
    wait_for(job.id)
    assert(client:download_results(job.download_url, own:path("results")))
    local api = { create = true, list = true, get = true }
    local asked = 0
    for _, entry in ipairs(own.sim:log()) do
      assert.equal(api[entry.step] or false, entry.authorization, entry.step)
      if not api[entry.step] then asked = asked + 1 end
    end
    assert.is_true(asked >= 8)
  end)
end)

describe("a session's place", function()
  it("is refused where it is on another host, and nothing is sent there", function()
    local own, elsewhere = bench.start { flow = "storage" }, raw.start(REFUSE)
    finally(function()
      own:stop()
      elsewhere:stop()
    end)
    local job = own:job { resumable = true }
    for _, place in ipairs {
      elsewhere.url .. "/?upload_id=SECRET", "//127.0.0.1:" .. elsewhere.port .. "/", "/relative",
      "http://localhost:" .. own.sim.port .. "/", "file:///etc/passwd",
      own.sim.url .. "@127.0.0.1:" .. elsewhere.port .. "/", own.sim.url .. "\\@evil.example/",
    } do
      own.sim:arm_raw { step = "start", fault = "raw", status = 201, body = "",
        headers = { Location = place } }
      local said, err = own:client():upload_ids(job.upload_url, (own:list(20000)))
      assert.is_nil(said, place)
      assert.equal("protocol", err.kind, place)
      assert.is_nil(tostring(err):find("SECRET", 1, true))
      own.sim:disarm()
    end
    assert.equal("", elsewhere:heads())
  end)
end)

describe("a name of the allow-list", function()
  local folder

  before_each(function() folder = assert(shell("mktemp -d")) end)
  after_each(function() shell("rm -rf " .. folder) end)

  --- What becomes of a request to Google's storage, in a process to which its name means `address`.
  local function ask_as(address, options)
    bench.write(folder .. "/hosts", address .. " storage.googleapis.com\n")
    bench.write(folder .. "/ask.lua", ([[
      local core = require "xcompliance.core"
      local session = assert(core.session { connect_timeout = 2, %s })
      local task = assert(core.request(session, { url = "https://storage.googleapis.com/" }))
      task:wait(20)
      print(select(2, task:result()))
      task:close()
      session:close()]]):format(options or ""))
    local wrapper = ("unshare -rm sh -c 'mount --bind %s/hosts /etc/hosts && exec \"$@\"' sh")
      :format(folder)
    return shell(bench.command(folder .. "/ask.lua", wrapper) .. " 2>&1")
  end

  it("that leads to a private address is not connected to", function()
    if not shell("unshare -rm mount --bind /etc/hosts /etc/hosts 2>/dev/null") then
      return pending("no mount namespaces here")
    end
    local server = raw.start(REFUSE)
    finally(function() server:stop() end)
    for _, address in ipairs {
      "127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "::1", "::ffff:127.0.0.1",
      "fd00::1", "fe80::1",
    } do
      local said = ask_as(address)
      assert.matches("private address", said, 1, true)
    end
    -- if there is a proxy, it is what is connected to, and it looks names up
    local said = ask_as("127.0.0.1", ('proxy = "http://127.0.0.1:%d"'):format(server.port))
    assert.matches("CONNECT tunnel failed", said, 1, true)
    assert.matches("CONNECT storage.googleapis.com:443", server:heads(), 1, true)
  end)

  it("is asked for through the proxy that the environment names", function()
    local server = raw.start(REFUSE)
    finally(function() server:stop() end)
    bench.write(folder .. "/ask.lua", [[
      local core = require "xcompliance.core"
      local session = assert(core.session {})
      local url = "https://storage.googleapis.com/x?SECRET"
      local task = assert(core.request(session, { url = url }))
      task:wait(20)
      print(select(2, task:result()))]])
    for _, variable in ipairs { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" } do
      local said = shell(bench.command(folder .. "/ask.lua", ("env %s=http://127.0.0.1:%d")
        :format(variable, server.port)) .. " 2>&1")
      assert.matches("CONNECT tunnel failed", said, 1, true)
    end
    assert.is_nil(server:heads():find("SECRET", 1, true))
    assert.is_nil(server:heads():lower():find("authorization", 1, true))
  end)
end)

describe("two hundred clients", function()
  it("that are all refused ask a bounded number of times, and not all at once", function()
    local host = require("spec.support.hosts").cqueues
    local times = os.tmpname()
    local server = raw.start(([[
      local file = io.open(%q, "a")
      file:setvbuf("line")
      return function(connection)
        file:write(("%%.0f\n"):format(require("cqueues").monotime() * 1e6))
        connection:write("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
      end]]):format(times))
    finally(function()
      server:stop()
      os.remove(times)
    end)
    local client = require("xcompliance").client { bearer_token = TOKEN, base_url = server.url,
      loop = host.loop, retry = { attempts = 4, first = 0.4, max = 60 } }
    local works = {}
    for i = 1, 200 do
      works[i] = function()
        local response, err = client:list_job(tostring(i))
        assert(not response and err.kind == "server" and err.attempts == 4, tostring(err))
      end
    end
    host.enter(function() host.together(works) end)
    client:close()
    local list = {}
    for line in io.lines(times) do list[#list + 1] = tonumber(line) / 1e6 end
    table.sort(list)
    assert.equal(800, #list)
    -- the last wave comes 0.8 to 1.6 s after the one before: no tenth of a second has much of it
    local busiest = 0
    for i = 601, 800 do
      local j = i
      while list[j + 1] and list[j + 1] < list[i] + 0.1 do j = j + 1 end
      busiest = math.max(busiest, j - i + 1)
    end
    assert.is_true(busiest < 80, busiest)
  end)
end)
