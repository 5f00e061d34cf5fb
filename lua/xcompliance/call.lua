--- One call of a user: how long it may take, whom it tells, who waits, what it has tried.
--
-- Everything that is waited for is waited for here, so that a deadline, a progress callback that
-- raises and a loop that is interrupted are dealt with in one place: whatever happens, the task is
-- closed.
-- @internal xcompliance.call

local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local merge = require "xcompliance.merge"
local retry = require "xcompliance.retry"
local text = require "xcompliance.text"

local M = {}

local SLICE = 0.25 -- seconds between two reports of progress

local Call = {}
Call.__index = Call

--- Begins a call.
-- @tparam table loop who waits: `wait(task, seconds)` and `sleep(seconds)`; its `check()`, if it
-- has one, raises here if nothing can wait, before any work is started
-- @tparam table options `deadline` (seconds from now), `on_progress` (function), both optional;
-- `retry` (a policy of xcompliance.retry)
function M.new(loop, options)
  local deadline = options.deadline
  if loop.check then loop.check() end
  if deadline and (deadline ~= deadline or deadline < 0) then
    errors.misuse("a deadline is a number of seconds")
  end
  return setmetatable({
    loop = loop,
    deadline = deadline,
    ends_at = deadline and core.now() + deadline or math.huge,
    on_progress = options.on_progress,
    policy = options.retry or retry.policy,
    began = core.now(),
    counts = {},
    step = "",
    doing = "",
    prefix = "",
  }, Call)
end

--- Says what is being done from now on.
-- @tparam string step a word for programs: prepare, create, list, get, upload, wait, download
-- @tparam string doing the beginning of a sentence: "uploading ids.txt"; `prefix` is put before it
function Call:at(step, doing)
  self.step, self.doing, self.so_far = step, self.prefix .. doing, nil
end

--- Reports to the user, by a table that does not change later. What the callback raises ends the
-- call.
function Call:report(event)
  if not self.on_progress then return end
  self.on_progress(merge.tables(event,
    { step = self.step, doing = self.doing, job = self.job, type = self.type }))
end

--- Seconds until the deadline.
function Call:left() return self.ends_at - core.now() end

function Call:late(why)
  local so_far, at = self.so_far, ""
  if so_far and so_far.total > 0 then
    at = (" at byte %s of %s"):format(text.count(so_far.done), text.count(so_far.total))
  end
  local message = ("%s: the deadline of %s has passed%s%s - run it again to resume"):format(
    self.doing, text.duration(self.deadline), at, why and ("; " .. why) or "")
  return errors.new("timeout", message, { retryable = true, deadline = true })
end

local function report_progress(self, task)
  local event = task:progress()
  event.done = event.sent or event.received or event.bytes or 0
  event.total = event.total or 0
  self.so_far = event
  self:report(event)
end

--- Returns once the task has ended, or the deadline has passed.
local function attend(self, task, quiet, watch)
  local waking = watch or (self.on_progress and not quiet)
  while true do
    local slice = waking and SLICE or 3600
    local ended = self.loop.wait(task, math.max(0, math.min(slice, self:left())))
    if not quiet then report_progress(self, task) end
    if ended then return end
    if watch then watch(task) end
    if self:left() <= 0 then
      task:cancel()
      -- what it has received until now is worth keeping: the headers of its answer
      task:wait(1)
      return
    end
  end
end

local function finish(self, task, result, ...)
  task:close()
  local err = ...
  if result == nil and err.kind == "cancelled" and self:left() <= 0 then
    return nil, errors.with(self:late(),
      { headers = err.headers, status = err.status, placed = err.placed })
  end
  return result, ...
end

local function wait_for(self, wait, task, err, ...)
  if not task then return nil, err end
  local ok, failure = pcall(wait, self, task, ...)
  if not ok then
    task:close()
    error(failure, 0)
  end
  return finish(self, task, task:result())
end

--- Waits for a task and reports its progress.
-- @param task what a function of the core has returned: a task, or nil
-- @tparam ?table err and an error then
-- @tparam[opt] function watch called with the task several times a second while it runs
-- @return what the task's result is, or nil, err
function Call:await(task, err, watch) return wait_for(self, attend, task, err, false, watch) end

--- Waits for a task too small to be reported.
function Call:ask(task, err) return wait_for(self, attend, task, err, true) end

--- Waits for a small task that must be done even if the deadline has passed: it keeps what the call
-- achieved.
function Call:settle(task, err)
  return wait_for(self, function()
    while not self.loop.wait(task, 3600) do end -- luacheck: ignore 542
  end, task, err)
end

--- Sleeps, unless the deadline would pass meanwhile: then there is no use in waiting for it.
-- @tparam number seconds how long
-- @tparam table event reported at the beginning, and about each second
-- @tparam[opt] string why for the error where the deadline is too near
-- @treturn true|nil,err
function Call:sleep(seconds, event, why)
  if seconds > self:left() then return nil, self:late(why) end
  local ends_at = core.now() + seconds
  repeat
    local left = math.max(0, ends_at - core.now())
    event.wait = left
    self:report(event)
    event.message, event.warning = nil, nil -- once is enough
    self.loop.sleep(math.min(left, self.on_progress and 1 or left))
  until core.now() >= ends_at
  return true
end

--- Lets the host's other work continue during work of our own that is not a task.
function Call:breathe()
  if self:left() <= 0 then return nil, self:late() end
  self.loop.sleep(0)
  return true
end

--- Counts a call of the API.
function Call:count(kind) self.counts[kind] = (self.counts[kind] or 0) + 1 end

local function random() return tonumber(core.random_hex(4), 16) / 2 ^ 32 end
M.random = random

--- The last error of several, with what was being done, how far that had come and how often it was
-- tried.
local function give_up(self, attempt, err)
  local notes, message, so_far = {}, err.message, self.so_far
  if so_far and so_far.done < so_far.total then
    notes[1] = ("at byte %s of %s"):format(text.count(so_far.done), text.count(so_far.total))
  end
  if attempt > 1 then notes[#notes + 1] = ("after %d attempts"):format(attempt) end
  if message:sub(1, #self.doing) ~= self.doing then message = self.doing .. ": " .. message end
  if #notes > 0 then
    local what, hint = message:match("^(.*)( %- .*)$")
    message = ("%s (%s)%s"):format(what or message, table.concat(notes, ", "), hint or "")
  end
  return nil, errors.with(err, { message = message, attempts = attempt })
end

--- Waits as long as must be before the next attempt.
-- @tparam integer attempt how many have failed in a row, without progress
-- @tparam table err of the last one
-- @tparam[opt] number patience times the attempts that the call's policy has
-- @treturn true|nil,err nil if there must be no other
function Call:pause(attempt, err, patience)
  if err.deadline then return nil, err end
  local policy = merge.tables(self.policy, { attempts = self.policy.attempts * (patience or 1) })
  local seconds, asked = retry.delay(attempt, err, random, os.time(), policy)
  if not seconds then return give_up(self, attempt, err) end
  local why = errors.without_hint(err)
  if asked then
    why = (err.status == 429 and "rate limited until " or "asked to wait until ")
      .. text.clock(os.time() + seconds)
  end
  local warning = ("%s - trying again in %s"):format(why, text.duration(seconds))
  return self:sleep(seconds, { retry = attempt, warning = warning }, why)
end

--- Does something until it succeeds, fails for good, or has been tried often enough.
-- @tparam function operate returns what it achieved, or nil, err; an `err.advanced` says that
-- something was achieved all the same, so that attempts are counted from the start
-- @return what operate returned
function Call:try(operate)
  local attempt = 0
  while true do
    local a, b, c = operate()
    if a ~= nil then return a, b, c end
    attempt = b.advanced and 1 or attempt + 1
    local ok, err = self:pause(attempt, b)
    if not ok then return nil, err end
  end
end

return M
