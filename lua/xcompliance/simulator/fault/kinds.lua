--- All faults there are, by name.
--
-- A kind is `{ doc, parameter, default, optional, steps, arm, before, after }`: the type of its
-- parameter (see grammar.lua), the steps where it makes sense (all without), and where it acts
-- (see ../exchange.lua; `arm` acts at once).
-- @internal xcompliance.simulator.fault.kinds

local statuses = require "xcompliance.simulator.fault.statuses"

local M = {}

local all = {}
for _, part in ipairs { "documents", "fields", "session", "bodies", "wire" } do
  for name, kind in pairs(require("xcompliance.simulator.fault." .. part).kinds) do
    assert(not all[name], name)
    all[name] = kind
  end
end

--- The kind of that name, or nil.
function M.of(name)
  return all[name] or statuses.kind(name)
end

--- Every kind, by name; statuses are described in statuses.lua.
-- @treturn table a list of `{ name, doc, parameter, default, steps }`
function M.list()
  local list = {}
  for name, kind in pairs(all) do
    list[#list + 1] = {
      name = name, doc = kind.doc, parameter = kind.parameter, default = kind.default,
      steps = kind.steps,
    }
  end
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

return M
