-- the loops: one list of promises (spec/promises.lua), kept in every host

local hosts = require "spec.hosts"
local simulator = require "spec.simulator"

local shell = simulator.shell

describe("the loop", function()
  local sim, place

  before_each(function()
    sim = simulator.start { jobs_take = 0, rate_limit = 1e6 }
    place = { url = sim.url, folder = assert(shell("mktemp -d")) }
  end)
  after_each(function()
    sim:stop()
    shell("rm -rf " .. place.folder)
  end)

  for _, name in ipairs { "blocking", "cqueues", "luv" } do
    local host = hosts[name]
    describe(name .. ":", function()
      for _, promise in pairs(require "spec.promises") do
        if host.concurrent or not promise.concurrent then
          it(promise.says, function()
            for _, fault in ipairs(promise.faults or {}) do sim:arm(fault) end
            host.enter(function() promise.keep(host, place) end)
          end)
        end
      end
    end)
  end
end)
