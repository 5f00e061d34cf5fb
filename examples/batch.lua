-- Several checks at once, with one line of progress for each, under any loop.
--
--   BEARER_TOKEN=… lua5.4 examples/batch.lua blocking|cqueues|luv tweets:a.txt users:b.txt …
--
-- The results are written beside the lists: a.txt.results and so on. X runs one job of each type at
-- a time, so a second list of tweets waits for the first.

local name = arg[1]
local uv = name == "luv" and require "luv" -- outside of coroutines: luv keeps that thread
local xcompliance = require "xcompliance"

if not arg[2] then
  io.stderr:write("usage: batch.lua blocking|cqueues|luv TYPE:IDS …\n")
  os.exit(64)
end

local failed = false

local function show(running)
  for handle, ids in pairs(running) do
    local event = handle:progress()
    if event.doing then io.stderr:write(("%s: %s\n"):format(ids, event.doing)) end
  end
end

local function finish(handle, ids)
  local outcome, err = handle:result()
  if outcome then
    print(("%s: %d ids, %d rows"):format(ids, outcome.ids, outcome.rows))
  else
    failed = true
    io.stderr:write(("%s: %s\n"):format(ids, tostring(err)))
  end
end

local function main()
  local client = xcompliance.client { loop = require("xcompliance.loop." .. name) }
  local running, handles = {}, {}
  for i = 2, #arg do
    local type, ids = arg[i]:match("^(%l+):(.+)$")
    handles[#handles + 1] = client:start_check {
      type = type, ids = ids, results = ids .. ".results",
    }
    running[handles[#handles]] = ids
  end
  while #handles > 0 do
    local ended = xcompliance.wait_any(handles, 1)
    if not ended then show(running) end
    for i = #handles, 1, -1 do
      if handles[i] == ended then
        finish(ended, running[ended])
        running[ended] = nil
        table.remove(handles, i)
      end
    end
  end
  client:close()
end

if name == "cqueues" then
  local controller = require("cqueues").new()
  controller:wrap(main)
  assert(controller:loop())
elseif uv then
  coroutine.wrap(main)()
  uv.run()
else
  main()
end
os.exit(failed and 1 or 0, true)
