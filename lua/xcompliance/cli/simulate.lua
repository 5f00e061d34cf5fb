--- xcompliance simulate
-- @internal xcompliance.cli.simulate

local core = require "xcompliance.core"
local errors = require "xcompliance.errors"

local M = { name = "simulate", summary = "Run a local stand-in for the API and its storage" }

-- the options of the simulator that a command line can give
local OPTIONS = {
  { "--port", "Port to listen at (default: a free one).", "N", tonumber },
  { "--host", "Address to listen at (default: 127.0.0.1).", "ADDRESS" },
  { "--flow", "Where the bytes go: api (the default), or storage, the older flow.", "FLOW" },
  { "--jobs-take", "Seconds from an upload to its results (default: 1).", "SECONDS", tonumber },
  { "--seed", "Another number gives other verdicts (default: 1).", "N", tonumber },
  { "--repeated", "Share of rows that come twice (default: 0; storage: 0.02).", "SHARE", tonumber },
  { "--verdicts", "Result rows that their ids get instead.", "FILE" },
  { "--upload-expires", "Seconds that an upload URL lives (default: 900).", "SECONDS", tonumber },
  { "--download-expires", "Seconds that a download URL lives (default: 604800).", "SECONDS",
    tonumber },
  { "--upload-limit", "Bytes that an upload may have (default: 128000000).", "BYTES", tonumber },
  { "--old-jobs", "Jobs of each type that are over already (default: 0).", "N", tonumber },
  { "--dates", "How the API writes dates: utc (the default), gmt, rfc850 or asctime.", "FORM" },
  { "--clock-offset", "Seconds by which its clock is ahead (default: 0).", "SECONDS", tonumber },
  { "--rate-limit", "Requests a window, for each operation (default: 150).", "N", tonumber },
  { "--rate-window", "Seconds of a window (default: 900).", "SECONDS", tonumber },
  { "--state-log", "A file that gets one line of JSON a request.", "FILE" },
}

local function share(value)
  local reason, number = value:match("^([%w_]+)=(%d*%.?%d+)$")
  if not reason then return nil, "--share is REASON=SHARE, such as deleted=0.05" end
  return { reason, tonumber(number) }
end

function M.define(command)
  for _, option in ipairs(OPTIONS) do
    local defined = command:option(option[1], option[2]):argname(option[3])
    if option[4] then defined:convert(option[4]) end
  end
  command:option("--share", "Share of the ids for a reason; can be given several times.")
    :argname("REASON=SHARE"):count("*"):convert(share)
  command:flag("--checksums", "Send checksums (--flow storage always does).")
  command:flag("--ranges", "Send parts of results (--flow storage always does).")
  command:option("--fault", "A fault to arm; can be given several times.")
    :argname("STEP:FAULT"):count("*")
  command:epilog("It says \"ready PORT\" when it listens, and serves until it is interrupted.\n\n"
    .. "A fault is STEP:FAULT[@PARAMETER][+SKIP][xCOUNT]; docs/faults.md lists them.\n\n"
    .. "Example:\n   xcompliance simulate --port 8080 --jobs-take 5 &\n"
    .. "   XCOMPLIANCE_BASE_URL=http://127.0.0.1:8080 BEARER_TOKEN=any \\\n"
    .. "      xcompliance check tweets ids.txt -o results.jsonl")
end

local function options_of(arguments)
  local options = {}
  for _, option in ipairs(OPTIONS) do
    local name = option[1]:sub(3):gsub("-", "_")
    options[name] = arguments[name]
  end
  options.checksums, options.ranges = arguments.checksums, arguments.ranges
  if #arguments.fault > 0 then options.faults = arguments.fault end
  for _, pair in ipairs(arguments.share) do
    options.shares = options.shares or {}
    options.shares[pair[1]] = pair[2]
  end
  return options
end

function M.files(arguments)
  return "simulate", { verdicts = arguments.verdicts, state_log = arguments.state_log }
end

function M.run(arguments, context)
  local has_cqueues, cqueues = pcall(require, "cqueues")
  if not has_cqueues or _VERSION == "Lua 5.1" then
    return context.fail(errors.new("config", "the simulator needs cqueues under Lua 5.4 - install"
      .. " Debian's lua-cqueues, or the rock cqueues"))
  end
  local ok, why = pcall(require("xcompliance.simulator").run, options_of(arguments), function()
    while not core.caught_signal() do cqueues.sleep(0.1) end
  end)
  if ok then return 0 end
  local message = tostring(why):gsub("^simulator: ", ""):gsub("^option ([%w_]+)", function(name)
    return "--" .. name:gsub("_", "-")
  end)
  return context.fail(errors.new("usage", message))
end

return M
