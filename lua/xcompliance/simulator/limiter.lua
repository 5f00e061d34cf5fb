--- Rate limits: one bucket an operation, reported in three headers.
-- @internal xcompliance.simulator.limiter

local headers = require "xcompliance.simulator.headers"

local M = {}
local Limiter = {}
Limiter.__index = Limiter

--- @tparam integer limit requests a window
-- @tparam integer window seconds
-- @tparam table clock
function M.new(limit, window, clock)
  return setmetatable({ limit = limit, window = window, clock = clock, buckets = {} }, Limiter)
end

--- Counts one request.
-- @treturn table the bucket: `{ used, resets_at }`; `used` beyond the limit where it is refused
function Limiter:count(operation)
  local now = self.clock:now()
  local bucket = self.buckets[operation]
  if not bucket or now >= bucket.resets_at then
    bucket = { used = 0, resets_at = math.floor(now) + self.window }
    self.buckets[operation] = bucket
  end
  bucket.used = bucket.used + 1
  return bucket
end

--- Writes a bucket into a response's headers.
function Limiter:report(bucket, fields)
  headers.set(fields, "x-rate-limit-limit", tostring(self.limit))
  headers.set(fields, "x-rate-limit-remaining", tostring(math.max(0, self.limit - bucket.used)))
  headers.set(fields, "x-rate-limit-reset", tostring(bucket.resets_at))
end

return M
