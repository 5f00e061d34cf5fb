-- Brings a folder of tweets into compliance, in place, and keeps what may be reinstated. Run it
-- from a scheduler: after an interruption it resumes, and when all was done it checks again.
--
--   BEARER_TOKEN=… lua5.4 examples/sync.lua tweets/ kept/

local xcompliance = require "xcompliance"

local folder, kept = arg[1], arg[2]
if not kept then
  io.stderr:write("usage: sync.lua FOLDER QUARANTINE\n")
  os.exit(64)
end

local client = xcompliance.client {}
local report, err = client:sync {
  inputs = { folder }, in_place = true, quarantine = kept,
  policy = { suspended = "quarantine", protected = "quarantine", deactivated = "quarantine" },
  on_progress = function(event)
    local said = event.warning or event.message
    if said then io.stderr:write(said, "\n") end
  end,
}
client:close()

if not report then
  io.stderr:write(tostring(err), "\n")
  os.exit(err.retryable and 75 or 1)
end
for _, file in ipairs(report.files) do
  print(("%s: %d kept, %d changed, %d dropped, %d quarantined"):format(file.path, file.kept,
    file.changed, file.dropped, file.quarantined))
end
for _, type in ipairs { "tweets", "users" } do
  local differences = report.differences and report.differences[type]
  for _, place in ipairs(differences and differences.places or {}) do
    print(("%s is back: its record is in %s, line %d"):format(place.id, place.file, place.line))
  end
end
