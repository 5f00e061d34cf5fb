--- xcompliance extract
-- @internal xcompliance.cli.extract

local convert = require "xcompliance.cli.convert"
local dataset = require "xcompliance.dataset"
local errors = require "xcompliance.errors"
local reading = require "xcompliance.cli.reading"
local reports = require "xcompliance.report_text"
local text = require "xcompliance.text"

local M = { name = "extract", summary = "Write the ids in a dataset, each once" }

local BLOCK = 4096 -- ids that are printed at once

-- those of sync and redact as well, so that the same flags fit all three
local TREATMENTS = { "stop", "skip", "keep", "quarantine", "remove" }

local function skips(treatment) return treatment and (treatment == "stop" and "stop" or "skip") end

function M.define(command)
  command:argument("type", "Whose ids to write."):choices { "tweets", "users" }
  command:argument("dataset", "Files, folders, or - for standard input."):args("+")
  command:option("-o --output", "The file for the ids; - is standard output."):argname("IDS")
    :count(1)
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
    .. " skip lists them in IDS.malformed. What sync calls quarantine and remove skips them here.")
    :choices(TREATMENTS)
  reading.define(command, TREATMENTS)
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
    local place = arguments.output ~= "-" and (": see %s.malformed"):format(arguments.output) or ""
    context.say(text.plural(counts.malformed, "malformed record") .. " skipped" .. place)
  end
  local without_author = reports.without_author(counts.without_author)
  if without_author then context.say(without_author) end
  if counts.ids == 0 then
    context.say(("no ids of %s were found - is this the dataset?"):format(arguments.type))
  end
end

function M.files(arguments)
  if arguments.output == "-" then
    return "ids", { inputs = arguments.dataset, shape = arguments.shape }, { inputs = "dataset" }
  end
  return "extract", {
    inputs = arguments.dataset, output = arguments.output, ids_per_file = arguments.ids_per_file,
    on_malformed = skips(arguments.on_malformed), shape = arguments.shape,
  }, { inputs = "dataset" }
end

--- Standard output gets its ids when all of them are known.
local function print_ids(options, context)
  local iterator, err = dataset.ids(options)
  if not iterator then return nil, err end
  local block = {}
  for id in iterator do
    block[#block + 1] = id
    if #block == BLOCK then
      context.out(table.concat(block, "\n") .. "\n")
      block = {}
    end
  end
  if #block > 0 then context.out(table.concat(block, "\n") .. "\n") end
  return iterator.counts
end

function M.run(arguments, context)
  local is_printed = arguments.output == "-"
  if is_printed and arguments.ids_per_file then
    errors.misuse("`ids_per_file` splits files: give `output` a name")
  end
  local options = reading.add(arguments, {
    type = arguments.type, inputs = arguments.dataset, format = arguments.format,
    top_level = arguments.top_level, memory = arguments.memory, jobs = arguments.jobs,
    on_malformed = skips(arguments.on_malformed), loop = context.loop,
    on_progress = context.progress(arguments.output),
  })
  options.on_unrecognised = skips(options.on_unrecognised)
  local counts, err
  if is_printed then
    counts, err = print_ids(options, context)
  else
    options.output, options.ids_per_file = arguments.output, arguments.ids_per_file
    counts, err = dataset.extract(options)
  end
  if not counts then return context.fail(err) end
  warn(arguments, counts, context)
  if is_printed then
    context.say(text.plural(counts.ids, "id") .. " of " .. text.plural(counts.records, "record"))
  else
    context.print(counts, summary(counts))
  end
  return 0
end

return M
