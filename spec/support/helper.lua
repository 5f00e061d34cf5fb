--- Loaded by busted before the specs: finds the build that fits the interpreter.

local build = os.getenv("XCOMPLIANCE_BUILD") or "build"
local interpreter = dofile "spec/support/interpreter.lua"

package.cpath = "./" .. build .. "/" .. interpreter .. "/?.so;" .. package.cpath

if not pcall(require, "xcompliance.core") then
  io.stderr:write(("there is no build for %s in %s - start specs by: make test"
    .. " SPECS=spec/NAME_spec.lua LUAS=lua5.4\n"):format(interpreter, build))
  os.exit(2)
end

-- `make stress`: collect garbage all the time, so that what is not anchored dies early
if os.getenv("XCOMPLIANCE_STRESS") then
  collectgarbage("setpause", 0)
  collectgarbage("setstepmul", 1000)
end

-- what every spec makes is searched for tokens and signatures
require("spec.support.leaks").watch()
