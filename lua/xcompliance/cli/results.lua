--- What the commands that apply results share: which results, and counts as lines of text.
-- @internal xcompliance.cli.results

local convert = require "xcompliance.cli.convert"
local dataset = require "xcompliance.dataset"
local errors = require "xcompliance.errors"
local reports = require "xcompliance.report_text"
local text = require "xcompliance.text"

local M = {}

--- Adds --tweets, --users and --jobs to a command.
function M.define(command)
  command:option("--tweets", "Results of tweets jobs, or files of verdicts on tweets.")
    :argname("RESULTS"):args("+"):count("*")
  command:option("--users", "Results of users jobs, or files of verdicts on users.")
    :argname("RESULTS"):args("+"):count("*")
  command:option("--jobs", "Number of threads (default: one for each processor)."):argname("N")
    :convert(convert.count("--jobs"))
end

--- All values of an option that may be given several times, with several values each.
-- @treturn ?table nil if there are none
function M.flat(lists)
  local all = {}
  for _, list in ipairs(lists or {}) do
    for _, value in ipairs(list) do all[#all + 1] = value end
  end
  return #all > 0 and all or nil
end

--- Loads what --tweets and --users name.
-- @treturn ?table verdicts; or nil, err
function M.load(arguments, context)
  local tweets, users = M.flat(arguments.tweets), M.flat(arguments.users)
  if not tweets and not users then errors.misuse("give results: --tweets, --users, or both") end
  local verdicts, err = dataset.verdicts {
    tweets = tweets, users = users, jobs = arguments.jobs, loop = context.loop,
    on_progress = context.progress(),
  }
  if not verdicts then return nil, err end
  for type, counts in pairs(verdicts:counts()) do
    if counts.first_unknown then
      context.say(("some %s have outcomes that this version does not know: %s"):format(type,
        text.plain(counts.first_unknown)))
    end
    if counts.first_other then
      context.say(("some %s were deleted for reasons that this version does not know: %s"):format(
        type, text.plain(counts.first_other)))
    end
  end
  return verdicts
end

local OUTCOMES = { "unknown", "scrub_geo", "rehydrate", "invalid" }

--- Counts by outcome and reason as one line: "3 deleted, 1 scrub_geo"; nil if all are 0.
function M.line(counts)
  local found, parts = {}, {}
  for reason, count in pairs(counts.delete or {}) do found[#found + 1] = { reason, count } end
  for _, outcome in ipairs(OUTCOMES) do
    if counts[outcome] then found[#found + 1] = { outcome, counts[outcome] } end
  end
  table.sort(found, function(a, b)
    if a[2] ~= b[2] then return a[2] > b[2] end
    return a[1] < b[1]
  end)
  for i, pair in ipairs(found) do parts[i] = ("%s %s"):format(text.count(pair[2]), pair[1]) end
  return #parts > 0 and table.concat(parts, ", ") or nil
end

--- The report of a redaction as text.
-- @tparam table report of xcompliance.part_reports
-- @tparam ?string rehydrate what the policy says of edited tweets
-- @tparam[opt] string list the file with their ids
-- @treturn string
function M.summary(report, rehydrate, list)
  local lines = { report.dry_run and "nothing was written: this was a dry run" or nil }
  lines[#lines + 1] =
    ("%s in %s, %s: %s kept, %s changed, %s dropped, %s quarantined"):format(
      text.plural(report.records, "record"), text.plural(#report.files, "file"),
      text.size(report.bytes), text.count(report.kept), text.count(report.changed),
      text.count(report.dropped), text.count(report.quarantined))
  lines[#lines + 1] = "of these " .. reports.classes(report)
  for _, type in ipairs { "tweets", "users" } do
    local line = M.line(report[type])
    if line then lines[#lines + 1] = ("%s: %s"):format(type, line) end
  end
  lines[#lines + 1] = reports.edited(report.rehydrate, rehydrate, list)
  return table.concat(lines, "\n")
end

return M
