--- An operation that runs beside its caller, who waits for it, watches it or cancels it.
--
--     local handle = client:start_check { type = "tweets", ids = "ids.txt", results = "r.jsonl" }
--     while not handle:wait(1) do print(handle:progress().doing) end
--     local outcome, err = handle:result()
--
-- What takes long runs on threads of the core. What comes between two such works - the next
-- request, a retry - happens while one of `wait`, `done`, `result` and `xcompliance.wait_any` is
-- called.
-- @module xcompliance.handle

local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local merge = require "xcompliance.merge"
local strands = require "xcompliance.strand"
local together = require "xcompliance.together"

local M = {}

local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

local Handle = {}
Handle.__index = Handle
Handle.__name = "xcompliance.handle"

local function check(self, name)
  if getmetatable(self) ~= Handle then
    errors.misuse("%s: call it as a method of a handle", name)
  end
  return self
end

--- Whether the operation has ended. Never waits, but takes its next step if that is due.
-- @treturn boolean
function Handle:done()
  check(self, "done").strand:advance()
  return self.strand.ended == true
end

--- Waits until one of several operations has ended. All of them proceed meanwhile.
-- @tparam table handles an array
-- @tparam[opt] number seconds for at most this long
-- @treturn ?table the first that has ended; nil if none has
function M.wait_any(handles, seconds)
  if type(handles) ~= "table" or #handles == 0 then
    errors.misuse("wait_any: give an array of handles")
  end
  if seconds ~= nil and (type(seconds) ~= "number" or seconds ~= seconds) then
    errors.misuse("wait: give a number of seconds, or nothing")
  end
  local list = {}
  for i, handle in ipairs(handles) do list[i] = check(handle, "wait_any").strand end
  local ends_at = core.now() + (seconds or math.huge)
  while true do
    for _, handle in ipairs(handles) do
      if handle:done() then return handle end
    end
    local left = ends_at - core.now()
    if left <= 0 then return nil end
    together.pause(handles[1].loop, list, left)
  end
end

--- Waits until the operation has ended.
-- @tparam[opt] number seconds for at most this long; without it, until the end
-- @treturn boolean whether it has ended
function Handle:wait(seconds)
  return M.wait_any({ check(self, "wait") }, seconds) ~= nil
end

--- The last event of progress, as `on_progress` gets it.
-- @treturn table empty before the first
function Handle:progress() return merge.tables(check(self, "progress").event) end

--- Cancels the operation and waits until it has stopped, for milliseconds. What a check or a sync
-- has done is kept, so that the same call resumes it. One that has ended stays as it is.
function Handle:cancel()
  check(self, "cancel").strand:abandon(errors.new("cancelled", "the operation was cancelled"))
end

--- What the operation has returned. Waits for its end.
-- @return as the operation, so also nil, err; a cancelled one: nil and an error of the kind
-- "cancelled"
function Handle:result()
  self:wait()
  local strand = self.strand
  local first = strand.results[1]
  if strand.ok then return unpack(strand.results, 1, strand.count) end
  if errors.is(first) and first.kind == "cancelled" then return nil, first end
  error(first, 0)
end

Handle.__close = Handle.cancel

function Handle:__tostring()
  return ("xcompliance.handle: %s, %s"):format(self.name,
    self.strand.ended and "ended" or "running")
end

--- Misuse in a coroutine does not see who called `start`.
local function located(failure)
  if not errors.is(failure) or failure.where then return failure end
  return errors.with(failure, { where = core.caller() })
end

--- Starts an operation. Misuse raises here, before anything was done.
-- @tparam table loop that waits for it; nothing is started if it cannot wait here
-- @tparam string name of the operation
-- @tparam ?function on_progress the caller's
-- @tparam function run is given a loop and an on_progress, and returns what the operation returns
-- @treturn table
function M.start(loop, name, on_progress, run)
  if loop.check then loop.check() end
  local self = setmetatable({ loop = loop, name = name, event = {} }, Handle)
  self.strand = strands.start(function(inner)
    return run(inner, function(event)
      self.event = event
      if on_progress then on_progress(event) end
    end)
  end)
  if self.strand.ended and not self.strand.ok then error(located(self.strand.results[1]), 0) end
  return self
end

return M
