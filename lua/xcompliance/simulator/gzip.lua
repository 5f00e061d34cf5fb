--- gzip by hand: stored blocks, and a bomb of any size that is never in memory. A library makes
-- neither the bomb nor its wrong trailer, and would be one more that users of the simulator need.
-- @internal xcompliance.simulator.gzip

local digests = require "xcompliance.simulator.digests"

local M = {}

local HEADER = "\31\139\8\0\0\0\0\0\0\3"
local BLOCK_MAX = 65535
local MATCH = 258 -- bytes that one match stands for, at most

--- The text as a gzip member of stored blocks.
function M.stored(text)
  local parts, at = { HEADER }, 1
  repeat
    local block = text:sub(at, at + BLOCK_MAX - 1)
    at = at + BLOCK_MAX
    local last = at > #text and 1 or 0
    parts[#parts + 1] = string.pack("<BI2I2", last, #block, ~#block & 0xffff) .. block
  until last == 1
  parts[#parts + 1] = string.pack("<I4I4", digests.ieee(0, text), #text & 0xffffffff)
  return table.concat(parts)
end

-- bytes of a string of "0" and "1", the first bit lowest
local function packed(bits)
  return (bits:gsub("........", function(eight)
    return string.char(tonumber(eight:reverse(), 2))
  end))
end

--- A gzip member of at least `size` spaces, 158 times smaller. Its trailer is wrong: nobody should
-- get that far.
-- @treturn function the pieces
function M.bomb(size)
  local literal, match = "01010000", "11000101" .. "00000" -- a space; 258 bytes at distance 1
  -- the block's start and the first literal are 11 bits, and end with as many zero bits as a match:
  -- so 8 matches, 13 bytes, make a period after the first byte
  local first = packed(("110" .. literal):sub(1, 8))
  local period = packed(("000" .. match:rep(8)):sub(1, 104))
  local piece, covered = period:rep(4096), 4096 * 8 * MATCH
  local made, state = 0, "start"
  return function()
    if state == "start" then
      state = "middle"
      return HEADER .. first
    elseif made < size then
      made = made + covered
      return piece
    elseif state == "middle" then
      state = "end"
      return "\0\0" .. string.pack("<I4I4", 0, 0)
    end
  end
end

return M
