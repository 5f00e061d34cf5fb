--- Numbers and times as people read them.
-- @internal xcompliance.text

local api_calls = require "xcompliance.api_calls"

local M = {}

-- Commas stand between thousands here, in every locale.
local function pointed(text) return (text:gsub("(%d)[^%d ](%d)", "%1.%2")) end

--- 52428800 as "52,428,800".
function M.count(number)
  local digits = ("%.0f"):format(number)
  local first = (#digits - 1) % 3 + 1
  return digits:sub(1, first) .. digits:sub(first + 1):gsub("(%d%d%d)", ",%1")
end

--- "1 job", "2 jobs".
function M.plural(number, thing)
  return ("%s %s%s"):format(M.count(number), thing, number == 1 and "" or "s")
end

local UNITS = { "kB", "MB", "GB", "TB" }

--- 194012345 as "194 MB".
function M.size(bytes)
  local value, unit = bytes, 0
  while value >= 999.5 and unit < #UNITS do
    value, unit = value / 1000, unit + 1
  end
  if unit == 0 then return ("%.0f bytes"):format(value) end
  return pointed((value < 9.95 and "%.1f %s" or "%.0f %s"):format(value, UNITS[unit]))
end

--- 3725 as "1 h 2 min", 0.25 as "0.25 s".
function M.duration(seconds)
  if seconds < 10 then return pointed(("%.2g s"):format(seconds)) end
  if seconds < 119.5 then return ("%.0f s"):format(seconds) end
  local minutes = math.floor(seconds / 60 + 0.5)
  if minutes < 60 then return ("%.0f min"):format(minutes) end
  return ("%.0f h %.0f min"):format(math.floor(minutes / 60), minutes % 60)
end

--- The local time of day, "14:03:20".
function M.clock(time)
  return os.date("%H:%M:%S", math.floor(time))
end

--- The local date and time, "2026-11-26 14:03".
function M.moment(time) return os.date("%Y-%m-%d %H:%M", math.floor(time)) end

--- What was skipped in folders, if anything was; else nil.
-- @tparam integer number
-- @tparam table paths the first of them
function M.skipped(number, paths)
  if number == 0 then return nil end
  return ("%s %s skipped, such as %s: only regular files whose names end in a known suffix are"
    .. " read"):format(M.count(number), number == 1 and "file was" or "files were", paths[1])
end

--- Whether a transfer is proved, and by what.
-- @tparam table info `{ crc32c, verified, checksum }`
function M.proof(info)
  if not info.verified then return "not verified: no checksum was received" end
  if info.checksum == "none" then return "verified by length (checksum: none)" end
  return ("verified (CRC32C %s)"):format(info.crc32c)
end

--- The names of counts that are not 0, the greatest first.
-- @tparam table counts numbers by name
-- @treturn table an array
function M.by_count(counts)
  local names = {}
  for name, count in pairs(counts) do
    if count > 0 then names[#names + 1] = name end
  end
  table.sort(names, function(a, b)
    if counts[a] ~= counts[b] then return counts[a] > counts[b] end
    return a < b
  end)
  return names
end

--- Calls of the API by kind, "API calls: 1 create, 4 get".
-- @tparam table counts by the names of their functions
-- @tparam[opt] number price of a poll of a job: then what those have cost, too
function M.calls(counts, price)
  local parts = {}
  for _, call in ipairs(api_calls) do
    local count = counts[call.name]
    if count then parts[#parts + 1] = ("%d %s"):format(count, call.word) end
  end
  local cost = price and pointed((" (polls: %.3f)"):format(price * (counts.list_job or 0))) or ""
  return "API calls: " .. (#parts > 0 and table.concat(parts, ", ") or "none") .. cost
end

--- What others have written, without what would steer a terminal.
function M.plain(foreign) return (tostring(foreign):gsub("%c", "?")) end

--- The path of the folder that a file is in, as far as it was given.
function M.folder(path)
  return path:match("^(.*)/[^/]*$") or "."
end

--- The last part of a path.
function M.basename(path)
  return path:match("([^/]*)/*$")
end

return M
