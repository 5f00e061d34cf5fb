--- Runs several functions side by side, whatever the host's loop: each waits in a coroutine, and
-- one place waits for them all.
-- @internal xcompliance.together

local core = require "xcompliance.core"

local M = {}

local SLICE = 0.05 -- seconds: how late the end of one may be noticed while another is waited for

--- The loop that the functions are handed. What is yielded is what is waited for.
local function inner_loop()
  local function yield(task, seconds)
    local failure = coroutine.yield(task, core.now() + seconds)
    if failure ~= nil then error(failure, 0) end
  end
  return {
    wait = function(task, seconds)
      if not task:done() then yield(task, seconds) end
      return task:done()
    end,
    sleep = function(seconds) yield(nil, seconds) end,
  }
end

local function note(strand, ok, ...)
  if coroutine.status(strand.thread) == "dead" then
    strand.ended, strand.ok, strand.results = true, ok, { ... }
  else
    strand.task, strand.due = ...
  end
end

local function resume(strand, ...)
  note(strand, coroutine.resume(strand.thread, ...))
end

local function is_ready(strand, now)
  return now >= strand.due or (strand.task and strand.task:done())
end

local function resume_ready(strands)
  local now, any, live = core.now(), false, false
  for _, strand in ipairs(strands) do
    if not strand.ended and is_ready(strand, now) then
      any = true
      resume(strand)
    end
    live = live or not strand.ended
  end
  return any, live
end

local function pause(loop, strands)
  local task, due
  for _, strand in ipairs(strands) do
    if not strand.ended then
      task = task or strand.task
      due = math.min(due or strand.due, strand.due)
    end
  end
  local seconds = math.min(SLICE, math.max(0.001, due - core.now()))
  if task then loop.wait(task, seconds) else loop.sleep(seconds) end
end

--- Raises `failure` in every function that still waits, so that each cleans up after itself.
local function abandon(strands, failure)
  for _, strand in ipairs(strands) do
    while not strand.ended do resume(strand, failure) end
  end
end

--- Runs `functions` side by side until all have ended.
-- @tparam table loop the host's loop
-- @tparam table functions an array; each is called with a loop of its own to wait by
-- @treturn table an array: for each function an array of what it returned
-- @raise what a function raised first in their order, once all have ended; what the host's loop
-- raises, after it was raised in each function that still waited
function M.run(loop, functions)
  local strands, inner = {}, inner_loop()
  for i, run in ipairs(functions) do
    strands[i] = { thread = coroutine.create(run), due = 0 }
    resume(strands[i], inner)
  end
  local ok, failure = pcall(function()
    while true do
      local any, live = resume_ready(strands)
      if not live then return end
      if not any then pause(loop, strands) end
    end
  end)
  if not ok then
    abandon(strands, failure)
    error(failure, 0)
  end
  local results = {}
  for i, strand in ipairs(strands) do
    if not strand.ok then error(strand.results[1], 0) end
    results[i] = strand.results
  end
  return results
end

return M
