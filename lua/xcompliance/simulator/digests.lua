--- MD5 and CRC32C of bytes as they pass, written as x-goog-hash writes them.
-- @internal xcompliance.simulator.digests

local crc32 = require "xcompliance.simulator.crc32"
local digest = require "openssl.digest"

local M = {}
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
  if self.crc then self.crc = crc32.castagnoli(self.crc, text) end
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
