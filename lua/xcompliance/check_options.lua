--- The options that `check` and `sync` have in common: how to ask about a list of ids.
--
-- All of them are checked before anything is asked, and before anything is written to a journal.
-- @internal xcompliance.check_options

local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local parts = require "xcompliance.list_parts"

local M = {}

local POLL = { min = 5, max = 60 } -- seconds
local WINDOW = 900 -- seconds of the API's rate limits
local PIECE = 256 * 1024 -- bytes: a chunk of a resumable upload is a multiple of it
local WHOLE_MAX = 2 ^ 53

--- Their types.
M.types = {
  name = "string", poll = "table", upload = "string", chunk = "number",
  max_polls_per_15min = "number", ids_per_job = "number", wait = "boolean",
  allow_unframed = "boolean", allow_rounded = "boolean",
}

local UPLOADS = { auto = true, simple = true, resumable = true }

local function is_whole(number, least)
  return number >= least and number <= WHOLE_MAX and number % 1 == 0
end

--- Checks an option that is a whole number.
-- @raise misuse, unless it is nil or a whole number from `least`
function M.check_whole(who, options, name, least)
  local value = options[name]
  if value and not is_whole(value, least) then
    errors.misuse("%s: %s must be a whole number from %d", who, name, least)
  end
end

--- Checks how often a job is polled.
-- @tparam string who the function, for the messages
-- @tparam ?table poll `{ min, max }` in seconds
-- @treturn table the same, filled in
-- @raise misuse
function M.poll(who, poll)
  local own = errors.check_options(who .. ": poll", poll, { min = "number", max = "number" })
  own.min, own.max = own.min or POLL.min, own.max or math.max(POLL.max, own.min or 0)
  if not (own.min > 0 and own.min <= own.max and own.max < math.huge) then
    errors.misuse("%s: poll must be { min = seconds, max = seconds }", who)
  end
  return own
end

--- The seconds between two polls.
local function check_poll(who, options)
  local own = M.poll(who, options.poll)
  local polls = options.max_polls_per_15min
  if not polls then return own end
  if polls ~= polls or polls < 1 then
    errors.misuse("%s: max_polls_per_15min must be a number from 1", who)
  end
  own.min = math.max(own.min, WINDOW / polls)
  own.max = math.max(own.max, own.min)
  return own
end

--- Checks the options by value.
-- @tparam string who "check" or "sync", for the messages
-- @tparam table options of the right types; `poll` and `ids_per_job` are filled in
-- @raise misuse
function M.check(who, options)
  if options.upload and not UPLOADS[options.upload] then
    errors.misuse("%s: upload must be 'auto', 'simple' or 'resumable', not '%s'", who,
      options.upload)
  end
  if options.name and not core.name_points(options.name) then
    errors.misuse("%s: name must be valid UTF-8 without a zero byte", who)
  end
  local chunk = options.chunk
  if chunk and not (is_whole(chunk, PIECE) and chunk % PIECE == 0) then
    errors.misuse("%s: chunk must be a multiple of %d bytes", who, PIECE)
  end
  M.check_whole(who, options, "ids_per_job", 1)
  options.ids_per_job = options.ids_per_job or parts.IDS_PER_JOB
  options.poll = check_poll(who, options)
end

return M
