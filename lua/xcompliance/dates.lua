--- Dates of the wire to seconds since 1970. Pure, and free of the local time zone.
-- @module xcompliance.dates

local M = {}

local MONTHS = {
  Jan = 1, Feb = 2, Mar = 3, Apr = 4, May = 5, Jun = 6,
  Jul = 7, Aug = 8, Sep = 9, Oct = 10, Nov = 11, Dec = 12,
}

--- Days since 1970-01-01 of a Gregorian date; years begin in March, so that leap days come last.
local function days(year, month, day)
  if month <= 2 then year, month = year - 1, month + 12 end
  return 365 * year + math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400)
    + math.floor((153 * (month - 3) + 2) / 5) + day - 719469
end

local function seconds(year, month, day, hour, minute, second)
  if not second then return nil end
  return ((days(tonumber(year), tonumber(month), tonumber(day)) * 24 + tonumber(hour)) * 60
    + tonumber(minute)) * 60 + tonumber(second)
end

--- "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, section 5.6.7).
-- @treturn ?number nil where it is none
function M.http(text)
  if type(text) ~= "string" then return nil end
  local day, month, year, hour, minute, second =
    text:match("^%a+, (%d%d) (%a%a%a) (%d%d%d%d) (%d%d):(%d%d):(%d%d) GMT$")
  return MONTHS[month] and seconds(year, MONTHS[month], day, hour, minute, second)
end

--- "2021-10-07T07:56:18.000Z" or "2021-10-07T07:56:18+00:00".
-- @treturn ?number nil where it is none
function M.iso(text)
  if type(text) ~= "string" then return nil end
  local year, month, day, hour, minute, second, zone =
    text:match("^(%d%d%d%d)-(%d%d)-(%d%d)T(%d%d):(%d%d):(%d%d)%.?%d*(.*)$")
  if zone ~= "Z" and zone ~= "+00:00" then return nil end
  return seconds(year, month, day, hour, minute, second)
end

return M
