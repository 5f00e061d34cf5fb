-- the examples of the hosts do what they say: cqueues, luv, cron, nginx

local cjson = require "cjson"
local nginx = require "spec.support.nginx"
local simulator = require "spec.support.simulator"

local quote, shell = simulator.quote, simulator.shell
local is_jit = rawget(_G, "jit") ~= nil
local is_sanitized = os.getenv("LD_PRELOAD") ~= nil -- other processes have no sanitizer's runtime
local lua = require "spec.support.interpreter"

if is_sanitized then return end

local root, folder, sim

local function start(options)
  sim = simulator.start(options)
  folder = assert(shell("mktemp -d"))
end

local function stop()
  sim:stop()
  shell("rm -rf " .. folder)
end

local function absolute(path) return (path:gsub("%f[^;%z]%./", root .. "/")) end

--- Runs a command in the folder, as a user of the simulator.
local function run(command)
  return simulator.run(("cd %s && export BEARER_TOKEN=t0ken XCOMPLIANCE_BASE_URL=%s && %s 2>&1")
    :format(folder, sim.url, command))
end

setup(function() root = assert(shell("pwd")) end)

for _, name in ipairs { "cqueues", "luv" } do
  describe("examples/" .. name .. ".lua", function()
    before_each(function() start { jobs_take = 0 } end)
    after_each(stop)

    --- Runs it with quicker polls.
    local function run_example()
      return run(("sed 's/type = type,/& poll = { min = 0.02 },/' %s/examples/%s.lua |"
        .. " LUA_PATH=%s LUA_CPATH=%s %s - tweets users"):format(root, name,
          quote(absolute(package.path)), quote(absolute(package.cpath)), lua))
    end

    it("checks two lists side by side", function()
      assert(shell(("cd %s && seq 1001 1100 >tweets && seq 2001 2300 >users"):format(folder)))
      local output, status = run_example()
      assert.equal(0, status, output)
      assert.matches("tweets: 100 ids, %d+ rows\n", output)
      assert.matches("users: 300 ids, %d+ rows\n", output)
      assert.equal("tweets\ntweets.results\nusers\nusers.results",
        shell("cd " .. folder .. " && ls -A"))
    end)

    it("says what went wrong", function()
      assert(shell(("cd %s && seq 1001 1100 >tweets && echo x >users"):format(folder)))
      local output, status = run_example()
      assert.equal(1, status)
      assert.matches("tweets: 100 ids", output)
      assert.matches("users, line 1", output)
    end)
  end)
end

-- the command runs under Lua 5.4
if not is_jit then describe("examples/cron", function()
  before_each(function()
    start { jobs_take = 0, bearer_token = "t0ken" }
    assert(shell(("mkdir %s/data && %s examples/sample_dataset.lua %s/data 50"):format(
      folder, lua, folder)))
  end)
  after_each(stop)

  local function nightly(environment)
    return run(("PATH=%s/bin:$PATH RETRY_SECONDS=0 %s %s/examples/cron/nightly data clean state"
      .. " --poll 1:1")
      :format(root, environment or "", root))
  end

  it("is silent when all went well", function()
    local output, status = nightly()
    assert.equal("", output)
    assert.equal(0, status)
    assert(shell("test -s " .. folder .. "/clean/flat.jsonl"))
  end)

  it("tries again what can only be waited for", function()
    sim:arm("list:503x6", "create:409x2")
    local output, status = nightly()
    assert.equal("", output)
    assert.equal(0, status)
  end)

  it("says what went wrong otherwise, and with which status", function()
    local output, status = nightly("BEARER_TOKEN=wrong")
    assert.equal(77, status)
    assert.matches("status 77, the token is not accepted", output)
    output, status = nightly("BEARER_TOKEN=")
    assert.equal(78, status)
    assert.matches("there is no bearer token", output)
  end)

  it("finds the command by the PATH of its crontab, where cron's own has none", function()
    local path
    for line in io.lines("examples/cron/crontab") do path = path or line:match("^PATH=(.*)") end
    assert.matches("%f[^:]/usr/local/bin%f[:]", ":" .. path)
  end)

  it("has units that systemd understands", function()
    if not shell("command -v systemd-analyze") then return pending("systemd is not here") end
    local output = shell(("cp %s/examples/cron/xcompliance.* %s && cd %s && "
      .. "sed -i 's|/usr/local/bin/xcompliance|/bin/true|' xcompliance.service && "
      .. "systemd-analyze verify ./xcompliance.service ./xcompliance.timer 2>&1"):format(
        root, folder, folder))
    assert.equal("", output)
  end)
end) end

-- nginx's Lua is LuaJIT
if not is_jit then return end

describe("examples/openresty", function()
  local server, url

  local function curl(path, options)
    return (assert(shell(("curl -sS %s '%s%s'"):format(options or "", url, path))))
  end

  local function post(count, type)
    assert(shell(("seq 10001 %d >%s/list"):format(10000 + count, folder)))
    local answer = curl("/checks?type=" .. (type or "tweets"),
      "--data-binary @" .. folder .. "/list")
    return cjson.decode(answer)
  end

  --- Asks for the state until it is final, or `wanted`.
  local function follow(id, wanted)
    for _ = 1, 200 do
      local state = cjson.decode(curl("/checks/" .. id))
      local is_over = state.state == "done" or state.state == "failed"
      if is_over or wanted and state.step == wanted then return state end
      shell("sleep 0.05")
    end
    error("the check never ends: " .. curl("/checks/" .. id))
  end

  local function begin(options)
    start(options)
    server = nginx.start_example(root .. "/examples/openresty", {
      LUA_PATH = absolute(package.path), LUA_CPATH = absolute(package.cpath),
      BEARER_TOKEN = "t0ken", XCOMPLIANCE_BASE_URL = sim.url,
    })
    url = "http://127.0.0.1:" .. server.ports[1]
  end

  after_each(function()
    server:stop()
    stop()
  end)

  it("checks a list, reports how far it is, and has the results", function()
    begin { jobs_take = 0.2 }
    assert.matches("<title>Compliance check</title>", curl("/"))
    local check = post(3000)
    assert.matches("not yet", curl("/checks/" .. check.id .. "/results"))
    local state = follow(check.id)
    assert.equal("done", state.state, state.message)
    assert.equal(3000, state.ids)
    local results = curl("/checks/" .. check.id .. "/results")
    local _, rows = results:gsub("[^\n]*%S[^\n]*", "")
    assert.equal(state.rows, rows)
    assert.equal(sim:uploaded(sim:state().jobs[1].id), shell("cat " .. folder .. "/list") .. "\n")
  end)

  it("refuses what it cannot do, and says why", function()
    begin { jobs_take = 0 }
    assert.matches("there is no such check", curl("/checks/00ff"))
    assert.matches("POST a list", curl("/checks"))
    assert.matches("tweets or users", curl("/checks?type=lists", "-d 1"))
    assert.matches("another site", curl("/checks", "-d 1 -H 'Sec-Fetch-Site: cross-site'"))
    assert(shell("echo 12x >" .. folder .. "/bad"))
    local check = cjson.decode(curl("/checks", "--data-binary @" .. folder .. "/bad"))
    local state = follow(check.id)
    assert.equal("failed", state.state)
    assert.matches("line 1", state.message)
    assert.equal("", shell("find " .. server.folder .. "/temp -type f"))
  end)

  it("continues through a reload", function()
    begin { jobs_take = 1 }
    local check = post(1000)
    follow(check.id, "wait")
    server:reload()
    assert.equal("done", follow(check.id).state)
    assert.equal(1, #sim:state().jobs)
  end)

  it("continues after a stop", function()
    begin { jobs_take = 1 }
    local check = post(1000)
    follow(check.id, "wait")
    local took = server:halt()
    assert.is_true(took < 1, "a stop took " .. took .. " s")
    server:run("")
    assert.equal("done", follow(check.id).state)
    assert.equal(1, #sim:state().jobs)
  end)

  it("continues after a stop in an upload", function()
    begin { jobs_take = 0, faults = { "upload:throttle@100kB" } }
    local check = post(200000)
    follow(check.id, "upload")
    local took = server:halt()
    assert.is_true(took < 1, "a stop took " .. took .. " s")
    sim:disarm()
    server:run("")
    local state = follow(check.id)
    assert.equal("done", state.state, state.message)
    assert.equal(200000, state.ids)
  end)
end)
