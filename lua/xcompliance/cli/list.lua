--- xcompliance list
-- @internal xcompliance.cli.list

local models = require "xcompliance.cli.models"

local M = { name = "list", summary = "List the compliance jobs of a type", uses_api = true }

function M.define(command)
  command:argument("type", "The type of the jobs."):choices { "tweets", "users" }
  command:option("--status", "Only jobs of this status.")
    :choices { "created", "in_progress", "failed", "complete" }
  command:epilog("Example:\n   xcompliance list tweets --status complete")
end

function M.run(arguments, context)
  local client = context.client(arguments)
  local response, err = client:list_jobs(arguments.type, arguments.status,
    { on_progress = context.progress(), fields = not arguments.json and models.LISTED or nil })
  client:close()
  if not response then return context.fail(err) end
  models.warn(response, context.say)
  context.print(response, models.jobs(response.data, os.time()))
  return 0
end

return M
