--- Many exchanges that make one sure upload. The URL itself says which protocol it was made for:
-- one PUT to the API (xcompliance.upload_api), one PUT to storage, or a session there
-- (xcompliance.upload_session).
-- @internal xcompliance.upload

local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local places = require "xcompliance.transfer_host"
local sources = require "xcompliance.id_file"
local storage_answers = require "xcompliance.storage_answers"
local text = require "xcompliance.text"
local upload_api = require "xcompliance.upload_api"
local upload_session = require "xcompliance.upload_session"

local M = {}

local function check_answer(doing, source, answer)
  if answer.status ~= 200 and answer.status ~= 201 then
    return nil, storage_answers.failure(doing, answer)
  end
  local sent = { bytes = answer.sent, crc32c = answer.crc32c }
  if sent.bytes ~= source.bytes or sent.crc32c ~= source.crc32c then
    local same, changed = source:check()
    if not same then return nil, storage_answers.spoilt(changed) end
    return nil, storage_answers.spoilt(errors.new("integrity", ("%s: storage took %s of %s bytes")
      :format(doing, text.count(sent.bytes), text.count(source.bytes))))
  end
  local verified, err = storage_answers.verify(doing, answer.headers, sent)
  if err then return nil, storage_answers.spoilt(err) end
  answer.verified, answer.checksum = verified, verified and "crc32c" or "none"
  return answer
end

--- One PUT of the whole to storage. It may be repeated: the same bytes under the same name.
local function put_whole(call, place, source)
  local digest_retried = false
  return call:try(function()
    local same, changed = source:check()
    if not same then return nil, changed end
    local answer, err = call:await(core.upload_ids(place.session, place:options {
      file = source.file, headers = { "Content-Type: text/plain" },
    }))
    answer = answer or places.refusal_in(err)
    if not answer then return nil, err end
    answer, err = check_answer(call.doing, source, answer)
    if err and err.code == "BadDigest" and not digest_retried then
      digest_retried, err.retryable = true, true
    end
    return answer, err
  end)
end

local function check_expected(source, expected)
  if source.bytes == 0 then
    return nil, errors.new("data", ("%s is empty: there is nothing to check"):format(source.path))
  end
  if expected and (expected.bytes ~= source.bytes or expected.crc32c ~= source.crc32c) then
    return nil, errors.new("data", source.path .. " is not the list that this run began with")
  end
  return true
end

local function send(call, place, source, options)
  local ok, err = check_expected(source, options.expected)
  if not ok then return nil, err end
  if not options.as_is and not options.expected then
    ok, err = source:check_ids(call)
    if not ok then return nil, err end
  end
  local resumable = place.flow == "storage" and core.signed_url(place.url).resumable
  local upload = place.flow == "api" and upload_api.put
    or resumable and upload_session.put or put_whole
  local answer
  answer, err = upload(call, place, source, options)
  if not answer then return nil, err end
  return answer.body, {
    bytes = source.bytes, ids = source.lines, crc32c = source.crc32c, flow = place.flow,
    verified = answer.verified, checksum = answer.checksum, resumable = resumable,
  }
end

--- Uploads a list of ids.
-- @tparam table connection
-- @tparam table call
-- @tparam string url an upload URL as it came
-- @tparam string path the list, one id a line
-- @tparam table options `job_id` (whose URL it is, if that is known), `expected` (`{ bytes,
-- crc32c }` that the list must have), `as_is` (true: send whatever the file holds), `name` (what
-- the user calls the list); of resumable uploads: `session` (the URI of one that was begun before),
-- `on_session` (given a new one, or false), `chunk`
-- @treturn ?string what was answered, or nil, err. An error of the kind `expired`, or one with
-- `url_refused`, says that the URL is of no use any more: another job is needed
-- @treturn table `{ bytes, ids, crc32c, flow, verified, checksum, resumable }`
function M.run(connection, call, url, path, options)
  call:at("upload", "uploading " .. text.basename(options.name or path))
  local source, err = sources.open(call, path)
  if not source then return nil, err end
  local place
  place, err = places.open(connection, url, "upload", options.job_id)
  if not place then
    source:close()
    return nil, places.refused(call, err)
  end
  local ok, said, info = pcall(send, call, place, source, options)
  source:close()
  if not ok then error(said, 0) end
  return said, info
end

return M
