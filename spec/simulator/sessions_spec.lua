local curl = require "spec.support.curl"
local flows = require "spec.support.flows"
local simulator = require "spec.support.simulator"

local QUARTER = 256 * 1024

flows.describe("a resumable session of the simulator", function()
  local sim, job, uri

  before_each(function()
    sim = simulator.start { jobs_take = 0 }
    job = curl.create(sim, "tweets", true)
    uri = curl.start(job.upload_url)
  end)
  after_each(function() sim:stop() end)

  local SIZE = 2500000
  local path

  setup(function() path = curl.file(SIZE) end)
  teardown(function() os.remove(path) end)

  local function hashes()
    return simulator.shell("openssl md5 -binary " .. path .. " | openssl base64")
  end

  it("begins with 201 and a Location that is the URL with an upload_id", function()
    local location, answer = curl.start(job.upload_url)
    assert.equal(201, answer.status)
    assert.equal("", answer.body)
    assert.equal(job.upload_url .. "&upload_id=", location:sub(1, #job.upload_url + 11))
    assert.not_equal(uri, location)
  end)

  it("begins only with exactly the signed headers", function()
    local function status(headers)
      return curl.ask(("-X POST %s -d '' '%s'"):format(headers, job.upload_url)).status
    end
    local right = "-H 'Content-Type: text/plain' -H 'x-goog-resumable: start'"
    assert.equal(400, status "-H 'Content-Type: text/plain'")
    assert.equal(403, status "-H 'x-goog-resumable: start'") -- curl's own content type
    assert.equal(403, status "-H 'Content-Type: text/plain' -H 'x-goog-resumable: yes'")
    assert.equal(403, status(right .. " -d body"))
    assert.equal(201, status(right))
    assert.equal(403, curl.put(job.upload_url, "x", "-H 'x-goog-resumable: start'").status)
  end)

  it("takes all at once", function()
    local answer = curl.chunk(uri, path, 0, SIZE - 1, SIZE)
    assert.equal(200, answer.status)
    assert.equal("", answer.body)
    assert.matches("md5=" .. hashes(), answer.headers["x-goog-hash"], 1, true)
    assert.equal(tostring(SIZE), answer.headers["x-goog-stored-content-length"])
    assert.not_equal("created", curl.job(sim, job.id).status)
  end)

  it("takes all at once without a Content-Range", function()
    local answer = curl.ask(("-T %s '%s'"):format(path, uri))
    assert.equal(200, answer.status)
    assert.equal(tostring(SIZE), answer.headers["x-goog-stored-content-length"])
  end)

  it("keeps whole pieces of 256 KiB of a chunk that is not the last", function()
    local answer = curl.chunk(uri, path, 0, 999999, SIZE)
    assert.equal(308, answer.status)
    assert.equal("bytes=0-786431", answer.headers.range)
    assert.equal("created", curl.job(sim, job.id).status)
    assert.is_nil(sim:state().jobs[1].upload)
  end)

  it("says nothing of Range if nothing is kept", function()
    local answer = curl.chunk(uri, path, 0, 999, SIZE)
    assert.equal(308, answer.status)
    assert.is_nil(answer.headers.range)
    answer = curl.query(uri, SIZE)
    assert.equal(308, answer.status)
    assert.is_nil(answer.headers.range)
  end)

  it("continues where it was, with a total that is known last", function()
    curl.chunk(uri, path, 0, 4 * QUARTER - 1, "*")
    assert.equal("bytes=0-1048575", curl.query(uri).headers.range)
    local answer = curl.chunk(uri, path, 4 * QUARTER, SIZE - 1, SIZE)
    assert.equal(200, answer.status)
    assert.matches("md5=" .. hashes(), answer.headers["x-goog-hash"], 1, true)
  end)

  it("ignores what is sent again", function()
    curl.chunk(uri, path, 0, 4 * QUARTER - 1, SIZE)
    local answer = curl.chunk(uri, path, QUARTER, 5 * QUARTER - 1, SIZE)
    assert.equal("bytes=0-1310719", answer.headers.range)
    answer = curl.chunk(uri, path, 0, SIZE - 1, SIZE)
    assert.matches("md5=" .. hashes(), answer.headers["x-goog-hash"], 1, true)
  end)

  it("refuses a gap by 503 in plain text", function()
    curl.chunk(uri, path, 0, QUARTER - 1, SIZE)
    local answer = curl.chunk(uri, path, 4 * QUARTER, SIZE - 1, SIZE)
    assert.equal(503, answer.status)
    assert.matches("^text/plain", answer.headers["content-type"])
    assert.equal("Invalid request.  According to the Content-Range header, the upload offset is "
      .. "1048576 byte(s), which exceeds already uploaded size of 262144 byte(s).", answer.body)
  end)

  it("refuses a body that is not as long as its range", function()
    local answer = curl.ask(("-X PUT -H 'Content-Range: bytes 0-9/10' -d 123 '%s'"):format(uri))
    assert.equal(400, answer.status)
    assert.matches("There were 3 byte(s) in the request body.  There should have been 10 byte(s)",
      answer.body, 1, true)
  end)

  it("refuses ranges that make no sense", function()
    for _, range in ipairs { "bytes 0-9", "0-2/3", "bytes a-b/3", "bytes 0-2/2",
      "bytes 0-99999999999999999999/3", "bytes */x", "bytes 0-2/", "bytes 2-0/3" } do
      local answer = curl.ask(("-X PUT -H 'Content-Range: %s' -d 123 '%s'"):format(range, uri))
      assert.equal(400, answer.status)
    end
  end)

  it("keeps to the total that was said first", function()
    curl.chunk(uri, path, 0, QUARTER - 1, SIZE)
    assert.equal(400, curl.chunk(uri, path, QUARTER, SIZE - 2, SIZE - 1).status)
  end)

  it("takes an empty file", function()
    local answer = curl.query(uri, 0)
    assert.equal(200, answer.status)
    assert.equal("0", answer.headers["x-goog-stored-content-length"])
    assert.equal("crc32c=AAAAAA==, md5=1B2M2Y8AsgTpgAmY7PhCfg==", answer.headers["x-goog-hash"])
  end)

  it("ends without data if all is there", function()
    curl.chunk(uri, path, 0, 4 * QUARTER - 1, "*")
    assert.equal(308, curl.query(uri).status)
    assert.equal(200, curl.query(uri, 4 * QUARTER).status)
  end)

  it("answers 200 again when it is complete", function()
    curl.chunk(uri, path, 0, SIZE - 1, SIZE)
    for _, answer in ipairs { curl.query(uri, SIZE), curl.query(uri),
      curl.chunk(uri, path, 0, SIZE - 1, SIZE) } do
      assert.equal(200, answer.status)
      assert.matches("md5=" .. hashes(), answer.headers["x-goog-hash"], 1, true)
    end
  end)

  it("verifies x-goog-hash on the last request, and dies of a wrong one", function()
    local answer = curl.chunk(uri, path, 0, SIZE - 1, SIZE, "-H 'x-goog-hash: crc32c=AAAAAA=='")
    assert.equal(400, answer.status)
    assert.matches("<Code>BadDigest</Code>", answer.body, 1, true)
    assert.equal(410, curl.query(uri).status)
    uri = curl.start(job.upload_url)
    local right = "-H 'x-goog-hash: md5=" .. hashes() .. "'"
    assert.equal(200, curl.chunk(uri, path, 0, SIZE - 1, SIZE, right).status)
  end)

  it("does not know other sessions", function()
    assert.equal(404, curl.query(job.upload_url .. "&upload_id=unknown").status)
  end)

  it("is gone when it was cancelled", function()
    assert.equal(499, curl.ask(("-X DELETE -H 'Content-Length: 0' '%s'"):format(uri)).status)
    assert.equal(410, curl.query(uri).status)
    assert.equal(410, curl.chunk(uri, path, 0, SIZE - 1, SIZE).status)
    assert.equal("lost", sim:state().sessions[1].state)
  end)

  it("outlives the upload URL, and keeps its job from expiring", function()
    curl.chunk(uri, path, 0, QUARTER - 1, SIZE)
    sim:advance(3600)
    assert.equal(400, select(2, curl.start(job.upload_url)).status)
    assert.equal("created", curl.job(sim, job.id).status)
    assert.equal(200, curl.chunk(uri, path, QUARTER, SIZE - 1, SIZE).status)
    assert.not_equal("expired", curl.job(sim, job.id).status)
  end)

  it("lives a week", function()
    sim:advance(7 * 86400 + 1)
    assert.equal(404, curl.query(uri).status)
  end)

  it("lets its job expire where that is asked for", function()
    local strict = simulator.start { strict_expiry = true }
    local other = curl.create(strict, "tweets", true)
    curl.start(other.upload_url)
    strict:advance(901)
    assert.equal("expired", curl.job(strict, other.id).status)
    strict:stop()
  end)

  it("keeps the pieces that arrived before the connection broke", function()
    curl.ask(("-T %s --limit-rate 1M -m 1 '%s'"):format(path, uri))
    local session = sim:state().sessions[1]
    assert.equal(0, session.kept % QUARTER)
    assert.is_true(session.kept > 0 and session.kept < SIZE)
    assert.equal(("bytes=0-%d"):format(session.kept - 1), curl.query(uri).headers.range)
  end)
end, "storage")
