--- xcompliance create
-- @internal xcompliance.cli.create

local models = require "xcompliance.cli.models"

local M = { name = "create", summary = "Create a compliance job", uses_api = true }

function M.define(command)
  command:argument("type", "Whether the ids are of tweets or of users.")
    :choices { "tweets", "users" }
  command:option("--name", "A name of at most 64 characters."):argname("NAME")
  command:flag("--resumable", "The ids will be uploaded resumably.")
  command:epilog("Example:\n   xcompliance create tweets --name monday")
end

function M.run(arguments, context)
  return models.run(arguments, context, function(client, options)
    return client:create_compliance_job(arguments.type, arguments.name,
      arguments.resumable or nil, options)
  end)
end

return M
