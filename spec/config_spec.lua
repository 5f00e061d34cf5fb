-- Settings of the environment and of a file: which value counts, what is refused, what is shown.

local cjson = require "cjson"
local command = require "spec.support.command"
local scratches = require "spec.support.scratch"
local shell = require("spec.support.simulator").shell

describe("the configuration", function()
  local scratch, variables

  before_each(function()
    scratch = scratches.new()
    variables = { XDG_CONFIG_HOME = scratch.path }
    scratch:write("in.jsonl", '{"id":"1","text":""}\n{"id":"2","text":""}\n')
    scratch:write("rows", '{"id":"1","action":"delete","reason":"deleted"}\n'
      .. '{"id":"2","action":"delete","reason":"suspended"}\n')
  end)
  after_each(function() scratch:remove() end)

  local function run(words) return command.run_in(scratch, words, variables) end

  local function configure(text)
    scratch:write("xcompliance.conf", text)
    shell("chmod 600 " .. scratch:at("xcompliance.conf"))
  end

  --- How many records a dry run would keep.
  local function kept(more)
    local status, out, err = run("redact @in.jsonl --tweets @rows --dry-run --json "
      .. (more or ""))
    assert.equal(0, status, err)
    return cjson.decode(out).kept
  end

  it("is a file whose values a flag or a variable outranks", function()
    assert.equal(0, kept())
    configure("# mine\npolicy = deleted=keep,suspended=keep\nquiet = yes\n")
    assert.equal(2, kept())
    variables.XCOMPLIANCE_POLICY = "deleted=keep"
    assert.equal(1, kept())
    assert.equal(0, kept("--policy deleted=remove"))
    variables.XCOMPLIANCE_POLICY = nil
    assert.equal(1, kept("--policy deleted=remove"))
    scratch:write("other.conf", "policy = deleted=keep\n")
    assert.equal(1, kept("--config " .. scratch:at("other.conf")))
    variables.XCOMPLIANCE_CONFIG = scratch:at("other.conf")
    assert.equal(1, kept())
    variables = {} -- no home, no file
    assert.equal(0, kept())
  end)

  it("is found in the home of the user", function()
    variables = { HOME = scratch.path }
    scratch:write(".config/xcompliance.conf", "policy = deleted=keep\n")
    assert.equal(1, kept())
  end)

  it("is not read from the current folder", function()
    scratch:write("xcompliance.conf", "base-url = http://127.0.0.1:1\n")
    local out = assert(shell(("cd %s && HOME=/nowhere XDG_CONFIG_HOME= %s config"):format(
      scratch.path, shell("pwd") .. "/bin/xcompliance")))
    assert.is_nil(out:find("127.0.0.1", 1, true))
  end)

  it("sets one-valued options and flags as the command line does", function()
    configure("jobs = many\n")
    local status, _, err = run "redact @in.jsonl --tweets @rows --dry-run"
    assert.equal(64, status)
    assert.matches("--jobs is a whole number", err, 1, true)
    assert.equal(0, kept("--jobs 1"))
    assert.equal(0, kept("--jobs=1"))
    configure("strict = no\njobs = 2\n")
    assert.equal(0, kept())
    variables.XCOMPLIANCE_JOBS = "1"
    assert.equal(0, kept("--strict"))
  end)

  it("stops at what it does not understand", function()
    for text, pattern in pairs {
      ["timout = 4"] = "there is no setting 'timout'", ["strict"] = "'strict' is not a line",
      ["[sync]\njobs = 1"] = "there are no sections", ["strict = maybe"] = "must be yes or no",
      ["output = x"] = "there is no setting 'output'", ["in-place = yes"] = "no setting 'in-place'",
    } do
      configure(text .. "\n")
      local status, out, err = run "redact @in.jsonl --tweets @rows --dry-run"
      assert.same({ 78, "" }, { status, out })
      assert.matches(pattern, err, 1, true)
      assert.matches("xcompliance.conf", err, 1, true)
    end
    for _, path in ipairs { " " .. scratch:at("missing"), " " .. scratch.path, "=" } do
      local status, _, err = run("list tweets --config" .. path)
      assert.equal(78, status)
      assert.matches("cannot be read", err)
    end
    assert.equal(0, (run "--version")) -- what needs no settings works
    assert.equal(0, (run "list --help"))
  end)

  it("holds the token only if nobody else may read it", function()
    configure("bearer-token = s3cret\nbase-url = http://127.0.0.1:1\ndeadline = 1\n")
    local _, out = run "config"
    assert.matches("bearer%-token +%(secret%)  %(.*xcompliance.conf%)", out)
    assert.is_nil(out:find("s3cret", 1, true))
    for _, mode in ipairs { "640", "604", "620" } do
      shell(("chmod %s %s"):format(mode, scratch:at("xcompliance.conf")))
      local status, _, err = run "list tweets"
      assert.equal(78, status)
      assert.matches("others may read it - chmod 600 it", err, 1, true)
      assert.is_nil(err:find("s3cret", 1, true))
    end
  end)

  it("is shown with the source of each value, and without secrets", function()
    configure("proxy = http://me:pass@proxy:3128\nmemory = 64M\n")
    variables.XCOMPLIANCE_BASE_URL = "http://127.0.0.1:9"
    variables.BEARER_TOKEN, variables.XCOMPLIANCE_MEMORY = "s3cret", "128M"
    variables.XCOMPLIANCE_TOKEN_FILE = "/outranked"
    local status, out = run "config --json"
    assert.equal(0, status)
    local path = scratch:at("xcompliance.conf")
    assert.same({ file = path, settings = {
      ["bearer-token"] = { value = "(secret)", source = "BEARER_TOKEN" },
      ["base-url"] = { value = "http://127.0.0.1:9", source = "XCOMPLIANCE_BASE_URL" },
      ["token-file"] = nil, memory = { value = "128M", source = "XCOMPLIANCE_MEMORY" },
      proxy = { value = "http://(secret)@proxy:3128", source = path },
    } }, cjson.decode(out))
    variables.HTTPS_PROXY = "http://you:pass2@other:1"
    status, out = run "config"
    assert.equal(0, status)
    assert.matches("proxy +http://%(secret%)@other:1  %(HTTPS_PROXY%)\n", out)
    assert.is_nil(out:find("pass", 1, true))
  end)
end)
