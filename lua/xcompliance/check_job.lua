--- The job of a part: the states "create" and "cancel", and what becomes of a job that is of no
-- use.
-- @internal xcompliance.check_job

local core = require "xcompliance.core"
local dates = require "xcompliance.dates"
local errors = require "xcompliance.errors"
local job_slot = require "xcompliance.job_slot"
local job_wait = require "xcompliance.job_wait"
local operations = require "xcompliance.operations"

local M = {}

local JOBS_MAX = 3 -- that a run creates for one part, because the ones before were of no use
local NAME_MAX = 64 -- code points

--- Whether the URL is of no use any more.
function M.is_useless(err) return err.kind == "expired" or err.url_refused end

function M.is_past(run, date)
  local ends_at = dates.iso(date)
  local now, known = run.connection:server_time(os.time())
  return ends_at and known and now >= ends_at
end

--- The user's name with a suffix that no other job has, cut so that both fit.
local function unique_name(name)
  local suffix = core.random_hex(4)
  local kept, points = name, 0
  for at in name:gmatch("()[^\128-\191][\128-\191]*") do
    if points == NAME_MAX - #suffix - 1 then
      kept = name:sub(1, at - 1)
      break
    end
    points = points + 1
  end
  return kept .. "-" .. suffix
end

local function created(run, job)
  run.call:report { message = ("job %s was created"):format(job.id) }
  return run:record { step = "upload", job = job }
end

--- Writes the name of the next job to the disk before it is sent: a run that dies in between finds
-- its job by it.
-- @treturn ?boolean whether a job may have that name already; or nil, err
local function ensure_name(run)
  if run.facts.name then return true end
  local name = unique_name(run.options.name or "xcompliance")
  local ok, err = run:record { step = "create", name = name }
  if not ok then return nil, err end
  return false
end

--- The create was refused. If that is sure, no job has this name, and nothing is bound to it.
local function forget_name(run, err)
  local is_sure = err.status and err.status < 500 and err.status ~= 408 and not err.uncertain
  if not is_sure then return true end
  return run:record { step = "create", name = false }
end

function M.create(run)
  local refusals = 0
  while true do
    run.call:at("create", "creating a compliance job")
    local asked, failure = ensure_name(run)
    if asked == nil then return nil, failure end
    local name = run.facts.name
    local response, err = operations.create(run.connection, run.call, {
      type = run.facts.type, name = name, unique = true, asked = asked,
      resumable = run.options.upload == "resumable",
    })
    if response then return created(run, response.data) end
    local ok
    ok, failure = forget_name(run, err)
    if not ok then return nil, failure end
    if err.kind ~= "conflict" or run.options.wait == false then return nil, err end
    refusals = refusals + 1
    local own
    own, err = job_slot.wait(run, refusals, name)
    if not own then return nil, err end
    if own ~= true then return created(run, own) end
  end
end

--- What is known of a part before a job was made for it: this one led to nothing.
function M.without_job()
  return {
    step = "cut", job = false, name = false, session = false, uploaded = false, download = false,
  }
end

--- The job is of no use. Another one costs a request, so there are not many of them.
function M.another_job(run, err, give_up)
  run.jobs = run.jobs + 1
  if run.facts.download then os.remove(run.facts.download.path) end
  if run.jobs > JOBS_MAX then
    run.failure = err
  else
    run.call:report { warning = errors.without_hint(err) .. " - creating another job" }
  end
  local entry = M.without_job()
  if give_up then entry = { step = "cancel" } end
  local step, failure = run:record(entry)
  if not step then return nil, failure end
  if run.failure and not give_up then return nil, run.failure end
  return step
end

--- The job has ended without results.
function M.ended_badly(run, job)
  local late = job.status == "expired" and run.facts.uploaded
  local ok, err = run:record(M.without_job())
  if not ok then return nil, err end
  return nil, job_wait.failure(job, (late and ", although the ids were uploaded" or "")
    .. " - run the same command again to make a new job")
end

--- Ends the run with an error once the job is cancelled.
function M.give_up(run, err)
  run.failure = err
  return run:record { step = "cancel" }
end

function M.cancel(run)
  run.call:at("cancel", "cancelling the job")
  local ok, err = job_slot.cancel(run)
  if not ok then return nil, run.failure or err end
  local step
  step, err = run:record(M.without_job())
  if not step then return nil, err end
  if run.failure then return nil, run.failure end
  return step
end

--- The job is not there any more.
function M.job_gone(run, err)
  return M.another_job(run, errors.with(err, {
    message = ("the API does not know job %s any more"):format(run.facts.job.id),
  }))
end

return M
