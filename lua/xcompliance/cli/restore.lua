--- xcompliance restore
-- @internal xcompliance.cli.restore

local calls = require "xcompliance.call"
local restores = require "xcompliance.restore"
local text = require "xcompliance.text"

local M = {
  name = "restore", summary = "Put reinstated records back from the quarantine",
}

function M.define(command)
  command:argument("state", "The state folder of a sync in place with --quarantine.")
  command:epilog("A record goes back to the end of its file if the results of the last sync condemn"
    .. " nothing in it. Run it after a sync; run the same command again if it was interrupted.\n\n"
    .. "Example:\n   xcompliance sync tweets/ --in-place --quarantine kept/ --policy"
    .. " suspended=quarantine\n   xcompliance restore tweets/.xcompliance")
end

function M.run(arguments, context)
  local call = calls.new(context.loop, { on_progress = context.progress() })
  local counts, err = restores.run(call, (arguments.state:gsub("(.)/+$", "%1")))
  if not counts then return context.fail(err) end
  local said = ("%s restored to %s"):format(text.plural(counts.restored, "record"),
    text.plural(counts.files, "file"))
  if counts.changed > 0 then
    said = said .. (", %s of them without what is still to be removed"):format(
      text.count(counts.changed))
  end
  context.print(counts, said)
  return 0
end

return M
