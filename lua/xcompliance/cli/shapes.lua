--- xcompliance shapes
-- @internal xcompliance.cli.shapes

local core = require "xcompliance.core"
local convert = require "xcompliance.cli.convert"

local M = {
  name = "shapes", summary = "List the known shapes of records, or explain a file",
}

function M.define(command)
  command:argument("shape", "Print this one, as a starting point for your own."):args("?")
  command:option("--explain", "Show what is recognised in the first records of FILE.")
    :argname("FILE")
  command:option("--shape", "Use the shapes in FILE, too (docs/shapes.md)."):argname("FILE")
    :target("shape_file")
  command:option("--records", "How many records are explained (default: 10)."):argname("N")
    :convert(convert.count("--records"))
  command:epilog("Examples:\n   xcompliance shapes\n   xcompliance shapes graphql >my.shape\n"
    .. "   xcompliance shapes --explain tweets.jsonl --shape my.shape")
end

local function list(shapes)
  local lines = {}
  for i, shape in ipairs(shapes) do
    lines[i] = ("%-16s %s"):format(shape.name, shape.about)
  end
  return table.concat(lines, "\n")
end

function M.run(arguments, context)
  if arguments.explain then
    local text, err = core.explain {
      path = arguments.explain, shape = arguments.shape_file, records = arguments.records,
    }
    if not text then return context.fail(err) end
    context.print({ explanation = text }, (text:gsub("\n$", "")))
    return 0
  end
  local shapes = core.shapes()
  if not arguments.shape then
    context.print(shapes, list(shapes))
    return 0
  end
  for _, shape in ipairs(shapes) do
    if shape.name == arguments.shape then
      context.print(shape, ("# %s: %s\n%s"):format(shape.name, shape.about,
        (shape.text:gsub("\n$", ""))))
      return 0
    end
  end
  context.say(("xcompliance: there is no shape %s - those that are known:"):format(arguments.shape))
  context.say(list(shapes))
  return 64
end

return M
