-- A whole check with progress, for any list of ids. Run it again to resume after an interruption.
--
--   BEARER_TOKEN=… lua5.4 examples/script.lua tweets ids.txt results.jsonl

local xcompliance = require "xcompliance"

local type, ids, results = arg[1], arg[2], arg[3]
if not results then
  io.stderr:write("usage: script.lua tweets|users IDS RESULTS\n")
  os.exit(64)
end

local client = xcompliance.client {}
local outcome, err = client:check {
  type = type, ids = ids, results = results,
  on_progress = function(event)
    local said = event.warning or event.message
    if said then io.stderr:write(said, "\n") end
  end,
}
client:close()

if not outcome then
  io.stderr:write(tostring(err), "\n")
  os.exit(err.retryable and 75 or 1)
end
print(("%d ids, %d rows, %s"):format(outcome.ids, outcome.rows,
  outcome.verified and "verified" or "not verified"))
for reason, count in pairs(outcome.reasons) do print(("%8d %s"):format(count, reason)) end
