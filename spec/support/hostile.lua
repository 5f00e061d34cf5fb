--- Run by values_spec in an empty folder of its own: every public function is given values that
-- nobody should give. It may do its work, return nil and a typed error, or raise misuse; anything
-- else, and a process that dies, is a defect. Closes with "N calls, N defects".

local core = require "xcompliance.core"
local dataset = require "xcompliance.dataset"
local errors = require "xcompliance.errors"
local xcompliance = require "xcompliance"

local ran = 0 -- how often code of a hostile table was run

local function trap() ran = ran + 1 return "trap" end

local function harmless() return nil, nil end

local trapped = setmetatable({}, {
  __index = trap, __newindex = trap, __len = trap, __tostring = trap, __pairs = trap, __call = trap,
  __concat = trap, __eq = trap, __lt = trap, __le = trap, __name = "trapped",
})

local closed_session, closed_file = core.session {}, core.create_beside("closed")
closed_session:close()
closed_file:discard()
local session = core.session { connect_timeout = 1 }
local file = core.create_beside("open")
file:append("123\n")

local cycle = {}
cycle[1], cycle.x = cycle, cycle

local VALUES = {
  true, false, 0, -1, 1.5, 2 ^ 31, 2 ^ 53 + 2, 2 ^ 63, -2 ^ 63, 1e308, 0 / 0, 1 / 0, -1 / 0,
  "", "\0", "a\0b", ("x"):rep(100000), ("x/"):rep(3000) .. "x", "\255\254", "%s%n%d",
  "1\n2", "http://127.0.0.1:1/\0", {}, { 1 }, { "a\0b" }, { false }, { ("x"):rep(100000) },
  { [{}] = 1 }, { [0 / 1] = "x" }, cycle, trapped, { trapped }, harmless,
  coroutine.create(harmless),
  io.stdout, closed_session, closed_file, session, file, core.error {},
}

local calls, defects = 0, 0

local function complain(what, why)
  defects = defects + 1
  if defects <= 20 then print(what .. ": " .. tostring(why):sub(1, 300)) end
end

local function is_misuse(raised)
  if errors.is(raised) then return raised.kind == "usage" end
  return type(raised) == "string" and raised:find("bad argument", 1, true) ~= nil
end

local function finish(task)
  local ok, ended = pcall(task.wait, task, 10)
  if not ok then return end
  if not ended then complain("a task", "does not end") end
  if ended then pcall(task.result, task) end
  task:close()
end

--- Calls a function and judges what comes of it.
local function try(what, work, ...)
  calls = calls + 1
  local results = { pcall(work, ...) }
  if not results[1] then
    if not is_misuse(results[2]) then complain(what, results[2]) end
  elseif results[2] == nil and results[3] ~= nil then
    local err = results[3]
    if not errors.is(err) or not errors.kinds[err.kind] then complain(what, err) end
  elseif type(results[2]) == "userdata" and tostring(results[2]):find("^task") then
    finish(results[2])
  elseif type(results[2]) == "userdata" and tostring(results[2]):find("^[sf][ei]")
    and results[2] ~= io.stdout then
    results[2]:close()
  end
  if ran > 0 and not what:find("loop", 1, true) then -- a loop may well be an object
    complain(what, "ran code of a table")
  end
  ran = 0
end

local function name_of(value)
  if rawequal(value, trapped) then return "trapped" end
  return type(value) == "string" and ("%q"):format(value:sub(1, 20)) or type(value)
end

-- {====================================================================
-- Arguments
-- =====================================================================

local LEFT_OUT = { catch_signals = true, sleep = true, error = true }

local function try_arguments(owner, functions, first)
  for name, work in pairs(functions) do
    if type(work) == "function" and not LEFT_OUT[name] then
      local what = owner .. "." .. name
      if first == nil then try(what, work) else try(what, work, first) end
      for _, value in ipairs(VALUES) do
        if first == nil then
          try(what .. " " .. name_of(value), work, value)
          try(what .. " session " .. name_of(value), work, session, value)
        else
          try(what .. " " .. name_of(value), work, first, value)
          try(what .. " " .. name_of(value) .. " twice", work, first, value, value)
          try(what .. " self " .. name_of(value), work, value, 1)
        end
      end
    end
  end
end

-- }====================================================================

-- {====================================================================
-- Options
-- =====================================================================

local API = { base_url = "http://127.0.0.1:1", bearer_token = "t", timeout = 1 }

local function with(base, more)
  local all = {}
  for _, fields in ipairs { base, more } do
    for name, value in pairs(fields) do all[name] = value end
  end
  return all
end

local STORAGE = { url = "http://127.0.0.1:1/", loopback = true, timeout = 1 }

local TAKERS = { -- functions of options: those that they take, and their names
  ["core.session"] = { function(options) return core.session(options) end,
    { ca_file = "/dev/null" },
    { "proxy", "user_agent", "connect_timeout", "low_speed_limit", "low_speed_time" } },
  ["core.create_compliance_job"] = { function(options)
      return core.create_compliance_job(session, options)
    end, with(API, { type = "tweets" }), { "name", "resumable", "fields", "allow_http" } },
  ["core.list_job"] = { function(options) return core.list_job(session, options) end,
    with(API, { id = "1" }), { "fields", "allow_http" } },
  ["core.list_jobs"] = { function(options) return core.list_jobs(session, options) end,
    with(API, { type = "tweets" }), { "status", "fields", "allow_http" } },
  ["core.cancel_job"] = { function(options) return core.cancel_job(session, options) end,
    with(API, { id = "1" }), { "fields", "allow_http" } },
  ["core.request"] = { function(options) return core.request(session, options) end,
    STORAGE, { "method", "headers", "storage_hosts" } },
  ["core.upload_ids"] = { function(options) return core.upload_ids(session, options) end,
    with(STORAGE, { file = file }), { "method", "headers", "storage_hosts", "offset", "length",
      "base_url", "bearer_token", "allow_http", "job_id" } },
  ["core.download_results"] = { function(options)
      return core.download_results(session, options)
    end, with(STORAGE, { file = file }), { "headers", "storage_hosts", "offset",
      "base_url", "bearer_token", "allow_http", "job_id" } },
  ["core.job_url"] = { core.job_url, { url = "https://api.x.com/", operation = "upload",
      base_url = "https://api.x.com" }, { "job_id", "storage_hosts", "loopback", "allow_http" } },
  ["core.extract"] = { core.extract, { type = "tweets", inputs = { "none" }, output = "out" },
    { "format", "column", "top_level", "ids_per_file", "memory", "on_malformed" } },
  ["core.verdicts"] = { core.verdicts, { tweets = { "none" } }, { "users" } },
  ["core.list_verdicts"] = { core.list_verdicts, {},
    { "ids", "outcome", "output", "type", "verdicts" } },
  ["core.redact"] = { core.redact, { inputs = { "none" }, output = "out" }, {
    "checksums", "columns", "dry_run", "in_place", "jobs", "level", "lists", "on_malformed",
    "on_unknown", "policy", "quarantine", "rehydrate", "strict", "verdicts" } },
  ["dataset.extract"] = { dataset.extract,
    { type = "tweets", inputs = { "none" }, output = "out" },
    { "format", "column", "memory", "loop", "on_progress", "deadline" } },
  ["dataset.verdicts"] = { dataset.verdicts, { tweets = "none" }, { "users", "deadline" } },
  ["dataset.redact"] = { dataset.redact, { inputs = { "none" }, output = "out" },
    { "verdicts", "policy", "jobs", "level", "deadline" } },
}

local function try_options(what, taker)
  local work, base, more = taker[1], taker[2], taker[3]
  local names = {}
  for name in pairs(base) do names[#names + 1] = name end
  for _, name in ipairs(more) do names[#names + 1] = name end
  for _, name in ipairs(names) do
    for _, value in ipairs(VALUES) do
      try(("%s{%s=%s}"):format(what, name, name_of(value)), work, with(base, { [name] = value }))
    end
  end
  for _, key in ipairs { names[1] .. "\0", "\0", "", 1, true, trapped } do
    local options = with(base, {})
    options[key] = 1
    local ok = pcall(work, options)
    if ok then complain(what, "takes the option " .. name_of(key)) end
  end
  local guarded = setmetatable(with(base, {}), getmetatable(trapped))
  try(what .. " guarded", work, guarded)
end

-- }====================================================================

-- {====================================================================
-- Clients
-- =====================================================================

local CLIENT = { bearer_token = "t", base_url = "http://127.0.0.1:1", retry = { attempts = 1 } }
CLIENT.connect_timeout = 1
local SETTINGS = {
  "bearer_token", "token_file", "base_url", "ca_file", "proxy", "loop", "storage_hosts", "timeout",
  "user_agent", "connect_timeout", "low_speed_limit", "low_speed_time", "allow_http", "retry",
}

local function try_client(what, settings)
  try(what, function()
    local client = xcompliance.client(settings)
    local response, err = client:list_job("1", { deadline = 0.1 })
    client:close()
    return response, err
  end)
end

local function try_clients()
  for _, name in ipairs(SETTINGS) do
    for _, value in ipairs(VALUES) do
      try_client(("client{%s=%s}"):format(name, name_of(value)), with(CLIENT, { [name] = value }))
    end
  end
  for _, name in ipairs { "attempts", "first", "max" } do
    for _, value in ipairs(VALUES) do
      try_client(("client{retry={%s=%s}}"):format(name, name_of(value)),
        with(CLIENT, { retry = with({ attempts = 1 }, { [name] = value }) }))
    end
  end
  local client = xcompliance.client(CLIENT)
  for _, name in ipairs { "create_compliance_job", "list_job", "list_jobs", "cancel_job",
    "upload_ids", "download_results" } do
    for _, value in ipairs(VALUES) do
      local what = ("client:%s(%s)"):format(name, name_of(value))
      try(what, client[name], client, value)
      try(what .. " second", client[name], client, "1", value)
      try(what .. " last", client[name], client, "tweets", nil, value, value)
      for _, option in ipairs { "deadline", "on_progress", "fields", "chunk" } do
        local options = { [option] = value }
        try(what .. option, client[name], client, "tweets", nil, options)
        try(what .. option, client[name], client, "http://127.0.0.1:1/", "none", options)
      end
    end
  end
  for _, value in ipairs(VALUES) do try("client:check", client.check, client, value) end
  client:close()
end

-- }====================================================================

try_arguments("core", core)
for _, handle in ipairs { file, session } do
  local methods = getmetatable(handle).__index
  local copy = {}
  for name, work in pairs(methods) do
    if name ~= "close" and name ~= "discard" and name ~= "publish" then copy[name] = work end
  end
  try_arguments(tostring(handle):match("^%a+"), copy, handle)
end
for _, value in ipairs(VALUES) do
  if type(value) ~= "string" or value:find("%z") or value == "" then
    try("file.publish " .. name_of(value), file.publish, file, value)
  end
end
for what, taker in pairs(TAKERS) do try_options(what, taker) end
try_clients()
session:close()
print(("%d calls, %d defects"):format(calls, defects))
