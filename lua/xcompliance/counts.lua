--- Result files counted by reason and action, in constant memory but for the ids.
-- @module xcompliance.counts

local errors = require "xcompliance.errors"

local M = {}

local BLOCK = 1024 * 1024
local LINE_MAX = 1024 * 1024
local IDS_MAX = 1000000 -- distinct ids that are remembered; beyond it their number is not told

local function add(counts, name)
  if name then counts[name] = (counts[name] or 0) + 1 end
  return name
end

local function count_row(counts, seen, row)
  if not row:find("%S") then return end
  counts.rows = counts.rows + 1
  local known = add(counts.reasons, row:match('"reason"%s*:%s*"([%w_]*)"'))
    or add(counts.reasons, row:match('"error"%s*:%s*"([%w_]*)"'))
  if not known then counts.unknown = counts.unknown + 1 end
  add(counts.actions, row:match('"action"%s*:%s*"([%w_]*)"'))
  local id = row:match('"id"%s*:%s*"([^"]*)"')
  if not id or not seen or seen[id] then return end
  seen[id] = true
  counts.ids = counts.ids + 1
end

local function count_lines(call, file, path, counts)
  local seen, rest = {}, ""
  for block in function() return file:read(BLOCK) end do
    local from = 1
    block = rest .. block
    for line, stop in block:gmatch("([^\n]*)\n()") do
      count_row(counts, seen, line)
      from = stop
    end
    rest = block:sub(from)
    if #rest > LINE_MAX then
      return nil, errors.new("data", path .. ": a row is longer than 1 MiB", { file = path })
    end
    if counts.ids > IDS_MAX then seen = nil end
    call.loop.sleep(0)
  end
  count_row(counts, seen, rest)
  if not seen then counts.ids = nil end
  return counts
end

--- Counts the rows of a result file.
-- @tparam table call
-- @tparam string path
-- @treturn ?table `{ rows, ids, reasons = { deleted = 3 }, actions = { delete = 3 }, unknown }`:
-- `ids` are the distinct ones, absent where they are too many to be counted; or nil, err
function M.results(call, path)
  local file, why = io.open(path, "rb")
  if not file then return nil, errors.new("io", "reading the results: " .. why) end
  local counts = { rows = 0, ids = 0, reasons = {}, actions = {}, unknown = 0 }
  local ok, result, err = pcall(count_lines, call, file, path, counts)
  file:close()
  if not ok then error(result, 0) end
  return result, err
end

return M
