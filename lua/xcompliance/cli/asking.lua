--- What the commands have in common that ask about ids: how to upload, how often to poll, how long
-- to wait, what it costs.
-- @internal xcompliance.cli.asking

local convert = require "xcompliance.cli.convert"

local M = {}

--- Adds the option about results whose end is not known.
function M.define_download(command)
  command:flag("--allow-unframed", "Accept results although neither a length nor a checksum says"
    .. " where they end. They may be incomplete.")
end

--- Adds the options to an argparse command.
function M.define(command)
  command:option("--ids-per-job", "Check at most N ids in one job; jobs run one after another"
    .. " (default: 6000000)."):argname("N"):convert(convert.count("--ids-per-job"))
  command:flag("--no-wait", "Do not wait if another job of the type is running: end with status"
    .. " 75.")
  command:option("--deadline", "Give up after SECONDS; run the same command again to resume.")
    :argname("SECONDS"):convert(convert.number("--deadline"))
  command:option("--upload", "How to upload: resumable only if the API still allows it (default:"
    .. " auto, which is simple)."):choices { "auto", "resumable", "simple" }
  command:option("--poll", "Seconds between two polls of a job (default: 5:60).")
    :argname("MIN:MAX"):convert(convert.poll)
  command:option("--max-polls-per-15min", "Poll at most N times in 15 minutes."):argname("N")
    :convert(convert.count("--max-polls-per-15min"))
  command:option("--price-per-poll", "What a poll costs, for the summary."):argname("PRICE")
    :convert(convert.number("--price-per-poll"))
  M.define_download(command)
  command:flag("--summary", "Print one line instead of the report, for a log.")
  command:option("--metrics", "Replace FILE by what the run has done, for Prometheus; also if it"
    .. " fails."):argname("FILE")
end

--- Adds what was given to the options of `client:check` or `client:sync`.
-- @treturn table options
function M.add(arguments, options)
  for _, name in ipairs {
    "deadline", "upload", "poll", "max_polls_per_15min", "ids_per_job", "allow_unframed",
  } do
    options[name] = arguments[name]
  end
  if arguments.no_wait then options.wait = false end
  return options
end

return M
