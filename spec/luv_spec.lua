-- the loop for luv in a host that closes, drops or resumes coroutines as it likes: each script runs
-- in a process of its own, because what goes wrong there ends the process

local core = require "xcompliance.core"
local interpreter = require "spec.support.interpreter"
local simulator = require "spec.support.simulator"

local shell = simulator.shell
local closes = rawget(coroutine, "close") ~= nil -- Lua 5.4 has it
local is_sanitized = os.getenv("LD_PRELOAD") ~= nil -- other processes have no sanitizer's runtime

local HEAD = [[
  io.stdout:setvbuf("no")
  local uv = require "luv"
  local core, xcompliance = require "xcompliance.core", require "xcompliance"
  local client = xcompliance.client {
    base_url = arg[1], bearer_token = "t0ken", loop = require "xcompliance.loop.luv",
  }
  local function start(work)
    local thread = coroutine.create(work)
    assert(coroutine.resume(thread))
    return thread
  end
  local function list() return assert(client:list_jobs("tweets")) end
]]

local TAIL = [[
  uv.run()
  local handles = 0
  uv.walk(function(handle) if not handle:is_closing() then handles = handles + 1 end end)
  print(handles .. " handles", ("%.1f s"):format(core.now() - began))
]]

--- What a script prints while the simulator takes `stall` seconds for an answer.
local function run(script, stall, options)
  local sim = simulator.start { faults = { ("list:stall@%gx*"):format(stall) } }
  local path = assert(shell("mktemp"))
  local file = assert(io.open(path, "w"))
  file:write(HEAD, "local began = core.now()\n", script, (options or {}).tail or TAIL)
  file:close()
  local said = shell(("LUA_PATH='%s' LUA_CPATH='%s' timeout 20 %s %s %s 2>&1; echo status $?")
    :format(package.path, package.cpath, interpreter, path, sim.url))
  sim:stop()
  os.remove(path)
  return said
end

local describe_unless_sanitized = is_sanitized and function() end or describe

describe_unless_sanitized("the loop for luv", function()
  if closes then
    it("gives up what a closed coroutine waited for", function()
      local said = run([[
        local thread = start(list)
        assert(coroutine.close(thread))
      ]], 10)
      assert.matches("^0 handles%s+0%.%d s\nstatus 0", said)
    end)

    it("gives it up too if the collector comes first", function()
      local said = run([[
        local thread = start(list)
        assert(coroutine.close(thread))
        thread = nil
        collectgarbage() collectgarbage()
        local timer = uv.new_timer()
        timer:start(50, 0, function() timer:close() for _ = 1, 1e5 do local _ = {} end end)
      ]], 10)
      assert.matches("^0 handles%s+0%.%d s\nstatus 0", said)
    end)

    it("gives up the sleep of a closed coroutine", function()
      local said = run([[
        local thread = start(function() require("xcompliance.loop.luv").sleep(10) end)
        assert(coroutine.close(thread))
      ]], 0)
      assert.matches("^0 handles%s+0%.%d s\nstatus 0", said)
    end)
  end

  it("lets a coroutine that its host forgot finish", function()
    local said = run([[
      do start(function() print(list().meta.result_count) end) end
      collectgarbage() collectgarbage()
    ]], 0.3)
    assert.matches("^0\n0 handles%s+0%.%d s\nstatus 0", said)
  end)

  it("continues to wait when the host resumes the coroutine early, however often", function()
    local said = run([[
      local thread = start(function() print(list().meta.result_count) end)
      for _ = 1, 3 do assert(coroutine.resume(thread, "timeout")) end
      local timer = uv.new_timer()
      timer:start(100, 0, function() timer:close() assert(coroutine.resume(thread)) end)
    ]], 0.3)
    assert.matches("^0\n0 handles%s+0%.%d s\nstatus 0", said)
  end)

  it("wakes no later yield of the same coroutine", function()
    local said = run([[
      local thread = start(function()
        for _ = 1, 3 do list() end
        print("woken by", coroutine.yield())
      end)
      local timer = uv.new_timer()
      timer:start(1500, 0, function()
        timer:close()
        assert(coroutine.resume(thread, "its host"))
      end)
    ]], 0.05)
    assert.matches("^woken by%s+its host\n0 handles", said)
  end)

  it("survives the end of the process, and of the state, in a wait", function()
    for _, tail in ipairs { "uv.run('nowait')", "os.exit(0, true)", "error('the end')" } do
      local said = run("local thread = start(list)\n", 10, { tail = "print(began > 0) " .. tail })
      assert.matches(tail:find("error") and "^true\n.*the end.*status 1" or "^true\nstatus 0", said)
    end
  end)

  it("sends nothing outside of a coroutine", function()
    local sim = simulator.start {}
    local client = require("xcompliance").client {
      base_url = sim.url, bearer_token = "t0ken", loop = require "xcompliance.loop.luv",
    }
    local ids = os.tmpname()
    local list = assert(io.open(ids, "w"))
    list:write("1\n")
    list:close()
    for _, call in ipairs {
      function() client:create_compliance_job("users", "outside") end,
      function()
        client:start_check { type = "users", ids = ids, results = ids .. ".results" }
      end,
    } do
      local ok, err = pcall(call)
      assert.is_false(ok)
      assert.matches("only in a coroutine", tostring(err))
    end
    assert.is_nil(io.open(ids .. ".results.lock"))
    os.remove(ids)
    core.sleep(0.2)
    local plain = require("xcompliance").client { base_url = sim.url, bearer_token = "t0ken" }
    assert.is_nil(assert(plain:list_jobs("users")).data)
    client:close()
    plain:close()
    sim:stop()
  end)
end)
