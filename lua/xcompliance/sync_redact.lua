--- The last part of a sync: what the results say is applied to the dataset.
-- @internal xcompliance.sync_redact

local dataset = require "xcompliance.dataset"
local differences = require "xcompliance.differences"
local errors = require "xcompliance.errors"
local files = require "xcompliance.sync_files"
local report_assembly = require "xcompliance.report_assembly"
local text = require "xcompliance.text"
local verdicts_of = require "xcompliance.verdicts"

local M = {}

local OPTIONS = {
  "policy", "on_unknown", "on_malformed", "on_unrecognised", "shape", "columns", "lists",
  "allow_rounded", "strict", "jobs",
}

--- The options of dataset.redact that a sync is given.
-- @tparam table given the sync's options
-- @treturn table
function M.options(given)
  local options = {
    inputs = given.inputs, output = given.output, in_place = given.in_place,
    dry_run = given.dry_run, quarantine = given.quarantine,
  }
  for _, name in ipairs(OPTIONS) do options[name] = given[name] end
  return options
end

local function skips(treatment) return treatment and treatment ~= "stop" and "skip" or "stop" end

--- The options of dataset.extract that a sync is given. What redaction has an answer for does not
-- stop the extraction.
-- @tparam table given the sync's options
-- @treturn table
function M.extraction_options(given)
  return {
    on_malformed = skips(given.on_malformed), on_unrecognised = skips(given.on_unrecognised),
    shape = given.shape, columns = given.columns, lists = given.lists or "tweets",
    allow_rounded = given.allow_rounded,
  }
end

-- {====================================================================
-- Files that have changed since the ids were extracted
-- =====================================================================

--- The first id in some files that was never checked.
-- @treturn ?string the id; false if there is none; nil, err
local function stranger_in(run, type, paths)
  local list = run:path("changed." .. type .. ".ids")
  local options = M.extraction_options(run.options)
  options.type, options.inputs, options.output = type, paths, list
  options.loop = run.call.loop
  local counts, err = dataset.extract(options)
  if not counts then return nil, err end
  run.changed_classes = counts.by_file
  local stranger
  stranger, err = differences.first_missing(list, { run:ids_path(type) }, run.call.loop)
  os.remove(list)
  if err then return nil, err end
  return stranger or false
end

local function stranger_error(run, type, paths)
  for _, path in ipairs(paths) do
    local stranger, err = stranger_in(run, type, { path })
    if stranger == nil then return err end
    if stranger then
      return errors.new("data", ("%s has changed since it was checked: it holds %s of %s, which"
        .. " was never checked - move the file away and run it again, or remove %s to start"
        .. " again: the results of %s are lost then"):format(path, stranger, type, run.journal.path,
          text.plural(run:job_count(), "job")), { file = path })
    end
  end
end

--- A file that has changed since its ids were extracted may still be redacted if it holds no id
-- that was never checked: so may one that a killed run has already replaced.
local function check_changed(run)
  run.call:at("list", "looking for files that have changed")
  local changed, err = files.changed(run.call, run.options.inputs, run.facts.files)
  if not changed then return nil, err end
  for _, type in ipairs(#changed > 0 and run.TYPES or {}) do
    local stranger
    stranger, err = stranger_in(run, type, changed)
    if stranger == nil then return nil, err end
    if stranger then return nil, stranger_error(run, type, changed) end
  end
  return true
end

-- }====================================================================

-- {====================================================================
-- Redacting
-- =====================================================================

local function load_verdicts(run)
  run.call:at("load", "loading the results")
  local options = { jobs = run.options.jobs, loop = run.call.loop,
    on_progress = run.options.on_progress }
  for _, type in ipairs(run.TYPES) do
    local paths = {}
    if run.facts["checked_" .. type] then paths[1] = run:results_path(type) end
    for _, name in ipairs(run.facts["extracted_" .. type].earlier or {}) do
      paths[#paths + 1] = run:path(name)
    end
    if #paths > 0 then options[type] = paths end
  end
  if not options.tweets and not options.users then return verdicts_of.none(run.call) end
  return dataset.verdicts(options)
end

--- A folder of its own for each run, so that no run writes over what an earlier one has kept.
local function quarantine_of(run)
  if not run.options.quarantine then return nil end
  local folder = run.options.quarantine .. os.date("!/%Y%m%dT%H%M%SZ", run.facts.started)
  local ok, err = files.make_folder(folder)
  if not ok then return nil, err end
  return folder
end

local function redact(run, verdicts, dry_run)
  run.call:at("redact", dry_run and "looking for what must go" or "redacting the dataset")
  local options = M.options(run.options)
  options.verdicts, options.loop, options.checksums = verdicts, run.call.loop, true
  options.on_progress, options.dry_run = run.options.on_progress, dry_run
  if dry_run then
    options.output, options.in_place, options.quarantine = nil, nil, nil
    return dataset.redact(options)
  end
  local err
  options.quarantine, err = quarantine_of(run)
  if err then return nil, err end
  options.rehydrate = run:path("rehydrate.ids")
  return dataset.redact(options)
end

local function is_touched(file) return file.changed + file.dropped + file.quarantined > 0 end

--- What an earlier run of this sync has counted of the files that it has replaced already.
local function keep_replaced(counts, before)
  local replaced = {}
  for _, file in ipairs(before and before.files or {}) do
    if is_touched(file) then replaced[file.path] = file end
  end
  for i, file in ipairs(counts.files) do
    local old = replaced[file.path]
    if old and old.crc32c ~= file.crc32c then counts.files[i] = old end
  end
end

--- In place, what a run has replaced cannot be counted again by the next one. So it is counted, and
-- the counts are recorded, before anything is replaced. They are of these settings.
local function plan(run, verdicts)
  local before = run.facts.plan
  if before and run.facts.settings == run.settings then return before end
  local counts, err = redact(run, verdicts, true)
  if not counts then return nil, err end
  keep_replaced(counts, before)
  local ok
  ok, err = run:record { plan = counts, settings = run.settings }
  if not ok then return nil, err end
  return counts
end

local function apply(run, verdicts)
  local planned, err
  if run.options.in_place or run.options.dry_run then
    planned, err = plan(run, verdicts)
    if not planned then return nil, err end
    if run.options.dry_run then return planned, planned end
  end
  local applied
  applied, err = redact(run, verdicts, nil)
  if not applied then return nil, err end
  return planned or applied, applied
end

--- Checks that the counts add up, before anything is published if there is a plan.
local function apply_and_report(run, verdicts)
  local ok, err = report_assembly.check_nameless(run, verdicts)
  if not ok then return nil, err end
  local planned, applied = apply(run, verdicts)
  if not planned then return nil, applied end
  local report
  report, err = report_assembly.assemble(run, verdicts, planned, applied)
  if not report then return nil, err end
  return run:record { step = "finish", report = report, settings = run.settings }
end

-- }====================================================================

--- Redacts the dataset of a sync.
-- @tparam table run of xcompliance.sync
-- @treturn ?string the next state, or nil, err
function M.redact(run)
  local ok, err = check_changed(run)
  if not ok then return nil, err end
  local verdicts
  verdicts, err = load_verdicts(run)
  if not verdicts then return nil, err end
  local step
  ok, step, err = pcall(apply_and_report, run, verdicts)
  verdicts:close()
  if not ok then error(step, 0) end
  return step, err
end

return M
