local core = require "xcompliance.core"
local journals = require "xcompliance.journal"
local shell = require("spec.support.simulator").shell

describe("a journal", function()
  local folder, path

  before_each(function()
    folder = assert(shell("mktemp -d"))
    path = folder .. "/.results.jsonl.journal"
  end)
  after_each(function() shell("rm -rf " .. folder) end)

  local function read()
    local file = assert(io.open(path, "rb"))
    local text = file:read("*a")
    file:close()
    return text
  end

  local function write(text)
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
  end

  local function recorded(...)
    local journal = assert(journals.open(path))
    for _, entry in ipairs { ... } do assert(journal:record(entry)) end
    journal:close()
  end

  it("begins empty, is its owner's alone, and has what was recorded", function()
    local journal = assert(journals.open(path))
    assert.is_true(journal:is_new())
    assert.same({}, journal.facts)
    assert.equal("600", shell("stat -c %a " .. path))
    assert(journal:record { step = "create", list = { bytes = 1372966999, ids = 3 } })
    assert.is_false(journal:is_new())
    journal:close()
    journal = assert(journals.open(path))
    assert.same({
      format = 2, version = core.version, step = "create", list = { bytes = 1372966999, ids = 3 },
    }, journal.facts)
    journal:close()
  end)

  it("replaces what is recorded again, and forgets what is false", function()
    recorded({ step = "upload", job = { id = "1" }, session = "https://s" },
      { step = "wait", session = false }, { step = "create", job = false })
    local journal = assert(journals.open(path))
    assert.same({ format = 2, version = core.version, step = "create" }, journal.facts)
    journal:close()
  end)

  it("is one line of JSON a state change, each with its sum", function()
    recorded({ step = "create", name = "a \"b\"\n\226\130\172" }, { step = "upload" })
    local lines = {}
    for line in read():gmatch("([^\n]*)\n") do lines[#lines + 1] = line end
    assert.equal(2, #lines)
    for _, line in ipairs(lines) do
      local sum, entry = line:match('^{"crc32c":"([^"]+)","entry":(.*)}$')
      assert.equal(core.crc32c(entry), sum)
      assert.is_table(require("cjson").decode(line))
    end
  end)

  it("drops a last line that is torn, wherever it was torn", function()
    recorded({ step = "create" })
    local whole = read()
    recorded({ step = "upload", job = { id = "12345" } })
    local both = read()
    for size = #whole, #both - 1 do
      write(both:sub(1, size))
      local journal = assert(journals.open(path))
      assert.equal("create", journal.facts.step)
      assert(journal:record { step = "upload", job = { id = "12345" } })
      journal:close()
      assert.equal(both, read())
    end
  end)

  it("drops a last line that is damaged, and refuses one before it", function()
    recorded({ step = "create" }, { step = "upload" }, { step = "wait" })
    local text = read()
    for at = 1, #text, 7 do
      local byte = string.char((text:byte(at) + 1) % 256)
      if byte ~= "\n" and text:sub(at, at) ~= "\n" then
        write(text:sub(1, at - 1) .. byte .. text:sub(at + 1))
        local journal, err = journals.open(path)
        if journal then
          assert.equal("upload", journal.facts.step)
          journal:close()
        else
          assert.equal("data", err.kind)
          assert.is_true(err.line < 3)
          assert.matches("is damaged %- remove the file to start again", tostring(err))
        end
      end
    end
  end)

  local function write_entry(entry)
    write(('{"crc32c":"%s","entry":%s}\n'):format(core.crc32c(entry), entry))
  end

  it("row 104: refuses one of another format, by its version, and what is no journal", function()
    write_entry('{"format":3,"version":"7.1.0","step":"create"}')
    local journal, err = journals.open(path, error)
    assert.is_nil(journal)
    assert.equal("data", err.kind)
    assert.matches("written by version 7.1.0 of this program %(format 3", tostring(err))
    write_entry('{"format":1,"step":"create"}')
    journal, err = journals.open(path)
    assert.is_nil(journal)
    assert.matches("written by an earlier version of this program %(format 1", tostring(err))
    os.remove(path)
    assert(shell("mkdir " .. path))
    journal, err = journals.open(path)
    assert.is_nil(journal)
    assert.equal("io", err.kind)
  end)

  it("brings one of the format before up to this one, once", function()
    write_entry('{"format":1,"step":"create","part":{"path":"x"},"name":"n-1"}')
    local journal = assert(journals.open(path, function(facts)
      assert.equal("n-1", facts.name)
      return { part = false, whole = true }
    end))
    journal:close()
    journal = assert(journals.open(path, error))
    assert.same({
      format = 2, version = core.version, step = "create", name = "n-1", whole = true,
    }, journal.facts)
    journal:close()
  end)

  it("does not follow a link", function()
    write("precious")
    assert(shell(("mv %s %s/precious && ln -s precious %s"):format(path, folder, path)))
    assert.is_nil((journals.open(path)))
    assert.equal("precious", shell("cat " .. folder .. "/precious"))
  end)

  it("is one process's at a time, and one client's", function()
    local journal = assert(journals.open(path))
    local other, err = journals.open(path)
    assert.is_nil(other)
    assert.equal("conflict", err.kind)
    assert.matches("another run holds this journal", tostring(err))
    journal:close()
    assert(journals.open(path)):close()
  end)

  it("is gone when what it recorded is over", function()
    local journal = assert(journals.open(path))
    assert(journal:record { step = "create" })
    journal:discard()
    assert.is_nil(io.open(path))
  end)

  it("stays whole where a line cannot be written", function()
    if not io.open("/dev/full") then return pending("there is no /dev/full") end
    local journal = assert(journals.open(path))
    assert(journal:record { step = "create" })
    local text, file = read(), journal.file
    local failing = setmetatable({ append = function(_, line)
      file:append(line:sub(1, 10)) -- as a full disk does
      return nil, { kind = "io", message = "No space left on device" }
    end }, { __index = function(_, name)
      return function(_, ...) return file[name](file, ...) end
    end })
    journal.file = failing
    local ok, err = journal:record { step = "upload" }
    assert.is_nil(ok)
    assert.equal("io", err.kind)
    assert.equal("create", journal.facts.step)
    journal.file = file
    journal:close()
    assert.equal(text, read())
  end)
end)
