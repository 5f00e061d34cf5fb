--- Compliance jobs and their lives: created, in_progress, complete; or failed; or expired.
-- A status is never stored: it follows from what happened and from the time.
-- @module xcompliance.simulator.jobs

local clock = require "xcompliance.simulator.clock"
local cqueues = require "cqueues"
local results = require "xcompliance.simulator.results"
local verdicts = require "xcompliance.simulator.verdicts"

local M = {}
local Jobs = {}
Jobs.__index = Jobs

local CLIENT = "20259681"
local SNOWFLAKE_EPOCH = 1288834974657

--- @tparam table options see options.lua
-- @tparam table time the clock
-- @tparam table signer see signature.lua
function M.new(options, time, signer)
  return setmetatable({
    options = options, clock = time, signer = signer, verdicts = verdicts.new(options),
    list = {}, by_id = {}, by_path = {},
  }, Jobs)
end

-- one more than the last where the clock stands still or went back
local function next_id(self, now)
  local id = (math.floor(now * 1000) - SNOWFLAKE_EPOCH) << 22
  self.last_id = math.max(id, (self.last_id or 0) + 1)
  return tostring(self.last_id)
end

local function upload_url(self, job, path)
  local values = { ["content-type"] = "text/plain" }
  if job.resumable then values["content-length"], values["x-goog-resumable"] = "0", "start" end
  local method = job.resumable and "POST" or "PUT"
  return self.signer:url(method, path, values, job.created_at, self.options.upload_expires)
end

local function give_urls(self, job)
  local kind = job.type == "tweets" and "tweet" or "user"
  local path = ("/twttr-%s-compliance/%s/%%s/%s_%s"):format(kind, job.id, CLIENT, job.id)
  local submission, delivery = path:format("submission"), path:format("delivery")
  job.upload_url = upload_url(self, job, submission)
  job.download_url =
    self.signer:url("GET", delivery, {}, job.created_at, self.options.download_expires)
  self.by_path[submission], self.by_path[delivery] = job, job
end

--- Makes a job.
-- @tparam string job_type
-- @tparam[opt] string name
-- @tparam boolean resumable
function Jobs:create(job_type, name, resumable)
  local now = math.floor(self.clock:now())
  local job = {
    id = next_id(self, now), type = job_type, name = name, resumable = resumable,
    created_at = now,
    upload_expires_at = now + self.options.upload_expires,
    download_expires_at = now + self.options.download_expires,
    jobs_take = self.options.jobs_take,
  }
  give_urls(self, job)
  self.list[#self.list + 1], self.by_id[job.id] = job, job
  return job
end

--- `created`, `in_progress`, `complete`, `failed` or `expired`; or what an admin or a fault says.
function Jobs:status(job)
  if job.forced_status then return job.forced_status end
  local now = self.clock:now()
  if not job.uploaded_at then
    local open = job.receiving or (job.session_open and not self.options.strict_expiry)
    return (now < job.upload_expires_at or open) and "created" or "expired"
  end
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

--- Takes an upload that has wholly arrived, and sets to work on it.
function Jobs:arrived(job, object)
  local late = self:status(job) == "expired" or self:status(job) == "complete"
  job.submission, job.receiving, job.session_open = object, nil, nil
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
    error = status == "failed" and (job.error or "internal_error") or nil,
  }
  for name in pairs(model) do
    if fields and name ~= "id" and not fields[name] then model[name] = nil end
  end
  return model
end

return M
