--- xcompliance download
-- @internal xcompliance.cli.download

local convert = require "xcompliance.cli.convert"
local asking = require "xcompliance.cli.asking"
local errors = require "xcompliance.errors"
local lines = require "xcompliance.lines"
local models = require "xcompliance.cli.models"
local read = require "xcompliance.read"
local text = require "xcompliance.text"

local M = { name = "download", summary = "Download the results of a job", uses_api = true }

function M.define(command)
  command:argument("url", "The job's download_url.")
  command:option("-o --output", "The file for the results; - is standard output.")
    :argname("RESULTS"):count(1)
  command:option("--deadline", "Give up after SECONDS."):argname("SECONDS")
    :convert(convert.number("--deadline"))
  asking.define_download(command)
  command:flag("--as-is", "Accept whatever is downloaded, even if it is not results.")
  command:epilog("The file takes its name when it is whole, verified, and every line of it was read"
    .. " as a row of results.\n\n"
    .. "Example:\n   xcompliance download \"$download_url\" -o results.jsonl")
end

function M.files(arguments)
  if arguments.output == "-" then return "download", {} end
  return "download", { results = arguments.output }
end

--- Prints a file and removes it.
local function print_file(path, context)
  local file, why = io.open(path, "rb")
  if not file then return nil, errors.new("io", "reading the results: " .. why) end
  os.remove(path)
  local ok, err = read.blocks(file, "the results", function(block)
    context.out(block)
    return true
  end)
  file:close()
  return ok, err
end

function M.run(arguments, context)
  models.check_url(arguments.url, "download_url")
  local is_printed = arguments.output == "-"
  local path = is_printed and lines.temporary_path() or arguments.output
  local client = context.client(arguments)
  local status, info = client:download_results(arguments.url, path,
    { deadline = arguments.deadline, on_progress = context.progress(arguments.output),
      allow_unframed = arguments.allow_unframed, as_is = arguments.as_is })
  client:close()
  if not status then return context.fail(info) end
  local said = ("%s: %s, %s"):format(arguments.output, text.size(info.bytes), text.proof(info))
  if not is_printed then
    context.print(info, said)
    return 0
  end
  local ok, err = print_file(path, context)
  if not ok then return context.fail(err) end
  context.say(said)
  return 0
end

return M
