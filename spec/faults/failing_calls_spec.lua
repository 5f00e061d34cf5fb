-- System calls that fail, one a run: a few of them by chance, each time the same; `make failing`
-- does all.

local failing = require "spec.faults.failing_calls"
local shell = require("spec.support.simulator").shell

local RUNS, SEED = 3, 11

describe("a system call that fails", function()
  local can_trace

  setup(function()
    can_trace = not os.getenv "LD_PRELOAD"
      and shell("strace -f -o /dev/null true 2>&1 && echo yes"):find("yes$")
  end)

  local names = {}
  for name in pairs(failing.commands) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    it("is an error, and the same command completes: " .. name, function()
      if not can_trace then return pending "strace cannot trace here" end
      local count, problems = failing.run(name, RUNS, SEED)
      assert.equal(RUNS, count)
      assert.same({}, problems)
    end)
  end

  it("never makes a folder a file: then its outputs would be one", function()
    if not can_trace then return pending "strace cannot trace here" end
    for number = 1, 3 do
      assert(failing.one("redact elsewhere", "newfstatat", number, "EIO"))
    end
  end)
end)
