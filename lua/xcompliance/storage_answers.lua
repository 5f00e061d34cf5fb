--- What storage's answers mean. Storage is Google's: its errors are XML, its hashes are headers.
-- @internal xcompliance.storage_answers

local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local text = require "xcompliance.text"

local M = {}

local RUN_AGAIN = "run the same command again"

-- by the Code of the XML, which says more than the status
local CODES = {
  ExpiredToken = { "expired", "the URL has expired; get the job again for a fresh one, or create"
    .. " a new job" },
  MalformedSecurityHeader = { "protocol", "the URL was made for a header that was not sent" },
  SignatureDoesNotMatch = { "forbidden", "the URL may have been altered on the way, or was made"
    .. " for another kind of request; create a new job" },
  BadDigest = { "integrity", "what arrived is not what was sent; " .. RUN_AGAIN },
  InvalidDigest = { "integrity", RUN_AGAIN },
}

local STATUSES = {
  [403] = { "forbidden", "the URL does not allow this" },
  [404] = { "not_found", "there is nothing under this URL, or not yet" },
  [408] = { "timeout", RUN_AGAIN },
  [410] = { "expired", RUN_AGAIN },
  [413] = { "too_large", "send it in parts" },
  [429] = { "rate_limited", RUN_AGAIN .. " later" },
}

local function meaning(status, code)
  local known = CODES[code] or STATUSES[status]
  if known then return known[1], known[2] end
  if status >= 500 then return "server", RUN_AGAIN .. " later" end
  return "protocol", nil
end

local function xml_code(body)
  local code = body:find("<Error>", 1, true) and body:match("<Code>(%w+)</Code>")
  return code and code:sub(1, 64) or nil
end

local function excerpt(body)
  local clean = core.mask(body:sub(1, 200)):gsub("%c+", " "):match("^%s*(.-)%s*$")
  return clean ~= "" and not clean:find("^<") and ": " .. clean or ""
end

--- An answer that says no, as an error.
-- @tparam string doing the beginning of the message
-- @tparam table answer `{ status, headers, body }`
-- @treturn table an error; its `code` is that of the XML
function M.failure(doing, answer)
  local code = xml_code(answer.body)
  local kind, hint = meaning(answer.status, code)
  local said = code and (" (%s)"):format(code) or excerpt(answer.body)
  local retryable = answer.status == 408 or answer.status == 429 or answer.status >= 500
  return errors.new(kind, ("%s: storage answered %d%s%s"):format(doing, answer.status, said,
    hint and " - " .. hint or ""),
    { status = answer.status, headers = errors.masked(answer.headers), code = code, hint = hint,
      retryable = retryable })
end

--- The CRC32C that a server states of an object, as base64; nil if it states none. Other checksums
-- are not computed.
function M.crc32c(headers)
  for _, name in ipairs { "x-goog-hash", "repr-digest", "digest" } do
    local found = (headers[name] or ""):match("crc32c=:?([%w+/]+=*)")
    if found then return found end
  end
end

--- The size that storage reports of an object, or nil.
function M.stored_length(headers)
  local digits = (headers["x-goog-stored-content-length"] or ""):match("^%d+$")
  return digits and tonumber(digits)
end

--- An error of an upload that is over: storage has an object, not ours, and the job works on it.
function M.spoilt(err)
  return errors.with(err, { spoilt = true, retryable = false,
    message = err.message .. " - a new job is needed" })
end

--- Compares what storage holds with what was sent or received.
-- @tparam string doing the beginning of a message
-- @tparam table headers of its answer
-- @tparam table expected `{ bytes, crc32c }`
-- @tparam[opt] string who holds it, default: storage
-- @treturn ?boolean whether a checksum proves it; false if none was sent; nil, err if something
-- else is held
function M.verify(doing, headers, expected, who)
  who = who or "storage"
  local length, crc32c = M.stored_length(headers), M.crc32c(headers)
  local wrong
  if length and length ~= expected.bytes then
    wrong = ("%s holds %s, not %s"):format(who,
      text.plural(length, "byte"), text.count(expected.bytes))
  elseif crc32c and crc32c ~= expected.crc32c then
    wrong = ("%s's CRC32C is %s, but that of the %s here is %s"):format(who, crc32c,
      text.plural(expected.bytes, "byte"), expected.crc32c)
  end
  if wrong then
    return nil, errors.new("integrity",
      ("%s: %s; data was altered on the way"):format(doing, wrong))
  end
  return crc32c ~= nil
end

return M
