--- What a sync's report is made of: verdicts, counts of records, jobs, what has changed since.
-- @internal xcompliance.report_assembly

local core = require "xcompliance.core"
local dataset = require "xcompliance.dataset"
local differences = require "xcompliance.differences"
local errors = require "xcompliance.errors"
local part_reports = require "xcompliance.part_reports"
local removal_months = require "xcompliance.removal_months"
local reports = require "xcompliance.report_text"
local text = require "xcompliance.text"

local M = {}

--- A row that says "invalid" without an id leaves it open which id was not checked.
function M.check_nameless(run, verdicts)
  if (run.options.on_unknown or "stop") ~= "stop" then return true end
  for type, counts in pairs(verdicts:counts()) do
    if counts.nameless > 0 then
      return nil, errors.new("data", ("the results of %s hold %s of errors without an id, so"
        .. " some ids were not checked - look at %s, or say what to do by `on_unknown`"):format(
          type, text.plural(counts.nameless, "row"), run:results_path(type)))
    end
  end
  return true
end

local function add(sums, counts)
  for name, count in pairs(counts) do sums[name] = (sums[name] or 0) + count end
end

--- What became of the ids of a type; those to be deleted are listed for the next time.
local function count_outcomes(run, verdicts, type, checked)
  local counts, err = dataset.list_verdicts {
    verdicts = verdicts, type = type, ids = run:ids_path(type), outcome = "delete",
    output = run:condemned_path(type) .. ".new", loop = run.call.loop,
  }
  if not counts then return nil, err end
  checked.asked, checked.compliant = counts.asked, counts.compliant
  for _, outcome in ipairs(reports.OUTCOMES) do
    local count = counts[outcome]
    if outcome == "delete" and count then
      add(checked.reasons, count)
      for _, ids in pairs(count) do add(checked.outcomes, { delete = ids }) end
    elseif count then
      add(checked.outcomes, { [outcome] = count })
    end
  end
  return true
end

local function differ(run, type)
  if not run.has_report then return nil end
  local path = run:condemned_path(type)
  local found, err = differences.compare({ path }, { path .. ".new" }, { run:due_path(type) },
    run.call.loop)
  if not found then return nil, err end
  local places = {}
  if found.reinstated > 0 then
    local paths
    paths, err = run:quarantined_paths(run.call)
    if not paths then return nil, err end
    places, err = differences.locate(run.call, found.reinstated_ids, paths)
    if not places then return nil, err end
  end
  return { newly_gone = found.newly_gone, reinstated = found.reinstated, places = places }
end

local function assemble_type(run, verdicts, type, report)
  local extracted = run.facts["extracted_" .. type]
  local checked = { asked = 0, compliant = 0, outcomes = {}, reasons = {}, jobs = {},
    skipped = extracted.ids - (extracted.due or extracted.ids) }
  report.checked[type] = checked
  if extracted.ids > 0 then
    local ok, err = count_outcomes(run, verdicts, type, checked)
    if not ok then return nil, err end
  end
  if type == "tweets" and extracted.ids > 0 then
    report.removals_by_month = removal_months.count(run:condemned_path(type) .. ".new",
      run.call.loop)
  end
  local fact = run.facts["checked_" .. type]
  if fact then
    checked.jobs, report.verified = fact.jobs, report.verified and fact.verified
    add(report.calls, fact.calls)
  end
  local found, why = differ(run, type)
  if why then return nil, why end
  if found then report.differences = report.differences or {} end
  if found then report.differences[type] = found end
  return true
end

local function copy_counts(from, to)
  for _, name in ipairs(reports.RECORD_COUNTS) do to[name] = from[name] end
  return to
end

local function members_of(planned)
  local members = {}
  for i, member in ipairs(planned.members) do
    members[i] = copy_counts(member, { path = member.path })
  end
  return members
end

local function file_of(planned, applied, dry_run)
  local file = { path = planned.path, bytes = planned.bytes, crc32c = planned.crc32c }
  copy_counts(planned, file)
  if planned.members then file.members = members_of(planned) end
  if not dry_run then
    file.output = applied.output
    file.output_bytes, file.output_crc32c = applied.output_bytes, applied.output_crc32c
  end
  return file
end

--- What the records of each file were when their ids were extracted, and when the file had changed.
local function classes_by_path(run)
  local all = {}
  for _, list in ipairs { run.facts.extracted_tweets.classes, run.changed_classes or {} } do
    for _, file in ipairs(list) do
      all[file.path] = all[file.path] or {}
      table.insert(all[file.path], file)
    end
  end
  return all
end

--- A file that an earlier run has replaced, or that was changed since, has two sets of classes: one
-- is that of the records that were counted.
local function add_classes(file, found)
  local chosen = found[1] or {}
  for _, classes in ipairs(found) do
    local sum = classes.recognised + classes.notices + classes.malformed + classes.unrecognised
    if sum == file.records then chosen = classes end
  end
  for _, name in ipairs(reports.CLASSES) do file[name] = chosen[name] end
end

--- The edited tweets that stay, what was done about them, and where their ids are.
local function edited_tweets(run, planned)
  local options = run.options
  return {
    tweets = planned.rehydrate, treatment = (options.policy or {}).rehydrate or "keep",
    list = not options.dry_run and run:path("rehydrate.ids") or nil,
  }
end

--- The report of a run, checked to add up.
-- @treturn ?table or nil, err
function M.assemble(run, verdicts, planned, applied)
  local options = run.options
  local report = {
    format = reports.FORMAT, version = core.version, dry_run = options.dry_run or false,
    in_place = options.in_place or false, inputs = options.inputs, output = options.output,
    state = run.folder, quarantine = options.quarantine,
    started = reports.time(run.facts.started), finished = reports.time(os.time()),
    seconds = core.now() - run.call.began, verified = true, calls = {}, checked = {},
    files = {}, ignored = run.ignored, removals_by_month = {},
    settings = part_reports.settings(options), kind = "sync",
  }
  local classes = classes_by_path(run)
  for i, file in ipairs(planned.files) do
    report.files[i] = file_of(file, applied.files[i], options.dry_run)
    add_classes(report.files[i], classes[file.path] or {})
  end
  report.records = reports.total(report.files)
  report.edited = edited_tweets(run, planned)
  for _, type in ipairs { "tweets", "users" } do
    local ok, err = assemble_type(run, verdicts, type, report)
    if not ok then return nil, err end
  end
  local ok, err = reports.check(report)
  if not ok then return nil, err end
  return report
end

return M
