--- What the API's answers mean. Its errors are problems in JSON (RFC 9457), or lists of them.
--
-- Servers echo what they were sent, so whatever of an answer goes into an error is masked. Strings
-- are masked after they were decoded, because JSON has many ways to write one.
-- @internal xcompliance.api_answers

local calls = require "xcompliance.api_calls"
local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local json = require "xcompliance.json"

local M = {}

local SAID_MAX, EXCERPT_MAX = 500, 200 -- bytes of an answer that a message quotes

-- by the last segment of a problem's type, which says more than the status; the host of these URLs
-- has changed once
local PROBLEMS = {
  ["conflict"] = { "conflict" },
  ["client-forbidden"] = { "forbidden",
    "attach the app to a project with access to the compliance API" },
  ["unsupported-authentication"] = { "forbidden",
    "use the app's own bearer token (OAuth 2.0 App-Only)" },
  ["usage-capped"] = { "rate_limited",
    "the plan's cap is used up; wait for its next period or change the plan" },
  ["resource-not-found"] = { "not_found" },
  ["invalid-request"] = { "usage" },
  ["not-authorized-for-resource"] = { "forbidden" },
  ["not-authorized-for-field"] = { "forbidden" },
}

local STATUSES = {
  [400] = "usage", [401] = "auth", [403] = "forbidden", [404] = "not_found", [408] = "timeout",
  [409] = "conflict", [413] = "too_large", [429] = "rate_limited",
}

local HINTS = {
  auth = "check the bearer token",
  forbidden = "check what the app may do",
  conflict = "wait for the running job of this type to end",
  rate_limited = "wait until the limit is reset",
  not_found = "check the job's id",
  server = "try again later",
  too_large = "send it in parts",
}

-- {====================================================================
-- Refusals
-- =====================================================================

--- A copy of a value in which no string holds a secret: neither token, nor what URLs have of them.
local function masked(value, token, url_token)
  if type(value) == "string" then
    local text = core.mask(value, token)
    return url_token and core.mask(text, url_token) or text
  end
  if type(value) ~= "table" then return value end
  local copy = {}
  for name, member in next, value do
    copy[masked(name, token, url_token)] = masked(member, token, url_token)
  end
  return copy
end

local function text_of(value) return type(value) == "string" and value or nil end

local function last_segment(url)
  if not text_of(url) or url == "about:blank" then return nil end
  local segment = url:match("([^/]*)$")
  return segment ~= "" and segment or nil
end

--- What the API says of the matter: the problem itself, or the first of its errors.
-- @treturn ?string the last segment of its type
-- @treturn ?string its words
local function read_problem(body)
  local first = type(body.errors) == "table" and body.errors[1]
  local problem = type(first) == "table" and not text_of(body.detail) and first or body
  local said = text_of(problem.detail) or text_of(problem.message) or text_of(problem.title)
  return last_segment(problem.type) or last_segment(body.type), said and said:sub(1, SAID_MAX)
end

local function kind_of(status, problem_type)
  local known = PROBLEMS[problem_type]
  if known then return known[1], known[2] end
  return STATUSES[status] or (status >= 500 and "server" or "protocol")
end

--- Whether the same request may succeed later.
local function is_retryable(kind, status, problem_type)
  if status == 408 or status == 429 then return problem_type ~= "usage-capped" end
  return kind == "server"
end

--- An answer that says no, as an error.
-- @tparam table answer `{ status, headers, body, doing, where }` of the core
-- @tparam string token that was sent
-- @tparam[opt] string url_token that the URL had
-- @treturn table an error
function M.failure(answer, token, url_token)
  local body = json.decode(answer.body)
  local problem = type(body) == "table" and masked(body, token, url_token) or nil
  local problem_type, said
  if problem then
    problem_type, said = read_problem(problem)
  else
    said = masked(answer.body, token, url_token):sub(1, EXCERPT_MAX)
  end
  local kind, hint = kind_of(answer.status, problem_type)
  hint = hint or HINTS[kind]
  local message = ("%s at %s: the API answered %d%s%s%s"):format(answer.doing, answer.where,
    answer.status, problem_type and (" (%s)"):format(problem_type) or "",
    said and said ~= "" and ": " .. said or "", hint and " - " .. hint or "")
  return errors.new(kind, message, {
    status = answer.status, headers = masked(answer.headers, token, url_token), hint = hint,
    problem = problem, problem_type = problem_type,
    retryable = is_retryable(kind, answer.status, problem_type),
  })
end

-- }====================================================================

-- {====================================================================
-- Models
-- =====================================================================

local STRINGS = { -- members of a job that are strings if they are there
  "id", "type", "name", "status", "created_at", "upload_url", "upload_expires_at", "download_url",
  "download_expires_at",
}

--- What is wrong with a job, or nil. An id that is a number may have been rounded already, so it is
-- refused, not made a string.
local function complaint_about(job, members)
  if type(job) ~= "table" then return "a job in it is not an object" end
  for _, name in ipairs(members) do
    if type(job[name]) ~= "string" then
      return ("data.%s is missing or not a string"):format(name)
    end
  end
  for _, name in ipairs(STRINGS) do
    if job[name] ~= nil and type(job[name]) ~= "string" then
      return ("data.%s is not a string"):format(name)
    end
  end
  if job.id and not (job.id:find("^%d+$") and #job.id <= 19) then
    return "data.id is not 1 to 19 digits"
  end
end

local function complaint_about_list(jobs, members)
  if jobs == nil then return nil end -- an empty list has no data
  if type(jobs) ~= "table" then return "data is not an array" end
  for _, job in ipairs(jobs) do
    local why = complaint_about(job, members)
    if why then return why end
  end
end

--- The members that must be there.
local function required(members, fields)
  if not fields then return members end
  local asked, both = {}, {}
  for _, name in ipairs(fields) do asked[name] = true end
  for _, name in ipairs(members) do
    if asked[name] then both[#both + 1] = name end
  end
  return both
end

--- An answer that says yes but cannot be used.
local function unusable(answer, token, why)
  return errors.new("protocol", ("%s at %s: the API's answer cannot be used: %s"):format(
    answer.doing, answer.where, why),
    { status = answer.status, headers = masked(answer.headers, token), retryable = true })
end

--- An answer of the API: its model, or an error.
-- @tparam string name of the call, see xcompliance.api_calls
-- @tparam table answer `{ status, headers, body, doing, where }` of the core
-- @tparam string token that was sent
-- @tparam[opt] table fields that the caller chose: others may be missing
-- @treturn ?table the response as it came; or nil, err
-- @treturn table `{ status, headers }`
function M.read(name, answer, token, fields)
  local row = calls[name]
  if answer.status ~= 200 and answer.status ~= 201 then return nil, M.failure(answer, token) end
  local response, why = json.decode(answer.body)
  if type(response) ~= "table" then
    return nil, unusable(answer, token, ("it does not parse (%d bytes): %s"):format(#answer.body,
      why or "it is not a JSON object"))
  end
  local members = required(row.members, fields)
  if row.list then
    why = complaint_about_list(response.data, members)
  elseif response.data == nil then
    if type(response.errors) == "table" then return nil, M.failure(answer, token) end
    why = "it has no data"
  else
    why = complaint_about(response.data, members)
  end
  if why then return nil, unusable(answer, token, why) end
  return response, { status = answer.status, headers = masked(answer.headers, token) }
end

-- }====================================================================

return M
