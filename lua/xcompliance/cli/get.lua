--- xcompliance get
-- @internal xcompliance.cli.get

local models = require "xcompliance.cli.models"

local M = { name = "get", summary = "Show a compliance job", uses_api = true }

function M.define(command)
  command:argument("id", "The job's id.")
  command:epilog("Example:\n   xcompliance get 1382081613278814209")
end

function M.run(arguments, context)
  return models.run(arguments, context, function(client, options)
    return client:list_job(arguments.id, options)
  end)
end

return M
