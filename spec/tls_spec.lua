-- row 4 of the fault matrix and promises 1, 2 and 36 of docs/security.md, against real servers with
-- real, bad certificates

local api = require "spec.support.api"
local core = require "xcompliance.core"
local nginx = require "spec.support.nginx"
local shell = require("spec.support.simulator").shell

local TOKEN = "t0ken-in-tls"

local SERVERS = [[
  server { listen 127.0.0.1:%PORT1% ssl; server_name good;
    ssl_certificate %FOLDER%/good.pem; ssl_certificate_key %FOLDER%/key.pem; }
  server { listen 127.0.0.1:%PORT2% ssl; server_name expired;
    ssl_certificate %FOLDER%/expired.pem; ssl_certificate_key %FOLDER%/key.pem; }
  server { listen 127.0.0.1:%PORT3% ssl; server_name wrong_host;
    ssl_certificate %FOLDER%/other.pem; ssl_certificate_key %FOLDER%/key.pem; }
  server { listen 127.0.0.1:%PORT4% ssl; server_name unknown_ca;
    ssl_certificate %FOLDER%/unknown.pem; ssl_certificate_key %FOLDER%/key.pem; }
  server { listen 127.0.0.1:%PORT5% ssl; server_name old;
    ssl_protocols TLSv1 TLSv1.1; ssl_ciphers ALL:@SECLEVEL=0;
    ssl_certificate %FOLDER%/good.pem; ssl_certificate_key %FOLDER%/key.pem; }
  server { listen 127.0.0.1:%PORT6%; return 200 "plain"; }
]]

--- A CA, and certificates that it has signed: for localhost; for that, in the past; for another;
-- and one that it has not.
local function make_certificates(folder)
  local sign = [[
    openssl req -new -key key.pem -subj /CN=%s -addext subjectAltName=DNS:%s 2>/dev/null |
    %s openssl x509 -req -CA ca.pem -CAkey key.pem -CAcreateserial -days 2 -copy_extensions copy \
      -out %s.pem 2>/dev/null]]
  local lines = {
    "cd " .. folder,
    "openssl ecparam -genkey -name prime256v1 -out key.pem 2>/dev/null",
    "openssl req -x509 -new -key key.pem -subj '/CN=a CA' -days 9 -out ca.pem 2>/dev/null",
    sign:format("localhost", "localhost", "", "good"),
    sign:format("localhost", "localhost", "faketime '2020-01-01'", "expired"),
    sign:format("other", "other.example", "", "other"),
    "openssl req -x509 -new -key key.pem -subj /CN=localhost -addext subjectAltName=DNS:localhost "
      .. "-days 2 -out unknown.pem 2>/dev/null",
  }
  assert(shell("set -e\nunset LD_PRELOAD\n" .. table.concat(lines, "\n")))
end

describe("over TLS", function()
  local folder, server

  setup(function()
    folder = assert(shell("mktemp -d"))
    make_certificates(folder)
    server = nginx.start((SERVERS:gsub("%%FOLDER%%", folder)))
  end)
  teardown(function()
    server:stop()
    shell("rm -rf " .. folder)
  end)

  --- What the server at a port was asked, by its log.
  local function asked(port)
    local lines = {}
    for line in server:log():gmatch("[^\n]+") do
      if line:match("^" .. port .. " ") then lines[#lines + 1] = line end
    end
    return table.concat(lines, "\n")
  end

  local function ask(port, options, scheme)
    local session = assert(core.session(options))
    local task = assert(core.list_job(session, {
      base_url = (scheme or "https") .. "://localhost:" .. port, bearer_token = TOKEN, id = "1",
    }))
    assert.is_true(task:wait(20))
    local _, err = api.result("list_job", task, TOKEN)
    task:close()
    session:close()
    return err
  end

  it("a server is trusted whose certificate the given CA has signed", function()
    assert.equal("not_found", ask(server.ports[1], { ca_file = folder .. "/ca.pem" }).kind)
    for _ = 1, 200 do -- nginx writes its log after the answer
      if asked(server.ports[1]) ~= "" then break end
      core.sleep(0.01)
    end
    assert.matches("GET /2/compliance/jobs/1 404 Bearer " .. TOKEN, asked(server.ports[1]), 1, true)
  end)

  for name, case in pairs {
    ["an expired certificate"] = { 2, "certificate" },
    ["a certificate for another host"] = { 3, "subject name" },
    ["a certificate that nobody has vouched for"] = { 4, "certificate" },
    ["TLS 1.0 or 1.1 alone"] = { 5, "" },
  } do
    it("row 4: a server with " .. name .. " is refused, for good, and is sent nothing", function()
      local err = ask(server.ports[case[1]], { ca_file = folder .. "/ca.pem" })
      assert.equal("tls", err.kind)
      assert.is_false(err.retryable)
      assert.matches(case[2], tostring(err))
      assert.equal("", asked(server.ports[case[1]]))
    end)
  end

  it("the system's certificates are what counts if none are given", function()
    assert.equal("tls", ask(server.ports[1]).kind)
  end)

  it("a file without certificates is an error, not silence", function()
    local path = os.tmpname()
    local file = io.open(path, "w")
    file:write("garbage\n")
    file:close()
    local err = ask(server.ports[1], { ca_file = path })
    os.remove(path)
    assert.equal("tls", err.kind)
    assert.matches("ca_file", tostring(err))
  end)

  it("plain text on the port is no answer, and the token does not go there", function()
    local err = ask(server.ports[6], { ca_file = folder .. "/ca.pem" })
    assert.equal("tls", err.kind)
    assert.is_nil(asked(server.ports[6]):find(TOKEN, 1, true))
  end)

  it("a proxy is only ever asked to connect, and sees no token", function()
    -- nginx is no CONNECT proxy: it refuses, and logs all that it was sent
    local session = assert(core.session {
      proxy = "http://127.0.0.1:" .. server.ports[6], ca_file = folder .. "/ca.pem",
    })
    for _, base in ipairs { "https://api.example", "http://api.example" } do
      local task = assert(core.list_job(session, {
        base_url = base, bearer_token = TOKEN, id = "1", allow_http = true,
      }))
      assert.is_true(task:wait(20))
      local response, err = task:result()
      assert.is_nil(response)
      assert.equal("network", err.kind)
      assert.matches("CONNECT tunnel failed", tostring(err))
      task:close()
    end
    session:close()
    assert.is_nil(asked(server.ports[6]):find(TOKEN, 1, true))
  end)
end)
