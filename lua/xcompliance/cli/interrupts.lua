--- The command's own loop: waits as a program does, and raises when the user interrupts.
-- @internal xcompliance.cli.interrupts

local core = require "xcompliance.core"
local blocking = require "xcompliance.loop.blocking"
local errors = require "xcompliance.errors"

local M = {}

local SLICE = 0.1 -- seconds within which an interrupt is noticed

local function check()
  local signal = core.caught_signal()
  if not signal then return end
  error(errors.new("cancelled", ("interrupted by %s - run it again to resume"):format(signal),
    { signal = signal }), 0)
end

M.loop = {}

function M.loop.wait(task, seconds)
  local ends_at = core.now() + seconds
  repeat
    check()
    if blocking.wait(task, math.max(0, math.min(SLICE, ends_at - core.now()))) then return true end
  until core.now() >= ends_at
  return false
end

function M.loop.sleep(seconds)
  local ends_at = core.now() + seconds
  repeat
    check()
    blocking.sleep(math.max(0, math.min(SLICE, ends_at - core.now())))
  until core.now() >= ends_at
end

return M
