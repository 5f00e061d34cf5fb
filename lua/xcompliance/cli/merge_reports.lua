--- xcompliance merge-reports
-- @internal xcompliance.cli.merge_reports

local json = require "xcompliance.json"
local output_file = require "xcompliance.cli.output_file"
local part_reports = require "xcompliance.part_reports"
local results = require "xcompliance.cli.results"

local M = { name = "merge-reports", summary = "Add the reports of the redactions of parts" }

function M.define(command)
  command:argument("reports", "What xcompliance redact --json has printed, or merge-reports"
    .. " written."):args("+")
  command:option("-o --output", "Write the sum to FILE; - is standard output."):argname("FILE")
  command:epilog("Parts must have been redacted in the same way, by the same verdicts. A file that"
    .. " is in two reports is an error.\n\nExamples:\n"
    .. "   xcompliance redact part7 --tweets all.verdicts -o clean/part7 --json >reports/7.json\n"
    .. "   xcompliance merge-reports reports/*.json -o report.json")
end

function M.files(arguments)
  return "report", { inputs = arguments.reports, output = arguments.output }, {
    inputs = "reports",
  }
end

function M.run(arguments, context)
  local report, err = part_reports.merge(arguments.reports)
  if not report then return context.fail(err) end
  if arguments.output == "-" then
    context.out(json.encode(report) .. "\n")
    return 0
  end
  if arguments.output then
    local ok
    ok, err = output_file.write(arguments.output, json.encode(report) .. "\n", context.loop)
    if not ok then return context.fail(err) end
  end
  context.print(report, results.summary(report, part_reports.rehydrate(report)))
  return 0
end

return M
