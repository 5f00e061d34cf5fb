--- What has changed since the last check: lists of ids, one a line and ascending, read side by
-- side. Nothing is held but what is found, and the loop's others have their turns meanwhile.
-- @internal xcompliance.differences

local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local read = require "xcompliance.read"

local M = {}

local REINSTATED_MAX = 10000 -- how many are named; the count is of all
local LINES_AT_ONCE = 4000 -- about a millisecond's work
local NO_SUCH_FILE = 2 -- ENOENT

local function is_less(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end

--- Opens a list. Returns nil if the file does not exist.
-- @raise an error of the kind "io"
local function open(path)
  local file, why, code = io.open(path, "r")
  if file or code == NO_SUCH_FILE then return file end
  error(errors.new("io", why, { file = path }), 0)
end

--- A function that returns the next id of lists that are read one after the other, or nil. A list
-- that is missing is empty. It raises an error of the kind "io".
local function reader(paths, loop)
  local number, file, lines = 0, nil, 0
  local function next_id()
    local line, err
    if file then line, err = read.some(file, "*l", paths[number]) end
    lines = lines + 1
    if lines % LINES_AT_ONCE == 0 then loop.sleep(0) end
    if line then return line end
    if file then file:close() end
    if err then error(err, 0) end
    number = number + 1
    if not paths[number] then return nil end
    file = open(paths[number])
    return next_id()
  end
  return next_id
end

--- What a function returns, or nil and the error that it has raised.
local function caught(find)
  local ok, result = pcall(find)
  if ok then return result end
  if errors.is(result) then return nil, result end
  error(result, 0)
end

--- A function that returns whether an id, not less than the one before, is in lists that ascend
-- over all of them.
local function membership(paths, loop)
  local next_id = reader(paths, loop)
  local id = next_id()
  return function(wanted)
    while id and is_less(id, wanted) do id = next_id() end
    return id == wanted
  end
end

--- The first id of a list that is in none of the others.
-- @tparam string path
-- @tparam table paths lists, ascending over all of them
-- @tparam table loop
-- @treturn ?string an id, or nil if all are there; or nil, err
function M.first_missing(path, paths, loop)
  return caught(function()
    local next_id, is_member = reader({ path }, loop), membership(paths, loop)
    for id in next_id do
      if not is_member(id) then return id end
    end
  end)
end

local function compare(before, now, asked, loop)
  local found = { newly_gone = 0, reinstated = 0, reinstated_ids = {} }
  local next_before, next_now = reader(before, loop), reader(now, loop)
  local was, is = next_before(), next_now()
  local was_asked = membership(asked, loop)
  while was or is do
    if was == is then
      was, is = next_before(), next_now()
    elseif was and (not is or is_less(was, is)) then
      if was_asked(was) then
        found.reinstated = found.reinstated + 1
        if found.reinstated <= REINSTATED_MAX then table.insert(found.reinstated_ids, was) end
      end
      was = next_before()
    else
      found.newly_gone = found.newly_gone + 1
      is = next_now()
    end
  end
  return found
end

--- Compares the ids that were condemned before with those that are now.
-- @tparam table before paths of the lists of ids condemned then
-- @tparam table now paths of the lists of ids condemned now
-- @tparam table asked paths of the lists of ids that were asked now, ascending over all of them
-- @tparam table loop
-- @treturn ?table `{ newly_gone = how many are condemned now and were not, reinstated = how many
-- were condemned, were asked and are not condemned now, reinstated_ids = the first of these }`; or
-- nil, err
function M.compare(before, now, asked, loop)
  return caught(function() return compare(before, now, asked, loop) end)
end

--- Finds the quarantined records that hold any of some ids.
-- @tparam table call
-- @tparam table ids an array
-- @tparam table paths quarantine files: records, one a line; packed or not
-- @treturn ?table an array of `{ id, file, line }`; or nil, err
function M.locate(call, ids, paths)
  if #ids == 0 or #paths == 0 then return {} end
  return call:ask(core.locate_ids { ids = ids, inputs = paths })
end

return M
