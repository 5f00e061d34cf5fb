--- Objects sent to a client, whole or a range of them.
-- @internal xcompliance.simulator.delivery

local headers = require "xcompliance.simulator.headers"
local http = require "xcompliance.simulator.http"
local objects = require "xcompliance.simulator.objects"

local M = {}

-- first and last byte of a Range header: nil if it must be ignored, false if it is outside
local function range(text, size)
  local first, last = (text or ""):match("^bytes=(%d*)%-(%d*)$")
  if not first or first .. last == "" then return nil end
  local from, to = math.tointeger(tonumber(first)), math.tointeger(tonumber(last))
  if first == "" then
    from, to = math.max(0, size - (to or size)), nil
  end
  if from and to and to < from then return nil end
  if not from or from >= size then return false end
  return from, math.min(to or size - 1, size - 1)
end

--- Answers with a whole object.
-- @tparam table object
-- @tparam table fields the headers
function M.whole(object, fields)
  return http.response(200, fields, objects.reader(object, 0, object.size), object.size)
end

--- Answers with an object, or with the range of it that was asked for.
-- @tparam table request
-- @tparam table object
-- @tparam table fields the headers
-- @tparam function refuse makes the answer to a range beyond the end
function M.part(request, object, fields, refuse)
  local wanted = request.headers["if-range"]
  local first, last
  if not wanted or wanted == object.etag then
    first, last = range(request.headers.range, object.size)
  end
  if first == false then
    local refusal = refuse()
    headers.add(refusal.headers, "Content-Range", "bytes */" .. object.size)
    return refusal
  end
  if not first then return M.whole(object, fields) end
  local length = last - first + 1
  headers.add(fields, "Content-Range", ("bytes %d-%d/%d"):format(first, last, object.size))
  return http.response(206, fields, objects.reader(object, first, length), length)
end

return M
