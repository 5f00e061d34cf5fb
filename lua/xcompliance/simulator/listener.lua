--- The listening socket: takes connections, and refuses them for a while if a fault says so.
-- @internal xcompliance.simulator.listener

local cqueues = require "cqueues"
local errno = require "cqueues.errno"
local sockets = require "cqueues.socket"

local M = {}
local Listener = {}
Listener.__index = Listener

local function listen(host, port)
  local socket, code = sockets.listen { host = host, port = port, reuseaddr = true }
  if socket then
    socket:onerror(function(_, _, failure) return failure end)
    local listens
    listens, code = socket:listen()
    if listens then return socket end
  end
  error(("simulator: cannot listen at %s:%d: %s"):format(host, port, errno.strerror(code)), 0)
end

local function read_file(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("a")
  file:close()
  return text
end

local function tls_context(tls)
  local context = require("openssl.ssl.context").new("TLS", true)
  context:setCertificate(require("openssl.x509").new(read_file(tls.certificate)))
  context:setPrivateKey(require("openssl.pkey").new(read_file(tls.key)))
  return context
end

--- Listens.
-- @tparam table options `host`, `port`, `tls`
function M.new(options)
  local socket = listen(options.host, options.port)
  local _, _, port = socket:localname()
  return setmetatable({
    host = options.host, port = port, socket = socket, open = {},
    tls = options.tls and tls_context(options.tls),
  }, Listener)
end

--- Where it is reached, such as `http://127.0.0.1:8080`.
function Listener:origin()
  return ("%s://%s:%d"):format(self.tls and "https" or "http", self.host, self.port)
end

-- cqueues does not hand down the listener's options, hence nodelay here
local function accept(self)
  return self.socket:accept { nodelay = true }
end

local function with_tls(self, socket)
  if not self.tls then return true end
  socket:onerror(function(_, _, code) return code end)
  return socket:starttls(self.tls)
end

--- Takes connections for ever; `serve(socket)` runs in a coroutine of its own.
function Listener:serve(serve)
  local loop = cqueues.running()
  while true do
    local good, socket = pcall(accept, self) -- fails where refuse() has closed it meanwhile
    if good and socket then
      loop:wrap(function()
        if with_tls(self, socket) then serve(socket) else socket:close() end
      end)
    elseif not self.socket then
      cqueues.sleep(self.refuses_until - cqueues.monotime())
      self.socket = listen(self.host, self.port)
    else
      cqueues.sleep(0.01) -- no descriptor left
    end
  end
end

--- Refuses connections for some seconds, and closes those that wait for a request.
function Listener:refuse(seconds)
  self.refuses_until = cqueues.monotime() + seconds
  self.socket:close()
  self.socket = nil
  for connection in pairs(self.open) do
    if connection.idle then connection.socket:shutdown("rw") end
  end
end

return M
