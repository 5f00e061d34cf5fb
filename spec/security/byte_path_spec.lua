-- Who gets the bearer token with a job's bytes (promise 3 of docs/security.md, row 102 of the fault
-- matrix): the API alone, at the URL of that job and of that operation. What looks like such a URL
-- is treated as storage, and is never sent the token. More of them: spec/c/url_test.c, make fuzz.

local benches = require "spec.support.bench"
local core = require "xcompliance.core"
local raw = require "spec.support.raw"

local TOKEN = "t0ken-for-the-API"
local ID = "1460694452490674183"
local PATH = "/2/compliance/jobs/" .. ID

local ANSWER = [[return function(connection)
  connection:write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
end]]

describe("a job's URL", function()
  local api, elsewhere, session, ids, target

  setup(function()
    api, elsewhere = raw.start(ANSWER), raw.start(ANSWER)
    session = assert(core.session {})
  end)
  teardown(function()
    session:close()
    api:stop()
    elsewhere:stop()
  end)

  before_each(function()
    local path = os.tmpname()
    benches.write(path, "1\n")
    ids, target = assert(core.open_source(path)), assert(core.create_beside(path))
    os.remove(path)
  end)
  after_each(function()
    ids:close()
    target:discard()
  end)

  --- Moves bytes by the core, which decides by itself; returns its answer.
  local function move(operation, url, more)
    local options = { url = url, base_url = api.url, bearer_token = TOKEN, job_id = ID,
      loopback = true, timeout = 5, file = operation == "upload" and ids or target }
    for name, value in pairs(more or {}) do options[name] = value end
    local name = operation == "upload" and "upload_ids" or "download_results"
    local task, err = core[name](session, options)
    if not task then return nil, err end
    assert.is_true(task:wait(10))
    local answer, failure = task:result()
    task:close()
    return answer, failure
  end

  local function heads() return api:heads() .. elsewhere:heads() end

  --- What the servers were sent by `act`.
  local function sent_by(act)
    local before = { #api:heads(), #elsewhere:heads() }
    act()
    return api:heads():sub(before[1] + 1), elsewhere:heads():sub(before[2] + 1)
  end

  it("at the API gets the token, in both directions", function()
    for operation, method in pairs { upload = "PUT", download = "GET" } do
      local url = api.url .. PATH .. "/" .. operation .. "?token=a%2Fb%3D"
      for _, id in ipairs { ID, false } do
        local sent = sent_by(function()
          local answer = assert(move(operation, url, { job_id = id or nil }))
          assert.equal(200, answer.status)
          assert.equal("api", answer.flow)
        end)
        assert.equal(method .. " " .. PATH .. "/" .. operation .. "?token=a%2Fb%3D HTTP/1.1\r\n",
          sent:match("^.-\r\n"))
        assert.matches("\r\nAuthorization: Bearer " .. TOKEN .. "\r\n", sent, 1, true)
      end
    end
  end)

  it("row 102: elsewhere gets no token, whatever it looks like", function()
    local look_alikes = {
      elsewhere.url .. PATH .. "/upload?token=a", -- another port
      ("http://localhost:%d%s/upload?token=a"):format(api.port, PATH),
      ("http://127.0.0.2:%d%s/upload?token=a"):format(api.port, PATH),
      api.url .. "/x" .. PATH .. "/upload?token=a", api.url .. "/" .. PATH .. "/upload?token=a",
      api.url .. "/x/.." .. PATH .. "/upload?token=a",
      api.url .. "/.%2F" .. PATH .. "/upload?token=a",
      api.url .. "/%32/compliance/jobs/" .. ID .. "/upload?token=a", api.url .. "/?token=a",
    }
    for _, url in ipairs(look_alikes) do
      local answer, err
      local here, there = sent_by(function() answer, err = move("upload", url) end)
      assert.is_true(answer == nil or answer.flow == "storage", url)
      assert.is_nil((here .. there):lower():find("authorization", 1, true), url)
      assert.is_true(answer ~= nil or err.kind == "protocol" or err.kind == "network", url)
    end
  end)

  it("row 102: below the API's path is of its job and operation, or is not used", function()
    local other = "/2/compliance/jobs/1460694452490674184"
    for _, target_of in ipairs {
      other .. "/upload?token=a", PATH .. "/download?token=a", PATH .. "/upload",
      PATH .. "/upload?token=", PATH .. "/upload?token=a&token=b", PATH .. "/upload?x=a",
      PATH .. "/Upload?token=a", PATH .. "/upload/?token=a", PATH .. "/upload;x?token=a",
      PATH .. "%2Fupload?token=a", PATH .. "/../" .. ID .. "/upload?token=a", PATH .. "?token=a",
      PATH .. "/upload?token=a&tok%65n=b", PATH .. "/upload?Token=a", "/2/?token=a",
      PATH .. "/upload?token=a#", PATH .. "/upload?token=a\t", PATH .. "\\upload?token=a",
      "/2/compliance/jobs/" .. ("1"):rep(20) .. "/upload?token=a",
    } do
      local answer, err
      local here = sent_by(function() answer, err = move("upload", api.url .. target_of) end)
      assert.is_nil(answer, target_of)
      assert.equal("protocol", err.kind, target_of)
      assert.is_false(err.retryable)
      assert.matches("refused", tostring(err))
      assert.is_nil(tostring(err):find("token=", 1, true))
      assert.equal("", here, target_of)
    end
    local _, err = move("download", api.url .. PATH .. "/upload?token=a")
    assert.matches("it is not the job's download URL %- read the job for its URLs$", tostring(err))
  end)

  it("is never followed to another place", function()
    local redirect = raw.start(([[return function(connection)
      connection:write("HTTP/1.1 307 x\r\nLocation: %s/2/x\r\nContent-Length: 0\r\n\r\n")
    end]]):format(elsewhere.url))
    finally(function() redirect:stop() end)
    local _, there = sent_by(function()
      for _, operation in ipairs { "upload", "download" } do
        local url = redirect.url .. PATH .. "/" .. operation .. "?token=a"
        local answer = assert(move(operation, url, { base_url = redirect.url }))
        assert.equal(307, answer.status)
      end
    end)
    assert.equal("", there)
  end)

  it("cannot be given the token by a header", function()
    local ok, err = pcall(move, "upload", api.url .. PATH .. "/upload?token=a",
      { headers = { "Authorization: Bearer " .. TOKEN } })
    assert.is_false(ok)
    assert.equal("usage", err.kind)
  end)

  it("needs a base URL that may have the token", function()
    for _, base in ipairs { "http://api.example", "ftp://api.example", "api.example", false } do
      local ok, err = pcall(core.upload_ids, session, { url = "https://api.example" .. PATH
        .. "/upload?token=a", base_url = base or nil, bearer_token = TOKEN, file = ids })
      assert.is_false(ok)
      assert.equal("usage", err.kind)
      assert.is_nil(tostring(err):find(TOKEN, 1, true))
    end
  end)

  it("of X is known before it is used", function()
    local function flow(url, more)
      local options = { url = url, base_url = "https://api.x.com", operation = "upload" }
      for name, value in pairs(more or {}) do options[name] = value end
      return core.job_url(options)
    end
    local url = "https://api.x.com" .. PATH .. "/upload?token=a"
    assert.equal("api", flow(url))
    assert.equal("api", flow(url, { job_id = ID }))
    assert.equal("api", flow(url, { base_url = "https://api.twitter.com" }))
    assert.equal("api", flow("https://api.twitter.com" .. PATH .. "/upload?token=a"))
    assert.equal("storage", flow("https://storage.googleapis.com/b/o?X-Goog-Signature=a"))
    assert.equal("storage",
      flow("https://minio.example/b", { storage_hosts = { "minio.example" } }))
    for _, more in ipairs {
      { operation = "download" }, { job_id = "1" }, { base_url = "https://api.example" },
      { base_url = "https://api.x.com:444" },
    } do
      local refused, err = flow(url, more)
      assert.is_nil(refused)
      assert.equal("protocol", err.kind)
      assert.is_false(err.retryable)
    end
    for _, wrong in ipairs { { operation = "erase" }, { base_url = "http://x" }, { more = 1 } } do
      assert.is_false(pcall(flow, url, wrong))
    end
  end)

  it("is shown without its token", function()
    assert.equal("PUT /2/x/upload?token=*** and token%3D***",
      core.mask("PUT /2/x/upload?token=SECRET and token%3DSECRET"))
    assert.equal("***", core.mask("t0ken", "t0ken"))
    assert.is_nil(core.signed_url(api.url .. PATH .. "/upload?token=SECRET").shown:find("SECRET"))
  end)

  after_each(function() assert.is_nil(heads():find("[Tt]oken=SECRET")) end)
end)
