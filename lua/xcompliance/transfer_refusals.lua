--- What a refusal at the API's own host means for a job's bytes.
--
-- 401 and 403 have two meanings there: the bearer token is refused, or the token of the job's URL.
-- A lost answer says nothing at all. So the job is read: if that works, the bearer token is good,
-- and the job's status and dates show what became of the URL.
-- @internal xcompliance.transfer_refusals

local core = require "xcompliance.core"
local dates = require "xcompliance.dates"
local errors = require "xcompliance.errors"
local operations = require "xcompliance.operations"

local M = {}

local DATES_ARE_WHOLE = 2 -- seconds by which the API's clock may be read wrongly

local function is_past(place, date)
  local ends_at = dates.iso(date)
  if not ends_at then return false end
  return (place.connection:server_time(os.time())) >= ends_at - DATES_ARE_WHOLE
end

local NEW_JOB = "create a new job"

--- An error that says what was being done, and what to do next.
local function failure(call, kind, message, hint, fields)
  fields.hint = hint
  return errors.new(kind, ("%s: %s%s"):format(call.doing, message, hint and " - " .. hint or ""),
    fields)
end

--- Reads the job, once.
-- @tparam table place
-- @tparam table call
-- @tparam[opt] table answer that was refused
-- @treturn ?table the job, or nil, err
local function read_job(place, call, answer)
  call.so_far = nil -- whatever comes of it is not about the bytes
  local response, err = operations.read_once(place.connection, call, place.job_id)
  if response then return response.data end
  if err.kind == "not_found" then
    return nil, errors.with(err, {
      message = ("%s: the API does not know job %s any more"):format(call.doing, place.job_id),
    })
  end
  if answer and (err.kind == "auth" or err.kind == "forbidden") then
    return nil, errors.with(err, { message = ("%s: the API answered %d, and it refuses the bearer"
      .. " token for the job too: %s"):format(call.doing, answer.status, err.message) })
  end
  return nil, err
end

--- The bearer token is good, and the URL's time is not over.
local function url_refused(place, call, answer, what)
  local said = place:failure(call.doing, answer)
  return failure(call, "forbidden", ("the API answered %d; it accepts the bearer token, but not the"
    .. " job's %s URL, which was altered or is for another purpose"):format(answer.status, what),
    NEW_JOB, { url_refused = true, status = said.status, headers = said.headers,
      problem = said.problem, problem_type = said.problem_type })
end

local function job_failed(call, job)
  local said = job.error and ": " .. core.mask(tostring(job.error)) or ""
  return failure(call, "job_failed", ("job %s failed%s"):format(job.id, said), NEW_JOB,
    { job = errors.masked(job) })
end

-- {====================================================================
-- Uploads
-- =====================================================================

--- What became of an upload, by the job.
-- @treturn ?string "created": the ids have not arrived, and can be uploaded; another status: they
-- arrived; or nil, err
local function status_of_upload(place, call, job)
  if job.status == "failed" then return nil, job_failed(call, job) end
  local is_late = job.status == "created" and is_past(place, job.upload_expires_at)
  if job.status == "expired" or is_late then
    return nil, failure(call, "expired", ("the upload URL of job %s expired at %s"):format(job.id,
      core.mask(tostring(job.upload_expires_at))), NEW_JOB, { job = errors.masked(job) })
  end
  return job.status
end

--- What became of an upload whose answer was lost.
-- @tparam table place
-- @tparam table call
-- @treturn ?string the job's status, see above; or nil, err
function M.upload_status(place, call)
  local job, err = read_job(place, call)
  if not job then return nil, err end
  return status_of_upload(place, call, job)
end

-- refusals that the job explains
local UNCLEAR = { [401] = true, [403] = true, [404] = true, [409] = true }

--- Explains an upload that was refused.
-- @tparam table place
-- @tparam table call
-- @tparam table answer
-- @treturn ?string the job's status if the ids arrived before; or nil, err
function M.upload_refused(place, call, answer)
  if not UNCLEAR[answer.status] then return nil, place:failure(call.doing, answer) end
  local job, err = read_job(place, call, answer)
  if not job then return nil, err end
  local status
  status, err = status_of_upload(place, call, job)
  if status ~= "created" then return status, err end
  if answer.status == 404 then
    return nil, failure(call, "server", "the API answered 404: X does not accept uploads at the URL"
      .. " that it issued", "try again later with a new job", { status = 404 })
  end
  if answer.status == 409 then -- an attempt whose answer was lost may still be arriving
    return nil, errors.with(place:failure(call.doing, answer), { retryable = true })
  end
  return nil, url_refused(place, call, answer, "upload")
end

-- }====================================================================

-- {====================================================================
-- Downloads
-- =====================================================================

--- Explains a download that was refused.
-- @tparam table place
-- @tparam table call
-- @tparam table answer
-- @tparam ?boolean renewed whether the URL is the second one that was tried
-- @treturn ?string another URL of the same results; or nil, err
function M.download_refused(place, call, answer, renewed)
  if answer.status ~= 401 and answer.status ~= 403 then
    return nil, place:failure(call.doing, answer)
  end
  local job, err = read_job(place, call, answer)
  if not job then return nil, err end
  if job.status == "failed" then return nil, job_failed(call, job) end
  if is_past(place, job.download_expires_at) or job.status == "expired" then
    return nil, failure(call, "expired", ("the results of job %s expired at %s"):format(job.id,
      core.mask(tostring(job.download_expires_at))), NEW_JOB, { job = errors.masked(job) })
  end
  if job.status ~= "complete" then
    return nil, failure(call, "not_found", ("job %s is %s: it has no results yet"):format(job.id,
      core.mask(job.status)), nil, { status = answer.status, job = errors.masked(job) })
  end
  if not renewed and job.download_url ~= place.url then return job.download_url end
  return nil, url_refused(place, call, answer, "download")
end

-- }====================================================================

return M
