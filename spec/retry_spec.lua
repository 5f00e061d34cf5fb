local dates = require "xcompliance.dates"
local retry = require "xcompliance.retry"

local NOW = 1700000000
local function half() return 0.5 end

local function answered(status, headers)
  return { kind = "server", retryable = true, status = status, headers = headers }
end

local function delay(attempt, failure, policy)
  return retry.delay(attempt, failure, half, NOW, policy)
end

describe("a retry", function()
  it("is not made where it cannot help", function()
    assert.is_nil(delay(1, { retryable = false }))
    assert.is_nil(delay(1, { kind = "auth" }))
  end)

  it("backs off from one second, doubling to sixty, jittered", function()
    local failure = { retryable = true }
    for attempt, seconds in ipairs { 0.75, 1.5, 3, 6, 12, 24, 45 } do
      assert.equal(seconds, (delay(attempt, failure)))
    end
    local least = retry.delay(3, failure, function() return 0 end, NOW)
    local most = retry.delay(3, failure, function() return 0.999 end, NOW)
    assert.equal(2, least)
    assert.is_true(most < 4 and most > 3.9)
  end)

  it("ends with the attempts of the policy", function()
    local policy = { attempts = 3, first = 1, max = 60 }
    assert.is_number(delay(2, { retryable = true }, policy))
    assert.is_nil(delay(3, { retryable = true }, policy))
    assert.is_nil(delay(8, { retryable = true }))
    policy = { attempts = 1000, first = 1, max = 30 }
    assert.equal(30 * 0.75, (delay(500, { retryable = true }, policy)))
  end)

  it("waits until a rate limit is reset, by the server's own clock", function()
    local seconds, asked = delay(1, answered(429, { ["x-rate-limit-reset"] = tostring(NOW + 20) }))
    assert.equal(20.5, seconds)
    assert.is_true(asked)
    -- our clock is two days late
    assert.equal(7.5, (delay(1, answered(429, {
      ["x-rate-limit-reset"] = "784111784", date = "Sun, 06 Nov 1994 08:49:37 GMT",
    }))))
  end)

  it("believes the reset only where a limit was reached", function()
    local seconds, asked = delay(1, answered(503, { ["x-rate-limit-reset"] = tostring(NOW + 500) }))
    assert.equal(0.75, seconds)
    assert.is_false(asked)
  end)

  it("honours Retry-After, in seconds or as a date", function()
    assert.equal(30.5, (delay(1, answered(503, { ["retry-after"] = "30" }))))
    assert.equal(30.5, (delay(1, answered(429, { ["retry-after"] = " 30 " }))))
    assert.equal(23.5, (delay(1, answered(503, {
      ["retry-after"] = "Sun, 06 Nov 1994 08:50:00 GMT", date = "Sun, 06 Nov 1994 08:49:37 GMT",
    }))))
  end)

  it("backs off where what the server asks for is not sensible, and cuts what is long", function()
    for _, value in ipairs {
      "0", "-5", "soon", "", "99999999999999999999999", "3601", "1e9", "0x10", "nan", "1.5",
      "Sun, 06 Nov 1994 08:49:37 GMT", "Xxx, 99 Foo 1994 99:99:99 GMT",
    } do
      assert.equal(0.75, (delay(1, answered(429, { ["retry-after"] = value }))), value)
    end
    for _, value in ipairs {
      "0", "-1", "soon", tostring(NOW - 10), tostring(NOW), tostring(NOW + 4000),
    } do
      assert.equal(0.75, (delay(1, answered(429, { ["x-rate-limit-reset"] = value }))), value)
    end
    assert.equal(900.5, (delay(1, answered(503, { ["retry-after"] = "3600" }))))
  end)

  it("waits before the next call if none is left of the limit", function()
    local function exhausted(remaining, reset)
      return retry.exhausted({
        ["x-rate-limit-remaining"] = remaining, ["x-rate-limit-reset"] = reset,
      }, NOW)
    end
    assert.equal(0, exhausted("1", tostring(NOW + 60)))
    assert.equal(60, exhausted("0", tostring(NOW + 60)))
    assert.equal(0, exhausted("0", nil))
    assert.equal(0, exhausted("0", tostring(NOW - 60)))
    assert.equal(0, retry.exhausted({}, NOW))
  end)
end)

describe("looks at a running job", function()
  it("begin with the least wait, double to the most, and stay between them", function()
    local poll = { min = 5, max = 60 }
    assert.equal(5, retry.poll(0, poll, half))
    assert.equal(8.75, retry.poll(1, poll, half))
    assert.equal(17.5, retry.poll(2, poll, half))
    assert.equal(35, retry.poll(3, poll, half))
    for looks = 4, 2000, 37 do assert.equal(52.5, retry.poll(looks, poll, half)) end
    for looks = 1, 20 do
      local least = retry.poll(looks, poll, function() return 0 end)
      assert.is_true(least >= 5 and least <= 60)
    end
  end)
end)

describe("a date", function()
  it("of a header is read without regard to the local time zone", function()
    assert.equal(784111777, dates.http("Sun, 06 Nov 1994 08:49:37 GMT"))
    assert.equal(951782400, dates.http("Tue, 29 Feb 2000 00:00:00 GMT"))
    assert.equal(0, dates.http("Thu, 01 Jan 1970 00:00:00 GMT"))
    for _, text in ipairs { "", "06 Nov 1994 08:49:37 GMT", "1" } do
      assert.is_nil(dates.http(text))
    end
    assert.is_nil(dates.http(nil))
  end)

  it("of a header is read in each form that a server may write (RFC 9110, 5.6.7)", function()
    for _, text in ipairs {
      "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC",
      "Sunday, 06-Nov-94 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 UTC",
      "Sun Nov  6 08:49:37 1994", "Sun, 06-Nov-1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT",
    } do assert.equal(784111777, dates.http(text, NOW), text) end
    for _, text in ipairs {
      "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 994 08:49:37 GMT",
      "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
      "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
      "Sun, 06 Nvv 1994 08:49:37 GMT", "Sun Nov  6 08:49:37 94", "06 Nov 1994 08:49:37 GMT",
      "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
    } do assert.is_nil(dates.http(text, NOW), text) end
  end)

  it("with a year of two digits is at most 50 years ahead", function()
    local function at(year, now)
      return os.date("!%Y", dates.http(("Sunday, 06-Nov-%02d 08:49:37 GMT"):format(year), now))
    end
    local in_2023, in_2099 = 1700000000, 4092595200 -- 2023-11-14, 2099-09-09
    for year, expected in pairs { [22] = "2022", [73] = "2073", [74] = "1974", [0] = "2000" } do
      assert.equal(expected, at(year, in_2023))
    end
    for year, expected in pairs { [99] = "2099", [0] = "2100", [49] = "2149", [50] = "2050" } do
      assert.equal(expected, at(year, in_2099))
    end
  end)

  it("of a header in all its forms is as GNU date reads it, for a thousand dates", function()
    local seed, list = 7, {}
    for i = 1, 1000 do
      seed = (seed * 48271) % 2147483647
      list[i] = ("@%.0f"):format(200000000 + seed % 1500000000) -- 1976 to 2023
    end
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(table.concat(list, "\n"), "\n")
    file:close()
    for _, form in ipairs {
      "%a, %d %b %Y %T GMT", "%a, %d %b %Y %T UTC", "%A, %d-%b-%y %T GMT", "%a %b %e %T %Y",
    } do
      local pipe = io.popen(("TZ=UTC LC_ALL=C date -f %s '+%s'"):format(path, form))
      local i = 0
      for line in pipe:lines() do
        i = i + 1
        assert.equal(list[i], "@" .. ("%.0f"):format(dates.http(line, NOW)), line)
      end
      pipe:close()
      assert.equal(1000, i)
    end
    os.remove(path)
  end)

  it("of a job is read in both forms that the API has", function()
    assert.equal(1633593378, dates.iso("2021-10-07T07:56:18.000Z"))
    assert.equal(1633593378, dates.iso("2021-10-07T07:56:18+00:00"))
    assert.is_nil(dates.iso("2021-10-07T07:56:18"))
    assert.is_nil(dates.iso("2021-10-07T07:56:18+02:00"))
    assert.is_nil(dates.iso(12))
  end)
end)
