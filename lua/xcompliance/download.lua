--- Many exchanges that make one sure download: a file under its final name is whole and verified.
-- @module xcompliance.download

local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local storage_answers = require "xcompliance.storage"
local text = require "xcompliance.text"

local M = {}

local Download = {}
Download.__index = Download

-- {====================================================================
-- The temporary file beside the target, across runs
-- =====================================================================

--- Goes on with the file that an earlier run has left, or begins one.
local function open_part(target, part, keep)
  local file = part and core.reopen(part.path)
  if file then return file, part end
  local err
  file, err = core.create_beside(target, keep)
  if not file then return nil, errors.with(err, { creating = true }) end
  return file, { path = file:path() }
end

function Download:have() return self.file:stat().size end

--- Remembers which object the bytes are of.
function Download:note(headers, total)
  local part, etag, hash = self.part, headers.etag, headers["x-goog-hash"]
  if etag and etag:find("^W/") then etag = nil end -- a weak one cannot tell bytes apart
  if etag == part.etag and total == part.total and hash == part.hash then return true end
  part.etag, part.total, part.hash = etag, total, hash
  return self.on_part(part)
end

function Download:start_over()
  self.part.etag, self.part.total, self.part.hash, self.guessed = nil, nil, nil, false
  return self.file:truncate(0)
end

-- }====================================================================

-- {====================================================================
-- One exchange
-- =====================================================================

local function whole_number(digits) return digits and tonumber(digits) or nil end

local function total_of(answer)
  local headers = answer.headers
  if answer.status == 206 then
    return whole_number((headers["content-range"] or ""):match("^bytes %d+%-%d+/(%d+)$"))
  end
  return whole_number((headers["content-length"] or ""):match("^%d+$"))
end

function Download:ask(have)
  local headers
  if have > 0 then
    headers = { ("Range: bytes=%.0f-"):format(have) }
    if self.part.etag then headers[2] = "If-Range: " .. self.part.etag else self.guessed = true end
  end
  return self.call:await(core.download_results(self.storage.session, {
    url = self.url, file = self.file, offset = have, headers = headers,
    storage_hosts = self.storage.hosts, loopback = self.storage.loopback,
  }))
end

--- Whether a part is one of another object than the bytes that we have.
function Download:is_other(answer, have)
  if have == 0 or answer.status ~= 206 then return false end
  local part = self.part
  return (part.etag and answer.headers.etag ~= part.etag)
    or (part.total and total_of(answer) ~= part.total)
end

--- The exchange broke off. What has arrived counts, if it can be told what it is a part of;
-- progress is only what no attempt has reached before, so that starting over has an end.
function Download:cut(err, have)
  if err.status == 206 and (err.kind == "protocol" or self:is_other(err, have)) then
    self:start_over()
  elseif err.status == 200 or err.status == 206 then
    local ok, failure = self:note(err.headers, total_of(err))
    if not ok then return nil, failure end
  end
  if self:have() > self.high then self.high, err.advanced = self:have(), true end
  return nil, err
end

function Download:gone_wrong(answer)
  local err = storage_answers.failure(self.call.doing, answer)
  if err.kind == "not_found" and self.patient then err.retryable = true end
  return nil, err
end

--- Nothing is behind what we have: that is all, or it was another object.
function Download:out_of_range(answer, have)
  local total = whole_number((answer.headers["content-range"] or ""):match("^bytes %*/(%d+)$"))
  if total == have then
    answer.total = total
    answer.headers["x-goog-hash"] = self.part.hash
    return answer
  end
  self:start_over()
  local message = ("%s: storage has %s bytes, not the %s that were received"):format(
    self.call.doing, total and text.count(total) or "other", text.count(have))
  return nil, errors.new("protocol", message, { retryable = true })
end

--- The rest has arrived: is it the rest of what we had?
function Download:joined(answer, have)
  local total = total_of(answer)
  if answer.status == 206 and (not total or self:is_other(answer, have)) then
    self:start_over()
    return nil, errors.new("protocol", ("%s: storage has sent a part of another object"):format(
      self.call.doing), { retryable = true })
  end
  local ok, err = self:note(answer.headers, total)
  if not ok then return nil, err end
  answer.total = total
  return answer
end

function Download:exchange()
  local have = self:have()
  local answer, err = self:ask(have)
  answer = answer or storage_answers.refusal_in(err)
  if not answer then return self:cut(err, have) end
  if answer.status == 200 or answer.status == 206 then return self:joined(answer, have) end
  if answer.status == 416 and have > 0 then return self:out_of_range(answer, have) end
  return self:gone_wrong(answer)
end

-- }====================================================================

-- {====================================================================
-- The whole
-- =====================================================================

local function check_encoding(doing, headers)
  local encoding = headers["content-encoding"] or "identity"
  if encoding == "identity" then return true end
  return nil, errors.new("protocol", ("%s: storage has sent the results as %s, which was not asked"
    .. " for"):format(doing, core.mask(encoding:sub(1, 40))))
end

--- Whether the bytes that are stored (and hashed) were decompressed on the way.
local function is_transcoded(headers)
  return (headers["x-goog-stored-content-encoding"] or "identity") ~= "identity"
end

function Download:verify(answer)
  local doing, headers = self.call.doing, answer.headers
  local ok, err = check_encoding(doing, headers)
  if not ok then return nil, err end
  local sum
  sum, err = self.call:ask(self.file:checksum())
  if not sum then return nil, err end
  if answer.total and sum.bytes ~= answer.total then
    return nil, errors.new("integrity", ("%s: %s of %s bytes have arrived"):format(doing,
      text.count(sum.bytes), text.count(answer.total)))
  end
  local verified = false
  if not is_transcoded(headers) then
    verified, err = storage_answers.verify(doing, headers, sum)
    if err then return nil, err end
  end
  return { bytes = sum.bytes, crc32c = sum.crc32c, verified = verified }
end

function Download:fetch()
  local answer, err = self.call:try(function() return self:exchange() end)
  if not answer then return nil, err end
  local info
  info, err = self:verify(answer)
  if self.guessed and not self.again and not (info and info.verified) then
    -- joined without a proof that the parts belong together: once more, whole
    self.again = true
    self:start_over()
    return self:fetch()
  end
  if not info then
    self:start_over() -- nothing of it can be trusted
    return nil, err
  end
  local ok
  ok, err = self.call:ask(self.file:publish(self.target))
  if not ok then return nil, err end
  return 200, info
end

-- }====================================================================

--- Downloads results.
-- @tparam table call
-- @tparam table storage `{ session, hosts, loopback }`
-- @tparam string url a download URL as it came
-- @tparam string target where they go, when they are whole and verified
-- @tparam[opt] table options `patient` (results that are not there yet are waited for a little),
-- `part` (what an earlier run has left: `{ path, etag, total }`), `on_part` (told of it: then what
-- has arrived is kept on failure)
-- @treturn ?integer the HTTP status, or nil, err
-- @treturn table `{ bytes, crc32c, verified }`
function M.run(call, storage, url, target, options)
  options = options or {}
  call:at("download", "downloading " .. text.basename(target))
  local file, part = open_part(target, options.part, options.on_part ~= nil)
  if not file then return nil, part end
  local self = setmetatable({
    call = call, storage = storage, url = url, target = target, file = file, part = part,
    high = file:stat().size,
    patient = options.patient, on_part = options.on_part or function() return true end,
  }, Download)
  local ok, status, info = pcall(function()
    local noted, err = self.on_part(part)
    if not noted then return nil, err end
    return self:fetch()
  end)
  if (ok and status) or options.on_part then file:close() else file:discard() end
  if not ok then error(status, 0) end
  return status, info
end

return M
