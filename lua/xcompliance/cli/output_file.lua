--- Writes the one file that a command makes.
-- @internal xcompliance.cli.output_file

local calls = require "xcompliance.call"
local core = require "xcompliance.core"

local M = {}

--- Writes a file that takes its name when it is whole.
-- @tparam string path
-- @tparam string content
-- @tparam table loop
-- @treturn true|nil,err
function M.write(path, content, loop)
  local file, err = core.create_beside(path)
  if not file then return nil, err end
  local ok
  ok, err = file:append(content)
  if ok then return calls.new(loop, {}):settle(file:publish(path)) end
  file:discard()
  return nil, err
end

return M
