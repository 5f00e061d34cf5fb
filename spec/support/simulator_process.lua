--- The simulator as a child process: options as one line of JSON on standard input, at whose end
-- it ends too, so that no test leaves it running. A complaint takes the place of `ready PORT`.
--
--     lua5.4 spec/support/simulator_process.lua <<< '{"jobs_take": 0}'

local cjson = require "cjson"
local cqueues = require "cqueues"
local simulator = require "xcompliance.simulator"

local function whole_numbers(value) -- cjson makes floats of them
  if type(value) == "number" then return math.tointeger(value) or value end
  if type(value) ~= "table" then return value end
  local result = {}
  for key, member in pairs(value) do result[key] = whole_numbers(member) end
  return result
end

local function until_input_ends()
  cqueues.poll { pollfd = 0, events = "r" }
end

local good, complaint =
  pcall(simulator.run, whole_numbers(cjson.decode(io.read("l"))), until_input_ends)
if not good then
  io.stdout:write(complaint, "\n")
  os.exit(1)
end
