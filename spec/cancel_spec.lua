-- Cancelling a job, against a server that answers as each case says (row 96 of the fault matrix).

local benches = require "spec.faults.bench"
local raw = require "spec.raw"
local xcompliance = require "xcompliance"

local shell, quote = require("spec.simulator").shell, require("spec.simulator").quote

local TOKEN = benches.TOKEN
local ID = "1460694452490674183"

--- Answers the requests one after another: `{ status, body }`, or false to close without a word.
-- A status of the job as text is an answer with that job.
local function serve(answers)
  local parts = {}
  for i, answer in ipairs(answers) do
    if type(answer) == "string" then
      answer = { 200, ('{"data":{"id":"%s","type":"tweets","status":"%s"}}'):format(ID, answer) }
    end
    parts[i] = answer and ("{ %d, %q }"):format(answer[1], answer[2]) or "false"
  end
  return raw.start(([[
    local answers = { %s }
    return function(connection, head, number)
      local answer = answers[number]
      if not answer then return end
      connection:write(("HTTP/1.1 %%d x\r\nContent-Length: %%d\r\nConnection: close\r\n\r\n%%s")
        :format(answer[1], #answer[2], answer[2]))
    end]]):format(table.concat(parts, ", ")))
end

local function problem(name, detail)
  return ('{"detail":"%s","type":"https://api.x.com/2/problems/%s"}'):format(detail, name)
end

describe("cancelling a job", function()
  local server, client

  local function start(answers)
    server = serve(answers)
    client = xcompliance.client { bearer_token = TOKEN, base_url = server.url,
      retry = { attempts = 3, first = 0.01, max = 0.01 } }
  end

  after_each(function()
    if client then client:close() end
    if server then server:stop() end
    client, server = nil, nil
  end)

  --- The methods and targets of the requests.
  local function asked()
    local list = {}
    for line in server:heads():gmatch("(%u+ %S+) HTTP/1.1\r\n") do list[#list + 1] = line end
    return table.concat(list, ", ")
  end

  local DELETE, GET = "DELETE /2/compliance/jobs/" .. ID, "GET /2/compliance/jobs/" .. ID

  it("sends one DELETE with the token, and gives the model as it came", function()
    start { "failed" }
    local response, details = assert(client:cancel_job(ID))
    assert.equal("failed", response.data.status)
    assert.equal(200, details.status)
    assert.equal(DELETE, asked())
    assert.matches("\r\nAuthorization: Bearer " .. TOKEN .. "\r\n", server:heads(), 1, true)
  end)

  it("asks for the fields that are named", function()
    start { { 200, '{"data":{"id":"1"}}' } }
    assert.same({ id = "1" }, assert(client:cancel_job(ID, { fields = { "id" } })).data)
    assert.equal(DELETE .. "?compliance_job.fields=id", asked())
  end)

  it("is tried again after the network or the API failed", function()
    start { false, { 503, "" }, "failed" }
    assert.equal("failed", assert(client:cancel_job(ID)).data.status)
    assert.equal(table.concat({ DELETE, DELETE, DELETE }, ", "), asked())
  end)

  it("row 96: has succeeded if its answer was lost and the job has failed", function()
    start { false, { 409, problem("conflict", "not active") }, "failed" }
    assert.equal("failed", assert(client:cancel_job(ID)).data.status)
    assert.equal(table.concat({ DELETE, DELETE, GET }, ", "), asked())
  end)

  it("row 96: has nothing to do if the job expired", function()
    start { { 400, problem("invalid-request", "not active") }, "expired" }
    assert.equal("expired", assert(client:cancel_job(ID)).data.status)
  end)

  it("row 96: is a conflict if the job is complete, and says so, without a loop", function()
    start { { 409, problem("conflict", "it cannot be cancelled") }, "complete" }
    local response, err = client:cancel_job(ID)
    assert.is_nil(response)
    assert.equal("conflict", err.kind)
    assert.equal("complete", err.job.status)
    assert.is_false(err.retryable)
    assert.matches("it cannot be cancelled; job " .. ID .. " is complete$", tostring(err))
    assert.equal(DELETE .. ", " .. GET, asked())
  end)

  it("keeps the API's own reason if the job is active all the same", function()
    start { { 404, problem("resource-not-found", "no such thing") }, "created" }
    local _, err = client:cancel_job(ID)
    assert.equal("not_found", err.kind)
    assert.equal("created", err.job.status)
  end)

  it("says that there is no such job", function()
    start { { 404, problem("resource-not-found", "no job") }, { 404, "" } }
    local _, err = client:cancel_job(ID)
    assert.equal("not_found", err.kind)
    assert.matches("^cancelling a compliance job at http://127.0.0.1:%d+/2/compliance/jobs/" .. ID
      .. ": the API answered 404 %(resource%-not%-found%): no job", tostring(err))
  end)

  it("reports why it could not be decided", function()
    start { { 409, "" }, { 401, "" } }
    local _, err = client:cancel_job(ID)
    assert.equal("auth", err.kind)
  end)

  it("takes an id of 1 to 19 digits alone", function()
    start {}
    for _, id in ipairs { "", "1/upload", "1?x", ("9"):rep(20), 12 } do
      local ok, err = pcall(client.cancel_job, client, id)
      assert.is_false(ok)
      assert.equal("usage", err.kind)
    end
    assert.equal("", asked())
  end)

  it("is a command, and a function of the module", function()
    start { "failed", "failed", { 409, "" }, "complete" }
    local environment = ("env BEARER_TOKEN=%s XCOMPLIANCE_BASE_URL=%s "):format(TOKEN, server.url)
    local said = assert(shell(environment .. benches.command("bin/xcompliance cancel " .. ID)))
    assert.matches("\nstatus +failed", said)
    local script = quote("print(require('xcompliance').cancel_job('" .. ID .. "').data.status)")
    assert.equal("failed", shell(environment .. benches.command("-e " .. script)))
    local ok
    ok, said = shell(environment .. benches.command("bin/xcompliance cancel " .. ID) .. " 2>&1")
    assert.is_nil(ok)
    assert.matches("is complete$", said)
  end)
end)
