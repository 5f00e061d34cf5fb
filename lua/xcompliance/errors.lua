--- Error values: what went wrong, in one shape, whether it is returned or raised.
--
-- An error is a table `{ kind, message, retryable, ... }`; `tostring(err)` is its message, a
-- sentence that says what was being done, to what, what happened and what helps; for misuse after
-- the file and line that called the module, `where`. `kind` is for programs and is one of `kinds`;
-- the text of a message may change.
-- @module xcompliance.errors

local core = require "xcompliance.core"
local merge = require "xcompliance.merge"

local M = {}

--- Every kind there is, with what it means.
M.kinds = {
  usage = "a value that the caller gave cannot be used",
  config = "something that the caller's surroundings must give is missing: a token",
  auth = "the API does not take the token",
  forbidden = "the app, or the URL, may not do this",
  not_found = "there is no such job, or nothing to download yet",
  conflict = "another job of this type runs, or another process holds the state",
  rate_limited = "too many requests for now",
  expired = "a URL or a job has outlived its time",
  job_failed = "the API gave the job up",
  integrity = "what arrived is not what was sent",
  too_large = "a list that is longer than X takes at once",
  network = "no connection, or one that broke",
  timeout = "too slow, or the caller's deadline has passed",
  tls = "the peer could not be trusted",
  protocol = "the peer does not speak as it should",
  io = "a file could not be opened, read, written, flushed or renamed",
  data = "what was read is not what it should be",
  cancelled = "the caller gave up",
  memory = "an allocation failed",
  server = "the API or storage has a fault of its own",
  internal = "a fault of this module",
}

local metatable = getmetatable(core.error {})

--- `"text" .. err` is a text.
function metatable.__concat(a, b) return tostring(a) .. tostring(b) end

core.set_folder(debug.getinfo(1, "S").source:match("^(.*)errors%.lua$") or "")

--- An error value.
-- @tparam string kind one of `kinds`
-- @tparam string message a sentence without its full stop
-- @tparam[opt] table fields what else is known: status, retryable, hint, headers
-- @treturn table
function M.new(kind, message, fields)
  return core.error(merge.tables({ retryable = false }, fields,
    { kind = kind, message = message }))
end

--- Whether a value is an error of this module.
function M.is(value)
  return type(value) == "table" and getmetatable(value) == metatable
end

--- Whatever was raised, as an error value.
function M.from(value)
  if M.is(value) then return value end
  return M.new("internal", tostring(value))
end

--- The same error with more fields or another message.
-- @treturn table a copy
function M.with(err, fields)
  return core.error(merge.tables(err, fields))
end

--- What happened, without what helps: for a caller that does that itself.
-- @tparam table err
-- @treturn string
function M.without_hint(err) return err.message:match("^(.*) %- ") or err.message end

--- A copy of a flat table in which no string makes a URL valid.
function M.masked(fields)
  local copy = {}
  for name, value in pairs(fields) do
    copy[name] = type(value) == "string" and core.mask(value) or value
  end
  return copy
end

--- Raises misuse.
-- @tparam string format as string.format's, and after it its arguments
function M.misuse(format, ...)
  error(M.new("usage", format:format(...), { where = core.caller() }), 0)
end

--- Checks a table of options and copies it, reading it raw: a metatable of it never runs.
-- @tparam string name the function it was given to, for the message
-- @tparam ?table options
-- @tparam table known for each option its type, or several separated by "|"
-- @treturn table
-- @raise misuse: an unknown option, or one of another type
function M.check_options(name, options, known)
  if options == nil then return {} end
  if type(options) ~= "table" then
    M.misuse("%s: options must be a table, not %s", name, type(options))
  end
  local copy = {}
  for key, value in next, options do
    local types = known[key]
    if not types then
      local is_plain = type(key) == "string" or type(key) == "number" -- tostring runs no code
      local shown = is_plain and tostring(key):sub(1, 64) or type(key)
      M.misuse("%s: there is no option '%s'", name, shown)
    end
    if not ("|" .. types .. "|"):find("|" .. type(value) .. "|", 1, true) then
      M.misuse("%s: %s must be a %s, not %s", name, key, types:gsub("|", " or "), type(value))
    end
    copy[key] = value
  end
  return copy
end

--- Checks that a value can wait.
-- @tparam string name the function it was given to, for the message
-- @param loop
-- @raise misuse
function M.check_loop(name, loop)
  local ok, wait, sleep = pcall(function() return loop.wait, loop.sleep end)
  if not ok or type(wait) ~= "function" or type(sleep) ~= "function" then
    M.misuse("%s: loop must be a table with the functions wait and sleep", name)
  end
end

--- Checks an option that names files: a path, or an array of paths without holes.
-- @tparam string name the function it was given to, for the message
-- @tparam string option
-- @tparam string|table|nil value
-- @treturn ?table an array of its own; nil if nothing was given
-- @raise misuse: an empty array, one with holes, or one with anything but paths in it
function M.check_paths(name, option, value)
  if value == nil then return nil end
  if type(value) == "string" then value = { value } end
  local paths, count = {}, 0
  for _ in next, value do count = count + 1 end
  for i = 1, count do
    local path = rawget(value, i)
    if path == nil then
      M.misuse("%s: %s must be an array of paths without holes or other members", name, option)
    end
    if type(path) ~= "string" or path == "" then
      M.misuse("%s: %s must be paths, but one is %s", name, option,
        path == "" and "empty" or "a " .. type(path))
    end
    paths[i] = path
  end
  if count == 0 then M.misuse("%s: %s names no file - give at least one", name, option) end
  return paths
end

return M
