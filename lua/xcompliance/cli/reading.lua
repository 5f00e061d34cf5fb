--- How a dataset is read: the options that extract, redact and sync have in common.
-- @module xcompliance.cli.reading

local M = {}

--- Adds the options to a command.
-- @tparam table command of argparse
-- @tparam table treatments of records that are not understood
function M.define(command, treatments)
  command:option("--on-unrecognised", "What to do about records in which no tweet and no user is"
    .. " found (default: stop)."):choices(treatments)
  command:option("--on-ignored", "What to do about files in folders that are not read (default:"
    .. " skip)."):choices { "stop", "skip" }
  command:option("--shape", "Where tweets and users stand in records of another kind"
    .. " (docs/shapes.md).")
    :argname("FILE")
end

--- Adds their values to the options of a call.
-- @treturn table the options
function M.add(arguments, options)
  options.on_unrecognised = arguments.on_unrecognised
  options.on_ignored = arguments.on_ignored
  options.shape = arguments.shape
  return options
end

return M
