-- What is shown while a command runs: on a terminal (tmux is the witness of what it looks like), in
-- a file, as JSON, and not at all.

local benches = require "spec.support.bench"
local cjson = require "cjson"
local command = require "spec.support.command"
local displays = require "xcompliance.cli.display"
local simulator = require "spec.support.simulator"
local step_text = require "xcompliance.cli.step_text"

local quote, shell = simulator.quote, simulator.shell
local is_sanitized = os.getenv("LD_PRELOAD") ~= nil -- tmux has no sanitizer's runtime

describe("a display", function()
  local clock, written, columns

  local function new(mode)
    clock, written, columns = 0, {}, 60
    return displays.new {
      mode = mode, write = function(text) written[#written + 1] = text end,
      now = function() return clock end, time = function() return 1e9 + clock end,
      columns = function() return columns end,
    }
  end

  --- What was written since the last time.
  local function text()
    local all = table.concat(written)
    written = {}
    return all
  end

  local function upload(done, more)
    local event = { doing = "uploading ids.txt", done = done, total = 40e6, type = "tweets" }
    for name, value in pairs(more or {}) do event[name] = value end
    return event
  end

  it("has share, size, rate and time left in a live line", function()
    local display = new "live"
    columns = 100
    display:show(upload(0))
    assert.equal("tweets: uploading ids.txt: 0 %, 0 bytes of 40 MB", text())
    clock = 2
    display:show(upload(1e7))
    assert.equal("\r\27[Jtweets: uploading ids.txt: 25 %, 10 MB of 40 MB, 5.0 MB/s, 6 s left",
      text())
    display:show(upload(1e7))
    assert.equal("", text()) -- nothing new
    display:print("a message")
    assert.equal("\r\27[Ja message\n", text())
    display:show(upload(2e7))
    display:finish(0)
    assert.equal("\r\27[J", text():sub(-4))
  end)

  it("measures the rate of what a run has moved, not of what was there", function()
    local display = new "live"
    columns = 100
    display:show(upload(30e6))
    clock = 2
    display:show(upload(32e6))
    assert.matches("80 %, 32 MB of 40 MB, 1.0 MB/s, 8 s left", text(), 1, true)
  end)

  it("has a row for each type, and one for what is of no type", function()
    local display = new "live"
    display:show({ doing = "extracting", done = 1, total = 2 })
    display:show(upload(1e7, { type = "users" }))
    display:show({ doing = "waiting for job 1", status = "created", wait = 5, type = "tweets" })
    text()
    display:show(upload(2e7, { type = "users" }))
    local said = text()
    assert.equal("\r\27[1A\27[J", said:sub(1, 8))
    local first, second = said:sub(9):match("^(.*)\n(.*)$")
    assert.equal("users: uploading ids.txt: 50 %, 20 MB of 40 MB", first)
    assert.matches("^tweets: waiting for job 1: created, next poll at %d%d:%d%d:%d%d$", second)
    display:show({ doing = "redacting", done = 1, total = 2 })
    assert.equal("\r\27[1A\27[Jredacting: 50 %, 1 bytes of 2 bytes", text())
  end)

  it("fits into every width, whatever is written in it", function()
    local display = new "live"
    local names = { "ids.txt", ("x"):rep(300), ("\230\188\162"):rep(50), "\255\200\27[31m\n", "" }
    for width = 1, 90 do
      columns = width
      for i, name in ipairs(names) do
        clock = clock + 2
        display:show({ doing = name, done = 1e6 * i, total = 4e7, type = "tweets" })
        local line = text():gsub("\r\27%[%d*A?\27?%[?J", "")
        local _, wide = line:gsub("[\192-\255]", "")
        local _, rest = line:gsub("[\128-\191]", "")
        assert.is_true(#line - rest + wide <= math.max(1, width - 1), width .. ": " .. line)
        assert.is_nil(line:find("[%c]"))
      end
    end
  end)

  it("takes away all that a narrower terminal has wrapped", function()
    local display = new "live"
    display:show(upload(1e7)) -- 47 cells
    text()
    columns = 20
    display:clear()
    assert.equal("\r\27[2A\27[J", text())
  end)

  it("writes a plain line when a step begins, ends, and every 30 seconds", function()
    local display = new "plain"
    for second = 0, 70 do
      clock = second
      display:show(upload(second * 5e5))
    end
    assert.equal("tweets: uploading ids.txt\n"
      .. "tweets: uploading ids.txt: 37 %, 15 MB of 40 MB, 500 kB/s, 50 s left\n"
      .. "tweets: uploading ids.txt: 75 %, 30 MB of 40 MB, 500 kB/s, 20 s left\n", text())
    display:show({ doing = "waiting for job 1", wait = 1, status = "created", type = "tweets" })
    assert.equal("tweets: uploading ids.txt: done, 35 MB in 70 s\ntweets: waiting for job 1\n",
      text())
    display:finish(75)
    assert.equal("", text()) -- it has not ended
  end)

  it("is plain where lines cannot be taken away", function()
    assert.equal("live", displays.default_mode(true, "xterm"))
    assert.equal("live", displays.default_mode(true))
    assert.equal("plain", displays.default_mode(true, "dumb"))
    assert.equal("plain", displays.default_mode(false, "xterm"))
  end)

  it("says of a step that is over how much it was", function()
    assert.equal("uploading ids.txt: done, 40 MB in 3.2 s",
      step_text.ended({ doing = "uploading ids.txt", done = 4e7 }, 3.2))
    assert.equal("users: waiting for job 1: done in 90 s",
      step_text.ended({ doing = "waiting for job 1", type = "users" }, 90))
  end)
end)

describe("the progress of a command", function()
  local bench, env

  local function at(name) return bench.folder .. "/" .. name end

  before_each(function()
    bench = benches.start { jobs_take = 1 }
    env = { BEARER_TOKEN = benches.TOKEN, XCOMPLIANCE_BASE_URL = bench.sim.url }
    shell("mkdir " .. at("data"))
    local records = {}
    for i = 1, 500 do
      records[i] = ('{"id":"13%06d","author_id":"14%06d","text":"a"}\n'):format(i, i)
    end
    benches.write(at("data/a.jsonl"), table.concat(records))
  end)
  after_each(function() bench:stop() end)

  local function sync(...)
    return command.run({ "sync", at("data"), "-o", at("out"), "--poll", "1:1", ... }, env)
  end

  it("is plain if there is no terminal: each step begins and ends once", function()
    local status, _, err = sync()
    assert.equal(0, status, err)
    assert.is_nil(err:find("[\27\r]"))
    for _, step in ipairs {
      "extracting the ids of tweets", "extracting the ids of users", "uploading tweets.ids",
      "uploading users.ids", "tweets: waiting for job %d+", "users: waiting for job %d+",
      "downloading tweets.results.jsonl", "redacting",
    } do
      local begun = select(2, ("\n" .. err):gsub("\n" .. step .. "%f[\n]", ""))
      local ended = select(2, ("\n" .. err):gsub("\n" .. step .. ": done[^\n]* in %S+ s\n", "\n"))
      assert.same({ 1, 1 }, { begun, ended }, step .. "\n" .. err)
    end
  end)

  it("is events, one a line of JSON", function()
    local status, out, err = sync("--progress", "json")
    assert.equal(0, status, err)
    assert.matches("ids asked", out)
    local steps, events, last = {}, {}, nil
    for line in err:gmatch("[^\n]+") do
      last = cjson.decode(line)
      assert.matches("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$", last.time)
      events[last.event] = true
      if last.event == "progress" then
        assert.is_string(last.doing)
        steps[last.step] = true
      end
    end
    assert.same({ progress = true, ["end"] = true }, events)
    assert.same({ "end", 0 }, { last.event, last.status })
    for _, step in ipairs { "extract", "upload", "wait", "download", "load", "redact" } do
      assert.is_true(steps[step], step)
    end
    bench:arm("get:401")
    status, out, err = command.run({ "get", "1", "--progress", "json" }, env)
    assert.same({ 77, "" }, { status, out })
    local failure = cjson.decode(err:match("^[^\n]*"))
    assert.same({ "error", "auth", 77 }, { failure.event, failure.kind, failure.status })
    assert.matches("^xcompliance: reading a compliance job", failure.message)
  end)

  it("is nothing but messages if the user wants none", function()
    local status, _, err = sync("--progress", "none")
    assert.equal(0, status, err)
    assert.is_nil(err:find("extracting", 1, true))
    assert.matches("tweets: job %d+ was created", err)
    assert.equal(64, (sync("--progress", "loud")))
  end)

  it("says what a run resumes, since when, and at the end where all is", function()
    bench:arm("download:404x*")
    assert.are_not.equal(0, (sync("--deadline", "4")))
    bench.sim:disarm()
    local status, out, err = sync()
    assert.equal(0, status, err)
    local moment = "%d%d%d%d%-%d%d%-%d%d %d%d:%d%d"
    assert.matches("resuming the sync that began at " .. moment
      .. "; state: %S+/out/.xcompliance\n", err)
    assert.matches("resuming the check of 500 tweet ids that began at " .. moment
      .. ", with job %d+", err)
    assert.matches("report: %S+/out/.xcompliance/report.json\n$", out)
  end)

  if is_sanitized then return end

  --- Runs a command in a terminal of tmux, and gives its screen as often as it is asked.
  local function open(width, words, variables)
    local socket = at("tmux" .. width)
    local line = ("env BEARER_TOKEN=%s XCOMPLIANCE_BASE_URL=%s %s %s; echo status $?; sleep 60")
      :format(benches.TOKEN, bench.sim.url, variables or "", benches.command(words))
    assert(shell(("tmux -f /dev/null -S %s new-session -d -x %d -y 50 %s"):format(quote(socket),
      width, quote(line))))
    return {
      screen = function(_, pattern)
        for _ = 1, 200 do
          local screen = assert(shell(("tmux -S %s capture-pane -p"):format(quote(socket))))
          if screen:find(pattern) then return screen end
          shell("sleep 0.05")
        end
        error("the screen never showed " .. pattern, 2)
      end,
      close = function() shell(("tmux -S %s kill-server"):format(quote(socket))) end,
    }
  end

  for _, width in ipairs { 80, 40 } do
    it(("is live on a terminal of %d columns, and leaves it clean"):format(width), function()
      bench:stop()
      bench = benches.start { jobs_take = 2 }
      shell("mkdir " .. at("data"))
      benches.write(at("data/a.jsonl"), '{"id":"13","author_id":"14","text":"a"}\n')
      local terminal = open(width, ("bin/xcompliance sync %s -o %s --poll 1:1"):format(
        quote(at("data")), quote(at("out"))))
      local screen = terminal:screen("users: [^\n]*in_progress")
      local live = {}
      for line in screen:gmatch("[^\n]+") do
        if line:find(": in_progress", 1, true) then live[#live + 1] = line:match("^%a+: ") end
      end
      table.sort(live)
      assert.same({ "tweets: ", "users: " }, live, screen)
      screen = terminal:screen("status %d")
      terminal:close()
      assert.is_nil(screen:find("in_progress", 1, true), screen)
      assert.is_nil(screen:find("extracting", 1, true), screen)
      assert.matches("\ntweets  1 id asked", screen)
      assert.matches("\nstatus 0", screen)
    end)
  end

  it("is plain on a terminal that knows no codes", function()
    local terminal = open(79, ("bin/xcompliance extract tweets %s -o %s"):format(
      quote(at("data")), quote(at("ids"))), "TERM=dumb")
    local screen = terminal:screen("status %d")
    terminal:close()
    assert.matches("extracting the ids of tweets\n", screen)
  end)
end)
