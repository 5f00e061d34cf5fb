--- A local stand-in for the X batch compliance API and its storage, with faults on demand.
--
--     require("xcompliance.simulator").run { port = 8080, jobs_take = 2 }
--
-- serves until the process ends, and says `ready PORT` on standard output when it listens. It runs
-- under Lua 5.4 alone (its files use 5.4's integer operators) on cqueues, requires nothing of the
-- client's side, and streams: memory does not grow with what is uploaded. See options.lua for the
-- options, admin.lua for what tests may ask, fault/grammar.lua for the faults.
-- @internal xcompliance.simulator

local addresses = require "xcompliance.simulator.addresses"
local board = require "xcompliance.simulator.fault.board"
local clock = require "xcompliance.simulator.clock"
local connections = require "xcompliance.simulator.connection"
local cqueues = require "cqueues"
local exchange = require "xcompliance.simulator.exchange"
local http = require "xcompliance.simulator.http"
local jobs = require "xcompliance.simulator.jobs"
local log = require "xcompliance.simulator.log"
local options = require "xcompliance.simulator.options"
local sessions = require "xcompliance.simulator.sessions"
local listener = require "xcompliance.simulator.listener"
local problem = require "xcompliance.simulator.problem"

local M = {}

--- Every option, in the order of a manual; see options.lua.
M.options = options.list

-- everything that the answers need, made once
local function new_service(settings, listening)
  local service = addresses.give {
    options = settings, listener = listening, clock = clock.new(settings.clock_offset),
    origin = settings.public_url or listening:origin(),
  }
  service.jobs = jobs.new(settings, service.clock, service.addresses)
  service.jobs:begin_with(settings.old_jobs)
  service.sessions = sessions.new(service)
  service.limiter = exchange.limiter(settings.rate_limit, settings.rate_window, service.clock)
  service.log = log.new(settings.state_log, service.clock)
  service.board = board.new(service)
  for _, fault in ipairs(settings.faults or {}) do service.board:arm(fault) end
  return service
end

local function serve_connection(service, connection)
  local stays, how = true, nil
  while stays do
    connection.idle = true
    local request, complaint = http.read_request(connection)
    connection.idle = false
    if complaint then
      http.write_response(connection, problem.error(400, "BadRequest", complaint),
        clock.http(os.time()))
    end
    if not request then break end
    stays, how = exchange.serve(service, connection, request)
  end
  return how
end

local function serve_socket(service, socket)
  local connection = connections.new(socket)
  service.listener.open[connection] = true
  local good, how = xpcall(serve_connection, debug.traceback, service, connection)
  if not good and type(how) == "string" then io.stderr:write("simulator: ", how, "\n") end
  service.listener.open[connection] = nil
  pcall(connection.finish, connection, how)
end

--- Serves until the process ends. Raises a message if an option is wrong or the port is in use.
-- @tparam[opt] table given options
-- @tparam[opt] function until_done called in the event loop; serving ends when it returns
function M.run(given, until_done)
  local settings = options.complete(given)
  local loop = cqueues.new()
  local listening = listener.new(settings)
  local service = new_service(settings, listening)
  local done = false
  loop:wrap(function()
    listening:serve(function(socket) serve_socket(service, socket) end)
  end)
  if until_done then
    loop:wrap(function()
      until_done()
      done = true
    end)
  end
  io.stdout:write("ready ", listening.port, "\n")
  io.stdout:flush()
  repeat assert(loop:step()) until done
end

return M
