--- Puts records back from the quarantine of a sync in place, if the last results condemn nothing in
-- them any more.
--
-- A file of the quarantine is redacted by those results: what is kept goes to the end of the file
-- of the dataset that it came from, and the rest stays in the quarantine. Two files are replaced,
-- one after the other, so a journal says how far that has come: the next run completes it, and
-- nothing is restored twice.
-- @internal xcompliance.restore

local core = require "xcompliance.core"
local dataset = require "xcompliance.dataset"
local errors = require "xcompliance.errors"
local journals = require "xcompliance.journal"
local merge = require "xcompliance.merge"
local read = require "xcompliance.read"
local recent_checks = require "xcompliance.recent_checks"
local report_file = require "xcompliance.report_file"
local text = require "xcompliance.text"
local verdicts_of = require "xcompliance.verdicts"

local M = {}

local Run = {}
Run.__index = Run

-- {====================================================================
-- Where a record came from
-- =====================================================================

--- What the name of each file in the quarantine is, without the folder of its run.
local function names_of(report)
  local names = {}
  for _, file in ipairs(report.files) do
    for _, input in ipairs(file.members and {} or report.inputs) do -- archives take no records
      local name = file.path == input and text.basename(input)
        or file.path:sub(1, #input + 1) == input .. "/" and file.path:sub(#input + 2)
      if name and #report.inputs > 1 and file.path ~= input then
        name = text.basename(input) .. "/" .. name
      end
      if name then names[name] = file.path end
    end
  end
  return names
end

--- The file of the dataset that a file of the quarantine is of.
local function target_of(run, path)
  local name = path:sub(#run.report.quarantine + 2):match("^%d+T%d+Z/(.*)$")
  local target = name and run.names[name]
  if target then return target end
  return nil, errors.new("data", ("%s: the dataset has no file that it can be of - move it away, or"
    .. " put its records back yourself"):format(path), { file = path })
end

-- }====================================================================

-- {====================================================================
-- The parts: what goes back, what stays, and the file with both
-- =====================================================================

local function is_table(path) return path:lower():find("%.[ct]sv") ~= nil end

--- Redacts one file; without verdicts it is only copied, packed or unpacked.
function Run:redact(input, output, more)
  return dataset.redact(merge.tables({
    verdicts = self.none, inputs = { input }, output = output, strict = true,
    on_unrecognised = "keep", loop = self.call.loop,
  }, more))
end

--- What is condemned stays, whatever the reason.
local function policy_of(verdicts)
  local policy = { rehydrate = "keep" }
  for _, counts in pairs(verdicts:counts()) do
    for reason in pairs(counts.delete or {}) do policy[reason] = "quarantine" end
  end
  return policy
end

--- Divides a file of the quarantine into what may go back and what must stay.
function Run:divide(path, kept, left)
  return self:redact(path, kept, {
    verdicts = self.verdicts, policy = policy_of(self.verdicts), quarantine = left,
    on_unknown = "quarantine", on_malformed = "quarantine", on_unrecognised = "quarantine",
  })
end

local function first_bytes(path)
  local bytes, why = read.start(path, 2)
  if why then return nil, errors.new("io", why .. " - check the path", { file = path }) end
  return bytes or ""
end

--- Checks that records can be added to the end of a file, unpacked as it is by then.
local function check_end(path, target)
  local bytes, err = first_bytes(path)
  if not bytes then return nil, err end
  local why = bytes:sub(1, 1) == "[" and "is one array"
    or (bytes == "\255\254" or bytes == "\254\255") and "is in UTF-16"
  if not why then return true end
  return nil, errors.new("data", ("%s %s, so records cannot be added to its end - put them back"
    .. " yourself"):format(target, why), { file = target })
end

local function write_error(path, why)
  return errors.new("io", ("writing %s: %s"):format(path, why), { file = path })
end

local function write(file, path, bytes)
  local ok, why = file:write(bytes)
  if ok then return true end
  return nil, write_error(path, why)
end

--- Checks that the first lines of two tables are the same, and passes them.
local function compare_headers(input, from, output, to)
  local header, err = read.some(input, "*l", from)
  if err then return nil, err end
  local own
  own, err = read.some(output, "*l", to)
  if err then return nil, err end
  if header == own then return true end
  return nil, errors.new("data", to .. ": its columns are not those of the quarantined rows"
    .. " - put them back yourself", { file = to })
end

--- Goes to the end of a file, whose last line ends then.
local function end_last_line(file, path)
  if file:seek("end") == 0 then return true end
  file:seek("end", -1)
  local last, err = read.some(file, 1, path)
  if err then return nil, err end
  file:seek("end")
  if last == "\n" then return true end
  return write(file, path, "\n")
end

--- Adds the records of one file to the end of another; a table's header is there already.
local function append(from, to, has_header)
  local input, why = io.open(from, "rb")
  if not input then return nil, errors.new("io", why, { file = from }) end
  local output
  output, why = io.open(to, "r+b")
  if not output then
    input:close()
    return nil, errors.new("io", why, { file = to })
  end
  local ok, err = true, nil
  if has_header then ok, err = compare_headers(input, from, output, to) end
  if ok then ok, err = end_last_line(output, to) end
  if ok then
    ok, err = read.blocks(input, from, function(block) return write(output, to, block) end)
  end
  input:close()
  local closed
  closed, why = output:close()
  if not ok then return nil, err end
  if closed then return true end
  return nil, write_error(to, why)
end

local function remove(parts)
  for _, name in ipairs { "kept", "left", "whole" } do os.remove(parts[name]) end
end

--- Whether the rest of a file is what another has from its own place on.
-- @treturn ?boolean or nil, err
local function is_same_rest(file, path, other, other_path)
  local is_same = true
  local ok, err = read.blocks(file, path, function(block)
    local own, why = read.some(other, #block, other_path)
    is_same = is_same and own == block
    return not why, why
  end)
  if not ok then return nil, err end
  return is_same
end

--- Whether the records of one file are the end of another.
-- @treturn ?boolean or nil, err
local function has_at_end(whole, kept, has_header)
  local records, file = io.open(kept, "rb"), io.open(whole, "rb")
  local is_end, err
  if has_header then is_end, err = read.some(records, "*l", kept) end
  if not err then
    local from = records:seek()
    local size = records:seek("end") - from
    records:seek("set", from)
    is_end = file:seek("end") >= size and file:seek("end", -size) ~= nil
    if is_end then is_end, err = is_same_rest(records, kept, file, whole) end
  end
  records:close()
  file:close()
  if err then return nil, err end
  return is_end
end

--- Adds what goes back to the unpacked file of the dataset. If a run before has replaced that file
-- already, its end is what that run has added.
local function add(run, target, parts, put)
  if put then
    local is_there, failure = has_at_end(parts.whole, parts.kept, is_table(target))
    if is_there or failure then return is_there, failure end
    return nil, errors.new("data", ("%s was changed after an interrupted run had begun to restore"
      .. " records to it - see whether it has those of %s, and remove %s"):format(target,
        parts.kept, run.journal.path), { file = target })
  end
  local ok, err = check_end(parts.whole, target)
  if not ok then return nil, err end
  return append(parts.kept, parts.whole, is_table(target))
end

--- What goes back from a file, and what stays.
-- @tparam table run
-- @tparam string path of the quarantine
-- @tparam string target the file of the dataset
-- @tparam boolean put whether a run before has replaced the file of the dataset
-- @treturn ?table `{ counts, kept, left, whole }`: of the redaction, and the paths of what goes
-- back, of what stays, and of the dataset's file with the former; or nil, err
local function prepare(run, path, target, put)
  local suffix = is_table(target) and ".csv" or ".jsonl" -- which says that it is not packed
  local parts = {
    kept = run.state .. "/restore.kept" .. suffix, whole = run.state .. "/restore.whole" .. suffix,
    left = run.state .. "/restore.left." .. text.basename(target), -- packed like the quarantine
  }
  remove(parts)
  local err
  parts.counts, err = run:divide(path, parts.kept, parts.left)
  if not parts.counts then return nil, err end
  if parts.counts.kept + parts.counts.changed == 0 then return parts end
  local before
  before, err = run:redact(target, parts.whole)
  if not before then return nil, err end
  local ok
  ok, err = add(run, target, parts, put)
  if not ok then return nil, err end
  if put then return parts end
  local after
  after, err = run:redact(parts.whole, nil, { dry_run = true })
  if not after then return nil, err end
  local restored = parts.counts.kept + parts.counts.changed
  if after.records == before.records + restored then return parts end
  return nil, errors.new("data", ("%s cannot take %s at its end - put them back yourself"):format(
    target, text.plural(restored, "record")), { file = target })
end

-- }====================================================================

-- {====================================================================
-- Replacing two files, one after the other
-- =====================================================================

local function sum_of(run, path)
  local file, err = core.open_source(path)
  if not file then return nil, err end
  local sum
  sum, err = run.call:ask(file:checksum())
  file:close()
  if not sum then return nil, err end
  return sum.crc32c .. " " .. ("%.0f"):format(sum.bytes)
end

local function copy(path, to)
  local from, why = io.open(path, "rb")
  if not from then return nil, errors.new("io", why, { file = path }) end
  local ok, err = read.blocks(from, path, function(block) return to:append(block) end)
  from:close()
  return ok, err
end

--- The quarantine keeps what is still condemned.
local function replace_quarantine(run, path, parts)
  if parts.counts.quarantined == 0 then
    local ok, why = os.remove(path)
    if not ok then return nil, errors.new("io", "removing " .. why, { file = path }) end
    return true
  end
  local file, err = core.create_fresh(path)
  if not file then return nil, err end
  local ok
  ok, err = copy(parts.left, file)
  if ok then ok, err = run.call:settle(file:publish(path)) end
  if ok then file:close() else file:discard() end
  return ok, err
end

local function finish(run, path, parts)
  local ok, err = replace_quarantine(run, path, parts)
  if not ok then return nil, err end
  remove(parts)
  return run.journal:record { put = false, before = false }
end

--- A run that was killed had noted which file it was about to replace.
-- @treturn ?boolean whether the file has its records; or nil, err
local function is_put(run, path, target)
  if run.journal.facts.put ~= path then return false end
  local now, err = sum_of(run, target)
  if not now then return nil, err end
  return now ~= run.journal.facts.before
end

local function restore_file(run, path, target)
  local put, err = is_put(run, path, target)
  if put == nil then return nil, err end
  local parts
  parts, err = prepare(run, path, target, put)
  if not parts then return nil, err end
  if put then return finish(run, path, parts) end
  local restored = parts.counts.kept + parts.counts.changed
  if restored == 0 then
    remove(parts)
    return true
  end
  local before
  before, err = sum_of(run, target)
  if not before then return nil, err end
  local ok
  ok, err = run.journal:record { put = path, before = before }
  if ok then ok, err = run:redact(parts.whole, target) end
  if not ok then return nil, err end
  run.counts.restored = run.counts.restored + restored
  run.counts.changed = run.counts.changed + parts.counts.changed
  run.counts.files = run.counts.files + 1
  return finish(run, path, parts)
end

-- }====================================================================

-- {====================================================================
-- The call
-- =====================================================================

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

local function usage(format, ...) return nil, errors.new("usage", format:format(...)) end

--- Checks that the state is of a sync that can have left something to restore.
local function check_report(state, report)
  if exists(state .. "/sync.journal") then
    return nil, errors.new("conflict", ("%s: a sync has not ended - run its command again first")
      :format(state))
  end
  if not report.in_place then
    return usage("%s is the state of a sync with --output: each such sync reads the original, so"
      .. " reinstated records are in its output already", state)
  end
  if not report.quarantine then
    return usage("the last sync of %s had no --quarantine, so its results say nothing of records"
      .. " that were quarantined before", state)
  end
  return true
end

--- The results of the last sync, and those of earlier checks that counted for it.
local function load_verdicts(run)
  local options = { loop = run.call.loop }
  for _, type in ipairs { "tweets", "users" } do
    local recent, err = recent_checks.list(run.state, type, math.huge, os.time())
    if not recent then return nil, err end
    local paths = {}
    for i, check in ipairs(recent) do paths[i] = check.results end
    local is_asked = run.report.checked[type].asked > 0
    if #paths == 0 and is_asked then paths[1] = ("%s/%s.results.jsonl"):format(run.state, type) end
    if #paths > 0 then options[type] = paths end
  end
  if not options.tweets and not options.users then return verdicts_of.none(run.call) end
  return dataset.verdicts(options)
end

local function each_file(run)
  local found, err = run.call:ask(core.list_files(run.report.quarantine))
  if not found then return nil, err end
  for _, file in ipairs(found) do
    local target
    target, err = target_of(run, file.path)
    if not target then return nil, err end
    run.call:at("restore", "restoring from " .. file.path)
    local ok
    ok, err = restore_file(run, file.path, target)
    if not ok then return nil, err end
  end
  return run.counts
end

local function drive(run)
  local err
  run.none, err = verdicts_of.none(run.call)
  if not run.none then return nil, err end
  run.verdicts, err = load_verdicts(run)
  if not run.verdicts then return nil, err end
  return each_file(run)
end

--- Restores what the last sync of a state has found to be reinstated.
-- @tparam table call
-- @tparam string state the folder of the state
-- @treturn ?table `{ restored, changed, files }`: records that went back, how many of them without
-- what is still condemned in them, and files that got any; or nil, err
function M.run(call, state)
  call:at("restore", "restoring records from the quarantine")
  local report, err = report_file.read(state)
  if not report then return nil, err end
  local ok
  ok, err = check_report(state, report)
  if not ok then return nil, err end
  local journal
  journal, err = journals.open(state .. "/restore.journal")
  if not journal then return nil, err end
  local run = setmetatable({
    call = call, state = state, report = report, names = names_of(report), journal = journal,
    counts = { restored = 0, changed = 0, files = 0 },
  }, Run)
  local did, counts, failure = pcall(drive, run)
  if did and counts then journal:discard() else journal:close() end
  for _, verdicts in pairs { run.none, run.verdicts } do verdicts:close() end
  if not did then error(counts, 0) end
  return counts, failure
end

-- }====================================================================

return M
