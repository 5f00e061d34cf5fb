--- A list that is too long for one job is sent in parts, and the results of the parts are joined.
--
-- A part is a range of whole lines of the prepared list, which ascends and holds each id once. Both
-- functions copy blocks of bounded size, and the loop's other work has its turn between two blocks.
-- @internal xcompliance.list_parts

local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local read = require "xcompliance.read"

local M = {}

--- How many ids a job is asked about unless the caller says otherwise.
M.IDS_PER_JOB = 6000000

--- The size that a part always stays below: X takes at most 128 MB at once, and does not say
-- whether these are 128 * 10^6 or 2^27 bytes.
M.BYTES_MAX = 128 * 1000 * 1000

local BLOCK = 64 * 1024 -- bytes
local MARK = "\239\187\191" -- a byte order mark in UTF-8

local function io_error(doing, path, why)
  return errors.new("io", ("%s %s: %s - make room or give another folder, and run it again")
    :format(doing, path, why), { file = path })
end

--- The end of the last line of `block` that still belongs to the part.
-- @tparam string block
-- @tparam integer ids how many more the part may have
-- @treturn integer how many of the block's bytes belong to it
-- @treturn integer how many lines end in these
local function take_lines(block, ids)
  local taken, lines = 0, 0
  while lines < ids do
    local stop = block:find("\n", taken + 1, true)
    if not stop then break end
    taken, lines = stop, lines + 1
  end
  return taken, lines
end

--- Copies lines of `source`, the file `list`, from where it stands to `target`, the file `path`: at
-- most `ids`, below BYTES_MAX bytes.
-- @treturn ?table `{ bytes, ids }`; or nil, err
local function copy_lines(call, source, list, target, path, ids)
  local copied, rest, budget = { bytes = 0, ids = 0 }, "", M.BYTES_MAX - 1
  while copied.ids < ids and budget > 0 do
    local block, err = read.some(source, math.min(BLOCK, budget), list)
    if err then return nil, err end
    if not block then break end
    budget = budget - #block
    block = rest .. block
    local taken, lines = take_lines(block, ids - copied.ids)
    local ok, why = target:write(block:sub(1, taken))
    if not ok then return nil, io_error("writing", path, why) end
    copied.bytes, copied.ids = copied.bytes + taken, copied.ids + lines
    rest = block:sub(taken + 1)
    ok, err = call:breathe()
    if not ok then return nil, err end
  end
  return copied
end

--- Writes a new file by `write`, and publishes it under its name.
-- @tparam table call
-- @tparam string path
-- @tparam function write is given a file of Lua's to write to; returns what this function returns
-- @treturn ?any what `write` returned; or nil, err: then `path` is what it was
-- @treturn table `{ bytes, lines, crc32c }` of the file
local function write_file(call, path, write)
  local file, err = core.create_fresh(path)
  if not file then return nil, errors.with(err, { creating = true }) end
  local ok, result, sum = pcall(function()
    local stream, why = io.open(file:path(), "wb")
    if not stream then return nil, io_error("writing", path, why) end
    local written, failure = write(stream)
    local closed, complaint = stream:close()
    if not written then return nil, failure end
    if not closed then return nil, io_error("writing", path, complaint) end
    local summed
    summed, failure = call:ask(file:checksum())
    if not summed then return nil, failure end
    closed, failure = call:ask(file:publish(path))
    if not closed then return nil, failure end
    return written, summed
  end)
  if ok and result then file:close() else file:discard() end
  if not ok then error(result, 0) end
  return result, sum
end

--- Writes one part of a prepared list.
-- @tparam table call
-- @tparam string list path of the prepared list
-- @tparam string path where the part goes
-- @tparam integer offset where the part begins in the list
-- @tparam integer ids how many it has at most; it is always below `BYTES_MAX` bytes
-- @treturn ?table `{ offset, bytes, ids, crc32c }`; or nil, err
function M.cut(call, list, path, offset, ids)
  local source, why = io.open(list, "rb")
  if not source then return nil, errors.new("io", "reading the prepared list: " .. why) end
  source:seek("set", offset)
  local ok, part, sum = pcall(write_file, call, path, function(target)
    return copy_lines(call, source, list, target, path, ids)
  end)
  source:close()
  if not ok then error(part, 0) end
  if not part then return nil, sum end
  return { offset = offset, bytes = part.bytes, ids = part.ids, crc32c = sum.crc32c }
end

--- Copies a file of lines, and ends its last line. A byte order mark stands at the beginning of a
-- file only, so that of a later file is dropped.
local function append(call, path, stream, target, is_first)
  local source, why = io.open(path, "rb")
  if not source then return nil, io_error("reading", path, why) end
  local last = "\n"
  local function write(block)
    last = block:sub(-1)
    local written, complaint = stream:write(block)
    if not written then return nil, io_error("writing", target, complaint) end
    return call:breathe()
  end
  local mark, err = read.some(source, #MARK, path)
  if mark ~= MARK or is_first then source:seek("set", 0) end
  local ok = not err
  if ok then ok, err = read.blocks(source, path, write) end
  if ok and last ~= "\n" then ok, err = write("\n") end
  source:close()
  return ok, err
end

--- Joins files of lines into one, which takes its name when it is whole.
-- @tparam table call
-- @tparam table paths an array
-- @tparam string target
-- @treturn ?table `{ bytes, crc32c }`; or nil, err: then the target is what it was
function M.join(call, paths, target)
  local ok, sum = write_file(call, target, function(stream)
    for number, path in ipairs(paths) do
      local done, err = append(call, path, stream, target, number == 1)
      if not done then return nil, err end
    end
    return true
  end)
  if not ok then return nil, sum end
  return { bytes = sum.bytes, crc32c = sum.crc32c }
end

return M
