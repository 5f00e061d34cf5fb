local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local storage = require "xcompliance.storage_answers"

describe("an error", function()
  it("reads as its message, and stays the core's kind of value", function()
    local err = errors.new("network", "connecting: refused", { retryable = true, system = 111 })
    assert.equal("connecting: refused", tostring(err))
    assert.is_true(errors.is(err))
    assert.is_true(err.retryable)
    assert.is_false(errors.new("io", "x").retryable)
    assert.is_false(errors.is { kind = "network" })
    local ok, raised = pcall(core.open_source, "")
    assert.is_false(ok)
    assert.is_true(errors.is(raised))
  end)

  it("is copied, not changed, when more is known", function()
    local first = errors.new("network", "a", { retryable = true })
    local second = errors.with(first, { message = "b" })
    assert.equal("a", tostring(first))
    assert.equal("b", tostring(second))
    assert.equal("network", second.kind)
  end)

  it("is made of whatever was raised", function()
    assert.equal("internal", errors.from("boom").kind)
    assert.equal("boom", tostring(errors.from("boom")))
    local err = errors.new("io", "x")
    assert.equal(err, errors.from(err))
  end)

  it("is of a kind that is documented, here and for people", function()
    local file = assert(io.open("docs/errors.md"))
    local manual = file:read("*a")
    file:close()
    for kind in pairs(errors.kinds) do
      assert.is_truthy(manual:find("\n| `" .. kind .. "` |", 1, true), kind)
    end
    for kind in manual:gmatch("\n| `([%w_]+)` | [^|]+ | %d") do
      assert.is_string(errors.kinds[kind], kind)
    end
  end)
end)

describe("options", function()
  local function refused(options, pattern)
    local ok, err = pcall(errors.check_options, "f", options, { a = "string", b = "number|table" })
    assert.is_false(ok)
    assert.equal("usage", err.kind)
    assert.matches(pattern, tostring(err))
  end

  it("are known, and of their types", function()
    assert.same({}, errors.check_options("f", nil, {}))
    assert.same({ a = "x", b = 1 },
      errors.check_options("f", { a = "x", b = 1 }, { a = "string", b = "number|table" }))
    refused({ c = 1 }, "f: there is no option 'c'")
    refused({ [1] = 1 }, "there is no option '1'")
    refused({ a = 1 }, "a must be a string, not number")
    refused({ b = "x" }, "b must be a number or table, not string")
    refused("x", "options must be a table")
  end)

  it("are read without running code of theirs", function()
    local options = setmetatable({}, {
      __index = function() error("ran") end, __pairs = function() error("ran") end,
    })
    assert.same({}, errors.check_options("f", options, { a = "string" }))
  end)
end)

describe("an answer of storage", function()
  local SIGNED = "https://storage.googleapis.com/b/o?X-Goog-Signature=5ec3e7"

  local function xml(code, more)
    return "<?xml version='1.0' encoding='UTF-8'?><Error><Code>" .. code
      .. "</Code><Message>m</Message>" .. (more or "") .. "</Error>"
  end

  local function failure(status, body, headers)
    local answer = { status = status, body = body, headers = headers or {} }
    return storage.failure("uploading ids.txt", answer)
  end

  it("is known by its code, and never shows the URL", function()
    for _, case in ipairs {
      { 400, "ExpiredToken", "expired" }, { 400, "MalformedSecurityHeader", "protocol" },
      { 403, "SignatureDoesNotMatch", "forbidden" }, { 403, "AccessDenied", "forbidden" },
      { 404, "NoSuchKey", "not_found" }, { 400, "BadDigest", "integrity" },
      { 400, "InvalidArgument", "protocol" },
    } do
      local echo = "<CanonicalRequest>" .. SIGNED .. "</CanonicalRequest>"
      local err = failure(case[1], xml(case[2], echo))
      assert.equal(case[3], err.kind)
      assert.equal(case[2], err.code)
      assert.is_false(err.retryable)
      assert.matches("uploading ids.txt: storage answered " .. case[1] .. " %(" .. case[2] .. "%)",
        tostring(err))
      assert.is_nil(tostring(err):find("5ec3e7", 1, true))
    end
  end)

  it("is worth another attempt where storage is at fault", function()
    for _, case in ipairs {
      { 408, "timeout" }, { 429, "rate_limited" }, { 500, "server" }, { 503, "server" },
    } do
      local err = failure(case[1], "upstream says no\0" .. SIGNED .. ("x"):rep(1000))
      assert.equal(case[2], err.kind)
      assert.is_true(err.retryable)
      assert.is_nil(tostring(err):find("5ec3e7", 1, true))
      assert.is_true(#tostring(err) < 500)
      assert.is_nil(tostring(err):find("%c"))
    end
    for _, status in ipairs { 301, 400, 401, 411, 412, 416 } do
      assert.is_false(failure(status, "").retryable)
      assert.equal("protocol", failure(status, "").kind)
    end
  end)

  it("proves what is stored, or does not, or says otherwise", function()
    local sent = { bytes = 9, crc32c = "4waSgw==" }
    local function verify(headers) return storage.verify("x", headers, sent) end
    assert.is_true(verify {
      ["x-goog-hash"] = "crc32c=4waSgw==, md5=JfnnlDI7RTiF9RgfG2JNCw==",
      ["x-goog-stored-content-length"] = "9",
    })
    assert.is_true(verify { ["x-goog-hash"] = "md5=AAAA==,crc32c=4waSgw==" })
    assert.is_false(verify {})
    assert.is_false(verify { ["x-goog-hash"] = "md5=JfnnlDI7RTiF9RgfG2JNCw==" })
    for _, headers in ipairs {
      { ["x-goog-hash"] = "crc32c=4waSgg==" }, { ["x-goog-hash"] = "crc32c=4waSgw" },
      { ["x-goog-stored-content-length"] = "8" },
      { ["x-goog-stored-content-length"] = "10", ["x-goog-hash"] = "crc32c=4waSgw==" },
    } do
      local verified, err = verify(headers)
      assert.is_nil(verified)
      assert.equal("integrity", err.kind)
    end
  end)
end)
