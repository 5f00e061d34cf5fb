--- xcompliance extract
-- @internal xcompliance.cli.extract

local convert = require "xcompliance.cli.convert"
local dataset = require "xcompliance.dataset"
local reading = require "xcompliance.cli.reading"
local reports = require "xcompliance.report_text"
local text = require "xcompliance.text"

local M = { name = "extract", summary = "Write the ids in a dataset, each once" }

function M.define(command)
  command:argument("type", "Whose ids to write."):choices { "tweets", "users" }
  command:argument("dataset", "Files, folders, or - for standard input."):args("+")
  command:option("-o --output", "The file for the ids."):argname("IDS"):count(1)
  command:option("--format", "The format of the files (default: auto, by their content).")
    :choices { "auto", "jsonl", "csv", "ids" }
  command:flag("--top-level", "Only the records' own ids, not nested and included objects.")
  command:option("--ids-per-file", "Split the output into IDS.0001, IDS.0002 and so on.")
    :argname("N"):convert(convert.count("--ids-per-file"))
  command:option("--memory", "Sort in files beyond this much memory (default: a quarter of the"
    .. " machine's).")
    :argname("SIZE"):convert(convert.memory)
  command:option("--jobs", "Number of threads (default: one for each processor)."):argname("N")
    :convert(convert.count("--jobs"))
  command:option("--on-malformed", "What to do about records that cannot be used (default: stop);"
    .. " skip lists them in IDS.malformed."):choices { "stop", "skip" }
  reading.define(command, { "stop", "skip" }, true)
  command:epilog("Example:\n   xcompliance extract tweets tweets.jsonl.gz more/ -o ids.txt")
end

local function summary(counts)
  local target = #counts.outputs == 1 and counts.outputs[1]
    or ("%s to %s"):format(counts.outputs[1], counts.outputs[#counts.outputs])
  return ("%s: %s of %s in %s, %s\nrecords: %s"):format(target, text.plural(counts.ids, "id"),
    text.plural(counts.records, "record"), text.plural(counts.files, "file"),
    text.size(counts.bytes),
    reports.classes(counts))
end

--- What the user should know, though all went well.
local function warn(arguments, counts, context)
  local skipped = text.skipped(counts.ignored, counts.ignored_files)
  if skipped then context.say(skipped) end
  if counts.malformed > 0 then
    context.say(("%s skipped: see %s.malformed"):format(
      text.plural(counts.malformed, "malformed record"), arguments.output))
  end
  local without_author = reports.without_author(counts.without_author)
  if without_author then context.say(without_author) end
  if counts.ids == 0 then
    context.say(("no ids of %s were found - is this the dataset?"):format(arguments.type))
  end
end

function M.files(arguments)
  return "extract", {
    inputs = arguments.dataset, output = arguments.output, ids_per_file = arguments.ids_per_file,
    on_malformed = arguments.on_malformed, shape = arguments.shape,
  }, { inputs = "dataset" }
end

function M.run(arguments, context)
  local counts, err = dataset.extract(reading.add(arguments, {
    type = arguments.type, inputs = arguments.dataset, output = arguments.output,
    format = arguments.format, top_level = arguments.top_level,
    ids_per_file = arguments.ids_per_file, memory = arguments.memory,
    jobs = arguments.jobs,
    on_malformed = arguments.on_malformed, loop = context.loop, on_progress = context.progress(),
  }, arguments.type == "users" and "author" or "id"))
  if not counts then return context.fail(err) end
  warn(arguments, counts, context)
  context.print(counts, summary(counts))
  return 0
end

return M
