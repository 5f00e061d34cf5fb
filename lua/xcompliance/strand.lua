--- A function that runs in a coroutine and waits by yielding, so that one place can wait for many.
-- @internal xcompliance.strand

local core = require "xcompliance.core"

local M = {}

local Strand = {}
Strand.__index = Strand

--- The loop that the functions are given. What is yielded is what is waited for.
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

--- Notes what a strand waits for, or how it has ended.
local function note(self, ok, ...)
  if coroutine.status(self.thread) == "dead" then
    self.ended, self.ok, self.task = true, ok, nil
    self.count, self.results = select("#", ...), { ... }
  else
    self.task, self.due = ...
  end
end

--- Starts a function, which runs until it first waits.
-- @tparam function run is called with a loop to wait by
-- @treturn table with `ended`, and then `ok`, `results` and their `count` as pcall returns them;
-- else `task`, which may be nil, and `due`, a time of core.now
function M.start(run)
  local self = setmetatable({ thread = coroutine.create(run) }, Strand)
  note(self, coroutine.resume(self.thread, inner_loop()))
  return self
end

--- Runs it on, if what it waits for has come.
-- @treturn boolean whether it ran
function Strand:advance()
  if self.ended then return false end
  if core.now() < self.due and not (self.task and self.task:done()) then return false end
  note(self, coroutine.resume(self.thread))
  return true
end

--- Raises `failure` where it waits, as often as it waits, so that it cleans up after itself.
function Strand:abandon(failure)
  while not self.ended do note(self, coroutine.resume(self.thread, failure)) end
end

return M
