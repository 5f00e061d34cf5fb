--- xcompliance download
-- @internal xcompliance.cli.download

local asking = require "xcompliance.cli.asking"
local text = require "xcompliance.text"

local M = { name = "download", summary = "Download the results of a job", uses_api = true }

function M.define(command)
  command:argument("url", "The job's download_url.")
  command:argument("results", "The file for the results.")
  command:option("--deadline", "Give up after SECONDS."):argname("SECONDS"):convert(tonumber)
  asking.define_download(command)
  command:flag("--as-is", "Accept whatever is downloaded, even if it is not results.")
  command:epilog("The file takes its name when it is whole, verified, and every line of it was read"
    .. " as a row of results.\n\n"
    .. "Example:\n   xcompliance download \"$download_url\" results.jsonl")
end

function M.files(arguments)
  return "download", { results = arguments.results }, { results = "results" }
end

function M.run(arguments, context)
  local client = context.client(arguments)
  local status, info = client:download_results(arguments.url, arguments.results,
    { deadline = arguments.deadline, on_progress = context.progress(),
      allow_unframed = arguments.allow_unframed, as_is = arguments.as_is })
  client:close()
  if not status then return context.fail(info) end
  context.print(info, ("%s: %s, %s"):format(arguments.results, text.size(info.bytes),
    text.proof(info)))
  return 0
end

return M
