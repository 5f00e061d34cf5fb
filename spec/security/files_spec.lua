-- how results reach the disk, and that no name of a server's does: promises 19, 20, 22 and 23 of
-- docs/security.md

local benches = require "spec.support.bench"
local core = require "xcompliance.core"
local raw = require "spec.support.raw"
local simulator = require "spec.support.simulator"

local quote, shell = simulator.quote, simulator.shell

describe("results", function()
  local folder, session

  before_each(function()
    folder = assert(shell("mktemp -d"))
    session = assert(core.session {})
  end)
  after_each(function()
    session:close()
    shell("rm -rf " .. folder)
  end)

  it("are made privately, flushed, renamed, and their folder flushed, in this order", function()
    if not shell("command -v strace") then return pending("strace is not installed") end
    if os.getenv("LD_PRELOAD") then return pending("LeakSanitizer cannot be traced") end
    local bench = benches.start()
    finally(function() bench:stop() end)
    local job = bench:complete_job(100)
    local trace, target = folder .. "/trace", folder .. "/results"
    local _, status = simulator.run("umask 0; " .. bench:xcompliance(
      ("download %s -o %s 2>&1"):format(quote(job.download_url), target),
      "strace -f -o " .. trace .. " -e trace=openat,fsync,rename,renameat,renameat2,unlink"))
    assert.equal(0, status)
    assert.equal("600", shell("stat -c %a " .. target))
    local part = target:gsub("results$", "%%.results%%.%%w+%%.part")
    local steps = {
      'openat%(AT_FDCWD, "' .. part
        .. '", O_RDWR|O_CREAT|O_EXCL|O_NOFOLLOW|O_CLOEXEC, 0600%) = %d+',
      'openat%(AT_FDCWD, "' .. folder .. '/", O_RDONLY|O_CLOEXEC|O_DIRECTORY%) = %d+',
      "fsync%(%d+%) += 0",
      "fsync%(%d+%) += 0",
      'rename%("' .. part .. '", "' .. target .. '"%) = 0',
      "fsync%(%d+%) += 0",
    }
    local text, at = benches.read(trace), 1
    for _, step in ipairs(steps) do
      local first, last = text:find(step, at)
      assert.is_number(first, "this is not next: " .. step .. "\n" .. text:sub(at))
      at = last
    end
    assert.is_nil(text:find("unlink", at, true))
  end)

  it("go where the caller says, whatever the server calls them", function()
    for _, name in ipairs { "../evil", "/tmp/evil", "evil", "..", "%2e%2e/evil", "a\\..\\evil" } do
      local server = raw.start(([[return function(connection)
        connection:write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Location: %s\r\n"
          .. 'Content-Disposition: attachment; filename="%s"' .. "\r\n\r\nhi")
      end]]):format(name:gsub("\\", "\\\\"), (name:gsub("\\", "\\\\"))))
      local client = require("xcompliance").client { bearer_token = "t0ken",
        base_url = server.url }
      assert(client:download_results(server.url .. "/..%2f..%2fevil", folder .. "/results",
        { as_is = true }))
      client:close()
      server:stop()
      assert.equal("results", shell("ls -A " .. folder))
      assert.equal("hi", benches.read(folder .. "/results"))
    end
  end)

  it("are their owner's alone, and so is all that a check keeps", function()
    local bench = benches.start { jobs_take = 3600 }
    finally(function() bench:stop() end)
    local ids = bench:path("ids.txt")
    benches.write(ids, benches.ids(2000))
    simulator.run(("umask 0; %s"):format(bench:xcompliance(
      ("check tweets %s -o %s/results --state %s/state --poll 1:1 --deadline 1 2>&1"):format(
        ids, folder, folder))))
    local modes = assert(shell("find " .. folder .. "/state -printf '%y %m\\n' | sort -u"))
    assert.equal("d 700\nf 600", modes)
    assert.is_truthy(shell("ls -A " .. folder .. "/state"):find("journal", 1, true))
  end)
end)
