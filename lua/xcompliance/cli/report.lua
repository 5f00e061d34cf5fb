--- xcompliance report
-- @internal xcompliance.cli.report

local output_file = require "xcompliance.cli.output_file"
local report_file = require "xcompliance.report_file"
local pages = require "xcompliance.report_page"
local reports = require "xcompliance.report_text"

local M = { name = "report", summary = "Show the report of a sync, as text or as a page" }

function M.define(command)
  command:argument("state", "The state folder of a sync, or a report.json.")
  command:option("-o --output", "Write a page (HTML) to FILE; - is standard output.")
    :argname("FILE")
  command:flag("--dry-run", "The report of the last dry run.")
  command:epilog("The page is one file: nothing in it is loaded from the network.\n\nExamples:\n"
    .. "   xcompliance report clean/.xcompliance\n"
    .. "   xcompliance report clean/.xcompliance -o report.html")
end

function M.files(arguments)
  return "report", { inputs = arguments.state, output = arguments.output }, { inputs = "state" }
end

function M.run(arguments, context)
  local report, err = report_file.read(arguments.state, arguments.dry_run)
  if not report then return context.fail(err) end
  if not arguments.output then
    context.print(report, reports.text(report))
    return 0
  end
  local page = pages.html(report)
  if arguments.output == "-" then
    context.out(page)
    return 0
  end
  local ok
  ok, err = output_file.write(arguments.output, page, context.loop)
  if not ok then return context.fail(err) end
  context.print({ output = arguments.output, bytes = #page }, arguments.output)
  return 0
end

return M
