--- Run by memory_host: each action again and again, with one allocation more allowed each time,
-- until it needs no more. In between it may fail by an error, and by nothing else.

-- luacheck: globals starve feed

local core = require "xcompliance.core"

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

local runs = 0
for name, action in pairs(actions) do
  local n, ok, value, err, used = 0
  repeat
    n = n + 1
    starve(n)
    ok, value, err = pcall(action)
    used = feed()
    collectgarbage()
    if not ok and not tostring(value):find("memory", 1, true) then
      error(name .. " at allocation " .. n .. ": " .. tostring(value))
    end
  until used < n
  if not (ok and value) then error(name .. " with memory: " .. tostring(err or value)) end
  runs = runs + n
end
os.execute("rm -f " .. folder .. "/.out.*.part " .. folder .. "/out")
print(runs .. " passed, 0 failed")
