--- Which ids were checked lately, and what was said of them: `max_age` skips those, and applies
-- what was said (docs/sync.md, "Not asking again").
--
-- The state has an index of earlier checks. Each names a list of ids and their results. No id is in
-- two of them: an id that a check covers is not asked about again while that check counts, and a
-- check that is too old for the present run is dropped when the run ends.
-- @internal xcompliance.recent_checks

local dataset = require "xcompliance.dataset"
local errors = require "xcompliance.errors"
local files = require "xcompliance.sync_files"
local json = require "xcompliance.json"
local read_file = require "xcompliance.read"

local M = {}

local DAY = 86400 -- seconds

local function index_path(folder) return folder .. "/checked.json" end

--- All checks that the state knows of.
-- @treturn ?table an array of `{ type, time, ids, results }`, names of files of the folder; or nil,
-- err
local function read(folder)
  local file = io.open(index_path(folder), "r")
  if not file then return {} end
  local content, err = read_file.some(file, "*a", index_path(folder))
  file:close()
  if err then return nil, err end
  local index = content and json.decode(content)
  if type(index) == "table" and type(index.checks) == "table" then return index.checks end
  return nil, errors.new("data", index_path(folder) .. ": is damaged - remove it to ask about every"
    .. " id again", { file = index_path(folder) })
end

--- The checks of a type that count.
-- @tparam string folder of the state
-- @tparam string type_name "tweets" or "users"
-- @tparam number days how old they may be
-- @tparam number now seconds since 1970
-- @treturn ?table an array of `{ time, ids, results }`, with paths; or nil, err
function M.list(folder, type_name, days, now)
  local checks, err = read(folder)
  if not checks then return nil, err end
  local recent = {}
  for _, check in ipairs(checks) do
    local age = now - check.time
    if check.type == type_name and age >= 0 and age < days * DAY then
      recent[#recent + 1] = { time = check.time, ids = folder .. "/" .. check.ids,
        results = folder .. "/" .. check.results }
    end
  end
  return recent
end

--- Writes the ids that were not checked lately.
-- @tparam table call
-- @tparam string all path of all ids
-- @tparam table recent what `list` returns
-- @tparam string due path to write
-- @treturn ?integer how many are due; or nil, err
function M.due(call, all, recent, due)
  local without = {}
  for i, check in ipairs(recent) do without[i] = check.ids end
  local options = { output = due, loop = call.loop }
  local counts, err
  if #without == 0 then
    options.inputs = { all }
    counts, err = dataset.merge(options)
  else
    options.from, options.without = { all }, without
    counts, err = dataset.difference(options)
  end
  if not counts then return nil, err end
  return counts.ids
end

--- Notes what a run has asked, and drops what is too old for it. May be repeated.
-- @tparam table call
-- @tparam string folder
-- @tparam ?number days as of `list`; nil: nothing is kept
-- @tparam number now when the run began
-- @tparam table asked by type `{ job, ids, results }`: a job's id, which no other check has, and
-- paths of files that become those of the state
-- @treturn true|nil,err
function M.keep(call, folder, days, now, asked)
  local checks, err = read(folder)
  if not checks then return nil, err end
  local kept, dropped = {}, {}
  for _, check in ipairs(checks) do
    local counts = days and now - check.time < days * DAY and check.time <= now
    table.insert(counts and kept or dropped, check)
  end
  for type_name, paths in pairs(days and asked or {}) do
    local name = ("checked.%s.%s"):format(type_name, paths.job)
    local check = { type = type_name, time = now, ids = name .. ".ids", results = name .. ".jsonl" }
    os.rename(paths.ids, folder .. "/" .. check.ids) -- a run before may have done it
    os.rename(paths.results, folder .. "/" .. check.results)
    local is_there = false
    for _, other in ipairs(kept) do is_there = is_there or other.ids == check.ids end
    if not is_there then kept[#kept + 1] = check end
  end
  if #kept == 0 and #dropped == 0 then return true end
  local ok
  ok, err = files.write(call, index_path(folder), json.encode { checks = kept } .. "\n")
  if not ok then return nil, err end
  for _, check in ipairs(dropped) do
    os.remove(folder .. "/" .. check.ids)
    os.remove(folder .. "/" .. check.results)
  end
  return true
end

return M
