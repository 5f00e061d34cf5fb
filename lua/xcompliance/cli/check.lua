--- xcompliance check
-- @internal xcompliance.cli.check

local asking = require "xcompliance.cli.asking"
local read = require "xcompliance.read"
local text = require "xcompliance.text"

local M = {
  name = "check", summary = "Check a list of ids, in all steps",
  uses_api = true,
}

function M.define(command)
  command:argument("type", "Whether the ids are of tweets or of users.")
    :choices { "tweets", "users" }
  command:argument("ids", "A file of ids, one a line; - is standard input.")
  command:option("-o --output", "The file for the results."):argname("RESULTS"):count(1)
  command:option("--name", "The job's name begins with it."):argname("NAME")
  command:option("--state", "Keep what is needed to resume after an interruption in DIR"
    .. " (default: beside RESULTS)."):argname("DIR")
  command:flag("--allow-rounded", "Accept ids that a spreadsheet seems to have rounded.")
  asking.define(command)
  command:epilog("Run the same command again to resume an interrupted one.\n\n"
    .. "Example:\n   xcompliance check tweets ids.txt -o results.jsonl")
end

local function jobs_of(outcome)
  local ids = {}
  for number, job in ipairs(outcome.jobs) do ids[number] = job.id end
  return (#ids == 1 and "job " or "jobs ") .. table.concat(ids, ", ")
end

local function summary(outcome, price)
  local lines = {
    ("%s: %s asked in %s"):format(jobs_of(outcome), text.plural(outcome.ids,
      outcome.type == "tweets" and "tweet id" or "user id"), text.duration(outcome.seconds)),
  }
  for _, reason in ipairs(text.by_count(outcome.reasons)) do
    lines[#lines + 1] = ("%14s  %s"):format(text.count(outcome.reasons[reason]), reason)
  end
  if outcome.nameless > 0 then
    lines[#lines + 1] = ("%14s  without an id"):format(text.count(outcome.nameless))
  end
  lines[#lines + 1] = ("%14s  without an event"):format(
    text.count(outcome.ids - outcome.ids_with_events))
  lines[#lines + 1] = ("%s: %s, %s, %s"):format(outcome.results, text.plural(outcome.rows, "row"),
    text.size(outcome.bytes), text.proof(outcome))
  lines[#lines + 1] = text.calls(outcome.calls, price)
  return table.concat(lines, "\n")
end

local function line_of(outcome)
  return ("check: %s, %s with an event; results: %s"):format(text.plural(outcome.ids,
    outcome.type == "tweets" and "tweet id" or "user id"), text.count(outcome.ids_with_events),
    outcome.results)
end

--- The next id; to resume, the same ids must come again.
local function from_standard_input()
  local line, err
  repeat
    line, err = read.some(io.stdin, "*l", "standard input")
    if err then error(err, 0) end
  until not line or line:find("%S")
  return line and line:match("^%s*(.-)%s*$")
end

function M.files(arguments)
  local ids = arguments.ids ~= "-" and arguments.ids or nil
  return "check", { ids = ids, results = arguments.output, state = arguments.state,
    metrics = arguments.metrics },
    { ids = "ids", results = "--output" }
end

function M.run(arguments, context)
  local client = context.client(arguments)
  local outcome, err = client:check(asking.add(arguments, {
    type = arguments.type, ids = arguments.ids == "-" and from_standard_input or arguments.ids,
    results = arguments.output,
    name = arguments.name, state = arguments.state, on_progress = context.progress(),
    allow_rounded = arguments.allow_rounded,
  }))
  client:close()
  if not outcome then return context.fail(err) end
  context.result = outcome
  context.print(outcome, arguments.summary and line_of(outcome)
    or summary(outcome, arguments.price_per_poll))
  return 0
end

return M
