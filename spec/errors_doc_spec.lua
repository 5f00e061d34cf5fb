-- docs/errors.md has every kind of error and every exit status of the command, and no other.

local benches = require "spec.support.bench"
local cli = require "xcompliance.cli"
local errors = require "xcompliance.errors"

local TEXT = benches.read("docs/errors.md")

--- The rows of the table whose head begins with `kind`: kind to the text of its last cell.
local function rows()
  local found = {}
  local body = TEXT:match("\n| kind | what happened | exit status |\n|[-|]+|\n(.-)\n\n")
  for line in (body .. "\n"):gmatch("(.-)\n") do
    local kind, statuses = line:match("^| `([%l_]+)` | .* | (.-) |$")
    assert.is_string(kind, line)
    assert.is_nil(found[kind], kind .. " is there twice")
    found[kind] = statuses
  end
  return found
end

describe("docs/errors.md", function()
  it("has every kind, once", function()
    local listed = rows()
    for kind in pairs(errors.kinds) do assert.is_string(listed[kind], kind) end
    for kind in pairs(listed) do assert.is_string(errors.kinds[kind], kind) end
  end)

  it("has the exit status of each kind", function()
    for kind, statuses in pairs(rows()) do
      assert.equal(tostring(cli.statuses[kind]), statuses:match("^%d+"), kind)
    end
  end)

  it("has the statuses of files that cannot be made, and of signals", function()
    local listed = rows()
    assert.matches(tostring(cli.status_of(errors.new("io", "x", { creating = true }))), listed.io)
    for _, signal in ipairs { "SIGHUP", "SIGINT", "SIGTERM" } do
      local status = cli.status_of(errors.new("cancelled", "x", { signal = signal }))
      assert.matches(("%d (%s)"):format(status, signal), listed.cancelled, 1, true)
    end
  end)

  it("has the fields that errors get in the code", function()
    local fields = {}
    for name in TEXT:gmatch("`([%l_]+)`[^|\n]* | %l+%??") do fields[name] = true end
    for _, name in ipairs {
      "kind", "message", "retryable", "where", "hint", "status", "url_refused", "spoilt", "part",
      "uncertain", "problem", "problem_type", "job", "headers", "system",
    } do
      assert.is_true(fields[name], name)
    end
  end)
end)
