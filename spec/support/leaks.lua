--- Watches all that specs bring forth for secrets, and raises if one would be shown: in an error
-- (anywhere in its table), an event of progress, a line of a journal, or the output of whatever
-- spec.support.simulator's shell runs, the command among it.
--
-- Every token of a spec holds MARK; signatures of the simulator's URLs are known by their names.

local core = require "xcompliance.core"

local M = {}

M.MARK = "t0ken"

local SIGNATURES = {
  "[Ss]ignature=%x%x%x", "[Uu]pload_id=%w", "[Cc]redential=%w", "[?&]token=%w",
}

local function check(text, where, patterns)
  if text:find(M.MARK, 1, true) then error("the token is in " .. where .. ": " .. text, 0) end
  for _, pattern in ipairs(patterns or {}) do
    if text:find(pattern) then error("a signature is in " .. where .. ": " .. text, 0) end
  end
end

--- Looks through a value, with all that is in it.
-- @param value of any type
-- @tparam string where what it is, for the complaint
function M.search(value, where)
  if type(value) == "string" then
    check(value, where, SIGNATURES)
  elseif type(value) == "table" then
    for name, member in next, value do
      M.search(name, where)
      M.search(member, where .. "." .. tostring(name))
    end
  end
end

--- Looks for the token alone: the text may hold URLs.
function M.search_token(text, where) check(text, where) end

local function watch_errors()
  local new = core.error
  core.error = function(fields)
    M.search(fields, "an error")
    return new(fields)
  end
  local task = debug.getregistry()["xcompliance.task"].__index
  local result = task.result
  function task.result(self)
    local value, err, more = result(self)
    if value == nil then M.search(err, "an error of the core") end
    return value, err, more
  end
end

local function watch_journals()
  local file = debug.getregistry()["xcompliance.file"].__index
  local append = file.append
  function file.append(self, text)
    if type(text) == "string" then check(text, "a journal") end
    return append(self, text)
  end
end

local function watch_progress()
  local calls = require "xcompliance.call"
  local new = calls.new
  function calls.new(loop, options)
    local report = options.on_progress
    if not report then return new(loop, options) end
    local watched = {}
    for name, value in pairs(options) do watched[name] = value end
    function watched.on_progress(event)
      M.search(event, "an event of progress")
      return report(event)
    end
    return new(loop, watched)
  end
end

local function watch_command()
  local simulator = require "spec.support.simulator"
  local run = simulator.run
  function simulator.run(command)
    local output, status = run(command)
    check(output, "the output of " .. command)
    return output, status
  end
end

function M.watch()
  watch_errors()
  watch_journals()
  watch_progress()
  watch_command()
end

return M
