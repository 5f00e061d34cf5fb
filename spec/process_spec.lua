-- threads, forks, and what else a host may do to its process

local core = require "xcompliance.core"
local lua = require "spec.support.interpreter"
local process = require "spec_process"
local raw = require "spec.support.raw"
local simulator = require "spec.support.simulator"
local xcompliance = require "xcompliance"

local quote, shell = simulator.quote, simulator.shell
local is_jit = rawget(_G, "jit") ~= nil
local is_sanitized = os.getenv("LD_PRELOAD") ~= nil

describe("in one process", function()
  local sim, folder

  before_each(function()
    sim = simulator.start { jobs_take = 0, rate_limit = 1e6 }
    folder = assert(shell("mktemp -d"))
  end)
  after_each(function()
    sim:stop()
    shell("rm -rf " .. folder)
  end)

  it("two Lua states in two threads do not meet", function()
    local uv, threads, sims = require "luv", {}, {}
    for i = 1, 2 do
      local own = folder .. "/" .. i
      sims[i] = simulator.start { jobs_take = 0 }
      assert(shell("mkdir " .. own))
      threads[i] = uv.new_thread(function(path, cpath, url, place)
        package.path, package.cpath = path, cpath
        local said = require("spec.support.keep").keep("blocking", "checks",
          { url = url, folder = place, shared = true })
        local file = io.open(place .. ".said", "w")
        file:write(said)
        file:close()
      end, package.path, package.cpath, sims[i].url, own)
    end
    for i = 1, 2 do
      threads[i]:join()
      sims[i]:stop()
      assert.equal("kept", shell("cat " .. folder .. "/" .. i .. ".said"))
    end
  end)

  --- Runs `work` in a child of this process, which then ends.
  -- @treturn number its status, which is 7
  -- @treturn string what it said
  local function in_child(work)
    local report = folder .. "/said"
    io.stdout:flush()
    local id = process.fork()
    if id == 0 then
      local _, said = xpcall(work, debug.traceback)
      local file = io.open(report, "w")
      file:write(tostring(said))
      file:close()
      os.exit(7, true)
    end
    return process.wait(id), shell("cat " .. report)
  end

  local function new_client()
    return xcompliance.client { base_url = sim.url, bearer_token = "t0ken" }
  end

  it("what the process starts inherits no connection", function()
    -- libcurl's own pair of sockets, by which it wakes itself, is no connection
    local function connections(id)
      local list = assert(shell(("ls -l /proc/%s/fd | grep -o 'socket:.[0-9]*' | while IFS='[' read"
        .. " -r _ inode; do grep -w $inode /proc/net/tcp; done | wc -l"):format(id)))
      return tonumber(list)
    end
    local client = new_client()
    assert(client:list_jobs("tweets")) -- its connection is kept
    assert.is_true(connections("$PPID") > 0, "there is none to inherit")
    assert.equal(0, connections("self"))
    client:close()
  end)

  it("a child learns that its parent's client is not its own, and makes one", function()
    local client = new_client()
    local job = assert(client:create_compliance_job("tweets")).data
    local status, said = in_child(function()
      local ok, err = pcall(client.list_job, client, job.id)
      assert(not ok and err.kind == "usage", tostring(err))
      client:close()
      local own = new_client()
      assert(own:list_job(job.id))
      own:close()
      return err.message
    end)
    assert.matches("this session belongs to another process %- make one after the fork", said)
    assert.equal(7, status)
    assert.equal(job.id, assert(client:list_job(job.id)).data.id)
    client:close()
  end)

  it("the plain functions work in a child as in its parent, and after a reset", function()
    local script = folder .. "/script.lua"
    local file = assert(io.open(script, "w"))
    file:write([[
      local process, xcompliance = require "spec_process", require "xcompliance"
      assert(xcompliance.list_jobs("tweets"))
      io.stdout:flush()
      local id = process.fork()
      if id == 0 then
        assert(xcompliance.list_jobs("tweets"))
        os.exit(7, true)
      end
      print(process.wait(id))
      assert(xcompliance.list_jobs("tweets"))
      xcompliance.reset()
      xcompliance.reset()
      print(assert(xcompliance.list_jobs("tweets")).meta.result_count)
    ]])
    file:close()
    assert.equal("7\n0", shell(("LUA_PATH=%s LUA_CPATH=%s BEARER_TOKEN=t0ken"
      .. " XCOMPLIANCE_BASE_URL=%s timeout 20 %s %s"):format(quote(package.path),
      quote(package.cpath), sim.url, lua, script)))
  end)

  it("SIGINT ends a script at once, in whatever wait it is", function()
    sim:arm("list:stall@20x*")
    for _, work in ipairs { "xcompliance.list_jobs('tweets')",
      "require('xcompliance.loop.blocking').sleep(20)" } do
      local began = core.now()
      local _, said = shell(("LUA_PATH=%s LUA_CPATH=%s BEARER_TOKEN=t0ken XCOMPLIANCE_BASE_URL=%s"
        .. " timeout --foreground -s INT 2 %s -e \"xcompliance = require 'xcompliance' %s\" 2>&1")
        :format(quote(package.path), quote(package.cpath), sim.url, lua, work))
      assert.matches("interrupted!", said)
      local took = core.now() - began
      assert.is_true(took < 6, "two seconds and a little, not " .. took)
    end
  end)

  it("what ran at a fork continues in the parent, and raises in the child", function()
    sim:arm("get:stall@0.3")
    local session = assert(core.session {})
    local task = core.list_job(session, { base_url = sim.url, bearer_token = "t0ken", id = "1" })
    local status, said = in_child(function()
      local ok, err = pcall(task.done, task)
      assert(not ok and err.kind == "usage", tostring(err))
      assert(tostring(task) == "task (of another process)", tostring(task))
      task:close()
      session:close()
      return err.message
    end)
    assert.matches("this task belongs to another process %- start one after the fork", said)
    assert.equal(7, status)
    assert.is_true(task:wait(5))
    assert.equal(404, assert(task:result()).status)
    task:close()
    session:close()
  end)

  it("a child that ends while a task of its parent runs ends at once", function()
    sim:arm("get:stall@20x*")
    local client = new_client()
    local session = assert(core.session {})
    local task = core.list_job(session, { base_url = sim.url, bearer_token = "t0ken", id = "1" })
    local began = core.now()
    assert.equal(7, (in_child(function() return "ended" end)))
    assert.is_true(core.now() - began < 2)
    assert.is_false(task:done())
    session:close()
    client:close()
  end)

  --- Runs Lua code, and then what `arguments` name, in another process.
  local function run(code, arguments, environment)
    local root = assert(shell("pwd"))
    local function absolute(path) return quote((path:gsub("%f[^;%z]%./", root .. "/"))) end
    return shell(("%s LUA_PATH=%s LUA_CPATH=%s %s -e %s %s 2>&1"):format(environment or "",
      absolute(package.path), absolute(package.cpath), lua, quote(code),
      arguments))
  end

  --- Has a whole check run in another process, after some Lua code.
  local function check_after(code, environment)
    return run(code, ("%s/spec/support/keep.lua blocking checks %s %s"):format(assert(shell("pwd")),
      sim.url, folder), environment)
  end

  if not is_sanitized then
    it("a comma in numbers is no matter, whenever it is chosen", function()
      local locales = folder .. "-locales"
      assert(shell("mkdir " .. locales .. " && localedef -i de_DE -f UTF-8 " .. locales
        .. "/de_DE.UTF-8"))
      local choose = "assert(os.setlocale('de_DE.UTF-8', 'numeric'))"
        .. (is_jit and "" or " assert(('%.1f'):format(0.5) == '0,5')")
      local server = raw.start [[
        return function(connection)
          local body = '{"data":{"id":"1","type":"tweets","status":"created","share":0.5}}'
          connection:write("HTTP/1.1 200 OK\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body)
        end]]
      local kept, numbers = check_after(choose, "LOCPATH=" .. locales), run(([[
        local json, core = require "xcompliance.json", require "xcompliance.core"
        local function read()
          local session = core.session {}
          local task = core.list_job(session, { base_url = %q, bearer_token = "t", id = "1" })
          assert(task:wait(5))
          local share = json.decode(assert(task:result()).body).data.share
          session:close()
          return share
        end
        assert(read() == 0.5 and json.decode("[0.5]")[1] == 0.5)
        %s
        assert(read() == 0.5 and json.decode("[0.5]")[1] == 0.5)
        print(json.encode { 0.5, 1e-7, 1e300, 7 })]]):format(server.url, choose), "",
        "LOCPATH=" .. locales)
      server:stop()
      shell("rm -rf " .. locales)
      assert.equal("kept", kept)
      assert.equal("[0.5,1e-07,1e+300,7]", numbers)
    end)

    it("the time zone is no matter", function()
      for _, zone in ipairs { "XST-13:30", "XST11", "America/St_Johns" } do
        assert.equal("kept", check_after("", "TZ=" .. zone))
        assert(shell("rm -rf " .. folder .. "/*"))
      end
    end)

    it("another working directory is no matter", function()
      assert.equal("kept", check_after("require('lfs').chdir('/')"))
    end)
  end
end)
