--- What a sync has done: a table that adds up, as JSON for programs and as text for people.
--
-- docs/report.md has its members. Pure: no clock, no files.
-- @internal xcompliance.report_text

local errors = require "xcompliance.errors"
local text = require "xcompliance.text"

local M = {}

local unpack = table.unpack or unpack -- luacheck: ignore 113 143

--- The version of report.json's form. Members may be added under the same number.
M.FORMAT = 1

M.RECORD_COUNTS = { "records", "kept", "changed", "dropped", "quarantined" }

--- The name of a report's file in its state folder.
function M.file_name(report) return report.dry_run and "report.dry-run.json" or "report.json" end

--- What the records are.
M.CLASSES = {
  "recognised", "notices", "malformed", "unrecognised", "unparsed", "without_author",
}

M.OUTCOMES = { "delete", "unknown", "scrub_geo", "rehydrate", "invalid" }

--- What a report says of the jobs of a check.
-- @tparam table jobs of the check's outcome
-- @treturn table
function M.jobs(jobs)
  local said = {}
  for i, job in ipairs(jobs) do
    said[i] = {
      id = job.id, name = job.name, ids = job.ids, rows = job.rows, bytes = job.bytes,
      crc32c = job.crc32c, verified = job.verified, seconds = job.seconds,
    }
  end
  return said
end

--- A time as the report has it.
function M.time(seconds) return os.date("!%Y-%m-%dT%H:%M:%SZ", seconds) end

local CLASSES = {
  { "recognised", "recognised", "recognised" }, { "notices", "notice", "notices" },
  { "malformed", "malformed", "malformed" }, { "unrecognised", "unrecognised", "unrecognised" },
  { "unparsed", "not parsed (without any id of the results)",
    "not parsed (without any id of the results)" },
}

--- What the records are, in words: "7 recognised, 1 notice, 0 malformed, 0 unrecognised".
-- @tparam table counts of dataset.extract, of dataset.redact, or of a report
function M.classes(counts)
  local parts = {}
  for _, class in ipairs(CLASSES) do
    local count = counts[class[1]]
    if count then
      parts[#parts + 1] = ("%s %s"):format(text.count(count), class[count == 1 and 2 or 3])
    end
  end
  return table.concat(parts, ", ")
end

--- The sentence about tweets without an author's id; nil if every tweet has one.
-- @tparam ?integer count
function M.without_author(count)
  if not count or count == 0 then return nil end
  return ("%s no id of an author, so their authors cannot be checked"):format(
    count == 1 and "1 tweet has" or text.count(count) .. " tweets have")
end

local function sum(files, name)
  local total = 0
  for _, file in ipairs(files) do total = total + (file[name] or 0) end
  return total
end

--- The sums over an array of files.
-- @tparam table files each with records, kept, changed, dropped, quarantined
-- @treturn table
function M.total(files)
  local total = { files = #files }
  for _, name in ipairs(M.RECORD_COUNTS) do total[name] = sum(files, name) end
  for _, name in ipairs(M.CLASSES) do
    if #files > 0 and files[1][name] then total[name] = sum(files, name) end
  end
  return total
end

local function check_records(what, counts)
  if counts.records == counts.kept + counts.changed + counts.dropped + counts.quarantined then
    return true
  end
  return nil, errors.new("internal", ("the counts of %s do not add up: %s records, but %s kept, %s"
    .. " changed, %s dropped and %s quarantined"):format(what, counts.records, counts.kept,
      counts.changed, counts.dropped, counts.quarantined))
end

--- What the records are, if it is known.
local function check_classes(what, counts)
  if not counts.recognised then return true end
  local known = counts.recognised + counts.notices + counts.malformed + counts.unrecognised
    + (counts.unparsed or 0)
  if counts.records == known then return true end
  return nil, errors.new("internal", ("the counts of %s do not add up: %s records, but %s of them"
    .. " were recognised, notices, malformed, unrecognised or not parsed"):format(what,
      counts.records, known))
end

local function check_ids(type, checked)
  local known = checked.compliant
  for _, outcome in ipairs(M.OUTCOMES) do known = known + (checked.outcomes[outcome] or 0) end
  if known == checked.asked and checked.compliant >= 0 then return true end
  return nil, errors.new("internal", ("the counts of %s do not add up: %s ids were asked, but %s"
    .. " have an outcome"):format(type, checked.asked, known))
end

--- Whether the records add up: records in = kept + changed + dropped + quarantined = recognised +
-- notices + malformed + unrecognised + those not parsed, for each file and for all.
-- @tparam table report
-- @treturn true|nil,err an error of the kind "internal"
function M.check_files(report)
  local ok, err = check_records("all files", report.records)
  if ok then ok, err = check_classes("all files", report.records) end
  for _, file in ipairs(report.files) do
    if ok then ok, err = check_records(file.path, file) end
    if ok then ok, err = check_classes(file.path, file) end
  end
  return ok, err
end

--- Whether everything adds up: the records, and ids asked = compliant + each outcome.
-- @tparam table report
-- @treturn true|nil,err an error of the kind "internal"
function M.check(report)
  local ok, err = M.check_files(report)
  for _, type in ipairs { "tweets", "users" } do
    if ok then ok, err = check_ids(type, report.checked[type]) end
  end
  return ok, err
end

local function listed(counts)
  local parts = {}
  for i, name in ipairs(text.by_count(counts)) do
    parts[i] = ("%s %s"):format(text.count(counts[name]), name)
  end
  return table.concat(parts, ", ")
end

local function records_line(counts)
  return ("%s: %s kept, %s changed, %s dropped, %s quarantined"):format(
    text.plural(counts.records, "record"), text.count(counts.kept), text.count(counts.changed),
    text.count(counts.dropped), text.count(counts.quarantined))
end

local function checked_lines(lines, type, checked)
  local others = listed(checked.outcomes)
  lines[#lines + 1] = ("%-7s %s asked, %s compliant%s"):format(type,
    text.plural(checked.asked, "id"), text.count(checked.compliant),
    others ~= "" and ", " .. others or "")
  if (checked.skipped or 0) > 0 then
    lines[#lines + 1] = ("        %s of them were not asked about again: they were checked lately")
      :format(text.count(checked.skipped))
  end
  if next(text.by_count(checked.reasons)) then
    lines[#lines + 1] = "        reasons: " .. listed(checked.reasons)
  end
end

--- The sentence about edited tweets that stay; nil if no tweet was edited.
--
-- X reports one event for each id, and an edit hides that the location was removed as well.
-- @tparam integer count of tweets
-- @tparam ?string treatment the policy's, for "rehydrate"
-- @tparam ?string list where their ids are
function M.edited(count, treatment, list)
  if not count or count == 0 then return nil end
  local one = count == 1
  local which = one and "1 tweet was edited: its stored copy is stale"
    or text.count(count) .. " tweets were edited: their stored copies are stale"
  local again = one and "fetch it again" or "fetch them again"
  if list then
    again = ("%s (%s in %s)"):format(again, one and "its id is" or "their ids are", list)
  end
  if treatment == "scrub_geo" then return ("%s, without places - %s"):format(which, again) end
  return ("%s and may hold a location that must go - %s, or use --policy rehydrate=scrub_geo")
    :format(which, again)
end

local function difference_lines(lines, differences)
  for _, type in ipairs { "tweets", "users" } do
    local found = differences and differences[type]
    if found and found.newly_gone + found.reinstated > 0 then
      lines[#lines + 1] = ("since the last check: %s %s newly gone, %s reinstated"):format(
        text.count(found.newly_gone), type, text.count(found.reinstated))
      for i, place in ipairs(found.places) do
        if i > 10 then break end
        lines[#lines + 1] = ("  %s can be restored from %s, line %d"):format(place.id, place.file,
          place.line)
      end
    end
  end
end

local FILES_SHOWN = 20

local function file_lines(lines, files)
  for i, file in ipairs(files) do
    if i > FILES_SHOWN then
      lines[#lines + 1] = ("  and %s more, see the report"):format(
        text.plural(#files - i + 1, "file"))
      return
    end
    lines[#lines + 1] = ("  %s: %s"):format(file.path, records_line(file))
  end
end

local FILES_NAMED = 10

--- What was understood, and what was not looked at.
local function class_lines(lines, report)
  local counts = report.records
  if counts.recognised then lines[#lines + 1] = "of these " .. M.classes(counts) end
  lines[#lines + 1] = M.without_author(counts.without_author)
  local ignored = report.ignored
  if ignored and ignored.count > 0 then
    local named = { unpack(ignored.files, 1, math.min(FILES_NAMED, #ignored.files)) }
    lines[#lines + 1] = ("%s not read: %s%s"):format(
      ignored.count == 1 and "1 file was" or text.count(ignored.count) .. " files were",
      table.concat(named, ", "), ignored.count > #named and ", and others, see the report" or "")
  end
end

--- The report as one line, for a log.
-- @tparam table report
-- @treturn string
function M.line(report)
  return ("sync: %s and %s asked; %s%s%s"):format(
    text.plural(report.checked.tweets.asked, "tweet id"),
    text.plural(report.checked.users.asked, "user id"), records_line(report.records),
    report.dry_run and "; nothing was changed: a dry run" or "",
    report.state and ("; report: %s/%s"):format(report.state, M.file_name(report)) or "")
end

--- The report as people read it.
-- @tparam table report
-- @tparam[opt] number price of a poll of a job
-- @treturn string lines without the last one's end
function M.text(report, price)
  local lines = {}
  if report.dry_run then lines[1] = "nothing was changed: this was a dry run" end
  for _, type in ipairs { "tweets", "users" } do
    checked_lines(lines, type, report.checked[type])
  end
  lines[#lines + 1] = records_line(report.records)
  class_lines(lines, report)
  file_lines(lines, report.files)
  local edited = report.edited or {}
  lines[#lines + 1] = M.edited(edited.tweets, edited.treatment, edited.list)
  difference_lines(lines, report.differences)
  if report.quarantine and report.records.quarantined > 0 then
    lines[#lines + 1] = ("quarantine: %s in %s"):format(
      text.plural(report.records.quarantined, "record"), report.quarantine)
  end
  lines[#lines + 1] = text.calls(report.calls, price)
  if not report.verified then
    lines[#lines + 1] = "storage stated no checksum for some transfer: delivered, but unverified"
  end
  if report.state then
    lines[#lines + 1] = ("report: %s/%s"):format(report.state, M.file_name(report))
  end
  return table.concat(lines, "\n")
end

return M
