--- The simulator's time, which an admin call can put forward, and the ways it is written.
-- @internal xcompliance.simulator.clock

local cqueues = require "cqueues"

local Clock = {}
Clock.__index = Clock

local M = {}

--- A clock that shows the wall's time until it is put forward.
-- @tparam number ahead seconds by which it is ahead of the wall's time from the start
function M.new(ahead)
  return setmetatable({ offset = os.time() - cqueues.monotime() + ahead }, Clock)
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

local DAYS = {
  "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
}
local MONTHS = {
  "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
}

--- How a date can be written in a header, in whatever locale: what os.date makes of it, after the
-- names of the day and of the month.
M.forms = {
  gmt = "%.3s, %%d %s %%Y %%H:%%M:%%S GMT", -- Thu, 07 Oct 2021 07:56:18 GMT: as HTTP has it
  utc = "%.3s, %%d %s %%Y %%H:%%M:%%S UTC", -- Thu, 07 Oct 2021 07:56:18 UTC: as X's API has it
  rfc850 = "%s, %%d-%s-%%y %%H:%%M:%%S GMT", -- Thursday, 07-Oct-21 07:56:18 GMT
  asctime = "%.3s %s %%e %%H:%%M:%%S %%Y", -- Thu Oct  7 07:56:18 2021
}

--- A date for a header.
-- @tparam number seconds
-- @tparam[opt="gmt"] string form
function M.http(seconds, form)
  local date = os.date("!*t", math.floor(seconds))
  return written(M.forms[form or "gmt"]:format(DAYS[date.wday], MONTHS[date.month]), seconds)
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
