--- Run by memory_host: each action again and again, with one allocation more allowed each time,
-- until it needs no more; and again with one allocation that fails alone. In between it may fail by
-- an error, and by nothing else.

-- luacheck: globals starve feed

local core = require "xcompliance.core"
local dataset = require "xcompliance.dataset"

local folder = arg[1]
local url = arg[2]

local function await(task, err)
  if not task then return nil, err end
  task:wait()
  local value, failure = task:result()
  task:close()
  return value, failure
end

local actions = {}

function actions.operation()
  local session, err = core.session { connect_timeout = 5 }
  if not session then return nil, err end
  local _, failure = await(core.list_job(session, {
    base_url = url, bearer_token = "t0ken", id = "1", fields = { "id", "status" },
  }))
  session:close()
  if failure and failure.kind ~= "memory" then return true end -- nobody was there
  return nil, failure
end

function actions.creation()
  local session, err = core.session { connect_timeout = 5 }
  if not session then return nil, err end
  local response, failure = await(core.create_compliance_job(session, {
    base_url = url, bearer_token = "t0ken", type = "tweets", name = "a \"name\"",
  }))
  session:close()
  if response or failure.kind ~= "memory" then return true end
  return nil, failure
end

function actions.file()
  local file, err = core.create_beside(folder .. "/out")
  if not file then return nil, err end
  local ok, failure = file:append(("x"):rep(1000))
  if ok then ok, failure = await(file:checksum()) end
  if ok then ok, failure = await(file:publish(folder .. "/out")) end
  if not ok then file:discard() end
  return ok, failure
end

function actions.texts()
  local read = core.signed_url("https://storage.googleapis.com/x?X-Goog-SignedHeaders=host")
  return read.shown .. core.mask("Bearer x", "y") .. core.crc32c("z") .. core.random_hex(8)
end

--- Without memory it may be refused, but it is never another flow's.
function actions.places()
  local flow, err = core.job_url {
    url = "https://api.x.com/2/compliance/jobs/1/upload?token=a", base_url = "https://api.x.com",
    operation = "upload", storage_hosts = { "api.x.com" },
  }
  if flow == "storage" then error("the flow of storage") end
  return flow, err
end

-- {====================================================================
-- The data's side: what it gives must be right, or it must fail
-- =====================================================================

local function write(name, text)
  local file = assert(io.open(folder .. "/" .. name, "w"))
  file:write(text)
  file:close()
  return folder .. "/" .. name
end

local function read(path)
  local file = assert(io.open(path, "r"))
  local text = file:read("*a")
  file:close()
  return text
end

local output = folder .. "/made"

--- What an action returns that has succeeded: looks at what it made, when there is memory again.
local function holds(expected)
  return function()
    local found = read(output)
    if found ~= expected then error(("%s instead of %s"):format(found, expected), 0) end
  end
end

local function expect(found, expected)
  if found ~= expected then error(("%s instead of %s"):format(found, expected), 0) end
  return true
end

local STAYS = '{"id":"12","text":"b","author_id":"7"}\n'
local tweets = write("tweets.jsonl", '{"id":"11","text":"a","author_id":"7"}\n' .. STAYS)
local rows = write("rows", '{"id":"11","action":"delete","reason":"deleted"}\n'
  .. '{"id":"13","action":"delete","reason":"suspended"}\n')

function actions.extract()
  local counts, err = dataset.extract { type = "tweets", inputs = tweets, output = output }
  return counts and holds "11\n12\n", err
end

function actions.extract_from_two()
  local counts, err = dataset.extract { type = "users", inputs = { tweets, tweets },
    output = output, jobs = 2 }
  return counts and holds "7\n", err
end

function actions.verdicts()
  local verdicts, err = dataset.verdicts { tweets = rows }
  if not verdicts then return nil, err end
  local counts = verdicts:counts().tweets
  verdicts:close()
  return expect(counts.delete.deleted + counts.delete.suspended, 2)
end

function actions.compiled()
  local verdicts, err = dataset.verdicts { tweets = rows }
  if not verdicts then return nil, err end
  local ok, failure = verdicts:save(output)
  verdicts:close()
  if not ok then return nil, failure end
  verdicts, err = dataset.verdicts { tweets = output }
  if not verdicts then return nil, err end
  local count = verdicts:counts().tweets.delete.deleted
  verdicts:close()
  return expect(count, 1)
end

function actions.redact()
  local verdicts, err = dataset.verdicts { tweets = rows }
  if not verdicts then return nil, err end
  local counts, failure = dataset.redact { verdicts = verdicts, inputs = tweets, output = output }
  verdicts:close()
  return counts and holds(STAYS), failure
end

function actions.redact_a_record()
  local verdicts, err = dataset.verdicts { tweets = rows }
  if not verdicts then return nil, err end
  local judged, failure = verdicts:judge '{"id":"11","text":"a"}'
  verdicts:close()
  if not judged then return nil, failure end
  local problem = judged.action == "stopped" and judged.problem
  if problem and problem.kind == "memory" then return nil, problem end
  return expect(judged.action, "dropped")
end

-- }====================================================================

local runs = 0

local function starve_all(name, action, once)
  local n, ok, value, err, used = 0
  repeat
    n = n + 1
    starve(n, once)
    ok, value, err = pcall(action)
    used = feed()
    collectgarbage()
    if not ok and not tostring(value):find("memory", 1, true) then
      error(name .. " at allocation " .. n .. ": " .. tostring(value))
    end
    if ok and type(value) == "function" then value() end
  until used < n
  if not (ok and value) then error(name .. " with memory: " .. tostring(err or value)) end
  runs = runs + n
end

for name, action in pairs(actions) do
  starve_all(name, action, false)
  starve_all(name, action, true)
end
os.execute("rm -rf " .. folder .. "/.[a-z]* " .. folder .. "/*")
print(runs .. " passed, 0 failed")
