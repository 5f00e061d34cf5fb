local core = require "xcompliance.core"

--- Starts an exchange with `url` and returns the refusal, or nil. Nothing listens there.
local function refusal(url, options)
  options = options or {}
  local session = assert(core.session {})
  options.url, options.method = url, "GET"
  local task, err = core.request(session, options)
  if not task then return err end
  task:close()
  session:close()
  return nil
end

describe("a storage URL", function()
  it("may lead to Google's storage over https", function()
    for _, url in ipairs {
      "https://storage.googleapis.com/bucket/object?X-Goog-Signature=00",
      "https://STORAGE.googleapis.com:443/bucket",
      "https://bucket.storage.googleapis.com/object",
    } do assert.is_nil(refusal(url), url) end
  end)

  for _, url in ipairs {
    "http://storage.googleapis.com/",
    "https://storage.googleapis.com@evil.example/",
    "https://storage.googleapis.com.evil.example/",
    "https://evilstorage.googleapis.com/",
    "https://evil.example#storage.googleapis.com",
    "https://evil.example/storage.googleapis.com",
    "https://evil.example?storage.googleapis.com",
    "https://evil.example\\storage.googleapis.com",
    "https://storage.googleapis.com./",
    "https://storage.googleapis.com:444/",
    "https://user:word@storage.googleapis.com/",
    "https://storage.googleapis.com/\tx",
    "https://storage.googleapis.com/ x",
    "https://stor\195\164ge.googleapis.com/",
    "https://142.250.1.128/",
    "https://[2a00:1450::1]/",
    "https://2398766464/",
    "https://127.0.0.1/",
    "http://localhost/",
    "file:///etc/passwd",
    "ftp://storage.googleapis.com/",
    "storage.googleapis.com/x",
    "https://bucket%.storage.googleapis.com/x",
    "https://evil.example%2f.storage.googleapis.com/x",
    "https://evil.example%23.storage.googleapis.com/x",
    "https://evil.example,.storage.googleapis.com/x",
    "https:/storage.googleapis.com/x",
    "https:///storage.googleapis.com/x",
    "https:storage.googleapis.com/x",
    "//storage.googleapis.com/x",
    "",
  } do
    it("is refused before anything is sent: " .. url, function()
      local err = refusal(url)
      assert.is_table(err)
      assert.equal("protocol", err.kind)
      assert.is_false(err.retryable)
      assert.matches("refused", tostring(err))
    end)
  end

  it("may lead to a loopback address only where the caller says so", function()
    for _, url in ipairs { "http://127.0.0.1:1/", "http://localhost:1/", "https://[::1]:1/" } do
      assert.is_table(refusal(url), url)
      assert.is_nil(refusal(url, { loopback = true }), url)
    end
    assert.is_table(refusal("http://storage.googleapis.com/", { loopback = true }))
    assert.is_table(refusal("http://127.0.0.1.evil.example/", { loopback = true }))
    assert.is_table(refusal("http://10.0.0.1/", { loopback = true }))
  end)

  it("may lead to a host that the caller names, on the port that the caller names", function()
    local hosts = { storage_hosts = { "minio.example", "other.example:9000" } }
    assert.is_nil(refusal("https://minio.example/x", hosts))
    assert.is_nil(refusal("https://other.example:9000/x", hosts))
    assert.is_table(refusal("https://minio.example:9000/x", hosts))
    assert.is_table(refusal("https://other.example/x", hosts))
    assert.is_table(refusal("http://minio.example/x", hosts))
  end)

  it("is never shown with its query", function()
    local err = refusal("https://evil.example/x?X-Goog-Signature=SECRET&upload_id=SECRET")
    assert.is_nil(tostring(err):find("SECRET", 1, true))
  end)

  it("is never shown with its query or its user, however odd it is", function()
    for _, url in ipairs {
      "https://evil.example/x?r=https://storage.googleapis.com/?X-Goog-Signature=SECRET",
      "evil.example/x?upload_id=SECRET&r=://x", "?SECRET", "x?SECRET://", "#SECRET://",
      "https://SECRET@SECRET@evil.example/x", "SECRET:SECRET@evil.example",
      "https://SECRET:SECRET@[::1]/", "//SECRET@evil.example/?SECRET",
    } do
      assert.is_nil(tostring(refusal(url)):find("SECRET", 1, true), url)
      assert.is_nil(core.signed_url(url).shown:find("SECRET", 1, true), url)
    end
  end)

  it("is never given an Authorization header", function()
    local ok, err = pcall(refusal, "https://storage.googleapis.com/x",
      { headers = { "authorization: Bearer x" } })
    assert.is_false(ok)
    assert.equal("usage", err.kind)
  end)

  it("cannot carry a header that ends its line", function()
    local ok, err = pcall(refusal, "https://storage.googleapis.com/x",
      { headers = { "x: y\r\nEvil: 1" } })
    assert.is_false(ok)
    assert.equal("usage", err.kind)
  end)
end)

describe("core.signed_url", function()
  local query = "?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential=a%40b%2F20211007"
    .. "&X-Goog-Date=20211007T075618Z&X-Goog-Expires=900&X-Goog-SignedHeaders="

  it("reads the headers that are signed, and when the URL expires", function()
    local read = core.signed_url("https://storage.googleapis.com/a/b" .. query
      .. "content-length%3Bcontent-type%3bhost%3Bx-goog-resumable&X-Goog-Signature=00")
    assert.same({ "content-length", "content-type", "host", "x-goog-resumable" },
      read.signed_headers)
    assert.is_true(read.resumable)
    assert.equal(1633593378, read.signed_at)
    assert.equal(1633593378 + 900, read.expires_at)
    assert.equal("https://storage.googleapis.com/a/b", read.shown)
  end)

  it("knows a simple one", function()
    local read = core.signed_url("https://storage.googleapis.com/a" .. query .. "content-type;host")
    assert.same({ "content-type", "host" }, read.signed_headers)
    assert.is_false(read.resumable)
  end)

  it("leaves empty what a URL does not say, or says wrongly", function()
    for _, url in ipairs {
      "https://storage.googleapis.com/a", "https://storage.googleapis.com/a?", "x", "",
      "https://a/?X-Goog-Date=2021&X-Goog-Expires=900",
      "https://a/?X-Goog-Date=20211007T075618Z&X-Goog-Expires=-1",
      "https://a/?X-Goog-Date=20211007T075618Z&X-Goog-Expires=99999999999999999999",
      "https://a/?X-Goog-SignedHeaders=%3B%3B;;%",
    } do
      local read = core.signed_url(url)
      assert.is_nil(read.expires_at, url)
      assert.is_false(read.resumable)
    end
  end)
end)

describe("core.mask", function()
  it("hides what makes a URL a credential, wherever a server echoes it", function()
    local echo = [[<Error><StringToSign>GOOG4-RSA-SHA256
/b/o
X-Goog-Algorithm=GOOG4-RSA-SHA256&amp;X-Goog-Credential=SECRET%2Fx&amp;X-Goog-Signature=SECRET
</StringToSign>"https://s/b?upload_id=SECRET&x-goog-signature=SECRET" X-Goog-Signature%3DSECRET%26a
Authorization: Bearer SECRET</Error>]]
    local masked = core.mask(echo)
    assert.is_nil(masked:find("SECRET", 1, true))
    assert.matches("<StringToSign>", masked)
    assert.matches("X%-Goog%-Signature=%*%*%*", masked)
  end)

  it("hides the token itself", function()
    assert.equal("a *** b *** c", core.mask("a t0ken b t0ken c", "t0ken"))
  end)

  it("hides the token in whatever encoding it was sent, or is echoed", function()
    local token = "AAAA%2Fbb%3D+c"
    for _, echo in ipairs {
      "AAAA%2Fbb%3D+c", "AAAA/bb=+c", "AAAA%252Fbb%253D%2Bc", "%41AAA%2fbb%3d%2bc",
      "AAAA%25252Fbb=%252Bc",
    } do assert.equal("<***>", core.mask("<" .. echo .. ">", token)) end
    assert.equal("a%2***", core.mask("a%2t0ken", "t0ken"))
    assert.equal("Bearer ***", core.mask("Bearer a;b&c,d", "a;b&c,d"))
    assert.equal("***", core.mask("Signature=a;b", "Signature=a;b"))
    assert.equal("X-Goog-Signature%253D***%2526x=1",
      core.mask("X-Goog-Signature%253Dabc%2526x=1"))
  end)

  it("never cuts off what it masks", function()
    assert.equal(("***"):rep(1000), core.mask(("t"):rep(1000), "t"))
    assert.equal(("Bearer ***;"):rep(1000), core.mask(("Bearer x;"):rep(1000)))
  end)

  it("makes control characters spaces and stays within its bounds for any text", function()
    assert.equal("a b  c", core.mask("a\nb\0\27c"))
    assert.equal("", core.mask(""))
    local text = {}
    for i = 1, 2000 do text[i] = "X-Goog-Date=" end
    assert.is_string(core.mask(table.concat(text)))
  end)
end)
