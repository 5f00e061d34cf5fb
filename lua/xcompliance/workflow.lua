--- A whole check: a list of ids in, its results out - a state machine, one function a state.
--
--     prepare -> { cut -> create -> upload -> wait -> download } -> join -> finish
--
-- A check is one list. A job is one part of it: the states in braces run once for each part, one
-- after another, because X runs one job of a type at a time. Each state ends in one line of the
-- journal, which says what comes next. Whatever happens between two lines, the next run begins that
-- state again, and each is made such that this is right.
-- @internal xcompliance.workflow

local asking_options = require "xcompliance.asking_options"
local calls = require "xcompliance.call"
local core = require "xcompliance.core"
local dates = require "xcompliance.dates"
local download = require "xcompliance.download"
local errors = require "xcompliance.errors"
local files = require "xcompliance.sync_files"
local journals = require "xcompliance.journal"
local names = require "xcompliance.names"
local operations = require "xcompliance.operations"
local parts = require "xcompliance.parts"
local retry = require "xcompliance.retry"
local slot = require "xcompliance.slot"
local sources = require "xcompliance.source"
local text = require "xcompliance.text"
local upload = require "xcompliance.upload"

local M = {}

local POLL_PATIENCE = 4 -- times the attempts that other calls have: asking again costs little
local JOBS_MAX = 3 -- that a run creates for one part, because the ones before were of no use
local NAME_MAX = 64 -- code points

local OPTIONS = { type = "string", ids = "string", results = "string", state = "string" }
for name, types in pairs(asking_options.types) do OPTIONS[name] = types end

local STATES = {}

-- {====================================================================
-- Preparing: the list is checked before any job is made
-- =====================================================================

--- What tells a file from another one.
local function sum(run, path)
  local source, err = sources.open(run.call, path)
  if not source then return nil, err end
  source:close()
  return { bytes = source.bytes, ids = source.lines, crc32c = source.crc32c }
end

local function is_same(file, other)
  return file.bytes == other.bytes and file.crc32c == other.crc32c
end

--- Whether the file at `path` is the one that these facts are of.
local function is_intact(run, path, facts)
  local file = sum(run, path)
  return file and is_same(file, facts)
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

--- The list and the parts of it can be made again, but only from the list that was asked about.
local function ensure_list(run)
  if is_intact(run, run.list_path, run.facts.list) then return true end
  local list, err = write_list(run)
  if not list then return nil, err end
  if is_same(list, run.facts.list) then return true end
  return nil, run:not_this_list()
end

function STATES.prepare(run)
  local source, err = sum(run, run.options.ids)
  if not source then return nil, err end
  local ok, list
  ok, err = files.check_room(run.folder, source.bytes)
  if not ok then return nil, err end
  list, err = write_list(run)
  if not list then return nil, err end
  return run:record { step = "cut", type = run.options.type, source = source, list = list }
end

-- }====================================================================

-- {====================================================================
-- Cutting: the next part of the list
-- =====================================================================

local function is_whole_list(run, part) return part.bytes == run.facts.list.bytes end

local function part_path(run, part)
  return is_whole_list(run, part) and run.list_path or run.part_path
end

--- How many ids the next job is asked about at most: what the user wants, unless X took less.
local function ids_at_most(run)
  return math.min(run.options.ids_per_job, run.facts.ids_at_most or math.huge)
end

local function cut(run, offset, ids)
  local ok, err = ensure_list(run)
  if not ok then return nil, err end
  local list = run.facts.list
  if offset == 0 and list.ids <= ids and list.bytes < parts.BYTES_MAX then
    return { offset = 0, bytes = list.bytes, ids = list.ids, crc32c = list.crc32c }
  end
  return parts.cut(run.call, run.list_path, run.part_path, offset, ids)
end

--- The part may have been lost since it was cut: it is cut again.
local function ensure_part(run)
  local part = run.facts.part
  if is_intact(run, part_path(run, part), part) then return true end
  local again, err = cut(run, part.offset, part.ids)
  if not again then return nil, err end
  if is_same(again, part) then return true end
  return nil, run:not_this_list()
end

function STATES.cut(run)
  run.call:at("prepare", "preparing the list")
  local again = run:part_again()
  local part, err = cut(run, again and again.offset or run:asked_bytes(),
    again and again.ids or ids_at_most(run))
  if not part then return nil, err end
  local step
  step, err = run:record { step = "create", part = part }
  if step and not is_whole_list(run, part) then
    run:label()
    run.call:tell { message = run.call.prefix .. text.plural(part.ids, "id") }
  end
  return step, err
end

-- }====================================================================

-- {====================================================================
-- Creating
-- =====================================================================

--- The user's name with a suffix that no other job has, cut so that both fit.
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

local function created(run, job)
  run.call:tell { message = ("job %s was created"):format(job.id) }
  return run:record { step = "upload", job = job }
end

--- Writes the name of the next job to the disk before it is sent: a run that dies in between finds
-- its job by it.
-- @treturn ?boolean whether a job may have that name already; or nil, err
local function ensure_name(run)
  if run.facts.name then return true end
  local name = unique_name(run.options.name or "xcompliance")
  local ok, err = run:record { step = "create", name = name }
  if not ok then return nil, err end
  return false
end

--- The create was refused. If that is sure, no job has this name, and nothing is bound to it.
local function forget_name(run, err)
  local is_sure = err.status and err.status < 500 and err.status ~= 408 and not err.uncertain
  if not is_sure then return true end
  return run:record { step = "create", name = false }
end

function STATES.create(run)
  local refusals = 0
  while true do
    run.call:at("create", "creating a compliance job")
    local asked, failure = ensure_name(run)
    if asked == nil then return nil, failure end
    local name = run.facts.name
    local response, err = operations.create(run.client, run.call, {
      type = run.facts.type, name = name, unique = true, asked = asked,
      resumable = run.options.upload == "resumable",
    })
    if response then return created(run, response.data) end
    local ok
    ok, failure = forget_name(run, err)
    if not ok then return nil, failure end
    if err.kind ~= "conflict" or run.options.wait == false then return nil, err end
    refusals = refusals + 1
    local own
    own, err = slot.wait(run, refusals, name)
    if not own then return nil, err end
    if own ~= true then return created(run, own) end
  end
end

--- What is known of a part before a job was made for it: this one led to nothing.
local function without_job()
  return {
    step = "cut", job = false, name = false, session = false, uploaded = false, download = false,
  }
end

--- What happened, without what helps: the run does that itself.
local function without_hint(err) return err.message:match("^(.*) %- ") or err.message end

--- The job is of no use. Another one costs a request, so there are not many of them.
local function another_job(run, err, give_up)
  run.jobs = run.jobs + 1
  if run.facts.download then os.remove(run.facts.download.path) end
  if run.jobs > JOBS_MAX then
    run.failure = err
  else
    run.call:tell { warning = without_hint(err) .. " - creating another job" }
  end
  local entry = without_job()
  if give_up then entry = { step = "cancel" } end
  local step, failure = run:record(entry)
  if not step then return nil, failure end
  if run.failure and not give_up then return nil, run.failure end
  return step
end

--- The job has ended without results.
local function ended_badly(run, job)
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

-- }====================================================================

-- {====================================================================
-- Giving up a job whose ids have not arrived: the slot becomes free
-- =====================================================================

--- Ends the run with an error once the job is cancelled.
local function give_up(run, err)
  run.failure = err
  return run:record { step = "cancel" }
end

function STATES.cancel(run)
  run.call:at("cancel", "cancelling the job")
  local ok, err = slot.cancel(run)
  if not ok then return nil, run.failure or err end
  local step
  step, err = run:record(without_job())
  if not step then return nil, err end
  if run.failure then return nil, run.failure end
  return step
end

-- }====================================================================

-- {====================================================================
-- Uploading
-- =====================================================================

-- what an upload is refused for: neither time nor the user's looking after something else mends it
local REFUSED = {
  protocol = true, forbidden = true, not_found = true, data = true, server = true, usage = true,
}

--- X takes no list as long as this one: the next job gets half of it.
local function halve(run, err)
  local ids = math.floor(run.facts.part.ids / 2)
  if ids < 1 or run:part_again() then return give_up(run, err) end
  run.call:tell { warning = ("%s - continuing with parts of %s ids"):format(without_hint(err),
    text.count(ids)) }
  return run:record { step = "cancel", ids_at_most = ids }
end

--- Whether the URL at hand is of no use any more.
local function is_useless(err) return err.kind == "expired" or err.url_refused end

local function upload_failed(run, err)
  if is_useless(err) then return another_job(run, err, true) end
  if err.kind == "job_failed" then return ended_badly(run, err.job) end
  if err.kind == "too_large" then return halve(run, err) end
  local is_over = err.spoilt or (REFUSED[err.kind] and not err.retryable)
  if not is_over then return nil, err end
  local again = err.spoilt and ": run the same command again" or ""
  return give_up(run, errors.with(err, { message = err.message .. again }))
end

local function is_past(run, date)
  local ends_at = dates.iso(date)
  local now, known = run.client:server_time(os.time())
  return ends_at and known and now >= ends_at
end

--- What has become of the job meanwhile: a run that is resumed may have uploaded already.
local function status_of_job(run)
  if not run.resumes then return run.facts.job.status or "created" end
  local response, err = operations.list_job(run.client, run.call, run.facts.job.id)
  if not response then return nil, err end
  return response.data.status
end

--- The job is not there any more.
local function job_gone(run, err)
  return another_job(run, errors.with(err, {
    message = ("the API does not know job %s any more"):format(run.facts.job.id),
  }))
end

local function put(run)
  local facts = run.facts
  return upload.run(run.client, run.call, facts.job.upload_url, part_path(run, facts.part), {
    job_id = facts.job.id, name = run.options.ids, expected = facts.part, chunk = run.options.chunk,
    session = facts.session,
    on_session = function(uri) return run:record { step = "upload", session = uri } end,
  })
end

function STATES.upload(run)
  run.call:at("upload", "uploading the ids")
  local job, session = run.facts.job, run.facts.session
  local status, err = status_of_job(run)
  if not status and err.kind == "not_found" then return job_gone(run, err) end
  if not status then return nil, err end
  if status == "failed" then return run:record { step = "wait" } end
  local is_late = status == "created" and not session and is_past(run, job.upload_expires_at)
  if status == "expired" or is_late then
    return another_job(run, errors.new("expired", ("job %s: its upload URL expired at %s"):format(
      job.id, tostring(job.upload_expires_at))), is_late)
  end
  if status ~= "created" and not session then return run:record { step = "wait" } end
  local ok
  ok, err = ensure_part(run)
  if not ok then return nil, err end
  local said, info = put(run)
  if not said then return upload_failed(run, info) end
  run.call:tell { message = ("%s ids (%s) were uploaded"):format(text.count(info.ids),
    text.size(info.bytes)) }
  return run:record { step = "wait", uploaded = info, session = false }
end

-- }====================================================================

-- {====================================================================
-- Waiting
-- =====================================================================

local KNOWN = { created = true, in_progress = true, complete = true, failed = true, expired = true }

local function wait_before_poll(run, seconds, status, why)
  local event = { status = status, message = why and ("the job is %s; %s"):format(status, why) }
  if not KNOWN[status] then
    event.warning = ("the job's status is '%s', which is not known - waiting on"):format(
      text.plain(status))
  end
  return run.call:sleep(seconds, event, event.message or "the job is " .. status)
end

function STATES.wait(run)
  run.call:at("wait", ("waiting for job %s"):format(run.facts.job.id))
  local status, polls = "in_progress", 0
  local seconds, why = run.resumes and 0 or run:pace(0), nil
  while true do
    local ok, err = wait_before_poll(run, seconds, status, why)
    if not ok then return nil, err end
    local job, details = run:poll_job(run.facts.job.id)
    if not job and details.kind == "not_found" then return job_gone(run, details) end
    if not job then return nil, details end
    if job.status == "complete" then return run:record { step = "download", job = job } end
    if job.status == "failed" or job.status == "expired" then return ended_badly(run, job) end
    status, polls = job.status, polls + 1
    seconds, why = run:pace(polls, details.headers)
  end
end

-- }====================================================================

-- {====================================================================
-- Downloading: the results of a part
-- =====================================================================

local function get(run)
  return download.run(run.client, run.call, run.facts.job.download_url, run:part_results(), {
    job_id = run.facts.job.id, patient = true, allow_unframed = run.options.allow_unframed,
    part = run.facts.download,
    on_part = function(part) return run:record { step = "download", download = part } end,
  })
end

--- The results are unavailable at this URL. The job tells whether another URL can help.
local function look_again(run, err)
  local id = run.facts.job.id
  local response, failure = operations.list_job(run.client, run.call, id)
  if not response and failure.kind == "not_found" then return job_gone(run, failure) end
  if not response then return nil, failure end
  local is_past_end = is_past(run, response.data.download_expires_at)
  if is_past_end or (is_useless(err) and run.looked_again == id) then
    return another_job(run, errors.with(err, {
      message = ("the results of job %s %s"):format(id, (is_past_end or err.kind == "expired")
        and "have expired" or "are refused"),
    }))
  end
  if not is_useless(err) then return nil, err end
  run.looked_again = id
  return run:record { step = "download", job = response.data }
end

--- What the results say, counted by the core beside the host's loop.
local function count_results(run)
  local verdicts, err = run.call:ask(core.verdicts { [run.facts.type] = { run:part_results() } })
  if not verdicts then return nil, err end
  local counts = verdicts:counts()[run.facts.type]
  verdicts:close()
  return counts
end

local function take_results(run, info)
  local facts = run.facts
  local counts, err = count_results(run)
  if not counts then return nil, err end
  local part, entry = facts.part, without_job()
  local is_last = math.max(run:asked_bytes(), part.offset + part.bytes) == facts.list.bytes
  entry.step, entry.part = is_last and "join" or "cut", false
  entry["done_" .. run:number()] = {
    part = part, job = facts.job, uploaded = facts.uploaded or { verified = false },
    downloaded = info, counts = counts, seconds = core.now() - run.part_began,
  }
  run.jobs, run.part_began = 1, core.now()
  return run:record(entry)
end

function STATES.download(run)
  local status, info = get(run)
  if status then return take_results(run, info) end
  if is_useless(info) or info.kind == "not_found" then return look_again(run, info) end
  return nil, info
end

-- }====================================================================

-- {====================================================================
-- Joining: the results of all parts take their name together
-- =====================================================================

--- The results of a part are not what was downloaded: they are downloaded again.
local function download_again(run, number)
  local done = run.facts["done_" .. number]
  run.call:tell { warning = ("%s is not what was downloaded - downloading it again"):format(
    run:part_results(number)) }
  return run:record {
    step = "download", part = done.part, job = done.job, uploaded = done.uploaded,
  }
end

function STATES.join(run)
  run.call:at("join", "writing " .. run.options.results)
  local paths = {}
  for number, done in ipairs(run:done()) do
    paths[number] = run:part_results(number)
    local is_there = is_intact(run, paths[number], done.downloaded)
    if not is_there then return download_again(run, number) end
  end
  local results, err = parts.join(run.call, paths, run.options.results)
  if not results then return nil, err end
  return run:record { step = "finish", results = results }
end

--- A run that was killed behind this state has published; but the file may be gone since.
function STATES.finish(run)
  if not is_intact(run, run.options.results, run.facts.results) then
    return run:record { step = "join" }
  end
  return "done"
end

-- }====================================================================

-- {====================================================================
-- The outcome
-- =====================================================================

local function add(sums, counts)
  for name, count in pairs(counts) do sums[name] = (sums[name] or 0) + count end
end

-- Only a deletion has a reason; otherwise the outcome stands in its place.
local function reasons_of(counts)
  local reasons = {
    unknown = counts.unknown, scrub_geo = counts.scrub_geo, rehydrate = counts.rehydrate,
    invalid = counts.invalid,
  }
  for reason, ids in pairs(counts.delete or {}) do reasons[reason] = ids end
  return reasons
end

local function job_of(done)
  local downloaded = done.downloaded
  return {
    id = done.job.id, name = done.job.name, ids = done.part.ids, rows = done.counts.rows,
    bytes = downloaded.bytes, crc32c = downloaded.crc32c, seconds = done.seconds,
    uploaded = done.uploaded, downloaded = downloaded,
    verified = done.uploaded.verified and downloaded.verified,
    checksum = done.uploaded.checksum == "crc32c" and downloaded.checksum or "none",
  }
end

local function outcome_of(run)
  local facts = run.facts
  local outcome = {
    type = facts.type, ids = facts.list.ids, results = run.options.results,
    bytes = facts.results.bytes, crc32c = facts.results.crc32c,
    rows = 0, ids_with_events = 0, nameless = 0, reasons = {}, jobs = {},
    verified = true, checksum = "crc32c",
    calls = run.call.counts, seconds = core.now() - run.call.began, resumed = run.resumed,
  }
  for number, done in ipairs(run:done()) do
    local counts, job = done.counts, job_of(done)
    add(outcome, { rows = counts.rows, ids_with_events = counts.ids, nameless = counts.nameless })
    add(outcome.reasons, reasons_of(counts))
    outcome.jobs[number], outcome.verified = job, outcome.verified and job.verified
    if job.checksum == "none" then outcome.checksum = "none" end
  end
  return outcome
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

--- What is known of the parts that are done: an array.
function Run:done()
  local list = {}
  while self.facts["done_" .. #list + 1] do list[#list + 1] = self.facts["done_" .. #list + 1] end
  return list
end

--- How many bytes of the list were asked about: the next part begins there.
function Run:asked_bytes()
  local list = self:done()
  local last = list[#list] and list[#list].part
  return last and last.offset + last.bytes or 0
end

--- The number of the part at hand, from 1.
function Run:number()
  local part, list = self.facts.part, self:done()
  for number, done in ipairs(list) do
    if part and done.part.offset == part.offset then return number end
  end
  return #list + 1
end

--- The part at hand if its job was finished before: its results were lost here and at X, so the
-- same ids must be asked about again, because the parts after it are done.
-- @treturn ?table
function Run:part_again()
  local done = self.facts.part and self.facts["done_" .. self:number()]
  return done and done.part
end

--- Where the results of a part are kept until all are there.
function Run:part_results(number)
  return ("%s.results.%04d"):format(self.base, number or self:number())
end

--- "part 2 of 3", or nil if the list is one part. The number of parts is an estimate: X may take
-- less at once.
function Run:part_name()
  local facts, list = self.facts, self:done()
  if not facts.list then return nil end
  local ids, number = facts.list.ids, self:number()
  for _, done in ipairs(list) do ids = ids - done.part.ids end
  local more = math.ceil(ids / (facts.part and facts.part.ids or ids_at_most(self)))
  local total = #list + more
  if total < 2 then return nil end
  return ("part %d of %d"):format(number, total)
end

--- Has every message name the part at hand.
function Run:label()
  local name = self:part_name()
  self.call.prefix = name and name .. ": " or ""
end

--- How long until the next poll; and why, if that is for the API's sake.
function Run:pace(polls, headers)
  local seconds, limited = retry.poll(polls, self.options.poll, calls.random),
    retry.exhausted(headers or {}, os.time())
  if limited <= seconds then return seconds end
  return limited, "rate limited until " .. text.clock(os.time() + limited)
end

--- Polls a job once. What fails is tried again: the job goes on meanwhile.
function Run:poll_job(id)
  local failures = 0
  while true do
    local response, details = operations.look(self.client, self.call, id)
    if response then return response.data, details end
    failures = failures + 1
    local ok, err = self.call:pause(failures, details, self.patience)
    if not ok then return nil, err end
  end
end

--- What is lost if the journal is removed.
function Run:what_is_lost()
  local lost, list = {}, self:done()
  if #list > 0 then
    lost[1] = ("the results of %d finished job%s"):format(#list, #list == 1 and "" or "s")
  end
  if self.facts.job then lost[#lost + 1] = "job " .. self.facts.job.id end
  return #lost > 0 and table.concat(lost, " and ") or "the job that may have been created"
end

--- The error of a list that this run is not of.
function Run:not_this_list()
  local facts = self.facts
  return errors.new("usage", ("%s is of an unfinished check of %s (%s %s ids) - finish that one"
    .. " first, give another state folder, or remove the file to start again: %s is lost then")
    :format(self.journal.path,
      facts.type == self.options.type and "another list" or facts.type,
      text.count(facts.list.ids), facts.type == "tweets" and "tweet" or "user",
      self:what_is_lost()), { file = self.journal.path })
end

--- Whether a job was created, or may have been: from then on the list is bound.
local function is_bound(facts)
  return facts.name ~= nil or facts.job ~= nil or facts.done_1 ~= nil
end

--- Whether the journal is of this list. Nothing is bound before a job exists.
local function check_journal(run)
  local facts = run.facts
  if run.journal:is_new() then return true end
  if not facts.list then return run:record { step = "prepare" } end
  local source, err = sum(run, run.options.ids)
  if not source then return nil, err end
  local same_type = facts.type == run.options.type
  if same_type and is_same(source, facts.source) then return true end
  if not is_bound(facts) then return run:record { step = "prepare", part = false } end
  if not same_type then return nil, run:not_this_list() end
  local list
  list, err = write_list(run) -- the same ids in another order are the same list
  if not list then return nil, err end
  if not is_same(list, facts.list) then return nil, run:not_this_list() end
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

local function drive(run)
  local ok, err = check_journal(run)
  if not ok then return nil, err end
  local step = run.facts.step or "prepare"
  while step ~= "done" do
    run:label()
    local next_step
    next_step, err = STATES[step](run)
    if not next_step then return nil, with_part(run, err) end
    step, run.resumes = next_step, false
  end
  return outcome_of(run)
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

-- }====================================================================

-- {====================================================================
-- The call
-- =====================================================================

local function check_required(options)
  for _, name in ipairs { "type", "ids", "results" } do
    if not options[name] then errors.misuse("check: %s is missing", name) end
  end
  if options.type ~= "tweets" and options.type ~= "users" then
    errors.misuse("check: type must be 'tweets' or 'users', not '%s'", options.type)
  end
end

local function new_run(client, call, options)
  local patience = {}
  for name, value in pairs(call.policy) do patience[name] = value end
  patience.attempts = patience.attempts * POLL_PATIENCE
  local base, folder = names.state_base(options)
  return setmetatable({
    client = client, call = call, options = options, patience = patience, folder = folder,
    base = base, list_path = base .. ".ids", part_path = base .. ".part.ids",
    journal_path = base .. ".journal", jobs = 1, part_began = core.now(),
  }, Run)
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

--- Ends with a result, or with what was raised. Misuse leaves no journal behind.
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

--- Opens what a run needs and closes it again, however it ends.
local function run_to_end(run, on_finish)
  local ok, err = check_targets(run)
  if not ok then return nil, err end
  ok, err = open_journal(run)
  if not ok then return nil, err end
  local outcome
  ok, outcome, err = pcall(function()
    local result, failure = drive(run)
    if result and on_finish then
      local noted
      noted, failure = on_finish(result)
      if not noted then return nil, failure end
    end
    return result, failure
  end)
  close_state(run, ok and outcome, not ok and outcome)
  if not ok then error(outcome, 0) end
  return outcome, err
end

--- Asks the API about a list of ids, and holds its results. The same check again resumes an
-- unfinished one; after a finished one it is a new check.
-- @tparam table client
-- @tparam table options `type`, `ids` (path), `results` (path); `name`, `state` (folder, default:
-- that of the results), `ids_per_job` (6,000,000), `wait` (false: do not wait for another job of
-- the type to end), `deadline`, `on_progress`, `poll` (`{ min, max }`), `upload` ("auto", "simple",
-- "resumable"), `chunk`, `max_polls_per_15min`, `allow_unframed` (see client:download_results)
-- @treturn ?table Outcome, or nil, err
function M.check(client, options)
  return M.run(client, options)
end

--- The same, for a caller that records what comes out before the state of the check is removed.
-- @tparam table client
-- @tparam table options
-- @tparam[opt] function on_finish is given the outcome; returns true, or nil, err
function M.run(client, options, on_finish)
  local call, checked = client:call("check", options, OPTIONS)
  check_required(checked)
  asking_options.check("check", checked)
  local ok, err = client:check_names(call, "check", checked)
  if ok then ok, err = client:check_ready() end
  if not ok then return nil, err end
  return run_to_end(new_run(client, call, checked), on_finish)
end

--- Whether a job was created for a check that has not ended, or may have been.
-- @tparam table client
-- @tparam table options of the check
-- @treturn ?boolean or nil, err
function M.is_bound(client, options)
  local run = new_run(client, client:call("check", options, OPTIONS))
  local ok, err = open_journal(run)
  if not ok then return nil, err end
  if run.journal:is_new() then run.journal:discard() else run.journal:close() end
  return is_bound(run.facts)
end

--- Removes what is left of a check that has ended well and whose outcome was recorded.
-- @tparam table client
-- @tparam table options of the check
-- @treturn true|nil,err
function M.forget(client, options)
  local run = new_run(client, client:call("check", options, OPTIONS))
  local ok, err = open_journal(run)
  if not ok then return nil, err end
  remove_state(run)
  return true
end

-- }====================================================================

return M
