--- MD5 and CRC32C of bytes as they pass, written as x-goog-hash writes them.
-- @internal xcompliance.simulator.digests

local digest = require "openssl.digest"

local M = {}

-- {====================================================================
-- CRC32C for hashes of objects and CRC32 for gzip, sliced by eight: about 100 MB/s in plain Lua
-- =====================================================================

-- The simulator's own, so that a mistake in the client's cannot hide. Tables for sixteen-bit steps
-- were measured too: not faster on random data, and they cost 40 ms at the start.

local CASTAGNOLI, IEEE = 0x82f63b78, 0xedb88320 -- reflected

local unpack = string.unpack

local function byte_table(polynomial)
  local entries = {}
  for byte = 0, 255 do
    local crc = byte
    for _ = 1, 8 do crc = crc & 1 == 1 and (crc >> 1) ~ polynomial or crc >> 1 end
    entries[byte] = crc
  end
  return entries
end

-- tables[k][b]: what byte b contributes when k more bytes follow it
local function slicing_tables(polynomial)
  local tables = { [0] = byte_table(polynomial) }
  for k = 1, 7 do
    tables[k] = {}
    for byte = 0, 255 do
      local crc = tables[k - 1][byte]
      tables[k][byte] = tables[0][crc & 255] ~ (crc >> 8)
    end
  end
  return table.unpack(tables, 0, 7)
end

local function updater(polynomial)
  local t0, t1, t2, t3, t4, t5, t6, t7 = slicing_tables(polynomial)

  -- sixteen bytes a turn, written out: a call for each word would cost as much as its work
  local function whole_words(crc, text, stop)
    for at = 1, stop, 16 do
      local one, two = unpack("<i8i8", text, at)
      one = one ~ crc
      crc = t7[one & 255] ~ t6[one >> 8 & 255] ~ t5[one >> 16 & 255] ~ t4[one >> 24 & 255]
        ~ t3[one >> 32 & 255] ~ t2[one >> 40 & 255] ~ t1[one >> 48 & 255] ~ t0[one >> 56]
      two = two ~ crc
      crc = t7[two & 255] ~ t6[two >> 8 & 255] ~ t5[two >> 16 & 255] ~ t4[two >> 24 & 255]
        ~ t3[two >> 32 & 255] ~ t2[two >> 40 & 255] ~ t1[two >> 48 & 255] ~ t0[two >> 56]
    end
    return crc
  end

  return function(crc, text)
    crc = crc ~ 0xffffffff
    local words = #text - #text % 16
    crc = whole_words(crc, text, words)
    for at = words + 1, #text do
      crc = t0[(crc ~ text:byte(at)) & 255] ~ (crc >> 8)
    end
    return crc ~ 0xffffffff
  end
end

--- Continues a CRC32C.
-- @function castagnoli
-- @tparam integer crc the checksum of what came before; 0 at the beginning
-- @tparam string text
-- @treturn integer the checksum of both
M.castagnoli = updater(CASTAGNOLI)

--- Continues a CRC32 as gzip has it.
-- @function ieee
M.ieee = updater(IEEE)

-- }====================================================================

local Digests = {}
Digests.__index = Digests

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

--- @tparam string bytes
function M.base64(bytes)
  local padding = -#bytes % 3
  local text = (bytes .. ("\0"):rep(padding)):gsub("...", function(three)
    local bits = string.unpack(">I3", three)
    local digits = ""
    for shift = 18, 0, -6 do
      local at = (bits >> shift & 63) + 1
      digits = digits .. ALPHABET:sub(at, at)
    end
    return digits
  end)
  return text:sub(1, #text - padding) .. ("="):rep(padding)
end

--- Running digests.
-- @tparam string which `"both"`, `"md5"`, `"crc32c"` or `"none"`
function M.new(which)
  return setmetatable({
    md5 = (which == "both" or which == "md5") and digest.new("md5") or nil,
    crc = (which == "both" or which == "crc32c") and 0 or nil,
  }, Digests)
end

function Digests:update(text)
  if self.md5 then self.md5:update(text) end
  if self.crc then self.crc = M.castagnoli(self.crc, text) end
end

--- @treturn table `{ md5, md5_hex, crc32c }`, each nil where it was not asked for
function Digests:final()
  local md5 = self.md5 and self.md5:final()
  return {
    md5 = md5 and M.base64(md5),
    md5_hex = md5 and md5:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end),
    crc32c = self.crc and M.base64(string.pack(">I4", self.crc)),
  }
end

return M
