-- hostile values from the caller's side, in every public function: promises 11, 13 and 38 of
-- docs/security.md

local bench = require "spec.support.bench"
local simulator = require "spec.support.simulator"

describe("a hostile value", function()
  it("is misuse or an error in every public function, and never more", function()
    local root = assert(simulator.shell("pwd"))
    local folder = assert(simulator.shell("mktemp -d"))
    finally(function() simulator.shell("rm -rf " .. folder) end)
    local output, status = simulator.run(("cd %s && timeout 200 %s 2>&1"):format(folder,
      bench.command(root .. "/spec/support/hostile.lua", "env -u BEARER_TOKEN")))
    assert.equal(0, status, output)
    local calls, defects = output:match("(%d+) calls, (%d+) defects\n$")
    assert.equal("0", defects, output)
    assert.is_true(tonumber(calls) > 3000)
  end)
end)
