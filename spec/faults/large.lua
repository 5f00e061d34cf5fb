--- A list that takes several jobs, checked whole and killed at random moments: the figures.
--
--     lua spec/faults/large.lua [IDS [IDS_PER_JOB [KILLS]]]
--
-- (with the module's paths set, as `make large` does) asks about IDS ids (13,000,000 in jobs of
-- 6,000,000), once without and once with kills (30) after which the same command is run again. What
-- must hold:
--
--   - the jobs were asked about the whole list, each id once;
--   - the results are what the jobs gave, joined;
--   - no job is created while another is active, and none is left over.

local benches = require "spec.support.bench"
local core = require "xcompliance.core"
local simulator = require "spec.support.simulator"

local shell, quote = simulator.shell, simulator.quote

local M = {}

local SHARES = { deleted = 0.02, suspended = 0.01 }
local FIRST = 1300000000000000000

local function expect(condition, format, ...)
  if not condition then error(format:format(...), 0) end
end

--- The largest memory that a process has had so far, in bytes; nil if it has ended.
local function peak_of(pid)
  local text = benches.read("/proc/" .. pid .. "/status") or ""
  local kilobytes = text:match("VmHWM:%s*(%d+)")
  return kilobytes and 1024 * tonumber(kilobytes)
end

--- Runs the command until it ends, or is killed after this many seconds.
-- @treturn ?number its exit status; nil if it was killed
-- @treturn number its peak of memory
local function attend(bench, command, seconds)
  local process, peak, began = bench:spawn(command), 0, core.now()
  while true do
    local now = peak_of(process.pid)
    if not now then
      local output, status = process.wait()
      return status, peak, output
    end
    peak = math.max(peak, now)
    if seconds and core.now() - began >= seconds then
      process.kill("KILL")
      process.wait()
      return nil, peak
    end
    core.sleep(0.05)
  end
end

--- The SHA-256 of what the simulator holds of some jobs, joined.
local function sum_of(bench, what, jobs)
  local urls = {}
  for i, job in ipairs(jobs) do urls[i] = ("%s/admin/%s/%s"):format(bench.sim.url, what, job.id) end
  return (assert(shell("env -u LD_PRELOAD curl -sf " .. table.concat(urls, " ") .. " | sha256sum")))
end

--- What must hold of the jobs that a check has made.
local function examine(bench, jobs, list, results)
  local done = {}
  for _, job in ipairs(jobs) do
    expect(job.status == "complete" or job.status == "failed", "job %s is %s", job.id, job.status)
    if job.status == "complete" then done[#done + 1] = job end
  end
  expect(sum_of(bench, "upload", done) == shell("sha256sum <" .. quote(list)),
    "the jobs were not asked about the list")
  expect(sum_of(bench, "results", done) == shell("sha256sum <" .. quote(results)),
    "the results are not what the jobs gave")
  for _, entry in ipairs(bench:log()) do
    expect(entry.status ~= 409, "a job was created while another was active")
  end
  return #done
end

local seed = 7
local function random()
  seed = (seed * 16807) % 2147483647
  return seed / 2147483647
end

local function write_list(path, ids)
  assert(shell(("seq %d %d >%s"):format(FIRST, FIRST + ids - 1, quote(path))))
end

--- Checks a list once whole; and then killed so often, as many checks as that takes.
-- @tparam table options `ids`, `ids_per_job`, `kills`; `flow`
-- @treturn table figures: `jobs`, `seconds`, `peak`, `bytes`; `kills`, `rounds`, `jobs_killed`
function M.run(options)
  local bench = benches.start {
    flow = options.flow, shares = SHARES, jobs_take = 0.2, rate_limit = 1e6,
  }
  local ok, result = pcall(function()
    local list, figures = bench:path("ids.txt"), { kills = 0 }
    write_list(list, options.ids)
    local function command(results)
      return bench:xcompliance(("check tweets %s -o %s --poll 1:1 --ids-per-job %d"):format(list,
        results, options.ids_per_job))
    end
    local function jobs() return bench.sim:state().jobs end

    local results, began = bench:path("results.jsonl"), core.now()
    local status, peak, output = attend(bench, command(results))
    expect(status == 0, "status %s: %s", tostring(status), tostring(output))
    figures.seconds, figures.peak = core.now() - began, peak
    local whole = jobs()
    figures.jobs = examine(bench, whole, list, results)
    expect(figures.jobs == #whole, "%d jobs, %d of them complete", #whole, figures.jobs)
    figures.bytes = #benches.read(results)

    local function round_ended(code, said, first)
      expect(code == 0, "status %s after kills: %s", tostring(code), tostring(said))
      local own = jobs()
      for _ = 1, first do table.remove(own, 1) end
      expect(examine(bench, own, list, results) == figures.jobs, "not as many jobs as before")
      figures.rounds, figures.jobs_killed = figures.rounds + 1, figures.jobs_killed + #own
    end
    local first
    figures.rounds, figures.jobs_killed = 0, 0
    repeat
      local is_last = figures.kills == options.kills
      if not first then
        bench:begin()
        first, results = #jobs(), bench:path("results.jsonl")
      end
      local code, _, said = attend(bench, command(results), not is_last
        and 0.1 + 0.3 * random() * figures.seconds or nil)
      if code then
        round_ended(code, said, first)
        first = nil
      else
        figures.kills = figures.kills + 1
      end
    until is_last
    return figures
  end)
  bench:stop()
  if not ok then error(result, 0) end
  return result
end

--- The figures as a line.
function M.line(figures)
  return ("%d jobs in %.0f s, %.0f MB of memory at most, %.1f MB of results; killed %d times:"
    .. " %d checks right, with %d jobs"):format(figures.jobs, figures.seconds, figures.peak / 1e6,
      figures.bytes / 1e6, figures.kills, figures.rounds, figures.jobs_killed)
end

local function main(ids, ids_per_job, kills)
  local ok, result = pcall(M.run, {
    ids = tonumber(ids) or 13000000, ids_per_job = tonumber(ids_per_job) or 6000000,
    kills = tonumber(kills) or 30, flow = os.getenv("XCOMPLIANCE_FLOW") or "api",
  })
  print(ok and M.line(result) or result)
  print(ok and "1 passed, 0 failed" or "0 passed, 1 failed")
  return ok and 0 or 1
end

if arg and tostring(arg[0]):match("spec/faults/large%.lua$") then
  os.exit(main((table.unpack or unpack)(arg)), true) -- luacheck: ignore
end

return M
