--- Which fault may strike at random, for a soak: those that a client can overcome or name.
-- @internal xcompliance.simulator.fault.random

local M = {}
local Random = {}
Random.__index = Random

local HEAD = 2400 -- bytes of the longest answer that is not results

local API = {
  "503", "500-html", "408", "502-empty", "429", "close", "lost", "reset", "half", "stall@0.1",
  "cut-answer@HEAD", "reset-answer@HEAD",
}
local FAULTS = {
  create = API, list = API, get = API, cancel = API,
  start = { "503", "408", "429", "close", "lost", "reset", "cut-answer@HEAD" },
  upload = {
    "503", "408", "429", "503-early", "close", "lost", "reset@SIZE", "cut@SIZE", "flip",
    "cut-answer@HEAD",
  },
  chunk = {
    "503", "502", "408", "429", "503-after@SIZE", "308-partial@SIZE", "no-range", "410", "close",
    "lost", "reset@SIZE", "cut@SIZE", "override-308", "flip", "cut-answer@HEAD",
  },
  query = { "503", "500", "408", "close", "reset", "shrink@1", "cut-answer@HEAD" },
  download = {
    "503", "429", "close", "cut@SIZE", "reset@SIZE", "ignore-range", "other-etag", "wrong-range",
    "flip", "wrong-total", "chunked-cut", "stall@0.1", "cut-answer@HEAD", "reset-answer@HEAD",
  },
}

-- xorshift64*, so that a seed means the same everywhere
local function draw(self)
  local bits = self.bits
  bits = bits ~ bits >> 12
  bits = bits ~ bits << 25
  bits = bits ~ bits >> 27
  self.bits = bits
  return (bits * 0x2545F4914F6CDD1D >> 11) / (1 << 53)
end

--- @tparam table options `seed`, `probability`, and `size`: the most bytes before a cut (1 MiB)
-- @tparam boolean unverifiable no client can find out that bits were flipped, so none are
function M.new(options, unverifiable)
  local seed = math.tointeger(options.seed or 1) * 0x9E3779B97F4A7C15
  return setmetatable({
    bits = seed ~= 0 and seed or 1, probability = options.probability or 0.3,
    size = options.size or 1 << 20, unverifiable = unverifiable,
  }, Random)
end

--- The text of a fault, or nil if none strikes.
function Random:pick(step)
  local faults = FAULTS[step]
  if not faults or draw(self) >= self.probability then return nil end
  local text = faults[math.floor(draw(self) * #faults) + 1]
  if text == "flip" and self.unverifiable then text = "503" end
  local share = draw(self)
  return step .. ":" .. text:gsub("SIZE", ("%d"):format(math.floor(share * self.size)))
    :gsub("HEAD", ("%d"):format(math.floor(share * HEAD)))
end

return M
