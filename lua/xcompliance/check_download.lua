--- The state "download" of a check: the results of a part come in and are counted.
-- @internal xcompliance.check_download

local jobs = require "xcompliance.check_job"
local core = require "xcompliance.core"
local download = require "xcompliance.download"
local errors = require "xcompliance.errors"
local operations = require "xcompliance.operations"

local M = {}

local function get(run)
  return download.run(run.connection, run.call, run.facts.job.download_url, run:part_results(), {
    job_id = run.facts.job.id, patient = true, allow_unframed = run.options.allow_unframed,
    name = run.options.results, part = run.facts.download,
    on_part = function(part) return run:record { step = "download", download = part } end,
  })
end

--- The results are unavailable at this URL. The job shows whether another URL can help.
local function look_again(run, err)
  local id = run.facts.job.id
  local response, failure = operations.list_job(run.connection, run.call, id)
  if not response and failure.kind == "not_found" then return jobs.job_gone(run, failure) end
  if not response then return nil, failure end
  local is_past_end = jobs.is_past(run, response.data.download_expires_at)
  if is_past_end or (jobs.is_useless(err) and run.looked_again == id) then
    return jobs.another_job(run, errors.with(err, {
      message = ("the results of job %s %s"):format(id, (is_past_end or err.kind == "expired")
        and "have expired" or "are refused"),
    }))
  end
  if not jobs.is_useless(err) then return nil, err end
  run.looked_again = id
  return run:record { step = "download", job = response.data }
end

--- What the results say, counted by the core beside the host's loop.
local function count_results(run)
  local verdicts, err = run.call:ask(core.verdicts { [run.facts.type] = { run:part_results() } })
  if not verdicts then return nil, err end
  local counts = verdicts:counts()[run.facts.type]
  verdicts:close()
  return counts
end

local function take_results(run, info)
  local facts = run.facts
  local counts, err = count_results(run)
  if not counts then return nil, err end
  local part, entry = facts.part, jobs.without_job()
  local is_last = math.max(run:asked_bytes(), part.offset + part.bytes) == facts.list.bytes
  entry.step, entry.part = is_last and "join" or "cut", false
  entry["done_" .. run:number()] = {
    part = part, job = facts.job, uploaded = facts.uploaded or { verified = false },
    downloaded = info, counts = counts, seconds = core.now() - run.part_began,
  }
  run.jobs, run.part_began = 1, core.now()
  return run:record(entry)
end

function M.download(run)
  local status, info = get(run)
  if status then return take_results(run, info) end
  if jobs.is_useless(info) or info.kind == "not_found" then return look_again(run, info) end
  return nil, info
end

return M
