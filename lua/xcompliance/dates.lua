--- Dates of the wire to seconds since 1970, whatever the local time zone is.
-- @internal xcompliance.dates

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

--- All are numbers or digits; nil if one is missing or is not of a time.
local function seconds(year, month, day, hour, minute, second)
  if not (month and second) then return nil end
  year, month, day = tonumber(year), tonumber(month), tonumber(day)
  hour, minute, second = tonumber(hour), tonumber(minute), tonumber(second)
  if month < 1 or month > 12 or day < 1 or day > 31 or hour > 23 or minute > 59 or second > 60 then
    return nil
  end
  return ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second
end

local ZONES = { GMT = true, UTC = true } -- storage writes the first, the API the second

--- A year of two digits is the last such year that is at most 50 years ahead.
local function whole_year(digits, now)
  if #digits ~= 2 then return digits end
  local this_year = tonumber(os.date("!%Y", now))
  local year = this_year - this_year % 100 + 100 + tonumber(digits)
  while year > this_year + 50 do year = year - 100 end
  return year
end

--- A date of a header in each form of RFC 9110, section 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT",
-- "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"; with "UTC" for "GMT", too.
-- @tparam ?string text
-- @tparam[opt] integer now seconds since 1970, default: our clock's; only its century matters
-- @treturn ?number nil if it is not such a date
function M.http(text, now)
  if type(text) ~= "string" then return nil end
  local day, month, year, hour, minute, second, zone =
    text:match("^%a+, +(%d%d?)[ -](%a%a%a)[ -](%d+) (%d%d):(%d%d):(%d%d) (%a+)$")
  if not day then
    month, day, hour, minute, second, year =
      text:match("^%a+ (%a%a%a) +(%d%d?) (%d%d):(%d%d):(%d%d) (%d%d%d%d)$")
    zone = "GMT"
  end
  if not (year and ZONES[zone] and (#year == 2 or #year == 4)) then return nil end
  return seconds(whole_year(year, now), MONTHS[month], day, hour, minute, second)
end

--- "2021-10-07T07:56:18.000Z" or "2021-10-07T07:56:18+00:00".
-- @treturn ?number nil if it is not such a date
function M.iso(text)
  if type(text) ~= "string" then return nil end
  local year, month, day, hour, minute, second, zone =
    text:match("^(%d%d%d%d)-(%d%d)-(%d%d)T(%d%d):(%d%d):(%d%d)%.?%d*(.*)$")
  if zone ~= "Z" and zone ~= "+00:00" then return nil end
  return seconds(year, month, day, hour, minute, second)
end

return M
