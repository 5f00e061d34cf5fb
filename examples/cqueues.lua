-- Checks of tweets and of users side by side in one cqueues controller, while it does other things.
--
--   BEARER_TOKEN=… lua5.4 examples/cqueues.lua tweets.txt users.txt
--
-- The results are written beside the lists: tweets.txt.results, users.txt.results.

local cqueues = require "cqueues"
local xcompliance = require "xcompliance"

local lists = { tweets = arg[1], users = arg[2] }
if not lists.users then
  io.stderr:write("usage: cqueues.lua TWEET_IDS USER_IDS\n")
  os.exit(64)
end

local client = xcompliance.client { loop = require "xcompliance.loop.cqueues" }
local controller, running, failed = cqueues.new(), 0, false

local function check(type, ids)
  local outcome, err = client:check { type = type, ids = ids, results = ids .. ".results" }
  running = running - 1
  if not outcome then
    failed = true
    io.stderr:write(tostring(err), "\n")
    return
  end
  print(("%s: %d ids, %d rows"):format(type, outcome.ids, outcome.rows))
end

for type, ids in pairs(lists) do
  running = running + 1
  controller:wrap(check, type, ids)
end

-- whatever else the program does continues meanwhile
controller:wrap(function()
  local began = cqueues.monotime()
  while running > 0 do
    cqueues.sleep(1)
    io.stderr:write(("%d running for %.0f s\n"):format(running, cqueues.monotime() - began))
  end
end)

assert(controller:loop())
client:close()
os.exit(failed and 1 or 0, true)
