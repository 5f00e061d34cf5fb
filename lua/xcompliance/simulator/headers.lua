--- Header fields as an ordered list of `{ name, value }`: names may repeat, as x-goog-hash does.
-- @internal xcompliance.simulator.headers

local M = {}

local function same(field, name)
  return field[1]:lower() == name:lower()
end

--- The value of the first field of that name, or nil.
function M.get(list, name)
  for _, field in ipairs(list) do
    if same(field, name) then return field[2] end
  end
end

--- Adds a field, beside those that may have the same name.
function M.add(list, name, value)
  list[#list + 1] = { name, value }
end

--- Removes every field of that name.
function M.remove(list, name)
  for at = #list, 1, -1 do
    if same(list[at], name) then table.remove(list, at) end
  end
end

--- Replaces all fields of that name by one.
function M.set(list, name, value)
  M.remove(list, name)
  M.add(list, name, value)
end

return M
