-- what may never be shown: promises 5, 6, 7 and 40 of docs/security.md, for whole runs of the
-- command. Besides, spec/support/leaks.lua watches every error, event, journal and output of every
-- spec.

local benches = require "spec.support.bench"
local core = require "xcompliance.core"
local flows = require "spec.support.flows"
local leaks = require "spec.support.leaks"
local simulator = require "spec.support.simulator"

local quote, shell = simulator.quote, simulator.shell

local TOKEN = benches.TOKEN

flows.describe("whatever the command does", function(flow)
  local bench, ids, run_count

  before_each(function()
    bench = benches.start { bearer_token = TOKEN }
    run_count = 0
    ids = bench:path("ids.txt")
    benches.write(ids, benches.ids(20 * 1000))
    assert(shell("mkdir -m 700 " .. bench.folder .. "/private"))
    benches.write(bench.folder .. "/private/token", TOKEN .. "\n")
  end)
  after_each(function() bench:stop() end)

  --- The words that run the command. The token is in a file, so nothing else should know it.
  local function command(arguments, wrapper)
    return benches.command("bin/xcompliance " .. arguments
      .. " --token-file " .. bench.folder .. "/private/token",
      "env -u BEARER_TOKEN XCOMPLIANCE_BASE_URL=" .. bench.sim.url .. " " .. (wrapper or ""))
  end

  --- Runs it.
  -- @treturn string stdout
  -- @treturn string stderr
  -- @treturn number the exit status
  local function run(arguments)
    run_count = run_count + 1
    local out, err = bench.folder .. "/out" .. run_count, bench.folder .. "/err" .. run_count
    local _, status = simulator.run(("%s >%s 2>%s"):format(command(arguments), out, err))
    return benches.read(out), benches.read(err), status
  end

  --- The tokens of the URLs of all jobs, as they are written in them and decoded.
  local function url_tokens()
    local tokens = {}
    for _, type in ipairs { "tweets", "users" } do
      local text = bench.sim:curl(("-H 'Authorization: Bearer %s' '%s/2/compliance/jobs?type=%s'")
        :format(TOKEN, bench.sim.url, type))
      for token in text:gmatch("[?&]token=([^\"&]+)") do
        tokens[#tokens + 1] = token
        tokens[#tokens + 1] = token:gsub("%%(%x%x)", function(hex)
          return string.char(tonumber(hex, 16))
        end)
      end
    end
    return tokens
  end

  --- No file but the one that holds it has the token; no message has a signature or a URL's token.
  local function expect_nothing_shown()
    local tokens = url_tokens()
    local found = select(2, shell(("grep -rlF %s %s --exclude-dir=private"):format(
      quote(TOKEN), quote(bench.folder))))
    assert.equal("", (found:gsub("%s", "")))
    for i = 1, run_count do
      local reported = benches.read(bench.folder .. "/err" .. i)
      leaks.search(reported, "stderr of run " .. i)
      for _, token in ipairs(tokens) do assert.is_nil(reported:find(token, 1, true), reported) end
    end
  end

  it("succeeds without telling the token", function()
    local out, _, status = run("create tweets --name x --json")
    assert.equal(0, status)
    local url, id = out:match('"upload_url":"([^"]+)"'), out:match('"id":"(%d+)"')
    assert.equal(0, select(3, run("list tweets")))
    assert.equal(0, select(3, run("doctor")))
    assert.equal(0, select(3, run("get " .. id)))
    assert.equal(0, select(3, run(("upload %s %s"):format(quote(url), ids))))
    core.sleep(0.2)
    out = run("get " .. id .. " --json")
    assert.equal(0, select(3, run(("download %s -o %s"):format(
      quote(out:match('"download_url":"([^"]+)"')), bench:path("results")))))
    for _, how in ipairs(flow == "api" and { "simple" } or { "simple", "resumable" }) do
      out, _, status = run(("check users %s -o %s --poll 1:1 --upload %s"):format(
        ids, bench:path("results"), how))
      assert.equal(0, status)
      leaks.search(out, "stdout") -- a summary; models that are asked for hold URLs
    end
    assert.equal(flow == "api", #url_tokens() > 0)
    expect_nothing_shown()
  end)

  local ECHO = ('{"title":"x","detail":"Authorization: Bearer %s; X-Goog-Signature=abcdef012345"}')
    :format(TOKEN)
  local FAILURES = { -- exit status, fault, options; the last ones are of one flow
    ["the token is wrong"] = { 77, { step = "any", fault = "raw", status = 401, body = ECHO } },
    ["it is echoed by a page"] = { 77, { step = "any", fault = "raw", status = 403,
      headers = { ["Content-Type"] = "text/html", ["X-Echo"] = "Bearer " .. TOKEN },
      body = "<html>" .. TOKEN .. "&amp;upload_id=abcdef</html>" } },
    ["it is echoed by what does not parse"] = { 75, { step = "get", fault = "raw", status = 200,
      body = '{"data":"' .. TOKEN, count = 1000 } },
    ["the job fails with an echo"] = { 69, "create:job-fails@" .. TOKEN:gsub("t0ken", "")
      .. "X-Goog-Signature=abcdef" },
    ["the upload is cut"] = { 75, "upload:cut@1000x*" },
  }
  local FAILURES_OF = {
    storage = {
      ["storage echoes the URL"] = { 77, "upload:403-signature" },
      ["storage says that the URL has expired"] = { 69, "upload:400-expiredx*" },
      ["a session is not begun"] = { 77, "start:403-signature", "--upload resumable" },
      ["a session is begun elsewhere"] = { 76, { step = "start", fault = "raw", status = 201,
        headers = { Location = "https://evil.example/?upload_id=abcdef" } }, "--upload resumable" },
      ["results do not match"] = { 65, "download:flip@10x*" },
      ["results are refused"] = { 77, "download:403-signaturex*" },
    },
    api = {
      ["the URL is refused"] = { 77, "upload:403-purposex*" },
      ["the list is refused"] = { 64, { step = "upload", fault = "raw", status = 400,
        body = '{"title":"x","detail":"?token=abcdef is odd"}' } },
      ["X takes no uploads"] = { 75, "upload:404-emptyx*" },
      ["results are refused"] = { 75, "download:403-purposex*" }, -- another job is created
    },
  }
  for name, case in pairs(FAILURES_OF[flow]) do FAILURES[name] = case end
  for name, case in pairs(FAILURES) do
    it("fails without showing a secret where " .. name, function()
      if type(case[2]) == "string" then bench:arm(case[2]) else bench.sim:arm_raw(case[2]) end
      local _, err, status = run(("check tweets %s -o %s --poll 1:1 --deadline 2 %s"):format(
        ids, bench:path("results"), case[3] or ""))
      assert.equal(case[1], status, err)
      expect_nothing_shown()
    end)
  end

  it("shows the token to nobody who looks at its process", function()
    local trace = bench:path("trace")
    bench:arm("get:stall@3")
    local traced = shell("command -v strace") and "strace -f -e trace=execve,openat -o " .. trace
    local process = bench:spawn((command(("check tweets %s -o %s --poll 1:1"):format(
      ids, bench:path("results")), traced)))
    for _ = 1, 100 do
      core.sleep(0.1)
      if bench:count("get") > 0 then break end
    end
    assert.equal(1, bench:count("get"))
    local pid = shell(("pgrep -f '[b]in/xcompliance check tweets %s' | tail -1"):format(ids))
    assert.matches("^%d+$", pid)
    for _, name in ipairs { "cmdline", "environ" } do
      local text = benches.read(("/proc/%s/%s"):format(pid, name))
      assert.is_true(#text > 0)
      assert.is_nil(text:find(TOKEN, 1, true), name)
    end
    assert.equal("", shell(("cat /proc/%s/task/*/children"):format(pid)))
    process.wait()
    if traced then
      local log = benches.read(trace)
      assert.equal(1, select(2, log:gsub("execve%(", "")), log:match("execve.*"))
      assert.is_nil(log:find(TOKEN, 1, true))
    end
    expect_nothing_shown()
  end)

  it("reports no id that it was given, nor that it received", function()
    local marks = {}
    for i = 1, 500 do marks[i] = ("77777%014d"):format(i) end
    benches.write(ids, table.concat(marks, "\n"))
    local results = bench:path("results")
    local out, err, status = run(("check tweets %s -o %s --poll 1:1"):format(ids, results))
    assert.equal(0, status)
    assert.is_nil((out .. err):find("77777", 1, true))
    assert.is_truthy(benches.read(results):find("77777", 1, true))
    bench:arm(flow == "api" and "download:body@{}x*" or "download:flip@10x*")
    out, err, status = run(("check tweets %s -o %s --poll 1:1"):format(ids, results))
    assert.equal(65, status)
    assert.is_nil((out .. err):find("77777", 1, true))
  end)
end)

describe("a client", function()
  it("holds its token in nothing that it shows", function()
    local client = require("xcompliance").client { bearer_token = TOKEN }
    assert.is_nil(tostring(client):find(TOKEN, 1, true))
    local ok, err = pcall(client.list_job, client, "no id")
    assert.is_false(ok)
    leaks.search(err, "misuse")
    ok, err = pcall(require("xcompliance").client, { bearer_token = TOKEN .. "\n" })
    assert.is_false(ok)
    leaks.search(err, "misuse")
    leaks.search(debug.traceback(tostring(err)), "a traceback")
  end)
end)
