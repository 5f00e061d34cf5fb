--- The calls of the compliance API, each tried again as it may be.
--
-- A job costs a request and blocks its type, so it is never created twice: where the answer to a
-- create was lost, the jobs of the type are listed, and ours is known by its name.
-- @internal xcompliance.operations

local answers = require "xcompliance.api_answers"
local core = require "xcompliance.core"
local dates = require "xcompliance.dates"
local errors = require "xcompliance.errors"

local M = {}

local FIND_FIELDS = { "id", "name", "status", "created_at" } -- a whole job is four times as long
local DATES_ARE_WHOLE = 2 -- seconds that a job may seem older than the request that made it
local REFUSED = { conflict = true, usage = true, not_found = true } -- a cancel of what is over

--- One exchange.
-- @tparam table connection
-- @tparam table call
-- @tparam string name of the call of the API
-- @tparam table given its own options
-- @treturn ?table the response, or nil, err
-- @treturn table `{ status, headers }`
local function exchange(connection, call, name, given)
  local session, err = connection:session()
  if not session then return nil, err end
  local options
  options, err = connection:api_options(given)
  if not options then return nil, err end
  call:count(name)
  local answer
  answer, err = call:ask(core[name](session, options))
  connection:note_clock((answer or err).headers)
  if not answer then return nil, err end
  return answers.read(name, answer, options.bearer_token, given.fields)
end

--- One job.
-- @treturn ?table the response, or nil, err
-- @treturn table `{ status, headers }`
function M.list_job(connection, call, id, fields)
  return call:try(function()
    return exchange(connection, call, "list_job", { id = id, fields = fields })
  end)
end

--- Reads a job once: what fails is for the caller to try again.
function M.read_once(connection, call, id)
  return exchange(connection, call, "list_job", { id = id })
end

--- The jobs of a type.
function M.list_jobs(connection, call, type, status, fields)
  return call:try(function()
    return exchange(connection, call, "list_jobs",
      { type = type, status = status, fields = fields })
  end)
end

--- Whether a job holds the slot of its type no more.
local function is_over(job) return job.status == "failed" or job.status == "expired" end

--- Cancels a job that is not finished, so that another of its type can be created. A cancel that is
-- refused, or whose answer was lost, is decided by reading the job: if it has failed or expired, it
-- is over, which is what was wanted.
-- @tparam table connection
-- @tparam table call
-- @tparam string id
-- @tparam[opt] table fields
-- @treturn ?table the response, whose job has failed or expired; or nil, err
-- @treturn table `{ status, headers }`
function M.cancel(connection, call, id, fields)
  local given = { id = id, fields = fields }
  local response, err = call:try(function()
    return exchange(connection, call, "cancel_job", given)
  end)
  if response or not REFUSED[err.kind] then return response, err end
  local details
  response, details = M.list_job(connection, call, id)
  if not response then return nil, details.kind == "not_found" and err or details end
  if is_over(response.data) then return response, details end
  local status = core.mask(response.data.status)
  return nil, errors.with(err, {
    kind = status == "complete" and "conflict" or err.kind, job = errors.masked(response.data),
    message = ("%s; job %s is %s"):format(errors.without_hint(err), id, status),
  })
end

-- {====================================================================
-- Creating
-- =====================================================================

-- libcurl's codes for what failed before a request could leave, if it is of these kinds
local NEVER_SENT = { [5] = true, [6] = true, [7] = true, [35] = true }
local SENT_KINDS = { network = true, timeout = true, protocol = true, cancelled = true }

--- Whether a request whose answer is an error may have arrived and been served all the same.
local function may_have_arrived(err)
  if not err.status then return SENT_KINDS[err.kind] and not NEVER_SENT[err.system] or false end
  return err.status == 200 or err.status == 201 or err.status == 408 or err.status >= 500
end

M.may_have_arrived = may_have_arrived

--- Whether a job can be the one that we asked for. A name that others may have as well says little:
-- then it must be new, because nobody has uploaded to ours yet, and not older than our request.
-- @treturn boolean
-- @treturn[opt] boolean true if that cannot be known
local function is_ours(job, wish, since, clock_known)
  if job.name ~= wish.name or is_over(job) then return false end
  if wish.unique then return true end
  if job.status == "in_progress" or job.status == "complete" then return false end
  local created_at = dates.iso(job.created_at)
  if not (created_at and clock_known) then return false, true end
  return created_at >= since - DATES_ARE_WHOLE
end

--- Looks for the job that a lost answer spoke of.
-- @treturn ?table a response; false if there is none; nil, err
local function find(connection, call, wish, began)
  local list, err = exchange(connection, call, "list_jobs",
    { type = wish.type, fields = FIND_FIELDS })
  if not list then return nil, err end
  local since, clock_known = connection:server_time(began)
  local found
  for _, job in ipairs(list.data or {}) do
    local ours, unsure = is_ours(job, wish, since, clock_known)
    if unsure or (ours and found and not wish.unique) then
      return nil, errors.new("protocol", ("creating a compliance job: the answer was lost, and job"
        .. " %s, which is also named '%s', may be the new one - list the jobs before you create"
        .. " another"):format(job.id, core.mask(wish.name)))
    end
    if ours and not (found and (job.created_at or "") <= (found.created_at or "")) then
      found = job
    end
  end
  if not found then return false end
  return exchange(connection, call, "list_job", { id = found.id })
end

local function create_once(connection, call, wish, resumable)
  return exchange(connection, call, "create_compliance_job",
    { type = wish.type, name = wish.name, resumable = resumable, fields = wish.fields })
end

--- Creates a job for resumable uploads if that is wished; if the API refuses it, another job. The
-- connection remembers that, so it is asked and said once.
local function create_as_wished(connection, call, wish)
  local resumable = wish.resumable and not connection.refuses_resumable
  local response, err = create_once(connection, call, wish, resumable)
  if response or not resumable or err.status ~= 400 then return response, err end
  local answer
  response, answer = create_once(connection, call, wish)
  if response or answer.status ~= 400 then -- else it was something else that is refused
    connection.refuses_resumable = true
    call:report {
      warning = "the API refuses resumable uploads - creating a job for a plain upload",
    }
  end
  return response, answer
end

--- An answer that was lost, if nothing distinguishes our job from others.
local function cannot_know(err)
  return errors.with(err, { retryable = false, message = err.message
    .. "; a job may have been made all the same - list the jobs before creating another" })
end

--- Creates a job, once.
-- @tparam table connection
-- @tparam table call
-- @tparam table wish `type`, `name`, `resumable`, `fields`; `unique`: no other job has that name;
-- `asked`: it may have been created before
-- @treturn ?table the response, or nil, err; `err.uncertain`: a job may have been created all the
-- same
-- @treturn table `{ status, headers, adopted }`
function M.create(connection, call, wish)
  local lost, began = wish.asked, os.time()
  local result, answer = call:try(function()
    if lost then
      local response, details = find(connection, call, wish, began)
      if response == nil then return nil, details end
      if response then return response, { status = 200, headers = {}, adopted = true } end
    end
    local response, err = create_as_wished(connection, call, wish)
    if response then return response, err end
    if err.kind == "conflict" and lost then
      local found, failure = find(connection, call, wish, began) -- the running job may be ours
      if found == nil then return nil, failure end
      if found then return found, { status = 200, headers = {}, adopted = true } end
    end
    lost = lost or may_have_arrived(err)
    if lost and not (wish.name and wish.name ~= "") then return nil, cannot_know(err) end
    return nil, err
  end)
  if not result and lost then answer = errors.with(answer, { uncertain = true }) end
  return result, answer
end

-- }====================================================================

return M
