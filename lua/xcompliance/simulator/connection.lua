--- One client's connection: lines and pieces in, bytes out, and the ways to end it.
-- Whatever ends a connection early is raised as a hangup, `{ hangup = "close" | "reset" }`, and
-- caught where connections are served.
-- @module xcompliance.simulator.connection

local cqueues = require "cqueues"
local has_luv, luv = pcall(require, "luv")

local M = {}
local Connection = {}
Connection.__index = Connection

local LINE_MAX = 64 * 1024
local BUFFER = 256 * 1024

--- Ends the connection that is being served.
-- @tparam string how `"close"` (FIN) or `"reset"` (RST)
function M.hang_up(how)
  error({ hangup = how }, 0)
end

--- Wraps a cqueues socket.
function M.new(socket)
  socket:setmode("b", "bf")
  socket:setmaxline(LINE_MAX)
  socket:setbufsiz(BUFFER, BUFFER)
  socket:onerror(function(_, _, code) return code end)
  return setmetatable({ socket = socket }, Connection)
end

--- The next line without its end, or nil at the end of the stream.
function Connection:read_line()
  local line = self.socket:read("*l")
  return line and (line:gsub("\r$", ""))
end

--- Up to `limit` bytes, as they are there; nil at the end of the stream.
function Connection:read_some(limit)
  return self.socket:read(-math.min(limit, BUFFER))
end

local function must(done)
  if not done then M.hang_up("close") end
end

--- Writes text; with `pace` set (`{ piece = bytes, rate = bytes a second }`), in pieces.
function Connection:write(text)
  local pace = self.pace
  if not pace then return must(self.socket:write(text)) end
  for at = 1, #text, pace.piece do
    local piece = text:sub(at, at + pace.piece - 1)
    must(self.socket:write(piece))
    must(self.socket:flush())
    if pace.rate then cqueues.sleep(#piece / pace.rate) end
  end
end

--- Sends what is buffered.
function Connection:flush()
  must(self.socket:flush())
end

-- lingering for 0 seconds is what sends RST; cqueues cannot say it, libuv can
local function reset(socket)
  local fd = socket:pollfd()
  cqueues.cancel(fd)
  local handle = luv.new_tcp()
  handle:open(fd)
  handle:close_reset()
  luv.run("nowait")
end

--- Ends the connection. A reset needs lua-luv, and is a close without it.
function Connection:finish(how)
  if how == "reset" and has_luv then
    reset(self.socket)
  elseif how ~= "reset" then
    self.socket:flush(1)
  end
  self.socket:close()
end

return M
