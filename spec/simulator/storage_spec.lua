local curl = require "spec.support.curl"
local flows = require "spec.support.flows"
local simulator = require "spec.support.simulator"

flows.describe("the simulator's storage", function()
  local sim, job

  before_each(function()
    sim = simulator.start { jobs_take = 0 }
    job = curl.create(sim, "tweets")
  end)
  after_each(function() sim:stop() end)

  local function refused(answer, status, code)
    assert.equal(status, answer.status)
    assert.equal("application/xml; charset=UTF-8", answer.headers["content-type"])
    assert.matches("<Code>" .. code .. "</Code>", answer.body, 1, true)
  end

  it("stores an upload and says its hashes", function()
    local answer = curl.put(job.upload_url, "123456789")
    assert.equal(200, answer.status)
    assert.equal("", answer.body)
    assert.equal("crc32c=4waSgw==, md5=JfnnlDI7RTiF9RgfG2JNCw==", answer.headers["x-goog-hash"])
    assert.equal('"25f9e794323b453885f5181f1b624d0b"', answer.headers.etag)
    assert.equal("9", answer.headers["x-goog-stored-content-length"])
    assert.equal("123456789", sim:uploaded(job.id))
    assert.equal(9, sim:state().jobs[1].upload.size)
  end)

  it("stores an empty upload, and one in chunks", function()
    assert.equal("crc32c=AAAAAA==, md5=1B2M2Y8AsgTpgAmY7PhCfg==",
      curl.put(job.upload_url, "").headers["x-goog-hash"])
    local answer = curl.put(job.upload_url, "123456789", "-H 'Transfer-Encoding: chunked'")
    assert.equal(200, answer.status)
    assert.equal("123456789", sim:uploaded(job.id))
  end)

  it("verifies Content-MD5", function()
    local promise = "-H 'Content-MD5: JfnnlDI7RTiF9RgfG2JNCw=='"
    refused(curl.put(job.upload_url, "x", promise), 400, "BadDigest")
    assert.equal("created", curl.job(sim, job.id).status)
    assert.equal(200, curl.put(job.upload_url, "123456789", promise).status)
  end)

  it("refuses another value of a signed header, and echoes what it signed", function()
    local answer = curl.ask("-X PUT -H 'Content-Type: text/plain; charset=utf-8' -d x '"
      .. job.upload_url .. "'")
    refused(answer, 403, "SignatureDoesNotMatch")
    assert.matches("content-type:text/plain; charset=utf-8", answer.body, 1, true)
    assert.matches("<StringToSign>GOOG4-RSA-SHA256\n", answer.body, 1, true)
    assert.matches("X-Goog-Credential=", answer.body, 1, true)
  end)

  it("refuses an altered URL, another method and another host", function()
    local altered = job.upload_url:gsub("%%40", "@")
    refused(curl.put(altered, "x"), 403, "SignatureDoesNotMatch")
    refused(curl.put((job.upload_url:gsub("Expires=900", "Expires=9000")), "x"), 403,
      "SignatureDoesNotMatch")
    refused(curl.ask("'" .. job.upload_url .. "' -H 'Content-Type: text/plain'"), 403,
      "SignatureDoesNotMatch")
    refused(curl.put(job.upload_url, "x", "-H 'Host: localhost'"), 403, "SignatureDoesNotMatch")
  end)

  it("refuses a signed header that is missing", function()
    local answer = curl.ask("-X PUT -H 'Content-Type:' -d x '" .. job.upload_url .. "'")
    refused(answer, 400, "MalformedSecurityHeader")
    assert.matches("<ParameterName>content-type</ParameterName>", answer.body, 1, true)
    assert.matches("Header was included in signedheaders, but not in the request.", answer.body,
      1, true)
  end)

  it("refuses x-goog headers that are not signed", function()
    refused(curl.put(job.upload_url, "x", "-H 'x-goog-hash: crc32c=AAAAAA=='"), 403,
      "SignatureDoesNotMatch")
  end)

  it("refuses a URL without a signature", function()
    refused(curl.put(job.upload_url:match("^[^?]*"), "x"), 403, "AccessDenied")
  end)

  it("refuses an expired URL", function()
    sim:advance(900)
    local answer = curl.put(job.upload_url, "x")
    refused(answer, 400, "ExpiredToken")
    assert.matches("Request signature expired at: 20%d%d%-", answer.body)
  end)

  it("refuses at once, before the body is sent", function()
    local path = curl.file(20 * 1024 * 1024)
    local answer = curl.ask(("-T %s -H 'Content-Type: x' -w '%%{size_upload}' '%s'"):format(
      path, job.upload_url))
    assert.equal(403, answer.status)
    assert.is_true(tonumber(answer.body:match("</Error>(%d+)$")) < 5 * 1024 * 1024)
    os.remove(path)
  end)

  it("keeps nothing of an upload that broke off", function()
    local path = curl.file(1000000)
    curl.ask(("-T %s -H 'Content-Type: text/plain' --limit-rate 1M -m 0.3 '%s'"):format(
      path, job.upload_url))
    os.remove(path)
    assert.is_nil(sim:state().jobs[1].upload)
    assert.equal("created", curl.job(sim, job.id).status)
  end)

  it("takes the same upload twice", function()
    curl.put(job.upload_url, "1\n")
    assert.equal(200, curl.put(job.upload_url, "1\n").status)
    assert.equal("complete", curl.job(sim, job.id).status)
  end)

  it("has no results before the job is complete", function()
    refused(curl.ask("'" .. job.download_url .. "'"), 404, "NoSuchKey")
  end)
end, "storage")

flows.describe("a download from the simulator", function()
  local sim, job, whole

  setup(function()
    sim = simulator.start { jobs_take = 0, shares = { deleted = 1 } }
    job = curl.create(sim, "tweets")
    curl.put(job.upload_url, "21\n22\n")
    whole = curl.ask("'" .. job.download_url .. "'")
  end)
  teardown(function() sim:stop() end)

  local function get(arguments)
    return curl.ask(arguments .. " '" .. job.download_url .. "'")
  end

  it("has the headers of a composed object: CRC32C and no MD5", function()
    assert.equal(200, whole.status)
    assert.equal("application/octet-stream", whole.headers["content-type"])
    assert.equal("bytes", whole.headers["accept-ranges"])
    assert.equal("20", whole.headers["x-goog-component-count"])
    assert.matches("^crc32c=[%w+/]+==$", whole.headers["x-goog-hash"])
    assert.equal(tostring(#whole.body), whole.headers["x-goog-stored-content-length"])
    assert.equal(tostring(#whole.body), whole.headers["content-length"])
    assert.equal("identity", whole.headers["x-goog-stored-content-encoding"])
  end)

  it("gives ranges, with the hash of the whole", function()
    local answer = get "-H 'Range: bytes=10-'"
    assert.equal(206, answer.status)
    assert.equal(("bytes 10-%d/%d"):format(#whole.body - 1, #whole.body),
      answer.headers["content-range"])
    assert.equal(whole.body:sub(11), answer.body)
    assert.equal(whole.headers["x-goog-hash"], answer.headers["x-goog-hash"])
    assert.equal(whole.body:sub(3, 6), get("-H 'Range: bytes=2-5'").body)
    assert.equal(whole.body:sub(-7), get("-H 'Range: bytes=-7'").body)
    assert.equal(whole.body, get("-H 'Range: bytes=0-1,3-4'").body)
  end)

  it("honours If-Range", function()
    local same = get(("-H 'Range: bytes=10-' -H 'If-Range: %s'"):format(whole.headers.etag))
    assert.equal(206, same.status)
    local other = get "-H 'Range: bytes=10-' -H 'If-Range: \"other\"'"
    assert.equal(200, other.status)
    assert.equal(whole.body, other.body)
  end)

  it("refuses a range beyond the end", function()
    local answer = get(("-H 'Range: bytes=%d-'"):format(#whole.body))
    assert.equal(416, answer.status)
    assert.equal("bytes */" .. #whole.body, answer.headers["content-range"])
    assert.matches("<Code>InvalidRange</Code>", answer.body, 1, true)
  end)

  it("takes the most hostile ranges", function()
    for range, status in pairs { ["0-99999999999999999999"] = 206, ["99999999999999999999-"] = 416,
      ["-99999999999999999999"] = 206, ["-0"] = 416, ["5-2"] = 200, ["-"] = 200, ["a-b"] = 200 } do
      assert.equal(status, get("-H 'Range: bytes=" .. range .. "'").status, range)
    end
  end)

  it("refuses x-goog headers", function()
    assert.equal(403, get("-H 'x-goog-generation: 1'").status)
  end)

  it("logs whether a token came, and neither it nor the signature", function()
    get "-H 'Authorization: Bearer very-secret'"
    local log = sim:log()
    local entry = log[#log]
    assert.equal("download", entry.step)
    assert.is_true(entry.authorization)
    assert.is_true(entry.signed)
    assert.is_false(log[#log - 1].authorization)
    assert.is_nil(sim:curl("/admin/state"):match("very%-secret"))
    for _, logged in ipairs(log) do assert.is_nil(logged.path:match("Signature")) end
  end)
end, "storage")
