--- The flows that the bytes of jobs can take: over the API's own host, or over storage (the older
-- flow). Specs that hold in both are written once:
--
--     flows.describe("a download", function(flow) … end)
--
-- describes it for each flow that XCOMPLIANCE_FLOWS names (both, without it). Simulators that are
-- started within speak that flow, unless their own options say otherwise.

local busted = require "busted"
local simulator = require "spec.support.simulator"

local M = {}

--- The flows to describe things for.
M.all = {}
for flow in (os.getenv("XCOMPLIANCE_FLOWS") or "api storage"):gmatch("%a+") do
  M.all[#M.all + 1] = flow
end

--- Whether lists may be uploaded in sessions, for loops: `{ false, true }` or `{ false }`.
M.resumable = { storage = { false, true }, api = { false } }

--- Describes something that holds in each flow.
-- @tparam string name
-- @tparam function body is called with the flow, `"api"` or `"storage"`
-- @tparam[opt] string only the one flow in which it holds
function M.describe(name, body, only)
  for _, flow in ipairs(only and { only } or M.all) do
    busted.describe(("%s, in the flow over %s"):format(name, flow), function()
      local before
      busted.setup(function() before, simulator.flow = simulator.flow, flow end)
      busted.teardown(function() simulator.flow = before end)
      body(flow)
    end)
  end
end

return M
