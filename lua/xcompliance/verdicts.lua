--- What the results say of each id: loaded once, asked often, saved for others.
--
-- Made by xcompliance.dataset.verdicts. The memory is the core's (14 bytes an id, less than a byte
-- of directory), and is given back by `close` or the garbage collector.
-- @module xcompliance.verdicts

local core = require "xcompliance.core"
local names = require "xcompliance.names"

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

--- Writes them to a file that is loaded by being mapped into memory, by any number of processes.
-- @tparam string path
-- @treturn true|nil,err
function Verdicts:save(path)
  local call = self.new_call()
  call:at("save", "saving " .. path)
  local ok, err = names.check(call, "save",
    { output = path, tweets = self.files.tweets, users = self.files.users })
  if not ok then return nil, err end
  return call:await(self.core:save(path))
end

--- Gives the memory back. Closing twice is harmless.
function Verdicts:close() return self.core:close() end

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
-- missing by mistake never come to this: dataset.verdicts refuses an empty list.
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
