--- One client's connection: lines and pieces in, bytes out, and the ways to end it.
-- What ends a connection early is raised as a hangup (see hang_up), and caught where connections
-- are served.
-- @internal xcompliance.simulator.connection

local cqueues = require "cqueues"
local has_luv, luv = pcall(require, "luv")

local M = {}
local Connection = {}
Connection.__index = Connection

local LINE_MAX = 64 * 1024
local BUFFER = 256 * 1024
local SETTLE = 0.005 -- seconds in which the peer takes what was sent, before a reset throws it away

--- Ends the connection that is being served.
-- @tparam string how `"close"` (FIN; under TLS without close_notify), `"end"` (FIN; under TLS after
-- close_notify) or `"reset"` (RST)
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

-- writes what is left before the end that was set, and ends there
local function write_last(self, text)
  local stop = self.stop
  if #text < stop.left then
    stop.left = stop.left - #text
    return must(self.socket:write(text))
  end
  must(self.socket:write(text:sub(1, stop.left)))
  must(self.socket:flush())
  if stop.how == "reset" then cqueues.sleep(SETTLE) end
  M.hang_up(stop.how)
end

--- Lets the connection end after this number of further bytes is written.
function Connection:stop_after(size, how)
  self.stop = { left = size, how = how }
end

--- Writes text; with `pace` set (`{ piece = bytes, rate = bytes a second }`), in pieces.
function Connection:write(text)
  if self.stop then return write_last(self, text) end
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
    if how == "end" then self.socket:shutdown("w") end
  end
  self.socket:close()
end

return M
