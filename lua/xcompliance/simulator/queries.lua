--- The queries of requests to the API.
-- @internal xcompliance.simulator.queries

local problem = require "xcompliance.simulator.problem"

local M = {}

local FIELDS = {}
for name in ("created_at download_expires_at download_url id name resumable status type "
  .. "upload_expires_at upload_url"):gmatch("%S+") do FIELDS[name] = true end

local function decoded(text)
  return (text:gsub("+", " "):gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end))
end

local function complaint(name, value, text)
  return nil, nil, problem.invalid_request(name, value, text)
end

-- the set of fields asked for; nil with the name of one that does not exist
local function fields_of(asked)
  local fields = {}
  for name in (asked .. ","):gmatch("([^,]*),") do
    if not FIELDS[name] then return nil, name end
    fields[name] = true
  end
  return fields
end

--- Reads a query. Every operation knows `compliance_job.fields`.
-- @tparam string query
-- @tparam[opt] table known a set of further parameters that the operation knows
-- @treturn table|nil the values by name
-- @treturn table|nil the set of fields asked for; nil for all
-- @treturn table|nil the response that refuses the query
function M.read(query, known)
  local values = {}
  for name, value in query:gmatch("([^&=]+)=?([^&]*)") do
    name, value = decoded(name), decoded(value)
    if name ~= "compliance_job.fields" and not (known and known[name]) then
      return complaint(name, value,
        ("The query parameter [%s] is not one of the known ones."):format(name))
    end
    if values[name] then
      return complaint(name, value, ("The query parameter [%s] is given twice."):format(name))
    end
    values[name] = value
  end
  local asked = values["compliance_job.fields"]
  if not asked then return values end
  local fields, unknown = fields_of(asked)
  if fields then return values, fields end
  return complaint("compliance_job.fields", asked,
    ("The `compliance_job.fields` query parameter value [%s] is not one of the known ones.")
      :format(unknown))
end

return M
