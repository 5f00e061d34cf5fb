--- A service around checks. What it knows is in data/: a list is ID.ids; one that is done has
-- ID.results, one that has failed has ID.error, and each has a line in `index`. A check's journal
-- is next to them, so that it outlives its request, a reload and a stop.
-- @module service

local cjson = require "cjson.safe"
local core = require "xcompliance.core"
local xcompliance = require "xcompliance"

local M = {}

local DATA = ngx.config.prefix() .. "data/"
local POLL = { min = 5, max = 60 } -- seconds between two looks at a job
local PATIENCE = 30 -- seconds between two attempts of a check that may not run yet
local RETRY = {
  conflict = true, network = true, rate_limited = true, server = true, timeout = true,
}

local client -- of this worker: made when it is first needed, which is after the fork

local function path(id, ending) return DATA .. id .. "." .. ending end

local function read(name)
  local file = io.open(name)
  local text = file and file:read("*a")
  if file then file:close() end
  return text
end

local function exists(name)
  local file = io.open(name)
  if file then file:close() end
  return file ~= nil
end

local function write(name, text, mode)
  local file = assert(io.open(name, mode or "w"))
  assert(file:write(text))
  assert(file:close())
end

local function answer(status, value)
  ngx.status = status
  ngx.header["Content-Type"] = "application/json"
  ngx.print(cjson.encode(value))
end

--- The state of a check, for whichever worker is asked for it.
local function note(id, state)
  ngx.shared.checks:set(id, cjson.encode(state))
end

local function check(id, type)
  return client:check {
    type = type, ids = path(id, "ids"), results = path(id, "results"), poll = POLL,
    on_progress = function(event)
      note(id, {
        state = "running", step = event.step, done = event.done, total = event.total,
        message = event.warning or event.message or event.doing,
      })
    end,
  }
end

--- Runs a check until it is done, or can never be.
local function run(premature, id, type)
  if premature or exists(path(id, "results")) then return end
  client = client or xcompliance.client { loop = require "xcompliance.loop.nginx" }
  local outcome, err = check(id, type)
  while not outcome and RETRY[err.kind] and not ngx.worker.exiting() do
    -- a conflict without an answer is about the journal: another worker runs this check still
    if err.kind ~= "conflict" or err.status then
      note(id, { state = "waiting", message = err.message })
    end
    ngx.sleep(PATIENCE)
    outcome, err = check(id, type)
  end
  if outcome then
    note(id, { state = "done", ids = outcome.ids, rows = outcome.rows, reasons = outcome.reasons })
  elseif not RETRY[err.kind] then
    write(path(id, "error"), err.message)
    note(id, { state = "failed", message = err.message })
  end
end

--- Begins a check of the list that is the request's body: `POST /checks?type=tweets`.
function M.create()
  local type = ngx.var.arg_type or "tweets"
  if ngx.req.get_method() ~= "POST" then return answer(405, { message = "POST a list of ids" }) end
  if ngx.var.http_sec_fetch_site == "cross-site" then
    return answer(403, { message = "a page of another site may not ask for this" })
  end
  if type ~= "tweets" and type ~= "users" then
    return answer(400, { message = "type is tweets or users" })
  end
  ngx.req.read_body()
  local body = ngx.req.get_body_file()
  if not body then return answer(400, { message = "the list is empty" }) end
  local id = core.random_hex(16)
  assert(os.rename(body, path(id, "ids")))
  write(DATA .. "index", id .. " " .. type .. "\n", "a")
  note(id, { state = "waiting", message = "accepted" })
  assert(ngx.timer.at(0, run, id, type))
  ngx.header["Location"] = "/checks/" .. id
  answer(202, { id = id, state = "waiting" })
end

--- What a check has resulted in: `GET /checks/ID`.
function M.state()
  local id = ngx.var.id
  local known = ngx.shared.checks:get(id)
  if exists(path(id, "results")) then
    answer(200, known and cjson.decode(known) or { state = "done" })
  elseif exists(path(id, "error")) then
    answer(200, { state = "failed", message = read(path(id, "error")) })
  elseif exists(path(id, "ids")) then
    answer(200, known and cjson.decode(known) or { state = "waiting", message = "not started yet" })
  else
    answer(404, { message = "there is no such check" })
  end
end

--- Its results, as they came from X: `GET /checks/ID/results`.
function M.results()
  if not exists(path(ngx.var.id, "results")) then
    return answer(404, { message = "there are no results, or not yet" })
  end
  return ngx.exec("/data/" .. ngx.var.id .. ".results")
end

--- Takes up what an earlier run of nginx has left: one worker does.
function M.take_up()
  if ngx.worker.id() ~= 0 or not exists(DATA .. "index") then return end
  for line in io.lines(DATA .. "index") do
    local id, type = line:match("^(%x+) (%a+)$")
    if id and not exists(path(id, "results")) and not exists(path(id, "error")) then
      assert(ngx.timer.at(0, run, id, type))
    end
  end
end

return M
