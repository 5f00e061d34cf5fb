--- Checks whose answers are cut at random places and whose process is killed at random moments, by
-- seed. Each is run again until it ends well. What must hold:
--
--   - the results are the old ones or all of the new ones, after each kill;
--   - the check ends well in the end, with one job for each part of its list.
--
--     lua spec/faults/kills.lua [TRIES [FIRST_SEED [FLOW…]]]
--
-- (with the module's paths set, as `make sweep` does; in both flows if none is given) prints a line
-- a hundred tries, and the sums.

local benches = require "spec.support.bench"
local core = require "xcompliance.core"
local process = require "spec_process"
local luv = require "luv"

local M = {}

local RUNS_MAX = 4 -- of a check that may be killed; the one after them may not
local BATCH = 25 -- checks of one simulator, whose log grows
local LISTS = { 3, 300, 12000, 30000 } -- ids
local HEADS = 2400 -- bytes of the longest answer that is not results

local STEPS = {
  storage = {
    simple = { "create", "upload", "get", "download", "download" },
    resumable = { "create", "start", "chunk", "query", "get", "download", "download" },
  },
  api = { simple = { "create", "upload", "get", "download", "download" } },
}

local function expect(condition, format, ...)
  if not condition then error(format:format(...), 0) end
end

-- {====================================================================
-- What strikes
-- =====================================================================

local function pick(list) return list[math.random(#list)] end

--- A few faults in the way of one check.
local function faults(steps, size)
  local list = {}
  for i = 1, math.random(3) do
    local step, kind = pick(steps), math.random(10)
    local skip = math.random(3) - 1
    if kind <= 7 then
      local way = pick { "cut-answer", "end-answer", "reset-answer" }
      local at = math.random(0, step == "download" and math.random(2) == 1 and size or HEADS)
      list[i] = ("%s:%s@%d+%d"):format(step, way, at, skip)
    elseif kind <= 9 then
      -- no client can prevent that a create of a killed one is read after its check has ended
      if step == "create" then step = "get" end
      list[i] = ("%s:throttle@%dkB+%d"):format(step, math.random(1000, 20000), skip)
    else
      list[i] = ("%s:lost+%d"):format(step, skip)
    end
  end
  return list
end

-- }====================================================================

-- {====================================================================
-- One check
-- =====================================================================

--- Runs a check in a process of its own.
-- @tparam table try what is asked
-- @tparam ?number seconds after which it is killed
-- @treturn integer its exit status, or the negative signal
local function run(try, seconds)
  local id = process.fork()
  if id == 0 then
    local client = require("xcompliance").client { bearer_token = benches.TOKEN,
      base_url = try.url, ca_file = try.ca_file,
      retry = { attempts = seconds and try.attempts or 8, first = 0.001, max = 0.005 } }
    local ok, outcome, err = pcall(client.check, client, { type = "tweets", ids = try.ids,
      results = try.results, upload = try.upload, ids_per_job = try.ids_per_job,
      poll = { min = 0.001, max = 0.01 } })
    if not (ok and outcome) then benches.write(try.said, tostring(err or outcome)) end
    process.exit(ok and outcome and 0 or 1)
  end
  if seconds then
    core.sleep(seconds)
    luv.kill(id, "sigkill")
  end
  return process.wait(id)
end

--- The rows alone: blank lines stand where pieces were joined.
local function rows(text) return text and (text:gsub("\n+", "\n"):gsub("\n$", "")) end

local function expect_old_or_new(try)
  local text = rows(benches.read(try.results))
  expect(text == "old" or text == try.expected, "a mixed file of %d bytes", text and #text or -1)
  return text ~= "old"
end

--- One check, killed and run again until it ends well.
local function one(bench, sums, try, steps)
  benches.write(try.results, "old")
  bench.sim:arm((table.unpack or unpack)(faults(steps, try.size))) -- luacheck: ignore
  local done = false
  for _ = 1, RUNS_MAX do
    local status = run(try, math.random(0, 120) / 1000)
    sums.runs = sums.runs + 1
    if status == -9 then sums.kills = sums.kills + 1 end
    done = expect_old_or_new(try) and status == 0
    if done then break end
  end
  bench.sim:disarm()
  if not done then
    expect(run(try) == 0, "it does not end well: %s", tostring(benches.read(try.said)))
    sums.runs = sums.runs + 1
    expect(expect_old_or_new(try), "it did nothing")
  end
end

-- }====================================================================

--- What the results of a list are: those of a check that nothing disturbs.
local function expected_of(try)
  benches.write(try.ids, benches.ids(20 * try.count))
  expect(run(try) == 0, "undisturbed: %s", tostring(benches.read(try.said)))
  return rows(benches.read(try.results))
end

local function batch(sums, seed, tries, flow)
  math.randomseed(seed)
  local bench = benches.start { flow = flow, shares = { deleted = 0.5 } }
  local at
  local ok, failure = pcall(function()
    local known, jobs = {}, 0
    for i = 1, tries do
      at = i
      local count, upload = pick(LISTS), pick { "simple", "resumable" }
      if not STEPS[flow][upload] then upload = "simple" end
      local parts = count >= 300 and math.random(3) == 1 and math.random(2, 3) or 1
      local try = { count = count, upload = upload, attempts = math.random(3),
        url = bench.sim.url, results = bench.folder .. "/results.jsonl",
        ids = ("%s/%d.txt"):format(bench.folder, count), said = bench.folder .. "/said" }
      if not known[count] then
        known[count], jobs = expected_of(try), jobs + 1
      end
      try.ids_per_job = math.ceil(count / parts)
      try.expected, try.size = known[count], #known[count]
      one(bench, sums, try, STEPS[flow][upload])
      sums.tries, jobs = sums.tries + 1, jobs + parts
    end
    local state = bench.sim:state()
    sums.faults = sums.faults + #state.faults.fired
    sums.more = sums.more + #state.jobs - jobs
  end)
  bench:stop()
  if not ok then error(("seed %d, try %s: %s"):format(seed, at, tostring(failure)), 0) end
end

--- Runs this many checks.
-- @tparam integer tries
-- @tparam integer seed
-- @tparam string flow "storage" or "api"
-- @tparam[opt] function report called with the sums after each batch
-- @treturn table `{ tries, runs, kills, faults, more }`: `more` jobs than checks were made
function M.run(tries, seed, flow, report)
  local sums = { tries = 0, runs = 0, kills = 0, faults = 0, more = 0 }
  while sums.tries < tries do
    batch(sums, seed, math.min(BATCH, tries - sums.tries), flow)
    seed = seed + 1
    if report then report(sums) end
  end
  return sums
end

--- The sums as a line.
function M.line(sums)
  local text = "%d checks right, in %d runs of which %d were killed; %d faults; %d jobs too many"
  return text:format(sums.tries, sums.runs, sums.kills, sums.faults, sums.more)
end

local function main(tries, seed, ...)
  local flows = select("#", ...) > 0 and { ... } or { "storage", "api" }
  for _, flow in ipairs(flows) do
    local began = core.now()
    local function report(sums)
      if sums.tries % 100 ~= 0 then return end
      print(flow, M.line(sums))
      io.stdout:flush()
    end
    local ok, sums = pcall(M.run, tonumber(tries) or 5000, tonumber(seed) or 1, flow, report)
    print(flow, ok and ("%s; %.0f s"):format(M.line(sums), core.now() - began) or sums)
    if not ok or sums.more > 0 then return 1 end
  end
  return 0
end

if arg and tostring(arg[0]):match("spec/faults/kills%.lua$") then
  os.exit(main((table.unpack or unpack)(arg)), true) -- luacheck: ignore
end

return M
