--- What one check has found, for the report of the redactions that its results were applied in.
-- @internal xcompliance.checked_ids

local dataset = require "xcompliance.dataset"
local errors = require "xcompliance.errors"
local id_file = require "xcompliance.id_file"
local lines = require "xcompliance.lines"
local removal_months = require "xcompliance.removal_months"
local reports = require "xcompliance.report_text"
local text = require "xcompliance.text"

local M = {}

local function wrong(path, format, ...)
  return nil, errors.new("data", path .. ": " .. format:format(...), { file = path })
end

--- The results must be those that the check has written.
local function check_results(call, check)
  local results = check.report.results
  local source, err = id_file.open(call, results)
  if not source then
    return nil, errors.with(err, { message = ("%s - %s names these results: run this in the folder"
      .. " of the check"):format(err.message, check.path) })
  end
  source:close()
  if source.crc32c == check.report.crc32c then return true end
  return wrong(results, "these are not the results that %s is of - give the report of the check"
    .. " that wrote them", check.path)
end

local COUNTS = { "ids", "rows", "nameless", "unknown", "scrub_geo", "rehydrate", "invalid" }

--- Whether verdicts that were applied have the counts of the results. Those of a deletion are by
-- reason.
local function is_same(applied, found)
  for _, name in ipairs(COUNTS) do
    if (applied[name] or 0) ~= (found[name] or 0) then return false end
  end
  local deleted, others = found.delete or {}, applied.delete or {}
  for reason, ids in pairs(deleted) do
    if others[reason] ~= ids then return false end
  end
  for reason in pairs(others) do
    if not deleted[reason] then return false end
  end
  return true
end

--- The counts of ids as a report has them.
local function checked_of(outcome, counts)
  local checked = { asked = outcome.ids, compliant = outcome.ids - counts.ids, skipped = 0,
    outcomes = {}, reasons = counts.delete or {}, jobs = reports.jobs(outcome.jobs) }
  for _, name in ipairs(reports.OUTCOMES) do checked.outcomes[name] = counts[name] end
  checked.outcomes.delete = nil
  for _, ids in pairs(checked.reasons) do
    checked.outcomes.delete = (checked.outcomes.delete or 0) + ids
  end
  return checked
end

local function months_of(call, verdicts)
  local list = lines.temporary_path()
  local counts, err = dataset.list_verdicts {
    verdicts = verdicts, type = "tweets", outcome = "delete", output = list, loop = call.loop,
  }
  local months = counts and removal_months.count(list, call.loop)
  os.remove(list)
  return months, err
end

--- Compares the results of a check with what was applied.
local function compare(check, first, counts)
  if not is_same(first.report.verdicts[check.report.type], counts) then
    return wrong(check.path, "its results are not those that %s was redacted with - give the report"
      .. " of the check whose results were applied", first.path)
  end
  if counts.ids > check.report.ids then
    return wrong(check.path, "it asked about %s, but its results name %s - it is damaged",
      text.plural(check.report.ids, "id"), text.count(counts.ids))
  end
  if counts.nameless > 0 and first.report.settings.on_unknown == "stop" then
    return wrong(check.report.results, "%s of errors without an id, so some ids were not checked -"
      .. " redact with --on-unknown if that may be ignored",
      text.plural(counts.nameless, "row"))
  end
  return true
end

--- Counts what a check has found.
-- @tparam table call
-- @tparam table check `{ path, report }`: what `check --json` printed
-- @tparam table first `{ path, report }` of a redaction that its results were applied in
-- @treturn ?table `checked`, `calls`, `verified`, `removals_by_month`, as the report of a sync has
-- them of one type; or nil, err
function M.count(call, check, first)
  local ok, err = check_results(call, check)
  if not ok then return nil, err end
  local type = check.report.type
  local verdicts
  verdicts, err = dataset.verdicts { [type] = check.report.results, loop = call.loop }
  if not verdicts then return nil, err end
  local counts, months = verdicts:counts()[type], nil
  ok, err = compare(check, first, counts)
  if ok and type == "tweets" then
    months, err = months_of(call, verdicts)
    ok = months ~= nil
  end
  verdicts:close()
  if not ok then return nil, err end
  return {
    checked = { [type] = checked_of(check.report, counts) }, calls = check.report.calls,
    verified = check.report.verified, removals_by_month = months,
  }
end

return M
