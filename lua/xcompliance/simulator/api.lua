--- The three operations of the batch compliance API.
-- @module xcompliance.simulator.api

local cjson = require("cjson").new()
local headers = require "xcompliance.simulator.headers"
local http = require "xcompliance.simulator.http"
local problem = require "xcompliance.simulator.problem"

local M = {}

local BODY_MAX = 64 * 1024
local NAME_MAX = 64 -- code points
local TYPES = { tweets = true, users = true }
local STATUSES = { created = true, in_progress = true, failed = true, complete = true }
local FIELDS = {}
for name in ("created_at download_expires_at download_url id name resumable status type "
  .. "upload_expires_at upload_url"):gmatch("%S+") do FIELDS[name] = true end

local FIELDS_ONLY = { ["compliance_job.fields"] = true }

-- {====================================================================
-- Queries
-- =====================================================================

local function decoded(text)
  return (text:gsub("+", " "):gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end))
end

local function parameters(query)
  local values = {}
  for name, value in query:gmatch("([^&=]+)=?([^&]*)") do values[decoded(name)] = decoded(value) end
  return values
end

-- refuses what an operation does not know; returns the set of fields asked for, or nil for all
local function check_query(query, known)
  for name, value in pairs(query) do
    if not known[name] then
      return nil, problem.invalid_request(name, value,
        ("The query parameter [%s] is not one of the known ones."):format(name))
    end
  end
  local asked = query["compliance_job.fields"]
  if not asked then return nil end
  local fields = {}
  for name in (asked .. ","):gmatch("([^,]*),") do
    if not FIELDS[name] then
      return nil, problem.invalid_request("compliance_job.fields", asked,
        ("The `compliance_job.fields` query parameter value [%s] is not one of the known ones.")
          :format(name))
    end
    fields[name] = true
  end
  return fields
end

-- {====================================================================
-- The operations
-- =====================================================================

local CHECKS = {
  type = function(value) return TYPES[value], "must be tweets or users" end,
  name = function(value)
    local length = type(value) == "string" and utf8.len(value)
    return length and length <= NAME_MAX, "must be a string of at most 64 characters"
  end,
  resumable = function(value) return type(value) == "boolean", "must be a boolean" end,
}

-- what is wrong with a create request's body, or nil
local function body_refusal(body)
  if type(body) ~= "table" then return problem.invalid_request("body", "", "must be JSON") end
  if body.type == nil then return problem.invalid_request("type", "", "type is required") end
  for name, value in pairs(body) do
    local check = CHECKS[name]
    if not check then return problem.invalid_request(name, value, "is not a known member") end
    local good, complaint = check(value)
    if not good then return problem.invalid_request(name, value, name .. " " .. complaint) end
  end
end

local function create(service, request)
  local fields, refusal = check_query(parameters(request.query), FIELDS_ONLY)
  if refusal then return refusal end
  if not (request.headers["content-type"] or ""):find("^application/json") then
    return problem.plain(415, "Unsupported Media Type")
  end
  local text = http.read_all(request, BODY_MAX)
  request.text = text -- for the log
  local good, body = pcall(cjson.decode, text)
  refusal = body_refusal(good and body or nil)
  if refusal then return refusal end
  if service.jobs:running(body.type) then return problem.conflict() end
  local job = service.jobs:create(body.type, body.name, body.resumable or false)
  return problem.response(200, { data = service.jobs:model(job, fields) }), job
end

local function get(service, request)
  local id = request.path:match("([^/]*)$")
  local fields, refusal = check_query(parameters(request.query), FIELDS_ONLY)
  if refusal then return refusal end
  if not id:find("^%d+$") or #id > 19 then
    return problem.invalid_request("id", id,
      ("The `id` query parameter value [%s] is not valid"):format(id))
  end
  local job = service.jobs.by_id[id]
  if not job then return problem.not_found(id) end
  return problem.response(200, { data = service.jobs:model(job, fields) })
end

local function list(service, request)
  local query = parameters(request.query)
  local fields, refusal =
    check_query(query, { type = true, status = true, ["compliance_job.fields"] = true })
  if refusal then return refusal end
  if not TYPES[query.type] then
    return problem.invalid_request("type", query.type or "", "type must be tweets or users")
  end
  if query.status and not STATUSES[query.status] then
    return problem.invalid_request("status", query.status, "status is not one of the known ones")
  end
  local data = {}
  for _, job in ipairs(service.jobs.list) do
    local wanted = not query.status or service.jobs:status(job) == query.status
    if job.type == query.type and wanted then data[#data + 1] = service.jobs:model(job, fields) end
  end
  return problem.response(200, { -- an empty list has no `data` at all
    data = #data > 0 and data or nil, meta = { result_count = #data },
  })
end

local OPERATIONS = { create = create, get = get, list = list }

-- {====================================================================
-- What is around them
-- =====================================================================

local function authorization_refusal(service, request)
  local authorization = request.headers.authorization or ""
  if authorization:find("^OAuth ") then return problem.unsupported_authentication() end
  local token = authorization:match("^Bearer (%S+)$")
  local accepted = service.options.bearer_tokens
  if not token or (accepted and not accepted[token]) then
    return problem.plain(401, "Unauthorized")
  end
end

--- Answers one request to the API.
-- @tparam table service
-- @tparam table request
-- @tparam string operation `"create"`, `"get"` or `"list"`
-- @treturn table the response
-- @treturn table|nil the job that was created
function M.answer(service, request, operation)
  local refusal = authorization_refusal(service, request)
  if refusal then return refusal end -- without rate-limit headers, as seen
  local bucket = service.limiter:count(operation)
  local response, job
  if bucket.used > service.limiter.limit then
    response = problem.plain(429, "Too Many Requests")
  else
    response, job = OPERATIONS[operation](service, request)
  end
  service.limiter:tell(bucket, response.headers)
  headers.add(response.headers, "api-version", "2.167")
  return response, job
end

return M
