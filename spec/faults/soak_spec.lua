-- Row 49 of the fault matrix, and whole checks: faults at random, by seed. `make soak` runs more of
-- them.

local benches = require "spec.support.bench"
local flows = require "spec.support.flows"
local soak = require "spec.faults.soak"

describe("under random faults", function()
  --- Uploads one list resumably, by this many seeds.
  local function upload(seeds)
    local good, bad = 0, 0
    for seed = 1, seeds do
      local bench = benches.start {
        flow = "storage", random = { seed = seed, probability = 0.3, size = 4 * benches.MiB },
      }
      local client = bench:client { retry = { attempts = 20, first = 0.01, max = 0.05 } }
      local job = assert(client:create_compliance_job("tweets", "ours", true)).data
      local path, text = bench:list(({ 700, 1024, 2048, 4096 })[seed % 4 + 1] * benches.KiB + seed)
      local said, err = bench:client():upload_ids(job.upload_url, path, {
        chunk = seed % 3 == 0 and 512 * benches.KiB or nil,
      })
      local stored = bench:stored(job)
      if stored then bench:holds(job, text) end -- never a wrong object
      if said then
        assert.is_table(stored, "seed " .. seed)
        good = good + 1
      else
        assert.is_string(err.kind)
        assert.is_true(err.kind ~= "internal", tostring(err))
        bad = bad + 1
      end
      bench:stop()
    end
    return good, bad
  end

  it("row 49: a resumable upload stores the right object, or says why not", function()
    assert.is_true(upload(20) > 10)
  end)

  it("row 49: a resumable upload, 200 seeds #slow", function()
    assert.is_true(upload(200) > 100)
  end)

  for _, flow in ipairs(flows.all) do
    it("whole checks end right, with one job, in the flow over " .. flow, function()
      local sums = soak.run(12, 1, flow)
      assert.equal(12, sums.runs)
      assert.is_true(sums.faults > 12)
    end)
  end
end)
