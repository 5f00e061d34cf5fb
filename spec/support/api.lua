--- Runs one call of the API by the core alone, without a client: nothing is tried again.

local answers = require "xcompliance.api_answers"
local core = require "xcompliance.core"

local M = {}

--- What has come of a task that a call of the core returned.
-- @tparam string name of the call
-- @param task that has ended
-- @tparam string token that was sent
-- @tparam[opt] table fields that were chosen
-- @treturn ?table the response, or nil, err
-- @treturn table `{ status, headers }`
function M.result(name, task, token, fields)
  local answer, err = task:result()
  if not answer then return nil, err end
  return answers.read(name, answer, token, fields)
end

--- Runs a call.
-- @tparam string name
-- @param session of the core
-- @tparam table options of the core's function
function M.call(name, session, options)
  local task = assert(core[name](session, options))
  assert(task:wait(30), "it has not ended")
  local response, details = M.result(name, task, options.bearer_token, options.fields)
  task:close()
  return response, details
end

return M
