-- A nightly run over a table of tweets in SQLite: checks what was never checked, then, of the older
-- tweets, those that were checked longest ago. It deletes the rows that must go, and changes those
-- that must lose a part: a place, or the words of a tweet that they quote.
--
--   BEARER_TOKEN=… lua5.4 examples/incremental.lua tweets.sqlite STATE [HOW_MANY]
--
-- The table: tweets (id TEXT PRIMARY KEY, record TEXT), a record being a tweet as JSON. STATE is a
-- folder that keeps what is needed between the runs. A run that was interrupted is resumed by the
-- next one.

local luasql = require "luasql.sqlite3"
local xcompliance = require "xcompliance"

local path, state, how_many = arg[1], arg[2], tonumber(arg[3] or 1000000)
if not state then
  io.stderr:write("usage: incremental.lua DATABASE STATE [HOW_MANY]\n")
  os.exit(64)
end

local connection = assert(luasql.sqlite3():connect(path))
assert(connection:execute [[CREATE TABLE IF NOT EXISTS checked (id TEXT PRIMARY KEY, at INTEGER)]])

--- An iterator over the ids to check, oldest check first. It reads the rows one by one.
local function ids_to_check()
  local cursor = assert(connection:execute(([[
    SELECT t.id FROM tweets t LEFT JOIN checked c ON c.id = t.id
    ORDER BY coalesce(c.at, 0), t.id LIMIT %d]]):format(how_many)))
  return function() return (cursor:fetch()) end
end

--- An interrupted run must check the same ids again, so they are kept in a list.
local function write_list(list)
  local file = assert(io.open(list .. ".part", "w"))
  for id in ids_to_check() do assert(file:write(id, "\n")) end
  assert(file:close())
  assert(os.rename(list .. ".part", list))
end

local function exists(name)
  local file = io.open(name)
  if file then file:close() end
  return file ~= nil
end

local function run(statement, ...) return assert(connection:execute(statement:format(...))) end

--- What a record must become. The results must be understood: an id that X did not check, or of
-- which it says what this version does not know, stops here, and nothing is committed.
local function apply_to(verdicts, id, record, now)
  local left, why = verdicts:redact(record)
  if left == record then
    run("REPLACE INTO checked VALUES ('%s', %d)", id, now)
    return "kept"
  elseif left then
    run("UPDATE tweets SET record = '%s' WHERE id = '%s'", connection:escape(left), id)
    run("REPLACE INTO checked VALUES ('%s', %d)", id, now)
    return "changed"
  elseif why.action == "dropped" then
    run("DELETE FROM tweets WHERE id = '%s'", id)
    run("DELETE FROM checked WHERE id = '%s'", id)
    return "deleted"
  end
  error(("tweet %s: %s"):format(id, tostring(why.message or why.action)), 0)
end

local function apply(verdicts, list)
  local counts, now = { kept = 0, changed = 0, deleted = 0 }, os.time()
  assert(connection:setautocommit(false))
  for id in io.lines(list) do
    local cursor = run("SELECT record FROM tweets WHERE id = '%s'", id)
    local record = cursor:fetch()
    cursor:close()
    if record then -- else it was deleted meanwhile
      local what = apply_to(verdicts, id, record, now)
      counts[what] = counts[what] + 1
    end
  end
  assert(connection:commit())
  return counts
end

local list = state .. "/ids"
if not exists(list) then write_list(list) end

local client = xcompliance.client {}
local outcome, err = client:check {
  type = "tweets", ids = list, results = state .. "/results.jsonl", verdicts = true,
}
client:close()
if not outcome then
  io.stderr:write(tostring(err), "\n")
  os.exit(err.retryable and 75 or 1)
end
local counts = apply(outcome.verdicts, list)
print(("%d checked, %d deleted, %d changed"):format(outcome.ids, counts.deleted, counts.changed))
outcome.verdicts:close()
assert(connection:close())
os.remove(list)
