--- What every loop promises. A promise is `{ says, faults, concurrent, keep }`: what it says; what
-- the simulator does meanwhile; whether it is for hosts alone where functions wait together; and a
-- function of a host (spec/support/hosts.lua) and a place, `{ url, folder, shared }`: that of a
-- simulator, an empty one, and whether other threads are at work. It raises if the promise is
-- broken. nginx keeps them too, so nothing of busted is used.

local core = require "xcompliance.core"
local lfs = require "lfs"
local xcompliance = require "xcompliance"

local function expect(condition, ...)
  if condition then return condition, ... end
  error(select("#", ...) > 0 and ("expected %s"):format((...)) or "an expectation failed", 2)
end

local function new_client(host, place, settings)
  settings = settings or {}
  settings.loop, settings.base_url, settings.bearer_token = host.loop, place.url, "t0ken"
  return xcompliance.client(settings)
end

local function start(session, place)
  return core.list_job(session, { base_url = place.url, bearer_token = "t0ken", id = "1" })
end

--- What is open, by number: what it is.
local function descriptors()
  local open = {}
  for name in lfs.dir("/proc/self/fd") do
    local what = lfs.symlinkattributes("/proc/self/fd/" .. name, "target")
    if what and not what:find("/proc/", 1, true) then open[name] = what end
  end
  return open
end

local function expect_no_more_than(before, place)
  collectgarbage()
  if place.shared then return end -- others open and close files in this process
  for number, what in pairs(descriptors()) do
    expect(before[number], ("descriptor %s (%s) closed"):format(number, what))
  end
end

local function files_in(folder)
  local names = {}
  for name in lfs.dir(folder) do
    if name ~= "." and name ~= ".." then names[#names + 1] = name end
  end
  table.sort(names)
  return table.concat(names, " ")
end

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

local function read(path)
  local file = assert(io.open(path))
  local text = file:read("*a")
  file:close()
  return text
end

local function times(count, work)
  local works = {}
  for i = 1, count do works[i] = work end
  return works
end

local M = {}

M.waits = {
  says = "a wait ends when the task has, and says so",
  faults = { "get:stall@0.1" },
  keep = function(host, place)
    local session = assert(core.session {})
    local task = start(session, place)
    expect(host.loop.wait(task, 10) == true, "true")
    expect(host.loop.wait(task, 10) == true, "true again")
    expect(assert(task:result()).status == 404, "404")
    task:close()
    session:close()
  end,
}

M.gives_up = {
  says = "a wait ends when its time has passed, and says so",
  faults = { "get:stall@5" },
  keep = function(host, place)
    local session = assert(core.session {})
    local task, began = start(session, place), core.now()
    expect(host.loop.wait(task, 0.1) == false, "false")
    expect(host.loop.wait(task, 0) == false, "false at once")
    local took = core.now() - began
    expect(took >= 0.1 and took < 1, "a tenth of a second, not " .. took)
    task:close()
    session:close()
  end,
}

M.sleeps = {
  says = "a sleep takes as long as it should",
  keep = function(host)
    local began = core.now()
    host.loop.sleep(0)
    expect(core.now() - began < 0.1, "nearly nothing")
    host.loop.sleep(0.1)
    local took = core.now() - began
    expect(took >= 0.0999 and took < 1, "a tenth of a second, not " .. took)
  end,
}

M.gives_way = {
  says = "a coroutine that waits or sleeps lets others continue",
  faults = { "get:stall@0.3x*" },
  concurrent = true,
  keep = function(host, place)
    local session = assert(core.session {})
    local began, turns, waiting = core.now(), 0, 2
    local function wait()
      local task = start(session, place)
      while not host.loop.wait(task, 10) do end
      task:close()
      waiting = waiting - 1
    end
    local function count()
      while waiting > 0 do
        host.loop.sleep(0.01)
        turns = turns + 1
      end
    end
    host.together { wait, count, wait }
    expect(turns >= 10, "ten turns, not " .. turns)
    expect(core.now() - began < 0.55, "both to wait at the same time")
    session:close()
  end,
}

M.thousand = {
  says = "a thousand operations run at once on one session",
  faults = { "get:stall@0.3x64" }, -- so that nothing ends before most have begun
  concurrent = true,
  keep = function(host, place)
    local client = new_client(host, place)
    local job = assert(client:create_compliance_job("tweets")).data
    local same, most, running = 0, 0, 0
    host.together(times(1000, function()
      running = running + 1
      most = math.max(most, running)
      local response = assert(client:list_job(job.id))
      running = running - 1
      if response.data.id == job.id then same = same + 1 end
    end))
    expect(same == 1000, "a thousand answers, not " .. same)
    expect(most > 200, "hundreds at once, not " .. most)
    client:close()
  end,
}

M.closes = {
  says = "a client that is closed ends what it runs as cancelled, and leaves no descriptor",
  faults = { "get:stall@20x*" },
  concurrent = true,
  keep = function(host, place)
    local before, kinds = descriptors(), {}
    local client = new_client(host, place)
    local function read_job()
      local _, err = client:list_job("1")
      kinds[#kinds + 1] = err.kind
    end
    local function close()
      host.loop.sleep(0.1)
      client:close()
    end
    local began = core.now()
    host.together { read_job, read_job, close }
    expect(table.concat(kinds, " ") == "cancelled cancelled", "cancelled twice")
    expect(core.now() - began < 2, "this to be quick")
    expect_no_more_than(before, place)
  end,
}

M.ends_in_time = {
  says = "a deadline ends transfers, and leaves no descriptor and no file",
  faults = { "upload:stall@20x*", "download:stall@20x*" },
  keep = function(host, place)
    local before = descriptors()
    local client = new_client(host, place)
    local job = assert(client:create_compliance_job("tweets")).data
    write(place.folder .. "/ids.txt", "1\n2\n3\n")
    local began, soon = core.now(), { deadline = 0.2 }
    for method, path in pairs { upload_ids = "/ids.txt", download_results = "/results" } do
      local url = method == "upload_ids" and job.upload_url or job.download_url
      local value, err = client[method](client, url, place.folder .. path, soon)
      expect(value == nil and err.kind == "timeout", "a timeout")
    end
    expect(core.now() - began < 3, "this to be quick")
    client:close()
    expect_no_more_than(before, place)
    expect(files_in(place.folder) == "ids.txt", "no file but ids.txt: " .. files_in(place.folder))
  end,
}

M.raises = {
  says = "what the loop raises goes through the call to its caller, and nothing stays",
  faults = { "upload:stall@20" },
  keep = function(host, place)
    local before, waits = descriptors(), 0
    local client = xcompliance.client {
      base_url = place.url, bearer_token = "t0ken",
      loop = {
        sleep = host.loop.sleep,
        wait = function(task, seconds)
          waits = waits + 1
          if place.url and waits > 2 then error({ "no more" }, 0) end
          return host.loop.wait(task, seconds)
        end,
      },
    }
    local job = assert(client:create_compliance_job("tweets")).data
    write(place.folder .. "/ids.txt", "1\n2\n3\n")
    local ok, err = pcall(client.upload_ids, client, job.upload_url, place.folder .. "/ids.txt")
    expect(not ok and type(err) == "table" and err[1] == "no more", "what was raised")
    client:close()
    expect_no_more_than(before, place)
  end,
}

M.checks = {
  says = "a whole check runs, one beside another, and leaves the results alone",
  keep = function(host, place)
    local before, client = descriptors(), new_client(host, place)
    local rows = {}
    local function check(type)
      return function()
        local ids, results = place.folder .. "/" .. type, place.folder .. "/" .. type .. ".results"
        local list = {}
        for i = 1, 2000 do list[i] = ("12653244805173%05d"):format(i) end
        write(ids, table.concat(list, "\n"))
        local outcome = assert(client:check {
          type = type, ids = ids, results = results, poll = { min = 0.05, max = 0.1 },
        })
        expect(outcome.ids == 2000, "2000 ids")
        expect(outcome.verified, "a verified outcome")
        rows[type] = outcome.rows
                local _, lines = read(results):gsub("[^\n]*%S[^\n]*", "")
        expect(outcome.rows == lines and lines > 0, ("%d rows, not %d"):format(lines, outcome.rows))
      end
    end
    host.together { check("tweets"), check("users") }
    expect(rows.tweets and rows.users, "both outcomes")
    client:close()
    expect_no_more_than(before, place)
    local names = files_in(place.folder)
    expect(names == "tweets tweets.results users users.results", "no other files: " .. names)
  end,
}

M.syncs = {
  says = "a whole dataset is brought into compliance, and others continue meanwhile",
  keep = function(host, place)
    local before, client = descriptors(), new_client(host, place)
    local lines, running, turns = {}, true, 0
    for i = 1, 2000 do
      lines[i] = ('{"id":"12653244805173%05d","author_id":"9%05d"}\n'):format(i, i % 99)
    end
    assert(core.make_folder(place.folder .. "/data"))
    write(place.folder .. "/data/tweets.jsonl", table.concat(lines))
    local function sync()
      local report = assert(client:sync {
        inputs = { place.folder .. "/data" }, output = place.folder .. "/clean",
        state = place.folder .. "/state", poll = { min = 0.05, max = 0.1 },
      })
      running = false
      expect(report, "a report")
    end
    local function count()
      while running do
        host.loop.sleep(0.005)
        turns = turns + 1
      end
    end
    host.together { sync, count }
    expect(not host.concurrent or turns > 5, "more than a few turns: " .. turns)
    local _, kept = read(place.folder .. "/clean/tweets.jsonl"):gsub("\n", "")
    expect(kept > 0 and kept < 2000, "some of 2000 tweets, not " .. kept)
    client:close()
    expect_no_more_than(before, place)
    local names = files_in(place.folder)
    expect(names == "clean data state", "no other files: " .. names)
  end,
}

--- A list of ids, and what a check of it is given.
local function check_of(place, type)
  local ids, list = place.folder .. "/" .. type, {}
  for i = 1, 2000 do list[i] = ("12653244805173%05d"):format(i) end
  write(ids, table.concat(list, "\n"))
  return { type = type, ids = ids, results = ids .. ".results", poll = { min = 0.05, max = 0.1 } }
end

M.handles = {
  says = "checks run beside their caller, who waits for any of them, and hears of their progress",
  keep = function(host, place)
    local before, client = descriptors(), new_client(host, place)
    local running, outcomes = {}, 0
    for i, type in ipairs { "tweets", "users" } do
      running[i] = client:start_check(check_of(place, type))
    end
    while #running > 0 do
      local ended = assert(xcompliance.wait_any(running, 20), "neither has ended")
      for i = #running, 1, -1 do
        if running[i] == ended then table.remove(running, i) end
      end
      expect(ended:done() and ended:wait(0), "a handle that has ended")
      local event, outcome = ended:progress(), assert(ended:result())
      expect(outcome.ids == 2000 and outcome.verified, "a verified outcome")
      expect(event.type == outcome.type and event.job == outcome.jobs[1].id, "events of its job")
      outcomes = outcomes + 1
    end
    expect(outcomes == 2, "two outcomes")
    client:close()
    expect_no_more_than(before, place)
    local names = files_in(place.folder)
    expect(names == "tweets tweets.results users users.results", "no other files: " .. names)
  end,
}

M.cancels = {
  says = "a check that is cancelled stops at once, and the same check resumes it",
  faults = { "upload:stall@5", "get:stall@5" },
  keep = function(host, place)
    local before, client = descriptors(), new_client(host, place)
    local options = check_of(place, "tweets")
    local handle, began = client:start_check(options), core.now()
    expect(handle:wait(0.3) == false, "a check that is not done")
    handle:cancel()
    local outcome, err = handle:result()
    expect(outcome == nil and err.kind == "cancelled", "a cancelled one")
    expect(core.now() - began < 3, "an end at once")
    handle:cancel()
    local again = assert(client:check(options))
    expect(again.resumed and again.ids == 2000, "the same check")
    client:close()
    expect_no_more_than(before, place)
    local names = files_in(place.folder)
    expect(names == "tweets tweets.results", "no other files: " .. names)
  end,
}

return M
