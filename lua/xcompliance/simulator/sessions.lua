--- Resumable upload sessions. What is kept of an upload that is not whole are pieces of 256 KiB.
-- @internal xcompliance.simulator.sessions

local http = require "xcompliance.simulator.http"
local objects = require "xcompliance.simulator.objects"
local storage = require "xcompliance.simulator.storage"
local problem = require "xcompliance.simulator.problem"

local M = {}
local Sessions, Session = {}, {}
Sessions.__index, Session.__index = Sessions, Session

local PIECE = 256 * 1024
local LIFE = 7 * 86400

--- @tparam table service
function M.new(service)
  return setmetatable({ service = service, by_id = {}, all = {} }, Sessions)
end

local function text_error(status, message)
  return http.response(status, { { "Content-Type", "text/plain; charset=utf-8" } }, message)
end

local function random_id()
  local words = {}
  for at = 1, 8 do words[at] = ("%016x"):format(math.random(0)) end
  return "ABPtcP" .. table.concat(words)
end

--- Starts a session. The signature has been checked.
function Sessions:start(request, job)
  local session = setmetatable({
    id = random_id(), job = job, writer = objects.writer(self.service.options),
    started_at = self.service.clock:now(),
  }, Session)
  self.by_id[session.id], self.all[#self.all + 1] = session, session
  job.session_open = true
  local location = self.service.signer.origin .. request.target .. "&upload_id=" .. session.id
  return http.response(201, {
    { "Location", location }, { "X-GUploader-UploadID", session.id:sub(1, 24) },
  })
end

--- The session that a request is about, or nil.
function Sessions:of(request)
  return self.by_id[("&" .. request.query):match("&upload_id=([^&]*)")]
end

--- Ends a session: who asks for it gets that status from now on.
function Session:lose(status)
  self.lost, self.job.session_open = status, nil
end

--- How many bytes are kept.
function Session:kept()
  return self.writer.size
end

--- Forgets the last pieces.
function Session:shrink(pieces)
  if self.object then return end
  self.writer:truncate(math.max(0, self:kept() - pieces * PIECE))
end

-- {====================================================================
-- Content-Range
-- =====================================================================

local function offset(digits) -- what is beyond 63 bits is as good as the most
  return digits and (math.tointeger(tonumber(digits)) or math.maxinteger)
end

-- { first, last, total }; a query has no `first`, total may be unknown
local function parse_range(request)
  local text = request.headers["content-range"]
  if not text then
    return request.length and { first = 0, last = request.length - 1, total = request.length }
  end
  local first, last, total = text:match("^bytes (%d+)%-(%d+)/(.+)$")
  total = total or text:match("^bytes %*/(.+)$")
  if not total or not (total == "*" or total:find("^%d+$")) then return nil end
  return {
    first = offset(first), last = offset(last), total = total ~= "*" and offset(total) or nil,
  }
end

local function range_complaint(session, range, request)
  if not range then return "Failed to parse Content-Range header." end
  if session.total and range.total and range.total ~= session.total then
    return ("The total size was said to be %d before."):format(session.total)
  end
  if not range.first then return nil end
  local promised = range.last - range.first + 1
  if request.length and request.length ~= promised then
    return ("There were %d byte(s) in the request body.  There should have been %d byte(s) "
      .. "(starting at offset %d and ending at offset %d) according to the Content-Range header.")
      :format(request.length, promised, range.first, range.last)
  end
  if range.total and range.last >= range.total then return "The range ends beyond the total." end
end

-- }====================================================================

-- {====================================================================
-- Data
-- =====================================================================

-- the parts of the body that storage does not have yet, and may keep
local function new_parts(request, known)
  local at, stop = 0, request.keep or math.maxinteger
  return function()
    for piece in request.body do
      local from = math.max(known - at, 0)
      local part = piece:sub(from + 1, math.max(0, stop - at))
      at = at + #piece
      if part ~= "" then return part end
    end
  end
end

-- appends whole pieces; returns the rest, which is kept only if it ends the upload
local function receive(session, request, known)
  local parts, size = {}, 0
  for part in new_parts(request, known) do
    parts[#parts + 1], size = part, size + #part
    if size >= PIECE then
      local text = table.concat(parts)
      local whole = size - size % PIECE
      session.writer:append(text:sub(1, whole))
      parts, size = { text:sub(whole + 1) }, size - whole
    end
  end
  return table.concat(parts)
end

local function progress(session)
  local fields = { { "X-GUploader-UploadID", session.id:sub(1, 24) } }
  local kept = session:kept()
  if kept > 0 then fields[2] = { "Range", ("bytes=0-%d"):format(kept - 1) } end
  return http.response(308, fields)
end

local function finish(self, session, request)
  local object = objects.finish(session.writer)
  local refusal = storage.digest_refusal(object, request.headers)
  if refusal then
    session:lose(410)
    return refusal
  end
  session.object = object
  self.service.jobs:arrived(session.job, object)
  return http.response(200, storage.describe(object))
end

local function take_data(self, session, range, request)
  local kept = session:kept()
  if range.first > kept then
    return text_error(503, ("Invalid request.  According to the Content-Range header, the upload "
      .. "offset is %d byte(s), which exceeds already uploaded size of %d byte(s).")
      :format(range.first, kept))
  end
  local rest = receive(session, request, kept - range.first)
  if request.keep or session:kept() + #rest ~= range.total then return progress(session) end
  session.writer:append(rest)
  return finish(self, session, request)
end

-- }====================================================================

-- {====================================================================
-- Requests
-- =====================================================================

local function refusal(self, session)
  local old = session and self.service.clock:now() > session.started_at + LIFE
  if old then session:lose(404) end
  if not session or session.lost == 404 then
    return problem.error(404, "NoSuchUpload", "The requested upload was not found.")
  end
  if session.lost then return text_error(session.lost, "") end
end

local function put(self, session, request)
  local range = parse_range(request)
  local complaint = range_complaint(session, range, request)
  if complaint then return text_error(400, "Invalid request.  " .. complaint) end
  session.total = range.total or session.total
  local has_data = range.first and range.last >= range.first
  if has_data then return take_data(self, session, range, request) end
  if range.total == session:kept() then return finish(self, session, request) end
  return progress(session)
end

--- Answers one request to a session URI: data, a query, or its end.
function Sessions:answer(request, step)
  local session = self:of(request)
  local refused = refusal(self, session)
  if refused then return refused end
  if step == "abort" then
    session:lose(410)
    return text_error(499, "")
  end
  if session.object then return http.response(200, storage.describe(session.object)) end
  if request.method ~= "PUT" then return text_error(405, "") end
  return put(self, session, request)
end

--- The sessions as the admin shows them.
function Sessions:list()
  local list = {}
  for at, session in ipairs(self.all) do
    list[at] = {
      job = session.job.id, kept = session:kept(), total = session.total,
      state = session.object and "complete" or session.lost and "lost" or "open",
    }
  end
  return list
end

-- }====================================================================

return M
