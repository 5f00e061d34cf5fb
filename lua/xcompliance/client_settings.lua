--- The settings of a client: all that can be wrong with them is found when the client is made. In
-- nginx the first request would be too late.
-- @internal xcompliance.client_settings

local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local retry = require "xcompliance.retry"

local M = {}

local BASE_URL = "https://api.x.com"

local SETTINGS = {
  bearer_token = "string", token_file = "string", base_url = "string", ca_file = "string",
  proxy = "string", loop = "table", storage_hosts = "table", timeout = "number",
  user_agent = "string", connect_timeout = "number", low_speed_limit = "number",
  low_speed_time = "number", allow_http = "boolean", retry = "table",
}

-- from, to, in words
local NUMBERS = {
  timeout = { 0.001, 1e7, "a number from 0.001 to 10000000" },
  connect_timeout = { 0.001, 86400, "a number from 0.001 to 86400" },
  low_speed_limit = { 0, 2 ^ 30, "a whole number from 0 to 1073741824" },
  low_speed_time = { 0, 86400, "a whole number from 0 to 86400" },
}

local NAME = "xcompliance.client"

local function check_numbers(settings)
  for name, range in pairs(NUMBERS) do
    local value, least, most, words = settings[name], range[1], range[2], range[3]
    local is_right = value and value >= least and value <= most
      and (value % 1 == 0 or not words:find("whole", 1, true))
    if value and not is_right then errors.misuse("%s: %s must be %s", NAME, name, words) end
  end
end

local function check_retry(policy)
  if not policy then return nil end
  local own = errors.check_options("xcompliance.client: retry", policy,
    { attempts = "number", first = "number", max = "number" })
  local usual = retry.policy
  for name, value in pairs(usual) do own[name] = own[name] or value end
  local first, max = own.first, own.max
  if not (own.attempts >= 1 and first >= 0 and max >= first and max < math.huge) then
    errors.misuse("xcompliance.client: retry is { attempts, first, max }: a number from 1, seconds,"
      .. " seconds")
  end
  return own
end

local function check_token(token)
  if token and not token:find("^[!-~]+$") then
    errors.misuse("%s: bearer_token must be printable ASCII without spaces", NAME)
  end
end

local function check_hosts(hosts)
  local count = 0
  for _ in next, hosts or {} do count = count + 1 end
  for i = 1, count do
    if type(rawget(hosts, i)) ~= "string" then
      errors.misuse("%s: storage_hosts must be an array of strings without holes", NAME)
    end
  end
end

--- The core knows what a base URL may be, and raises if it is not: here by a job's URL under it.
local function check_base_url(settings, base_url)
  core.job_url {
    url = base_url .. "/2/compliance/jobs/1/upload?token=x", base_url = base_url,
    operation = "upload", allow_http = settings.allow_http,
    loopback = core.is_loopback(base_url),
  }
end

--- Checks settings.
-- @tparam table settings see the types of xcompliance.ClientOptions; `loop` is required
-- @treturn table a copy, filled in
-- @treturn string the base URL
-- @raise misuse
function M.check(settings)
  settings = errors.check_options(NAME, settings, SETTINGS)
  local base_url = settings.base_url or os.getenv("XCOMPLIANCE_BASE_URL") or BASE_URL
  check_numbers(settings)
  check_token(settings.bearer_token)
  errors.check_loop(NAME, settings.loop)
  check_hosts(settings.storage_hosts)
  check_base_url(settings, base_url)
  settings.retry = check_retry(settings.retry)
  return settings, base_url
end

return M
