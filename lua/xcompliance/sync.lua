--- A dataset into compliance: list, extract, check tweets and users, redact, report.
--
-- A state machine like workflow.lua's, with a journal of its own in the state folder, where the
-- checks of tweets and of users have theirs too, so that a run resumes an interrupted one. When it
-- is done the state keeps the report and the ids that are condemned, for the differences at the
-- next time; then a new run is a new check.
-- @module xcompliance.sync

local asking_options = require "xcompliance.asking_options"
local core = require "xcompliance.core"
local dataset = require "xcompliance.dataset"
local differences = require "xcompliance.differences"
local errors = require "xcompliance.errors"
local files = require "xcompliance.sync_files"
local journals = require "xcompliance.journal"
local json = require "xcompliance.json"
local sync_report = require "xcompliance.sync_report"
local together = require "xcompliance.together"
local verdicts_of = require "xcompliance.verdicts"
local workflow = require "xcompliance.workflow"

local M = {}

local TYPES = { "tweets", "users" }

local OPTIONS = {
  inputs = "table", output = "string", in_place = "boolean", state = "string",
  quarantine = "string", dry_run = "boolean", memory = "number", policy = "table",
  on_unknown = "string", on_malformed = "string", strict = "boolean", jobs = "number",
}
for name, types in pairs(asking_options.types) do OPTIONS[name] = types end
local REDACT_OPTIONS = { "policy", "on_unknown", "on_malformed", "strict", "jobs" }

local STATES = {}

-- {====================================================================
-- Which files
-- =====================================================================

function STATES.list(run)
  run.call:at("list", "listing the dataset")
  local list, err = files.list(run.call, run.options.inputs)
  if not list then return nil, err end
  return run:record {
    step = "check", settings = run.settings, started = os.time(), files = list,
  }
end

-- }====================================================================

-- {====================================================================
-- Checking: tweets and users side by side
-- =====================================================================

--- What was quarantined is asked about as well: that is how a reinstatement shows.
local function paths_to_extract(run, call)
  local paths, err = run:quarantined_paths(call)
  if not paths then return nil, err end
  for _, file in ipairs(run.facts.files) do paths[#paths + 1] = file.path end
  return paths
end

local function extract(run, call, type)
  local known = run.facts["extracted_" .. type]
  if known then return known end
  call:at("extract", "extracting the ids of " .. type)
  local paths, err = paths_to_extract(run, call)
  if not paths then return nil, err end
  local counts
  counts, err = dataset.extract {
    type = type, inputs = paths, output = run:ids_path(type), loop = call.loop,
    memory = run.options.memory, on_malformed = run.options.on_malformed and "skip" or "stop",
    on_progress = run:progress(call),
  }
  if not counts then return nil, err end
  local fact = { ids = counts.ids }
  local ok
  ok, err = run:record { ["extracted_" .. type] = fact }
  if not ok then return nil, err end
  return fact
end

--- What the report says of a check.
local function fact_of(outcome)
  local fact = { verified = outcome.verified, calls = outcome.calls, jobs = {} }
  for i, job in ipairs(outcome.jobs) do
    fact.jobs[i] = {
      id = job.id, name = job.name, ids = job.ids, rows = job.rows, bytes = job.bytes,
      crc32c = job.crc32c, verified = job.verified, seconds = job.seconds,
    }
  end
  return fact
end

--- The check is recorded before its own state is removed, so that a run that is killed in between
-- does not ask again.
local function check_ids(run, client, call, type)
  local options = {
    type = type, ids = run:ids_path(type), results = run:results_path(type),
    state = run.options.state, deadline = run:left(), on_progress = run:progress(call),
  }
  for name in pairs(asking_options.types) do options[name] = run.options[name] end
  if run.facts["checked_" .. type] then return workflow.forget(client, options) end
  return workflow.run(client, options, function(outcome)
    return run:record { ["checked_" .. type] = fact_of(outcome) }
  end)
end

local function check_type(run, loop, type)
  local client = run.client:with_loop(loop)
  local call = client:call("sync", { deadline = run:left(), on_progress = run.options.on_progress })
  local extracted, err = extract(run, call, type)
  if not extracted then return nil, err end
  if extracted.ids == 0 then return true end
  return check_ids(run, client, call, type)
end

function STATES.check(run)
  local strands = {}
  for i, type in ipairs(TYPES) do
    strands[i] = function(loop) return check_type(run, loop, type) end
  end
  for _, result in ipairs(together.run(run.call.loop, strands)) do
    if not result[1] then return nil, result[2] end
  end
  return run:record { step = "redact" }
end

-- }====================================================================

-- {====================================================================
-- Redacting
-- =====================================================================

local function load_verdicts(run)
  run.call:at("load", "loading the results")
  local options = { jobs = run.options.jobs, loop = run.call.loop,
    on_progress = run:progress(run.call) }
  for _, type in ipairs(TYPES) do
    if run.facts["checked_" .. type] then options[type] = { run:results_path(type) } end
  end
  if not options.tweets and not options.users then return verdicts_of.none(run.call) end
  return dataset.verdicts(options)
end

--- A file that has changed since it was listed may still be redacted if it holds nothing that was
-- not asked about: so does one that a killed run had already replaced.
local function check_changed(run)
  run.call:at("list", "looking for files that have changed")
  local changed, err = files.changed(run.call, run.options.inputs, run.facts.files)
  if not changed then return nil, err end
  if #changed == 0 then return true end
  for _, type in ipairs(TYPES) do
    local path = run:path("changed." .. type .. ".ids")
    local ok
    ok, err = dataset.extract {
      type = type, inputs = changed, output = path, loop = run.call.loop,
      on_malformed = run.options.on_malformed and "skip" or "stop",
    }
    if not ok then return nil, err end
    local stranger = differences.first_missing(path, { run:ids_path(type) }, run.call.loop)
    os.remove(path)
    if stranger then
      return nil, errors.new("data", ("%s has changed since it was checked: it holds %s of %s,"
        .. " which was never asked about - leave the dataset alone meanwhile, remove %s and"
        .. " start again"):format(#changed == 1 and changed[1] or "one of " .. #changed
          .. " files", stranger, type, run.journal.path), { file = changed[1] })
    end
  end
  return true
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
  local options = {
    verdicts = verdicts, inputs = run.options.inputs, loop = run.call.loop, checksums = true,
    on_progress = run:progress(run.call), dry_run = dry_run,
  }
  for _, name in ipairs(REDACT_OPTIONS) do options[name] = run.options[name] end
  if dry_run then return dataset.redact(options) end
  local err
  options.quarantine, err = quarantine_of(run)
  if err then return nil, err end
  options.in_place, options.output = run.options.in_place, run.options.output
  options.rehydrate = run:path("rehydrate.ids")
  return dataset.redact(options)
end

--- In place, what a run has replaced cannot be counted again by the next one, so it is counted, and
-- that is noted, before anything is replaced.
local function plan(run, verdicts)
  if run.facts.plan then return run.facts.plan end
  local counts, err = redact(run, verdicts, true)
  if not counts then return nil, err end
  local ok
  ok, err = run:record { plan = counts }
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

-- }====================================================================

--- Checks that the counts add up, before anything is published where a plan was made.
local function judge(run, verdicts)
  local ok, err = sync_report.check_nameless(run, verdicts)
  if not ok then return nil, err end
  local planned, applied = apply(run, verdicts)
  if not planned then return nil, applied end
  local report
  report, err = sync_report.assemble(run, verdicts, planned, applied)
  if not report then return nil, err end
  return run:record { step = "finish", report = report }
end

function STATES.redact(run)
  local ok, err = check_changed(run)
  if not ok then return nil, err end
  local verdicts
  verdicts, err = load_verdicts(run)
  if not verdicts then return nil, err end
  local step
  ok, step, err = pcall(judge, run, verdicts)
  verdicts:close()
  if not ok then error(step, 0) end
  return step, err
end

-- }====================================================================

-- {====================================================================
-- Finishing
-- =====================================================================

--- The lists of this run become those of the last; each rename may have been done by a run before.
local function keep_lists(run)
  for _, type in ipairs(TYPES) do
    local path = run:condemned_path(type)
    if run.facts["checked_" .. type] then os.rename(path .. ".new", path) else os.remove(path) end
    os.remove(run:ids_path(type))
  end
end

function STATES.finish(run)
  local report = run.facts.report
  local ok, err = files.write(run.call, run:path("report.json"), json.encode(report) .. "\n")
  if not ok then return nil, err end
  keep_lists(run)
  run.report = report
  return "done"
end

-- }====================================================================

-- {====================================================================
-- The run
-- =====================================================================

local Run = {}
Run.__index = Run

function Run:path(name) return self.folder .. "/" .. name end

--- Records a state change.
-- @treturn ?string the next state, or true; or nil, err
function Run:record(entry)
  local ok, err = self.journal:record(entry)
  if not ok then return nil, err end
  self.facts = self.journal.facts
  return entry.step or true
end

--- Seconds until the deadline; nil where there is none.
function Run:left()
  return self.options.deadline and math.max(0, self.call:left())
end

--- The callback for what the parts of a run do.
function Run:progress() return self.options.on_progress end

function Run:ids_path(type) return self:path(type .. ".ids") end

function Run:results_path(type) return self:path(type .. ".results.jsonl") end

--- The list of the ids that are to be deleted is kept for the next time.
function Run:condemned_path(type) return self:path(type .. ".condemned") end

local NO_SUCH_FILE = 2 -- ENOENT

--- The files that earlier runs have quarantined records in.
-- @treturn ?table paths, or nil, err
function Run:quarantined_paths(call)
  local paths = {}
  if not self.options.quarantine then return paths end
  local found, err = call:ask(core.list_files(self.options.quarantine))
  if not found then return err.system == NO_SUCH_FILE and paths or nil, err end
  for i, file in ipairs(found) do paths[i] = file.path end
  return paths
end

local function strip_slashes(path)
  return (path:gsub("(.)/+$", "%1"))
end

local function check_options(options)
  options.inputs = errors.check_paths("sync", "inputs", options.inputs)
  if not options.inputs then errors.misuse("sync: inputs is missing") end
  if not options.output and not options.in_place and not options.dry_run then
    errors.misuse("sync: give an output, in_place or dry_run")
  end
  if options.output and options.in_place then
    errors.misuse("sync: give an output or in_place, not both")
  end
  options.output = options.output and strip_slashes(options.output)
  for i, input in ipairs(options.inputs) do
    options.inputs[i] = strip_slashes(input)
    if input == "-" then errors.misuse("sync: standard input is read only once - give files") end
  end
end

--- Where the state is kept when the user does not say.
local function default_state(call, options)
  if options.output then return options.output .. "/.xcompliance" end
  local first = options.inputs[1]
  local found, err = call:ask(core.list_files(first))
  if not found then return nil, err end
  local is_file = found[1] and not found[1].found
  local folder = is_file and (first:match("^(.*)/[^/]*$") or ".") or first
  return folder .. "/.xcompliance"
end

--- What must be the same for a run to go on where another one was.
local function settings_of(options)
  return json.encode {
    inputs = options.inputs, output = options.output, in_place = options.in_place,
    quarantine = options.quarantine, dry_run = options.dry_run, policy = options.policy,
    on_unknown = options.on_unknown, on_malformed = options.on_malformed,
  }
end

--- What the last report of this state says of its lists.
local function last_state(run)
  local file = io.open(run:path("report.json"), "r")
  local report = file and json.decode(file:read("*a"))
  if file then file:close() end
  return { parts = type(report) == "table" and not report.dry_run }
end

local function drive(run)
  if not run.journal:is_new() and run.facts.settings ~= run.settings then
    return nil, errors.new("usage", ("%s is of an unfinished sync with other options - finish that"
      .. " one first, give another state folder, or remove the file to begin anew"):format(
        run.journal.path))
  end
  run.state = last_state(run)
  local step = run.facts.step or "list"
  while step ~= "done" do
    local next_step, err = STATES[step](run)
    if not next_step then return nil, err end
    step = next_step
  end
  return run.report
end

local function run_to_end(run)
  local ok, err = files.make_folder(run.folder)
  if not ok then return nil, err end
  run.journal, err = journals.open(run:path("sync.journal"))
  if not run.journal then return nil, err end
  run.facts = run.journal.facts
  local report
  ok, report, err = pcall(drive, run)
  if ok and report then run.journal:discard() else run.journal:close() end
  if not ok then error(report, 0) end
  return report, err
end

--- Brings a dataset into compliance. The same sync again goes on where an unfinished one was; after
-- a finished one it is a new check.
-- @tparam table client
-- @tparam table options `inputs` (files and folders) and `output` (a folder), `in_place` or
-- `dry_run`; `state` (a folder; default: .xcompliance in the output, or beside the dataset),
-- `quarantine` (a folder), `policy`, `on_unknown`, `on_malformed`, `strict`, `jobs` (as
-- dataset.redact has them),
-- `ids_per_job`, `memory`, `name`, `poll`, `upload`, `max_polls_per_15min` (as check has them),
-- `deadline`, `on_progress`
-- @treturn ?table the report (docs/report.md), or nil, err
function M.sync(client, options)
  local call, checked = client:call("sync", options, OPTIONS)
  check_options(checked)
  local folder, err = checked.state, nil
  if not folder then folder, err = default_state(call, checked) end
  if not folder then return nil, err end
  checked.state = folder
  local ok
  ok, err = client:check_names(call, "sync", checked)
  if not ok then return nil, err end
  return run_to_end(setmetatable({
    client = client, call = call, options = checked, folder = strip_slashes(folder),
    settings = settings_of(checked),
  }, Run))
end

return M
