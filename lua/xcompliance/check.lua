--- A whole check: a list of ids in, its results out - a state machine, one function a state.
--
--     prepare -> { cut -> create -> upload -> wait -> download } -> join -> finish
--
-- A check is one list. A job is one part of it: the states in braces run once for each part, one
-- after another, because X runs one job of a type at a time. Each state ends in one line of the
-- journal, which says what comes next. Whatever happens between two lines, the next run begins that
-- state again, and each is made such that this is right.
-- @internal xcompliance.check

local downloads = require "xcompliance.check_download"
local jobs = require "xcompliance.check_job"
local lists = require "xcompliance.check_list"
local check_options = require "xcompliance.check_options"
local results = require "xcompliance.check_results"
local runs = require "xcompliance.check_run"
local uploads = require "xcompliance.check_upload"
local waits = require "xcompliance.check_wait"
local core = require "xcompliance.core"
local dataset = require "xcompliance.dataset"
local errors = require "xcompliance.errors"
local file_names = require "xcompliance.file_names"
local id_list = require "xcompliance.id_list"
local journals = require "xcompliance.journal"
local text = require "xcompliance.text"

local M = {}

local OPTIONS = {
  type = "string", ids = "string|table|function", results = "string", state = "string",
  verdicts = "boolean",
}
for name, types in pairs(check_options.types) do OPTIONS[name] = types end

local STATES = {
  prepare = lists.prepare, cut = lists.cut, create = jobs.create, cancel = jobs.cancel,
  upload = uploads.upload, wait = waits.wait, download = downloads.download, join = results.join,
  finish = results.finish,
}

--- Whether a job was created, or may have been: from then on the list is bound.
local function is_bound(facts)
  return facts.name ~= nil or facts.job ~= nil or facts.done_1 ~= nil
end

--- Whether the journal is of this list. Nothing is bound before a job exists.
local function check_journal(run)
  local facts = run.facts
  if run.journal:is_new() then return true end
  if not facts.list then return run:record { step = "prepare" } end
  local source, err = lists.sum(run, run.options.ids)
  if not source then return nil, err end
  local same_type = facts.type == run.options.type
  if same_type and lists.is_same(source, facts.source) then return true end
  if not is_bound(facts) then return run:record { step = "prepare", part = false } end
  if not same_type then return nil, run:not_this_list() end
  local list
  list, err = lists.write_list(run) -- the same ids in another order are the same list
  if not list then return nil, err end
  if not lists.is_same(list, facts.list) then return nil, run:not_this_list() end
  return run:record { step = facts.step, source = source }
end

--- An error that says at which part it happened.
local function with_part(run, err)
  local name = run:part_name()
  if not name then return err end
  local prefix = name .. ": "
  local message = err.message:sub(1, #prefix) == prefix and err.message or prefix .. err.message
  return errors.with(err, { message = message, part = run:number() })
end

--- Says what a run resumes, and since when that has been running.
local function report_resumption(run)
  local facts = run.facts
  if not run.resumed or not facts.list then return end
  run:label()
  run.call:report { message = ("resuming the check of %s%s%s"):format(
    text.plural(facts.list.ids, facts.type == "tweets" and "tweet id" or "user id"),
    facts.began and " that began at " .. text.moment(facts.began) or "",
    facts.job and ", with job " .. facts.job.id or "") }
end

local function drive(run)
  local ok, err = check_journal(run)
  if not ok then return nil, err end
  report_resumption(run)
  local step = run.facts.step or "prepare"
  while step ~= "done" do
    run:label()
    local next_step
    next_step, err = STATES[step](run)
    if not next_step then return nil, with_part(run, err) end
    step, run.resumes = next_step, false
  end
  return results.outcome(run)
end

--- A journal of format 1, whose check was one job for the whole list.
local function upgrade(facts)
  if not facts.list then return { step = "prepare" } end
  if facts.part then os.remove(facts.part.path) end -- of results: downloaded again, from the start
  local list = facts.list
  return {
    step = facts.step,
    part = { offset = 0, bytes = list.bytes, ids = list.ids, crc32c = list.crc32c },
  }
end

local function check_required(options)
  for _, name in ipairs { "type", "ids", "results" } do
    if not options[name] then errors.misuse("check: %s is missing", name) end
  end
  if options.type ~= "tweets" and options.type ~= "users" then
    errors.misuse("check: type must be 'tweets' or 'users', not '%s'", options.type)
  end
end

--- Removes what a run has kept; the journal last, because it knows of the rest.
local function remove_state(run)
  os.remove(run.list_path)
  os.remove(run.part_path)
  for number in ipairs(run:done()) do os.remove(run:part_results(number)) end
  run.journal:discard()
end

local function open_journal(run)
  local journal, err = journals.open(run.journal_path, upgrade)
  if not journal then return nil, errors.with(err, { creating = true }) end
  run.journal, run.facts, run.resumed = journal, journal.facts, not journal:is_new()
  run.resumes = run.resumed -- until the first state is through
  return journal
end

--- Ends with a result, or with what was raised. Misuse leaves no journal.
local function close_state(run, outcome, failure)
  local is_misuse = errors.is(failure) and failure.kind == "usage"
  local is_nothing = is_misuse and not run.resumed and not run.facts.job and not run.facts.done_1
  if outcome or is_nothing then
    remove_state(run)
  elseif run.journal:is_new() then
    run.journal:discard()
  else
    run.journal:close()
  end
end

--- Checks that what is written at the end can be written, before anything is asked.
local function check_targets(run)
  if run.options.state then
    local ok, err = core.make_folder(run.folder)
    if not ok then return nil, err end
  end
  for _, folder in ipairs { run.options.results:match("^(.*/)") or ".", run.folder } do
    local room, err = core.folder_room(folder)
    if not room then return nil, errors.with(err, { creating = true }) end
  end
  return true
end

--- Ids that are not in a file are written to one, for as long as the run takes.
local function write_given(run)
  if not run.given then return true end
  run.call:at("prepare", "writing the ids to " .. run.options.ids)
  return id_list.write(run.call, run.options.ids, run.given)
end

--- The results as verdicts in memory, if the caller wants them.
local function add_verdicts(run, outcome)
  if not outcome or not run.options.verdicts then return outcome end
  local err
  outcome.verdicts, err = dataset.verdicts {
    [run.options.type] = run.options.results, loop = run.call.loop,
  }
  if not outcome.verdicts then return nil, err end
  return outcome
end

--- Opens what a run needs and closes it again, however it ends.
local function run_to_end(run, on_finish)
  local ok, err = check_targets(run)
  if not ok then return nil, err end
  ok, err = open_journal(run)
  if not ok then return nil, err end
  local outcome
  ok, outcome, err = pcall(function()
    local written, failure = write_given(run)
    if not written then return nil, failure end
    local result
    result, failure = drive(run)
    if result and on_finish then
      local noted
      noted, failure = on_finish(result)
      if not noted then return nil, failure end
    end
    return result, failure
  end)
  close_state(run, ok and outcome, not ok and outcome)
  if run.given then os.remove(run.options.ids) end
  if not ok then error(outcome, 0) end
  if not outcome then return nil, err end
  return add_verdicts(run, outcome)
end

--- See client:check.
-- @tparam table connection
-- @tparam table options
-- @tparam[opt] function on_finish is given the outcome before the state of the check is removed;
-- returns true, or nil, err
-- @treturn ?table Outcome, or nil, err
function M.run(connection, options, on_finish)
  local call, checked = connection:call("check", options, OPTIONS)
  check_required(checked)
  check_options.check("check", checked)
  local given
  if type(checked.ids) ~= "string" then
    given, checked.ids = checked.ids, file_names.state_base(checked) .. ".given"
  end
  local ok, err = connection:check_names(call, "check", checked)
  if ok then ok, err = connection:check_ready() end
  if not ok then return nil, err end
  local run = runs.new(connection, call, checked)
  run.given = given
  return run_to_end(run, on_finish)
end

--- Whether a job was created for a check that has not ended, or may have been.
-- @tparam table connection
-- @tparam table options of the check
-- @treturn ?boolean or nil, err
function M.is_bound(connection, options)
  local run = runs.new(connection, connection:call("check", options, OPTIONS))
  local ok, err = open_journal(run)
  if not ok then return nil, err end
  if run.journal:is_new() then run.journal:discard() else run.journal:close() end
  return is_bound(run.facts)
end

--- Removes what is left of a check that has ended well and whose outcome was recorded.
-- @tparam table connection
-- @tparam table options of the check
-- @treturn true|nil,err
function M.forget(connection, options)
  local run = runs.new(connection, connection:call("check", options, OPTIONS))
  local ok, err = open_journal(run)
  if not ok then return nil, err end
  remove_state(run)
  return true
end

return M
