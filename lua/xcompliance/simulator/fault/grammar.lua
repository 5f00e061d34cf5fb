--- How a fault is written: `STEP:FAULT[@PARAMETER][+SKIP][xCOUNT]`.
--
--     create:503x2                  the next two creations are answered 503
--     chunk:308-partial@1MiB        of the next chunk one MiB is kept
--     download:cut@256KiB+1x*       every download but the first ends after 256 KiB
--
-- Steps: create, list, get, cancel (jobs); upload (a whole list), download; start, chunk, query,
-- abort (upload sessions, in the older flow alone); other, any. The faults are in the other files
-- of this folder. Without a count a fault strikes once. If several wait for a step, the one that
-- was armed first strikes first.
-- @internal xcompliance.simulator.fault.grammar

local clock = require "xcompliance.simulator.clock"
local statuses = require "xcompliance.simulator.fault.statuses"

local M = {}

-- {====================================================================
-- All faults there are, by name
-- =====================================================================

-- A kind is `{ doc, parameter, default, optional, steps, arm, before, after }`: the type of its
-- parameter (see grammar.lua), the steps where it makes sense (all without), and where it acts
-- (see ../exchange.lua; `arm` acts at once).

local all = {}
for _, part in ipairs { "documents", "session", "bodies", "wire" } do
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

-- }====================================================================

local UNITS = {
  [""] = 1, B = 1, kB = 1000, MB = 1000 ^ 2, GB = 1000 ^ 3,
  KiB = 1 << 10, MiB = 1 << 20, GiB = 1 << 30,
}

--- The parts of a fault's text.
-- @tparam string text
-- @treturn table `{ step, fault, parameter, skip, count }`; raises where it is malformed
function M.parse(text)
  local step, rest = text:match("^(%a+):(.+)$")
  if not step then error(("fault %q is not written STEP:FAULT"):format(text), 0) end
  local head, count = rest:match("^(.*[^x])x([%d*]+)$")
  rest = head or rest
  local skip
  head, skip = rest:match("^(.+)%+(%d+)$")
  rest = head or rest
  local fault, parameter = rest:match("^([^@]+)@(.*)$")
  return {
    step = step, fault = fault or rest, parameter = parameter, skip = tonumber(skip),
    count = count == "*" and math.huge or tonumber(count),
  }
end

local function size(given)
  if type(given) == "number" then return given >= 0 and math.floor(given) or nil end
  local number, unit = given:match("^([%d.]+)(%a*)$")
  return number and UNITS[unit] and math.floor(tonumber(number) * UNITS[unit])
end

local function whole(text)
  return math.tointeger(tonumber(text))
end

local function form(text)
  return clock.forms[text] and text
end

local READERS = {
  size = size, number = tonumber, integer = whole, text = tostring, form = form,
}

--- A parameter's value.
-- @tparam string name of the type: `"size"`, `"number"`, `"integer"`, `"text"` or `"form"`
-- @tparam string|number given
-- @treturn nil if it is not of that type
function M.value(name, given)
  return READERS[name](given)
end

return M
