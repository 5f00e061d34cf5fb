--- What became of an id: its result rows, a pure function of the seed and the id, or scripted.
-- @internal xcompliance.simulator.verdicts

local cjson = require "cjson"
local clock = require "xcompliance.simulator.clock"

local M = {}
local Verdicts = {}
Verdicts.__index = Verdicts

-- in the order in which shares are laid side by side; `old` ones are in the older flow alone
local REASONS = {
  { name = "deleted", action = "delete", tweets = true, users = true },
  { name = "suspended", action = "delete", tweets = true, users = true },
  { name = "protected", action = "delete", tweets = true, users = true },
  { name = "deactivated", action = "delete", tweets = true, users = true },
  { name = "bounced", action = "delete", tweets = true, old = true },
  { name = "scrub_geo", action = "delete", tweets = true, old = true },
  { name = "geo_scrubbed", action = "scrub_geo", tweets = true },
  { name = "tweet_edited", action = "rehydrate", tweets = true },
}

--- The reasons there are, for the options' check.
M.reasons = {}
for _, reason in ipairs(REASONS) do M.reasons[reason.name] = true end

local FIRST_SNOWFLAKE, SNOWFLAKE_EPOCH = 29700859247, 1288834974.657
local FIRST_TWEET = 1142974200 -- 2006-03-21
local YEAR = 365 * 86400

local function mix(bits) -- the finaliser of MurmurHash3: every bit of the input moves every other
  bits = (bits ~ bits >> 33) * 0xff51afd7ed558ccd
  bits = (bits ~ bits >> 33) * 0xc4ceb9fe1a85ec53
  return bits ~ bits >> 33
end

local function fraction(bits)
  return (bits >> 11) / (1 << 53)
end

local function created_at(id)
  if id >= FIRST_SNOWFLAKE then return (id >> 22) / 1000 + SNOWFLAKE_EPOCH end
  return FIRST_TWEET + id / FIRST_SNOWFLAKE * (SNOWFLAKE_EPOCH - FIRST_TWEET)
end

local function scripted_rows(lines)
  local rows = {}
  for line in lines do
    if line:find("%S") then
      local row = cjson.decode(line)
      local says_something = row.action or row.reason or row.error
      rows[row.id] = (rows[row.id] or "") .. (says_something and line .. "\n" or "")
    end
  end
  return rows
end

local function scripted(verdicts)
  if type(verdicts) ~= "table" then return verdicts and scripted_rows(io.lines(verdicts)) or {} end
  local at = 0
  return scripted_rows(function()
    at = at + 1
    return verdicts[at]
  end)
end

-- a row of the older flow
local function old_row(job_type, id, text, reason, bits)
  local iso = job_type == "users" and clock.iso_offset or clock.iso
  local created = created_at(id)
  local redacted = ""
  if reason.name == "deleted" and bits & 3 ~= 0 then -- "Not all compliance events will include it"
    redacted = (',"redacted_at":"%s"'):format(iso(created + fraction(mix(bits)) * 3 * YEAR))
  end
  return ('{"id":"%s","action":"%s","created_at":"%s"%s,"reason":"%s"}\n'):format(
    text, reason.action, iso(created), redacted, reason.name)
end

-- a row of today, with deleted_at as an alias of redacted_at; some events have no time
local function new_row(_, id, text, reason, bits)
  local created = created_at(id)
  local redacted = "null"
  if bits & 3 ~= 0 then
    redacted = ('"%s"'):format(clock.iso(created + fraction(mix(bits)) * 3 * YEAR))
  end
  return ('{"id":"%s","action":"%s","reason":"%s","created_at":"%s","redacted_at":%s,'
    .. '"deleted_at":%s}\n'):format(text, reason.action, reason.name, clock.iso(created), redacted,
    redacted)
end

--- @tparam table options `flow`, `seed`, `shares`, `repeated`, `verdicts` (see options.lua)
function M.new(options)
  local reported = 0
  for _, share in pairs(options.shares) do reported = reported + share end
  return setmetatable({
    row = options.flow == "api" and new_row or old_row, old = options.flow ~= "api",
    seed = mix(options.seed), shares = options.shares, reported = reported,
    repeated = options.repeated, scripted = scripted(options.verdicts),
  }, Verdicts)
end

function Verdicts:reason(job_type, bits)
  local at = fraction(bits)
  if at >= self.reported then return nil end
  for _, reason in ipairs(REASONS) do
    if reason[job_type] and (self.old or not reason.old) then
      at = at - (self.shares[reason.name] or 0)
      if at < 0 then return reason end
    end
  end
end

local function invalid(line)
  return cjson.encode(line):gsub("\\/", "/"):gsub("^.*$", '{"id":%0,"error":"invalid_id"}\n')
end

--- The rows of one line of an upload, each with its newline; empty where the id is in compliance.
-- @tparam string job_type `"tweets"` or `"users"`
-- @tparam string line
function Verdicts:rows(job_type, line)
  local rows = self.scripted[line]
  if rows then return rows end
  local id = #line <= 19 and line:find("^[1-9]%d*$") and math.tointeger(tonumber(line))
  if not id then return (invalid(line)) end
  local bits = mix(id ~ self.seed)
  local reason = self:reason(job_type, bits)
  if not reason then return "" end
  local text = self.row(job_type, id, line, reason, bits)
  if fraction(mix(bits + 1)) >= self.repeated then return text end
  return text .. self.row(job_type, id, line, reason, mix(bits + 2))
end

return M
