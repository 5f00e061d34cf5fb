-- Rows 60 and 77 to 79 of the fault matrix: what the disk does, and who is killed meanwhile. System
-- calls fail by libfiu (fiu-utils); small and read-only file systems are mounted in a namespace.

local benches = require "spec.support.bench"
local core = require "xcompliance.core"
local flows = require "spec.support.flows"
local simulator = require "spec.support.simulator"

local quote, run, shell = simulator.quote, simulator.run, simulator.shell

local HAS_FIU = shell "command -v fiu-run" and not os.getenv("LD_PRELOAD")
local CAN_MOUNT = shell "unshare -rm true"

--- A wrapper that makes calls fail: "posix/io/rw/pwrite,failinfo=28", of a hundred this many.
local function failing(point, percent)
  local command = percent
    and ("enable_random name=%s,probability=%de-2"):format(point, percent)
    or "enable name=" .. point
  return "fiu-run -x -f '' -c " .. quote(command)
end

flows.describe("results on the disk", function()
  local bench, job, results, target

  before_each(function()
    bench = benches.start()
    job, results = bench:complete_job(20000)
    target = bench:path("results.jsonl")
    benches.write(target, "old\n")
  end)
  after_each(function() bench:stop() end)

  --- Runs the command that downloads. The old results must be there, or the whole new ones.
  local function download(wrapper)
    local output, status = run(bench:xcompliance(
      ("download %s -o %s"):format(quote(job.download_url), quote(target)), wrapper) .. " 2>&1")
    if status == 0 then
      assert.is_true(benches.read(target) == results, "the file is not the results")
    else
      assert.equal("old\n", benches.read(target))
    end
    return status, output
  end

  local function leftovers()
    return assert(shell(("find %s -name '.*.part' | wc -l"):format(quote(bench.folder))))
  end

  for name, case in pairs {
    ["no space (ENOSPC)"] = { "rw/pwrite,failinfo=28", "No space left", "free some space" },
    ["an error (EIO)"] = { "rw/pwrite,failinfo=5", "Input/output error", "writing" },
    ["a quota (EDQUOT)"] = { "rw/pwrite,failinfo=122", "quota", "free some space" },
    ["fsync that fails"] = { "sync/fsync,failinfo=5", "Input/output error", "flushing" },
    ["rename that fails"] = { "dir/rename,failinfo=5", "Input/output error", "renaming" },
    ["rename without leave"] = { "dir/rename,failinfo=13", "Permission denied", "renaming" },
  } do
    it("row 77: are the old ones after " .. name, function()
      if not HAS_FIU then return pending "fiu-utils is not installed" end
      local status, output = download(failing("posix/io/" .. case[1]))
      assert.equal(74, status, output)
      assert.matches("results.jsonl", output, 1, true)
      assert.matches(case[2], output, 1, true)
      assert.matches(case[3], output, 1, true)
      assert.equal("0", leftovers())
      assert.equal(0, (download())) -- and the next time is as if nothing had been
    end)
  end

  it("row 77: a close that fails does no harm: all was flushed before", function()
    if not HAS_FIU then return pending "fiu-utils is not installed" end
    assert.equal(0, (download(failing "posix/io/oc/close,failinfo=5")))
  end)

  it("row 77: short and interrupted writes are continued", function()
    if not HAS_FIU then return pending "fiu-utils is not installed" end
    assert.equal(0, (download(failing "posix/io/rw/pwrite/reduce")))
    assert.equal(0, (download(failing("posix/io/rw/pwrite,failinfo=4", 50))))
  end)

  it("row 77: a check keeps what has arrived, and continues with it", function()
    if not HAS_FIU then return pending "fiu-utils is not installed" end
    local ids = bench:path("ids.txt")
    benches.write(ids, benches.ids(20 * 20000))
    local command = ("check users %s -o %s --poll 1:1"):format(ids, quote(target))
    local output, status = run(bench:xcompliance(command,
      failing("posix/io/rw/pwrite,failinfo=28", 100)) .. " 2>&1")
    assert.equal(74, status, output)
    assert.equal("old\n", benches.read(target))
    output, status = run(bench:xcompliance(command) .. " 2>&1")
    assert.equal(0, status, output)
    assert.equal(1, bench:count("create"))
    assert.equal("0", leftovers())
  end)

  for name, point in pairs {
    ["cannot be written"] = "rw/write,failinfo=28",
    ["cannot be flushed"] = "sync/fdatasync,failinfo=5",
  } do
    it("row 58: a state file that " .. name .. " ends the run before a job is made", function()
      if not HAS_FIU then return pending "fiu-utils is not installed" end
      local ids = bench:list(2000)
      local output, status = run(bench:xcompliance(
        ("check users %s -o %s"):format(ids, quote(target)), failing("posix/io/" .. point))
        .. " 2>&1")
      assert.is_true(status == 74 or status == 73, output)
      assert.matches("xcompliance: ", output)
      assert.equal(0, bench:count("create"))
    end)
  end

  --- Runs a shell command in a folder that is a file system of its own.
  local function mounted(options, command)
    local folder = bench:path("mount")
    assert(shell("mkdir " .. quote(folder)))
    return run(("unshare -rm sh -c %s 2>&1"):format(quote(
      ("mount -t tmpfs -o %s none %s && cd %s && { %s; }"):format(options, folder, folder,
        (command:gsub("@", folder))))))
  end

  it("row 77: a disk that is really full ends the run, and the old results stay", function()
    if not CAN_MOUNT then return pending "file systems cannot be mounted here" end
    local cwd = assert(shell "pwd")
    local download_there = bench:xcompliance(
      ("download %s -o @/results"):format(quote(job.download_url)))
    local output, status = mounted("size=100k",
      ("echo old >results; cd %s; %s; s=$?; cat @/results; ls -A @; exit $s"):format(
        cwd, download_there))
    assert.equal(74, status, output)
    assert.matches("No space left on device", output)
    assert.matches("\nold\nresults\n$", output)
  end)

  it("row 78: a folder that is read only is said so, before anything is asked", function()
    if not CAN_MOUNT then return pending "file systems cannot be mounted here" end
    local cwd = assert(shell "pwd")
    local output, status = mounted("ro", ("cd %s; %s"):format(cwd, bench:xcompliance(
      ("download %s -o @/results"):format(quote(job.download_url)))))
    assert.equal(73, status, output)
    assert.matches("Read%-only file system", output)
    assert.matches("choose a place that can be written", output)
    assert.equal(0, bench:count("download"))
  end)

  local function kill_at_random(times)
    local seed, old, new = 20261124, 0, 0
    for _ = 1, times do
      seed = seed * 48271 % 2147483647
      benches.write(target, "old\n")
      local process = bench:spawn(bench:xcompliance(
        ("download %s -o %s"):format(quote(job.download_url), quote(target))))
      core.sleep(seed / 2147483647 * 0.12)
      process.kill("KILL")
      process.wait()
      local text = benches.read(target)
      assert.is_true(text == "old\n" or text == results, #text .. " bytes of something else")
      if text == results then new = new + 1 else old = old + 1 end
    end
    return old, new
  end

  it("row 79: are the old ones or all of the new ones, whenever a run is killed", function()
    assert.is_true(kill_at_random(20) > 0)
    assert.equal(0, (download()))
  end)

  it("row 79: at 100 random moments #slow", function()
    local old, new = kill_at_random(100)
    assert.is_true(old > 0 and new > 0)
  end)
end)

flows.describe("a list on the disk", function(flow)
  local bench, path, text

  before_each(function()
    bench = benches.start()
    path, text = bench:list(700 * 1024)
  end)
  after_each(function() bench:stop() end)

  local function upload(resumable, wrapper)
    local job = bench:job { resumable = resumable }
    local output, status = run(bench:xcompliance(
      ("upload %s %s"):format(quote(job.upload_url), path), wrapper) .. " 2>&1")
    if status == 0 then bench:holds(job, text) else assert.is_nil(bench:stored(job)) end
    return status, output
  end

  for _, resumable in ipairs(flows.resumable[flow]) do
    local how = resumable and "resumably" or "simply"
    it("row 60: that cannot be read is not uploaded, " .. how, function()
      if not HAS_FIU then return pending "fiu-utils is not installed" end
      local status, output = upload(resumable, failing "posix/io/rw/pread,failinfo=5")
      assert.equal(74, status)
      assert.matches("ids%.txt: Input/output error", output)
    end)

    it("row 60: that cannot always be read is uploaded as a whole, or not, " .. how, function()
      if not HAS_FIU then return pending "fiu-utils is not installed" end
      local good, bad = 0, 0
      for i = 1, 12 do
        local status, output = upload(resumable, failing("posix/io/rw/pread,failinfo=5",
          i % 2 == 0 and 30 or 2))
        if status == 0 then good = good + 1 else bad = bad + 1 end
        assert.is_true(status == 0 or status == 74, output)
      end
      assert.is_true(bad > 0, good)
    end)

    it("row 60: that is read in parts, interrupted, is uploaded, " .. how, function()
      if not HAS_FIU then return pending "fiu-utils is not installed" end
      assert.equal(0, (upload(resumable, failing "posix/io/rw/pread/reduce")))
      assert.equal(0, (upload(resumable, failing("posix/io/rw/pread,failinfo=4", 50))))
    end)
  end
end)
