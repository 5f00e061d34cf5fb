local core = require "xcompliance.core"
local together = require "xcompliance.together"

--- A loop that counts how it was waited by.
local function counting_loop()
  local loop = { waits = 0, sleeps = 0 }
  function loop.wait(task, seconds)
    loop.waits = loop.waits + 1
    return task:wait(seconds)
  end
  function loop.sleep(seconds)
    loop.sleeps = loop.sleeps + 1
    core.sleep(seconds)
  end
  return loop
end

describe("functions that run together", function()
  it("sleep at the same time", function()
    local order = {}
    local results = together.run(counting_loop(), {
      function(loop)
        loop.sleep(0.2)
        order[#order + 1] = "slow"
        return 1, nil, 3
      end,
      function(loop)
        loop.sleep(0.1)
        order[#order + 1] = "quick"
        return "b"
      end,
      function() order[#order + 1] = "at once" end,
    })
    assert.same({ "at once", "quick", "slow" }, order)
    assert.equal(1, results[1][1])
    assert.equal(3, results[1][3])
    assert.equal("b", results[2][1])
    assert.same({}, results[3])
  end)

  it("wait for tasks", function()
    local session = assert(core.session {})
    local function fetch(loop)
      local task = assert(core.request(session, { url = "http://127.0.0.1:1/", loopback = true }))
      while not loop.wait(task, 5) do end
      local _, err = task:result()
      task:close()
      return err.kind
    end
    local results = together.run(counting_loop(), { fetch, fetch })
    assert.same({ { "network" }, { "network" } }, results)
    session:close()
  end)

  it("all end before what one raises continues", function()
    local ended = false
    local ok, err = pcall(together.run, counting_loop(), {
      function() error({ kind = "io" }, 0) end,
      function(loop)
        loop.sleep(0.05)
        ended = true
      end,
    })
    assert.is_false(ok)
    assert.equal("io", err.kind)
    assert.is_true(ended)
  end)

  it("each learn that the host gives up, and clean up", function()
    local cleaned = {}
    local function wait_for_ever(name)
      return function(loop)
        local ok, err = pcall(loop.sleep, 3600)
        cleaned[name] = not ok and err
        pcall(loop.sleep, 3600) -- stubborn
        error(err, 0)
      end
    end
    local loop = { sleep = function() error("interrupted", 0) end }
    local ok, err = pcall(together.run, loop, { wait_for_ever("a"), wait_for_ever("b") })
    assert.is_false(ok)
    assert.equal("interrupted", err)
    assert.same({ a = "interrupted", b = "interrupted" }, cleaned)
  end)
end)
