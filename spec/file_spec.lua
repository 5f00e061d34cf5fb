local core = require "xcompliance.core"

local function folder()
  local pipe = assert(io.popen("mktemp -d"))
  local path = pipe:read("*l")
  pipe:close()
  return path
end

local function run(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local text = pipe:read("*a")
  pipe:close()
  return (text:gsub("%s+$", ""))
end

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

local function read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read("*a")
  file:close()
  return text
end

local function result_of(task)
  task:wait()
  local value, err = task:result()
  task:close()
  return value, err
end

describe("a file that is written beside its target", function()
  local dir

  before_each(function() dir = folder() end)
  after_each(function() os.execute("rm -rf '" .. dir .. "'") end)

  it("takes its name only when it is published", function()
    local file = assert(core.create_beside(dir .. "/out"))
    assert(file:append("whole"))
    assert.is_nil(read(dir .. "/out"))
    assert.is_true(result_of(file:publish(dir .. "/out")))
    file:close()
    assert.equal("whole", read(dir .. "/out"))
    assert.equal("out", run("ls -A " .. dir))
  end)

  it("is readable by its owner alone, whatever the umask", function()
    local file = assert(core.create_beside(dir .. "/out"))
    assert.equal("600", run("umask 0; stat -c %a " .. file:path()))
    file:discard()
    assert.equal("", run("ls -A " .. dir))
  end)

  it("has a name that cannot be guessed", function()
    local seen = {}
    for _ = 1, 1000 do
      local file = assert(core.create_beside(dir .. "/out"))
      assert.is_nil(seen[file:path()])
      seen[file:path()] = true
      file:discard()
    end
  end)

  it("replaces a symbolic link at the target, and not what it leads to", function()
    write(dir .. "/victim", "untouched")
    os.execute("ln -s victim " .. dir .. "/out")
    local file = assert(core.create_beside(dir .. "/out"))
    assert(file:append("new"))
    assert(result_of(file:publish(dir .. "/out")))
    file:close()
    assert.equal("untouched", read(dir .. "/victim"))
    assert.equal("new", read(dir .. "/out"))
    assert.equal("regular file", run("stat -c %F " .. dir .. "/out"))
  end)

  it("refuses a target that is a folder, a pipe or nothing", function()
    os.execute("mkfifo " .. dir .. "/pipe")
    for _, target in ipairs { dir, dir .. "/", dir .. "/pipe", dir .. "/missing/out" } do
      local file, err = core.create_beside(target)
      assert.is_nil(file)
      assert.equal("io", err.kind)
      assert.matches(target, tostring(err), 1, true)
    end
  end)

  it("leaves the target alone where it cannot be renamed over it", function()
    local file = assert(core.create_beside(dir .. "/out"))
    os.execute("mkdir " .. dir .. "/out")
    local ok, err = result_of(file:publish(dir .. "/out"))
    assert.is_nil(ok)
    assert.equal("io", err.kind)
    file:discard()
  end)

  it("is opened again by its name, but not through a link", function()
    local file = assert(core.create_beside(dir .. "/out"))
    assert(file:append("abc"))
    local path = file:path()
    file:close()
    local again = assert(core.reopen(path))
    assert.equal(3, again:stat().size)
    assert(again:truncate(1))
    assert.equal("a", again:read_all())
    again:close()
    os.execute("ln -s " .. path .. " " .. dir .. "/link")
    local linked, err = core.reopen(dir .. "/link")
    assert.is_nil(linked)
    assert.equal("io", err.kind)
  end)

  it("raises when it is used after it was closed", function()
    local file = assert(core.create_beside(dir .. "/out"))
    os.remove(file:path())
    assert.is_true(file:close())
    assert.is_true(file:close())
    local ok, err = pcall(file.path, file)
    assert.is_false(ok)
    assert.equal("usage", err.kind)
    assert.equal("file (closed)", tostring(file))
  end)

  it("goes when it is dropped, unless it was to be kept or is closed", function()
    local function names() return run("cd " .. dir .. " && ls -A | wc -l") end
    local function drop()
      collectgarbage()
      collectgarbage()
    end
    core.create_beside(dir .. "/dropped")
    drop()
    assert.equal("0", names())
    core.create_beside(dir .. "/kept", true)
    drop()
    assert.equal("1", names())
    local file = core.create_beside(dir .. "/closed")
    local path = file:path()
    file:close()
    file = core.reopen(path)
    assert.equal(path, file:path())
    file = nil -- luacheck: ignore
    drop()
    assert.equal("2", names())
  end)
end)

describe("a source", function()
  it("must be a regular file", function()
    local dir = folder()
    os.execute("mkfifo " .. dir .. "/pipe")
    for _, path in ipairs { dir, dir .. "/pipe", dir .. "/missing", "/dev/null" } do
      local file, err = core.open_source(path)
      assert.is_nil(file)
      assert.equal("io", err.kind)
    end
    os.execute("rm -r " .. dir)
  end)

  it("is summed by CRC32C, whole or in part", function()
    local dir = folder()
    write(dir .. "/a", "123456789" .. ("x"):rep(1000000))
    local file = assert(core.open_source(dir .. "/a"))
    assert.same({ bytes = 9, lines = 1, crc32c = "4waSgw==" }, result_of(file:checksum(9)))
    assert.same({ bytes = 0, lines = 0, crc32c = "AAAAAA==" }, result_of(file:checksum(0)))
    local whole = result_of(file:checksum())
    assert.equal(1000009, whole.bytes)
    assert.equal(core.crc32c("123456789" .. ("x"):rep(1000000)), whole.crc32c)
    file:close()
    write(dir .. "/a", "1\r\n\r\n\n  \n22\n3")
    file = assert(core.open_source(dir .. "/a"))
    assert.equal(3, result_of(file:checksum()).lines) -- blank ones do not count
    file:close()
    os.execute("rm -r " .. dir)
  end)
end)

describe("a journal", function()
  local dir

  before_each(function() dir = folder() end)
  after_each(function() os.execute("rm -rf '" .. dir .. "'") end)

  it("is appended to, readable by its owner alone, and kept", function()
    local journal = assert(core.open_journal(dir .. "/j"))
    assert(journal:append("one\n"))
    assert(journal:append("two\n"))
    assert.equal("one\ntwo\n", journal:read_all())
    journal:close()
    assert.equal("600", run("stat -c %a " .. dir .. "/j"))
    local again = assert(core.open_journal(dir .. "/j"))
    assert.equal("one\ntwo\n", again:read_all())
    again:close()
  end)

  it("is held by one run at a time", function()
    local journal = assert(core.open_journal(dir .. "/j"))
    local second, err = core.open_journal(dir .. "/j")
    assert.is_nil(second)
    assert.equal("conflict", err.kind)
    journal:close()
    assert(core.open_journal(dir .. "/j")):close()
  end)

  it("is not opened through a link, nor where something else lies", function()
    write(dir .. "/victim", "")
    os.execute("ln -s victim " .. dir .. "/j; mkfifo " .. dir .. "/pipe")
    for _, name in ipairs { "/j", "/pipe", "" } do
      local journal, err = core.open_journal(dir .. name)
      assert.is_nil(journal)
      assert.equal("io", err.kind)
    end
  end)
end)
