--- What the commands have in common that ask about ids: how to upload, how often to look, what it
-- costs.
-- @module xcompliance.cli.asking

local convert = require "xcompliance.cli.convert"

local M = {}

--- Adds the option about results whose end is not known.
function M.define_download(command)
  command:flag("--allow-unframed", "Accept results although neither a length nor a checksum says"
    .. " where they end. They may be incomplete.")
end

--- Adds the options to an argparse command.
function M.define(command)
  command:option("--deadline", "Give up after so long; the same command goes on.")
    :argname("SECONDS"):convert(tonumber)
  command:option("--upload", "How to upload (default: auto, resumable above 8 MiB).")
    :choices { "auto", "resumable", "simple" }
  command:option("--poll", "Seconds between two looks at a job (default: 5:60).")
    :argname("MIN:MAX"):convert(convert.poll)
  command:option("--max-polls-per-15min", "Look no more often than that."):argname("N")
    :convert(convert.count("--max-polls-per-15min"))
  command:option("--price-per-poll", "What a look costs, for the summary."):argname("PRICE")
    :convert(tonumber)
  M.define_download(command)
end

--- Adds what was given to the options of `client:check` or `client:sync`.
-- @treturn table options
function M.add(arguments, options)
  for _, name in ipairs { "deadline", "upload", "poll", "max_polls_per_15min", "allow_unframed" } do
    options[name] = arguments[name]
  end
  return options
end

return M
