--- Reads reports back: one to show, and those of parts, to be added.
-- @internal xcompliance.report_file

local errors = require "xcompliance.errors"
local json = require "xcompliance.json"
local part_reports = require "xcompliance.part_reports"
local reports = require "xcompliance.report_text"

local M = {}

-- kinds of reports
M.CHECK, M.SYNC, M.MERGED = "check", "sync", "merged"

local TABLES = { "checked", "records", "files", "inputs", "calls" }

local function wrong(path, what)
  return nil, errors.new("data", ("%s: %s - give the state folder of a sync, or the report of one"
    .. " or of merge-reports"):format(path, what), { file = path })
end

--- What is wrong with what was read, or nil.
local function complaint(report)
  if report.format ~= reports.FORMAT then
    return "it is not a report of this version: its format is " .. tostring(report.format)
  end
  if report.kind == part_reports.KIND then
    return "it is of a redaction alone: merge-reports adds that of the check"
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

--- Reads a file to its end and closes it.
-- @treturn ?table what it holds; or nil, what is wrong
local function decode(file)
  local content, failure = file:read("*a")
  file:close()
  if not content then return nil, failure or "there is no report in it" end
  local report, why = json.decode(content)
  if report == nil then return nil, "it does not parse: " .. tostring(why) end
  if type(report) ~= "table" then return nil, "it is not a report" end
  return report
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
  local report, why = decode(file)
  if not report then return wrong(name, why) end
  local problem = complaint(report)
  if problem then return wrong(name, problem) end
  local ok, adds_up, err = pcall(reports.check, report)
  if not ok then return wrong(name, "it is not a report") end
  if not adds_up then return wrong(name, err.message) end
  return report
end

-- {====================================================================
-- The reports of parts
-- =====================================================================

local MEMBERS = {
  [M.SYNC] = {
    version = "string", started = "string", finished = "string", seconds = "number",
    dry_run = "boolean", in_place = "boolean", inputs = "table", files = "table",
    records = "table", ignored = "table", edited = "table", settings = "table",
    checked = "table", calls = "table", verified = "boolean",
  },
  [M.CHECK] = {
    version = "string", started = "string", finished = "string", seconds = "number",
    type = "string", ids = "number", results = "string", crc32c = "string", rows = "number",
    jobs = "table", calls = "table", verified = "boolean",
  },
}

local function wrong_part(path, what)
  return nil, errors.new("data", ("%s: %s - give what redact --report, check --json or sync has"
    .. " written"):format(path, what), { file = path })
end

--- Checks what a check or a sync has written.
local function check_part(path, report)
  if report.format ~= reports.FORMAT then
    return wrong_part(path, "its format is " .. tostring(report.format))
  end
  for name, kind in pairs(MEMBERS[report.kind]) do
    if type(report[name]) ~= kind then
      return wrong_part(path, ("it is not a report: %s is missing"):format(name))
    end
  end
  if report.kind == M.CHECK then return report end
  local ok, adds_up, err = pcall(reports.check, report)
  if not ok then return wrong_part(path, "it is not a report") end
  if not adds_up then return wrong_part(path, err.message) end
  return report
end

--- Reads the report of a part - of a redaction, a sync or a check - and checks that it adds up.
-- @tparam string path
-- @treturn ?table whose `kind` says which it is; or nil, err
function M.read_part(path)
  local file, why = io.open(path, "r")
  if not file then
    return nil, errors.new("io", why .. " - every part must have been redacted", { file = path })
  end
  local report
  report, why = decode(file)
  if not report then return wrong_part(path, why) end
  if MEMBERS[report.kind] then return check_part(path, report) end
  return part_reports.check(path, report)
end

-- }====================================================================

return M
