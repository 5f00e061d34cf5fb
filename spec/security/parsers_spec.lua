-- text that comes from elsewhere, bent at random, in the parsers that are Lua: promise 26 of
-- docs/security.md. Those in C have fuzzers of their own (make fuzz).

local core = require "xcompliance.core"
local dates = require "xcompliance.dates"
local errors = require "xcompliance.errors"
local journals = require "xcompliance.journal"
local leaks = require "spec.support.leaks"
local openapi = require "spec.support.openapi"
local retry = require "xcompliance.retry"
local storage = require "xcompliance.storage_answers"

--- Bends a text: bytes replaced, taken out, doubled; cut; pieces of others put in.
local function bend(text, random, pieces)
  for _ = 1, random(4) - 1 do
    local at = random(#text + 1)
    local before, after = text:sub(1, at - 1), text:sub(at)
    local ways = {
      function() return before .. string.char(random(256) - 1) .. after:sub(2) end,
      function() return before .. after:sub(2) end,
      function() return before .. after:sub(1, 8):rep(random(50)) .. after end,
      function() return before end,
      function() return before .. pieces[random(#pieces)] .. after end,
    }
    text = ways[random(#ways)]()
  end
  return text
end

local PIECES = {
  "\0", "\r\n", "\27[31m", "-", "%", "%s", "9999999999999999999999", "1e999", "0x10", "NaN", "<!--",
  "<Code>", "</Code>", "crc32c=", ", ", "=", "GMT", ("A"):rep(10000), "\255\254", "*",
}

describe("an answer of storage that is bent", function()
  local BODY = "<?xml version='1.0' encoding='UTF-8'?><Error><Code>SignatureDoesNotMatch</Code>"
    .. "<Message>m</Message><StringToSign>X-Goog-Signature=abcdef012345</StringToSign></Error>"
  local HEADERS = {
    ["x-goog-hash"] = "crc32c=4waSgw==, md5=JfnnlDI7RTiF9RgfG2JNCw==",
    ["x-goog-stored-content-length"] = "9",
    ["retry-after"] = "Sun, 06 Nov 1994 08:49:37 GMT",
    ["x-rate-limit-reset"] = "784111777", ["x-rate-limit-remaining"] = "0",
    ["date"] = "Sun, 06 Nov 1994 08:49:07 GMT",
    ["location"] = "https://storage.googleapis.com/x?upload_id=abcdef",
  }
  local STATUSES = { 400, 403, 404, 408, 410, 412, 416, 429, 500, 503, 302, 308, 206, 999 }

  local function some_answer(random)
    local headers = {}
    for name, value in pairs(HEADERS) do
      if random(4) > 1 then headers[name] = bend(value, random, PIECES) end
    end
    return { status = STATUSES[random(#STATUSES)], body = bend(BODY, random, PIECES),
      headers = headers }
  end

  it("is a typed error that is short, plain, and shows no secret", function()
    for seed = 1, 2000 do
      local err = storage.failure("uploading x", some_answer(openapi.random(seed)))
      assert.is_string(errors.kinds[err.kind])
      assert.is_true(#err.message < 1000, #err.message)
      assert.is_nil(err.message:find("%c"))
      leaks.search(err, "the error")
    end
  end)

  it("proves nothing that is not so", function()
    local proved = 0
    for seed = 1, 2000 do
      local headers = some_answer(openapi.random(seed)).headers
      local sent = { bytes = 9, crc32c = "4waSgw==" }
      local verified, err = storage.verify("uploading x", headers, sent)
      if err then assert.equal("integrity", err.kind) end
      if verified then
        proved = proved + 1
        assert.matches("crc32c=4waSgw==", headers["x-goog-hash"], 1, true)
      end
      assert.is_nil((storage.verify("x", headers, { bytes = 9, crc32c = "AAAAAA==" })) or nil)
    end
    assert.is_true(proved > 200 and proved < 2000, proved)
  end)

  it("makes nobody wait longer than is sensible", function()
    local asked = 0
    for seed = 1, 2000 do
      local random = openapi.random(seed)
      local answer = some_answer(random)
      local failure = { retryable = true, status = answer.status, headers = answer.headers }
      local function middle() return 0.5 end
      local seconds, was_asked = retry.delay(random(7), failure, middle, 784111747)
      assert.is_true(seconds >= 0 and seconds <= 901, seconds)
      local pause = retry.exhausted(answer.headers, 784111747)
      assert.is_true(pause >= 0 and pause <= 901, pause)
      if was_asked then asked = asked + 1 end
    end
    assert.is_true(asked > 200, asked)
  end)
end)

describe("a date that is bent", function()
  it("is a number, or none", function()
    local read = 0
    for seed = 1, 2000 do
      local random = openapi.random(seed)
      for text, parse in pairs {
        ["Sun, 06 Nov 1994 08:49:37 GMT"] = dates.http, ["2021-10-07T07:56:18.000Z"] = dates.iso,
        ["2021-10-07T07:56:18+00:00"] = dates.iso, ["Sun Nov  6 08:49:37 1994"] = dates.http,
        ["Sunday, 06-Nov-94 08:49:37 UTC"] = dates.http,
      } do
        local time = parse(bend(text, random, PIECES))
        if time then
          read = read + 1
          assert.is_true(time == math.floor(time) and math.abs(time) < 3e11, time)
        end
      end
    end
    assert.is_true(read > 400, read)
  end)
end)

describe("a journal that is bent", function()
  local path, lines, states

  setup(function()
    path = os.tmpname()
    os.remove(path)
    local journal = assert(journals.open(path))
    states = { {} }
    for i, entry in ipairs {
      { step = "create", type = "tweets", list = { bytes = 20, crc32c = "4waSgw==", ids = 1 } },
      { step = "upload", job = { id = "1", upload_url = "https://storage.googleapis.com/x?y=z" } },
      { step = "upload", session = "https://storage.googleapis.com/x?y=z&u=w" },
      { step = "wait", session = false, uploaded = { verified = true } },
      { step = "download", part = { path = "/x", etag = "\"1\"", total = 5 } },
    } do
      assert(journal:record(entry))
      states[i + 1] = {}
      for name, value in pairs(journal.facts) do states[i + 1][name] = value end
    end
    journal:close()
    local file = io.open(path, "rb")
    lines = file:read("*a")
    file:close()
  end)
  teardown(function() os.remove(path) end)

  --- Whether it has what was recorded up to some line, and nothing else.
  local function is_a_state(facts)
    for _, state in ipairs(states) do
      if pcall(assert.same, state, facts) then return true end
    end
    return false
  end

  it("is refused, or has what was recorded up to some line", function()
    local opened, refused = 0, 0
    for seed = 1, 2000 do
      local file = io.open(path, "wb")
      file:write(bend(lines, openapi.random(seed), PIECES))
      file:close()
      local journal, err = journals.open(path)
      if journal then
        opened = opened + 1
        assert.is_true(is_a_state(journal.facts), "seed " .. seed)
        journal:close()
      else
        refused = refused + 1
        assert.equal("data", err.kind)
        assert.matches(path, err.message, 1, true)
      end
    end
    assert.is_true(opened > 100 and refused > 100, opened)
  end)
end)

describe("a text that is masked", function()
  it("stays a text, whatever it is", function()
    for seed = 1, 3000 do
      local random = openapi.random(seed)
      local text = "Authorization: Bearer t0ken-%2F and t0ken-/, X-Goog-Signature%3Dabcdef&x"
      local masked = core.mask(bend(text, random, PIECES), "t0ken-%2F")
      assert.is_nil(masked:find("t0ken-%2F", 1, true))
      assert.is_nil(masked:find("t0ken-/", 1, true))
      assert.is_nil(masked:find("%c"))
    end
  end)
end)
