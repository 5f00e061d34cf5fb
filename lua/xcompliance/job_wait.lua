--- Waiting for a job: when it is polled, and until when.
-- @internal xcompliance.job_wait

local calls = require "xcompliance.call"
local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local operations = require "xcompliance.operations"
local retry = require "xcompliance.retry"
local text = require "xcompliance.text"

local M = {}

local PATIENCE = 4 -- times the attempts that other calls have: polling again costs little

local KNOWN = { created = true, in_progress = true, complete = true, failed = true, expired = true }
local ENDED = { complete = true, failed = true, expired = true }

--- How long until the next poll; and why, if the API asks for it.
-- @tparam integer polls how many there were
-- @tparam table poll `{ min, max }` in seconds
-- @tparam[opt] table headers of the last answer
-- @treturn number seconds
-- @treturn ?string why
function M.pace(polls, poll, headers)
  local seconds = retry.poll(polls, poll, calls.random)
  local limited = retry.exhausted(headers or {}, os.time())
  if limited <= seconds then return seconds end
  return limited, "rate limited until " .. text.clock(os.time() + limited)
end

--- Polls a job once. What fails is tried again: the job continues meanwhile.
-- @tparam table connection
-- @tparam table call
-- @tparam string id
-- @treturn ?table the response, or nil, err
-- @treturn table `{ status, headers }`
function M.poll(connection, call, id)
  local failures = 0
  while true do
    local response, details = operations.read_once(connection, call, id)
    if response then return response, details end
    failures = failures + 1
    local ok, err = call:pause(failures, details, PATIENCE)
    if not ok then return nil, err end
  end
end

local function wait_before_poll(call, seconds, status, why)
  local event = { status = status, message = why and ("the job is %s; %s"):format(status, why) }
  if not KNOWN[status] then
    event.warning = ("the job's status is '%s', which is not known - continuing to wait"):format(
      text.plain(status))
  end
  return call:sleep(seconds, event, event.message or "the job is " .. status)
end

--- Polls a job until it has ended, whether well or not.
-- @tparam table connection
-- @tparam table call
-- @tparam string id
-- @tparam table poll `{ min, max }` in seconds
-- @tparam[opt] boolean at_once whether the first poll comes without a wait
-- @treturn ?table the response, whose `data.status` is "complete", "failed" or "expired"; or nil,
-- err
function M.until_ended(connection, call, id, poll, at_once)
  local status, polls = "in_progress", 0
  local seconds, why = at_once and 0 or M.pace(0, poll), nil
  while true do
    local ok, err = wait_before_poll(call, seconds, status, why)
    if not ok then return nil, err end
    local response, details = M.poll(connection, call, id)
    if not response then return nil, details end
    status, polls = response.data.status, polls + 1
    if ENDED[status] then return response end
    seconds, why = M.pace(polls, poll, details.headers)
  end
end

--- The error of a job that has ended without results.
-- @tparam table job
-- @tparam string rest what follows "job ID failed: REASON"
-- @treturn table of the kind "job_failed" or "expired", with the job
function M.failure(job, rest)
  local has_failed = job.status == "failed"
  local what = ("job %s %s"):format(job.id, has_failed and "failed" or "has expired")
  if job.error then what = what .. ": " .. core.mask(tostring(job.error)) end
  return errors.new(has_failed and "job_failed" or "expired", what .. rest,
    { job = errors.masked(job) })
end

return M
