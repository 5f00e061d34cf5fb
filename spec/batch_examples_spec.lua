-- examples/batch.lua under every loop, examples/luasocket.lua, examples/incremental.lua

local luasql = require "luasql.sqlite3"
local scratches = require "spec.support.scratch"
local simulator = require "spec.support.simulator"
local socket = require "socket"

local quote, shell = simulator.quote, simulator.shell
local is_sanitized = os.getenv("LD_PRELOAD") ~= nil -- other processes have no sanitizer's runtime
local lua = require "spec.support.interpreter"

if is_sanitized then return end

local root = assert(shell("pwd"))

local function absolute(path) return (path:gsub("%f[^;%z]%./", root .. "/")) end

describe("the example", function()
  local scratch, sim

  before_each(function()
    scratch = scratches.new()
    sim = simulator.start { jobs_take = 0, rate_limit = 100000 }
  end)
  after_each(function()
    sim:stop()
    scratch:remove()
  end)

  --- The command that runs an example in the folder, with quicker polls.
  local function command(name, arguments)
    return ("cd %s && export BEARER_TOKEN=t0ken XCOMPLIANCE_BASE_URL=%s && sed"
      .. " 's/ results = /poll = { min = 0.02, max = 0.1 },&/' %s/examples/%s.lua |"
      .. " LUA_PATH=%s LUA_CPATH=%s %s - %s"):format(scratch.path, sim.url, root, name,
        quote(absolute(package.path)), quote(absolute(package.cpath)), lua, arguments)
  end

  for _, loop in ipairs { "blocking", "cqueues", "luv" } do
    it("batch.lua checks several lists under " .. loop, function()
      scratch:shell("seq 1001 1100 >a; seq 2001 2300 >b; seq 3001 3050 >c")
      local said, status = simulator.run(command("batch", loop .. " tweets:a users:b tweets:c")
        .. " 2>&1")
      assert.equal(0, status, said)
      assert.matches("a: 100 ids, %d+ rows\n", said)
      assert.matches("b: 300 ids, %d+ rows\n", said)
      assert.matches("c: 50 ids, %d+ rows\n", said)
      assert.equal("a\na.results\nb\nb.results\nc\nc.results\n", scratch:shell("ls -A"))
    end)

    it("batch.lua says what is wrong under " .. loop, function()
      scratch:shell("seq 1001 1100 >a; echo x >b")
      local said, status = simulator.run(command("batch", loop .. " tweets:a users:b") .. " 2>&1")
      assert.equal(1, status, said)
      assert.matches("a: 100 ids", said)
      assert.matches("b, line 1", said)
    end)
  end

  it("luasocket.lua serves while it checks", function()
    sim:arm("get:stall@1")
    scratch:shell("seq 1001 1100 >ids")
    local probe = assert(socket.bind("127.0.0.1", 0))
    local _, port = probe:getsockname()
    probe:close()
    local pipe = assert(io.popen(command("luasocket", "tweets ids results " .. port) .. " 2>&1"))
    local line
    for _ = 1, 100 do
      local peer = socket.connect("127.0.0.1", port)
      line = peer and peer:receive()
      if peer then peer:close() end
      if line and line:find("waiting for job") then break end
      socket.sleep(0.05)
    end
    assert.matches("waiting for job %d+", line)
    assert.matches("100 ids, %d+ rows", pipe:read("*a"))
    pipe:close()
    assert.is_string(scratch:read("results"))
  end)

  it("incremental.lua checks a database by and by, and deletes what must go", function()
    sim:stop()
    local rows = {}
    for id = 1, 100 do
      if id % 10 == 0 then
        rows[#rows + 1] = ('{"id":"%d","action":"delete","reason":"deleted"}'):format(id)
      elseif id % 10 == 5 then
        rows[#rows + 1] = ('{"id":"%d","action":"delete","reason":"scrub_geo"}'):format(id)
      end
    end
    sim = simulator.start { jobs_take = 0, rate_limit = 100000, shares = {}, verdicts = rows }
    local connection = assert(luasql.sqlite3():connect(scratch:at("db")))
    assert(connection:execute "CREATE TABLE tweets (id TEXT PRIMARY KEY, record TEXT)")
    for id = 1, 100 do
      assert(connection:execute((
        [[INSERT INTO tweets VALUES ('%d', '{"id":"%d","text":"it''s","geo":{"place_id":"x"}}')]])
          :format(id, id)))
    end
    local function count(what)
      local cursor = assert(connection:execute("SELECT count(*) FROM " .. what))
      local number = tonumber((cursor:fetch()))
      cursor:close()
      return number
    end
    scratch:shell("mkdir state")
    local function run() return simulator.run(command("incremental", "db state 60") .. " 2>&1") end
    sim:arm("get:401")
    local said, status = run()
    assert.equal(1, status, said)
    assert.equal(100, count "tweets")
    local deleted = 0
    for i, checked in ipairs { 60, 60, 60 } do
      said, status = run()
      assert.equal(0, status, said)
      local asked, gone = said:match("^(%d+) checked, (%d+) deleted, %d+ changed")
      assert.equal(checked, tonumber(asked), i)
      deleted = deleted + tonumber(gone)
      assert.equal(100 - deleted, count "tweets")
    end
    assert.equal(10, deleted)
    assert.equal(90, count "checked")
    assert.equal(80, count "tweets WHERE record LIKE '%\"text\":\"it''s\"%place_id%'")
    assert.equal(10, count "tweets WHERE record LIKE '%it''s%' AND record NOT LIKE '%place_id%'")
    assert.equal("results.jsonl\n", scratch:shell("ls -A state"))
    connection:close()
  end)

  it("incremental.lua commits nothing if a result is not understood", function()
    sim:stop()
    sim = simulator.start { jobs_take = 0, rate_limit = 100000, shares = {},
      verdicts = { '{"id":"2","action":"vanish"}' } }
    local connection = assert(luasql.sqlite3():connect(scratch:at("db")))
    assert(connection:execute "CREATE TABLE tweets (id TEXT PRIMARY KEY, record TEXT)")
    for id = 1, 3 do
      assert(connection:execute(([[INSERT INTO tweets VALUES ('%d', '{"id":"%d","text":""}')]])
        :format(id, id)))
    end
    scratch:shell("mkdir state")
    local said, status = simulator.run(command("incremental", "db state") .. " 2>&1")
    assert.equal(1, status, said)
    assert.matches("tweet 2: ", said)
    local cursor = assert(connection:execute("SELECT count(*) FROM checked"))
    assert.equal(0, tonumber((cursor:fetch())))
    cursor:close()
    connection:close()
  end)
end)
