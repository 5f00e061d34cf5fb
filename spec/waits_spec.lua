-- Waits that end in every way, under every loop, leave nothing: spec/faults/waits.lua, a few of
-- them; and processes that end in the middle of a wait.

local interpreter = require "spec.support.interpreter"
local scratches = require "spec.support.scratch"
local simulator = require "spec.support.simulator"
local waits = require "spec.faults.waits"

local shell = simulator.shell
local is_sanitized = os.getenv("LD_PRELOAD") ~= nil -- other processes have no sanitizer's runtime

describe("waits that end at random", function()
  for _, name in ipairs { "blocking", "cqueues", "luv" } do
    it("leave no descriptor and no memory: " .. name, function() waits.check(name, 2000, 1) end)
  end
end)

if is_sanitized then return end

-- starts an upload, a download and an extraction under a loop, and ends the process in the middle
local SCRIPT = [[
  io.stdout:setvbuf("no")
  local name, url, folder, how = arg[1], arg[2], arg[3], arg[4]
  local hosts = require "spec.support.hosts"
  local xcompliance = require "xcompliance"
  local client = xcompliance.client {
    base_url = url, bearer_token = "t0ken", loop = hosts[name].loop,
  }
  local closed
  hosts[name].enter(function()
    local handles = {}
    for i, type in ipairs { "tweets", "users" } do
      handles[i] = client:start_check { type = type, ids = folder .. "/ids",
        results = folder .. "/" .. type, poll = { min = 0.02, max = 0.05 } }
    end
    xcompliance.wait_any(handles, 0.3)
    print("in the middle")
    if how == "exit" then os.exit(0) end
    if how == "close" then os.exit(0, true) end
    if how == "error" then error("the end", 0) end
    if how == "drop" then handles = nil collectgarbage() collectgarbage() os.exit(0, true) end
    if how == "cancel" then for _, handle in ipairs(handles) do handle:cancel() end end
  end)
  print("ended")
]]

describe("a process that ends in the middle of waits", function()
  local scratch, sim

  before_each(function()
    scratch = scratches.new()
    scratch:write("script.lua", SCRIPT)
    scratch:shell("mkdir out && seq 1000 3000 > out/ids")
    sim = simulator.start { jobs_take = 0, rate_limit = 100000 }
  end)
  after_each(function()
    sim:stop()
    scratch:remove()
  end)

  for _, name in ipairs { "blocking", "cqueues", "luv" } do
    for how, expected in pairs {
      exit = "^in the middle\nstatus 0$", close = "^in the middle\nstatus 0$",
      drop = "^in the middle\nstatus 0$", cancel = "^in the middle\nended\nstatus 0$",
      error = "^in the middle\n.*the end.*status 1$",
    } do
      it(("%s: %s"):format(name, how), function()
        sim:arm("upload:stall@5x2", "get:stall@5")
        local said = shell(("LUA_PATH='%s' LUA_CPATH='%s' timeout 20 %s %s %s %s %s %s 2>&1;"
          .. " echo status $?"):format(package.path, package.cpath, interpreter,
          scratch:at("script.lua"), name, sim.url, scratch:at("out"), how))
        assert.matches(expected, said)
        -- nothing but the state of the checks, which resumes them
        local left = scratch:shell("cd out && ls -A | grep -vE '^(ids|\\.(tweets|users)\\."
          .. "(journal|ids))$' || true")
        assert.equal("", left)
      end)
    end
  end
end)
