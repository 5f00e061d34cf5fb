--- The files of a dataset that is brought into compliance: which there are, and which have changed.
-- @internal xcompliance.sync_files

local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local text = require "xcompliance.text"

local M = {}

local NO_SUCH_FILE = 2 -- ENOENT

local function identity(file)
  return ("%.0f %.0f %.0f"):format(file.size, file.modified * 1e6, file.inode)
end

local function warn_of_ignored(call, input, found)
  local skipped = text.skipped(found.ignored, found.ignored_files)
  if skipped then call:report { warning = ("%s: %s"):format(input, skipped) } end
end

local function refuse_ignored(found)
  local path = found.ignored_files[1]
  return errors.new("data", ("%s is not read: its name does not end in a known suffix, or it is not"
    .. " a regular file (%d such %s in all) - rename or move it, or set `on_ignored` to skip")
    :format(path, found.ignored, found.ignored == 1 and "file" or "files"), { file = path })
end

local function list_input(call, input, list)
  local found, err = call:ask(core.list_files(input))
  if not found then return nil, err end
  for _, file in ipairs(found) do
    if not file.modified then
      return nil, errors.new("io", file.path .. ": is not a regular file - give files and folders")
    end
    list[#list + 1] = { path = file.path, identity = identity(file), bytes = file.size }
  end
  return found
end

--- Lists the files of a dataset.
-- @tparam table call
-- @tparam table inputs paths of files and folders
-- @tparam[opt] string on_ignored "stop": files in folders that are not read are an error
-- @treturn ?table an array of `{ path, identity, bytes }`; or nil
-- @treturn table which files are not read: `{ count, files }`, the latter the first of them; or err
function M.list(call, inputs, on_ignored)
  local list, ignored = {}, { count = 0, files = {} }
  for _, input in ipairs(inputs) do
    local found, err = list_input(call, input, list)
    if not found then return nil, err end
    if found.ignored > 0 and on_ignored == "stop" then return nil, refuse_ignored(found) end
    warn_of_ignored(call, input, found)
    ignored.count = ignored.count + found.ignored
    for _, path in ipairs(found.ignored_files) do ignored.files[#ignored.files + 1] = path end
  end
  if #list > 0 then return list, ignored end
  return nil, errors.new("data", "the dataset has no files - give files whose names end in .jsonl,"
    .. " .json, .csv or the like, or a folder of them")
end

--- What happened to files between two lists of them.
-- @tparam table now what `list` has returned
-- @tparam table before the same, of earlier
-- @treturn table an array of sentences
function M.differences(now, before)
  local known, differences = {}, {}
  for _, file in ipairs(before) do known[file.path] = file.identity end
  for _, file in ipairs(now) do
    local identity_before = known[file.path]
    if identity_before == nil then
      differences[#differences + 1] = file.path .. " is new since this sync began"
    elseif identity_before ~= file.identity then
      differences[#differences + 1] = file.path .. " has changed since this sync began"
    end
    known[file.path] = nil
  end
  for _, file in ipairs(before) do
    if known[file.path] then
      differences[#differences + 1] = file.path .. " is gone since this sync began"
    end
  end
  return differences
end

--- Checks that files can be created at a path, or in the nearest folder above it that exists.
-- @tparam string path
-- @tparam number bytes that they need
-- @treturn true|nil,err
function M.check_room(path, bytes)
  local room, err
  while true do
    room, err = core.folder_room(path)
    if room or err.system ~= NO_SUCH_FILE then break end
    path = path:match("^(.*[^/])/+[^/]+$") or (path:sub(1, 1) == "/" and path ~= "/" and "/") or "."
  end
  if not room then return nil, errors.with(err, { creating = true }) end
  if room >= bytes then return true end
  return nil, errors.new("io", ("%s: %s are needed, but only %s are free - make room, or give"
    .. " another folder"):format(path, text.size(bytes), text.size(room)), { file = path })
end

--- The files that are new, or not what they were when they were listed.
-- @tparam table call
-- @tparam table inputs
-- @tparam table listed what `list` has returned
-- @treturn ?table an array of paths; or nil, err
function M.changed(call, inputs, listed)
  local known, now, changed = {}, {}, {}
  for _, file in ipairs(listed) do known[file.path] = file.identity end
  for _, input in ipairs(inputs) do
    local found, err = list_input(call, input, now)
    if not found then return nil, err end
  end
  for _, file in ipairs(now) do
    if known[file.path] ~= file.identity then changed[#changed + 1] = file.path end
  end
  return changed
end

--- Makes a folder and those above it.
-- @treturn true|nil,err
function M.make_folder(path)
  for at in (path .. "/"):gmatch("()/+") do
    if at > 1 then
      local ok, err = core.make_folder(path:sub(1, at - 1))
      if not ok then return nil, err end
    end
  end
  return true
end

--- Writes a file that takes its name when it is whole.
-- @tparam table call
-- @tparam string path
-- @tparam string content
-- @treturn true|nil,err
function M.write(call, path, content)
  local file, err = core.create_fresh(path)
  if not file then return nil, err end
  local ok
  ok, err = file:append(content)
  if ok then ok, err = call:ask(file:publish(path)) end
  if ok then file:close() else file:discard() end
  return ok, err
end

return M
