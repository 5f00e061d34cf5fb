-- Checks of tweets and of users side by side in one libuv loop, while it does other things.
--
--   BEARER_TOKEN=… lua5.4 examples/luv.lua tweets.txt users.txt
--
-- The results are written beside the lists: tweets.txt.results, users.txt.results.

local uv = require "luv" -- outside of coroutines: luv keeps the thread that loads it
local xcompliance = require "xcompliance"

local lists = { tweets = arg[1], users = arg[2] }
if not lists.users then
  io.stderr:write("usage: luv.lua TWEET_IDS USER_IDS\n")
  os.exit(64)
end

local client = xcompliance.client { loop = require "xcompliance.loop.luv" }
local running, failed = 0, false
local ticker, began = uv.new_timer(), uv.now()

local function check(type, ids)
  local outcome, err = client:check { type = type, ids = ids, results = ids .. ".results" }
  if outcome then
    print(("%s: %d ids, %d rows"):format(type, outcome.ids, outcome.rows))
  else
    failed = true
    io.stderr:write(tostring(err), "\n")
  end
  running = running - 1
  if running == 0 then ticker:close() end
end

for type, ids in pairs(lists) do
  running = running + 1
  coroutine.wrap(check)(type, ids)
end

-- whatever else the program does continues meanwhile
ticker:start(1000, 1000, function()
  io.stderr:write(("%d running for %.0f s\n"):format(running, (uv.now() - began) / 1000))
end)

uv.run()
client:close()
os.exit(failed and 1 or 0, true)
