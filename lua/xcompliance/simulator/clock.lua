--- The simulator's time, which an admin call can put forward, and the four ways it is written.
-- @module xcompliance.simulator.clock

local cqueues = require "cqueues"

local Clock = {}
Clock.__index = Clock

local M = {}

--- A clock that shows the wall's time until it is put forward.
function M.new()
  return setmetatable({ offset = os.time() - cqueues.monotime() }, Clock)
end

--- @treturn number seconds since 1970
function Clock:now()
  return cqueues.monotime() + self.offset
end

--- @tparam number seconds may be negative
function Clock:advance(seconds)
  self.offset = self.offset + seconds
end

local function written(format, seconds)
  return os.date("!" .. format, math.floor(seconds))
end

--- `2021-10-07T07:56:18.000Z`, as jobs and the results of tweets have it.
function M.iso(seconds)
  local milliseconds = math.floor(seconds * 1000) % 1000
  return written("%Y-%m-%dT%H:%M:%S", seconds) .. (".%03dZ"):format(milliseconds)
end

--- `2021-02-21T18:01:36+00:00`, as the results of users have it.
function M.iso_offset(seconds)
  return written("%Y-%m-%dT%H:%M:%S+00:00", seconds)
end

--- `20211007T075618Z`, as signed URLs have it.
function M.basic(seconds)
  return written("%Y%m%dT%H%M%SZ", seconds)
end

local DAYS = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" }
local MONTHS = {
  "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
}

--- `Thu, 07 Oct 2021 07:56:18 GMT`, as the headers of HTTP have it, in whatever locale.
function M.http(seconds)
  local date = os.date("!*t", math.floor(seconds))
  return written(("%s, %%d %s %%Y %%H:%%M:%%S GMT"):format(DAYS[date.wday], MONTHS[date.month]),
    seconds)
end

local function days_since_1970(year, month, day)
  if month <= 2 then year, month = year - 1, month + 12 end -- years that begin in March
  local leap_days = year // 4 - year // 100 + year // 400
  return 365 * year + leap_days + (153 * (month - 3) + 2) // 5 + day - 719469
end

--- The seconds of `20211007T075618Z`, or nil.
function M.parse_basic(text)
  local year, month, day, hour, minute, second =
    text:match("^(%d%d%d%d)(%d%d)(%d%d)T(%d%d)(%d%d)(%d%d)Z$")
  if not year then return nil end
  local days = days_since_1970(tonumber(year), tonumber(month), tonumber(day))
  return ((days * 24 + tonumber(hour)) * 60 + tonumber(minute)) * 60 + tonumber(second)
end

return M
