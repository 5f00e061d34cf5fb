--- A dataset into compliance: list, extract, check tweets and users, redact, report.
--
-- A state machine like check.lua's, with a journal of its own in the state folder, where the
-- checks of tweets and of users have theirs too, so that a run resumes an interrupted one. When it
-- is done the state keeps the report and the ids that are condemned, for the differences at the
-- next time; then a new run is a new check.
-- @internal xcompliance.sync

local check_options = require "xcompliance.check_options"
local checks = require "xcompliance.check"
local core = require "xcompliance.core"
local dataset = require "xcompliance.dataset"
local errors = require "xcompliance.errors"
local files = require "xcompliance.sync_files"
local journals = require "xcompliance.journal"
local json = require "xcompliance.json"
local recent_checks = require "xcompliance.recent_checks"
local reports = require "xcompliance.report_text"
local sync_redact = require "xcompliance.sync_redact"
local text = require "xcompliance.text"
local together = require "xcompliance.together"

local M = {}

local TYPES = { "tweets", "users" }

local OPTIONS = {
  inputs = "table", output = "string", in_place = "boolean", state = "string",
  quarantine = "string", dry_run = "boolean", memory = "number", policy = "table",
  on_unknown = "string", on_malformed = "string", strict = "boolean", jobs = "number",
  on_unrecognised = "string", on_ignored = "string", shape = "string", columns = "table",
  lists = "string", max_age = "number",
}
for name, types in pairs(check_options.types) do OPTIONS[name] = types end

local MEMORY_MIN = 16 * 1024 * 1024 -- bytes that the extraction can sort in
local NAMED_MAX = 10 -- files that a message names

local STATES = { redact = sync_redact.redact }

-- {====================================================================
-- Which files
-- =====================================================================

--- Starts with the files as they are now.
local function begin(run)
  return run:record {
    step = "check", started = os.time(), files = run.files, extracted_tweets = false,
    extracted_users = false, age = run.age,
  }
end

function STATES.list(run) return begin(run) end

-- }====================================================================

-- {====================================================================
-- Checking: tweets and users side by side
-- =====================================================================

--- What was quarantined is asked about as well: that is how a reinstatement shows.
local function paths_to_extract(run, call)
  local paths, err = run:quarantined_paths(call)
  if not paths then return nil, err end
  for _, file in ipairs(run.files) do paths[#paths + 1] = file.path end
  return paths
end

--- What the records of the dataset are, by file; those of the quarantine are not of the dataset.
local function classes_of(run, counts)
  local classes, of = {}, {}
  for _, file in ipairs(run.files) do of[file.path] = true end
  for _, file in ipairs(counts.by_file) do
    if of[file.path] then classes[#classes + 1] = file end
  end
  return classes
end

--- Somebody may have removed a list. It is extracted again then, and the check compares it with the
-- one that it asked about.
local function has_list(run, type)
  for _, path in ipairs { run:ids_path(type), run:due_path(type) } do
    local file = io.open(path)
    if not file then return false end
    file:close()
  end
  return true
end

--- Notes how many of the ids are due, and which earlier results count for the others: these are
-- applied, whatever happens to the index until then.
local function add_due(run, type, fact)
  fact.due, fact.earlier = fact.ids, {}
  if not run.options.max_age then return fact end
  local recent, err = recent_checks.list(run.folder, type, run.options.max_age, run.facts.started)
  if not recent then return nil, err end
  for i, check in ipairs(recent) do fact.earlier[i] = text.basename(check.results) end
  fact.due, err = recent_checks.due(run.call, run:ids_path(type), recent, run:due_path(type))
  return fact.due and fact, err
end

local function extract(run, call, type)
  local known = run.facts["extracted_" .. type]
  if known and (known.ids == 0 or has_list(run, type)) then return known end
  call:at("extract", "extracting the ids of " .. type)
  local paths, err = paths_to_extract(run, call)
  if not paths then return nil, err end
  local options = sync_redact.extraction_options(run.options)
  options.type, options.inputs, options.output = type, paths, run:ids_path(type)
  options.loop, options.memory, options.on_progress = call.loop, run.options.memory,
    run.options.on_progress
  local counts
  counts, err = dataset.extract(options)
  if not counts then return nil, err end
  local fact
  fact, err = add_due(run, type, { ids = counts.ids, classes = classes_of(run, counts) })
  if not fact then return nil, err end
  local ok
  ok, err = run:record { ["extracted_" .. type] = fact }
  if not ok then return nil, err end
  return fact
end

--- What the report says of a check.
local function fact_of(outcome)
  return { verified = outcome.verified, calls = outcome.calls, jobs = reports.jobs(outcome.jobs) }
end

--- The check is recorded before its own state is removed, so that a run that is killed in between
-- does not ask again.
local function check_ids(run, connection, type)
  local options = run:check_options(type)
  options.deadline, options.on_progress = run:left(), run.options.on_progress
  if run.facts["checked_" .. type] then return checks.forget(connection, options) end
  return checks.run(connection, options, function(outcome)
    return run:record { ["checked_" .. type] = fact_of(outcome) }
  end)
end

local function check_type(run, loop, type)
  local connection = run.connection:with_loop(loop)
  local call = connection:call("sync",
    { deadline = run:left(), on_progress = run.options.on_progress })
  local extracted, err = extract(run, call, type)
  if not extracted then return nil, err end
  if extracted.due == 0 then return true end
  return check_ids(run, connection, type)
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
-- Finishing
-- =====================================================================

--- What was asked, and the answers, if they are to count for runs to come.
local function keep_checks(run)
  local asked = {}
  for _, type in ipairs(TYPES) do
    local checked = run.facts["checked_" .. type]
    if checked then
      asked[type] = { job = checked.jobs[1].id, ids = run:due_path(type),
        results = run:results_path(type) }
    end
  end
  return recent_checks.keep(run.call, run.folder, run.options.max_age, run.facts.started, asked)
end

--- The lists of this run become those of the last; each rename may have been done by a run before.
local function keep_lists(run)
  for _, type in ipairs(TYPES) do
    local path = run:condemned_path(type)
    local is_known = run.facts["extracted_" .. type].ids > 0
    if is_known then os.rename(path .. ".new", path) else os.remove(path) end
    os.remove(run:ids_path(type))
    os.remove(run:due_path(type))
  end
end

--- A dry run has a report of its own and keeps no lists: the next sync reports what has changed
-- since the last one that was applied.
local function drop_lists(run)
  for _, type in ipairs(TYPES) do
    os.remove(run:condemned_path(type) .. ".new")
    os.remove(run:ids_path(type))
    os.remove(run:due_path(type))
  end
end

function STATES.finish(run)
  local report = run.facts.report
  local path = run:path(reports.file_name(report))
  local ok, err = files.write(run.call, path, json.encode(report) .. "\n")
  if not ok then return nil, err end
  if report.dry_run then
    drop_lists(run)
  else
    ok, err = keep_checks(run)
    if not ok then return nil, err end
    keep_lists(run)
  end
  run.report = report
  return "done"
end

-- }====================================================================

-- {====================================================================
-- The run
-- =====================================================================

local Run = { TYPES = TYPES }
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

--- Seconds until the deadline; nil if there is none.
function Run:left()
  return self.options.deadline and math.max(0, self.call:left())
end

function Run:ids_path(type) return self:path(type .. ".ids") end

--- The list of the ids that are asked about.
function Run:due_path(type)
  return self.options.max_age and self:path(type .. ".due.ids") or self:ids_path(type)
end

function Run:results_path(type) return self:path(type .. ".results.jsonl") end

--- The list of the ids that must be deleted is kept for the next time.
function Run:condemned_path(type) return self:path(type .. ".condemned") end

--- What the check of a type is given.
function Run:check_options(type)
  local options = {
    type = type, ids = self:due_path(type), results = self:results_path(type), state = self.folder,
  }
  for name in pairs(check_options.types) do options[name] = self.options[name] end
  return options
end

--- How many jobs have ended.
function Run:job_count()
  local count = 0
  for _, type in ipairs(TYPES) do
    local checked = self.facts["checked_" .. type]
    count = count + (checked and #checked.jobs or 0)
  end
  return count
end

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

local function check_all(options)
  options.inputs = errors.check_paths("sync", "inputs", options.inputs)
  if not options.inputs then errors.misuse("sync: inputs is missing") end
  if not options.output and not options.in_place and not options.dry_run then
    errors.misuse("sync: give `output`, `in_place` or `dry_run`")
  end
  if options.output and options.in_place then
    errors.misuse("sync: give an output or in_place, not both")
  end
  check_options.check("sync", options)
  check_options.check_whole("sync", options, "memory", MEMORY_MIN)
  if options.max_age and not (options.max_age > 0 and options.max_age < math.huge) then
    errors.misuse("sync: max_age must be a number of days")
  end
  core.check_redaction(sync_redact.options(options), "sync")
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

--- What the counts of a redaction depend on. It may change from run to run.
local function settings_of(options)
  return json.encode {
    inputs = options.inputs, output = options.output, in_place = options.in_place,
    quarantine = options.quarantine, dry_run = options.dry_run, policy = options.policy,
    on_unknown = options.on_unknown, on_malformed = options.on_malformed,
    on_unrecognised = options.on_unrecognised, shape = options.shape, columns = options.columns,
    lists = options.lists, strict = options.strict, allow_rounded = options.allow_rounded,
    max_age = options.max_age,
  }
end

--- A number as the journal compares it: through JSON it might be rounded.
local function age_of(options)
  return options.max_age and ("`max_age` %.14g"):format(options.max_age) or false
end

--- Whether the state has the report of a sync that was applied, and so the lists of its ids.
local function has_report(run)
  local file = io.open(run:path("report.json"), "r")
  if file then file:close() end
  return file ~= nil
end

-- }====================================================================

-- {====================================================================
-- Resuming: only the lists of ids are bound, and they only once a job exists
-- =====================================================================

local function tell_changes(run, changes)
  for i, change in ipairs(changes) do
    if i > NAMED_MAX then
      local more = text.plural(#changes - NAMED_MAX, "file")
      run.call:report { warning = ("and %s more"):format(more) }
      return
    end
    run.call:report { warning = change }
  end
end

--- Whether a job was created for the list of ids of a type.
-- @treturn ?boolean or nil, err
local function is_type_bound(run, type)
  if run.facts["checked_" .. type] then return true end
  return checks.is_bound(run.connection, run:check_options(type))
end

--- Drops the list of ids of a type, unless a job was created for it.
-- @treturn ?boolean whether it was bound; or nil, err
local function release(run, type)
  local is_bound, err = is_type_bound(run, type)
  if is_bound then return true end
  if is_bound == nil then return nil, err end
  local ok
  ok, err = run:record { ["extracted_" .. type] = false }
  if not ok then return nil, err end
  return false
end

--- Files that were moved, repaired or added meanwhile are named. Lists that are not bound are made
-- again; what is bound is compared with the files before they are redacted.
local function check_files(run)
  local changes = files.differences(run.files, run.facts.files)
  if #changes == 0 then return true end
  tell_changes(run, changes)
  local any = false
  for _, type in ipairs(TYPES) do
    local is_bound, err = release(run, type)
    if is_bound == nil then return nil, err end
    any = any or is_bound
  end
  if any then return true end
  return begin(run)
end

--- A run with other settings redacts again.
local function check_settings(run)
  if run.facts.step ~= "finish" or run.facts.settings == run.settings then return true end
  return run:record { step = "redact", report = false }
end

--- Whether a job was created, or records are being replaced.
-- @treturn ?boolean or nil, err
local function is_bound(run)
  if run.facts.step ~= "check" then return true end
  for _, type in ipairs(TYPES) do
    local bound, err = is_type_bound(run, type)
    if bound ~= false then return bound, err end
  end
  return false
end

--- Another `max_age` is another list of ids, and other earlier results: a run that is bound must
-- end with that which it began with. One that is not begins again.
local function check_age(run)
  local bound, err = is_bound(run)
  if bound == nil then return nil, err end
  if not bound then return begin(run) end
  return nil, errors.new("usage", ("%s is of an unfinished sync with %s, which decides what was"
    .. " asked and what counts - run that one to its end first, or remove the file to start again:"
    .. " the results of %s are lost then"):format(run.journal.path,
      run.facts.age or "no `max_age`", text.plural(run:job_count(), "job")),
    { file = run.journal.path })
end

local function resume(run)
  if run.journal:is_new() then return true end
  if run.facts.started then
    run.call:report { message = "resuming the sync that began at " .. text.moment(run.facts.started)
      .. "; state: " .. run.folder }
  end
  if run.facts.started and (run.facts.age or false) ~= run.age then return check_age(run) end
  if run.facts.step == "check" then return check_files(run) end
  return check_settings(run)
end

-- }====================================================================

-- {====================================================================
-- The call
-- =====================================================================

--- Checks that what is written at the end can be written, before anything is asked.
local function check_targets(run)
  local options, total, largest = run.options, 0, 0
  for _, file in ipairs(run.files) do
    total, largest = total + file.bytes, math.max(largest, file.bytes)
  end
  if options.dry_run then return true end
  if options.quarantine then
    local ok, err = files.check_room(options.quarantine, 0)
    if not ok then return nil, err end
  end
  if options.output then return files.check_room(options.output, total) end
  local checked = {}
  for _, file in ipairs(run.files) do
    local folder = file.path:match("^(.*)/[^/]*$") or "."
    if not checked[folder] then
      local ok, err = files.check_room(folder, largest)
      if not ok then return nil, err end
      checked[folder] = true
    end
  end
  return true
end

local function drive(run)
  local err
  run.call:at("list", "listing the dataset")
  local ok
  run.files, run.ignored = files.list(run.call, run.options.inputs, run.options.on_ignored)
  if not run.files then return nil, run.ignored end
  ok, err = check_targets(run)
  if ok then ok, err = resume(run) end
  if not ok then return nil, err end
  run.has_report = has_report(run)
  local step = run.facts.step or "list"
  while step ~= "done" do
    local next_step
    next_step, err = STATES[step](run)
    if not next_step then return nil, err end
    step = next_step
  end
  return run.report
end

--- Misuse leaves no journal.
local function close_journal(run, report, failure)
  local is_misuse = errors.is(failure) and failure.kind == "usage"
  local is_nothing = is_misuse and run.was_new and run:job_count() == 0
  if report or is_nothing or run.journal:is_new() then
    run.journal:discard()
  else
    run.journal:close()
  end
end

local function run_to_end(run)
  local ok, err = files.make_folder(run.folder)
  if not ok then return nil, err end
  run.journal, err = journals.open(run:path("sync.journal"))
  if not run.journal then return nil, err end
  run.facts, run.was_new = run.journal.facts, run.journal:is_new()
  local report
  ok, report, err = pcall(drive, run)
  close_journal(run, ok and report, not ok and report)
  if not ok then error(report, 0) end
  return report, err
end

--- See client:sync.
-- @tparam table connection
-- @tparam table options
-- @treturn ?table the report (docs/report.md), or nil, err
function M.sync(connection, options)
  local call, checked = connection:call("sync", options, OPTIONS)
  check_all(checked)
  local folder, err = checked.state, nil
  if not folder then folder, err = default_state(call, checked) end
  if not folder then return nil, err end
  checked.state = folder
  local ok
  ok, err = connection:check_names(call, "sync", checked)
  if ok then ok, err = connection:check_ready() end
  if not ok then return nil, err end
  return run_to_end(setmetatable({
    connection = connection, call = call, options = checked, folder = strip_slashes(folder),
    settings = settings_of(checked), age = age_of(checked),
  }, Run))
end

-- }====================================================================

return M
