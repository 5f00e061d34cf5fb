-- Rows 85 to 88 of the fault matrix: half an answer is no answer, and half a file is no results.
-- `make sweep` cuts at every byte (sweep.lua); here is what each place means.

local benches = require "spec.support.bench"
local core = require "xcompliance.core"
local flows = require "spec.support.flows"
local raw = require "spec.support.raw"
local shell = require("spec.support.simulator").shell

local ENDS = { "cut-answer", "reset-answer" }

flows.describe("an answer that ends early", function(flow)
  local bench

  before_each(function() bench = benches.start { shares = { deleted = 0.5 } } end)
  after_each(function() bench:stop() end)

  --- What a client does to meet a step, and what it must then have.
  local acts = {}

  function acts.create(client)
    local response = assert(client:create_compliance_job("tweets", "a name"))
    assert.equal(1, #bench.sim:state().jobs)
    assert.is_string(response.data.upload_url)
  end

  function acts.get(client)
    local id = bench:job().id
    bench.armed()
    assert.equal(id, assert(client:list_job(id)).data.id)
  end

  function acts.list(client)
    local id = bench:job().id
    bench.armed()
    assert.equal(id, assert(client:list_jobs("tweets")).data[1].id)
  end

  function acts.upload(client)
    local job = bench:job()
    local path, text = bench:list(3000)
    bench.armed()
    assert(client:upload_ids(job.upload_url, path))
    bench:holds(job, text)
  end

  local function upload_resumably(client)
    local job = bench:job { resumable = true }
    local path, text = bench:list(600000)
    bench.armed()
    assert(client:upload_ids(job.upload_url, path, { chunk = 262144 }))
    bench:holds(job, text)
  end

  if flow == "storage" then
    acts.start, acts.chunk = upload_resumably, upload_resumably

    function acts.query(client)
      bench:arm("chunk:503")
      upload_resumably(client)
    end
  end

  function acts.cancel(client)
    local id = bench:job().id
    bench.armed()
    assert.equal("failed", assert(client:cancel_job(id)).data.status)
  end

  function acts.download(client)
    local job, results = bench:complete_job()
    local target = bench:path("results.jsonl")
    benches.write(target, "old")
    bench.armed()
    assert(client:download_results(job.download_url, target))
    assert.is_true(benches.read(target) == results, "the file is not the results")
  end

  for step, act in pairs(acts) do
    for _, how in ipairs(ENDS) do
      -- in the status line, after it, in the headers, before their blank line
      for _, at in ipairs { 0, 9, 17, 60 } do
        local fault = ("%s:%s@%d"):format(step, how, at)
        it(("row 85: does not count: %s"):format(fault), function()
          function bench.armed() bench:arm(fault) end
          if step == "create" then bench.armed() end
          act(bench:client())
        end)
      end
    end
  end

  for step, call in pairs {
    list = function(client) return client:list_jobs("tweets") end,
    upload = function(client, job) return client:upload_ids(job.upload_url, (bench:list(3000))) end,
    download = function(client, _, done)
      return client:download_results(done.download_url, bench:path("results.jsonl"))
    end,
  } do
    it("row 85: is an error of the network if it happens every time: " .. step, function()
      local done = bench:complete_job(5)
      local job = bench:job()
      bench:arm(step .. ":cut-answer@40x*")
      -- or the job would say that it has arrived
      if step == "upload" then bench:arm("get:cut-answer@40x*") end
      local result, err = call(bench:client(), job, done)
      assert.is_nil(result)
      assert.equal("network", err.kind, tostring(err))
      assert.equal(5, err.attempts)
      assert.is_nil(err.status)
      assert.matches("headers of the answer", tostring(err), 1, true)
    end)
  end
end)

describe("an answer after interim answers", function()
  local server, folder

  before_each(function() folder = assert(shell("mktemp -d")) end)
  after_each(function()
    server:stop()
    shell("rm -rf " .. folder)
  end)

  local BODY = '{"id":"1","action":"delete","reason":"deleted"}\n'

  local function download(answer)
    server = raw.start(("return function(connection) connection:write(%q) end"):format(answer))
    local target = folder .. "/results.jsonl"
    local client = require("xcompliance").client { bearer_token = "t0ken-0123456789abcdef",
      base_url = server.url, retry = { attempts = 2, first = 0.01, max = 0.01 } }
    local status, info = client:download_results(server.url .. "/o", target)
    client:close()
    return status, info, benches.read(target)
  end

  local FINAL = ("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"):format(#BODY, BODY)

  it("has its own headers alone", function()
    local status, info, text = download(
      "HTTP/1.1 103 Early Hints\r\nx-goog-hash: crc32c=AAAAAA==\r\nx-goog-stored-content-length: 7"
      .. "\r\n\r\n" .. FINAL)
    assert.equal(200, status, tostring(info))
    assert.is_false(info.verified)
    assert.equal(BODY, text)
  end)

  it("has its own headers alone, also if those before it came in part", function()
    local status, info, text = download(
      ("HTTP/1.1 103 Early Hints\r\nx-goog-hash: crc32c=%s\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n")
        :format(core.crc32c(BODY)) .. FINAL)
    assert.equal(200, status, tostring(info))
    assert.is_false(info.verified, "the hash of an interim answer counted")
    assert.equal(BODY, text)
  end)

  it("row 85: is not one if only they are complete", function()
    local status, err, text = download(
      "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n")
    assert.is_nil(status)
    assert.equal("network", err.kind)
    assert.is_nil(text)
  end)
end)

describe("an answer over HTTP/2", function()
  local folder, server, client

  setup(function()
    folder = assert(shell("mktemp -d"))
    assert(shell("cd " .. folder .. " && openssl req -x509 -newkey ec -pkeyopt"
      .. " ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out cert.pem -days 2"
      .. " -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 2>/dev/null"))
  end)
  teardown(function() shell("rm -rf " .. folder) end)
  after_each(function()
    client:close()
    server:stop()
  end)

  --- Lists jobs at a server that answers by these frames, and then says goodbye.
  local function list(frames)
    server = raw.start([[
      local function frame(kind, flags, stream, payload)
        return string.pack(">I3BBI4", #payload, kind, flags, stream) .. payload
      end
      local SETTINGS, ACKNOWLEDGED = frame(4, 0, 0, ""), frame(4, 1, 0, "")
      local BODY = '{"meta":{"result_count":0}}'
      return function(connection)
        local cqueues = require "cqueues"
        connection:write(SETTINGS .. ACKNOWLEDGED)
        connection:flush()
        cqueues.sleep(0.2) -- the request has come
        connection:write(]] .. frames .. [[)
        connection:flush()
        cqueues.sleep(0.1)
        connection:shutdown("w")
      end]], { certificate = folder .. "/cert.pem", key = folder .. "/key.pem", http2 = true })
    client = require("xcompliance").client { bearer_token = "t0ken-0123456789abcdef",
      base_url = server.url, ca_file = folder .. "/cert.pem", retry = { attempts = 1 } }
    return client:list_jobs("tweets")
  end

  it("counts if its stream was ended", function()
    local response, err = list 'frame(1, 4, 1, "\\x88") .. frame(0, 1, 1, BODY)'
    assert(response, tostring(err))
    assert.equal(0, response.meta.result_count)
  end)

  for name, frames in pairs {
    ["before its headers"] = '""',
    ["within its headers"] = 'frame(1, 0, 1, "\\x88")',
    ["after its headers"] = 'frame(1, 4, 1, "\\x88")',
    ["within its body"] = 'frame(1, 4, 1, "\\x88") .. frame(0, 0, 1, BODY:sub(1, 9))',
    ["before its stream"] = 'frame(1, 4, 1, "\\x88") .. frame(0, 0, 1, BODY)',
    ["within a frame"] = '(frame(1, 4, 1, "\\x88") .. frame(0, 1, 1, BODY)):sub(1, -5)',
  } do
    it("row 85: does not count if the connection ends " .. name, function()
      local response, err = list(frames)
      assert.is_nil(response)
      assert.equal("network", err.kind, tostring(err))
    end)
  end
end)
