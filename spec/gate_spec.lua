-- examples/gate: nginx serves of each stored tweet what the verdicts leave

local nginx = require "spec.support.nginx"
local scratches = require "spec.support.scratch"
local simulator = require "spec.support.simulator"

local shell = simulator.shell
local is_sanitized = os.getenv("LD_PRELOAD") ~= nil -- nginx has no sanitizer's runtime

if not rawget(_G, "jit") or is_sanitized then return end -- nginx's Lua is LuaJIT

describe("examples/gate", function()
  local scratch, server, url

  local function absolute(path)
    return (path:gsub("%f[^;%z]%./", assert(shell("pwd")):gsub("%s+$", "") .. "/"))
  end

  local function compile(results)
    scratch:write("results", results)
    assert(shell(("%s bin/xcompliance verdicts -q --tweets %s --users %s -o %s"):format(
      require "spec.support.interpreter", scratch:at("results"), scratch:at("results"),
      scratch:at("all.verdicts"))))
  end

  --- The status and the body of an answer.
  local function get(path)
    local text = assert(shell(("curl -sS -w '\\n%%{http_code}' %s%s"):format(url, path)))
    local body, status = text:match("^(.*)\n(%d+)%s*$")
    return tonumber(status), body
  end

  setup(function()
    scratch = scratches.new()
    compile('{"id":"13","action":"delete","reason":"deleted"}\n'
      .. '{"id":"19","action":"delete","reason":"scrub_geo"}\n{"id":"41","action":"vanish"}\n')
    server = nginx.start_example("examples/gate", {
      LUA_PATH = absolute(package.path), LUA_CPATH = absolute(package.cpath),
      VERDICTS = scratch:at("all.verdicts"),
    })
    url = "http://127.0.0.1:" .. server.ports[1]
    for id, rest in pairs { [1] = "", [13] = "", [19] = ',"geo":{"type":"Point"}', [41] = "" } do
      server:write(("data/%d.json"):format(id), ('{"id":"%d","text":"a"%s}'):format(id, rest))
    end
  end)

  teardown(function()
    server:stop()
    scratch:remove()
  end)

  it("serves what may be served, and nothing else", function()
    assert.same({ 200, '{"id":"1","text":"a"}' }, { get "/tweets/1" })
    assert.same({ 200, '{"id":"19","text":"a"}' }, { get "/tweets/19" })
    for id, status in pairs { [13] = 404, [41] = 503, [2] = 404 } do
      local got, body = get("/tweets/" .. id)
      assert.equal(status, got)
      assert.is_nil(body:find('"text"', 1, true))
    end
    assert.equal(404, (get "/data/13.json"))
    assert.same({ 200, '{"id":"13","text":"a"}' }, { get "/as-stored/13" })
  end)

  it("takes new verdicts when nginx reloads", function()
    compile('{"id":"1","action":"delete","reason":"deleted"}\n')
    server:replace_workers()
    assert.equal(404, (get "/tweets/1"))
    assert.equal(200, (get "/tweets/13"))
  end)
end)
