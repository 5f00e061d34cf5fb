-- Row 85 of the fault matrix: a part of the sweep, in every run of the specs; `make sweep` does all
-- of it.

local kills = require "spec.faults.kills"
local sweep = require "spec.faults.sweep"

local EVERY = 89 -- bytes; a prime, so that it falls into each part of a line
local SIZE = 700 -- bytes: all of a head, and some of the body

describe("row 85: an answer that is cut", function()
  local ways = {}
  for _, transport in ipairs { "http", "tls" } do
    for _, way in ipairs(sweep.ways[transport]) do ways[#ways + 1] = { transport, way } end
  end
  for number, kind in ipairs(sweep.kinds) do
    local transport, way = ways[number % #ways + 1][1], ways[number % #ways + 1][2]
    it(("over %s by %s: %s"):format(transport, way, sweep.name(kind)), function()
      assert.is_true(sweep.run(kind, transport, way, EVERY, number, SIZE) > 0)
    end)
  end
end)

for _, flow in ipairs { "storage", "api" } do
  it("row 85: whole checks, cut and killed at random, end right: " .. flow, function()
    local sums = kills.run(15, 1, flow)
    assert.equal(15, sums.tries)
    assert.is_true(sums.kills > 5)
    assert.equal(0, sums.more)
  end)
end
