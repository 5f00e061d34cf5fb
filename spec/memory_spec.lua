-- row 81 of the fault matrix: memory runs out at the n-th allocation, for every n

describe("row 81: when memory runs out at any allocation", function()
  it("there is an error, and nothing worse", function()
    local build = os.getenv("XCOMPLIANCE_BUILD") or "build"
    local host = build .. "/spec/memory_host"
    if os.getenv("LD_PRELOAD") then return pending("the sanitizers bring a malloc of their own") end
    local pipe = assert(io.popen("mktemp -d"))
    local folder = pipe:read("*l")
    pipe:close()
    local command = "LUA_PATH='lua/?.lua;;' LUA_CPATH='%s/lua5.4/?.so;;' %s spec/c/memory.lua %s %s"
    pipe = assert(io.popen((command .. " 2>&1; echo $?"):format(build, host, folder,
      "http://127.0.0.1:1")))
    local output = pipe:read("*a")
    pipe:close()
    os.execute("rm -r " .. folder)
    assert.matches("%d+ passed, 0 failed\n0\n$", output)
  end)
end)
