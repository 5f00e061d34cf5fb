--- The checks of `xcompliance doctor`. Each returns rows `{ name, state, message, remedy, err }`;
-- `state` is "ok", "warn" or "fail"; `err` is the error of a row that fails.
-- @internal xcompliance.cli.examination

local core = require "xcompliance.core"
local dates = require "xcompliance.dates"
local errors = require "xcompliance.errors"
local read = require "xcompliance.read"
local text = require "xcompliance.text"
local token_form = require "xcompliance.cli.token_form"

local M = {}

local SKEW_MAX = 60 -- seconds that the clocks may differ
local ROOM_MIN = 1e9 -- bytes that a state should have
local SHARED_MODE = 63 -- 077
local PROXIES = { "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy" }

local function row(name, state, message, remedy, err)
  return { name = name, state = state, message = message, remedy = remedy, err = err }
end

--- An error as a row: what helps is the part of its message after the last " - ".
local function failed(name, err)
  local remedy = err.message:match("^.* %- (.*)$")
  return row(name, "fail", errors.without_hint(err), remedy, err)
end

-- {====================================================================
-- This machine
-- =====================================================================

function M.versions()
  local jit = rawget(_G, "jit")
  local parts = { jit and jit.version or _VERSION }
  local names, libraries = {}, core.libraries()
  for name in pairs(libraries) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do parts[#parts + 1] = name .. " " .. libraries[name] end
  parts[#parts + 1] = "lua-cjson " .. tostring(require("cjson")._VERSION)
  return row("versions", "ok", ("xcompliance %s, %s"):format(core.version,
    table.concat(parts, ", ")))
end

--- Whether the state can be kept in a folder.
function M.folder(path)
  if not core.file_mode(path) then path = text.folder(path) end -- it will be made there
  local room, err = core.folder_room(path)
  if not room then return failed("state", errors.with(err, { creating = true })) end
  if room < ROOM_MIN then
    return row("state", "warn", ("%s has %s left"):format(path, text.size(room)),
      "make room: results of 10 million ids take about a gigabyte")
  end
  return row("state", "ok", ("%s can be written, %s left"):format(path, text.size(room)))
end

function M.proxy(given, getenv)
  local source, value = "--proxy", given
  for _, name in ipairs(value and {} or PROXIES) do
    local found = getenv(name)
    if found and found ~= "" then source, value = name, found end
  end
  if not value or value == "" then return row("proxy", "ok", "none") end
  return row("proxy", "ok", ("%s (%s)"):format(value:gsub("//[^/@]*@", "//(secret)@"), source))
end

-- }====================================================================

-- {====================================================================
-- The token
-- =====================================================================

local function read_file(path)
  local token, why = read.start(path, 65536)
  if token then return (token:gsub("%s+$", "")) end
  return nil, why or path .. " is empty"
end

--- The token, and where it is from.
local function find_token(arguments, settings)
  if arguments.token_file then
    local token, why = read_file(arguments.token_file)
    return token, arguments.token_file, why
  end
  local setting = settings["bearer-token"]
  return setting and setting.value, setting and setting.source
end

--- The form of the token.
-- @treturn table rows
-- @treturn boolean whether it can be sent
function M.token(arguments, settings)
  local token, source, why = find_token(arguments, settings)
  if not token then
    local remedy = why and "give the file that holds it" or "set BEARER_TOKEN, or give --token-file"
    return { failed("token", errors.new("config", (why or "there is none") .. " - " .. remedy)) },
      false
  end
  local rows = {}
  local state, problem, remedy = token_form.judge(token)
  rows[1] = row("token", state, ("%s, %s%s"):format(source, text.plural(#token, "character"),
    problem and ": " .. problem or ""), remedy, errors.new("auth", problem or ""))
  local mode = arguments.token_file and core.file_mode(arguments.token_file) or 0
  if mode % (SHARED_MODE + 1) ~= 0 then
    rows[2] = row("token", "warn", arguments.token_file .. " may be read or written by others",
      "chmod 600 it")
  end
  return rows, state ~= "fail"
end

-- }====================================================================

-- {====================================================================
-- The API, and where uploads and downloads go
-- =====================================================================

--- Where the newest job's bytes go, by its URL.
-- @treturn ?string "api" or "storage"; nil if there is no job with a URL, or err
-- @treturn ?string the host
local function flow_of(jobs, base_url)
  local job = jobs[#jobs] or {}
  local url = job.download_url or job.upload_url
  if not url then return nil end
  local flow, err = core.job_url {
    url = url, base_url = base_url, operation = job.download_url and "download" or "upload",
    loopback = core.is_loopback(base_url), allow_http = core.is_loopback(base_url),
  }
  return flow, flow and url:match("^%w+://([^/]+)") or err
end

--- Nothing is sent but a request without a token for the host's root.
local function storage_row(host, arguments, loop)
  local session, err = core.session { ca_file = arguments.ca_file, proxy = arguments.proxy }
  if not session then return failed("storage", err) end
  local task
  task, err = core.request(session, { url = ("https://%s/"):format(host), timeout = 15 })
  local answer
  if task then
    while not loop.wait(task, 1) do end -- luacheck: ignore 542
    answer, err = task:result()
    task:close()
  end
  session:close()
  if not answer then return failed("storage", err) end
  return row("storage", "ok", host .. " answers")
end

local function flow_row(jobs, base_url, arguments, loop)
  local flow, host = flow_of(jobs, base_url)
  if flow == "api" then
    return row("storage", "ok", "uploads and downloads go to the API itself, as jobs' URLs show")
  elseif flow == "storage" and core.is_loopback(base_url) then
    return row("storage", "ok", "uploads and downloads go to storage at " .. host)
  elseif flow == "storage" then
    return storage_row(host, arguments, loop)
  elseif host then
    return failed("storage", host)
  end
  return row("storage", "ok", "not known before the first job: its URLs say where uploads go")
end

local function clock_row(headers)
  local date = dates.http(headers and headers.date)
  if not date then
    return row("clock", "warn", "the API does not say what time it is", "check the clock")
  end
  local skew = os.time() - date
  local words = ("%s %s the API's"):format(text.duration(math.abs(skew)),
    skew > 0 and "later than" or "earlier than")
  if math.abs(skew) <= SKEW_MAX then
    return row("clock", "ok", math.abs(skew) <= 1 and "the same as the API's" or words)
  end
  return row("clock", "warn", words, "set the clock: certificates and reports depend on it")
end

--- What a refusal means in plain words, if the API's own mislead.
local function explain(err)
  local found = failed("access", err)
  local problem = type(err.problem) == "table" and err.problem or {}
  if problem.reason == "client-not-enrolled" then
    found.remedy = "the token is right, but its app has no access to batch compliance: attach it to"
      .. " a project whose plan has it, in the developer console"
  elseif err.problem_type == "unsupported-authentication" then
    found.remedy = "this is a user's token: use the app's own bearer token (OAuth 2.0 App-Only)"
  elseif err.status == 401 then
    found.remedy = "the API does not know this token: copy it again, or generate another"
  elseif err.status == 403 and not err.problem then
    found.remedy = "this is no answer of the API: a proxy or a firewall may have refused it"
  end
  if err.kind == "rate_limited" then found.state = "warn" end
  return found
end

--- Lists jobs, which creates none.
-- @tparam table client
-- @tparam string base_url of the API
-- @tparam table arguments
-- @tparam table loop
-- @treturn table rows
function M.api(client, base_url, arguments, loop)
  local response, details = client:list_jobs("tweets", nil, { deadline = 30 })
  local err = not response and details or nil
  if err and not err.status then return { failed("api", err) } end
  local rows = { row("api", "ok", base_url .. " answers") }
  if err then
    rows[2] = explain(err)
  else
    local jobs = response.data or {}
    rows[2] = row("access", "ok", ("the app may use batch compliance: %s of tweets listed"):format(
      text.plural(#jobs, "job")))
    rows[3] = flow_row(jobs, base_url, arguments, loop)
  end
  rows[#rows + 1] = clock_row(details.headers)
  return rows
end

-- }====================================================================

return M
