--- Compliance jobs and their lives: created, in_progress, complete; or failed; or expired.
-- A status is never stored: it follows from what happened and from the time.
-- @internal xcompliance.simulator.jobs

local clock = require "xcompliance.simulator.clock"
local cqueues = require "cqueues"
local objects = require "xcompliance.simulator.objects"
local results = require "xcompliance.simulator.results"
local verdicts = require "xcompliance.simulator.verdicts"

local M = {}
local Jobs = {}
Jobs.__index = Jobs

local SNOWFLAKE_EPOCH = 1288834974657

--- @tparam table options see options.lua
-- @tparam table time the clock
-- @tparam function addresses returns the URLs of a job, see addresses.lua
function M.new(options, time, addresses)
  return setmetatable({
    options = options, clock = time, addresses = addresses, verdicts = verdicts.new(options),
    list = {}, by_id = {}, by_path = {},
  }, Jobs)
end

-- one more than the last where the clock stands still or went back
local function next_id(self, now)
  local id = (math.floor(now * 1000) - SNOWFLAKE_EPOCH) << 22
  self.last_id = math.max(id, (self.last_id or 0) + 1)
  return tostring(self.last_id)
end

--- Makes a job.
-- @tparam string job_type
-- @tparam[opt] string name
-- @tparam boolean|nil resumable nil if the API does not say
-- @tparam[opt] number at seconds since 1970; now without it
function Jobs:create(job_type, name, resumable, at)
  local now = math.floor(at or self.clock:now())
  local job = {
    id = next_id(self, now), type = job_type, name = name, resumable = resumable,
    created_at = now,
    upload_expires_at = now + self.options.upload_expires,
    download_expires_at = now + self.options.download_expires,
    jobs_take = self.options.jobs_take, receiving = 0,
  }
  local upload_path, download_path
  job.upload_url, upload_path, job.download_url, download_path = self.addresses(job)
  self.by_path[upload_path], self.by_path[download_path] = job, job
  self.list[#self.list + 1], self.by_id[job.id] = job, job
  return job
end

--- Makes jobs that were never uploaded to and are over: `count` of each type, a minute apart.
function Jobs:begin_with(count)
  local now = self.clock:now()
  for at = count, 1, -1 do
    for _, job_type in ipairs { "tweets", "users" } do
      self:create(job_type, "old " .. at, nil, now - self.options.upload_expires - 60 * at)
    end
  end
end

--- `created`, `in_progress`, `complete`, `failed` or `expired`; or what an admin or a fault says.
function Jobs:status(job)
  if job.forced_status then return job.forced_status end
  local now = self.clock:now()
  if not job.uploaded_at then
    local open = (job.receiving > 0 or job.session_open) and not self.options.strict_expiry
    return (now < job.upload_expires_at or open) and "created" or "expired"
  end
  if job.fate then return job.fate end
  if now < job.uploaded_at + job.jobs_take or not job.results then return "in_progress" end
  return job.error and "failed" or "complete"
end

--- The job of that type that keeps another from being made, or nil.
function Jobs:running(job_type)
  for _, job in ipairs(self.list) do
    local status = self:status(job)
    local waits = status == "created" and self.clock:now() < job.upload_expires_at
    if job.type == job_type and (waits or status == "in_progress") then return job end
  end
end

local function make_results(self, job, object)
  local options = self.options
  if not options.results then return results.make(self.verdicts, job.type, object, options) end
  self.given = self.given or results.take(options.results, options) -- hashed once
  return self.given
end

--- Stores the body of a request.
-- @tparam table request
-- @tparam[opt] integer limit
-- @treturn table|nil the object; nil if there are more bytes than the limit
function Jobs:store(request, limit)
  local writer = objects.writer(self.options)
  local good, hangup = pcall(function()
    for piece in request.body do
      writer:append(piece)
      if limit and writer.size > limit then return end
    end
  end)
  if good and not (limit and writer.size > limit) then return objects.finish(writer) end
  writer:close()
  if not good then error(hangup, 0) end
end

--- Does `work()` while the job counts as one that is being uploaded to. Returns what it returns.
function M.while_receiving(job, work)
  job.receiving = job.receiving + 1
  local good, result = pcall(work)
  job.receiving = job.receiving - 1
  if not good then error(result, 0) end
  return result
end

--- Ends a job that is not over yet.
-- @treturn boolean whether it could be
function Jobs:cancel(job)
  local status = self:status(job)
  if status ~= "created" and status ~= "in_progress" then return false end
  job.forced_status, job.cancelled = "failed", true
  return true
end

--- Forgets a job, as if it had never been.
function Jobs:forget(job)
  self.by_id[job.id] = nil
  for at, known in ipairs(self.list) do
    if known == job then return table.remove(self.list, at) end
  end
end

--- Takes an upload that has wholly arrived, and sets to work on it.
function Jobs:arrived(job, object)
  local late = self:status(job) == "expired" or self:status(job) == "complete"
  job.submission, job.session_open = object, nil
  if late then return end
  job.uploaded_at, job.results = self.clock:now(), nil
  cqueues.running():wrap(function()
    local made = make_results(self, job, object)
    if job.submission == object then job.results = made end
  end)
end

--- A job as the API shows it.
-- @tparam table job
-- @tparam[opt] table fields a set of names
function Jobs:model(job, fields)
  local status = self:status(job)
  local model = {
    id = job.id, type = job.type, name = job.name, resumable = job.resumable, status = status,
    created_at = clock.iso(job.created_at),
    upload_url = job.upload_url, upload_expires_at = clock.iso(job.upload_expires_at),
    download_url = job.download_url, download_expires_at = clock.iso(job.download_expires_at),
    error = status == "failed" and not job.cancelled and (job.error or "internal_error") or nil,
  }
  for name in pairs(model) do
    if fields and name ~= "id" and not fields[name] then model[name] = nil end
  end
  return model
end

return M
