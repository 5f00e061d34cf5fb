-- A list in parts, killed at random moments; `make large` does so with 13,000,000 ids.

local flows = require "spec.support.flows"
local large = require "spec.faults.large"

flows.describe("a long list", function(flow)
  it("is asked about in parts, also if the check is killed at random moments", function()
    local figures = large.run { ids = 13000, ids_per_job = 6000, kills = 6, flow = flow }
    assert.equal(3, figures.jobs)
    assert.equal(6, figures.kills)
    assert.equal(3 * figures.rounds, figures.jobs_killed)
  end)
end)
