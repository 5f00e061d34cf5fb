--- xcompliance get
-- @module xcompliance.cli.get

local models = require "xcompliance.cli.models"

local M = { name = "get", summary = "Show a compliance job", uses_api = true }

function M.define(command)
  command:argument("id", "The job's id.")
  command:epilog("Example:\n   xcompliance get 1382081613278814209")
end

function M.run(arguments, context)
  local client = context.client(arguments)
  local response, err = client:list_job(arguments.id, { on_progress = context.progress() })
  client:close()
  if not response then return context.fail(err) end
  models.warn(response, context.say)
  context.print(response, models.job(response.data))
  return 0
end

return M
