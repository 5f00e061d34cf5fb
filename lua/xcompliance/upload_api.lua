--- Uploads to the API's own host: one PUT of the whole list, with the bearer token.
--
-- There is no resuming. A PUT that broke off, or whose answer was lost, is repeated whole, but only
-- after the job was read: X may have taken the ids. They are ours if an attempt sent them all.
-- @internal xcompliance.upload_api

local transfer_refusals = require "xcompliance.transfer_refusals"
local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local json = require "xcompliance.json"
local operations = require "xcompliance.operations"
local places = require "xcompliance.transfer_host"
local storage_answers = require "xcompliance.storage_answers"
local text = require "xcompliance.text"

local M = {}

local Upload = {}
Upload.__index = Upload

--- The job is past `created`: it has ids. They are ours if an attempt sent them all.
function Upload:arrived(status)
  local source, id = self.source, self.place.job_id
  if self.most_sent >= source.bytes then return { body = "", checksum = "none" } end
  if self.unsure then
    return nil, storage_answers.spoilt(errors.new("integrity", ("%s: job %s is %s, but only %s of"
      .. " %s bytes were sent"):format(self.call.doing, id, core.mask(status),
      text.count(self.most_sent), text.count(source.bytes))))
  end
  return nil, errors.new("conflict", ("%s: job %s is %s: ids were uploaded to it before - create a"
    .. " new job"):format(self.call.doing, id, core.mask(status)))
end

--- Something was uncertain: the job decides whether the list must be sent again.
-- @treturn ?table an answer, if the ids arrived; false if they must be sent; or nil, err
function Upload:look()
  local status, err = transfer_refusals.upload_status(self.place, self.call)
  if not status then return nil, err end
  if status == "created" then return false end
  return self:arrived(status)
end

--- The list was taken: all of it, unchanged?
function Upload:done(answer)
  local body = json.decode(answer.body)
  if type(body) == "table" and body.data == nil and type(body.errors) == "table" then
    self.unsure = true -- it says yes and no
    return nil, errors.with(self.place:failure(self.call.doing, answer), { retryable = true })
  end
  local source = self.source
  if answer.sent ~= source.bytes or answer.crc32c ~= source.crc32c then
    local same, changed = source:check()
    if not same then return nil, storage_answers.spoilt(changed) end
    return nil, storage_answers.spoilt(errors.new("integrity", ("%s: the API took %s of %s bytes")
      :format(self.call.doing, text.count(answer.sent), text.count(source.bytes))))
  end
  local hash, err = storage_answers.verify(self.call.doing, answer.headers, source, self.place.who)
  if err then return nil, storage_answers.spoilt(err) end
  return { body = answer.body, checksum = hash and "crc32c" or "none" }
end

function Upload:refused(answer)
  if answer.status == 415 and self.content_type ~= "text/plain" then
    self.content_type = "text/plain"
    return self:send()
  end
  self.unsure = self.unsure or answer.status == 408 or answer.status >= 500
  local status, err = transfer_refusals.upload_refused(self.place, self.call, answer)
  if not status then return nil, err end
  return self:arrived(status)
end

function Upload:send()
  local same, changed = self.source:check()
  if not same then return nil, changed end
  local answer, err = self.call:await(core.upload_ids(self.place.session, self.place:options {
    file = self.source.file, headers = { "Content-Type: " .. self.content_type },
  }))
  self.most_sent = math.max(self.most_sent, answer and answer.sent or err.bytes or 0)
  if answer and (answer.status == 200 or answer.status == 201) then return self:done(answer) end
  answer = answer or places.refusal_in(err)
  if answer then return self:refused(answer) end
  self.unsure = self.unsure or operations.may_have_arrived(err)
  return nil, err
end

--- Uploads a source.
-- @tparam table call
-- @tparam table place of xcompliance.transfer_host
-- @tparam table source of xcompliance.id_file
-- @treturn ?table `{ body, checksum, verified }`; or nil, err
function M.put(call, place, source)
  local self = setmetatable({
    call = call, place = place, source = source, most_sent = 0,
    content_type = "application/octet-stream",
  }, Upload)
  local answer, err = call:try(function()
    if self.unsure then
      local found, failure = self:look()
      if found or failure then return found, failure end
    end
    return self:send()
  end)
  if not answer then return nil, err end
  answer.verified = true
  return answer
end

return M
