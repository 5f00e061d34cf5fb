--- When to try again, and when to give up. Pure: no clock, no sockets, no state.
-- @internal xcompliance.retry

local dates = require "xcompliance.dates"

local M = {}

--- What is tried when the caller says nothing else: attempts in a row without progress, and the
-- seconds between them, which double (Google Cloud Storage, "Retry strategy").
M.policy = { attempts = 8, first = 1, max = 60 }

-- a wait that a server asks for: longer than the first it is not believed, longer than the second
-- it is cut
local BELIEVED, ASKED_MAX = 3600, 900 -- seconds

local function backoff(attempt, random, policy)
  local ceiling = math.min(policy.max, policy.first * 2 ^ math.min(attempt - 1, 60))
  return ceiling * (0.5 + random() / 2)
end

local function sensible(seconds)
  if seconds and seconds > 0 and seconds <= BELIEVED then return math.min(seconds, ASKED_MAX) end
end

local function whole(text)
  local digits = type(text) == "string" and text:match("^%s*(%d+)%s*$")
  return digits and tonumber(digits) or nil
end

local function until_reset(headers, now)
  local reset = whole(headers["x-rate-limit-reset"])
  return sensible(reset and reset - (dates.http(headers.date) or now))
end

local function retry_after(headers, now)
  local text = headers["retry-after"]
  local date = dates.http(text)
  return sensible(whole(text) or (date and date - (dates.http(headers.date) or now)))
end

--- How long to wait before the next attempt.
-- @tparam integer attempt how many attempts have failed, from 1
-- @tparam table failure an error: `retryable`, and `status` and `headers` if there was an answer
-- @tparam function random returns a number in [0, 1)
-- @tparam number now seconds since 1970 by our clock; the server's own is preferred
-- @tparam[opt] table policy `{ attempts, first, max }`
-- @treturn ?number seconds; nil where trying again cannot help
-- @treturn boolean whether the server has asked for this wait
function M.delay(attempt, failure, random, now, policy)
  policy = policy or M.policy
  if not failure.retryable or attempt >= policy.attempts then return nil, false end
  local headers = failure.headers or {}
  local asked = retry_after(headers, now)
    or (failure.status == 429 and until_reset(headers, now)) or nil
  if asked then return asked + random(), true end
  return backoff(attempt, random, policy), false
end

--- How long the next call of this kind must wait, after an answer that was good.
-- @tparam table headers the answer's
-- @tparam number now seconds since 1970 by our clock
-- @treturn number seconds; 0 where calls are left
function M.exhausted(headers, now)
  if whole(headers["x-rate-limit-remaining"]) ~= 0 then return 0 end
  return until_reset(headers, now) or 0
end

--- How long to wait before the next look at a running job: `min`, doubling to `max`, jittered.
-- @tparam integer looks how many there were, from 0: the first wait is exact
-- @tparam table poll `{ min, max }` in seconds
-- @tparam function random returns a number in [0, 1)
-- @treturn number
function M.poll(looks, poll, random)
  if looks == 0 then return poll.min end
  local ceiling = math.min(poll.max, poll.min * 2 ^ math.min(looks, 60))
  return math.max(poll.min, ceiling * (0.75 + random() / 4))
end

return M
