--- The faults that wait for an exchange to strike, and those that struck.
-- @internal xcompliance.simulator.fault.board

local grammar = require "xcompliance.simulator.fault.grammar"
local randoms = require "xcompliance.simulator.fault.random"

local M = {}
local Board = {}
Board.__index = Board

local STEPS = {
  create = true, list = true, get = true, cancel = true, upload = true, download = true,
  start = true, chunk = true, query = true, abort = true, other = true, any = true,
}
local FIRED_KEPT = 10000

--- @tparam table service
function M.new(service)
  local options = service.options
  local unverifiable = options.flow == "api" and not options.checksums
  return setmetatable({
    service = service, armed = {}, fired = {},
    random = options.random and randoms.new(options.random, unverifiable),
  }, Board)
end

--- Every kind of fault there is; see grammar.lua.
Board.kinds = grammar.list

local function complain(text, ...)
  error(("simulator: " .. text):format(...), 0)
end

-- a fault that only sessions have may be armed for "upload" too
local function step_of(given, kind)
  local step = given.step
  if not STEPS[step] then complain("no step is called %s", step) end
  if not kind.steps or step == "any" or kind.steps[step] then return step end
  if step == "upload" and kind.steps.chunk then return "chunk" end
  complain("fault %s does not happen at step %s", given.fault, step)
end

local function parameter_of(given, kind)
  if kind.parameter == "table" then return given end
  local parameter = given.parameter
  if parameter == nil then
    if kind.parameter and kind.default == nil and not kind.optional then
      complain("fault %s needs @PARAMETER, a %s", given.fault, kind.parameter)
    end
    return kind.default
  end
  if not kind.parameter then complain("fault %s takes no parameter", given.fault) end
  local value = grammar.value(kind.parameter, parameter)
  if value == nil then
    complain("fault %s: %s is not a %s", given.fault, parameter, kind.parameter)
  end
  return value
end

-- the fault's text without its count, for the log
local function text_of(step, given)
  local parameter = given.parameter ~= nil and "@" .. tostring(given.parameter) or ""
  return step .. ":" .. given.fault .. parameter
end

--- Arms a fault. Raises a message if there is no such fault.
-- @tparam string|table given a text (see grammar.lua), or `{ step, fault, parameter, skip, count }`
function Board:arm(given)
  if type(given) == "string" then given = grammar.parse(given) end
  local kind = type(given) == "table" and given.fault and grammar.of(given.fault)
  if not kind then complain("no fault is called %s", given and given.fault) end
  local step, parameter = step_of(given, kind), parameter_of(given, kind)
  local fault = {
    step = step, text = text_of(step, given), kind = kind, parameter = parameter,
    skip = given.skip or 0, count = given.count == "*" and math.huge or given.count or 1,
  }
  if kind.arm then
    kind.arm(self.service, parameter)
    return self:strike(fault, step)
  end
  self.armed[#self.armed + 1] = fault
end

--- Forgets what is armed, random faults too.
function Board:disarm()
  self.armed, self.random = {}, nil
end

local function matches(fault, step)
  if fault.step == step then return true end
  return fault.step == "any" and (not fault.kind.steps or fault.kind.steps[step])
end

function Board:strike(fault, step)
  if #self.fired < FIRED_KEPT then
    local now = self.service.clock:now()
    self.fired[#self.fired + 1] = { fault = fault.text, step = step, time = now }
  end
  return fault
end

local function next_armed(self, step)
  for at, fault in ipairs(self.armed) do
    if matches(fault, step) then
      if fault.skip == 0 then
        fault.count = fault.count - 1
        if fault.count <= 0 then table.remove(self.armed, at) end
        return fault
      end
      fault.skip = fault.skip - 1
    end
  end
end

--- The fault for the exchange that begins, or nil.
function Board:take(step)
  local fault = next_armed(self, step)
  if not fault and self.random then
    local text = self.random:pick(step)
    if text then
      self:arm(text)
      fault = table.remove(self.armed)
    end
  end
  return fault and self:strike(fault, step)
end

--- What is armed, as the admin shows it.
function Board:list()
  local list = {}
  for at, fault in ipairs(self.armed) do
    local count = fault.count < math.huge and fault.count or "*"
    list[at] = { fault = fault.text, skip = fault.skip, count = count }
  end
  return list
end

return M
