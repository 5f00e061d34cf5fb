-- Rows 12 to 22 of the fault matrix: creating a job, which must happen once, whatever is answered.

local answers = require "spec.support.answers"
local benches = require "spec.support.bench"
local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local flows = require "spec.support.flows"

flows.describe("creating a job", function()
  local bench, client

  before_each(function()
    bench = benches.start()
    client = bench:client()
  end)
  after_each(function() bench:stop() end)

  local function create(faults, options)
    bench:arm(faults)
    return client:create_compliance_job("tweets", "ours", nil, options)
  end

  local function jobs() return #bench.sim:state().jobs end

  local function succeeds(faults, steps)
    local response = assert(create(faults))
    assert.equal("ours", response.data.name)
    assert.equal(steps, bench:steps())
    assert.equal(1, jobs())
    return response
  end

  local function fails(kind, faults, steps, options)
    local response, err = create(faults, options)
    assert.is_nil(response)
    assert.equal(kind, err.kind, tostring(err))
    if steps then assert.equal(steps, bench:steps()) end
    assert.is_nil(tostring(err):find(benches.TOKEN, 1, true))
    return err
  end

  it("row 12: waits until the limit is reset, and asks once more", function()
    local began = core.now()
    succeeds({ "create:429@2" }, "create create")
    local waited = core.now() - began
    assert.is_true(waited > 1 and waited < 4.5, waited)
  end)

  it("row 12: by Retry-After as well, in seconds or as a date", function()
    for _, fault in ipairs { "429-retry-after@1", "503-retry-after@1", "429-retry-date@2" } do
      local began = core.now()
      bench:arm("list:" .. fault)
      assert(client:list_jobs("tweets"))
      local waited = core.now() - began
      assert.is_true(waited > 0.7 and waited < 4.5, fault .. " " .. waited)
    end
  end)

  it("row 12: a reset that makes no sense is not waited for", function()
    for _, reset in ipairs {
      "0", "-5", "soon", "", "1e9", "99999999999999999999", "946684800", "nan", "inf", "4102444800",
    } do
      local began = core.now()
      bench.sim:arm_raw { step = "list", fault = "429-reset", parameter = reset }
      assert(client:list_jobs("tweets"))
      assert.is_true(core.now() - began < 1, reset)
    end
    bench:arm("list:429-no-reset")
    assert(client:list_jobs("tweets"))
  end)

  it("row 13: limited for ever, it ends with the time of the reset", function()
    local began = core.now()
    local err = fails("timeout", { "create:429@30x*" }, "create", { deadline = 2 })
    assert.is_true(core.now() - began < 3)
    assert.matches("rate limited until %d%d:%d%d:%d%d", tostring(err))
    assert.is_true(err.retryable)
    began = core.now()
    err = fails("timeout", { "create:429@1x*" }, nil, { deadline = 2.5 })
    assert.is_true(core.now() - began < 3.5)
    assert.matches("rate limited until %d%d:%d%d:%d%d", tostring(err))
    assert.equal(0, jobs())
  end)

  for _, fault in ipairs { "503-html", "500", "502-empty", "408", "504" } do
    it("row 14: is not asked for again before the jobs were listed: " .. fault, function()
      succeeds({ "create:" .. fault }, "create list create")
    end)
  end

  for _, fault in ipairs { "lost", "reset@10", "half", "status@503", "garbage", "chunked-cut" } do
    it("row 15: a job whose answer was lost is found by its name: " .. fault, function()
      succeeds({ "create:" .. fault }, "create list get")
    end)
  end

  it("row 15: also where the list fails at first", function()
    succeeds({ "create:lost", "list:503", "list:lost", "list:half" },
      "create list list list list get")
  end)

  it("row 15: also where it is in its own way, and the list fails at first", function()
    bench.sim:arm_raw { step = "list", fault = "raw", status = 200, body = '{"meta":{}}' }
    succeeds({ "create:lost", "list:503" }, "create list create list list get")
  end)

  it("row 15: also where the answer took too long", function()
    client = bench:client { timeout = 0.3 }
    succeeds({ "create:stall@5" }, "create list get")
  end)

  for _, status in ipairs { "failed", "expired" } do
    it("row 15: another job of that name that is over is not taken for it: " .. status, function()
      local seen = {}
      for i = 1, 3 do
        bench:arm("create:lost")
        local response, err = client:create_compliance_job("tweets", "the same name")
        assert(response, tostring(err))
        assert.is_nil(seen[response.data.id])
        assert.equal("created", response.data.status)
        seen[response.data.id] = true
        assert.equal(i, jobs())
        bench.sim:change_job(response.data.id, { status = status })
      end
    end)
  end

  it("row 15: a hundred times", function()
    bench:arm("create:lostx*")
    for i = 1, 100 do
      local name = "number " .. i
      local response = assert(client:create_compliance_job("tweets", name))
      assert.equal(name, response.data.name)
      bench.sim:change_job(response.data.id, { status = "failed" })
    end
    assert.equal(100, jobs())
    assert.equal(100, bench:count("create"))
  end)

  for fault, kind in pairs {
    ["errors-only"] = "protocol", ["null-data"] = "protocol", ["empty-data"] = "protocol",
    ["half"] = "protocol", ["without@upload_url"] = "protocol", ["without@id"] = "protocol",
    ["number-id"] = "protocol", ["nul"] = "protocol", ["bom"] = "protocol", ["deep"] = "protocol",
    ["huge-number"] = "protocol", ["invalid-utf8"] = "protocol", ["body@"] = "protocol",
    ["duplicate-keys"] = "protocol", ["body@<html></html>"] = "protocol",
    ['set@{"status":null}'] = "protocol", ['set@{"status":5}'] = "protocol",
    ['set@{"id":"../x"}'] = "protocol", ['set@{"upload_url":7}'] = "protocol",
  } do
    it("row 16: an answer that says nothing is a typed error: " .. fault, function()
      -- nothing else shows the job, so that it cannot be adopted
      bench.sim:arm_raw { step = "list", fault = "raw", status = 200, body = '{"meta":{}}',
        count = "*" }
      bench.sim:arm_raw { step = "create", fault = fault:match("^[^@]+"),
        parameter = fault:match("@(.*)$") }
      local response, err = client:create_compliance_job("tweets", nil)
      if response then -- what may be missing may be odd as well
        assert.is_string(response.data.id)
        assert.is_string(response.data.upload_url)
      else
        assert.equal(kind, err.kind, tostring(err))
        assert.matches("^creating a compliance job", tostring(err))
      end
      assert.equal(1, bench:count("create"))
    end)
  end

  it("row 17: a job that runs already is in the way, and that is all", function()
    bench:job()
    local err = fails("conflict", {}, "create")
    assert.equal("conflict", err.problem_type)
    assert.is_false(err.retryable)
    assert.equal(1, jobs())
  end)

  for fault, kind in pairs {
    ["401"] = "auth", ["403"] = "forbidden", ["403-client-forbidden"] = "forbidden",
    ["403-unsupported"] = "forbidden", ["429-usage-capped"] = "rate_limited",
  } do
    it("row 18: no permission is final, and the token is not shown: " .. fault, function()
      local err = fails(kind, { "create:" .. fault .. "x*" }, "create")
      assert.is_false(err.retryable)
    end)
  end

  it("row 18: nor where the server echoes it", function()
    bench.sim:arm_raw { step = "create", fault = "raw", status = 401,
      body = '{"title":"Bearer ' .. benches.TOKEN .. ' is unknown","status":401}' }
    fails("auth", {}, "create")
  end)

  it("row 19: an answer without end is cut, and takes no memory", function()
    benches.grows_at_most(64 * benches.MiB, function()
      local err = fails("protocol", { "create:endless-bodyx*", "list:endless-bodyx*" })
      assert.matches("larger than 16 MiB", tostring(err))
    end)
  end)

  it("row 20: a bomb is not unpacked", function()
    benches.grows_at_most(16 * benches.MiB, function()
      fails("protocol", { "create:gzip-bomb@1GiBx*", "list:gzip-bomb@100MiBx*" })
    end)
    assert.equal("", bench:asked("create", "accept-encoding")[1])
  end)

  for _, url in ipairs {
    "http://storage.googleapis.com/x?X-Goog-Signature=s3cret", "https://storage.example.com/x",
    "https://user@storage.googleapis.com/x", "https://storage.googleapis.com:8443/x",
    "https://10.0.0.1/x", "https://[fe80::1]/x", "file:///etc/passwd", "", "/x",
    "javascript:alert(1)",
    "https://storage.googleapis.com@evil.example/", "https://storage.googleapis.com.evil.example/",
    "ftp://storage.googleapis.com/x", "https://storage.googleapis.com\\@evil.example/x",
  } do
    it("row 21: nothing is sent to " .. url, function()
      local ids, results = bench:list(200), bench:path("results.jsonl")
      bench.sim:arm_raw { step = "create", fault = "set",
        parameter = require("cjson").encode { upload_url = url } }
      local outcome, err =
        client:check { type = "tweets", ids = ids, results = results, upload = "simple" }
      assert.is_nil(outcome)
      assert.equal("protocol", err.kind, tostring(err))
      assert.is_nil(tostring(err):find("s3cret", 1, true), tostring(err))
      assert.equal("create cancel", bench:steps()) -- at the API
      assert.is_nil(benches.read(results))
    end)
  end

  it("row 22: whatever either description allows is an answer, or a typed error", function()
    local good, bad = 0, 0
    for batch = 1, 10 do
      local faults = {}
      for i = 1, 100 do
        local body = answers.job(batch * 100 + i, i % 2 == 0)
        faults[i] = { step = "get", fault = "raw", status = 200, body = body,
          headers = { ["Content-Type"] = "application/json" } }
      end
      bench.sim:arm_raw(faults)
      client = bench:client { retry = { attempts = 1 } }
      for _ = 1, 100 do
        local response, err = client:list_job("1")
        if response then
          assert.matches("^%d+$", response.data.id)
          assert.is_string(response.data.status)
          good = good + 1
        else
          assert.is_string(errors.kinds[err.kind])
          assert.equal("protocol", err.kind, tostring(err))
          bad = bad + 1
        end
      end
    end
    assert.equal(1000, good + bad)
    assert.is_true(good > 400, good)
  end)
end)
