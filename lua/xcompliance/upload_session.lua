--- Resumable uploads: a session is started by the signed URL, and then outlives it.
--
-- One PUT streams from the first byte that storage is missing to the end. After anything that is
-- neither "done" (200, 201) nor "so far" (308), storage is asked first what it has: it may have
-- kept less than was sent, less than before, or all. (Google Cloud Storage, "Resumable uploads".)
-- @internal xcompliance.upload_session

local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local places = require "xcompliance.transfer_host"
local storage_answers = require "xcompliance.storage_answers"
local text = require "xcompliance.text"

local M = {}

local RESTARTS_MAX = 3
local PIECE = 256 * 1024 -- what storage keeps of an upload that is not whole are multiples of it

local Session = {}
Session.__index = Session

-- {====================================================================
-- What storage says
-- =====================================================================

--- The bytes that a 308 says are kept.
-- @treturn ?number nil where the header cannot be read
local function kept_bytes(headers)
  local range = headers.range
  if not range then return 0 end
  local last = range:match("^bytes=0%-(%d+)$")
  if not last or #last > 15 then return nil end
  return tonumber(last) + 1
end

function Session:data_loss(what)
  return errors.new("integrity", ("%s: %s"):format(self.call.doing, what))
end

--- Takes what storage says that it has: the truth, also where it is less than before.
function Session:note_kept(answer)
  local kept = kept_bytes(answer.headers)
  if not kept then
    return nil, errors.new("protocol", ("%s: storage answered 308 with the range '%s'"):format(
      self.call.doing, core.mask(answer.headers.range:sub(1, 100))),
      { retryable = true, status = 308 })
  end
  if kept > self.source.bytes or (self.sent and kept > self.sent) then
    local loss = self:data_loss(("storage says that it has %s, but %s were sent"):format(
      text.plural(kept, "byte"), text.count(self.sent or self.source.bytes)))
    self:forget() -- it cannot be continued
    return nil, loss
  end
  self.offset = kept
  if kept > self.high then self.high, self.advanced = kept, true end
  return kept
end

--- The session is lost, with all that was sent: another one, while the signed URL lives.
function Session:lost(answer)
  self.restarts = self.restarts + 1
  if self.restarts > RESTARTS_MAX then
    return nil, errors.with(storage_answers.failure(self.call.doing, answer), { retryable = false })
  end
  self:forget()
  return false
end

function Session:forget()
  self.uri, self.offset, self.sent, self.high = nil, nil, nil, 0
  self.on_session(false)
end

function Session:refused(answer)
  local err = storage_answers.failure(self.call.doing, answer)
  if err.code == "BadDigest" and not self.digest_retried then
    self.digest_retried = true -- storage has dropped what was sent
    return self:lost(answer)
  end
  return nil, err
end

local function is_partial(answer)
  return answer.status == 308 or answer.headers["x-http-status-code-override"] == "308"
end

--- If it is not partial.
local function is_done(answer) return answer.status == 200 or answer.status == 201 end

function Session:done(answer)
  local verified, err = storage_answers.verify(self.call.doing, answer.headers, self.source)
  if err then return nil, storage_answers.spoilt(err) end
  if not verified then
    local same, changed = self.source:check()
    if not same then return nil, storage_answers.spoilt(changed) end
  end
  answer.verified, answer.checksum = verified, verified and "crc32c" or "none"
  return answer
end

-- }====================================================================

-- {====================================================================
-- The three exchanges; each returns the final answer, false to continue, or nil, err
-- =====================================================================

function Session:request(method, url, headers)
  local options = self.place:options { method = method, headers = headers }
  options.url = url
  local answer, err = self.call:ask(core.request(self.place.session, options))
  answer = answer or places.refusal_in(err)
  return answer, err
end

local function origin(url) return (url or ""):match("^https?://[^/?#]+") end

function Session:start()
  local answer, err = self:request("POST", self.url,
    { "Content-Type: text/plain", "x-goog-resumable: start" })
  if not answer then return nil, err end
  if answer.status ~= 200 and answer.status ~= 201 then return self:refused(answer) end
  local uri = answer.headers.location
  if not uri or origin(uri) ~= origin(self.url) then
    return nil, errors.new("protocol", ("%s: storage began an upload session but named %s for it -"
      .. " create a new job"):format(self.call.doing, uri and "another host" or "no place"))
  end
  self.uri, self.offset, self.sent, self.high = uri, 0, 0, 0
  local ok
  ok, err = self.on_session(uri)
  if ok == nil then return nil, err end
  return false
end

function Session:query()
  local answer, err = self:request("PUT", self.uri,
    { ("Content-Range: bytes */%.0f"):format(self.source.bytes) })
  if not answer then return nil, err end
  if is_partial(answer) then
    local kept
    kept, err = self:note_kept(answer)
    return kept and false, err
  end
  if is_done(answer) then return self:done(answer) end
  if answer.status == 404 or answer.status == 410 then return self:lost(answer) end
  return self:refused(answer)
end

function Session:put(offset, length)
  local last = offset + length - 1
  local range = ("Content-Range: bytes %.0f-%.0f/%.0f"):format(offset, last, self.source.bytes)
  local headers = { range }
  if last == self.source.bytes - 1 then
    headers[2] = "x-goog-hash: crc32c=" .. self.source.crc32c
  end
  local options = self.place:options {
    file = self.source.file, offset = offset, length = length, headers = headers,
  }
  options.url = self.uri
  local answer, err = self.call:await(core.upload_ids(self.place.session, options))
  local sent = answer and answer.sent or err.bytes or 0
  if self.sent then self.sent = math.max(self.sent, offset + sent) end
  answer = answer or places.refusal_in(err)
  return answer, err
end

--- Storage has kept something of it, or nothing.
function Session:partly(answer)
  local before = self.high
  local kept, err = self:note_kept(answer)
  if not kept then return nil, err end
  if kept > before then return false end
  if not answer.headers.range then self.offset = nil end -- better asked than believed
  return nil, errors.new("server", ("%s: storage has kept %s of %s bytes and takes no more"):format(
    self.call.doing, text.count(kept), text.count(self.source.bytes)), { retryable = true })
end

function Session:send()
  local same, changed = self.source:check()
  if not same then return nil, changed end
  local offset = self.offset
  local length = math.min(self.chunk, self.source.bytes - offset)
  self.offset = nil -- unknown, until an answer tells
  local answer, err = self:put(offset, length)
  if not answer then return nil, err end
  if is_partial(answer) then return self:partly(answer) end
  if answer.status == 404 or answer.status == 410 then return self:lost(answer) end
  if not is_done(answer) then return self:refused(answer) end
  if offset + (answer.sent or 0) < self.source.bytes then
    return nil, storage_answers.spoilt(self:data_loss(("storage said that the upload was complete"
      .. " after %s of %s bytes"):format(text.count(offset + (answer.sent or 0)),
        text.count(self.source.bytes))))
  end
  return self:done(answer)
end

-- }====================================================================

--- All is there, and yet it is not complete: a query says that there is no more.
function Session:complete()
  local answer, err = self:query()
  if answer or err or self.offset ~= self.source.bytes then return answer, err end
  return nil, errors.new("server", self.call.doing
    .. ": storage has all of it, but does not say that it is complete", { retryable = true })
end

local function step(self)
  if not self.uri then return self:start() end
  if not self.offset then return self:query() end
  if self.offset == self.source.bytes then return self:complete() end
  return self:send()
end

--- Continues until storage has it all, or something fails.
local function advance(self)
  local answer, err
  repeat answer, err = step(self) until answer or err
  if err and self.advanced then err.advanced, self.advanced = true, false end
  return answer, err
end

--- Uploads a source by a URL made for a resumable upload.
-- @tparam table call
-- @tparam table place of xcompliance.transfer_host, by the signed URL
-- @tparam table source of xcompliance.id_file
-- @tparam table options `session`, `on_session`, `chunk`: see xcompliance.upload
-- @treturn ?table the last answer, with `verified`; or nil, err
function M.put(call, place, source, options)
  local chunk = options.chunk or math.huge
  if chunk < PIECE or (chunk ~= math.huge and chunk % PIECE ~= 0) then
    errors.misuse("a chunk is a multiple of %d bytes", PIECE)
  end
  local self = setmetatable({
    call = call, place = place, source = source, url = place.url, chunk = chunk,
    uri = options.session, high = 0, restarts = 0,
    on_session = options.on_session or function() return true end,
  }, Session)
  return call:try(function() return advance(self) end)
end

return M
