--- xcompliance cancel
-- @module xcompliance.cli.cancel

local models = require "xcompliance.cli.models"

local M = { name = "cancel", summary = "Cancel a compliance job", uses_api = true }

function M.define(command)
  command:argument("id", "The job's id.")
  command:epilog("Only a job that is created or in progress can be cancelled. Its status becomes"
    .. " failed, and another job of its type can be created.\n\n"
    .. "Example:\n   xcompliance cancel 1382081613278814209")
end

function M.run(arguments, context)
  local client = context.client(arguments)
  local response, err = client:cancel_job(arguments.id, { on_progress = context.progress() })
  client:close()
  if not response then return context.fail(err) end
  models.warn(response, context.say)
  context.print(response, models.job(response.data))
  return 0
end

return M
