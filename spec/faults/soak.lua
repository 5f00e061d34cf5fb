--- Whole checks under faults at random, by seed: 3 exchanges in 10 meet one. Each check is run
-- again, as its user would, until it ends well. What must hold, whatever strikes:
--
--   - the results are right and verified, or there are none, and a typed error says why;
--   - storage holds the list that was given, and there is one job (another where it was given
--     something else, which a typed error has reported);
--   - what failed is tried again no sooner and no more often than the policy says.
--
--     lua spec/faults/soak.lua [RUNS [FIRST_SEED [FLOW]]]
--
-- (with the module's paths set, as `make soak` does) prints a line a hundred runs, and the sums.
-- The two flows take turns, by the seed, unless FLOW, api or storage, names one.

local benches = require "spec.support.bench"
local core = require "xcompliance.core"
local errors = require "xcompliance.errors"

local M = {}

local POLICY = { attempts = 8, first = 0.02, max = 0.2 }
local SILENT_MAX = 5 -- kept connections that libcurl tries
local AGAIN_MAX = 20 -- runs of one check until it must have ended well
local LISTS = { 1, 300, 12000, 30000, 52429, 70000 } -- ids; 52,429 are just more than 4 x 256 KiB

-- {====================================================================
-- What must hold
-- =====================================================================

local function expect(condition, format, ...)
  if not condition then error(format:format(...), 0) end
end

local function expect_error(err, results)
  expect(errors.is(err), "no error of ours: %s", tostring(err))
  expect(errors.kinds[err.kind], "no kind is called %s", tostring(err.kind))
  expect((err.attempts or 1) <= POLICY.attempts * 4, "%s attempts: %s", err.attempts, err.message)
  expect(not benches.read(results), "results are there in spite of: %s", err.message)
end

--- `jobs`: one, and another for each that was given something else than the list.
local function expect_success(state, outcome, list, results, jobs)
  expect(#state.jobs == jobs, "%d jobs, not %d", #state.jobs, jobs)
  local job = state.jobs[jobs]
  local got = assert(benches.read(results))
  expect(job.upload.crc32c == core.crc32c(list), "storage holds something else")
  expect(job.results.crc32c == core.crc32c(got), "the results are something else")
  expect(outcome.jobs[1].id == job.id, "another job's outcome")
  expect(outcome.jobs[1].downloaded.verified, "the results are unverified")
end

-- what may follow at once: another session for one that is lost, and the next step
local AT_ONCE = { ["410"] = true, ["404"] = true, ["400-digest"] = true, flip = true }

--- Whether an entry of the log is a failure that the policy has a wait for.
local function has_failed(entry)
  local fault = entry.fault and entry.fault:match(":([^@]+)")
  return fault and not AT_ONCE[fault] and (not entry.status or entry.status >= 400)
end

local function expect_policy(log)
  local in_a_row, silent = 0, 0
  for i, entry in ipairs(log) do
    local following = log[i + 1]
    in_a_row = has_failed(entry) and in_a_row + 1 or 0
    expect(in_a_row <= POLICY.attempts * 4, "%d failures in a row", in_a_row)
    if has_failed(entry) and following then
      local waited = following.time - entry.time >= POLICY.first / 2 * 0.9
      -- a kept connection that ended without a word is replaced at once; there are not many of them
      local may_be_silent = not entry.status and following.step == entry.step
        and entry.step ~= "create" and silent < SILENT_MAX
      silent = waited and 0 or silent + 1
      expect(waited or may_be_silent, "%s at once after %s", following.step, entry.fault)
    else
      silent = 0
    end
  end
end

-- }====================================================================

--- One check, until it ends well.
-- @tparam table sums counts to add to
-- @tparam integer seed
-- @tparam[opt] string flow
local function run(sums, seed, flow)
  local ids = LISTS[seed % #LISTS + 1]
  local list = benches.ids(20 * ids)
  flow = flow or seed % 4 < 2 and "storage" or "api"
  local bench = benches.start {
    flow = flow, ranges = seed % 8 < 4, checksums = seed % 3 == 0,
    jobs_take = 0.05, seed = seed, random = { seed = seed, probability = 0.3, size = #list },
  }
  local path, results = bench:path("ids.txt"), bench:path("results.jsonl")
  benches.write(path, list)
  local client = bench:client { retry = POLICY }
  local ok, failure = pcall(function()
    local outcome, err
    local jobs = 1
    for again = 0, AGAIN_MAX do
      outcome, err = client:check { type = "tweets", ids = path, results = results,
        upload = flow == "storage" and seed % 2 == 0 and "resumable" or "simple",
        poll = { min = 0.03, max = 0.1 } }
      if outcome then break end
      expect_error(err, results)
      expect(again < AGAIN_MAX, "no end: %s", err.message)
      sums.errors[err.kind] = (sums.errors[err.kind] or 0) + 1
      if err.spoilt then jobs = jobs + 1 end
      core.sleep(POLICY.first)
    end
    local state = bench.sim:state()
    expect_success(state, outcome, list, results, jobs)
    expect_policy(state.log)
    sums.requests = sums.requests + #state.log
    sums.faults = sums.faults + #state.faults.fired
    sums.unverified = sums.unverified + (outcome.verified and 0 or 1)
  end)
  bench:stop()
  if not ok then error(("seed %d, over %s: %s"):format(seed, flow, tostring(failure)), 0) end
  sums.runs = sums.runs + 1
end

--- Runs this many checks.
-- @tparam integer runs
-- @tparam[opt=1] integer first_seed
-- @tparam[opt] string flow of all; both take turns without it
-- @tparam[opt] function report called with the sums after each
-- @treturn table `{ runs, requests, faults, errors = { kind = count }, unverified }`
-- @raise a message that begins with the seed, where something does not hold
function M.run(runs, first_seed, flow, report)
  local sums = { runs = 0, requests = 0, faults = 0, errors = {}, unverified = 0 }
  for seed = first_seed or 1, (first_seed or 1) + runs - 1 do
    run(sums, seed, flow)
    if report then report(sums) end
  end
  return sums
end

--- The sums as a line.
function M.line(sums)
  local kinds = {}
  for kind, count in pairs(sums.errors) do kinds[#kinds + 1] = ("%d %s"):format(count, kind) end
  table.sort(kinds)
  return ("%d checks right, by %d requests of which %d met a fault; errors on the way: %s"):format(
    sums.runs, sums.requests, sums.faults, #kinds > 0 and table.concat(kinds, ", ") or "none")
end

local function main(runs, first_seed, flow)
  local began = core.now()
  local ok, result = pcall(M.run, tonumber(runs) or 500, tonumber(first_seed), flow, function(sums)
    if sums.runs % 100 == 0 then print(M.line(sums)) end
  end)
  print(ok and ("%s; %.0f s"):format(M.line(result), core.now() - began) or result)
  print(ok and ("%d passed, 0 failed"):format(result.runs) or "0 passed, 1 failed")
  return ok and 0 or 1
end

if arg and tostring(arg[0]):match("spec/faults/soak%.lua$") then
  os.exit(main((table.unpack or unpack)(arg)), true) -- luacheck: ignore
end

return M
