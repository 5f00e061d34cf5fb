--- Answers of the API made at random, such as its two descriptions allow: the older one, which is
-- strict, and the newer, where every member is optional and a bare string.

local M = {}

local STATUSES = { "created", "in_progress", "failed", "complete", "expired" }
local TYPES = { "tweets", "users" }
local PIECES = {
  "a", "Z", "0", " ", "\\\"", "\\\\", "\\/", "\\n", "\\u0000", "\\u00e9", "\\ud83d\\ude00",
  "\195\169", "\240\159\152\128", "\226\128\168", "<", "&", "'", "%",
}

-- Park and Miller's generator, so that a seed means the same under every Lua
local function new_random(seed)
  local state = seed * 48271 % 2147483647
  return function(limit)
    state = state * 48271 % 2147483647
    return math.floor(state / 256) % limit
  end
end

local function text(random)
  local pieces = {}
  for i = 1, random(20) do pieces[i] = PIECES[random(#PIECES) + 1] end
  return '"' .. table.concat(pieces) .. '"'
end

local function id(random)
  local digits = { tostring(random(9) + 1) }
  for i = 2, random(19) + 1 do digits[i] = tostring(random(10)) end
  return '"' .. table.concat(digits) .. '"'
end

local function one_of(list)
  return function(random) return '"' .. list[random(#list) + 1] .. '"' end
end

local function date(random)
  return ('"20%02d-%02d-%02dT%02d:%02d:%02d.%03dZ"'):format(random(100), random(12) + 1,
    random(28) + 1, random(24), random(60), random(60), random(1000))
end

local function url(random)
  return ('"https://storage.googleapis.com/b/%d?X-Goog-SignedHeaders=host"'):format(random(1000))
end

local STRICT = {
  { "id", id }, { "type", one_of(TYPES) }, { "status", one_of(STATUSES) }, { "created_at", date },
  { "upload_url", url }, { "download_url", url }, { "upload_expires_at", date },
  { "download_expires_at", date },
}

local function problem(random)
  return ('{"title":%s,"detail":%s,"type":"https://api.x.com/2/problems/%d","status":%d}'):format(
    text(random), text(random), random(100), random(600))
end

local function errors(random)
  local list = {}
  for i = 1, random(3) + 1 do list[i] = problem(random) end
  return '"errors":[' .. table.concat(list, ",") .. "]"
end

local function job(random, is_strict)
  local members = {}
  for _, member in ipairs(STRICT) do
    local make = member[2]
    if not is_strict and random(4) == 0 then make = text end
    if is_strict or random(8) > 0 then
      members[#members + 1] = ('"%s":%s'):format(member[1], make(random))
    end
  end
  if random(2) == 0 then members[#members + 1] = '"name":' .. text(random) end
  if random(2) == 0 then members[#members + 1] = '"resumable":true' end
  return "{" .. table.concat(members, random(2) == 0 and "," or " , ") .. "}"
end

--- The body of an answer about one job.
-- @tparam integer seed
-- @tparam boolean is_strict whether by the older description
function M.job(seed, is_strict)
  local random, parts = new_random(seed), {}
  local has_data = random(10) > 0
  if has_data then parts[1] = '"data":' .. job(random, is_strict) end
  if not has_data or random(5) == 0 then parts[#parts + 1] = errors(random) end
  return "{" .. table.concat(parts, ",") .. "}"
end

return M
