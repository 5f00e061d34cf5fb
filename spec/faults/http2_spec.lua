-- Row 83 of the fault matrix: HTTP/2 between us and the API. nginx speaks it to us, and HTTP/1.1 to
-- the simulator after it, whose broken answers become RST_STREAM.

local api = require "spec.support.api"
local benches = require "spec.support.bench"
local core = require "xcompliance.core"
local nginx = require "spec.support.nginx"
local shell = require("spec.support.simulator").shell

local SERVERS = [[
  log_format protocol '$connection $server_protocol $request_method $status';
  ssl_certificate %FOLDER%/cert.pem; ssl_certificate_key %FOLDER%/key.pem;
  proxy_http_version 1.1; proxy_buffering off; proxy_request_buffering off;
  proxy_next_upstream off;
  access_log %LOGS%/protocol.log protocol;
  server { listen 127.0.0.1:%PORT1% ssl http2; keepalive_requests 1000;
    location / { proxy_pass http://127.0.0.1:%API%; } }
  server { listen 127.0.0.1:%PORT2% ssl http2; keepalive_requests 2;
    location / { proxy_pass http://127.0.0.1:%API%; } }
  server { listen 127.0.0.1:%PORT3% ssl;
    location / { proxy_pass http://127.0.0.1:%API%; } }
  server { listen 127.0.0.1:%PORT4% ssl http2;
    location / { return 444; } }
]]

describe("over HTTP/2", function()
  local bench, folder, server

  setup(function()
    folder = assert(shell("mktemp -d"))
    assert(shell("cd " .. folder .. " && openssl req -x509 -newkey ec -pkeyopt "
      .. "ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out cert.pem -days 2 "
      .. "-subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null"))
  end)
  teardown(function() shell("rm -rf " .. folder) end)

  before_each(function()
    os.remove(folder .. "/protocol.log")
    bench = benches.start { flow = "api" }
    server = nginx.start((SERVERS:gsub("%%API%%", bench.sim.port):gsub("%%FOLDER%%", folder)
      :gsub("%%LOGS%%", folder)))
  end)
  after_each(function()
    server:stop()
    bench:stop()
  end)

  local function url_at(port) return "https://localhost:" .. server.ports[port] end

  local function client(port, settings)
    local all = { base_url = url_at(port), ca_file = folder .. "/cert.pem" }
    for name, value in pairs(settings or {}) do all[name] = value end
    return bench:client(all)
  end

  --- How often a protocol was spoken, and over how many connections.
  local function spoken(protocol)
    core.sleep(0.05)
    local count, connections, seen = 0, 0, {}
    for line in (benches.read(folder .. "/protocol.log") or ""):gmatch("[^\n]+") do
      local connection, name = line:match("^(%d+) (%S+)")
      if name == protocol then
        count = count + 1
        if not seen[connection] then connections = connections + 1 end
        seen[connection] = true
      end
    end
    return count, connections
  end

  it("row 83: calls are made over one connection", function()
    local own = client(1)
    for _ = 1, 10 do assert(own:list_jobs("tweets")) end
    assert.same({ 10, 1 }, { spoken "HTTP/2.0" })
  end)

  it("row 83: a server that speaks HTTP/1.1 alone is spoken to so", function()
    assert(client(3):list_jobs("tweets"))
    assert.equal(1, spoken("HTTP/1.1"))
  end)

  it("row 83: GOAWAY after two calls is no failure", function()
    local own, warned = client(2), nil
    for _ = 1, 9 do
      assert(own:list_jobs("tweets", nil, {
        on_progress = function(event) warned = warned or event.warning end,
      }))
    end
    assert.is_nil(warned)
    assert.same({ 9, 5 }, { spoken "HTTP/2.0" })
    assert.equal(9, bench:count("list"))
  end)

  it("row 83: a reload's GOAWAY between calls is no failure", function()
    local own, calls = client(1), 0
    local function call()
      assert(own:list_jobs("tweets"))
      calls = calls + 1
      return spoken "HTTP/2.0"
    end
    local _, before = call()
    for _ = 1, 3 do
      server:reload()
      local ends_at, count, connections = core.now() + 20
      repeat -- the new worker takes over when it is there
        count, connections = call()
      until connections > before or core.now() > ends_at
      assert.equal(calls, count)
      assert.is_true(connections > before)
      before = connections
    end
  end)

  it("row 83: a reload in the middle of a call does not end it", function()
    local own = client(1)
    local id = bench:job().id
    assert(own:list_job(id))
    bench:arm("get:stall@0.5")
    local reloaded = false
    local session = assert(core.session { ca_file = folder .. "/cert.pem" })
    local task = assert(core.list_job(session,
      { base_url = url_at(1), bearer_token = benches.TOKEN, id = id }))
    repeat
      if not reloaded and bench:count("get") > 1 then
        server:reload()
        reloaded = true
      end
    until task:wait(0.02)
    local response = assert(api.result("list_job", task, benches.TOKEN))
    task:close()
    assert.is_true(reloaded)
    assert.equal(id, response.data.id)
    assert(own:list_job(id))
  end)

  it("row 83: a job is created once, whatever is reloaded", function()
    -- a worker that is going away may refuse several in a row
    local own = client(1, { retry = { attempts = 50, first = 0.01, max = 0.2 } })
    for i = 1, 10 do
      server:reload()
      local response = assert(own:create_compliance_job("tweets", "n" .. i))
      bench.sim:change_job(response.data.id, { status = "failed" })
    end
    assert.equal(10, #bench.sim:state().jobs)
  end)

  it("row 83: a stream that is reset is tried again", function()
    local own, id = client(1), bench:job().id
    assert(own:list_job(id))
    bench:arm("get:cut@20", "get:reset@30", "get:chunked-cut")
    local warnings = {}
    assert(own:list_job(id, {
      on_progress = function(event) warnings[#warnings + 1] = event.warning end,
    }))
    assert.equal(3, #warnings)
    assert.matches("HTTP/2 stream", warnings[1])
    assert.equal(5, spoken("HTTP/2.0"))
  end)

  it("row 83: streams that are always reset are an error of the network", function()
    local response, err = client(4):list_jobs("tweets")
    assert.is_nil(response)
    assert.equal("network", err.kind, tostring(err))
    assert.equal(5, err.attempts)
  end)

  --- A job's URL, through nginx, as that client sees it.
  local function through(own, url)
    return tostring(own):match("%a+://%S+") .. url:match("^%a+://[^/]*(.*)$")
  end

  local function upload(own, fault)
    local job = bench:job()
    local path, text = bench:list(3 * benches.MiB)
    if fault then bench:arm(fault) end
    assert(own:upload_ids(through(own, job.upload_url), path))
    bench:holds(job, text)
  end

  local function download(own, fault)
    local job, results = bench:complete_job()
    local target = bench:path("results")
    if fault then bench:arm(fault) end
    assert(own:download_results(through(own, job.download_url), target))
    assert.is_true(benches.read(target) == results)
  end

  it("row 83: bytes go by HTTP/1.1, over connections of their own", function()
    local own = client(1)
    assert(own:list_jobs("tweets"))
    upload(own)
    download(own)
    assert.equal(1, (spoken "HTTP/2.0"))
    assert.equal(2, (spoken "HTTP/1.1"))
  end)

  for _, fault in ipairs { "upload:reset@1MiB", "upload:503-after@1MiB", "upload:lost" } do
    it("row 83: an upload that is broken there arrives: " .. fault, function()
      upload(client(1), fault)
    end)
  end

  for _, fault in ipairs { "download:cut@100kB", "download:reset@10kB", "download:chunked-cut" } do
    it("row 83: a download that is broken there arrives: " .. fault, function()
      download(client(1), fault)
    end)
  end

  it("row 83: a job whose stream was reset is found by its name", function()
    bench:arm("create:cut@20")
    local response = assert(client(1):create_compliance_job("tweets", "ours"))
    assert.equal("ours", response.data.name)
    assert.equal("create list get", bench:steps())
  end)
end)
