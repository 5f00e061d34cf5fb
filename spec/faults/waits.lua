--- Waits that end at random: some to their end, some cancelled, closed or dropped in the middle.
--
--     lua spec/faults/waits.lua [WAITS [SEED [LOOP]]]    100,000 under each loop
--
-- Ends with an error if descriptors (but for two of the host itself) or memory are left, or if a
-- wait returns what it should not.

local core = require "xcompliance.core"
local hosts = require "spec.support.hosts"
local lfs = require "lfs"
local strands = require "xcompliance.strand"

local M = {}

local AT_ONCE = 20

local function descriptors()
  local count = 0
  for _ in lfs.dir("/proc/self/fd") do count = count + 1 end
  return count
end

local function resident()
  for line in io.lines("/proc/self/status") do
    local kib = line:match("^VmRSS:%s+(%d+)")
    if kib then return tonumber(kib) end
  end
end

--- A task that takes a while, or hardly any time.
local function some_task(random)
  if random(3) == 1 then return assert(core.list_files("spec/c/fuzz/seeds")) end
  return assert(core.list_files("spec/c/check.h"))
end

--- What may be done with a task; each returns whether it was right.
local ENDS = {
  function(loop, task) -- to the end
    while not loop.wait(task, 5) do end -- luacheck: ignore 542
    local found = task:result()
    task:close()
    return found ~= nil
  end,
  function(loop, task) -- for a moment, and then it is closed
    loop.wait(task, 0.0005)
    task:close()
    return true
  end,
  function(loop, task) -- cancelled, and waited for
    task:cancel()
    while not loop.wait(task, 5) do end -- luacheck: ignore 542
    local found, err = task:result()
    return found ~= nil or err.kind == "cancelled"
  end,
  function(loop, task) -- dropped
    loop.wait(task, 0)
    return true
  end,
  function(loop) -- nothing but time
    loop.sleep(0.0002)
    return true
  end,
  function(loop, task) -- in a strand that is abandoned where it waits
    local strand = strands.start(function(inner)
      inner.wait(task, 5)
      inner.sleep(5)
    end)
    loop.wait(task, 0.0003)
    strand:advance()
    strand:abandon("enough")
    task:close()
    return strand.ok == false and strand.results[1] == "enough"
  end,
}

--- Runs waits under a host.
-- @tparam table host of spec.support.hosts
-- @tparam integer count
-- @tparam integer seed
function M.run(host, count, seed)
  local state = seed
  local function random(most)
    state = (state * 1103515245 + 12345) % 2147483648
    return math.floor(state / 65536) % most + 1
  end
  local left = count
  local function work()
    while left > 0 do
      left = left - 1
      local number = random(#ENDS)
      assert(ENDS[number](host.loop, some_task(random)), "end " .. number)
      if left % 500 == 0 then collectgarbage() end
    end
  end
  local works = {}
  for i = 1, host.concurrent and AT_ONCE or 1 do works[i] = work end
  host.enter(function() host.together(works) end)
  collectgarbage()
  collectgarbage()
end

--- The same, and nothing may be left.
function M.check(name, count, seed)
  local host = hosts[name]
  M.run(host, math.min(count, 2000), seed) -- what is allocated once
  local open, memory = descriptors(), resident()
  M.run(host, count, seed + 1)
  local more, grown = descriptors() - open, resident() - memory
  assert(more <= 2, ("%s: %d descriptors are left"):format(name, more))
  assert(grown < 16 * 1024, ("%s: memory has grown by %d KiB"):format(name, grown))
  return more, grown
end

if arg and tostring(arg[0]):match("spec/faults/waits%.lua$") then
  local count, seed = tonumber(arg[1]) or 100000, tonumber(arg[2]) or 1
  for _, name in ipairs(arg[3] and { arg[3] } or { "blocking", "cqueues", "luv" }) do
    local began = core.now()
    local more, grown = M.check(name, count, seed)
    print(("%s: %d waits in %.0f s, %d descriptors and %d KiB more"):format(name, count,
      core.now() - began, more, grown))
  end
end

return M
