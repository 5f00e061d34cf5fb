--- The slot of a type: X runs one job of each type at a time.
--
-- A run waits while another job holds the slot, and frees it by cancelling its own job when it
-- gives up on that one. It never cancels a job that it did not create.
-- @internal xcompliance.job_slot

local core = require "xcompliance.core"
local dates = require "xcompliance.dates"
local job_wait = require "xcompliance.job_wait"
local operations = require "xcompliance.operations"
local text = require "xcompliance.text"

local M = {}

local FIELDS = { "id", "name", "status", "created_at", "upload_expires_at" }
local ACTIVE = { created = true, in_progress = true }
local DATES_ARE_WHOLE = 2 -- seconds by which the API's clock may be read wrongly

--- Whether a job holds the slot. One that waits for its upload frees it when its upload window
-- ends, even if its status does not say so.
local function is_active(run, job)
  if job.status ~= "created" then return ACTIVE[job.status] end
  local ends_at = dates.iso(job.upload_expires_at)
  local now, known = run.connection:server_time(os.time())
  return not (ends_at and known and now > ends_at + DATES_ARE_WHOLE)
end

-- {====================================================================
-- Waiting for it
-- =====================================================================

--- The job of the type that holds the slot.
-- @treturn ?table nil if none does; nil, err
local function find_holder(run)
  local list, err = operations.list_jobs(run.connection, run.call, run.facts.type, nil, FIELDS)
  if not list then return nil, err end
  for _, job in ipairs(list.data or {}) do
    if is_active(run, job) then return job end
  end
end

local function clock(date, run)
  local time = dates.iso(date)
  return time and text.clock(time - (run.connection.clock_offset or 0)) or "an unknown time"
end

--- "job 123 (in_progress since 14:03:20)"
local function describe(run, job)
  local state = job.status == "created"
    and ("created, waits for its upload until %s at the latest"):format(
      clock(job.upload_expires_at, run))
    or ("%s since %s"):format(job.status, clock(job.created_at, run))
  local name = job.name and job.name ~= "" and (" '%s'"):format(text.plain(core.mask(job.name)))
  return ("job %s%s (%s)"):format(job.id, name or "", state)
end

--- Polls until the slot is free, as far as can be seen.
local function wait_for(run, holder)
  local polls, status, headers = 0, nil, nil
  while true do
    local doing = ("waiting for %s, which holds the slot of %s"):format(describe(run, holder),
      run.facts.type)
    run.call:at("create", doing)
    local event = { status = holder.status, message = holder.status ~= status and doing or nil }
    local seconds, why = job_wait.pace(polls, run.options.poll, headers)
    local ok, err = run.call:sleep(seconds, event, why)
    if not ok then return nil, err end
    local response, details = job_wait.poll(run.connection, run.call, holder.id)
    local job = response and response.data
    if not job and details.kind == "not_found" then return true end
    if not job then return nil, details end
    if not is_active(run, job) then return true end
    polls, status, headers, holder = polls + 1, holder.status, details.headers, job
  end
end

--- Waits, after a create was refused as a conflict, until another may succeed.
-- @tparam table run of xcompliance.check
-- @tparam integer refusals how many creates of this run were refused in a row, from 1
-- @tparam string name of the job that was refused
-- @treturn ?table the job that holds the slot, if it is this run's own by its name; true if the
-- slot seems to be free; or nil, err
function M.wait(run, refusals, name)
  local holder, err = find_holder(run)
  if err then return nil, err end
  if holder and holder.name == name then
    local response
    response, err = operations.list_job(run.connection, run.call, holder.id)
    return response and response.data, err
  end
  if holder then return wait_for(run, holder) end
  local why = "the API says that a job of this type is running, but lists none"
  return run.call:sleep(job_wait.pace(refusals - 1, run.options.poll), { message = why }, why)
end

-- }====================================================================

--- Cancels the run's own job. If that cannot be done the run continues: the slot is free when the
-- job's upload window ends.
-- @tparam table run of xcompliance.check
-- @treturn true|nil,err nil only if trying again later can help
function M.cancel(run)
  local id = run.facts.job.id
  local response, err = operations.cancel(run.connection, run.call, id)
  if response then
    run.call:report { message = ("job %s was cancelled"):format(id) }
  elseif err.retryable or err.kind == "network" or err.kind == "auth" then
    return nil, err
  elseif err.job or err.kind ~= "not_found" then
    run.call:report { warning = ("job %s could not be cancelled: %s"):format(id, err.message) }
  end
  return true
end

return M
