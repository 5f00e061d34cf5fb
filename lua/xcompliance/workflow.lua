--- A whole check: prepare, create, upload, wait, download - a state machine, one function a state.
--
-- Each state ends in one line of the journal, which says what comes next. Whatever happens between
-- two lines, the next run begins that state again, and each is made such that this is right.
-- @module xcompliance.workflow

local core = require "xcompliance.core"
local dates = require "xcompliance.dates"
local download = require "xcompliance.download"
local errors = require "xcompliance.errors"
local journals = require "xcompliance.journal"
local operations = require "xcompliance.operations"
local calls = require "xcompliance.call"
local retry = require "xcompliance.retry"
local sources = require "xcompliance.source"
local text = require "xcompliance.text"
local upload = require "xcompliance.upload"

local M = {}

local RESUMABLE_ABOVE = 8 * 1024 * 1024 -- bytes: what a broken upload may cost
local POLL = { min = 5, max = 60 } -- seconds
local POLL_PATIENCE = 4 -- times the attempts that other calls have: asking again costs little
local JOBS_MAX = 3 -- that a run makes one after another because the upload came too late
local NAME_MAX = 64 -- code points
local WINDOW = 900 -- seconds of the API's rate limits

local OPTIONS = {
  type = "string", ids = "string", results = "string", name = "string", state = "string",
  poll = "table", upload = "string", chunk = "number", max_polls_per_15min = "number",
  allow_unframed = "boolean",
}

-- {====================================================================
-- Preparing: the list is checked before any job is made
-- =====================================================================

--- What tells a list from another one.
local function sum(run, path)
  local source, err = sources.open(run.call, path)
  if not source then return nil, err end
  source:close()
  return { bytes = source.bytes, ids = source.lines, crc32c = source.crc32c }
end

local function is_same(list, other)
  return list.bytes == other.bytes and list.crc32c == other.crc32c
end

--- Writes the list as it will be sent: each id once.
local function write_list(run)
  run.call:at("prepare", "reading " .. run.options.ids)
  local result, err = run.call:await(core.extract {
    type = run.options.type, format = "ids", inputs = { run.options.ids }, output = run.list_path,
  })
  if not result then return nil, err end
  if result.ids == 0 then
    os.remove(run.list_path)
    return nil, errors.new("data", run.options.ids .. " holds no ids: there is nothing to ask",
      { file = run.options.ids })
  end
  return sum(run, run.list_path)
end

local STATES = {}

function STATES.prepare(run)
  local source, err = sum(run, run.options.ids)
  if not source then return nil, err end
  local list
  list, err = write_list(run)
  if not list then return nil, err end
  return run:record { step = "create", type = run.options.type, source = source, list = list }
end

-- }====================================================================

-- {====================================================================
-- Creating
-- =====================================================================

--- The user's name with something behind it that no other job has, cut so that both fit.
local function unique_name(name)
  local suffix = core.random_hex(4)
  local kept, points = name, 0
  for at in name:gmatch("()[^\128-\191][\128-\191]*") do
    if points == NAME_MAX - #suffix - 1 then
      kept = name:sub(1, at - 1)
      break
    end
    points = points + 1
  end
  return kept .. "-" .. suffix
end

local function wants_resumable(run)
  local how = run.options.upload or "auto"
  if how == "auto" then return run.facts.list.bytes > RESUMABLE_ABOVE end
  return how == "resumable"
end

--- The name is on the disk before it is sent: a run that dies in between finds its job by it.
function STATES.create(run)
  run.call:at("create", "creating a compliance job")
  local asked = run.facts.name ~= nil
  if not asked then
    local name = unique_name(run.options.name or "xcompliance")
    local ok, err = run:record { step = "create", name = name }
    if not ok then return nil, err end
  end
  local response, err = operations.create(run.client, run.call, {
    type = run.options.type, name = run.facts.name, unique = true, asked = asked,
    resumable = wants_resumable(run),
  })
  if not response then return nil, err end
  run.call:tell { message = ("job %s was created"):format(response.data.id) }
  return run:record { step = "upload", job = response.data }
end

--- The state before a job was made: this one can come to nothing.
local function without_job()
  return {
    step = "create", job = false, name = false, session = false, uploaded = false, part = false,
  }
end

-- }====================================================================

-- {====================================================================
-- Uploading
-- =====================================================================

--- Nothing was uploaded in time. A new job costs a request, so there are not many of them.
local function too_late(run, err)
  run.jobs = (run.jobs or 1) + 1
  if run.jobs > JOBS_MAX then return nil, err end
  run.call:tell { warning = err.message .. " - creating another job" }
  return run:record(without_job())
end

--- Something else than our list was uploaded. The job works on it: it is given up.
local function spoilt(run, err)
  local ok, failure = run:record(without_job())
  if not ok then return nil, failure end
  return nil, errors.with(err, { message = err.message .. ": run the same command again" })
end

local function is_past(run, date)
  local ends_at = dates.iso(date)
  local now, known = run.client:server_time(os.time())
  return ends_at and known and now >= ends_at
end

--- What has become of the job meanwhile: a run that is taken up may have uploaded already.
local function status_of_job(run)
  if not run.taken_up then return "created" end
  local response, err = operations.list_job(run.client, run.call, run.facts.job.id)
  if not response then return nil, err end
  return response.data.status
end

--- The list is ours, and can be made again; but it must be the list that the job was made for.
local function ensure_list(run)
  local list = sum(run, run.list_path)
  if list and is_same(list, run.facts.list) then return true end
  local err
  list, err = write_list(run)
  if not list then return nil, err end
  if is_same(list, run.facts.list) then return true end
  return nil, errors.new("data", ("%s is not the list that this run began with - remove %s to begin"
    .. " anew"):format(run.options.ids, run.journal.path), { file = run.options.ids })
end

local function put(run)
  return upload.run(run.client, run.call, run.facts.job.upload_url, run.list_path, {
    job_id = run.facts.job.id,
    name = run.options.ids, expected = run.facts.list, chunk = run.options.chunk,
    session = run.facts.session,
    on_session = function(uri) return run:record { step = "upload", session = uri } end,
  })
end

function STATES.upload(run)
  run.call:at("upload", "uploading the ids")
  local job, session = run.facts.job, run.facts.session
  local status, err = status_of_job(run)
  if not status then return nil, err end
  if status == "expired" or (not session and is_past(run, job.upload_expires_at)) then
    return too_late(run, errors.new("expired", ("job %s: its upload URL has expired at %s"):format(
      job.id, tostring(job.upload_expires_at))))
  end
  if status ~= "created" and not session then return run:record { step = "wait" } end
  local ok
  ok, err = ensure_list(run)
  if not ok then return nil, err end
  local said, info = put(run)
  if not said then
    if info.kind == "expired" then return too_late(run, info) end
    if info.spoilt then return spoilt(run, info) end
    return nil, info
  end
  run.call:tell { message = ("%s ids (%s) were uploaded"):format(text.count(info.ids),
    text.size(info.bytes)) }
  return run:record { step = "wait", uploaded = info, session = false }
end

-- }====================================================================

-- {====================================================================
-- Waiting
-- =====================================================================

local KNOWN = { created = true, in_progress = true, complete = true, failed = true, expired = true }

local function give_up(run, job)
  local what = ("job %s %s"):format(job.id, job.status == "failed" and "failed" or "has expired")
  if job.error then what = what .. ": " .. core.mask(tostring(job.error)) end
  if job.status == "expired" and run.facts.uploaded then
    what = what .. ", although the ids were uploaded"
  end
  local ok, err = run:record(without_job())
  if not ok then return nil, err end
  return nil, errors.new(job.status == "failed" and "job_failed" or "expired",
    what .. " - run the same command again to make a new job", { job = errors.masked(job) })
end

--- How long until the next look; and why, where that is for the API's sake.
local function pace(run, looks, headers)
  local seconds, limited = retry.poll(looks, run.poll, calls.random),
    retry.exhausted(headers, os.time())
  if limited <= seconds then return seconds end
  return limited, "rate limited until " .. text.clock(os.time() + limited)
end

--- Takes one look. A look that fails is taken again: the job goes on meanwhile.
local function look(run)
  local failures = 0
  while true do
    local response, details = operations.look(run.client, run.call, run.facts.job.id)
    if response then return response.data, details end
    failures = failures + 1
    local ok, err = run.call:pause(failures, details, run.patience)
    if not ok then return nil, err end
  end
end

local function wait_before_look(run, seconds, status, why)
  local event = { status = status, message = why and ("the job is %s; %s"):format(status, why) }
  if not KNOWN[status] then
    event.warning = ("the job's status is '%s', which is not known - waiting on"):format(
      text.plain(status))
  end
  return run.call:sleep(seconds, event, event.message or "the job is " .. status)
end

function STATES.wait(run)
  run.call:at("wait", ("waiting for job %s"):format(run.facts.job.id))
  local status, looks = "in_progress", 0
  local seconds, why = run.taken_up and 0 or pace(run, 0, {}), nil
  while true do
    local ok, err = wait_before_look(run, seconds, status, why)
    if not ok then return nil, err end
    local job, details = look(run)
    if not job then return nil, details end
    if job.status == "complete" then return run:record { step = "download", job = job } end
    if job.status == "failed" or job.status == "expired" then return give_up(run, job) end
    status, looks = job.status, looks + 1
    seconds, why = pace(run, looks, details.headers)
  end
end

-- }====================================================================

-- {====================================================================
-- Downloading
-- =====================================================================

local function get(run)
  return download.run(run.client, run.call, run.facts.job.download_url, run.options.results, {
    job_id = run.facts.job.id,
    patient = true, allow_unframed = run.options.allow_unframed, part = run.facts.part,
    on_part = function(part) return run:record { step = "download", part = part } end,
  })
end

local function refresh_job(run)
  local response, err = operations.list_job(run.client, run.call, run.facts.job.id)
  if not response then return nil, err end
  return run:record { step = "download", job = response.data }
end

function STATES.download(run)
  local status, info = get(run)
  if not status and info.kind == "expired" then
    local ok, err = refresh_job(run)
    if not ok then return nil, err end
    status, info = get(run)
  end
  if not status then return nil, info end
  run.downloaded = info
  return "done"
end

-- }====================================================================

-- {====================================================================
-- The run
-- =====================================================================

local Run = {}
Run.__index = Run

--- Records a state change.
-- @treturn ?string the next state, or nil, err
function Run:record(entry)
  local ok, err = self.journal:record(entry)
  if not ok then return nil, err end
  self.facts = self.journal.facts
  return entry.step
end

--- Whether the journal is of this list.
local function check_journal(run)
  local facts = run.facts
  if run.journal:is_new() then return true end
  local source, err = sum(run, run.options.ids)
  if not source then return nil, err end
  local same_type = facts.type == run.options.type
  if same_type and is_same(source, facts.source) then return true end
  return nil, errors.new("usage", ("%s is of an unfinished check of %s - finish that one first,"
    .. " give another state folder, or remove the file to begin anew"):format(run.journal.path,
      same_type and "another list" or facts.type))
end

-- What is not to be deleted has no reason: its outcome is told in its place.
local function reasons_of(counts)
  local reasons = {
    unknown = counts.unknown, scrub_geo = counts.scrub_geo, rehydrate = counts.rehydrate,
    invalid = counts.invalid,
  }
  for reason, ids in pairs(counts.delete or {}) do reasons[reason] = ids end
  return reasons
end

local function outcome_of(run)
  local verdicts, err = run.call:ask(core.verdicts { [run.facts.type] = { run.options.results } })
  if not verdicts then return nil, err end
  local found = verdicts:counts()[run.facts.type]
  verdicts:close()
  local facts, uploaded = run.facts, run.facts.uploaded or { verified = false }
  return {
    type = facts.type, job = facts.job, ids = facts.list.ids, results = run.options.results,
    rows = found.rows, ids_with_events = found.ids, reasons = reasons_of(found),
    nameless = found.nameless,
    calls = run.call.counts, seconds = core.now() - run.call.began, resumed = run.resumed,
    uploaded = uploaded, downloaded = run.downloaded,
    bytes = run.downloaded.bytes, crc32c = run.downloaded.crc32c,
    verified = uploaded.verified and run.downloaded.verified,
  }
end

local function drive(run)
  local ok, err = check_journal(run)
  if not ok then return nil, err end
  local step = run.facts.step or "prepare"
  while step ~= "done" do
    step, err = STATES[step](run)
    if not step then return nil, err end
    run.taken_up = false
  end
  local outcome
  outcome, err = outcome_of(run)
  if not outcome then return nil, err end
  os.remove(run.list_path)
  return outcome
end

local function check_poll(poll)
  local own = errors.check_options("check: poll", poll, { min = "number", max = "number" })
  own.min, own.max = own.min or POLL.min, own.max or math.max(POLL.max, own.min or 0)
  if not (own.min > 0 and own.min <= own.max) then
    errors.misuse("check: poll is { min = seconds, max = seconds }")
  end
  return own
end

local function check_required(options)
  for _, name in ipairs { "type", "ids", "results" } do
    if not options[name] then errors.misuse("check: %s is missing", name) end
  end
  if options.type ~= "tweets" and options.type ~= "users" then
    errors.misuse("check: type must be 'tweets' or 'users', not '%s'", options.type)
  end
  local how = options.upload or "auto"
  if how ~= "auto" and how ~= "simple" and how ~= "resumable" then
    errors.misuse("check: upload must be 'auto', 'simple' or 'resumable', not '%s'", how)
  end
end

local function new_run(client, call, options)
  local folder = options.state or options.results:match("^(.*/)") or "."
  local base = folder:gsub("([^/])$", "%1/") .. "." .. text.basename(options.results)
  local poll = check_poll(options.poll)
  local polls = options.max_polls_per_15min
  if polls then
    if polls ~= polls or polls < 1 then
      errors.misuse("check: max_polls_per_15min is a number, from 1 on")
    end
    poll.min = math.max(poll.min, WINDOW / polls)
    poll.max = math.max(poll.max, poll.min)
  end
  local patience = {}
  for name, value in pairs(call.policy) do patience[name] = value end
  patience.attempts = patience.attempts * POLL_PATIENCE
  return setmetatable({
    client = client, call = call, options = options, poll = poll, patience = patience,
    folder = folder, list_path = base .. ".ids", journal_path = base .. ".journal",
  }, Run)
end

--- Opens what a run needs and closes it again, however it ends.
local function run_to_end(run)
  local err
  if run.options.state then
    local ok
    ok, err = core.make_folder(run.folder)
    if not ok then return nil, err end
  end
  run.journal, err = journals.open(run.journal_path)
  if not run.journal then return nil, errors.with(err, { creating = true }) end
  run.facts, run.resumed = run.journal.facts, not run.journal:is_new()
  run.taken_up = run.resumed -- until the first state is through
  local ok, outcome
  ok, outcome, err = pcall(drive, run)
  local is_over = (ok and outcome) or run.journal:is_new()
  if is_over then run.journal:discard() else run.journal:close() end
  if not ok then error(outcome, 0) end
  return outcome, err
end

--- Asks the API about a list of ids, and holds its results. The same check again goes on where an
-- unfinished one was; after a finished one it is a new check.
-- @tparam table client
-- @tparam table options `type`, `ids` (path), `results` (path); `name`, `state` (folder, default:
-- that of the results), `deadline`, `on_progress`, `poll` (`{ min, max }`), `upload` ("auto",
-- "simple", "resumable"), `chunk`, `max_polls_per_15min`, `allow_unframed` (see
-- client:download_results)
-- @treturn ?table Outcome, or nil, err
function M.check(client, options)
  local call, checked = client:call("check", options, OPTIONS)
  check_required(checked)
  local ok, err = client:check_names(call, "check", checked)
  if not ok then return nil, err end
  return run_to_end(new_run(client, call, checked))
end

return M
