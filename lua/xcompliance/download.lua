--- Many exchanges that make one sure download: a file under its final name is whole, verified and
-- readable.
--
-- Exchanges break off, so the bytes gather in a file beside the target. Bytes of two exchanges are
-- joined only if a strong ETag or a checksum proves that they are of one object. If nothing proves
-- it, the download starts over, every time.
--
-- What a later run may continue is recorded as the part: `{ path, etag, hash, ranges, total, size,
-- crc32c }`. It vouches for the first `size` bytes of the file, whose sum is `crc32c`. It is
-- recorded after they were written, so it never vouches for more than there is. A file that does
-- not match it is not used.
-- @internal xcompliance.download

local transfer_refusals = require "xcompliance.transfer_refusals"
local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local places = require "xcompliance.transfer_host"
local results_check = require "xcompliance.results_check"
local storage_answers = require "xcompliance.storage_answers"
local text = require "xcompliance.text"

local M = {}

local RECORD_EVERY = 5 -- seconds of a running download: what a kill may cost

local Download = {}
Download.__index = Download

-- {====================================================================
-- The temporary file beside the target, across runs
-- =====================================================================

--- The file that an earlier run left, if it is in the folder of the target: it is renamed to that.
-- The file of a run that had another target is removed.
local function reopen(target, part)
  local file = core.reopen(part.path)
  if not file then return nil end
  if text.folder(part.path) == text.folder(target) then return file end
  file:discard()
end

--- Continues with the file of an earlier run, or begins one.
local function open_part(target, part, keep)
  local file = part and reopen(target, part)
  if file then return file, part end
  local err
  file, err = core.create_beside(target, keep)
  if not file then return nil, errors.with(err, { creating = true }) end
  return file, { path = file:path() }
end

function Download:have() return self.file:stat().size end

--- Forgets what the file holds, and empties it.
function Download:start_over()
  self.part, self.summed = { path = self.part.path }, nil
  return self.file:truncate(0)
end

--- Drops from the file of an earlier run what its record does not vouch for, which may be all.
function Download:check_part()
  local part, have = self.part, self:have()
  if part.size and part.size <= have then
    local sum, err = self.call:ask(self.file:checksum(part.size))
    if not sum then return nil, err end
    if sum.crc32c == part.crc32c then
      self.summed = sum
      return self.file:truncate(part.size)
    end
  end
  if part.size then
    self.call:report { message = ("%s: the file of the run before is not what was recorded of it"
      .. " - starting over"):format(self.call.doing) }
  end
  return self:start_over()
end

--- Records how many bytes of this object the file holds.
-- @tparam integer size
-- @treturn true|nil,err
function Download:record(size)
  if not self.on_part or not self:can_continue() then return true end
  local before = self.summed or { bytes = 0 }
  local sum, err = self.call:settle(self.file:checksum(size, before.bytes, before.crc32c))
  if not sum then return nil, err end
  self.summed, self.part.size, self.part.crc32c = sum, sum.bytes, sum.crc32c
  return self.on_part(self.part)
end

-- }====================================================================

-- {====================================================================
-- Which object it is
-- =====================================================================

local function whole_number(digits) return digits and tonumber(digits) or nil end

local function total_of(answer)
  local headers = answer.headers
  if answer.status == 206 then
    return whole_number((headers["content-range"] or ""):match("^bytes %d+%-%d+/(%d+)$"))
  end
  return whole_number((headers["content-length"] or ""):match("^%d+$"))
end

--- Whether the end of the body is marked, in one way: two lengths mark none.
local function is_framed(answer)
  local length = answer.headers["content-length"]
  return answer.framed and (length == nil or length:find("^%d+$") ~= nil)
end

--- A weak one says that two objects mean the same, not that their bytes are the same.
local function strong_etag(headers) return (headers.etag or ""):match('^"[^"]*"$') end

--- Whether the bytes that are stored (and hashed) were decompressed on the way.
local function is_transcoded(headers)
  return (headers["x-goog-stored-content-encoding"] or "identity") ~= "identity"
end

--- The checksum that is stated of the bytes that are sent, or nil.
local function hash_of(headers)
  return not is_transcoded(headers) and storage_answers.crc32c(headers) or nil
end

--- From now on the file holds the object of this answer, from its first byte.
function Download:adopt(answer)
  if self.adopted then return end
  local headers = answer.headers
  self.adopted, self.summed = true, nil
  self.part = {
    path = self.part.path, total = total_of(answer), etag = strong_etag(headers),
    hash = hash_of(headers), ranges = headers["accept-ranges"] == "bytes",
  }
end

--- Whether a later answer can prove that it is of the same object.
function Download:can_continue()
  return self.part.etag ~= nil or (self.part.hash ~= nil and self.part.ranges)
end

--- Whether this part is proved to be of the object whose first bytes we have.
function Download:is_same(answer)
  local part, headers, total = self.part, answer.headers, total_of(answer)
  if not total or (part.total and total ~= part.total) then return false end
  if part.etag then return strong_etag(headers) == part.etag end
  return part.hash ~= nil and hash_of(headers) == part.hash
end

-- }====================================================================

-- {====================================================================
-- One exchange
-- =====================================================================

--- Records a running download from time to time, so that a run that is killed loses little.
-- @treturn function called with the task while it is waited for
function Download:recorder(have)
  local next_time = 0
  return function(task)
    local so_far = core.now() >= next_time and not self.failure and task:so_far()
    if not so_far then return end
    if so_far.status == 200 or have == 0 then
      self:adopt(so_far)
    elseif not self:is_same(so_far) then
      return
    end
    local ok, err = self:record(so_far.held)
    if not ok then self.failure = err end
    next_time = core.now() + RECORD_EVERY
  end
end

function Download:ask(have)
  local headers
  if have > 0 then
    headers = { ("Range: bytes=%.0f-"):format(have) }
    if self.part.etag then headers[2] = "If-Range: " .. self.part.etag end
  end
  local task, err = core.download_results(self.place.session, self.place:options {
    file = self.file, offset = have, headers = headers,
  })
  self.adopted = false
  return self.call:await(task, err, self.on_part and self:recorder(have))
end

--- The exchange broke off. What arrived counts if it is known what it is a part of. Progress is
-- only what no attempt reached before, so that starting over has an end.
function Download:cut(err, have)
  local ok, failure = true, nil
  if err.placed and (err.status == 200 or have == 0) then
    self:adopt(err)
  elseif err.placed and not self:is_same(err) or err.status == 206 and err.kind == "protocol" then
    ok, failure = self:start_over()
  end
  if ok and err.placed then ok, failure = self:record(self:have()) end
  if not ok then return nil, failure end
  if self:have() > self.high then self.high, err.advanced = self:have(), true end
  return nil, err
end

--- The API has issued another URL of the same results. It is tried once.
function Download:renew(url)
  local place, err = places.open(self.place.connection, url, "download", self.place.job_id)
  if not place then return nil, places.refused(self.call, err) end
  self.place, self.renewed = place, true
  return self:exchange()
end

function Download:gone_wrong(answer)
  local url, err
  if self.place.flow == "api" then
    url, err = transfer_refusals.download_refused(self.place, self.call, answer, self.renewed)
    if url then return self:renew(url) end
  else
    err = self.place:failure(self.call.doing, answer)
  end
  if err.kind == "not_found" and self.patient then err.retryable = true end
  return nil, err
end

--- What was received is of no use. The next attempt asks for all of it.
function Download:refuse_part(why)
  local ok, err = self:start_over()
  if not ok then return nil, err end
  return nil, errors.new("protocol", ("%s: %s"):format(self.call.doing, why), { retryable = true })
end

--- Nothing follows what we have: that is all, or it was another object.
function Download:out_of_range(answer, have)
  local part, etag = self.part, answer.headers.etag
  local total = whole_number((answer.headers["content-range"] or ""):match("^bytes %*/(%d+)$"))
  if total == have and (not etag or not part.etag or etag == part.etag) then
    answer.total = total
    answer.headers["x-goog-hash"] = part.hash and "crc32c=" .. part.hash
    return answer
  end
  return self:refuse_part(("%s has %s bytes, not the %s that were received"):format(
    self.place.who, total and text.count(total) or "other", text.count(have)))
end

--- The rest arrived: is it the rest of what we had, and all of it?
function Download:joined(answer, have)
  if answer.status == 206 and not total_of(answer) then
    return self:refuse_part(self.place.who .. " sent a part, but not how long the whole is")
  elseif answer.status == 200 or have == 0 then
    self:adopt(answer)
  elseif not self:is_same(answer) then
    return self:refuse_part(self.place.who .. " sent a part of another object")
  end
  local total, now = total_of(answer), self:have()
  if total and now < total then
    return self:cut(errors.new("network", ("%s: the connection ended at byte %s of %s"):format(
      self.call.doing, text.count(now), text.count(total)),
      { retryable = true, placed = true, status = answer.status, headers = answer.headers }), have)
  end
  answer.total = total
  return answer
end

function Download:exchange()
  local have = self:have()
  if have > 0 and not self:can_continue() then
    local ok, err = self:start_over()
    if not ok then return nil, err end
    have = 0
  end
  local answer, err = self:ask(have)
  if self.failure then return nil, self.failure end
  answer = answer or places.refusal_in(err)
  if not answer then return self:cut(err, have) end
  if answer.status == 200 or answer.status == 206 then return self:joined(answer, have) end
  if answer.status == 416 and have > 0 then return self:out_of_range(answer, have) end
  return self:gone_wrong(answer)
end

-- }====================================================================

-- {====================================================================
-- The whole
-- =====================================================================

function Download:check_encoding(headers)
  local encoding = headers["content-encoding"] or "identity"
  if encoding == "identity" then return true end
  return nil, errors.new("protocol", ("%s: %s sent the results as %s, which was not asked for")
    :format(self.call.doing, self.place.who, core.mask(encoding:sub(1, 40))))
end

--- A body that ends because the connection does may end anywhere. Something must say where.
function Download:check_end(answer)
  local headers = answer.headers
  local stored = not is_transcoded(headers) and storage_answers.stored_length(headers)
  if is_framed(answer) or answer.total or stored or hash_of(headers) or self.allow_unframed then
    return true
  end
  return nil, errors.new("protocol", ("%s: %s sent neither the length nor a checksum of the"
    .. " results, so they may be incomplete - use allow_unframed to accept them"):format(
    self.call.doing, self.place.who))
end

--- Whether the API sent all that it offers as a proof: where the results end. Storage offers a
-- checksum, too.
function Download:is_whole(answer)
  return self.place.flow == "api" and (is_framed(answer) or answer.total ~= nil)
end

--- Checks the file against everything that was said of it.
function Download:verify(answer)
  local doing, headers, who = self.call.doing, answer.headers, self.place.who
  local ok, err = self:check_encoding(headers)
  if ok then ok, err = self:check_end(answer) end
  if not ok then return nil, err end
  local sum
  sum, err = self.call:ask(self.file:checksum())
  if not sum then return nil, err end
  if answer.total and sum.bytes ~= answer.total then
    return nil, errors.new("integrity", ("%s: %s announced %s bytes, but sent %s"):format(
      doing, who, text.count(answer.total), text.count(sum.bytes)))
  end
  local has_hash = false
  if not is_transcoded(headers) then
    has_hash, err = storage_answers.verify(doing, headers, sum, who)
    if err then return nil, err end
  end
  return {
    bytes = sum.bytes, crc32c = sum.crc32c, flow = self.place.flow,
    verified = has_hash or self:is_whole(answer), checksum = has_hash and "crc32c" or "none",
  }
end

--- Checks that the file holds results: before it replaces others.
function Download:parse()
  if self.as_is then return true end
  local found, err = results_check.check(self.call, self.file:path(), self.target)
  if found then return true end
  if err.kind ~= "data" then return nil, err end
  local hint = err.message:find(" - ", 1, true) and "" or " - download it with as_is to look at it"
  return nil, errors.with(err, { message = ("%s: what %s sent is not results: %s%s"):format(
    self.call.doing, self.place.who, err.message, hint) })
end

-- errors after which nothing of the file can be used
local USELESS = { protocol = true, integrity = true, data = true }

function Download:finish(answer)
  local info, err = self:verify(answer)
  local ok = info
  if ok then ok, err = self:parse() end
  if ok then ok, err = self.call:ask(self.file:publish(self.target)) end
  if ok then return 200, info end
  if USELESS[err.kind] then self:start_over() else self:record(self:have()) end
  return nil, err
end

function Download:fetch()
  local ok, err = self:check_part()
  if ok and self.on_part then ok, err = self.on_part(self.part) end
  if not ok then return nil, err end
  self.high = self:have()
  local answer
  answer, err = self.call:try(function() return self:exchange() end)
  if not answer then return nil, err end
  return self:finish(answer)
end

-- }====================================================================

--- Downloads results.
-- @tparam table connection
-- @tparam table call
-- @tparam string url a download URL as it came
-- @tparam string target where they go, when they are whole, verified and readable
-- @tparam[opt] table options `job_id` (whose URL it is, if that is known), `patient` (results that
-- are not there yet are waited for a little), `allow_unframed` (accept results whose end nothing
-- marks), `as_is` (accept what is not results), `name` (of the results, for messages), `part` (what
-- an earlier run recorded), `on_part` (called to record it; then what has arrived is kept on
-- failure)
-- @treturn ?integer the HTTP status, or nil, err
-- @treturn table `{ bytes, crc32c, flow, verified, checksum }`
function M.run(connection, call, url, target, options)
  options = options or {}
  call:at("download", "downloading " .. text.basename(options.name or target))
  local place, err = places.open(connection, url, "download", options.job_id)
  if not place then return nil, places.refused(call, err) end
  local file, part = open_part(target, options.part, options.on_part ~= nil)
  if not file then return nil, part end
  local self = setmetatable({
    call = call, place = place, target = target, file = file, part = part,
    patient = options.patient, allow_unframed = options.allow_unframed, as_is = options.as_is,
    on_part = options.on_part,
  }, Download)
  local ok, status, info = pcall(self.fetch, self)
  if (ok and status) or options.on_part then file:close() else file:discard() end
  if not ok then error(status, 0) end
  return status, info
end

return M
