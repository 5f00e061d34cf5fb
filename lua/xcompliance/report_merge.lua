--- The reports of parts become one report that adds up.
--
-- Reports of redactions are added by part_reports. If those of the check that the parts share are
-- given as well, the result is a report as that of a sync. Reports of syncs have a check each
-- (docs/report.md).
-- @internal xcompliance.report_merge

local calls = require "xcompliance.call"
local checked_ids = require "xcompliance.checked_ids"
local errors = require "xcompliance.errors"
local file_names = require "xcompliance.file_names"
local files = require "xcompliance.sync_files"
local json = require "xcompliance.json"
local part_reports = require "xcompliance.part_reports"
local report_file = require "xcompliance.report_file"
local reports = require "xcompliance.report_text"

local M = {}

local TYPES = { "tweets", "users" }
local NAMES_MAX = 100 -- of ignored files, as in the report of a redaction

local function wrong(path, format, ...)
  return nil, errors.new("data", path .. ": " .. format:format(...), { file = path })
end

-- {====================================================================
-- What was asked
-- =====================================================================

local function add(sums, counts)
  for name, count in pairs(counts or {}) do sums[name] = (sums[name] or 0) + count end
end

local function append(list, more, at_most)
  for _, value in ipairs(more or {}) do
    if #list >= (at_most or math.huge) then return end
    list[#list + 1] = value
  end
end

--- A month as it is sorted: what is before all months comes first.
local function rank(entry) return entry.month:find("^%d") and entry.month or "" end

local function add_months(sums, months)
  local place = {}
  for i, entry in ipairs(sums) do place[entry.month] = i end
  for _, entry in ipairs(months or {}) do
    local known = sums[place[entry.month]]
    if known then
      known.ids = known.ids + entry.ids
    else
      sums[#sums + 1] = { month = entry.month, ids = entry.ids }
    end
  end
  table.sort(sums, function(a, b) return rank(a) < rank(b) end)
end

--- Adds what was asked: by a sync, or by a check that redactions share.
local function add_checks(merged, report)
  for type, from in pairs(report.checked) do
    local to = merged.checked[type]
    add(to, { asked = from.asked, compliant = from.compliant, skipped = from.skipped })
    add(to.outcomes, from.outcomes)
    add(to.reasons, from.reasons)
    append(to.jobs, from.jobs)
  end
  add(merged.calls, report.calls)
  add_months(merged.removals_by_month, report.removals_by_month)
  merged.verified = merged.verified and report.verified
end

local function none_checked()
  return { asked = 0, compliant = 0, skipped = 0, outcomes = {}, reasons = {}, jobs = {} }
end

--- Adds when X was asked, and for how long.
local function add_time(sum, report)
  if not sum.started or report.started < sum.started then sum.started = report.started end
  if not sum.finished or report.finished > sum.finished then sum.finished = report.finished end
  sum.seconds = sum.seconds + report.seconds
end

--- A merged report without counts, with what its parts have in common.
local function begin(first, parts)
  return {
    format = reports.FORMAT, kind = report_file.MERGED, version = first.version, parts = parts,
    dry_run = first.dry_run, in_place = first.in_place, settings = first.settings,
    verified = true, calls = {}, checked = { tweets = none_checked(), users = none_checked() },
    removals_by_month = {}, seconds = 0, files = {}, inputs = {},
    ignored = { count = 0, files = {} },
    edited = { tweets = 0, treatment = part_reports.rehydrate(first) or "keep" },
  }
end

-- }====================================================================

-- {====================================================================
-- Redactions and the check that they share
-- =====================================================================

--- The report of the check of each type of which there are verdicts, and of no other.
local function match_checks(first, checks)
  local of = {}
  for _, check in ipairs(checks) do
    local type = check.report.type
    local ok, err = part_reports.check_common(first, check, { version = true })
    if not ok then return nil, err end
    if of[type] then
      return wrong(check.path, "like %s it is of a check of %s - give that one whose results were"
        .. " applied", of[type].path, type)
    end
    of[type] = check
  end
  for _, type in ipairs(TYPES) do
    if first.report.verdicts[type] and not of[type] then
      return wrong(first.path, "verdicts on %s were applied, and no report of their check is given"
        .. " - add what check %s --json has printed", type, type)
    end
    if of[type] and not first.report.verdicts[type] then
      return wrong(of[type].path, "the results of this check of %s were not applied in %s - redact"
        .. " the parts with the results of both checks", type, first.path)
    end
  end
  return of
end

--- What a sum of redactions says of files and records, as the report of a sync has it.
local function of_records(sum)
  local merged = begin(sum, sum.parts)
  merged.files, merged.inputs = sum.files, sum.inputs
  merged.output, merged.quarantine = sum.output, sum.quarantine
  merged.ignored = { count = sum.ignored, files = sum.ignored_files }
  merged.edited.tweets = sum.rehydrate
  merged.objects = { tweets = sum.tweets, users = sum.users }
  merged.verdicts, merged.verdict_files = sum.verdicts, sum.verdict_files
  return merged
end

local function add_shared_checks(call, merged, first, checks)
  local of, err = match_checks(first, checks)
  if not of then return nil, err end
  for _, type in ipairs(TYPES) do
    if of[type] then
      local found
      found, err = checked_ids.count(call, of[type], first)
      if not found then return nil, err end
      add_time(merged, of[type].report)
      add_checks(merged, found)
    end
  end
  return true
end

--- Adds redactions, and what was asked if the reports of the checks are there.
local function merge_redactions(call, parts, checks)
  local sum, err = part_reports.merge(parts)
  if not sum or #checks == 0 then return sum, err end
  local merged = of_records(sum)
  merged.records = reports.total(merged.files)
  local ok
  ok, err = add_shared_checks(call, merged, parts[1], checks)
  if not ok then return nil, err end
  return merged
end

-- }====================================================================

-- {====================================================================
-- Syncs
-- =====================================================================

--- The differences of a type; nil if one report has none, since the sum would not be of the whole.
local function differences_of_type(list, type)
  local sums = { newly_gone = 0, reinstated = 0, places = {} }
  for _, item in ipairs(list) do
    local from = item.report.differences and item.report.differences[type]
    if not from then return nil end
    sums.newly_gone = sums.newly_gone + from.newly_gone
    sums.reinstated = sums.reinstated + from.reinstated
    append(sums.places, from.places)
  end
  return sums
end

local function add_sync(merged, report)
  merged.output = part_reports.common_folder(merged.output, report.output)
  merged.quarantine = part_reports.common_folder(merged.quarantine, report.quarantine)
  add_time(merged, report)
  merged.edited.tweets = merged.edited.tweets + report.edited.tweets
  merged.ignored.count = merged.ignored.count + report.ignored.count
  append(merged.ignored.files, report.ignored.files, NAMES_MAX)
  append(merged.inputs, report.inputs)
  append(merged.files, report.files)
  add_checks(merged, report)
end

local COMMON = { version = true, dry_run = true, in_place = true, settings = true }

local function merge_syncs(list)
  local first, seen = list[1], {}
  local merged = begin(first.report, #list)
  merged.output, merged.quarantine = first.report.output, first.report.quarantine
  for _, item in ipairs(list) do
    local ok, err = part_reports.check_common(first, item, COMMON)
    if ok then ok, err = part_reports.check_files(item, seen) end
    if not ok then return nil, err end
    add_sync(merged, item.report)
  end
  merged.records = reports.total(merged.files)
  local differences = {}
  for _, type in ipairs(TYPES) do differences[type] = differences_of_type(list, type) end
  merged.differences = next(differences) and differences
  return merged
end

-- }====================================================================

--- Reads all: arrays of `{ path, report }` by kind.
local function read_all(paths)
  local all = { [part_reports.KIND] = {}, [report_file.CHECK] = {}, [report_file.SYNC] = {} }
  for _, path in ipairs(paths) do
    local report, err = report_file.read_part(path)
    if not report then return nil, err end
    local list = all[report.kind] or all[part_reports.KIND]
    list[#list + 1] = { path = path, report = report }
  end
  return all
end

--- Makes one report of several.
-- @treturn ?table or nil, err
local function merge(call, paths)
  local all, err = read_all(paths)
  if not all then return nil, err end
  local parts, checks = all[part_reports.KIND], all[report_file.CHECK]
  local syncs = all[report_file.SYNC]
  local other = parts[1] or checks[1]
  if #syncs > 0 and other then
    return wrong(other.path, "it is not of a sync, as %s is - merge reports of syncs alone",
      syncs[1].path)
  end
  if #syncs + #parts == 0 then
    return wrong(paths[1], "no report of a redaction is given - add those of the parts")
  end
  if #syncs == 0 then return merge_redactions(call, parts, checks) end
  return merge_syncs(syncs)
end

local OPTIONS = {
  reports = "table|string", output = "string", loop = "table", on_progress = "function",
  deadline = "number",
}

--- See xcompliance.merge_reports.
-- @tparam table options
-- @tparam table usual_loop who waits if the options do not say
function M.merge(options, usual_loop)
  local own = errors.check_options("merge_reports", options, OPTIONS)
  local paths = errors.check_paths("merge_reports", "reports", own.reports)
  if not paths then errors.misuse("merge_reports: reports is missing") end
  local loop = own.loop or usual_loop
  errors.check_loop("merge_reports", loop)
  local call = calls.new(loop, { on_progress = own.on_progress, deadline = own.deadline })
  call:at("merge", "merging reports")
  local ok, err = file_names.check(call, "report", { inputs = paths, output = own.output },
    { inputs = "reports" })
  if not ok then return nil, err end
  local merged
  merged, err = merge(call, paths)
  if merged and merged.checked then ok, err = reports.check(merged) end
  if not merged or not ok then return nil, err end
  if own.output then
    ok, err = files.write(call, own.output, json.encode(merged) .. "\n")
    if not ok then return nil, err end
  end
  return merged
end

return M
