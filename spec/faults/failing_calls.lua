--- System calls that fail: one in each run of a command, by strace, among those on the files of
-- that command. What must hold each time:
--
--   - exit status 0 means that all outputs are there, as in a run in which nothing fails;
--   - otherwise each file is the old one or the new one, and a message says what failed;
--   - the same command then completes, and leaves what it would have left, and nothing else.
--
--     lua spec/faults/failing_calls.lua [RUNS [SEED [COMMAND…]]]
--
-- (with the module's paths set, as `make failing` does) makes RUNS runs of each command, or one for
-- each call and error if RUNS is "all", and prints what it found. failing_calls_spec.lua has the
-- part that every run of the specs does.

local benches = require "spec.support.bench"
local scratches = require "spec.support.scratch"
local shell = require("spec.support.simulator").shell

local M = {}

local ERRORS = {
  openat = { "EMFILE", "EIO" }, read = { "EIO", "EINTR" }, pread64 = { "EIO", "EINTR" },
  write = { "ENOSPC", "EIO", "EINTR" }, pwrite64 = { "ENOSPC", "EINTR" },
  writev = { "ENOSPC", "EIO", "EINTR" }, copy_file_range = { "EIO", "ENOSPC", "EXDEV" },
  rename = { "EIO", "EPERM" }, renameat = { "EIO" }, renameat2 = { "EIO" }, fsync = { "EIO" },
  close = { "EIO" }, ftruncate = { "EIO" }, unlink = { "EIO" }, fchmod = { "EPERM" },
  mkdir = { "ENOSPC" }, newfstatat = { "EIO" }, getdents64 = { "EIO" },
}
local CALLS = {}
for name in pairs(ERRORS) do CALLS[#CALLS + 1] = name end
table.sort(CALLS)

-- {====================================================================
-- The commands
-- =====================================================================

local ROWS = [[
{"id":"1372900000000000003","action":"delete","reason":"deleted"}
{"id":"1372900000000000005","action":"delete","reason":"suspended"}
]]

--- Each has the files that it needs, and a command line in their folder.
M.commands = {
  extract = "extract tweets data -o ids",
  ["redact elsewhere"] = "redact data --tweets rows -o out",
  ["redact in place"] = "redact data --tweets rows --in-place --quarantine kept.jsonl"
    .. " --policy suspended=quarantine --rehydrate edited",
  ["redact a table"] = "redact table.csv --tweets rows -o out.csv.gz",
  verdicts = "verdicts --tweets rows -o compiled",
  check = "check tweets list.ids -o results.jsonl --poll 1:1",
  sync = "sync data -o clean --poll 1:1",
}

local function prepare(scratch)
  local lines = {}
  for i = 1, 60 do
    lines[i] = ('{"id":"13729%014d","author_id":"%d","text":"a tweet"}'):format(i, 7 + i % 5)
  end
  scratch:write("data/a.jsonl", table.concat(lines, "\n", 1, 30) .. "\n")
  scratch:write("data/b.jsonl", table.concat(lines, "\n", 31) .. "\n")
  scratch:write("table.csv", "id,text\n1372900000000000003,a\n1372900000000000004,b\n")
  scratch:write("rows", ROWS)
  scratch:write("list.ids", "1372900000000000003\n1372900000000000004\n")
end

-- }====================================================================

-- {====================================================================
-- Runs
-- =====================================================================

local function command_of(scratch, name, url)
  return ("cd %s && BEARER_TOKEN=%s XCOMPLIANCE_BASE_URL=%s %%s %s %s -q --jobs 1"):format(
    scratch.path, benches.TOKEN, url,
    benches.command(shell "pwd" .. "/bin/xcompliance"), M.commands[name])
end

--- Runs a command, `wrapper` before it.
-- @treturn integer its exit status
-- @treturn string what it said
local function run(scratch, name, url, wrapper)
  local line = command_of(scratch, name, url):format(wrapper or "")
  if name == "check" or name == "sync" then line = line:gsub(" %-%-jobs 1$", "") end
  local said = shell(("{ %s; } 2>&1; echo \"status $?\""):format(line))
  return tonumber(said:match("status (%d+)$")), said
end

--- The files of the folder and their contents, without what differs from run to run.
local function content(scratch)
  local files = {}
  for _, name in ipairs(scratch:list()) do
    local is_state = name:find("report.json", 1, true)
    files[name] = is_state and "" or scratch:read(name)
  end
  return files
end

--- The calls of a command that concern its files: `{ call, number }`, as strace counts them: for
-- each thread.
local function calls_of(scratch, name, url)
  local trace, found, counts = os.tmpname(), {}, {}
  local status, said = run(scratch, name, url,
    ("strace -f -y -o %s -e trace=%s"):format(trace, table.concat(CALLS, ",")))
  assert(status == 0, said)
  local after = content(scratch)
  for line in io.lines(trace) do
    local thread, call = line:match("^(%d+)%s+(%w+)%(")
    if call then
      local key = thread .. call
      counts[key] = (counts[key] or 0) + 1
      local is_said = line:match("^%d+%s+write%((%d+)<") == "2" -- a message that names the folder
      if line:find(scratch.path, 1, true) and not is_said then
        found[#found + 1] = { call, counts[key] }
      end
    end
  end
  os.remove(trace)
  return found, after
end

local function expect(condition, format, ...)
  if not condition then error(format:format(...), 0) end
end

local function expect_same(found, expected, what)
  for name, text in pairs(expected) do
    expect(found[name] == text, "%s: %s differs", what, name)
  end
  for name in pairs(found) do expect(expected[name], "%s: %s is left", what, name) end
end

--- After a failure each file is the old one or the new one, or a temporary one or a state.
local function expect_old_or_new(found, before, after)
  for name, text in pairs(found) do
    local known = before[name] or after[name]
    local is_hidden = ("/" .. name):find("/%.") ~= nil -- temporary, or of a state
    expect(is_hidden or known, "%s is left under a name of its own", name)
    expect(is_hidden or text == before[name] or text == after[name],
      "%s is neither old nor new", name)
  end
  for name in pairs(before) do expect(found[name], "%s is lost", name) end
end

--- One run in which a call fails, and the same command again.
local function try(name, call, number, failure, before, after)
  local scratch = scratches.new()
  local bench = (name == "check" or name == "sync") and benches.start { shares = { deleted = 0.3 } }
  local url = bench and bench.sim.url or "http://127.0.0.1:9"
  local ok, problem = pcall(function()
    prepare(scratch)
    local status, said = run(scratch, name, url, ("strace -f -o /dev/null -e trace=%s"
      .. " -e inject=%s:error=%s:when=%d"):format(call, call, failure, number))
    local found = content(scratch)
    if status == 0 then
      expect_same(found, after, "status 0")
    else
      -- the n-th call of each thread fails, and the message may be that write
      expect(#said > 12 or call == "write", "status %d without a message", status)
      expect_old_or_new(found, before, after)
      status, said = run(scratch, name, url)
      expect(status == 0, "the same again fails: %s", said)
      expect_same(content(scratch), after, "the same again")
    end
  end)
  if bench then bench:stop() end
  scratch:remove()
  return ok, ("%s: %s number %d fails with %s: %s"):format(name, call, number, failure,
    tostring(problem))
end

-- }====================================================================

--- What a command leaves if nothing fails, and its calls.
local function undisturbed(name)
  local scratch = scratches.new()
  local bench = (name == "check" or name == "sync") and benches.start { shares = { deleted = 0.3 } }
  prepare(scratch)
  local before = content(scratch)
  local calls, after = calls_of(scratch, name, bench and bench.sim.url or "http://127.0.0.1:9")
  if bench then bench:stop() end
  scratch:remove()
  return calls, before, after
end

--- Runs a command with failing calls.
-- @tparam string name of `commands`
-- @tparam ?integer runs by chance; nil: one for each call and error
-- @tparam integer seed
-- @treturn integer how many runs there were
-- @treturn table what was found, as texts
function M.run(name, runs, seed)
  local calls, before, after = undisturbed(name)
  local tries, problems = {}, {}
  for _, call in ipairs(calls) do
    for _, failure in ipairs(ERRORS[call[1]]) do
      tries[#tries + 1] = { call[1], call[2], failure }
    end
  end
  math.randomseed(seed)
  for i = #tries, 2, -1 do
    local j = math.random(i)
    tries[i], tries[j] = tries[j], tries[i]
  end
  local count = math.min(runs or #tries, #tries)
  for i = 1, count do
    local ok, problem = try(name, tries[i][1], tries[i][2], tries[i][3], before, after)
    if not ok then problems[#problems + 1] = problem end
  end
  return count, problems
end

--- One call of a command that fails.
-- @treturn boolean whether all that must hold held
-- @treturn string what did not
function M.one(name, call, number, failure)
  local _, before, after = undisturbed(name)
  return try(name, call, number, failure, before, after)
end

local function main(runs, seed, ...)
  local names, failed = { ... }, false
  if #names == 0 then for name in pairs(M.commands) do names[#names + 1] = name end end
  table.sort(names)
  for _, name in ipairs(names) do
    local count, problems = M.run(name, tonumber(runs), tonumber(seed) or 1)
    print(("%s: %d runs, %d problems"):format(name, count, #problems))
    for _, problem in ipairs(problems) do print("  " .. problem) end
    io.stdout:flush()
    failed = failed or #problems > 0
  end
  return failed and 1 or 0
end

if arg and tostring(arg[0]):match("spec/faults/failing_calls%.lua$") then
  os.exit(main((table.unpack or unpack)(arg)), true) -- luacheck: ignore
end

return M
