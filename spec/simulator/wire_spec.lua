local curl = require "spec.support.curl"
local flows = require "spec.support.flows"
local simulator = require "spec.support.simulator"

local JOBS = "/2/compliance/jobs"

flows.describe("a connection to the simulator", function()
  local sim

  setup(function() sim = simulator.start { jobs_take = 0 } end)
  teardown(function() sim:stop() end)
  before_each(function() sim:disarm() end)

  local function list(fault, more)
    if fault then sim:arm(fault) end
    return curl.api(sim, JOBS .. "?type=tweets", nil, more)
  end

  local function seconds(act)
    local before = simulator.run("date +%s.%N")
    act()
    return simulator.run("date +%s.%N") - before
  end

  it("is refused for a while", function()
    sim:arm("any:refuse@0.3")
    assert.equal(7, list().exit)
    simulator.run("sleep 0.4")
    assert.equal(200, list().status)
    local fired = sim:state().faults.fired
    assert.equal("any:refuse@0.3", fired[#fired].fault)
  end)

  it("is closed or reset without an answer, nothing done", function()
    local jobs = #sim:state().jobs
    for fault, exit in pairs { close = 52, reset = 56, cut = 52 } do
      sim:arm("create:" .. fault)
      assert.equal(exit, curl.api(sim, JOBS, { type = "users" }).exit)
    end
    assert.equal(jobs, #sim:state().jobs)
  end)

  it("is closed when the work is done", function()
    local jobs = #sim:state().jobs
    sim:arm("create:lost")
    assert.equal(52, curl.api(sim, JOBS, { type = "users" }).exit)
    assert.equal(jobs + 1, #sim:state().jobs)
  end)

  it("is cut or reset within an answer", function()
    local answer = list "list:cut@5"
    assert.equal(18, answer.exit)
    assert.equal(5, #answer.body)
    assert.equal(56, list("list:reset@5").exit)
  end)

  it("swallows everything", function()
    assert.equal(28, list("list:blackhole", "-m 0.3").exit)
    assert.equal(52, list("list:blackhole@0.1").exit)
  end)

  it("stalls", function()
    local took = seconds(function() assert.equal(200, list("list:stall@0.3").status) end)
    assert.is_true(took >= 0.3 and took < 2)
    took = seconds(function() assert.is_table(list("list:stall-body@0.3").json) end)
    assert.is_true(took >= 0.3 and took < 2)
    assert.equal(28, list("list:stall", "-m 0.3").exit)
  end)

  it("is slow both ways", function()
    local job = curl.create(sim, "tweets")
    sim:arm("upload:throttle@100kB")
    local took = seconds(function()
      assert.equal(200, curl.put(job.upload_url, ("x"):rep(50000)).status)
    end)
    assert.is_true(took > 0.4 and took < 2)
    sim:arm("download:throttle@1kB")
    took = seconds(function() curl.ask("'" .. job.download_url .. "'") end)
    assert.is_true(took > 0.3 and took < 2)
  end)

  it("gives its answer byte by byte", function()
    assert.equal(200, list("list:pieces").status)
  end)

  it("is closed after an answer without a word", function()
    sim:arm("other:idle-close")
    local text = simulator.run(("curl -sS -v %s/x %s/x 2>&1"):format(sim.url, sim.url))
    assert.matches("Connection 0 seems to be dead", -- as curl says it, before or after it writes
      (text:gsub("Connection died", "Connection 0 seems to be dead")))
    assert.not_matches("Connection: close", text)
  end)

  it("keeps alive otherwise", function()
    local text = simulator.run(("curl -sS -v %s/x %s/x 2>&1"):format(sim.url, sim.url))
    assert.matches("Re%-using existing connection", text)
  end)

  it("says nonsense", function()
    assert.equal(1, list("list:garbage").exit)
    assert.equal(1, list("list:http09").exit)
    sim:arm("list:http09")
    assert.matches("hello from 1991",
      simulator.run("curl -sS --http0.9 '" .. sim.url .. JOBS .. "'"))
    assert.is_nil(list("list:1xx-only").status)
  end)

  it("has endless and countless headers", function()
    assert.equal(27, list("list:endless-header").exit) -- curl takes no more than 100 KiB
    sim:arm("list:many-headers@1000")
    local lines = simulator.run("curl -sS -i '" .. sim.url .. JOBS .. "' | wc -l")
    assert.equal(1003, tonumber(lines))
  end)

  it("never says 100 Continue", function()
    sim:arm("create:job-expires")
    local job = curl.create(sim, "tweets")
    local path = curl.file(2000000)
    sim:arm("upload:no-100")
    local took = seconds(function()
      local answer = curl.ask(("-T %s -H 'Content-Type: text/plain' '%s'"):format(
        path, job.upload_url))
      assert.equal(200, answer.status)
    end)
    os.remove(path)
    assert.is_true(took > 0.9)
  end)

  it("is answered 400 where it does not speak HTTP", function()
    assert.equal(400, curl.ask("-X 'GET it' " .. sim.url).status)
  end)
end, "storage")

flows.describe("the simulator as a process", function()
  it("ends with the process that started it", function()
    local _, pid = simulator.shell([[LUA_PATH="./?.lua;;" lua5.4 -e '
      local sim = require("spec.support.simulator").start {}
      print(sim.pid)
      io.stdout:flush()
      os.execute("kill -9 $PPID")' 2>/dev/null]])
    simulator.run("sleep 0.3")
    assert.matches("^%d+$", pid)
    local state = simulator.run("ps -o stat= -p " .. pid) -- a zombie where nobody reaps it
    assert.is_truthy(state == "" or state:find("^Z"))
  end)

  it("says why it cannot listen", function()
    local sim = simulator.start {}
    local _, complaint = pcall(simulator.start, { port = sim.port })
    assert.matches("cannot listen at 127.0.0.1:" .. sim.port .. ": Address already in use",
      complaint, 1, true)
    sim:stop()
  end)

  it("writes a log of its requests", function()
    local path = os.tmpname()
    local sim = simulator.start { state_log = path }
    curl.api(sim, JOBS .. "?type=tweets")
    curl.create(sim, "users")
    sim:stop()
    local lines = {}
    for line in io.lines(path) do lines[#lines + 1] = require("cjson").decode(line) end
    os.remove(path)
    assert.equal(2, #lines)
    assert.same({ "list", "GET", "type=tweets", true, 200 }, { lines[1].step, lines[1].method,
      lines[1].query, lines[1].authorization, lines[1].status })
    assert.equal('{"type":"users"}', lines[2].body)
  end)

  it("serves HTTPS", function()
    local folder = simulator.shell("mktemp -d")
    simulator.run(("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost "
      .. "-addext subjectAltName=IP:127.0.0.1 -keyout %s/key -out %s/certificate 2>/dev/null")
      :format(folder, folder))
    local certificate = folder .. "/certificate"
    local sim = simulator.start { tls = { certificate = certificate, key = folder .. "/key" } }
    local trust = "--cacert " .. certificate
    local job = curl.api(sim, JOBS, { type = "tweets" }, trust).json.data
    assert.matches("^https://127.0.0.1:", job.upload_url)
    assert.equal(200, curl.put(job.upload_url, "20\n", trust).status)
    sim:stop()
    simulator.run("rm -r " .. folder)
  end)
end, "storage")
