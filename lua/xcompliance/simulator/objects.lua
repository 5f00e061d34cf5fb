--- What storage holds: objects by their path, their bytes in anonymous temporary files.
-- @module xcompliance.simulator.objects

local digests = require "xcompliance.simulator.digests"

local M = {}
local Writer = {}
Writer.__index = Writer

local PIECE = 256 * 1024

-- A file without a name: it is gone with the process, however that ends.
local function spool(folder)
  if not folder then return assert(io.tmpfile()) end
  local path = ("%s/simulator-%x"):format(folder, math.random(0))
  local file = assert(io.open(path, "w+b"))
  os.remove(path)
  return file
end

--- Begins an object.
-- @tparam table options `hashes`, and `spool` (a folder) where /tmp is too small
-- @treturn table a writer: `append(text)`, `size`, `close()`
function M.writer(options)
  local file = spool(options.spool)
  file:setvbuf("full", PIECE)
  return setmetatable({
    file = file, size = 0, hashes = options.hashes, digests = digests.new(options.hashes),
  }, Writer)
end

function Writer:append(text)
  self.file:seek("set", self.size)
  assert(self.file:write(text))
  self.digests:update(text)
  self.size = self.size + #text
end

--- Forgets what is beyond `size`, and hashes the rest anew.
function Writer:truncate(size)
  self.size, self.digests = size, digests.new(self.hashes)
  for piece in M.reader(self, 0, size) do self.digests:update(piece) end
end

function Writer:close()
  self.file:close()
end

local generations = 1633593378000000

--- Ends an object.
-- @tparam table writer
-- @tparam[opt] string etag where it is not the MD5
-- @treturn table `{ size, md5, md5_hex, crc32c, etag, generation, file }`
function M.finish(writer, etag)
  local object = writer.digests:final()
  generations = generations + 1
  object.size, object.file, object.generation = writer.size, writer.file, tostring(generations)
  object.etag = ('"%s"'):format(etag or object.md5_hex or object.generation)
  return object
end

--- The pieces of a part of an object.
-- @tparam table object or a writer
-- @tparam integer first offset
-- @tparam integer length
function M.reader(object, first, length)
  local at, left = first, length
  return function()
    if left <= 0 then return nil end
    object.file:seek("set", at) -- others read the same file in between
    local piece = object.file:read(math.min(left, PIECE))
    if not piece then return nil end
    at, left = at + #piece, left - #piece
    return piece
  end
end

return M
