--- xcompliance create
-- @module xcompliance.cli.create

local models = require "xcompliance.cli.models"

local M = { name = "create", summary = "Create a compliance job", uses_api = true }

function M.define(command)
  command:argument("type", "What the ids are of."):choices { "tweets", "users" }
  command:option("--name", "A name of at most 64 characters."):argname("NAME")
  command:flag("--resumable", "The ids will be uploaded resumably.")
  command:epilog("Example:\n   xcompliance create tweets --name monday")
end

function M.run(arguments, context)
  local client = context.client(arguments)
  local response, err = client:create_compliance_job(arguments.type, arguments.name,
    arguments.resumable or nil, { on_progress = context.progress() })
  client:close()
  if not response then return context.fail(err) end
  models.warn(response, context.say)
  context.print(response, models.job(response.data))
  return 0
end

return M
