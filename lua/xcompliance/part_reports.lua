--- What is reported of a redaction, so that the reports of parts become one that adds up.
--
-- A dataset that lives on many machines is redacted part by part. The report of a part has the
-- counts, and all that must be the same for every part: only such reports are added.
-- @internal xcompliance.part_reports

local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local id_file = require "xcompliance.id_file"
local json = require "xcompliance.json"
local sync_files = require "xcompliance.sync_files"

local M = { KIND = "redaction" }

local FORMAT = 1
local SETTINGS = {
  "policy", "on_unknown", "on_malformed", "on_unrecognised", "strict", "shape", "columns", "lists",
}
-- what parts have in common, and what a difference means
local COMMON = {
  { "format", "are reports of different formats" },
  { "kind", "are reports of different kinds" },
  { "version", "were made by different versions" },
  { "dry_run", "are of a dry run and of one that was applied" },
  { "in_place", "are of a redaction in place and of one that wrote elsewhere" },
  { "settings", "are of redactions with different settings" },
  { "verdicts", "are of redactions by different verdicts" },
}
local MEMBERS = {
  parts = "number", ignored = "number", inputs = "table", ignored_files = "table",
}
-- of the parts, one after the other
local LISTS = { files = true, ignored_files = true, inputs = true, verdict_files = true }
-- what the files of a report add up to
local SUMS = { "records", "kept", "changed", "dropped", "quarantined", "bytes", "output_bytes" }

--- The options that decide what becomes of a record. What is done anyway counts as not given.
-- @tparam table options of a redaction or a sync
-- @treturn table
function M.settings(options)
  local settings = {
    on_unknown = "stop", on_malformed = "stop", on_unrecognised = "stop", strict = false,
    lists = "tweets",
  }
  for _, name in ipairs(SETTINGS) do
    if options[name] ~= nil then settings[name] = options[name] end
  end
  settings.policy = {}
  for reason, treatment in pairs(options.policy or {}) do
    local usual = reason == "rehydrate" and "keep" or "remove"
    if treatment ~= usual then settings.policy[reason] = treatment end
  end
  return settings
end

--- What distinguishes the files that verdicts were loaded from. One that has both types is read
-- once.
-- @tparam table call
-- @tparam table paths `tweets`, `users`: arrays, or nil
-- @treturn ?table by type an array of `{ path, bytes, crc32c }`; or nil, err
function M.sums(call, paths)
  local sums, known = {}, {}
  for type, list in pairs(paths) do
    sums[type] = {}
    for i, path in ipairs(list) do
      if not known[path] then
        local source, err = id_file.open(call, path)
        if not source then return nil, err end
        source:close()
        known[path] = { path = path, bytes = source.bytes, crc32c = source.crc32c }
      end
      sums[type][i] = known[path]
    end
  end
  return sums
end

--- The report of a redaction: its counts, and by what it was made. It says no time, so that a
-- redaction that is repeated has the same report.
-- @tparam table counts what `dataset.redact` returns
-- @tparam table options of the redaction
-- @tparam table verdicts what `verdicts:counts` returns
-- @tparam[opt] table sums what `sums` has returned
-- @treturn table
function M.of(counts, options, verdicts, sums)
  local report = { format = FORMAT, kind = M.KIND, version = core.version, parts = 1,
    dry_run = options.dry_run or false, in_place = options.in_place or false,
    inputs = options.inputs, output = options.output, quarantine = options.quarantine,
    settings = M.settings(options), verdicts = verdicts, verdict_files = sums }
  for name, value in pairs(counts) do report[name] = value end
  return report
end

--- Writes a report; it takes its name when it is whole.
-- @tparam table call
-- @tparam string path
-- @tparam table report
-- @treturn true|nil,err
function M.write(call, path, report)
  return sync_files.write(call, path, json.encode(report) .. "\n")
end

-- {====================================================================
-- Reading
-- =====================================================================

local function wrong(path, what)
  return nil, errors.new("data", ("%s: %s - give what xcompliance redact --json has printed, or"
    .. " --report written"):format(path, what), { file = path })
end

--- What is wrong with a report; nil if nothing is.
local function complaint(report)
  if type(report) == "table" and report.kind == "merged" then
    return "a check was added to it already"
  end
  if type(report) ~= "table" or type(report.files) ~= "table" then
    return "it is not the report of a redaction"
  end
  for _, common in ipairs(COMMON) do
    if report[common[1]] == nil then
      return ("it is not the report of a redaction: %s is missing"):format(common[1])
    end
  end
  for name, kind in pairs(MEMBERS) do
    if type(report[name]) ~= kind then
      return ("it is not the report of a redaction: %s is missing"):format(name)
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

--- Checks that what was read is the report of a redaction and adds up.
-- @tparam string path
-- @param report
-- @treturn ?table it, or nil, err
function M.check(path, report)
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

local function is_same(one, other) return json.encode { one } == json.encode { other } end

--- Which of the settings differ: " (`policy`)".
local function different_settings(one, other)
  local names = {}
  for _, name in ipairs(SETTINGS) do
    if not is_same(one[name], other[name]) then names[#names + 1] = "`" .. name .. "`" end
  end
  return (" (%s)"):format(table.concat(names, ", "))
end

--- Whether verdicts are others, by the checksums of their files, if both reports have them.
local function has_other_verdicts(first, report)
  if not first.verdict_files or not report.verdict_files then return false end
  local function identity(files)
    local sums = {}
    for type, list in pairs(files) do
      sums[type] = {}
      for i, file in ipairs(list) do sums[type][i] = file.crc32c end
    end
    return sums
  end
  return not is_same(identity(first.verdict_files), identity(report.verdict_files))
end

--- Only what was done in the same way adds up.
-- @tparam table first `{ path, report }`
-- @tparam table other likewise
-- @tparam[opt] table names the members that are compared; default: all that parts have in common
-- @treturn true|nil,err
function M.check_common(first, other, names)
  for _, common in ipairs(COMMON) do
    local name, difference = common[1], common[2]
    local one, two = first.report[name], other.report[name]
    local is_compared = not names or names[name]
    local differs = is_compared and not is_same(one, two)
      or name == "verdicts" and has_other_verdicts(first.report, other.report)
    if differs then
      local which = name == "settings" and different_settings(one, two) or ""
      return nil, errors.new("data", ("%s and %s %s%s - redact all parts in the same way"):format(
        first.path, other.path, difference, which), { file = other.path })
    end
  end
  return true
end

--- A path as it is compared: "./a//b" is "a/b".
local function plain(path) return (path:gsub("/+", "/"):gsub("^%./", ""):gsub("/%./", "/")) end

--- Checks that no file is in two reports, as an input or as an output, and notes those of this one.
-- @tparam table item `{ path, report }`
-- @tparam table seen by their names, the reports that they are in
-- @treturn true|nil,err
function M.check_files(item, seen)
  for _, file in ipairs(item.report.files) do
    for _, what in ipairs { "path", "output" } do
      local key = file[what] and what .. plain(file[what])
      if key and seen[key] then
        return nil, errors.new("data", ("%s is in %s and in %s, but must be counted once - give"
          .. " each report once, and each file its own path"):format(file[what], seen[key],
            item.path), { file = item.path })
      end
      if key then seen[key] = item.path end
    end
  end
  return true
end

--- The folder that all paths are in; nil if there is none, or if one is missing.
-- @tparam ?string folder of those before
-- @tparam ?string path
-- @treturn ?string
function M.common_folder(folder, path)
  while path and folder and folder ~= path and path:sub(1, #folder + 1) ~= folder .. "/" do
    folder = folder:match("^(.+)/[^/]*$")
  end
  return path and folder
end

local function append(list, more)
  for _, value in ipairs(more or {}) do list[#list + 1] = value end
end

--- Adds the reports of parts.
-- @tparam table list of `{ path, report }`
-- @treturn ?table one report of the same form; or nil, err
function M.merge(list)
  local first, seen = list[1], {}
  local merged = { files = {}, ignored_files = {}, inputs = {},
    output = first.report.output, quarantine = first.report.quarantine,
    verdict_files = first.report.verdict_files }
  for _, item in ipairs(list) do
    local report = item.report
    local ok, err = M.check_common(first, item)
    if ok then ok, err = M.check_files(item, seen) end
    if not ok then return nil, err end
    for name in pairs { files = 1, ignored_files = 1, inputs = 1 } do
      append(merged[name], report[name])
    end
    merged.output = M.common_folder(merged.output, report.output)
    merged.quarantine = M.common_folder(merged.quarantine, report.quarantine)
    merged.verdict_files = report.verdict_files and merged.verdict_files
    add(merged, counts_of(report))
  end
  for _, common in ipairs(COMMON) do merged[common[1]] = first.report[common[1]] end
  local problem = complaint(merged)
  if problem then return nil, errors.new("internal", "the merged report: " .. problem) end
  return merged
end

--- The policy of a report about edited tweets.
function M.rehydrate(report) return (report.settings.policy or {}).rehydrate end

-- }====================================================================

return M
