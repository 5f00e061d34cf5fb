--- xcompliance cancel
-- @internal xcompliance.cli.cancel

local models = require "xcompliance.cli.models"

local M = { name = "cancel", summary = "Cancel a compliance job", uses_api = true }

function M.define(command)
  command:argument("id", "The job's id.")
  command:epilog("Only a job that is created or in progress can be cancelled. Its status becomes"
    .. " failed, and another job of its type can be created.\n\n"
    .. "Example:\n   xcompliance cancel 1382081613278814209")
end

function M.run(arguments, context)
  return models.run(arguments, context, function(client, options)
    return client:cancel_job(arguments.id, options)
  end)
end

return M
