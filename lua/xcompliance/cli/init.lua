--- The command: reads the arguments, picks the loop, runs one command, returns an exit status.
--
-- A command is a file of this folder that returns
--   name, summary      what it is called, and one line for the list of commands
--   uses_api           whether it takes the options of the API (token, base URL, proxy)
--   define(command)    adds its arguments to an argparse command
--   files(arguments)   which files they name, if they do: what file_names.check takes (a function,
--                      its options, what the arguments are called if not --OPTION)
--   run(arguments, context) -> exit status
-- and is listed in COMMANDS, or is a call of the API. The context is described at `new_context`.
-- @internal xcompliance.cli

local convert = require "xcompliance.cli.convert"
local api_calls = require "xcompliance.api_calls"
local argparse = require "argparse"
local calls = require "xcompliance.call"
local core = require "xcompliance.core"
local displays = require "xcompliance.cli.display"
local errors = require "xcompliance.errors"
local flags = require "xcompliance.cli.flags"
local interrupts = require "xcompliance.cli.interrupts"
local json = require "xcompliance.json"
local blocking = require "xcompliance.loop.blocking"
local file_names = require "xcompliance.file_names"
local merge = require "xcompliance.merge"
local settings = require "xcompliance.cli.settings"

local M = {}

local COMMANDS = { "sync", "check", "report", "restore" }
for _, call in ipairs(api_calls) do COMMANDS[#COMMANDS + 1] = call.word end
for _, name in ipairs {
  "upload", "download", "extract", "redact", "verdicts", "merge-reports", "shapes", "doctor",
  "config", "simulate",
} do
  COMMANDS[#COMMANDS + 1] = name
end

--- The exit statuses, by the kind of the error (sysexits.h).
M.statuses = {
  usage = 64, data = 65, integrity = 65, too_large = 65,
  not_found = 69, expired = 69, job_failed = 69,
  internal = 70, memory = 70,
  io = 74,
  conflict = 75, network = 75, rate_limited = 75, server = 75, timeout = 75,
  protocol = 76, tls = 76,
  auth = 77, forbidden = 77,
  config = 78,
  cancelled = 130,
}
local CANNOT_CREATE = 73

local SIGNAL_STATUSES = { SIGHUP = 129, SIGINT = 130, SIGTERM = 143 }

function M.status_of(err)
  if err.signal then return SIGNAL_STATUSES[err.signal] end
  if err.kind == "io" and err.creating then return CANNOT_CREATE end
  return M.statuses[err.kind] or M.statuses.internal
end

local function load_commands(names)
  local commands = {}
  for i, name in ipairs(names) do
    commands[i] = require("xcompliance.cli." .. name:gsub("-", "_"))
  end
  return commands
end

--- The commands that a command line needs: loading all takes longer than a small job. A file of
-- settings may name the options of any.
local function needed(argv, env)
  if argv[1] == "-V" or argv[1] == "--version" then return {} end
  local is_alone = argv[1] ~= "config"
    and not settings.path(settings.given_path(argv), env.getenv)
  for _, name in ipairs(is_alone and COMMANDS or {}) do
    if name == argv[1] then return { name } end
  end
  return COMMANDS
end

-- {====================================================================
-- Arguments
-- =====================================================================

local function add_api_options(command)
  command:option("--token-file", "Read the bearer token from FILE (default: BEARER_TOKEN)")
    :argname("FILE")
  command:option("--base-url", "The API (default: XCOMPLIANCE_BASE_URL, https://api.x.com)")
    :argname("URL")
  command:option("--ca-file", "Trust the certificates in FILE instead of the system's")
    :argname("FILE")
  command:option("--proxy", "Go through this proxy (default: HTTPS_PROXY)"):argname("URL")
  command:option("--timeout", "Seconds that a call of the API may take (default: 30)")
    :argname("SECONDS"):convert(convert.number("--timeout"))
  command:option("--low-speed-limit", "Bytes a second below which a transfer is broken off, and"
    .. " tried again (default: 1024)"):argname("BYTES"):convert(convert.number("--low-speed-limit"))
  command:option("--low-speed-time", "Seconds that it may be slower (default: 60)")
    :argname("SECONDS"):convert(convert.number("--low-speed-time"))
end

local WIDTH = 79 -- columns of the help: terminals have 80

--- argparse would print the help and end the process by itself.
local function add_help(command)
  command:add_help(false)
  command:flag("-h --help", "Show this help and exit."):action(function()
    error({ text = command:get_help() }, 0)
  end)
end

local function new_parser(commands)
  local parser = argparse("xcompliance",
    "Brings stored tweets into compliance, by the X batch compliance API.")
    :epilog("xcompliance help COMMAND explains a command. Messages go to stderr. Exit statuses are"
      .. " those of sysexits.h: 64 usage, 65 data, 69 unavailable, 73 and 74 files, 75 try again,"
      .. " 76 protocol, 77 no permission, 78 configuration, 129, 130 and 143 interrupted.")
    :command_target("command"):help_max_width(WIDTH):usage_max_width(WIDTH)
  add_help(parser)
  parser:flag("-V --version", "Show the version and exit."):action(function()
    error({ text = "xcompliance " .. core.version }, 0)
  end)
  for _, definition in ipairs(commands) do
    local command = parser:command(definition.name):summary(definition.summary)
      :description(definition.summary .. ".")
    add_help(command)
    definition.define(command)
    if definition.uses_api then add_api_options(command) end
    command:option("--config", "Read settings from FILE (docs/configuration.md)."):argname("FILE")
    command:flag("--json", "Print the result as JSON on stdout.")
    command:flag("-q --quiet", "Print nothing but errors, and the result of --json.")
    command:option("--progress", "How to show what is running (default: live on a terminal, else"
      .. " plain)."):choices(displays.MODES)
  end
  function parser.error(command, message) error({ wrong = message, of = command }, 0) end
  return parser
end

--- The parser of all commands, for what describes them.
-- @treturn table of argparse
function M.parser() return new_parser(load_commands(COMMANDS)) end

--- `help COMMAND` is `COMMAND --help`.
local function expand_help(argv)
  if argv[1] ~= "help" then return argv end
  return argv[2] and { argv[2], "--help" } or { "--help" }
end

--- Reads the arguments.
-- @treturn ?table them, with `settings`: what settings.read returns, `known_settings`, and
-- `settings_path`; nil if the command ends here
-- @treturn integer the exit status then
local function parse(commands, argv, env)
  local parser = new_parser(commands)
  argv = expand_help(argv)
  local command, path, found = settings.command_of(parser, argv), nil, nil
  if command then
    path = settings.path(settings.given_path(argv), env.getenv)
    found = settings.read(parser, path, env.getenv)
    argv = settings.apply(command, argv, found)
  end
  local ok, result = pcall(parser.parse, parser, argv)
  if ok then
    result.settings, result.settings_path, result.known_settings = found, path,
      settings.known(parser)
    return result
  end
  if type(result) ~= "table" then error(result, 0) end
  if result.text then
    env.out(result.text .. "\n")
    return nil, 0
  end
  local name = result.of:get_usage():match("^Usage: ([%w_ ]*%w)")
  local wrong = result.wrong:gsub("%s*\n%s*", " - ")
  env.err(("%s: %s\nTry '%s --help'.\n"):format(name, wrong, name))
  return nil, M.statuses.usage
end

-- }====================================================================

--- What a command is given.
--   client(arguments[, more])
--                      a client, with the options of the API that were given, and more
--   status_of(err)     the exit status of an error
--   loop               who waits; raises when a signal was caught
--   getenv(name)
--   out(text)          a line of the result, on stdout
--   say(text)          a line of talk, on stderr; not with --quiet
--   print(value, text) the result: as JSON with --json, else the text, but not with --quiet
--   progress(output)   an on_progress callback that shows what is running; nothing does so while
--                      the result goes to the same terminal (output: "-")
--   fail(err)          prints the error, returns its exit status
--   json, quiet        the flags
--   result             set by a command that has metrics: what it has returned
--   settings, settings_path, known_settings: see parse
local function new_context(arguments, env)
  local context = {
    loop = interrupts.loop, began = os.time(), getenv = env.getenv, out = env.out,
    json = arguments.json, quiet = arguments.quiet, settings = arguments.settings,
    settings_path = arguments.settings_path, known_settings = arguments.known_settings,
  }
  local display = displays.new {
    mode = arguments.quiet and "none" or arguments.progress
      or displays.default_mode(env.terminal, env.getenv("TERM")),
    write = env.err, now = core.now, time = os.time,
    columns = function()
      return tonumber((env.getenv("COLUMNS") or ""):match("^%d+$")) or core.terminal_columns()
    end,
  }
  function context.say(message)
    if not arguments.quiet then display:print(message) end
  end
  function context.print(value, text)
    display:clear()
    if arguments.json then env.out(json.encode(value) .. "\n")
    elseif not arguments.quiet then env.out(text .. "\n") end
  end
  function context.progress(output)
    if arguments.quiet then return nil end
    if output == "-" and env.terminal_out then return nil end
    return function(event) display:show(event) end
  end
  function context.fail(err)
    local status = M.status_of(err)
    display:print("xcompliance: " .. flags.translate(err.message),
      { kind = err.kind, status = status })
    return status
  end
  context.status_of = M.status_of
  function context.client(given, more)
    local token = arguments.settings[settings.TOKEN]
    return require("xcompliance").client(merge.tables({
      loop = interrupts.loop, bearer_token = not given.token_file and token and token.value or nil,
      token_file = given.token_file, ca_file = given.ca_file, base_url = given.base_url,
      proxy = given.proxy, timeout = given.timeout,
      low_speed_limit = given.low_speed_limit, low_speed_time = given.low_speed_time,
    }, more))
  end
  function context.finish(status) display:finish(status) end
  return context
end

--- What cannot be written is an error: a full disk, a closed pipe.
local function write_out(text)
  local ok, why = io.stdout:write(text)
  if ok then ok, why = io.stdout:flush() end
  if not ok then error(errors.new("io", "writing to standard output: " .. tostring(why)), 0) end
end

local function system_env()
  core.hold_standard()
  return {
    getenv = os.getenv, out = write_out,
    err = function(text) io.stderr:write(text) end,
    terminal = core.is_terminal(2), terminal_out = core.is_terminal(1),
  }
end

--- Checks that the files of a command are different ones, in the words of its arguments.
local function check_files(command, arguments)
  if not command.files then return true end
  local what, options, words = command.files(arguments)
  options.token_file, options.ca_file = arguments.token_file, arguments.ca_file
  words = setmetatable(words or {}, { __index = flags.OF })
  return file_names.check(calls.new(interrupts.loop, {}), what, options, words)
end

local function run(command, arguments, context)
  local ok, err = check_files(command, arguments)
  if not ok then return context.fail(err) end
  context.metrics = arguments.metrics -- from here on it is known to be no other file
  return command.run(arguments, context)
end

--- Writes what the run has done. A run whose metrics cannot be written has not done all of it.
local function write_metrics(arguments, context, status)
  local metrics = require "xcompliance.cli.metrics"
  local ok, err = metrics.write(calls.new(blocking, {}), context.metrics, {
    command = arguments.command, status = status, began = context.began, ended = os.time(),
    result = context.result,
  })
  if ok then return status end
  local own = context.fail(err)
  return status == 0 and own or status
end

--- Runs the command.
-- @tparam table argv the arguments, from 1
-- @tparam[opt] table env `getenv`, `out` and `err` (functions of a text), `terminal` and
-- `terminal_out` (whether they go to one); the process's
-- @treturn integer the exit status
function M.main(argv, env)
  env = env or system_env()
  local commands = load_commands(needed(argv, env))
  local ok, arguments, status = pcall(parse, commands, argv, env)
  if not ok then
    env.err("xcompliance: " .. errors.from(arguments).message .. "\n")
    return M.status_of(errors.from(arguments))
  end
  if not arguments then return status end
  core.catch_signals()
  local context = new_context(arguments, env)
  for _, command in ipairs(commands) do
    if command.name == arguments.command then
      local result
      ok, result = pcall(run, command, arguments, context)
      status = ok and result or context.fail(errors.from(result))
      if context.metrics then status = write_metrics(arguments, context, status) end
      context.finish(status)
      return status
    end
  end
end

return M
