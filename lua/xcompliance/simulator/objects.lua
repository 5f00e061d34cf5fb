--- What storage holds: the bytes of objects, small ones in memory, others in anonymous files.
-- @internal xcompliance.simulator.objects

local digests = require "xcompliance.simulator.digests"
local http = require "xcompliance.simulator.http"

local M = {}

-- {====================================================================
-- Objects sent to a client, whole or a range of them
-- =====================================================================

-- first and last byte of a Range header: nil if it must be ignored, false if it is outside
local function range(text, size)
  local first, last = (text or ""):match("^bytes=(%d*)%-(%d*)$")
  if not first or first .. last == "" then return nil end
  local from, to = math.tointeger(tonumber(first)), math.tointeger(tonumber(last))
  if first == "" then
    from, to = math.max(0, size - (to or size)), nil
  end
  if from and to and to < from then return nil end
  if not from or from >= size then return false end
  return from, math.min(to or size - 1, size - 1)
end

--- Answers with a whole object.
-- @tparam table object
-- @tparam table fields the headers
function M.whole(object, fields)
  return http.response(200, fields, M.reader(object, 0, object.size), object.size)
end

--- Answers with an object, or with the range of it that was asked for.
-- @tparam table request
-- @tparam table object
-- @tparam table fields the headers
-- @tparam function refuse makes the answer to a range beyond the end
function M.part(request, object, fields, refuse)
  local wanted = request.headers["if-range"]
  local first, last
  if not wanted or wanted == object.etag then
    first, last = range(request.headers.range, object.size)
  end
  if first == false then
    local refusal = refuse()
    http.add_header(refusal.headers, "Content-Range", "bytes */" .. object.size)
    return refusal
  end
  if not first then return M.whole(object, fields) end
  local length = last - first + 1
  http.add_header(fields, "Content-Range", ("bytes %d-%d/%d"):format(first, last, object.size))
  return http.response(206, fields, M.reader(object, first, length), length)
end

-- }====================================================================

local Writer = {}
Writer.__index = Writer

local PIECE = 256 * 1024
local IN_MEMORY = 1024 * 1024
local FILES_MAX = 200 -- then the oldest object's bytes are given up: descriptors are limited

local files = {}

-- A file without a name: it is gone with the process, however that ends.
local function anonymous_file(folder)
  if not folder then return assert(io.tmpfile()) end
  local path = ("%s/simulator-%x"):format(folder, math.random(0))
  local file = assert(io.open(path, "w+b"))
  os.remove(path)
  return file
end

local function new_file(folder)
  if #files == FILES_MAX then table.remove(files, 1):close() end
  local file = anonymous_file(folder)
  file:setvbuf("full", PIECE)
  files[#files + 1] = file
  return file
end

--- Begins an object.
-- @tparam table options `hashes`, and `spool` (a folder) where /tmp is too small
-- @treturn table a writer: `append(text)`, `truncate(size)`, `size`, `close()`
function M.writer(options)
  return setmetatable({
    text = "", size = 0, spool = options.spool,
    hashes = options.hashes, digests = digests.new(options.hashes),
  }, Writer)
end

--- Begins an object that is all there, in a file of somebody else.
-- @tparam string path
-- @tparam string hashes
-- @treturn table a writer, whose digests have seen nothing yet
function M.of_file(path, hashes)
  local file = assert(io.open(path, "rb"))
  file:setvbuf("full", PIECE)
  return setmetatable({
    file = file, size = file:seek("end"), hashes = hashes, digests = digests.new(hashes),
  }, Writer)
end

function Writer:append(text)
  if not self.file and self.size + #text > IN_MEMORY then
    self.file = new_file(self.spool)
    assert(self.file:write(self.text))
    self.text = nil
  end
  if self.file then
    self.file:seek("set", self.size) -- others read the same file in between
    assert(self.file:write(text))
  else
    self.text = self.text .. text
  end
  self.digests:update(text)
  self.size = self.size + #text
end

--- Forgets what is beyond `size`, and hashes the rest again.
function Writer:truncate(size)
  self.size, self.digests = size, digests.new(self.hashes)
  self.text = self.text and self.text:sub(1, size)
  for piece in M.reader(self, 0, size) do self.digests:update(piece) end
end

--- Gives the bytes up.
function Writer:close()
  if not self.file then return end
  for at, file in ipairs(files) do
    if file == self.file then table.remove(files, at):close() end
  end
end

local generations = 1633593378000000

--- Ends an object.
-- @tparam table writer
-- @tparam[opt] string etag if it is not the MD5
-- @treturn table `{ size, md5, md5_hex, crc32c, etag, generation }`
function M.finish(writer, etag)
  local object = writer.digests:final()
  generations = generations + 1
  object.size, object.text, object.file = writer.size, writer.text, writer.file
  object.generation = tostring(generations)
  object.etag = ('"%s"'):format(etag or object.md5_hex or object.generation)
  return object
end

local function read(object, at, length)
  if object.text then return object.text:sub(at + 1, at + length) end
  object.file:seek("set", at)
  return object.file:read(length)
end

--- The pieces of a part of an object.
-- @tparam table object or a writer
-- @tparam integer first offset
-- @tparam integer length
function M.reader(object, first, length)
  local at, left = first, length
  return function()
    if left <= 0 then return nil end
    local piece = read(object, at, math.min(left, PIECE))
    if not piece then return nil end
    at, left = at + #piece, left - #piece
    return piece
  end
end

return M
