--- What the operations need of a client: settings, the token, a session, the API's clock, calls.
--
-- A client is the public face of one of these, which no user sees (xcompliance.client).
-- @internal xcompliance.connection

local calls = require "xcompliance.call"
local client_settings = require "xcompliance.client_settings"
local core = require "xcompliance.core"
local dates = require "xcompliance.dates"
local errors = require "xcompliance.errors"
local file_names = require "xcompliance.file_names"
local merge = require "xcompliance.merge"
local read = require "xcompliance.read"

local M = {}

local SESSION_SETTINGS = {
  "ca_file", "proxy", "user_agent", "connect_timeout", "low_speed_limit", "low_speed_time",
}
local CALL_OPTIONS = { deadline = "number", on_progress = "function" }

local Connection = {}
Connection.__index = Connection

local function read_token(path)
  local token, why = read.start(path, 65536)
  token = token and token:match("^%s*(.-)%s*$")
  if token and token ~= "" then return token end
  return nil, errors.new("config", ("reading the bearer token: %s - give the file that holds it")
    :format(why or path .. " is empty"))
end

local function token_of(settings)
  if settings.bearer_token then return settings.bearer_token end
  if settings.token_file then return read_token(settings.token_file) end
  local token = os.getenv("BEARER_TOKEN")
  if token and token ~= "" then return token end
  return nil, errors.new("config", "there is no bearer token - set BEARER_TOKEN, or give"
    .. " `token_file`")
end

--- The options that every call of the API has, and more.
function Connection:api_options(fields)
  local token, err = token_of(self.settings)
  if not token then return nil, err end
  fields.bearer_token, fields.base_url = token, self.base_url
  fields.timeout, fields.allow_http = self.settings.timeout, self.settings.allow_http
  return fields
end

--- Whether requests can be made at all: there is a token, and the settings make a session.
-- @treturn true|nil,err
function Connection:check_ready()
  local ok, err = self:api_options {}
  if ok then ok, err = self:session() end
  if not ok then return nil, err end
  return true
end

--- The session, made when it is first needed: after nginx has forked.
function Connection:session()
  if self.closed then errors.misuse("this client is closed - make another") end
  if self.core_session then return self.core_session end
  local options = {}
  for _, name in ipairs(SESSION_SETTINGS) do options[name] = self.settings[name] end
  options.user_agent = options.user_agent or "xcompliance/" .. core.version
  local session, err = core.session(options)
  if not session then
    return nil, err.kind == "io" and errors.with(err, { kind = "config" }) or err
  end
  self.core_session = session
  return session
end

--- Learns how far the API's clock is from ours.
function Connection:note_clock(headers)
  local date = dates.http(headers and headers.date)
  if date then self.clock_offset = date - os.time() end
end

--- A time of our clock by the API's, as far as that is known.
-- @treturn number
-- @treturn boolean whether it is known
function Connection:server_time(time)
  return time + (self.clock_offset or 0), self.clock_offset ~= nil
end

--- Begins a call.
-- @tparam string name of the function, for messages
-- @tparam ?table options what the user gave
-- @tparam[opt] table more the types of further options
-- @treturn table the call
-- @treturn table the options, checked
function Connection:call(name, options, more)
  options = errors.check_options(name, options, merge.tables(CALL_OPTIONS, more))
  local call = calls.new(self.settings.loop, {
    deadline = options.deadline, on_progress = options.on_progress, retry = self.settings.retry,
  })
  return call, options
end

--- Checks that the files that a call names are different ones, and none is the token's.
-- @tparam table call
-- @tparam string what see file_names.check
-- @tparam table options
-- @treturn true|nil,err
function Connection:check_names(call, what, options)
  local own = { token_file = self.settings.token_file, ca_file = self.settings.ca_file }
  return file_names.check(call, what, merge.tables(own, options))
end

--- The same connection for another loop. It shares the session, which it does not close.
-- @tparam table loop
-- @treturn ?table a connection, or nil, err
function Connection:with_loop(loop)
  local session, err = self:session()
  if not session then return nil, err end
  return setmetatable({
    settings = merge.tables(self.settings, { loop = loop }), base_url = self.base_url,
    core_session = session, is_guest = true, clock_offset = self.clock_offset,
  }, Connection)
end

--- Cancels what runs and frees what is held. Closing twice is harmless.
function Connection:close()
  self.closed = true
  if self.core_session and not self.is_guest then self.core_session:close() end
  self.core_session = nil
end

--- Makes a connection. Nothing is opened and nothing runs until the first call.
-- @tparam table settings see xcompliance.client; `loop` is required here
-- @treturn table
function M.new(settings)
  local base_url
  settings, base_url = client_settings.check(settings)
  return setmetatable({ settings = settings, base_url = base_url }, Connection)
end

return M
