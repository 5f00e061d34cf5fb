-- The command: arguments, what goes to which stream, exit statuses, signals.

local benches = require "spec.support.bench"
local cjson = require "cjson"
local cli = require "xcompliance.cli"
local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local simulator = require "spec.support.simulator"
local command = require "spec.support.command"
local text = require "xcompliance.text"

local quote, shell = simulator.quote, simulator.shell
local unpack = table.unpack or unpack -- luacheck: ignore

local function run(variables, ...) return command.run({ ... }, variables) end

describe("the command line", function()
  it("is explained: every command has an example", function()
    local status, out, err = run({}, "--help")
    assert.equal(0, status)
    assert.equal("", err)
    local commands = {}
    for name in out:match("Commands:\n(.-)\n\n"):gmatch("\n? +([%w-]+) +%S[^\n]*") do
      commands[#commands + 1] = name
    end
    assert.is_true(#commands >= 7)
    for _, name in ipairs(commands) do
      status, out = run({}, name, "--help")
      assert.equal(0, status)
      assert.matches("Example", out, 1, true)
      assert.matches("xcompliance " .. name, out, 1, true)
    end
  end)

  it("reports the version", function()
    for _, flag in ipairs { "--version", "-V" } do
      local status, out = run({}, flag)
      assert.equal(0, status)
      assert.equal("xcompliance " .. core.version .. "\n", out)
    end
  end)

  it("that is wrong ends with 64, the usage and why", function()
    for _, case in ipairs {
      { "a command is required" }, { "unknown command 'chek'", "chek" },
      { "unknown option '%-%-fast'", "check", "tweets", "ids", "-o", "x", "--fast" },
      { "must be one of 'tweets', 'users'", "check", "posts", "ids", "-o", "x" },
      { "missing option '%-o'", "check", "tweets", "ids" },
      { "%-%-poll is MIN:MAX", "check", "tweets", "ids", "-o", "x", "--poll", "0:1" },
      { "%-%-poll is MIN:MAX", "check", "tweets", "ids", "-o", "x", "--poll", "9:1" },
      { "%-%-deadline is a number, not 'soon'",
        "check", "tweets", "i", "-o", "x", "--deadline", "soon" },
    } do
      local status, out, err = run({}, (table.unpack or unpack)(case, 2)) -- luacheck: ignore
      assert.equal(64, status)
      assert.equal("", out)
      local _, lines = err:gsub("\n", "")
      assert.equal(2, lines)
      assert.matches("\nTry 'xcompliance[%a ]* %-%-help'%.\n$", err)
      assert.matches(case[1], err)
    end
  end)

  it("is explained in 80 columns, by help and by --help", function()
    local _, all = run({}, "help")
    assert.equal(select(2, run({}, "--help")), all)
    for name in ("sync check create get list cancel upload download extract redact verdicts"
      .. " shapes simulate"):gmatch("%a+") do
      assert.matches("\n   " .. name .. " +%u[^\n]*\n", all)
      local status, out = run({}, "help", name)
      assert.equal(0, status)
      assert.equal(select(2, run({}, name, "--help")), out)
      for line in (out .. all):gmatch("[^\n]+") do assert.is_true(#line < 80, line) end
    end
    assert.equal(64, (run({}, "help", "me")))
  end)

  it("has no option for the token", function()
    for _, name in ipairs { "check", "create", "get", "list", "upload", "download" } do
      local _, out = run({}, name, "--help")
      assert.is_nil(out:find("--token ", 1, true))
      assert.is_nil(out:find("--bearer", 1, true))
    end
  end)
end)

describe("an exit status", function()
  it("is known for every kind of error, and is the one that is documented", function()
    local file = assert(io.open("docs/errors.md"))
    local manual = file:read("*a")
    file:close()
    for kind in pairs(errors.kinds) do
      local status = cli.statuses[kind]
      assert.is_number(status, kind)
      assert.is_truthy(manual:find("\n| `" .. kind .. "` | [^\n|]+ | " .. status), kind)
    end
    assert.equal(73, cli.status_of(errors.new("io", "x", { creating = true })))
    assert.equal(130, cli.status_of(errors.new("cancelled", "x", { signal = "SIGINT" })))
    assert.equal(143, cli.status_of(errors.new("cancelled", "x", { signal = "SIGTERM" })))
  end)
end)

describe("the command", function()
  local bench, env

  before_each(function()
    bench = benches.start()
    env = { BEARER_TOKEN = benches.TOKEN, XCOMPLIANCE_BASE_URL = bench.sim.url }
  end)
  after_each(function() bench:stop() end)

  local function json(...)
    local status, out, err = run(env, ...)
    assert.equal(0, status, err)
    return cjson.decode(out), out
  end

  it("does the single steps, and prints models as JSON", function()
    local job = json("create", "tweets", "--name", "monday", "--json").data
    assert.equal("monday", job.name)
    local path = bench:list(2000)
    local odd = bench:path("odd.jsonl")
    benches.write(odd, '{"id":"1","text":"private"}\n')
    local status, out, err = run(env, "upload", job.upload_url, odd)
    assert.same({ 65, "" }, { status, out })
    assert.matches("--as-is sends the file whatever it holds", err, 1, true)
    local info = json("upload", job.upload_url, path, "--json")
    assert.equal(100, info.ids)
    repeat until json("get", job.id, "--json").data.status == "complete"
    assert.equal(job.id, json("list", "tweets", "--status", "complete", "--json").data[1].id)
    local results = bench:path("results.jsonl")
    info = json("download", job.download_url, "-o", results, "--json")
    assert.equal(#benches.read(results), info.bytes)
  end)

  --- Starts over in the older flow, which has sessions.
  local function with_sessions()
    bench:stop()
    bench = benches.start { flow = "storage" }
    env.XCOMPLIANCE_BASE_URL = bench.sim.url
  end

  it("does the single steps, and prints them for people", function()
    with_sessions()
    local _, out = run(env, "create", "users", "--resumable")
    assert.matches("\nresumable +true\n", out)
    local id, url = out:match("^id +(%d+)\n"), out:match("upload_url +(%S+)")
    local status
    status, out = run(env, "list", "users")
    assert.equal(0, status)
    assert.matches("^ID +TYPE +STATUS +CREATED +NAME\n" .. id
      .. "  users   created      %d+ s ago", out)
    assert.is_nil(out:find("http", 1, true)) -- a list of jobs shows no credentials
    local log = bench:log()
    assert.matches("compliance_job.fields=id,type,status,created_at,name", log[#log].query, 1, true)
    _, out = run(env, "list", "tweets")
    assert.equal("there are no such jobs\n", out)
    _, out = run(env, "upload", url, (bench:list(300000)), "--chunk", "262144")
    assert.matches("^uploaded 15,000 ids %(300 kB%), verified %(CRC32C [%w+/=]+%)\n$", out)
    repeat _, out = run(env, "get", id) until not out:find("in_progress", 1, true)
    assert.matches("\nstatus +complete\n", out)
  end)

  it("moves ids and results over the API's own host, and says how that was proved", function()
    local own = benches.start { flow = "api" }
    finally(function() own:stop() end)
    env.XCOMPLIANCE_BASE_URL = own.sim.url
    local job = json("create", "users", "--json").data
    local _, out = run(env, "upload", job.upload_url, (own:list(300000)))
    assert.equal("uploaded 15,000 ids (300 kB), verified by length (checksum: none)\n", out)
    repeat _, out = run(env, "get", job.id) until not out:find("in_progress", 1, true)
    _, out = run(env, "download", job.download_url, "-o", own:path("results"))
    assert.matches(", verified by length %(checksum: none%)\n$", out)
  end)

  it("asks for a dataset as it would for a list", function()
    with_sessions()
    local dataset, output = bench:path("tweets.jsonl"), bench:path("clean")
    benches.write(dataset, '{"id":"20","author_id":"12"}\n')
    local status, out, err = run(env, "sync", dataset, "-o", output, "--upload", "resumable",
      "--poll", "1:1", "--max-polls-per-15min", "900", "--price-per-poll", "0.005")
    assert.equal(0, status, err)
    assert.matches("API calls: 2 create, 2 get %(polls: 0.010%)", out)
    assert.equal(2, bench:count("start"))
  end)

  it("checks a list, says what it does on stderr and what came out on stdout", function()
    local ids, results = bench:list(20 * 500), bench:path("results.jsonl")
    local status, out, err = run(env, "check", "tweets", ids, "-o", results, "--poll", "1:1",
      "--price-per-poll", "0.005")
    assert.equal(0, status, err)
    assert.matches("^job %d+: 500 tweet ids asked in ", out)
    assert.matches("\n +%d+  deleted\n", out)
    assert.matches("\n +%d+  without an event\n", out)
    assert.matches("results.jsonl: %d+ rows, [%d.]+ kB, verified", out)
    assert.matches("API calls: 1 create, 1 get %(polls: 0.005%)\n$", out)
    assert.matches("job %d+ was created\n", err)
    assert.matches("uploaded 500 ids %(10 kB%)\n", err)
    assert.is_nil((out .. err):find("Signature", 1, true))
    assert.is_nil((out .. err):find(benches.TOKEN, 1, true))
  end)

  it("says nothing but errors if it must be quiet", function()
    local ids, results = bench:list(20 * 5), bench:path("results.jsonl")
    local status, out, err = run(env, "check", "tweets", ids, "-o", results, "--poll", "1:1", "-q",
      "--json")
    assert.equal(0, status)
    assert.equal("", err)
    local outcome = cjson.decode(out)
    assert.equal(5, outcome.ids)
    assert.is_nil(out:find("%d%.0[,}]"))
    status, out, err = run(env, "get", "1", "-q")
    assert.equal(69, status)
    assert.equal("", out)
    assert.matches("^xcompliance: reading a compliance job at http.*404.*\n$", err)
  end)

  it("prints nothing but errors if it must be quiet", function()
    local ids, results = bench:list(20 * 5), bench:path("results.jsonl")
    for _, words in ipairs {
      { "check", "tweets", ids, "-o", results, "--poll", "1:1" }, { "list", "tweets" },
      { "extract", "tweets", ids, "-o", bench:path("out.ids") },
      { "verdicts", "--tweets", results, "-o", bench:path("out.verdicts") },
      { "redact", ids, "--tweets", results, "-o", bench:path("clean.txt") },
    } do
      table.insert(words, "--quiet")
      local status, out, err = run(env, (table.unpack or unpack)(words)) -- luacheck: ignore
      assert.equal("0", status .. out .. err)
    end
  end)

  describe("that cannot write to standard output", function()
    local ids, verdicts, record

    before_each(function()
      ids, verdicts, record = bench:list(20 * 5), bench:path("v.jsonl"), bench:path("r.jsonl")
      benches.write(verdicts, "")
      benches.write(record, '{"id":"1","text":"a","author_id":"2"}\n')
    end)

    --- Runs the command with its standard output going there.
    local function redirected(words, where)
      local run_shell = require("spec.support.simulator").run
      return run_shell(("%s 2>&1 %s"):format(bench:xcompliance(words), where))
    end

    for name, words in pairs {
      ["--version"] = "--version", ["--help"] = "--help", ["list"] = "list tweets",
      ["extract"] = "extract tweets %s -o %s.ids", ["check"] = "check tweets %s -o %s.results",
      ["redact"] = "redact %s.r --tweets %s.v -o %s.clean",
      ["redact -"] = "redact - --tweets %s.v", ["verdicts -o -"] = "verdicts --tweets %s.v -o -",
    } do
      it("row 109: fails with status 74: " .. name, function()
        os.rename(verdicts, ids .. ".v")
        os.rename(record, ids .. ".r")
        words = words:gsub("%%s", function() return ids end)
        for _, where in ipairs { ">/dev/full", ">&-" } do
          local output, status = redirected(words, where .. " <" .. ids .. ".r")
          -- a list of nothing is nothing to write
          if not name:find("verdicts", 1, true) then
            assert.equal(74, status, output)
            assert.matches("standard output", output)
          end
        end
      end)
    end

    it("writes nothing of a pipe that it could not read to its end", function()
      benches.write(record, '{"id":"1","text":"a","author_id":"2"}\n{"id":')
      local output, status = redirected("redact - --tweets " .. verdicts, "2>/dev/null <" .. record)
      assert.equal(65, status)
      assert.equal("", output)
      benches.write(record, ('{"id":"1","text":"%s","author_id":"2"}\n'):format(("a"):rep(999))
        :rep(1000))
      output, status = redirected("redact - --tweets " .. verdicts, "2>/dev/null <" .. record)
      assert.equal(0, status)
      assert.equal(benches.read(record), output)
    end)
  end)

  it("ends with a status for each kind of failure", function()
    local ids, results = bench:list(2000), bench:path("results.jsonl")
    local bad = bench:path("bad.txt")
    benches.write(bad, "1.26E+18\n")
    for _, case in ipairs {
      { 64, nil, "get", "12a" }, { 69, nil, "get", "12" }, { 77, "get:401", "get", "1" },
      { 77, "get:403-client-forbidden", "get", "1" },
      { 65, nil, "check", "tweets", bad, "-o", results },
      { 74, nil, "check", "tweets", "/nonexistent", "-o", results },
      { 73, nil, "check", "tweets", ids, "-o", "/nonexistent/results" },
      { 75, "upload:blackhole", "check", "tweets", ids, "-o", results, "--deadline", "0.3" },
      { 76, "create:302", "create", "tweets", "--name", "x" },
      { 69, nil, "get", "1", "--token-file", bad },
      { 78, nil, "get", "1", "--token-file", "/nonexistent" },
      { 78, nil, "get", "1", "--ca-file", "/nonexistent" },
    } do
      if case[2] then bench:arm(case[2]) end
      local status, _, err = run(env, (table.unpack or unpack)(case, 3)) -- luacheck: ignore
      assert.equal(case[1], status, err)
      bench.sim:disarm()
    end
    env.BEARER_TOKEN = ""
    if not os.getenv("BEARER_TOKEN") then assert.equal(78, (run(env, "get", "1"))) end
  end)

  it("names its own options, not the module's or its functions", function()
    local ids, results = bench:list(2000), bench:path("results.jsonl")
    for message, words in pairs {
      ["there is no bearer token - set BEARER_TOKEN, or give --token-file\n"] =
        { { XCOMPLIANCE_BASE_URL = bench.sim.url }, "check", "tweets", ids, "-o", results },
      ["--timeout must be a number from 0.001 to 10000000\n"] =
        { env, "check", "tweets", ids, "-o", results, "--timeout", "0" },
      ["a job's id is a string of 1 to 19 digits\n"] = { env, "cancel", "abc" },
    } do
      local _, _, err = run((table.unpack or unpack)(words)) -- luacheck: ignore
      assert.equal("xcompliance: " .. message, err)
      assert.equal("", shell(("ls -A %s | grep '^[.]' || true"):format(bench.folder)))
    end
  end)

  it("reads ids from standard input, and writes ids and results to standard output", function()
    local folder = bench.folder
    assert(shell(("mkdir %s/d && seq 1001 3000 >%s/d/t.txt"):format(folder, folder)))
    local function sh(format, ...)
      return shell(("export BEARER_TOKEN=%s XCOMPLIANCE_BASE_URL=%s; x() { %s \"$@\"; }; cd %s; %s")
        :format(benches.TOKEN, bench.sim.url, benches.command(shell("pwd") .. "/bin/xcompliance"),
          quote(folder), format:format(...)))
    end
    local ids = sh "x extract tweets d -o - --quiet"
    assert.equal(shell("seq 1001 3000"), ids)
    local out = assert(sh "x extract tweets d -o - -q | x check tweets - -o r --poll 1:1 --json")
    local outcome = cjson.decode(out:match("{.*}"))
    assert.equal(2000, outcome.ids)
    local job = assert(sh("x get %s --json", outcome.jobs[1].id))
    local url = cjson.decode(job).data.download_url
    assert.equal(sh "cat r", sh("x download %s -o - --quiet", quote(url)))
    assert.equal("", shell("ls /tmp | grep xcompliance- || true"))
    -- a folder can be opened, but not read: that is no end of the ids
    local said = sh "x check tweets - -o none --poll 1:1 2>&1 <. || echo $?"
    assert.matches("reading standard input: Is a directory.*74$", said)
    assert.is_nil(benches.read(folder .. "/none"))
    assert.equal(64, (run(env, "upload", url, "-")))
    assert.equal(64, (run(env, "extract", "tweets", "d", "-o", "-", "--ids-per-file", "3")))
  end)

  it("ends with 73 if a file cannot be made, and 64 if a URL is not one", function()
    local ids, results = bench:list(200), bench:path("results")
    assert.equal(0, (run(env, "check", "tweets", ids, "-o", results, "--poll", "1:1")))
    for _, words in ipairs {
      { "extract", "tweets", ids, "-o", "/missing/x" },
      { "extract", "tweets", ids, "-o", "/proc/x" },
      { "redact", ids, "--tweets", results, "-o", "/proc/x/y" },
      { "redact", ids, "--tweets", results, "-o", results .. "2", "--rehydrate", "/proc/x" },
      { "verdicts", "--tweets", results, "-o", "/proc/x" },
      { "verdicts", "--tweets", results, "--outcome", "delete", "-o", "/proc/x" },
      { "check", "tweets", ids, "-o", "/proc/x" }, { "check", "tweets", ids, "-o", "/missing/x" },
      { "sync", ids, "-o", "/proc/x" }, { "sync", ids, "-o", "x", "--state", "/proc/x" },
      { "download", bench.sim.url .. "/x", "-o", "/missing/x" },
    } do
      local status, _, err = run(env, unpack(words))
      assert.equal(73, status, table.concat(words, " ") .. ": " .. err)
    end
    for _, words in ipairs {
      { "upload", "x", ids }, { "download", "x", "-o", "y" }, { "upload", "https://", ids },
      { "get", "1", "--base-url", "x" }, { "get", "1", "--base-url", "ftp://x" },
    } do
      local status, _, err = run(env, unpack(words))
      assert.equal(64, status, table.concat(words, " ") .. ": " .. err)
    end
  end)

  it("prints an empty array as one, and says that a dry run wrote nothing", function()
    local ids, results = bench:list(20), bench:path("results")
    assert.equal(0, (run(env, "check", "tweets", ids, "-o", results, "--poll", "1:1")))
    local _, out = run(env, "redact", ids, "--tweets", results, "-o", results .. "2", "--json")
    assert.matches('"ignored_files":[]', out, 1, true)
    _, out = run(env, "redact", ids, "--tweets", results, "--dry-run")
    assert.matches("^nothing was written: this was a dry run\n", out)
  end)

  it("takes several treatments with commas, and the dataset after them", function()
    local data, results = bench:path("in.jsonl"), bench:path("results")
    benches.write(data, '{"id":"1","text":""}\n{"id":"2","text":""}\n')
    benches.write(results, '{"id":"1","action":"delete","reason":"deleted"}\n'
      .. '{"id":"2","action":"delete","reason":"suspended"}\n')
    local status, out = run(env, "redact", "--tweets", results, "--policy",
      "deleted=keep,suspended=keep", data, "--dry-run")
    assert.equal(0, status)
    assert.matches("2 kept", out)
    assert.equal(64, (run(env, "redact", data, "--tweets", results, "--policy", "deleted=keep,")))
  end)

  it("shows no control character of others", function()
    local id = bench:job().id
    bench:arm('get:set@{"name":"a\\u001b[31mb"}', 'list:set@{"name":"a\\u001b[31mb"}')
    for _, arguments in ipairs { { "get", id }, { "list", "tweets" } } do
      local _, out = run(env, arguments[1], arguments[2])
      assert.matches("a?[31mb", out, 1, true)
      assert.is_nil(out:find("\27"))
    end
  end)

  it("warns of what the API says beside its data", function()
    local id = bench:job().id
    bench:arm("get:with-errors")
    local status, _, err = run(env, "get", id)
    assert.equal(0, status)
    assert.matches("the API says: Something went wrong", err)
  end)

  describe("is interrupted", function()
    local function interrupt(signal, fault, step, arguments)
      bench:arm(fault)
      local status, script = bench:path("status"), bench:path("run.sh")
      -- with job control, since what a shell puts into the background ignores SIGINT otherwise
      benches.write(script, ("set -m\n(exec env BEARER_TOKEN=%s XCOMPLIANCE_BASE_URL=%s %s)"
        .. " 2>%s.err &\necho $! >%s.pid\nwait $!\necho $? >%s\n"):format(benches.TOKEN,
        bench.sim.url, benches.command("bin/xcompliance " .. arguments), status, status, status))
      shell("sh " .. script .. " >/dev/null 2>&1 & true")
      for _ = 1, 200 do
        if bench:count(step) > 0 then break end
        core.sleep(0.02)
      end
      local start = core.now()
      shell("kill -" .. signal .. " $(cat " .. status .. ".pid)")
      for _ = 1, 200 do
        if benches.read(status) then break end
        core.sleep(0.01)
      end
      assert.is_true(core.now() - start < 1)
      return tonumber(benches.read(status)), benches.read(status .. ".err")
    end

    it("in a transfer, by SIGINT, and continues when it is run again", function()
      local ids, results = bench:list(20 * 500), bench:path("results.jsonl")
      local arguments = ("check tweets %s -o %s --poll 1:1"):format(ids, results)
      local status, err = interrupt("INT", "upload:blackhole", "upload", arguments)
      assert.equal(130, status)
      assert.matches("interrupted by SIGINT %- run it again to resume", err)
      bench.sim:disarm()
      assert.equal(0, (run(env, "check", "tweets", ids, "-o", results, "--poll", "1:1")))
      assert.equal(1, #bench.sim:state().jobs)
    end)

    it("in a wait, by SIGTERM", function()
      local ids, results = bench:list(20 * 500), bench:path("results.jsonl")
      local arguments = ("check tweets %s -o %s --poll 60:60"):format(ids, results)
      local status = interrupt("TERM", "create:job-slow@60", "upload", arguments)
      assert.equal(143, status)
      assert.is_nil(benches.read(results))
    end)
  end)

  it("runs from any folder, and needs no environment but the token", function()
    local root = assert(shell("pwd"))
    local out = assert(shell(("cd / && env -i PATH=/usr/bin:/bin BEARER_TOKEN=x"
      .. " %s/bin/xcompliance list tweets --base-url %s"):format(root, bench.sim.url)))
    assert.equal("there are no such jobs", (out:gsub("%s+$", "")))
  end)

  it("is found through a symbolic link", function()
    local root, link = assert(shell("pwd")), bench:path("it's a link")
    assert(shell(("ln -s %s/bin/xcompliance %s"):format(root, quote(link))))
    assert.matches("^xcompliance %d", assert(shell("cd / && env -i PATH=/usr/bin:/bin "
      .. quote(link) .. " --version")))
  end)

  it("runs where it is installed, whatever that is called", function()
    local core_so = rawget(package, "searchpath")("xcompliance.core", package.cpath)
    local prefix = bench:path("opt") .. "/lua"
    local script = [[set -e; modules=PREFIX/share/lua/VERSION; objects=PREFIX/lib/lua/VERSION
      mkdir -p PREFIX/bin "$modules" "$objects/xcompliance"
      cp bin/xcompliance PREFIX/bin; cp -r lua/xcompliance "$modules"
      cp CORE "$objects/xcompliance"; cd /
      env -i PATH=/usr/bin:/bin LUA PREFIX/bin/xcompliance --version]]
    local words = {
      PREFIX = prefix, VERSION = _VERSION:match "%d%.%d", CORE = core_so,
      LUA = require "spec.support.interpreter",
    }
    assert.matches("^xcompliance %d", assert(shell((script:gsub("%u+", words)))))
  end)

  it("simulates, until it is interrupted", function()
    local output = bench:path("output")
    local pid = assert(shell(("bin/xcompliance simulate --jobs-take 0"
      .. " --share deleted=1 --fault list:503 >%s 2>&1 & echo $!"):format(output)))
    local port
    for _ = 1, 200 do
      port = (benches.read(output) or ""):match("ready (%d+)")
      if port then break end
      core.sleep(0.02)
    end
    env.XCOMPLIANCE_BASE_URL = "http://127.0.0.1:" .. assert(port)
    local ids, results = bench:list(20 * 10), bench:path("results.jsonl")
    local status, out, err = run(env, "check", "tweets", ids, "-o", results, "--poll", "1:1")
    assert.equal(0, status, err)
    assert.matches("\n +1%d  deleted\n", out)
    assert(shell("kill -TERM " .. pid))
    for _ = 1, 100 do
      if not shell("kill -0 " .. pid .. " 2>/dev/null") then break end
      core.sleep(0.02)
    end
    assert.is_nil((shell("kill -0 " .. pid .. " 2>/dev/null")))
  end)

  it("simulates under Lua 5.4 alone, and with options that are right", function()
    local status, _, err = run({}, "simulate", "--fault", "nonsense")
    assert.equal(_VERSION == "Lua 5.1" and 78 or 64, status)
    if status == 78 then assert.matches("under Lua 5.4", err) end
    assert.equal(status, (run({}, "simulate", "--share", "deleted=2")))
    if status == 78 then return end
    _, _, err = run({}, "simulate", "--flow", "nonsense")
    assert.matches("^xcompliance: %-%-flow must be api or storage\n", err)
    _, _, err = run({}, "simulate", "--fault", "get:date@iso")
    assert.matches("^xcompliance: fault date: iso is not a form\n", err)
  end)
end)

describe("text", function()
  it("has numbers and times as people read them", function()
    assert.equal("0", text.count(0))
    assert.equal("999", text.count(999))
    assert.equal("52,428,800", text.count(52428800))
    assert.equal("9 bytes", text.size(9))
    assert.equal("1.0 kB", text.size(1000))
    assert.equal("194 MB", text.size(194012345))
    assert.equal("0.25 s", text.duration(0.25))
    assert.equal("90 s", text.duration(90))
    assert.equal("2 min", text.duration(120))
    assert.equal("1 h 2 min", text.duration(3725))
    assert.equal("c", text.basename("/a/b/c"))
    assert.equal("c", text.basename("c"))
  end)
end)
