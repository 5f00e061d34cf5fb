--- Starts Debian's nginx for a spec, on free ports of the loopback interface.
--
--     local server = nginx.start("server { listen 127.0.0.1:%PORT1% ssl; … }", { http = "…" })
--     server.ports[1]   server.folder   server:log()   server:reload()   server:stop()

local simulator = require "spec.support.simulator"

local shell, quote = simulator.shell, simulator.quote

local M = {}

--- For `main`: loads the Lua module.
M.LUA = "load_module /usr/lib/nginx/modules/ndk_http_module.so;"
  .. " load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;"

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

local function new_server()
  local folder = assert(shell("mktemp -d"))
  return setmetatable({
    ports = {}, folder = folder, pid_file = folder .. "/nginx.pid",
    command = ("nginx -c %s/nginx.conf -e %s/error.log"):format(folder, folder),
  }, Server)
end

--- Starts it.
-- @tparam string http what stands in its http block; %PORT1% to %PORT9% are free ports, %FOLDER% is
-- a folder of its own
-- @tparam[opt] string main what stands before all
-- @treturn table `{ ports, folder }` and the methods below
function M.start(http, main)
  local server = new_server()
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

--- Starts what is in a folder, as its nginx.conf says, but for the port 8080 and the pace of polls.
-- @tparam string folder is copied
-- @tparam table environment
-- @treturn table as above
function M.start_example(folder, environment)
  local server = new_server()
  server.ports[1], server.pid_file = free_port(), server.folder .. "/logs/nginx.pid"
  assert(shell(([[cp %s/* %s && cd %s && mkdir data logs temp && sed -i 's/8080/%d/' nginx.conf &&
    sed -i 's/min = 5, max = 60/min = 0.02, max = 0.1/' *.lua]]):format(folder, server.folder,
      server.folder, server.ports[1])))
  local words = { "env" }
  for name, value in pairs(environment) do words[#words + 1] = quote(name .. "=" .. value) end
  words[#words + 1] = ("nginx -p %s/ -c nginx.conf -e logs/error.log -g 'user root; %s'"):format(
    server.folder, M.LUA)
  server.command = table.concat(words, " ")
  server:run("")
  return server
end

function Server:run(arguments)
  local command = ("PATH=$PATH:/usr/sbin %s %s 2>&1"):format(self.command, arguments)
  local text, output = shell(command)
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

--- Reads its configuration again. Workers of before answer until they have ended.
function Server:reload() self:run("-s reload") end

--- The same, and waits until the workers of before have ended.
function Server:replace_workers()
  local file = assert(io.open(self.pid_file))
  local before = assert(shell("pgrep -P " .. file:read("*l"))):gsub("%s+", " ")
  file:close()
  self:reload()
  local said = assert(shell(([[
    for i in $(seq 1000); do
      kill -0 %s 2>/dev/null || { echo ended; break; }; sleep 0.01
    done]]):format(before)))
  if said ~= "ended" then error("workers of before have not ended: " .. before, 2) end
end

--- Ends it, and waits until all of it has ended.
-- @treturn number how many seconds that took
function Server:halt()
  local file = io.open(self.pid_file)
  local pid = file and file:read("*l")
  if not pid then return 0 end
  file:close()
  return tonumber((assert(shell(([[
    began=$(date +%%s%%N); all="%s $(pgrep -P %s)"; kill %s
    for i in $(seq 500); do kill -0 $all 2>/dev/null || break; sleep 0.01; done
    echo $(($(date +%%s%%N) - began))]]):format(pid, pid, pid))))) / 1e9
end

--- The same, and removes its folder.
function Server:stop()
  self:halt()
  shell("rm -rf " .. quote(self.folder))
end

return M
