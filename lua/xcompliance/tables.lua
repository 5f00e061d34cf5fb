--- Copies of tables of options.
-- @internal xcompliance.tables

local M = {}

--- A new table with the members of all that are given; the later ones win. Metatables are ignored.
-- @tparam ?table ... tables, or nil
-- @treturn table
function M.merged(...)
  local all = {}
  for i = 1, select("#", ...) do
    for name, value in next, (select(i, ...)) or {} do all[name] = value end
  end
  return all
end

return M
