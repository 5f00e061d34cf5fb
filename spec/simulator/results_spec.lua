local cjson = require "cjson"
local curl = require "spec.support.curl"
local flows = require "spec.support.flows"
local simulator = require "spec.support.simulator"

-- the results of ids, as text
local function results(options, job_type, text)
  options.jobs_take = 0
  local sim = simulator.start(options)
  local job = curl.create(sim, job_type)
  curl.put(job.upload_url, text)
  local body = curl.ask("'" .. job.download_url .. "'").body
  sim:stop()
  return body
end

local function ids(first, last)
  local list = {}
  for id = first, last do list[#list + 1] = ("1372966999991%06d\n"):format(id) end
  return table.concat(list)
end

local function rows(text)
  local list = {}
  for line in text:gmatch("[^\n]+") do list[#list + 1] = cjson.decode(line) end
  return list
end

flows.describe("the simulator's results", function()
  it("are the same for the same seed, and others for another", function()
    local one = results({ seed = 7 }, "tweets", ids(1, 1000))
    assert.equal(one, results({ seed = 7 }, "tweets", ids(1, 1000)))
    assert.not_equal(one, results({ seed = 8 }, "tweets", ids(1, 1000)))
  end)

  it("depend on nothing but seed and id", function()
    local all = results({ seed = 7, repeated = 0 }, "tweets", ids(1, 200))
    local few = results({ seed = 7, repeated = 0 }, "tweets", ids(101, 200))
    for line in few:gmatch("[^\n]+") do assert.is_truthy(all:find(line, 1, true)) end
  end)

  it("keep to the shares", function()
    local counts = {}
    for _, row in ipairs(rows(results({ shares = { deleted = 0.3, suspended = 0.1 }, repeated = 0 },
      "tweets", ids(1, 5000)))) do
      counts[row.reason] = (counts[row.reason] or 0) + 1
    end
    assert.is_true(math.abs(counts.deleted - 1500) < 120)
    assert.is_true(math.abs(counts.suspended - 500) < 80)
    assert.is_nil(counts.protected)
  end)

  it("of tweets have milliseconds and the time that the id holds", function()
    local text =
      results({ shares = { suspended = 1 }, repeated = 0 }, "tweets", "1159802000000000000\n")
    assert.equal('{"id":"1159802000000000000","action":"delete",'
      .. '"created_at":"2019-08-09T12:21:59.536Z","reason":"suspended"}\n', text)
  end)

  it("of users have an offset", function()
    local row = rows(results({ shares = { deleted = 1 }, repeated = 0 }, "users", "12\n"))[1]
    assert.matches("^20%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%+00:00$", row.created_at)
  end)

  it("sometimes say when it was redacted", function()
    local with, without = 0, 0
    for _, row in ipairs(rows(results({ shares = { deleted = 1 } }, "tweets", ids(1, 100)))) do
      if row.redacted_at then with = with + 1 else without = without + 1 end
    end
    assert.is_true(with > 0 and without > 0)
  end)

  it("have blank lines inside and a newline at the end", function()
    local text = results({ shares = { deleted = 1 } }, "tweets", ids(1, 100))
    assert.is_truthy(text:find("}\n\n{", 1, true))
    assert.equal("\n", text:sub(-1))
  end)

  it("sometimes have two rows for an id", function()
    local seen, twice = {}, 0
    for _, row in ipairs(rows(results({ shares = { deleted = 1 }, repeated = 0.5 }, "tweets",
      ids(1, 100)))) do
      if seen[row.id] then twice = twice + 1 end
      seen[row.id] = true
    end
    assert.is_true(twice > 25 and twice < 75)
  end)

  it("have the actions of the reasons", function()
    local function action(reason)
      return rows(results({ shares = { [reason] = 1 } }, "tweets", "20\n"))[1].action
    end
    assert.equal("delete", action "bounced")
    assert.equal("delete", action "scrub_geo")
    assert.equal("scrub_geo", action "geo_scrubbed")
    assert.equal("rehydrate", action "tweet_edited")
    assert.equal("", results({ shares = { tweet_edited = 1 } }, "users", "20\n"))
  end)

  it("name lines that are no ids", function()
    local text = results({ shares = {} }, "tweets", "not_a_valid_id\n12345678901234567890\n007\n\n"
      .. "5\r\n1.26E+18\n\"quoted\"\n9223372036854775808\n9")
    local list = rows(text)
    assert.equal(7, #list)
    assert.same({ id = "not_a_valid_id", error = "invalid_id" }, list[1])
    assert.equal("5\r", list[4].id)
    assert.equal('"quoted"', list[6].id)
  end)

  it("name a line without end once", function()
    local list = rows(results({ shares = {} }, "tweets", "1\n" .. ("9"):rep(100000) .. "\n2"))
    assert.same({ { id = ("9"):rep(64), error = "invalid_id" } }, list)
  end)

  it("are empty if all is in compliance", function()
    assert.equal("", results({ shares = {} }, "tweets", ids(1, 10)))
    assert.equal("", results({}, "tweets", ""))
  end)

  it("are those of a file", function()
    local path = curl.file(100000)
    local text = results({ results = path }, "tweets", "1\n")
    local file = io.open(path, "rb")
    assert.is_true(text == file:read("*a"))
    file:close()
    os.remove(path)
  end)

  it("are those of a script for its ids", function()
    local path = os.tmpname()
    local file = io.open(path, "w")
    file:write('{"id":"5","action":"delete","reason":"a new one"}\n\n')
    file:write('{"id":"6"}\n{"id":"7","action":"x"}\n{"id":"7","action":"y"}\n')
    file:close()
    local text = results({ shares = { deleted = 1 }, verdicts = path, repeated = 0 }, "users",
      "5\n6\n7\n8\n")
    os.remove(path)
    local list = rows(text)
    assert.equal(4, #list)
    assert.equal("a new one", list[1].reason)
    assert.same({ "7", "x", "7", "y" }, { list[2].id, list[2].action, list[3].id, list[3].action })
    assert.equal("8", list[4].id)
  end)
end, "storage")

flows.describe("the simulator's options", function()
  local function complaint(options)
    local _, message = pcall(simulator.start, options)
    return message
  end

  it("are refused where they are wrong", function()
    assert.matches("no option is called colour", complaint { colour = 1 })
    assert.matches("option port must be a number, not a string", complaint { port = "x" })
    assert.matches("no reason is called unknown", complaint { shares = { unknown = 1 } })
    assert.matches("the shares are more than 1", complaint { shares = { deleted = 2 } })
    assert.matches("hashes must be both, md5, crc32c or none", complaint { hashes = "sha1" })
    assert.matches("seed must be whole", complaint { seed = 1.5 })
    assert.matches('fault "x" is not written STEP:FAULT', complaint { faults = { "x" } })
  end)
end, "storage")
