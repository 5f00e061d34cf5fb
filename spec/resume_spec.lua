-- Everything is checked before anything is asked; and what may differ when the same is run again.

local benches = require "spec.support.bench"
local cjson = require "cjson"
local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local flows = require "spec.support.flows"
local journals = require "xcompliance.journal"
local simulator = require "spec.support.simulator"
local xcompliance = require "xcompliance"

local shell, quote = simulator.shell, simulator.quote

local POLL = { min = 0.02, max = 0.05 }

local function tweet(id, author)
  return ('{"id":"%s","author_id":"%s","text":"a"}'):format(id, author)
end

local function row(id, reason)
  return ('{"id":"%s","action":"delete","created_at":"2020-01-01T00:00:00.000Z","reason":"%s"}')
    :format(id, reason)
end

describe("before anything is asked", function()
  local bench, folder, ids

  setup(function()
    bench = benches.start { shares = {} }
    folder, ids = bench:path("data"), bench:path("ids.txt")
    assert(shell("mkdir " .. folder))
    benches.write(folder .. "/a.jsonl", tweet(100, 7) .. "\n")
    benches.write(ids, "1\n2\n")
  end)
  teardown(function() bench:stop() end)

  --- It fails as misuse, without a request, and leaves nothing.
  local function is_refused(method, options)
    local before = shell(("ls -A %s %s"):format(bench.folder, folder))
    bench:begin()
    local ok, outcome, err = pcall(bench:client()[method], bench:client(), options)
    if ok then
      assert.is_nil(outcome)
    else
      err = outcome
    end
    assert.equal("usage", err.kind, tostring(err))
    assert.equal("", bench:steps())
    assert.equal(before, shell(("ls -A %s %s"):format(bench.folder, folder)), tostring(err))
    return err
  end

  local ASKING = {
    name = "\255", upload = "fast", chunk = 1000, ids_per_job = 0, poll = { min = 0 },
    max_polls_per_15min = 0, deadline = -1,
  }

  for name, value in pairs(ASKING) do
    it("a check refuses the option " .. name, function()
      is_refused("check", { type = "tweets", ids = ids, results = bench.folder .. "/results",
        [name] = value })
    end)
    it("a sync refuses the option " .. name, function()
      is_refused("sync", { inputs = { folder }, in_place = true, [name] = value })
    end)
  end

  for what, options in pairs {
    ["a reason that does not exist"] = { policy = { odd = "remove" } },
    ["a treatment that does not exist"] = { policy = { deleted = "burn" } },
    ["a policy that needs a quarantine"] = { policy = { deleted = "quarantine" } },
    ["unknown outcomes that need one"] = { on_unknown = "quarantine" },
    ["malformed records that need one"] = { on_malformed = "quarantine" },
    ["an unknown treatment of unknown outcomes"] = { on_unknown = "ask" },
    ["half a thread"] = { jobs = 0.5 },
    ["too little memory"] = { memory = 1000 },
  } do
    it("a sync refuses " .. what, function()
      options.inputs, options.in_place = { folder }, true
      is_refused("sync", options)
    end)
  end

  it("a sync refuses a quarantine in the dataset", function()
    is_refused("sync", { inputs = { folder }, in_place = true, quarantine = folder .. "/kept",
      policy = { deleted = "quarantine" } })
  end)

  it("misuse of the client leaves no journal", function()
    local token = bench:path("token") -- what is in the file shows only when it is read
    benches.write(token, "\1")
    local client = xcompliance.client { token_file = token, base_url = bench.sim.url }
    for _ = 1, 2 do
      local ok, err = pcall(client.check, client, { type = "tweets", ids = ids,
        results = bench.folder .. "/results" })
      assert.is_false(ok)
      assert.equal("usage", err.kind)
      assert.equal("", shell(("ls -A %s | grep '^[.]' || true"):format(bench.folder)))
      ok, err = pcall(client.sync, client, { inputs = { folder }, in_place = true })
      assert.is_false(ok)
      assert.equal("usage", err.kind)
      assert.is_nil(io.open(folder .. "/.xcompliance/sync.journal"))
    end
  end)

  it("a sync checks that its output has a place, and room", function()
    for output, message in pairs {
      ["/proc/clean"] = "are needed, but only", [ids .. "/clean"] = "Not a directory",
    } do
      bench:begin()
      local report, err = bench:client():sync {
        inputs = { folder }, output = output, state = bench.folder .. "/state",
      }
      assert.is_nil(report)
      assert.equal("io", err.kind)
      assert.matches(message, tostring(err))
      assert.equal("", bench:steps())
    end
  end)

  it("a check does so, too", function()
    for results, message in pairs {
      [bench.folder] = "give the name of a file",
      [bench.folder .. "/missing/results"] = "No such file",
    } do
      bench:begin()
      local outcome, err = bench:client():check { type = "tweets", ids = ids, results = results }
      assert.is_nil(outcome)
      assert.equal("io", err.kind)
      assert.matches(message, tostring(err))
      assert.equal("", bench:steps())
    end
  end)
end)

flows.describe("a sync that is run again", function()
  local bench, folder, reported

  local function write(name, ...)
    benches.write(folder .. "/" .. name, table.concat({ ... }, "\n") .. "\n")
  end

  local function start(options)
    bench = benches.start(options)
    folder, reported = bench:path("data"), {}
    assert(shell("mkdir " .. folder))
  end

  before_each(function()
    start { shares = {}, verdicts = { row("100", "deleted"), row("101", "suspended") } }
    write("a.jsonl", tweet(100, 7), tweet(101, 7), tweet(102, 7))
    write("b.jsonl", tweet(103, 8))
  end)
  after_each(function() bench:stop() end)

  local function sync(more)
    local options = { inputs = { folder }, poll = POLL, state = bench.folder .. "/state" }
    if not (more and (more.output or more.dry_run)) then options.in_place = true end
    for name, value in pairs(more or {}) do options[name] = value end
    options.on_progress = options.on_progress or function(event)
      if event.warning then reported[#reported + 1] = event.warning end
    end
    return bench:client():sync(options)
  end

  --- Stops a sync when its two jobs exist.
  local function interrupt(more)
    bench:arm("get:503x*")
    local report = sync(more)
    assert.is_nil(report)
    bench.sim:disarm()
    assert.equal(2, #bench.sim:state().jobs)
    reported = {}
  end

  local function lines(name)
    local list = {}
    for line in io.lines(folder .. "/" .. name) do list[#list + 1] = line end
    return list
  end

  it("may have every option that concerns redaction alone changed", function()
    interrupt()
    local kept = bench.folder .. "/kept"
    local report = assert(sync {
      policy = { suspended = "quarantine" }, quarantine = kept, on_unknown = "remove", jobs = 1,
      strict = true, on_malformed = "remove",
    })
    assert.equal(2, #bench.sim:state().jobs)
    assert.equal(1, report.records.quarantined)
    assert.equal(1, report.records.dropped)
  end)

  it("may have its output changed", function()
    interrupt { output = bench.folder .. "/one" }
    local report = assert(sync { output = bench.folder .. "/two" })
    assert.equal(2, #bench.sim:state().jobs)
    assert.equal(2, report.records.dropped)
    assert.is_not_nil(io.open(bench.folder .. "/two/a.jsonl"))
  end)

  it("extracts a list of ids again that was removed meanwhile", function()
    interrupt()
    assert(os.remove(bench.folder .. "/state/tweets.ids"))
    local report = assert(sync())
    assert.equal(2, #bench.sim:state().jobs)
    assert.equal(2, report.records.dropped)
  end)

  it("begins with other files if no job was created", function()
    bench:arm("create:403x*")
    local report, err = sync()
    assert.is_nil(report)
    assert.equal("forbidden", err.kind)
    bench.sim:disarm()
    write("new.jsonl", tweet(999, 9))
    report = assert(sync())
    assert.equal(5, report.checked.tweets.asked)
    assert.equal(5, report.records.records)
  end)

  it("names what was moved, repaired and added, and continues if all of it was checked", function()
    interrupt()
    assert(os.rename(folder .. "/b.jsonl", folder .. "/moved.jsonl"))
    write("a.jsonl", tweet(100, 7), tweet(102, 7))
    write("again.jsonl", tweet(101, 7))
    local report = assert(sync())
    local all = table.concat(reported, "\n")
    for _, what in ipairs {
      "a.jsonl has changed", "again.jsonl is new", "moved.jsonl is new", "b.jsonl is gone",
    } do
      assert.matches(what, all, 1, true)
    end
    assert.equal(2, #bench.sim:state().jobs)
    assert.equal(4, report.records.records)
    assert.same({ tweet(102, 7) }, lines("a.jsonl"))
  end)

  it("names the file that holds what was never checked, and what starting again costs", function()
    interrupt()
    write("c.jsonl", tweet(103, 8))
    write("new.jsonl", tweet(999, 9))
    local report, err = sync()
    assert.is_nil(report)
    assert.equal("data", err.kind)
    assert.equal(folder .. "/new.jsonl", err.file)
    assert.matches("new.jsonl has changed since it was checked: it holds 999 of tweets",
      tostring(err), 1, true)
    assert.matches("remove " .. bench.folder .. "/state/sync.journal to start again: the results of"
      .. " 2 jobs are lost then", tostring(err), 1, true)
    assert(os.remove(folder .. "/new.jsonl"))
    assert(sync())
    assert.equal(2, #bench.sim:state().jobs)
  end)

  it("does not ask again if it was killed when a check had ended", function()
    local script = bench:path("suicide.lua")
    benches.write(script, [[
      local journals = require "xcompliance.journal"
      local real = journals.open
      function journals.open(...)
        local self, err = real(...)
        local methods = self and getmetatable(self).__index
        if methods and not methods.is_lethal then
          local record = methods.record
          methods.is_lethal = true
          function methods.record(own, entry)
            local ok, why = record(own, entry)
            if entry.checked_tweets then os.execute("kill -9 $PPID") end
            return ok, why
          end
        end
        return self, err
      end
      local client = require("xcompliance").client {}
      assert(client:sync { inputs = { arg[1] }, in_place = true, state = arg[2],
        poll = { min = 0.02 } })
    ]])
    local state = bench.folder .. "/state"
    shell(("BEARER_TOKEN=%s XCOMPLIANCE_BASE_URL=%s %s 2>&1"):format(benches.TOKEN, bench.sim.url,
      benches.command(("%s %s %s"):format(script, folder, state))))
    assert.is_not_nil(io.open(state .. "/.tweets.results.jsonl.journal"))
    assert.is_nil(io.open(state .. "/report.json"))
    assert(sync())
    assert.equal(2, #bench.sim:state().jobs)
    assert.equal("", shell(("ls -A %s | grep '^[.]' || true"):format(state)))
    assert(sync()) -- and nothing of it is left for the next one
    assert.equal(4, #bench.sim:state().jobs)
  end)

  --- Runs a sync whose journal fails when the dataset is redacted.
  local function fail_at_report(more)
    local journal = assert(journals.open(bench.folder .. "/any"))
    local methods = getmetatable(journal).__index
    journal:discard()
    local real = methods.record
    function methods.record(self, entry)
      if entry.report then return nil, errors.new("io", "a full disk") end
      return real(self, entry)
    end
    local report, err = sync(more)
    methods.record = real
    assert.is_nil(report)
    assert.equal("a full disk", tostring(err))
  end

  it("row 108: counts what an earlier run has replaced in place", function()
    fail_at_report()
    assert.same({ tweet(102, 7) }, lines("a.jsonl"))
    local report = assert(sync())
    assert.equal(2, report.records.dropped)
    assert.equal(4, report.records.records)
  end)

  it("row 108: counts what an earlier run with another policy has replaced in place", function()
    fail_at_report({ policy = { suspended = "keep" } })
    assert.same({ tweet(101, 7), tweet(102, 7) }, lines("a.jsonl"))
    write("b.jsonl", tweet(101, 7)) -- which must be redacted by the new policy
    local report = assert(sync())
    assert.same({ tweet(102, 7) }, lines("a.jsonl"))
    assert.same({}, lines("b.jsonl"))
    assert.equal(2, report.records.dropped)
    assert.equal(4, report.records.records)
    assert.equal(2, #bench.sim:state().jobs)
  end)

  it("redacts again if only the report was missing, but other options are given", function()
    local files = require "xcompliance.sync_files"
    local real = files.write
    files.write = function() return nil, errors.new("io", "a full disk") end
    local report = sync { output = bench.folder .. "/one" }
    files.write = real
    assert.is_nil(report)
    report = assert(sync { output = bench.folder .. "/two" })
    assert.equal(bench.folder .. "/two", report.output)
    assert.is_not_nil(io.open(bench.folder .. "/two/a.jsonl"))
    assert.equal(2, #bench.sim:state().jobs)
  end)

  it("redacts again for each option that what is published depends on, and for no other", function()
    local files, one = require "xcompliance.sync_files", bench.folder .. "/one"
    local shape = bench.folder .. "/shape.json"
    benches.write(shape, "tweet note_id id 3\n")
    local real = files.write
    files.write = function() return nil, errors.new("io", "a full disk") end
    assert.is_nil((sync { output = one }))
    files.write = real
    local state, kept = bench.folder .. "/state", bench.folder .. "/state.kept"
    assert(shell(("cp -a %s %s"):format(state, kept)))
    local function redacts(more)
      assert(shell(("rm -rf %s && cp -a %s %s"):format(state, kept, state)))
      local all, again = { output = one }, false
      for name, value in pairs(more) do all[name] = value end
      all.on_progress = function(event) again = again or event.step == "redact" end
      assert(sync(all))
      return again
    end
    for _, more in ipairs {
      { policy = { suspended = "keep" } }, { quarantine = bench.folder .. "/quarantine" },
      { on_unknown = "remove" }, { on_malformed = "remove" }, { on_unrecognised = "keep" },
      { shape = shape }, { columns = { id = "note_id" } }, { lists = "users" },
      { output = bench.folder .. "/two" }, { inputs = { folder .. "/a.jsonl" } },
      { dry_run = true }, { strict = true }, { allow_rounded = true },
    } do
      assert.is_true(redacts(more), (next(more)))
    end
    for _, more in ipairs { {}, { jobs = 1 }, { poll = { min = 0.01 } } } do
      assert.is_false(redacts(more), (next(more)))
    end
  end)

  it("reports what has changed since the last one that was applied, not since a dry run", function()
    assert(sync { policy = { suspended = "keep" } })
    bench.sim:stop()
    bench.sim = simulator.start { jobs_take = 0, shares = {}, verdicts = { row("102", "deleted") } }
    local state = bench.folder .. "/state"
    local before = benches.read(state .. "/report.json")
    local trial = assert(sync { dry_run = true })
    assert.equal(1, trial.differences.tweets.newly_gone)
    assert.equal(before, benches.read(state .. "/report.json"))
    assert.is_true(cjson.decode(benches.read(state .. "/report.dry-run.json")).dry_run)
    local report = assert(sync())
    assert.equal(1, report.differences.tweets.newly_gone)
    assert.equal(1, report.differences.tweets.reinstated)
  end)

  it("row 104: refuses a journal of the format before, and names its version", function()
    interrupt()
    local journal = bench.folder .. "/state/sync.journal"
    local entry = '{"format":1,"step":"check"}'
    benches.write(journal, ('{"crc32c":"%s","entry":%s}\n'):format(core.crc32c(entry), entry))
    local _, err = sync()
    assert.equal("data", err.kind)
    assert.matches("written by an earlier version of this program (format 1", tostring(err), 1,
      true)
    assert.matches(quote(journal):sub(2, -2), tostring(err), 1, true)
  end)
end)
