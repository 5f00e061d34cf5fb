--- xcompliance merge-reports
-- @internal xcompliance.cli.merge_reports

local json = require "xcompliance.json"
local part_reports = require "xcompliance.part_reports"
local reports = require "xcompliance.report_text"
local results = require "xcompliance.cli.results"
local xcompliance = require "xcompliance"

local M = { name = "merge-reports", summary = "Make one report of those of parts" }

function M.define(command)
  command:argument("reports", "What redact --report has written, and what check --json has"
    .. " printed; or reports of syncs."):args("+")
  command:option("-o --output", "Write the sum to FILE; - is standard output."):argname("FILE")
  command:epilog("Parts must have been redacted in the same way, by the same verdicts. A file that"
    .. " is in two reports is an error.\n\nExamples:\n"
    .. "   xcompliance redact part7 --tweets all.verdicts -o clean/part7 --report 7.json\n"
    .. "   xcompliance merge-reports tweets.check.json 7.json 8.json -o report.json")
end

function M.files(arguments)
  return "report", { inputs = arguments.reports, output = arguments.output }, {
    inputs = "reports",
  }
end

function M.run(arguments, context)
  local is_printed = arguments.output == "-"
  local report, err = xcompliance.merge_reports {
    reports = arguments.reports, output = not is_printed and arguments.output or nil,
    loop = context.loop, on_progress = context.progress(arguments.output),
  }
  if not report then return context.fail(err) end
  if is_printed then
    context.out(json.encode(report) .. "\n")
  else
    context.print(report, report.checked and reports.text(report)
      or results.summary(report, part_reports.rehydrate(report)))
  end
  return 0
end

return M
