--- The list of a check, and the parts that it is cut into: the states "prepare" and "cut".
--
-- The list is checked before any job is made. What is lost later is made again, but only from the
-- list that was asked about.
-- @internal xcompliance.check_list

local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local id_file = require "xcompliance.id_file"
local list_parts = require "xcompliance.list_parts"
local files = require "xcompliance.sync_files"
local text = require "xcompliance.text"

local M = {}

--- What distinguishes a file from another one.
function M.sum(run, path)
  local source, err = id_file.open(run.call, path)
  if not source then return nil, err end
  source:close()
  return { bytes = source.bytes, ids = source.lines, crc32c = source.crc32c }
end

function M.is_same(file, other)
  return file.bytes == other.bytes and file.crc32c == other.crc32c
end

--- Whether the file at `path` is the one that these facts are of.
function M.is_intact(run, path, facts)
  local file = M.sum(run, path)
  return file and M.is_same(file, facts)
end

--- Writes the list as it will be sent: each id once.
function M.write_list(run)
  run.call:at("prepare", "reading " .. run.options.ids)
  local result, err = run.call:await(core.extract {
    type = run.options.type, format = "ids", inputs = { run.options.ids }, output = run.list_path,
    allow_rounded = run.options.allow_rounded,
  })
  if not result then return nil, err end
  if result.ids == 0 then
    os.remove(run.list_path)
    return nil, errors.new("data", run.options.ids .. " holds no ids: there is nothing to check",
      { file = run.options.ids })
  end
  return M.sum(run, run.list_path)
end

--- The list and the parts of it can be made again, but only from the list that was asked about.
local function ensure_list(run)
  if M.is_intact(run, run.list_path, run.facts.list) then return true end
  local list, err = M.write_list(run)
  if not list then return nil, err end
  if M.is_same(list, run.facts.list) then return true end
  return nil, run:not_this_list()
end

function M.prepare(run)
  local source, err = M.sum(run, run.options.ids)
  if not source then return nil, err end
  local ok, list
  ok, err = files.check_room(run.folder, source.bytes)
  if not ok then return nil, err end
  list, err = M.write_list(run)
  if not list then return nil, err end
  return run:record { step = "cut", type = run.options.type, source = source, list = list,
    began = os.time() }
end

local function is_whole_list(run, part) return part.bytes == run.facts.list.bytes end

--- The file of a part: that of the list, if the part is all of it.
function M.part_path(run, part)
  return is_whole_list(run, part) and run.list_path or run.part_path
end

local function cut(run, offset, ids)
  local ok, err = ensure_list(run)
  if not ok then return nil, err end
  local list = run.facts.list
  if offset == 0 and list.ids <= ids and list.bytes < list_parts.BYTES_MAX then
    return { offset = 0, bytes = list.bytes, ids = list.ids, crc32c = list.crc32c }
  end
  return list_parts.cut(run.call, run.list_path, run.part_path, offset, ids)
end

--- The part may have been lost since it was cut: it is cut again.
function M.ensure_part(run)
  local part = run.facts.part
  if M.is_intact(run, M.part_path(run, part), part) then return true end
  local again, err = cut(run, part.offset, part.ids)
  if not again then return nil, err end
  if M.is_same(again, part) then return true end
  return nil, run:not_this_list()
end

function M.cut(run)
  run.call:at("prepare", "preparing the list")
  local again = run:part_again()
  local part, err = cut(run, again and again.offset or run:asked_bytes(),
    again and again.ids or run:ids_at_most())
  if not part then return nil, err end
  local step
  step, err = run:record { step = "create", part = part }
  if step and not is_whole_list(run, part) then
    run:label()
    run.call:report { message = run.call.prefix .. text.plural(part.ids, "id") }
  end
  return step, err
end

return M
