--- The state "wait" of a check: the job is polled until it has ended.
-- @internal xcompliance.check_wait

local jobs = require "xcompliance.check_job"
local text = require "xcompliance.text"

local M = {}

local KNOWN = { created = true, in_progress = true, complete = true, failed = true, expired = true }

local function wait_before_poll(run, seconds, status, why)
  local event = { status = status, message = why and ("the job is %s; %s"):format(status, why) }
  if not KNOWN[status] then
    event.warning = ("the job's status is '%s', which is not known - waiting on"):format(
      text.plain(status))
  end
  return run.call:sleep(seconds, event, event.message or "the job is " .. status)
end

function M.wait(run)
  run.call:at("wait", ("waiting for job %s"):format(run.facts.job.id))
  local status, polls = "in_progress", 0
  local seconds, why = run.resumes and 0 or run:pace(0), nil
  while true do
    local ok, err = wait_before_poll(run, seconds, status, why)
    if not ok then return nil, err end
    local job, details = run:poll_job(run.facts.job.id)
    if not job and details.kind == "not_found" then return jobs.job_gone(run, details) end
    if not job then return nil, details end
    if job.status == "complete" then return run:record { step = "download", job = job } end
    if job.status == "failed" or job.status == "expired" then return jobs.ended_badly(run, job) end
    status, polls = job.status, polls + 1
    seconds, why = run:pace(polls, details.headers)
  end
end

return M
