--- The state "wait" of a check: the job is polled until it has ended.
-- @internal xcompliance.check_wait

local job_wait = require "xcompliance.job_wait"
local jobs = require "xcompliance.check_job"

local M = {}

function M.wait(run)
  local id = run.facts.job.id
  run.call:at("wait", "waiting for job " .. id)
  local response, err = job_wait.until_ended(run.connection, run.call, id, run.options.poll,
    run.resumes)
  if not response and err.kind == "not_found" then return jobs.job_gone(run, err) end
  if not response then return nil, err end
  local job = response.data
  if job.status ~= "complete" then return jobs.ended_badly(run, job) end
  return run:record { step = "download", job = job }
end

return M
