--- A server that answers as a spec says, byte for byte, in a process of its own.
--
--     local server = raw.start [[
--       return function(connection, head, number)
--         connection:write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
--       end]]
--     server.url   server:heads()   server:stop()
--
-- The text is run there for each connection, with the head of its request and its number, from
-- 1; when it returns, or the peer has gone, the connection is closed. With `{ certificate, key }`
-- it speaks TLS; with `http2` it offers HTTP/2 alone, and the text is run before anything is read.

local simulator = require "spec.support.simulator"

local shell, quote = simulator.shell, simulator.quote

local M = {}
local Server = {}
Server.__index = Server

local PROGRAM = [[
  local cqueues, socket = require "cqueues", require "cqueues.socket"
  local folder, certificate, key, http2 = ...
  local answer = assert(loadfile(folder .. "/answer.lua"))(folder)
  local heads = io.open(folder .. "/heads", "a")
  local listener = socket.listen("127.0.0.1", 0)
  assert(listener:listen())
  local loop = cqueues.new()

  local function read(path)
    local file = assert(io.open(path, "rb"))
    local text = file:read("*a")
    file:close()
    return text
  end

  local context
  if certificate then
    context = require("openssl.ssl.context").new("TLS", true)
    context:setCertificate(require("openssl.x509").new(read(certificate)))
    context:setPrivateKey(require("openssl.pkey").new(read(key)))
    if http2 then context:setAlpnSelect(function() return "h2" end) end
  end

  local function serve(connection, number)
    connection:setmode("b", "bf")
    connection:onerror(function(_, _, code) return code end)
    if context and not connection:starttls(context) then return connection:close() end
    if http2 then
      pcall(answer, connection, "", number)
      connection:flush()
      return connection:close()
    end
    local lines = {}
    for line in connection:lines("*L") do
      lines[#lines + 1] = line
      if line == "\r\n" then break end
    end
    local head = table.concat(lines)
    heads:write(head)
    heads:flush()
    pcall(answer, connection, head, number)
    connection:flush()
    connection:close()
  end

  loop:wrap(function()
    local number = 0
    for connection in listener:clients() do
      number = number + 1
      local mine = number
      loop:wrap(function() pcall(serve, connection, mine) end)
    end
  end)
  -- nobody reads any more: so it ends, by SIGPIPE, with the process that started it
  loop:wrap(function()
    while true do
      cqueues.sleep(0.1)
      io.stdout:write("\n")
      io.stdout:flush()
    end
  end)
  print((select(3, listener:localname())))
  io.stdout:flush()
  assert(loop:loop())
]]

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

--- Starts it.
-- @tparam string answer Lua text that returns a function of a cqueues socket, a head and a number
-- @tparam[opt] table tls `{ certificate, key, http2 }`: paths, and a boolean
-- @treturn table `{ port, url, pid }` and the methods below
function M.start(answer, tls)
  local folder = assert(shell("mktemp -d"))
  write(folder .. "/answer.lua", answer)
  write(folder .. "/program.lua", PROGRAM)
  local pipe = assert(io.popen(("{ echo $$; exec env -u LD_PRELOAD LUA_CPATH=';;' LUA_PATH=';;'"
    .. " lua5.4 %s/program.lua %s %s; } 2>&1"):format(folder, folder,
    tls and table.concat({ tls.certificate, tls.key, tls.http2 and "h2" }, " ") or "")))
  local pid, port = pipe:read("*l"), pipe:read("*l")
  if not tonumber(port) then error("the server did not start: " .. tostring(port), 2) end
  return setmetatable({
    folder = folder, pipe = pipe, pid = pid, port = tonumber(port),
    url = (tls and "https" or "http") .. "://127.0.0.1:" .. port,
  }, Server)
end

--- The heads of all requests so far, as they came.
function Server:heads()
  local file = io.open(self.folder .. "/heads", "rb")
  local text = file and file:read("*a") or ""
  if file then file:close() end
  return text
end

--- Ends it.
function Server:stop()
  shell("kill " .. self.pid)
  self.pipe:close()
  shell("rm -rf " .. quote(self.folder))
end

return M
