--- The command, run in this process.

local cli = require "xcompliance.cli"

local M = {}

--- Runs it.
-- @tparam table argv the arguments, from 1
-- @tparam[opt] table variables of the environment; `terminal`: whether stderr is one
-- @treturn integer its exit status
-- @treturn string what it wrote to stdout
-- @treturn string what it wrote to stderr
function M.run(argv, variables)
  local out, err = {}, {}
  variables = variables or {}
  local status = cli.main(argv, {
    getenv = function(name) return variables[name] end, terminal = variables.terminal or false,
    out = function(text) out[#out + 1] = text end,
    err = function(text) err[#err + 1] = text end,
  })
  return status, table.concat(out), table.concat(err)
end

--- Runs it in a folder: words that begin with "@" are names there.
-- @tparam table scratch
-- @tparam string words with blanks between them
-- @tparam[opt] table variables
function M.run_in(scratch, words, variables)
  local argv = {}
  for word in words:gmatch("%S+") do
    argv[#argv + 1] = word:gsub("^@(.*)", function(name) return scratch:at(name) end)
  end
  return M.run(argv, variables)
end

return M
