--- Reads a file of Lua's. Lua answers a read that fails as it answers the end, with nil: a caller
-- that takes the one for the other loses the rest of the file without a word.
-- @internal xcompliance.read

local errors = require "xcompliance.errors"

local M = {}

local BLOCK = 64 * 1024 -- bytes

--- Reads as file:read does.
-- @tparam file file
-- @tparam string|integer what a format of file:read
-- @tparam string path for the message
-- @treturn ?string what was read; nil at the end; or nil, err
function M.some(file, what, path)
  local text, why = file:read(what)
  if not why then return text end
  return nil, errors.new("io", ("reading %s: %s - check that it is a file and its disk is well, and"
    .. " run it again"):format(path, why), { file = path })
end

--- Opens a file, reads its first bytes, and closes it.
-- @tparam string path
-- @tparam integer most bytes
-- @treturn ?string nil if the file is empty; or nil, why it cannot be read
function M.start(path, most)
  local file, why = io.open(path, "rb")
  if not file then return nil, why end
  local text
  text, why = file:read(most)
  file:close()
  return text, why and path .. ": " .. why
end

--- Reads a file to its end, a block at a time.
-- @tparam file file
-- @tparam string path for the message
-- @tparam function use is given each block; returns true, or nil, err
-- @treturn true|nil,err
function M.blocks(file, path, use)
  while true do
    local block, err = M.some(file, BLOCK, path)
    if err then return nil, err end
    if not block then return true end
    local ok
    ok, err = use(block)
    if not ok then return nil, err end
  end
end

return M
