-- Rows 99 and 100 of the fault matrix: the API's clock in each form of a date, however far ours is
-- off; and lists of jobs that are longer than other answers.

local benches = require "spec.support.bench"
local core = require "xcompliance.core"
local raw = require "spec.support.raw"
local xcompliance = require "xcompliance"

local TOKEN = benches.TOKEN

-- The base URL's path says which form its dates have and how many seconds its clock is ahead of
-- ours: "/UTC/600".
local SERVER = [[
  local cjson = require "cjson"
  local FORMS = {
    UTC = "!%a, %d %b %Y %H:%M:%S UTC", GMT = "!%a, %d %b %Y %H:%M:%S GMT",
    rfc850 = "!%A, %d-%b-%y %H:%M:%S GMT", asctime = "!%a %b %e %H:%M:%S %Y",
    none = false,
  }
  local worlds = {}

  local function answer(connection, world, status, body, more)
    local date = FORMS[world.form]
    connection:write("HTTP/1.1 " .. status .. "\r\nContent-Length: " .. #body .. "\r\n",
      date and "Date: " .. os.date(date, math.floor(world.now())) .. "\r\n" or "", more or "",
      "\r\n", body)
  end

  local steps = {}

  function steps.POST(connection, world)
    local job = {
      id = tostring(100 + #world.jobs), type = "tweets", name = "ours", status = "created",
      created_at = os.date("!%Y-%m-%dT%H:%M:%S.000Z", math.floor(world.now())),
      upload_url = "https://storage.googleapis.com/u",
      download_url = "https://storage.googleapis.com/d",
    }
    table.insert(world.jobs, job)
    -- the answer is lost
  end

  function steps.GET(connection, world, target)
    if target:find("?type=users", 1, true) then
      world.limited = (world.limited or 0) + 1
      if world.limited == 1 then
        return answer(connection, world, "429 Too Many Requests", "{}",
          ("x-rate-limit-reset: %d\r\n"):format(math.floor(world.now()) + 2))
      end
      return answer(connection, world, "200 OK", '{"meta":{"result_count":0}}')
    end
    if target:find("?type=tweets", 1, true) then
      return answer(connection, world, "200 OK", cjson.encode { data = world.jobs })
    end
    local id = target:match("/(%d+)$")
    for _, job in ipairs(world.jobs) do
      if job.id == id then
        return answer(connection, world, "200 OK", cjson.encode { data = job })
      end
    end
    return answer(connection, world, "404 Not Found", "{}")
  end

  return function(connection, head)
    local method, key, form, ahead, target = head:match("^(%u+) (/(%w+)/(%-?%d+))(%S*) ")
    worlds[key] = worlds[key] or {
      form = form, now = function() return os.time() + tonumber(ahead) end,
      -- a job of the same name that was finished long ago
      jobs = { { id = "99", type = "tweets", name = "ours", status = "complete",
        created_at = "2021-10-07T07:56:18.000Z" } },
    }
    steps[method](connection, worlds[key], target)
  end
]]

describe("the API's clock", function()
  local server

  setup(function() server = raw.start(SERVER) end)
  teardown(function() server:stop() end)

  local function client_of(world)
    local client = xcompliance.client { bearer_token = TOKEN, base_url = server.url .. world,
      retry = { attempts = 3, first = 0.01, max = 0.01 } }
    finally(function() client:close() end)
    return client
  end

  --- How many requests to create a job a world has seen.
  local function creates(world)
    return select(2, server:heads():gsub("POST " .. world:gsub("%-", "%%-") .. "/2/compliance", ""))
  end

  for i, form in ipairs { "UTC", "GMT", "rfc850", "asctime" } do
    for _, ahead in ipairs { -600, 600 } do
      local world = ("/%s/%d"):format(form, ahead)

      it(("row 99: distinguishes our job from others, dates in %s and %d s ahead"):format(form,
        ahead), function()
        local response, details = assert(client_of(world):create_compliance_job("tweets", "ours"))
        assert.equal("101", response.data.id)
        assert.is_true(details.adopted)
        assert.equal(1, creates(world))
      end)

      if (ahead > 0) == (i % 2 == 0) then
        it(("row 99: says when a limit is reset, with a date in %s and %d s ahead"):format(form,
          ahead), function()
          local began = core.now()
          assert(client_of(world):list_jobs("users"))
          local waited = core.now() - began
          assert.is_true(waited > 1 and waited < 5, waited)
        end)
      end
    end
  end

  it("row 99: if it is unknown, a job that may be ours is not created a second time", function()
    local response, err = client_of("/none/-600"):create_compliance_job("tweets", "ours")
    assert.is_nil(response)
    assert.equal("protocol", err.kind)
    assert.matches("job 101, which is also named 'ours', may be the new one", tostring(err))
    assert.equal(1, creates("/none/-600"))
  end)
end)

describe("a list of jobs", function()
  -- ten fields a job, about 2 kB; the base URL's path says how many jobs
  local JOBS = [[
    return function(connection, head)
      local count = tonumber(head:match("^%u+ /(%d+)/"))
      local url = "https://api.x.com/2/compliance/jobs/1/upload?token=" .. ("x"):rep(880)
      local list = {}
      for i = 1, count do
        list[i] = ('{"id":"%d","type":"tweets","status":"%s","name":"n%d","resumable":false,'
          .. '"created_at":"2026-10-07T07:56:18.000Z",'
          .. '"upload_expires_at":"2026-10-07T07:56:18.000Z",'
          .. '"download_expires_at":"2026-10-07T07:56:18.000Z","upload_url":"%s",'
          .. '"download_url":"%s"}'):format(i, i == count and "created" or "complete", i, url, url)
      end
      local body = '{"data":[' .. table.concat(list, ",") .. ']}'
      connection:write("HTTP/1.1 200 OK\r\nContent-Length: " .. #body .. "\r\n\r\n", body)
    end]]
  local server

  setup(function() server = raw.start(JOBS) end)
  teardown(function() server:stop() end)

  local function list(count, options)
    local client = xcompliance.client { bearer_token = TOKEN, base_url = server.url .. "/" .. count,
      retry = { attempts = 1 } }
    local response, err = client:list_jobs("tweets", nil, options)
    client:close()
    return response, err
  end

  it("row 100: may have 5,000 jobs with all their fields, in bounded memory", function()
    benches.grows_at_most(96 * benches.MiB, function()
      local jobs = assert(list(5000)).data
      assert.equal(5000, #jobs)
      assert.equal("5000", jobs[5000].id)
      assert.equal("created", jobs[5000].status)
    end)
  end)

  it("row 100: is refused beyond 16 MiB", function()
    local response, err = list(10000)
    assert.is_nil(response)
    assert.equal("protocol", err.kind)
    assert.matches("the answer is larger than 16 MiB", tostring(err))
  end)
end)
