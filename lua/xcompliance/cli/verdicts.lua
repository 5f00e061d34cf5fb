--- xcompliance verdicts
-- @internal xcompliance.cli.verdicts

local dataset = require "xcompliance.dataset"
local errors = require "xcompliance.errors"
local results = require "xcompliance.cli.results"
local text = require "xcompliance.text"

local M = {
  name = "verdicts", summary = "Write what results say: compiled, by id, or by outcome",
}

function M.define(command)
  results.define(command)
  command:option("-o --output", "Write to FILE; - is standard output (not for compiled"
    .. " verdicts).")
    :argname("FILE"):count(1)
  command:option("--ids", "A line for each id of this list: id,outcome,reason,redacted_at.")
    :argname("IDS")
  command:option("--outcome", "Only the ids of this outcome, one a line.")
    :choices { "delete", "unknown", "scrub_geo", "rehydrate", "invalid" }
  command:epilog("Compiled verdicts are given in place of results, and are mapped into memory by"
    .. " any number of processes.\n\nExamples:\n"
    .. "   xcompliance verdicts --tweets t.jsonl --users u.jsonl -o both.verdicts\n"
    .. "   xcompliance verdicts --ids ids.txt --tweets t.jsonl -o verdicts.csv\n"
    .. "   xcompliance verdicts --tweets t.jsonl --outcome delete -o gone.txt")
end

local function compile(verdicts, arguments, context)
  local ok, err = verdicts:save(arguments.output)
  if not ok then return context.fail(err) end
  local counts, lines = verdicts:counts(), {}
  for _, type in ipairs { "tweets", "users" } do
    if counts[type] then
      lines[#lines + 1] = ("%s: verdicts on %s (%s)"):format(arguments.output,
        text.plural(counts[type].ids, type:sub(1, -2)), results.line(counts[type]) or "none")
    end
  end
  context.print(counts, table.concat(lines, "\n"))
  return 0
end

local function summary(counts, arguments)
  local parts = { results.line(counts) }
  if arguments.ids then
    table.insert(parts, 1, text.count(counts.compliant) .. " compliant")
  end
  local said = #parts > 0 and table.concat(parts, ", ") or "none"
  return ("%s: %s of %s (%s)"):format(arguments.output, text.plural(counts.lines, "line"),
    text.plural(counts.asked, "id"), said)
end

local function list(verdicts, arguments, context)
  local counts, err = dataset.list_verdicts {
    verdicts = verdicts, type = arguments.tweets[1] and "tweets" or "users",
    ids = arguments.ids, outcome = arguments.outcome, output = arguments.output,
    loop = context.loop, on_progress = context.progress(arguments.output),
  }
  if not counts then return context.fail(err) end
  if arguments.output == "-" then
    context.say(summary(counts, arguments))
  else
    context.print(counts, summary(counts, arguments))
  end
  return 0
end

function M.files(arguments)
  return (arguments.ids or arguments.outcome) and "verdicts" or "save", {
    tweets = results.flat(arguments.tweets), users = results.flat(arguments.users),
    ids = arguments.ids, output = arguments.output,
  }
end

function M.run(arguments, context)
  local is_list = arguments.ids or arguments.outcome
  if is_list and arguments.tweets[1] and arguments.users[1] then
    errors.misuse("a list is of tweets or of users: give --tweets or --users, not both")
  end
  local verdicts, err = results.load(arguments, context)
  if not verdicts then return context.fail(err) end
  local status = (is_list and list or compile)(verdicts, arguments, context)
  verdicts:close()
  return status
end

return M
