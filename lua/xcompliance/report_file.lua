--- Reads the report of a sync back.
-- @internal xcompliance.report_file

local errors = require "xcompliance.errors"
local json = require "xcompliance.json"
local reports = require "xcompliance.report_text"

local M = {}

local TABLES = { "checked", "records", "files", "inputs", "calls" }

local function wrong(path, what)
  return nil, errors.new("data", ("%s: %s - give the state folder of a sync"):format(path, what),
    { file = path })
end

--- What is wrong with what was read, or nil.
local function complaint(report)
  if type(report) ~= "table" then return "it is not a report" end
  if report.format ~= reports.FORMAT then
    return "it is not a report of this version: its format is " .. tostring(report.format)
  end
  for _, name in ipairs(TABLES) do
    if type(report[name]) ~= "table" then
      return ("it is not a report: %s is missing"):format(name)
    end
  end
  for _, type_name in ipairs { "tweets", "users" } do
    local checked = report.checked[type_name]
    if type(checked) ~= "table" or type(checked.outcomes) ~= "table" then
      return ("it is not a report: checked.%s is missing"):format(type_name)
    end
  end
end

--- Reads a report and checks that it adds up.
-- @tparam string path of the state folder, or of the report itself
-- @tparam[opt] boolean dry_run that of the last dry run, if `path` is a folder
-- @treturn ?table the report (docs/report.md), or nil, err
function M.read(path, dry_run)
  local name = path .. "/" .. reports.file_name { dry_run = dry_run }
  local file = io.open(name, "r")
  if not file then
    name = path
    local why
    file, why = io.open(name, "r")
    if not file then
      return nil, errors.new("io", why .. " - give the state folder of a sync", { file = name })
    end
  end
  local content = file:read("*a")
  file:close()
  if not content then return wrong(name, "there is no report in it") end
  local report, why = json.decode(content)
  if report == nil then return wrong(name, "it does not parse: " .. tostring(why)) end
  local problem = complaint(report)
  if problem then return wrong(name, problem) end
  local ok, adds_up, err = pcall(reports.check, report)
  if not ok then return wrong(name, "it is not a report") end
  if not adds_up then return wrong(name, err.message) end
  return report
end

return M
