--- The simulator's options, with their defaults.
-- @internal xcompliance.simulator.options

local clock = require "xcompliance.simulator.clock"
local verdicts = require "xcompliance.simulator.verdicts"

local M = {}

--- Every option: its name, type, default (nil: none) and meaning; in the order of a manual.
M.list = {
  { "host", "string", "127.0.0.1", "address to listen at" },
  { "port", "number", 0, "port to listen at; 0 takes a free one" },
  { "tls", "table", nil, "`{ certificate = path, key = path }`: serve HTTPS" },
  { "flow", "string", "api", "where the bytes go: to the API's own host, or to storage (older)" },
  { "public_url", "string", nil, "origin of the jobs' URLs, if it is not this server's" },
  { "bearer_token", "table", nil, "the accepted token or tokens; without it any" },
  { "jobs_take", "number", 1, "seconds from a complete upload to the results" },
  { "seed", "number", 1, "verdicts are a pure function of it and the id" },
  { "shares", "table", nil, "share of ids for each reason, such as `{ deleted = 0.05 }`" },
  { "repeated", "number", nil,
    "share of rows that are followed by another for the same id (api: 0, storage: 0.02)" },
  { "verdicts", "string", nil, "file of result rows (JSON lines) that its ids get instead" },
  { "results", "string", nil, "file that is every job's results, as it is" },
  { "upload_expires", "number", 900, "seconds an upload URL lives" },
  { "download_expires", "number", 604800, "seconds a download URL lives" },
  { "strict_expiry", "boolean", false, "jobs expire although an upload is under way" },
  { "upload_limit", "number", 128000000, "api: bytes of an upload, then 413" },
  { "checksums", "boolean", false, "api: x-goog-hash with uploads and downloads" },
  { "ranges", "boolean", false, "api: downloads have an ETag and can be read in parts" },
  { "old_jobs", "number", 0, "jobs of each type that are over when it starts" },
  { "dates", "string", "utc", "how the API writes Date: utc, gmt, rfc850 or asctime" },
  { "clock_offset", "number", 0, "seconds by which its clock is ahead" },
  { "rate_limit", "number", 150, "requests a window, for each operation" },
  { "rate_window", "number", 900, "seconds" },
  { "hashes", "string", nil, "what is computed: both, md5, crc32c (1 GB takes 10 s) or none;"
    .. " both unless no answer would say it" },
  { "spool", "string", nil, "folder for what is uploaded, where /tmp is too small" },
  { "state_log", "string", nil, "file that gets one JSON line a request" },
  { "faults", "table", nil, "faults to arm, as texts (see fault/grammar.lua) or objects" },
  { "random", "table", nil, "`{ seed = 1, probability = 0.3 }`: random faults" },
}

local DEFAULT_SHARES = {
  deleted = 0.05, suspended = 0.03, protected = 0.02, deactivated = 0.01, bounced = 0.002,
  scrub_geo = 0.002, geo_scrubbed = 0.002, tweet_edited = 0.002,
}
local NAMES = {
  flow = { { api = true, storage = true }, "api or storage" },
  dates = { clock.forms, "utc, gmt, rfc850 or asctime" },
  hashes = { { both = true, md5 = true, crc32c = true, none = true },
    "both, md5, crc32c or none" },
}
local ALSO = { bearer_token = "string", verdicts = "table" } -- other types that are accepted

local function check_type(option, value)
  local name, expected = option[1], option[2]
  if value ~= nil and type(value) ~= expected and type(value) ~= ALSO[name] then
    error(("simulator: option %s must be a %s, not a %s"):format(name, expected, type(value)), 0)
  end
end

local function check_shares(shares)
  local sum = 0
  for reason, share in pairs(shares) do
    if not verdicts.reasons[reason] then
      error(("simulator: no reason is called %s"):format(reason), 0)
    end
    sum = sum + share
  end
  if sum > 1 then error("simulator: the shares are more than 1 together", 0) end
end

local function set_of(tokens)
  if not tokens then return nil end
  local set = {}
  for _, token in ipairs(type(tokens) == "table" and tokens or { tokens }) do set[token] = true end
  return set
end

-- what depends on other options
local function fill_in(options)
  local api = options.flow == "api"
  options.repeated = options.repeated or (api and 0 or 0.02)
  options.hashes = options.hashes or (api and not options.checksums and "none" or "both")
end

local function check_names(options)
  for name, known in pairs(NAMES) do
    if not known[1][options[name]] then
      error(("simulator: option %s must be %s"):format(name, known[2]), 0)
    end
  end
end

--- Checks options, and fills in what is not given. Raises a message where they are wrong.
-- @tparam[opt] table given
-- @treturn table
function M.complete(given)
  local options, left = {}, {}
  for name in pairs(given or {}) do left[name] = true end
  for _, option in ipairs(M.list) do
    local name, value = option[1], (given or {})[option[1]]
    check_type(option, value)
    if value == nil then value = option[3] end
    options[name], left[name] = value, nil
  end
  local unknown = next(left)
  if unknown then error(("simulator: no option is called %s"):format(unknown), 0) end
  fill_in(options)
  check_names(options)
  options.shares = options.shares or DEFAULT_SHARES
  check_shares(options.shares)
  options.bearer_tokens = set_of(options.bearer_token)
  options.seed = math.tointeger(options.seed) or error("simulator: seed must be whole", 0)
  return options
end

return M
