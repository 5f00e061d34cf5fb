--- What the results say of each id: loaded once, asked often, saved for others.
--
-- Made by xcompliance.dataset.verdicts. The memory is the core's (14 bytes an id, less than a byte
-- of directory), and is given back by `close` or the garbage collector.
-- @module xcompliance.verdicts

local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local file_names = require "xcompliance.file_names"
local lines = require "xcompliance.lines"
local record_table = require "xcompliance.record_table"

local M = {}

local Verdicts = {}
Verdicts.__index = Verdicts
Verdicts.__name = "xcompliance.verdicts"

function Verdicts:__tostring() return tostring(self.core) end

--- The verdict on a tweet.
-- @tparam string id
-- @treturn ?table `{ outcome, reason?, redacted_at? }`; nil where the results say nothing of it
function Verdicts:tweet(id) return self.core:tweet(id) end

--- The verdict on a user.
-- @tparam string id
-- @treturn ?table `{ outcome, reason?, redacted_at? }`; nil where the results say nothing of it
function Verdicts:user(id) return self.core:user(id) end

--- How many ids have which outcome.
-- @treturn table `{ tweets, users }` (nil for what no results were given of): each `{ ids, rows,
-- nameless, delete = { deleted = n, ... }, unknown, scrub_geo, rehydrate, invalid }`, and
-- `first_unknown`, `first_other`: what the first row said that this version does not know
function Verdicts:counts() return self.core:counts() end

--- What may be served of one record (docs/records.md): in memory, in microseconds, and byte for
-- byte what `dataset.redact` makes of a line of a file.
--
-- Options are those of `dataset.redact` that are about records: `policy`, `on_unknown`,
-- `on_malformed`, `on_unrecognised`, `strict`, `shape`. The first call with other options than
-- before goes over all verdicts once (see docs/records.md); those of the last four are kept.
-- @tparam string|table record a tweet, a user, a page or an array of them: text, or what cjson has
-- decoded, with ids as strings
-- @tparam[opt] table options
-- @treturn ?string|table what is left: the record itself if nothing in it changes. Else nil, why:
-- what `judge` returns without `causes`, if it is "dropped" or "quarantined" (`why.action`), or an
-- error (`why.kind`), if `dataset.redact` would stop at such a record
function Verdicts:redact(record, options)
  if type(record) ~= "table" then return self.core:redact(record, options) end
  local text, err = record_table.encode(record)
  if not text then return nil, err end
  local left, why = self.core:redact(text, options)
  if left == text then return record end
  if left then return record_table.decode(left) end
  if why.quarantine then why.quarantine = record_table.decode(why.quarantine) end
  return nil, why
end

--- What would become of a record, and why.
-- @tparam string|table record as `redact` takes it
-- @tparam[opt] table options likewise
-- @treturn ?table `action`: "kept", "changed", "dropped", "quarantined" or "stopped"; `class`:
-- "recognised", "notice", "unrecognised", "malformed" or "empty"; `problem`: an error, if the
-- record is malformed or not understood, or has stopped; `id`, `type` ("tweets", "users"),
-- `outcome`, `reason` and `cause` of the verdict that decides, and `causes`, an array of the same
-- for every verdict that concerns the record (but for an array of records); `quarantine`: what
-- would be quarantined. `cause` is what the id is: "record", "author", "retweeted", "quoted" and so
-- on. Or nil, err
function Verdicts:judge(record, options)
  if type(record) == "table" then
    local err
    record, err = record_table.encode(record)
    if not record then return nil, err end
  end
  return self.core:judge(record, options)
end

--- Iterates over the verdicts on tweets or on users, ascending by id:
--
--     for id, verdict in assert(verdicts:each "tweets") do print(id, verdict.outcome) end
--
-- They are written to a temporary file without a name first, so memory does not grow with them.
-- @tparam string type "tweets" or "users"
-- @treturn ?table callable, for a `for`: an id, and its verdict as `tweet` returns it; or nil, err
function Verdicts:each(type)
  local path, call = lines.temporary_path(), self.new_call()
  call:at("list", "listing verdicts")
  local counts, err = call:await(core.list_verdicts {
    verdicts = self.core, type = type, output = path,
  })
  if not counts then return nil, err end
  return lines.open_temporary(path, function(iterator, line)
    if iterator.number == 1 then return nil end -- the names of the columns
    local id, outcome, reason, redacted_at = line:match("^(%d+),([^,]+),([^,]*),(.*)$")
    if not id then iterator:fail "is not a verdict: the disk may be full" end
    return id, { outcome = outcome, reason = reason ~= "" and reason or nil,
      redacted_at = redacted_at ~= "" and redacted_at or nil }
  end)
end

--- Writes them to a file that is loaded by being mapped into memory, by any number of processes.
-- @tparam string path
-- @treturn true|nil,err
function Verdicts:save(path)
  if type(path) ~= "string" then errors.misuse("verdicts:save: give a path, not %s", type(path)) end
  local call = self.new_call()
  call:at("save", "saving " .. path)
  local ok, err = file_names.check(call, "save",
    { output = path, tweets = self.files.tweets, users = self.files.users })
  if not ok then return nil, err end
  return call:await(self.core:save(path))
end

--- Gives the memory back. Closing twice is harmless.
function Verdicts:close() return self.core:close() end

Verdicts.__close = Verdicts.close

--- Wraps verdicts of the core.
-- @param verdicts what core.verdicts has made
-- @tparam function new_call makes a call that waits for what takes long
-- @tparam table files `tweets`, `users`: arrays of the paths that they were loaded from
function M.new(verdicts, new_call, files)
  return setmetatable({
    core = verdicts, new_call = new_call, files = { tweets = files.tweets, users = files.users },
  }, Verdicts)
end

--- Verdicts on nothing, for a dataset in which there was nothing to ask about. Results that are
-- missing by mistake do not get here: dataset.verdicts refuses an empty list.
-- @tparam table call
-- @treturn ?table verdicts, or nil, err
function M.none(call)
  local none, err = call:ask(core.verdicts {})
  if not none then return nil, err end
  return M.new(none, function() return call end, {})
end

--- The paths that verdicts were loaded from.
-- @treturn table `tweets`, `users`: arrays, or nil
function M.results_of(verdicts)
  local files = getmetatable(verdicts) == Verdicts and verdicts.files or {}
  return { tweets = files.tweets, users = files.users }
end

--- The core's verdicts in what `new` has made; anything else as it is, for the core to refuse.
function M.unwrap(verdicts)
  return getmetatable(verdicts) == Verdicts and verdicts.core or verdicts
end

return M
