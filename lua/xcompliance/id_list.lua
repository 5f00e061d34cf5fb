--- Ids that a caller holds in memory or produces one by one, written to a file.
-- @internal xcompliance.id_list

local core = require "xcompliance.core"
local errors = require "xcompliance.errors"

local M = {}

local IDS_AT_ONCE = 50000 -- about a megabyte
local WHOLE_MAX = 2 ^ 53 -- a larger number may have been rounded

--- An id as text.
-- @raise misuse
local function text_of(id, number)
  if type(id) == "string" and id:find("^%d+$") and #id <= 19 then return id end
  local is_whole = type(id) == "number" and id % 1 == 0 and id > 0 and id <= WHOLE_MAX
  if is_whole then return ("%d"):format(id) end
  errors.misuse("check: ids: number %d must be an id as a string of digits, not %s", number,
    type(id) == "string" and "'" .. id:sub(1, 40) .. "'" or type(id))
end

--- A function that returns the next id, or nil.
local function reader(ids)
  if type(ids) == "function" or (getmetatable(ids) or {}).__call then return ids end
  local number = 0
  return function()
    number = number + 1
    return rawget(ids, number)
  end
end

--- Appends ids to a file.
-- @treturn true|nil,err
local function append(call, file, ids)
  local block, total = {}, 0
  local function flush()
    local ok, err = file:append(table.concat(block, "\n") .. "\n")
    block = {}
    if not ok then return nil, err end
    return call:breathe()
  end
  for id in reader(ids) do
    total = total + 1
    block[#block + 1] = text_of(id, total)
    if #block == IDS_AT_ONCE then
      local ok, err = flush()
      if not ok then return nil, err end
    end
  end
  if #block == 0 then return true end
  return flush()
end

--- Writes ids, one a line.
-- @tparam table call
-- @tparam string path
-- @tparam table|function ids an array, or an iterator: what a `for` takes
-- @treturn true|nil,err
-- @raise misuse: something is not an id; and what an iterator raises
function M.write(call, path, ids)
  local file, err = core.create_beside(path)
  if not file then return nil, err end
  local did, ok
  did, ok, err = pcall(append, call, file, ids)
  if did and ok then return call:settle(file:publish(path)) end
  file:discard()
  if not did then error(ok, 0) end
  return nil, err
end

return M
