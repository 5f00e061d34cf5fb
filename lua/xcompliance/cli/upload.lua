--- xcompliance upload
-- @internal xcompliance.cli.upload

local convert = require "xcompliance.cli.convert"
local errors = require "xcompliance.errors"
local models = require "xcompliance.cli.models"
local text = require "xcompliance.text"

local M = { name = "upload", summary = "Upload a list of ids to a job", uses_api = true }

function M.define(command)
  command:argument("url", "The job's upload_url.")
  command:argument("ids", "A file of ids, one a line.")
  command:option("--chunk", "Bytes a piece of a resumable upload; a multiple of 262144.")
    :argname("BYTES"):convert(convert.number("--chunk"))
  command:flag("--as-is", "Send the file whatever it holds (default: only if it is a list of ids).")
  command:option("--deadline", "Give up after SECONDS."):argname("SECONDS")
    :convert(convert.number("--deadline"))
  command:epilog("The URL says where the ids go, and whether the upload is resumable.\n\n"
    .. "Example:\n   xcompliance upload \"$upload_url\" ids.txt")
end

--- A file that is not a list of ids has a line that shows it.
local function explain(err)
  if err.kind ~= "data" or not err.line then return err end
  return errors.with(err, { message = err.message .. "; --as-is sends the file whatever it holds" })
end

function M.files(arguments) return "upload", { ids = arguments.ids }, { ids = "ids" } end

function M.run(arguments, context)
  models.check_url(arguments.url, "upload_url")
  if arguments.ids == "-" then
    errors.misuse("an upload may have to be repeated, so - cannot be its ids: give a file")
  end
  local client = context.client(arguments)
  local said, info = client:upload_ids(arguments.url, arguments.ids, {
    chunk = arguments.chunk, as_is = arguments.as_is, deadline = arguments.deadline,
    on_progress = context.progress(),
  })
  client:close()
  if not said then return context.fail(explain(info)) end
  context.print(info, ("uploaded %s (%s), %s"):format(text.plural(info.ids, "id"),
    text.size(info.bytes), text.proof(info)))
  return 0
end

return M
