--- The results of a check: the states "join" and "finish", and the outcome.
--
-- The results of all parts take their name together.
-- @internal xcompliance.check_results

local lists = require "xcompliance.check_list"
local core = require "xcompliance.core"
local list_parts = require "xcompliance.list_parts"
local reports = require "xcompliance.report_text"

local M = {}

--- The results of a part are not what was downloaded: they are downloaded again.
local function download_again(run, number)
  local done = run.facts["done_" .. number]
  run.call:report { warning = ("%s is not what was downloaded - downloading it again"):format(
    run:part_results(number)) }
  return run:record {
    step = "download", part = done.part, job = done.job, uploaded = done.uploaded,
  }
end

function M.join(run)
  run.call:at("join", "writing " .. run.options.results)
  local paths = {}
  for number, done in ipairs(run:done()) do
    paths[number] = run:part_results(number)
    local is_there = lists.is_intact(run, paths[number], done.downloaded)
    if not is_there then return download_again(run, number) end
  end
  local results, err = list_parts.join(run.call, paths, run.options.results)
  if not results then return nil, err end
  return run:record { step = "finish", results = results }
end

--- A run that was killed after this state has published; but the file may be gone since.
function M.finish(run)
  if not lists.is_intact(run, run.options.results, run.facts.results) then
    return run:record { step = "join" }
  end
  return "done"
end

local function add(sums, counts)
  for name, count in pairs(counts) do sums[name] = (sums[name] or 0) + count end
end

-- Only a deletion has a reason; otherwise the outcome stands in its place.
local function reasons_of(counts)
  local reasons = {
    unknown = counts.unknown, scrub_geo = counts.scrub_geo, rehydrate = counts.rehydrate,
    invalid = counts.invalid,
  }
  for reason, ids in pairs(counts.delete or {}) do reasons[reason] = ids end
  return reasons
end

local function job_of(done)
  local downloaded = done.downloaded
  return {
    id = done.job.id, name = done.job.name, ids = done.part.ids, rows = done.counts.rows,
    bytes = downloaded.bytes, crc32c = downloaded.crc32c, seconds = done.seconds,
    uploaded = done.uploaded, downloaded = downloaded,
    verified = done.uploaded.verified and downloaded.verified,
    checksum = done.uploaded.checksum == "crc32c" and downloaded.checksum or "none",
  }
end

--- What the check returns.
-- @treturn table Outcome
function M.outcome(run)
  local facts = run.facts
  local outcome = {
    format = reports.FORMAT, kind = "check", version = core.version,
    started = reports.time(facts.began), finished = reports.time(os.time()),
    type = facts.type, ids = facts.list.ids, results = run.options.results,
    bytes = facts.results.bytes, crc32c = facts.results.crc32c,
    rows = 0, ids_with_events = 0, nameless = 0, reasons = {}, jobs = {},
    verified = true, checksum = "crc32c",
    calls = run.call.counts, seconds = core.now() - run.call.began, resumed = run.resumed,
  }
  for number, done in ipairs(run:done()) do
    local counts, job = done.counts, job_of(done)
    add(outcome, { rows = counts.rows, ids_with_events = counts.ids, nameless = counts.nameless })
    add(outcome.reasons, reasons_of(counts))
    outcome.jobs[number], outcome.verified = job, outcome.verified and job.verified
    if job.checksum == "none" then outcome.checksum = "none" end
  end
  return outcome
end

return M
