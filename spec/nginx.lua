--- Starts Debian's nginx for a spec, on free ports of the loopback interface.
--
--     local server = nginx.start("server { listen 127.0.0.1:%PORT1% ssl; … }", { http = "…" })
--     server.ports[1]   server.folder   server:log()   server:reload()   server:stop()

local simulator = require "spec.simulator"

local shell, quote = simulator.shell, simulator.quote

local M = {}

--- For `main`: loads the Lua module.
M.LUA = "load_module modules/ndk_http_module.so; load_module modules/ngx_http_lua_module.so;"

local Server = {}
Server.__index = Server

--- A port that nobody listens at right now.
local function free_port()
  return tonumber((assert(shell([[LUA_CPATH=';;' LUA_PATH=';;' lua5.4 -e '
    local socket = require("cqueues.socket").listen("127.0.0.1", 0)
    socket:listen()
    print((select(3, socket:localname())))']]))))
end

local FRAME = [[
%MAIN%
worker_processes 1; pid %FOLDER%/nginx.pid; error_log %FOLDER%/error.log notice; user root;
events { worker_connections 2048; }
http {
  log_format asked '$server_port $request_method $request_uri $status $http_authorization';
  access_log %FOLDER%/access.log asked; client_max_body_size 0; sendfile on;
  client_body_temp_path %FOLDER%/tmp; proxy_temp_path %FOLDER%/tmp;
  fastcgi_temp_path %FOLDER%/tmp; uwsgi_temp_path %FOLDER%/tmp; scgi_temp_path %FOLDER%/tmp;
  %HTTP%
}
]]

--- Starts it.
-- @tparam string http what stands in its http block; %PORT1% to %PORT9% are free ports, %FOLDER% is
-- a folder of its own
-- @tparam[opt] string main what stands before all
-- @treturn table `{ ports, folder }` and the methods below
function M.start(http, main)
  local server = setmetatable({ ports = {}, folder = assert(shell("mktemp -d")) }, Server)
  local text = FRAME:gsub("%%MAIN%%", function() return main or "" end)
    :gsub("%%HTTP%%", function() return http end)
    :gsub("%%PORT(%d)%%", function(digit)
      local i = tonumber(digit)
      server.ports[i] = server.ports[i] or free_port()
      return tostring(server.ports[i])
    end)
    :gsub("%%FOLDER%%", server.folder)
  server:write("nginx.conf", text)
  assert(shell("mkdir " .. server.folder .. "/tmp"))
  server:run("")
  return server
end

function Server:run(arguments)
  local command = ("env -u LD_PRELOAD nginx -c %s/nginx.conf -e %s/error.log %s 2>&1")
    :format(self.folder, self.folder, arguments)
  local text, output = shell("PATH=$PATH:/usr/sbin " .. command)
  return text or error(command .. ": " .. tostring(output), 2)
end

--- Writes a file into its folder.
function Server:write(name, text)
  local file = assert(io.open(self.folder .. "/" .. name, "wb"))
  file:write(text)
  file:close()
end

--- What was asked so far: a line "port method uri status authorization" each.
function Server:log()
  local file = io.open(self.folder .. "/access.log")
  local text = file and file:read("*a") or ""
  if file then file:close() end
  return text
end

function Server:reload() self:run("-s reload") end

--- Ends it, waits until it has, and removes its folder.
function Server:stop()
  local file = io.open(self.folder .. "/nginx.pid")
  local pid = file and file:read("*l")
  if file then file:close() end
  if pid then
    shell(("kill %s; for i in $(seq 50); do kill -0 %s 2>/dev/null || break; sleep 0.1; done")
      :format(pid, pid))
  end
  shell("rm -rf " .. quote(self.folder))
end

return M
