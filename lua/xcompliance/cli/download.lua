--- xcompliance download
-- @module xcompliance.cli.download

local text = require "xcompliance.text"

local M = { name = "download", summary = "Download the results of a job", uses_api = true }

function M.define(command)
  command:argument("url", "The job's download_url.")
  command:argument("results", "Where they go.")
  command:option("--deadline", "Give up after so long."):argname("SECONDS"):convert(tonumber)
  command:epilog("The file takes its name when it is whole and verified.\n\n"
    .. "Example:\n   xcompliance download \"$download_url\" results.jsonl")
end

function M.run(arguments, context)
  local client = context.client(arguments)
  local status, info = client:download_results(arguments.url, arguments.results,
    { deadline = arguments.deadline, on_progress = context.progress() })
  client:close()
  if not status then return context.fail(info) end
  context.print(info, ("%s: %s, %s"):format(arguments.results, text.size(info.bytes),
    text.proof(info)))
  return 0
end

return M
