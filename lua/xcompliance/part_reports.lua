--- What is reported of a redaction, so that the reports of parts become one that adds up.
--
-- A dataset that lives on many machines is redacted part by part. The report of a part has the
-- counts, and all that must be the same for every part: only such reports are added.
-- @internal xcompliance.part_reports

local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local json = require "xcompliance.json"

local M = {}

local FORMAT = 1
local SETTINGS = {
  "policy", "on_unknown", "on_malformed", "on_unrecognised", "strict", "shape", "columns", "lists",
}
-- what parts have in common, and what a difference means
local COMMON = {
  { "format", "are reports of different formats" },
  { "version", "were made by different versions" },
  { "dry_run", "are of a dry run and of one that was applied" },
  { "in_place", "are of a redaction in place and of one that wrote elsewhere" },
  { "settings", "are of redactions with different settings" },
  { "verdicts", "are of redactions by different verdicts" },
}
local LISTS = { files = true, ignored_files = true } -- of the parts, one after the other
-- what the files of a report add up to
local SUMS = { "records", "kept", "changed", "dropped", "quarantined", "bytes", "output_bytes" }

--- The report of a redaction: its counts, by what it was made.
-- @tparam table counts what `dataset.redact` returns
-- @tparam table options of the redaction
-- @tparam table verdicts what `verdicts:counts` returns
-- @treturn table
function M.of(counts, options, verdicts)
  local report = { format = FORMAT, version = core.version, dry_run = options.dry_run or false,
    in_place = options.in_place or false, settings = {}, verdicts = verdicts }
  for _, name in ipairs(SETTINGS) do report.settings[name] = options[name] end
  for name, value in pairs(counts) do report[name] = value end
  return report
end

-- {====================================================================
-- Reading
-- =====================================================================

local function wrong(path, what)
  return nil, errors.new("data", ("%s: %s - give what xcompliance redact --json has printed")
    :format(path, what), { file = path })
end

--- What is wrong with a report; nil if nothing is.
local function complaint(report)
  if type(report) ~= "table" or type(report.files) ~= "table" then
    return "it is not the report of a redaction"
  end
  for _, common in ipairs(COMMON) do
    if report[common[1]] == nil then
      return ("it is not the report of a redaction: %s is missing"):format(common[1])
    end
  end
  for _, name in ipairs(SUMS) do
    local sum = 0
    for _, file in ipairs(report.files) do sum = sum + file[name] end
    if sum ~= report[name] then return ("its files do not add up to its %s"):format(name) end
  end
  if report.kept + report.changed + report.dropped + report.quarantined ~= report.records then
    return "its counts do not add up to its records"
  end
end

--- Reads a report and checks that it adds up.
-- @tparam string path
-- @treturn ?table the report, or nil, err
function M.read(path)
  local file, why = io.open(path, "r")
  if not file then return nil, errors.new("io", why .. " - check the path", { file = path }) end
  local content = file:read("*a")
  file:close()
  if not content then return wrong(path, "it cannot be read") end
  local report
  report, why = json.decode(content)
  if report == nil then return wrong(path, "it does not parse: " .. tostring(why)) end
  local ok, problem = pcall(complaint, report)
  if not ok then problem = "it is not the report of a redaction" end
  if problem then return wrong(path, problem) end
  return report
end

-- }====================================================================

-- {====================================================================
-- Adding
-- =====================================================================

local function add(sums, counts)
  for name, value in pairs(counts) do
    if type(value) == "number" then
      sums[name] = (sums[name] or 0) + value
    elseif type(value) == "table" and not LISTS[name] then
      sums[name] = sums[name] or {}
      add(sums[name], value)
    end
  end
end

--- The counts alone.
local function counts_of(report)
  local counts = {}
  for name, value in pairs(report) do counts[name] = value end
  for _, common in ipairs(COMMON) do counts[common[1]] = nil end
  return counts
end

--- Only what was done in the same way adds up.
local function check_common(first, report, path, first_path)
  for _, common in ipairs(COMMON) do
    local name, difference = common[1], common[2]
    if json.encode { first[name] } ~= json.encode { report[name] } then
      return nil, errors.new("data", ("%s and %s %s - redact all parts in the same way"):format(
        first_path, path, difference), { file = path })
    end
  end
  return true
end

--- Notes the files of a report. A file in two reports would be counted twice.
local function add_files(merged, report, path, seen)
  for _, file in ipairs(report.files) do
    if seen[file.path] then
      return nil, errors.new("data", ("%s is in %s and in %s, but must be counted once - give each"
        .. " report once, and each file its own path"):format(file.path, seen[file.path], path),
        { file = path })
    end
    seen[file.path] = path
    merged.files[#merged.files + 1] = file
  end
  for _, name in ipairs(report.ignored_files or {}) do
    merged.ignored_files[#merged.ignored_files + 1] = name
  end
  return true
end

--- Adds the reports of parts.
-- @tparam table paths of the reports
-- @treturn ?table one report of the same form; or nil, err
function M.merge(paths)
  local first, merged, seen = nil, { files = {}, ignored_files = {} }, {}
  for _, path in ipairs(paths) do
    local report, err = M.read(path)
    if not report then return nil, err end
    first = first or report
    local ok
    ok, err = check_common(first, report, path, paths[1])
    if not ok then return nil, err end
    ok, err = add_files(merged, report, path, seen)
    if not ok then return nil, err end
    add(merged, counts_of(report))
  end
  for _, common in ipairs(COMMON) do merged[common[1]] = first[common[1]] end
  local problem = complaint(merged)
  if problem then return nil, errors.new("internal", "the merged report: " .. problem) end
  return merged
end

--- The policy of a report about edited tweets.
function M.rehydrate(report) return (report.settings.policy or {}).rehydrate end

-- }====================================================================

return M
