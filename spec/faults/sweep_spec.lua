-- Row 85 of the fault matrix: a part of the sweep, in every run of the specs; `make sweep` does all
-- of it.

local kills = require "spec.faults.kills"
local sweep = require "spec.faults.sweep"

local EVERY = 97 -- bytes; a prime, so that it falls into each part of a line

describe("row 85: an answer that is cut, over", function()
  for number, kind in ipairs(sweep.kinds) do
    local ways = sweep.ways.tls
    local tls = ways[number % #ways + 1]
    it(("TCP: %s"):format(sweep.name(kind)), function()
      assert.is_true(sweep.run(kind, "http", "cut-answer", EVERY, number) > 0)
    end)
    it(("TLS, %s: %s"):format(tls, sweep.name(kind)), function()
      assert.is_true(sweep.run(kind, "tls", tls, EVERY, number) > 0)
    end)
  end
end)

it("row 85: whole checks, cut at random and killed at random moments, end right", function()
  local sums = kills.run(25, 1, "storage")
  assert.equal(25, sums.tries)
  assert.is_true(sums.kills > 10)
  assert.equal(0, sums.more)
end)
