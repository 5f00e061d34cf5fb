--- Runs several functions side by side, whatever the host's loop: each waits in a coroutine, and
-- one place waits for them all.
-- @internal xcompliance.together

local core = require "xcompliance.core"
local strands = require "xcompliance.strand"

local M = {}

local SLICE = 0.05 -- seconds: how late the end of one may be noticed while another is waited for

local function advance(list)
  local any, live = false, false
  for _, strand in ipairs(list) do
    any = strand:advance() or any
    live = live or not strand.ended
  end
  return any, live
end

--- Waits for the first task of those that live, or until the first of them is due.
-- @tparam table loop
-- @tparam table list strands, of which at least one has not ended
-- @tparam[opt] number seconds for at most this long
function M.pause(loop, list, seconds)
  local task, due, live = nil, math.huge, 0
  for _, strand in ipairs(list) do
    if not strand.ended then
      task, due, live = task or strand.task, math.min(due, strand.due), live + 1
    end
  end
  local most = math.min(seconds or math.huge, live > 1 and SLICE or math.huge)
  local left = math.max(0.001, math.min(most, due - core.now()))
  if task then loop.wait(task, left) else loop.sleep(left) end
end

--- Runs `functions` side by side until all have ended.
-- @tparam table loop the host's loop
-- @tparam table functions an array; each is called with a loop of its own to wait by
-- @treturn table an array: for each function an array of what it returned
-- @raise what a function raised first in their order, once all have ended; what the host's loop
-- raises, after it was raised in each function that still waited
function M.run(loop, functions)
  local list = {}
  for i, run in ipairs(functions) do list[i] = strands.start(run) end
  local ok, failure = pcall(function()
    while true do
      local any, live = advance(list)
      if not live then return end
      if not any then M.pause(loop, list) end
    end
  end)
  if not ok then
    for _, strand in ipairs(list) do strand:abandon(failure) end
    error(failure, 0)
  end
  local results = {}
  for i, strand in ipairs(list) do
    if not strand.ok then error(strand.results[1], 0) end
    results[i] = strand.results
  end
  return results
end

return M
