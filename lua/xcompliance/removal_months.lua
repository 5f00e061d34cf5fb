--- When the tweets were written that must go: counted by month, from their ids.
--
-- An id since 2010-11-04 holds the time at which it was made, in milliseconds since an epoch of its
-- own, above its lowest 22 bits (https://docs.x.com/fundamentals/x-ids). Ids before that were
-- numbered one after another, and say nothing.
-- @internal xcompliance.removal_months

local M = {}

local EPOCH = 1288834974.657 -- seconds since 1970 at which the time in ids is 0
local FIRST = 29700859247 -- the first id that holds a time
local PER_SECOND = 1000 * 2 ^ 22
local LINES_AT_ONCE = 4000 -- about a millisecond's work

M.OLDER = "before 2010-11"

--- The month after one, as a time and its name.
local function month_of(time)
  local date = os.date("!*t", math.floor(time))
  return ("%04d-%02d"):format(date.year, date.month), date
end

--- The first id of the month after the one that a time is in. Days are counted, because os.time
-- reads local time.
local function next_boundary(time)
  local name = month_of(time)
  local later = time
  repeat later = later + 86400 until month_of(later) ~= name
  local date = os.date("!*t", math.floor(later))
  local midnight = math.floor(later) - date.hour * 3600 - date.min * 60 - date.sec
  return (midnight - EPOCH) * PER_SECOND
end

--- Counts the ids of a list by month.
-- @tparam string path of a list of tweet ids, ascending
-- @tparam table loop whose others have their turns meanwhile
-- @treturn table an array of `{ month, ids }`, ascending, without months that have none; ids that
-- hold no time come first, as `OLDER`
function M.count(path, loop)
  local months, current, boundary, lines = {}, nil, 0, 0
  local file = io.open(path, "r")
  for line in file and file:lines() or function() end do
    local id = tonumber(line) + 0.0
    if not current or id >= boundary then
      local time = id / PER_SECOND + EPOCH
      local is_older = id < FIRST
      current = { month = is_older and M.OLDER or (month_of(time)), ids = 0 }
      boundary = is_older and FIRST or next_boundary(time)
      months[#months + 1] = current
    end
    current.ids, lines = current.ids + 1, lines + 1
    if lines % LINES_AT_ONCE == 0 then loop.sleep(0) end
  end
  if file then file:close() end
  return months
end

return M
