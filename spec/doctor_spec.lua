-- xcompliance doctor: each thing that it looks at is really wrong once, and it creates no job.

local benches = require "spec.support.bench"
local cjson = require "cjson"
local command = require "spec.support.command"
local nginx = require "spec.support.nginx"
local shell = require("spec.support.simulator").shell
local token_form = require "xcompliance.cli.token_form"

local is_sanitized = os.getenv("LD_PRELOAD") ~= nil -- nginx has no sanitizer's runtime

describe("the doctor", function()
  local bench, variables

  local function start(options)
    bench = benches.start(options)
    variables = { BEARER_TOKEN = "AAAA" .. benches.TOKEN, XCOMPLIANCE_BASE_URL = bench.sim.url }
  end
  before_each(function() start() end)
  after_each(function() bench:stop() end)

  --- The exit status, the row of a name (the last of that name), and all that was printed.
  local function examine(name, ...)
    local status, out, err = command.run({ "doctor", "--json", ... }, variables)
    assert.equal("", err)
    local report, found = cjson.decode(out), nil
    assert.equal(status == 0, report.ok)
    for _, row in ipairs(report.checks) do
      if row.name == name then found = row end
      if row.state ~= "ok" then assert.is_string(row.remedy, row.message) end
    end
    return status, found, out
  end

  it("finds nothing wrong, creates nothing, and says what it has seen", function()
    bench:job()
    local before = #bench:log()
    local status, out, err = command.run({ "doctor" }, variables)
    assert.same({ 0, "" }, { status, err })
    for line in out:gmatch("[^\n]+") do assert.matches("^ok    %l+ +%S", line) end
    for name in ("versions state proxy token api access storage clock"):gmatch("%l+") do
      assert.matches("\nok    " .. name, "\n" .. out)
    end
    assert.matches("1 job of tweets listed", out)
    assert.matches("go to the API itself", out)
    local log = bench:log()
    assert.same({ "list", before + 1 }, { log[#log].step, #log })
  end)

  it("says which flow the API uses, as far as jobs show it", function()
    assert.matches("not known before the first job", select(2, examine "storage").message)
    bench:stop()
    start { flow = "storage" }
    bench:job()
    assert.matches("go to storage at", select(2, examine "storage").message)
  end)

  it("looks at the token before it is sent", function()
    local sent = #bench:log()
    for token, pattern in pairs {
      ["Bearer AAAAx"] = "the word Bearer", ["AAAAx\n"] = "a space or a line end",
      [" AAAAx"] = "a space or a line end", ["AAAA\228"] = "characters that no token has",
      ["123-abcDEF"] = "OAuth 1.0a",
      ["VkRGRkxXRTJ6MTIzOjE2MDAwMDAwMDA6MToxOmF0OjE"] = "OAuth 2.0",
    } do
      variables.BEARER_TOKEN = token
      local status, row, out = examine "token"
      assert.same({ 77, "fail" }, { status, row.state }, token)
      assert.matches(pattern, row.message)
      assert.is_nil(out:find(cjson.encode(token), 1, true))
    end
    variables.BEARER_TOKEN = nil
    local status, row = examine "token"
    assert.same({ 78, "fail" }, { status, row.state })
    status = examine("token", "--token-file", bench:path("missing"))
    assert.equal(78, status)
    assert.equal(sent, #bench:log())
  end)

  it("warns of a token that looks odd, and of one that others may read", function()
    assert.equal("warn", (token_form.judge(("x"):rep(25))))
    assert.equal("warn", (token_form.judge(("x"):rep(50))))
    assert.equal("warn", (token_form.judge("other")))
    assert.equal("ok", (token_form.judge("AAAAAAAAAAAAAAAAAAAAAMLheAAAAAAA0%2BuSeid%2BULvsea")))
    local path = bench:path("token")
    benches.write(path, variables.BEARER_TOKEN .. "\n")
    shell("chmod 644 " .. path)
    local status, row = examine("token", "--token-file", path)
    assert.same({ 0, "warn" }, { status, row.state })
    shell("chmod 600 " .. path)
    assert.equal("ok", select(2, examine("token", "--token-file", path)).state)
  end)

  it("says in plain words why the API refuses", function()
    for fault, expected in pairs {
      ["401"] = { 77, "fail", "does not know this token" },
      ["403-client-forbidden"] = { 77, "fail", "its app has no access to batch compliance" },
      ["403-unsupported"] = { 77, "fail", "this is a user's token" },
      ["403-html"] = { 77, "fail", "a proxy or a firewall" },
      ["429"] = { 0, "warn", "wait until" },
      ["503"] = { 75, "fail", "try again" },
      ["404"] = { 69, "fail", "check" },
    } do
      bench.sim:disarm()
      bench:arm("list:" .. fault)
      local status, row = examine "access"
      assert.same({ expected[1], expected[2] }, { status, row.state }, fault)
      assert.matches(expected[3], row.remedy)
    end
    assert.equal(0, bench:count("create"))
  end)

  it("says that nobody answers", function()
    variables.XCOMPLIANCE_BASE_URL = "http://127.0.0.1:1"
    local status, row = examine "api"
    assert.same({ 75, "fail" }, { status, row.state })
    variables.XCOMPLIANCE_BASE_URL = "https://no-such-host.invalid"
    status, row = examine "api"
    assert.same({ 75, "fail" }, { status, row.state })
    assert.matches("resolve", row.message)
  end)

  it("compares the clocks", function()
    for offset, pattern in pairs { [-600] = "10 min later than the API's", [7200] = "earlier" } do
      bench:stop()
      start { clock_offset = offset }
      local status, row = examine "clock"
      assert.same({ 0, "warn" }, { status, row.state })
      assert.matches(pattern, row.message)
    end
  end)

  it("looks at the folder of the state, and at the proxy", function()
    local status, row = examine("state", "/missing/x")
    assert.same({ 73, "fail" }, { status, row.state })
    status, row = examine("state", bench:path("file"))
    assert.same({ 0, "ok" }, { status, row.state }) -- it can be made there
    benches.write(bench.folder .. "/plain", "")
    status, row = examine("state", bench.folder .. "/plain")
    assert.same({ 73, "fail" }, { status, row.state })
    variables.https_proxy = "http://me:s3cret@127.0.0.1:9"
    local _, proxy, out = examine "proxy"
    assert.equal("http://(secret)@127.0.0.1:9 (https_proxy)", proxy.message)
    assert.is_nil(out:find("s3cret", 1, true))
  end)

  if is_sanitized then return end

  it("says that a certificate is not trusted", function()
    local folder = assert(shell("mktemp -d"))
    assert(shell(("cd %s && openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -subj"
      .. " /CN=localhost -addext subjectAltName=DNS:localhost -days 2 -out own.pem 2>/dev/null")
      :format(folder)))
    local server = nginx.start(([[server { listen 127.0.0.1:%%PORT1%% ssl; server_name localhost;
      ssl_certificate %s/own.pem; ssl_certificate_key %s/key.pem;
      location / { default_type application/json; return 200 '{}'; } }]]):format(folder, folder))
    variables.XCOMPLIANCE_BASE_URL = "https://localhost:" .. server.ports[1]
    local status, row = examine "api"
    assert.same({ 76, "fail" }, { status, row.state }, row.message)
    status = examine("api", "--ca-file", folder .. "/own.pem")
    assert.equal(0, status)
    server:stop()
    shell("rm -rf " .. folder)
  end)
end)
