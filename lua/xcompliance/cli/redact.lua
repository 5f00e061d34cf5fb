--- xcompliance redact
-- @internal xcompliance.cli.redact

local convert = require "xcompliance.cli.convert"
local dataset = require "xcompliance.dataset"
local merge = require "xcompliance.merge"
local part_reports = require "xcompliance.part_reports"
local reading = require "xcompliance.cli.reading"
local results = require "xcompliance.cli.results"
local text = require "xcompliance.text"

local M = {
  name = "redact", summary = "Remove from a dataset what its results say must go",
}

local TREATMENTS = { "stop", "quarantine", "remove" }
--- A level of compression.
local function level(value)
  if value:match("^[1-9]$") then return tonumber(value) end
  return nil, "--level is a number from 1 to 9"
end

function M.define(command)
  command:argument("dataset", "Files, folders, or - for standard input."):args("+")
  results.define(command)
  command:mutex(
    command:option("-o --output", "The file for what is left, or a folder if there are several"
      .. " inputs or a folder; .gz, .zst, .bz2 and .xz are compressed; - is standard output.")
      :argname("OUT"),
    command:flag("--in-place", "Replace the files in which something is found."))
  command:option("--quarantine", "A file or folder for records that --policy quarantines.")
    :argname("FILE")
  command:option("--rehydrate", "Write the ids of edited tweets that stay to IDS."):argname("IDS")
  command:option("--report", "Write a report of it, with checksums, to REPORT (see merge-reports).")
    :argname("REPORT")
  command:option("--policy", convert.POLICY):argname("REASON=TREATMENT"):count("*")
    :convert(convert.treatments)
  command:option("--on-unknown", "What to do if results say something unknown of an id"
    .. " (default: stop).")
    :choices(TREATMENTS)
  command:option("--on-malformed", "What to do about records that cannot be read (default: stop).")
    :choices(TREATMENTS)
  command:flag("--strict", "Parse every record, even if it cannot hold an id of the results.")
  command:flag("--dry-run", "Count, but write nothing.")
  command:option("--level", "Compression level, 1 (fast) to 9 (small), as in gzip."):argname("N")
    :convert(level)
  reading.define(command, { "stop", "keep", "quarantine", "remove" })
  command:epilog("Nothing is written before all has been read. Standard input goes to standard"
    .. " output unless -o says otherwise.\n\nExamples:\n"
    .. "   xcompliance redact tweets.jsonl.gz --tweets t.jsonl --users u.jsonl -o clean.jsonl.gz\n"
    .. "   xcompliance redact tweets/ --tweets t.jsonl --in-place --quarantine kept.jsonl"
    .. " --policy suspended=quarantine\n"
    .. "   zcat tweets.gz | xcompliance redact - --tweets t.verdicts | gzip >clean.gz")
end

--- What the user should know, though all went well.
local function warn(counts, context)
  local skipped = text.skipped(counts.ignored, counts.ignored_files)
  if skipped then context.say(skipped) end
  if counts.records == 0 then context.say("no records were found - is this the dataset?") end
  if counts.malformed > 0 then
    context.say(text.plural(counts.malformed, "record") .. " could not be read")
  end
end

local function default_output(arguments)
  local only_standard = #arguments.dataset == 1 and arguments.dataset[1] == "-"
  return only_standard and not arguments.in_place and not arguments.dry_run and "-" or nil
end

function M.files(arguments)
  return "redact", {
    inputs = arguments.dataset, output = arguments.output or default_output(arguments),
    in_place = arguments.in_place, dry_run = arguments.dry_run,
    quarantine = arguments.quarantine, rehydrate = arguments.rehydrate, shape = arguments.shape,
    tweets = results.flat(arguments.tweets), users = results.flat(arguments.users),
    report = arguments.report,
  }, { inputs = "dataset" }
end

--- What the library is asked for.
local function options_of(arguments, output)
  return reading.add(arguments, {
    inputs = arguments.dataset, output = output, in_place = arguments.in_place,
    dry_run = arguments.dry_run, quarantine = arguments.quarantine,
    rehydrate = arguments.rehydrate, policy = convert.policy(arguments.policy),
    on_unknown = arguments.on_unknown, on_malformed = arguments.on_malformed,
    strict = arguments.strict, jobs = arguments.jobs, level = arguments.level,
  })
end

function M.run(arguments, context)
  local output = arguments.output or default_output(arguments)
  local verdicts, err = results.load(arguments, context)
  if not verdicts then return context.fail(err) end
  local options = options_of(arguments, output)
  local counts
  counts, err = dataset.redact(merge.tables(options, {
    verdicts = verdicts, loop = context.loop, on_progress = context.progress(output),
    report = arguments.report,
  }))
  local report = counts and part_reports.of(counts, options, verdicts:counts())
  verdicts:close()
  if not report then return context.fail(err) end
  warn(report, context)
  local summary = results.summary(report, part_reports.rehydrate(report), arguments.rehydrate)
  if output == "-" then
    context.say(summary)
  else
    context.print(report, summary)
  end
  return 0
end

return M
