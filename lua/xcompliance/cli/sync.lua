--- xcompliance sync
-- @internal xcompliance.cli.sync

local asking = require "xcompliance.cli.asking"
local convert = require "xcompliance.cli.convert"
local reading = require "xcompliance.cli.reading"
local reports = require "xcompliance.report_text"

local M = {
  name = "sync", summary = "Bring a dataset into compliance, in all steps",
  uses_api = true,
}

function M.define(command)
  command:argument("dataset", "Files and folders of tweets."):args("+")
  command:mutex(
    command:option("-o --output", "A folder for what may be kept."):argname("DIR"),
    command:flag("--in-place", "Replace each file by what may be kept of it."))
  command:option("--state", "Keep what is needed to resume after an interruption, and the report,"
    .. " in DIR (default: .xcompliance in the output, or beside the dataset)."):argname("DIR")
  command:option("--quarantine", "A folder for records that --policy quarantines."):argname("DIR")
  command:option("--policy", convert.POLICY):argname("REASON=TREATMENT"):count("*")
    :convert(convert.treatments)
  command:option("--on-unknown", "What to do if results say something unknown of an id"
    .. " (default: stop).")
    :choices { "stop", "quarantine", "remove" }
  command:option("--on-malformed", "What to do about records that cannot be read (default: stop).")
    :choices { "stop", "quarantine", "remove" }
  reading.define(command, { "stop", "keep", "quarantine", "remove" })
  asking.define(command)
  command:option("--max-age", "Do not ask again about ids that were checked less than DAYS ago with"
    .. " this option; what was said of them counts (docs/sync.md).")
    :argname("DAYS"):convert(convert.number("--max-age"))
  command:option("--jobs", "Number of threads (default: one for each processor)."):argname("N")
    :convert(convert.count("--jobs"))
  command:flag("--strict", "Parse every record when redacting.")
  command:flag("--dry-run", "Check and report, but change nothing.")
  command:epilog("Run the same command again to resume an interrupted one; after a complete one it"
    .. " checks again. Exit status 0: everything was checked and applied.\n\n"
    .. "Example:\n   xcompliance sync tweets/ -o clean/\n"
    .. "   xcompliance sync tweets/ --in-place --quarantine kept/ --policy suspended=quarantine")
end

function M.files(arguments)
  return "sync", {
    inputs = arguments.dataset, output = arguments.output, in_place = arguments.in_place,
    dry_run = arguments.dry_run, state = arguments.state, quarantine = arguments.quarantine,
    shape = arguments.shape, metrics = arguments.metrics,
  }, { inputs = "dataset" }
end

function M.run(arguments, context)
  local client = context.client(arguments)
  local report, err = client:sync(asking.add(arguments, reading.add(arguments, {
    inputs = arguments.dataset, output = arguments.output, in_place = arguments.in_place,
    state = arguments.state, quarantine = arguments.quarantine,
    policy = convert.policy(arguments.policy), on_unknown = arguments.on_unknown,
    on_malformed = arguments.on_malformed, jobs = arguments.jobs, strict = arguments.strict,
    dry_run = arguments.dry_run, max_age = arguments.max_age, on_progress = context.progress(),
  })))
  client:close()
  if not report then return context.fail(err) end
  context.result = report
  context.print(report, arguments.summary and reports.line(report)
    or reports.text(report, arguments.price_per_poll))
  return 0
end

return M
