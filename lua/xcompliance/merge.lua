--- Tables of options made of others.
-- @internal xcompliance.merge

local M = {}

--- A new table with the members of all that are given; the later ones win. Metatables are ignored.
-- @tparam ?table ... tables, or nil
-- @treturn table
function M.tables(...)
  local all = {}
  for i = 1, select("#", ...) do
    for name, value in next, (select(i, ...)) or {} do all[name] = value end
  end
  return all
end

return M
