--- HTTP/1.1 on a connection: a request's head and body in, a response out.
--
-- A request is `{ method, target, path, query, headers, length, body, expects_continue }`; its
-- `headers` maps lower-case names to values. A response is `{ status, headers, body, size }`; its
-- `headers` is a list (see below). A body is a function that returns the next piece, or nil
-- at the end; a response's may also be a string. `size` is nil if it is not known (chunked).
--
-- Written by hand and not with lua-http's h1 connection: faults cut heads and bodies at any byte,
-- stall between two of them, send heads that are not HTTP and lengths that are wrong. A library
-- that refuses to write such things is of no use here.
-- @internal xcompliance.simulator.http

local connections = require "xcompliance.simulator.connection"

local M = {}

-- {====================================================================
-- Header fields as an ordered list of `{ name, value }`: names may repeat, as x-goog-hash does
-- =====================================================================

local function same(field, name)
  return field[1]:lower() == name:lower()
end

--- The value of the first field of that name, or nil.
function M.header(list, name)
  for _, field in ipairs(list) do
    if same(field, name) then return field[2] end
  end
end

--- Adds a field, beside those that may have the same name.
function M.add_header(list, name, value)
  list[#list + 1] = { name, value }
end

--- Removes every field of that name.
function M.remove_header(list, name)
  for at = #list, 1, -1 do
    if same(list[at], name) then table.remove(list, at) end
  end
end

--- Replaces all fields of that name by one.
function M.set_header(list, name, value)
  M.remove_header(list, name)
  M.add_header(list, name, value)
end

-- }====================================================================

local HEADERS_MAX = 200
local PIECE = 256 * 1024

local REASONS = {
  [200] = "OK", [201] = "Created", [204] = "No Content", [206] = "Partial Content",
  [301] = "Moved Permanently", [302] = "Found", [303] = "See Other",
  [307] = "Temporary Redirect", [308] = "Resume Incomplete", [400] = "Bad Request",
  [401] = "Unauthorized", [403] = "Forbidden", [404] = "Not Found", [405] = "Method Not Allowed",
  [408] = "Request Timeout", [409] = "Conflict", [410] = "Gone", [412] = "Precondition Failed",
  [413] = "Payload Too Large", [415] = "Unsupported Media Type",
  [416] = "Requested Range Not Satisfiable",
  [429] = "Too Many Requests", [499] = "Client Closed Request", [500] = "Internal Server Error",
  [502] = "Bad Gateway", [503] = "Service Unavailable", [504] = "Gateway Timeout",
}

-- {====================================================================
-- Requests
-- =====================================================================

local function read_headers(connection)
  local fields, count = {}, 0
  for line in connection.read_line, connection do
    if line == "" then return fields end
    local name, value = line:match("^([^%s:]+):%s*(.-)%s*$")
    count = count + 1
    if not name or count > HEADERS_MAX then return nil end
    name = name:lower()
    fields[name] = fields[name] and fields[name] .. ", " .. value or value
  end
  return nil
end

local function ask_for_body(connection, request)
  if request.expects_continue then
    request.expects_continue = false
    connection:write("HTTP/1.1 100 Continue\r\n\r\n")
    connection:flush()
  end
end

local function sized_body(connection, request)
  local left = request.length
  return function()
    if left == 0 then return nil end
    ask_for_body(connection, request)
    local piece = connection:read_some(math.min(left, PIECE))
    if not piece then connections.hang_up("close") end
    left = left - #piece
    return piece
  end
end

local function chunk_size(connection)
  local size = tonumber((connection:read_line() or ""):match("^%x+"), 16)
  return size or connections.hang_up("close")
end

local function chunked_body(connection, request)
  local left, ended = 0, false
  return function()
    if ended then return nil end
    ask_for_body(connection, request)
    if left == 0 then left = chunk_size(connection) end
    if left == 0 then
      ended = true
      repeat local line = connection:read_line() until not line or line == ""
      return nil
    end
    local piece = connection:read_some(math.min(left, PIECE)) or connections.hang_up("close")
    left = left - #piece
    if left == 0 then connection:read_line() end
    return piece
  end
end

local function with_body(connection, request)
  request.expects_continue = (request.headers.expect or ""):lower() == "100-continue"
  if (request.headers["transfer-encoding"] or ""):lower() == "chunked" then
    request.body = chunked_body(connection, request)
  else
    request.length = math.tointeger(tonumber(request.headers["content-length"])) or 0
    request.body = sized_body(connection, request)
  end
  return request
end

--- Reads the head of the next request.
-- @treturn table|nil the request; nil at the end of the stream
-- @treturn string|nil what is wrong, if there was something else than a request
function M.read_request(connection)
  local line = connection:read_line()
  if not line then return nil end
  local method, target = line:match("^(%u+) (%S+) HTTP/1%.[01]$")
  local fields = read_headers(connection)
  if not method or not fields then return nil, "this is no HTTP/1.1 request" end
  local path, query = target:match("^([^?]*)%??(.*)$")
  return with_body(connection, {
    method = method, target = target, path = path, query = query, headers = fields,
  })
end

--- The whole body, of at most `limit` bytes; nil where it is longer.
function M.read_all(request, limit)
  local pieces, size = {}, 0
  for piece in request.body do
    size = size + #piece
    if size <= limit then pieces[#pieces + 1] = piece end
  end
  return size <= limit and table.concat(pieces) or nil
end

--- Reads what is left of the body, and forgets it.
function M.drain(request)
  while request.body() do end
end

-- }====================================================================

-- {====================================================================
-- Responses
-- =====================================================================

--- A response.
-- @tparam integer status
-- @tparam[opt] table fields the headers, a list
-- @tparam[opt] string|function body
-- @tparam[opt] integer size of a body that is a function
function M.response(status, fields, body, size)
  return { status = status, headers = fields or {}, body = body or "", size = size }
end

local function frame(response)
  local fields = response.headers
  if type(response.body) == "string" then response.size = #response.body end
  if response.unframed then
    response.close = true -- nothing else marks the end
  elseif response.size then
    if not M.header(fields, "content-length") then
      M.add_header(fields, "Content-Length", tostring(response.size))
    end
  else
    M.set_header(fields, "Transfer-Encoding", "chunked")
  end
end

local function head(response)
  local reason = response.reason or REASONS[response.status] or "Unknown"
  local lines = { ("HTTP/1.1 %03d %s"):format(response.status, reason) }
  for _, field in ipairs(response.headers) do
    lines[#lines + 1] = field[1] .. ": " .. field[2]
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

local function write_body(connection, response)
  if type(response.body) == "string" then return connection:write(response.body) end
  local chunked = not response.size and not response.unframed
  for piece in response.body do
    connection:write(chunked and ("%x\r\n%s\r\n"):format(#piece, piece) or piece)
  end
  if chunked then connection:write("0\r\n\r\n") end
end

--- Writes a response, with Date and the framing of its body.
-- @param connection
-- @tparam table response
-- @tparam string date for Date
-- @tparam boolean bodiless whether it answers HEAD
function M.write_response(connection, response, date, bodiless)
  frame(response)
  if not M.header(response.headers, "date") then
    M.add_header(response.headers, "Date", date)
  end
  if response.close then M.set_header(response.headers, "Connection", "close") end
  connection:write(head(response))
  if not bodiless then write_body(connection, response) end
  connection:flush()
end

-- }====================================================================

return M
