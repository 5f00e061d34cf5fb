--- The state "upload" of a check: the ids of a part go to its job.
-- @internal xcompliance.check_upload

local jobs = require "xcompliance.check_job"
local lists = require "xcompliance.check_list"
local errors = require "xcompliance.errors"
local operations = require "xcompliance.operations"
local text = require "xcompliance.text"
local upload = require "xcompliance.upload"

local M = {}

-- what an upload is refused for: neither time nor the user's looking after something else mends it
local REFUSED = {
  protocol = true, forbidden = true, not_found = true, data = true, server = true, usage = true,
}

--- X takes no list as long as this one: the next job gets half of it.
local function halve(run, err)
  local ids = math.floor(run.facts.part.ids / 2)
  if ids < 1 or run:part_again() then return jobs.give_up(run, err) end
  run.call:report { warning = ("%s - continuing with parts of %s"):format(errors.without_hint(err),
    text.plural(ids, "id")) }
  return run:record { step = "cancel", ids_at_most = ids }
end

local function upload_failed(run, err)
  if jobs.is_useless(err) then return jobs.another_job(run, err, true) end
  if err.kind == "job_failed" then return jobs.ended_badly(run, err.job) end
  if err.kind == "too_large" then return halve(run, err) end
  local is_over = err.spoilt or (REFUSED[err.kind] and not err.retryable)
  if not is_over then return nil, err end
  local again = err.spoilt and ": run the same command again" or ""
  return jobs.give_up(run, errors.with(err, { message = err.message .. again }))
end

--- What has become of the job meanwhile: a run that is resumed may have uploaded already.
local function status_of_job(run)
  if not run.resumes then return run.facts.job.status or "created" end
  local response, err = operations.list_job(run.connection, run.call, run.facts.job.id)
  if not response then return nil, err end
  return response.data.status
end

local function put(run)
  local facts = run.facts
  local path = lists.part_path(run, facts.part)
  return upload.run(run.connection, run.call, facts.job.upload_url, path, {
    job_id = facts.job.id, name = run.options.ids, expected = facts.part, chunk = run.options.chunk,
    session = facts.session,
    on_session = function(uri) return run:record { step = "upload", session = uri } end,
  })
end

function M.upload(run)
  run.call:at("upload", "uploading the ids")
  local job, session = run.facts.job, run.facts.session
  local status, err = status_of_job(run)
  if not status and err.kind == "not_found" then return jobs.job_gone(run, err) end
  if not status then return nil, err end
  if status == "failed" then return run:record { step = "wait" } end
  local is_late = status == "created" and not session and jobs.is_past(run, job.upload_expires_at)
  if status == "expired" or is_late then
    local message = ("job %s: its upload URL expired at %s"):format(job.id,
      tostring(job.upload_expires_at))
    return jobs.another_job(run, errors.new("expired", message), is_late)
  end
  if status ~= "created" and not session then return run:record { step = "wait" } end
  local ok
  ok, err = lists.ensure_part(run)
  if not ok then return nil, err end
  local said, info = put(run)
  if not said then return upload_failed(run, info) end
  run.call:report { message = ("uploaded %s (%s)"):format(text.plural(info.ids, "id"),
    text.size(info.bytes)) }
  return run:record { step = "wait", uploaded = info, session = false }
end

return M
