-- Misuse raises an error that names the public function and the option, says where the module was
-- called, and prints well; nothing raises anything else.

local core = require "xcompliance.core"
local dataset = require "xcompliance.dataset"
local errors = require "xcompliance.errors"
local scratches = require "spec.support.scratch"
local xcompliance = require "xcompliance"

local function line_here() return debug.getinfo(2, "l").currentline end

describe("misuse", function()
  local scratch, client, verdicts

  before_each(function()
    scratch = scratches.new()
    client = xcompliance.client { base_url = "http://127.0.0.1:1", bearer_token = "t" }
    verdicts = assert(dataset.verdicts {
      tweets = scratch:write("rows", '{"id":"1","action":"delete","reason":"deleted"}\n'),
    })
  end)
  after_each(function()
    client:close()
    verdicts:close()
    scratch:remove()
  end)

  local function refuses(pattern, work)
    local ok, err = pcall(work)
    assert.is_false(ok)
    assert.is_true(errors.is(err), tostring(err))
    assert.equal("usage", err.kind)
    assert.matches(pattern, err.message)
    assert.equal(err.where .. ": " .. err.message, tostring(err))
    return err
  end

  it("says where the module was called", function()
    local line = line_here() + 2
    local err = refuses("", function()
      client:check { typ = "tweets" }
    end)
    assert.matches("misuse_spec.lua:" .. line .. "$", err.where)
    line = line_here() + 2
    err = refuses("", function()
      dataset.extract { type = "tweet", inputs = "x", output = "y" }
    end)
    assert.matches("misuse_spec.lua:" .. line .. "$", err.where)
    line = line_here() + 2
    err = refuses("", function()
      client:start_check { type = "tweet", ids = "x", results = "y" }
    end)
    assert.matches("misuse_spec.lua:" .. line .. "$", err.where)
  end)

  it("names the public function and the option", function()
    local inputs, output = scratch:write("in", "1\n"), scratch:at("out")
    refuses("^xcompliance.client: there is no option 'tokn'", function()
      xcompliance.client { tokn = 1 }
    end)
    refuses("^check: type is missing", function() client:check {} end)
    refuses("^sync: inputs must be paths, but one is a number", function()
      client:sync { inputs = { 1 }, output = "x" }
    end)
    refuses("^dataset.extract: memory must be at least", function()
      dataset.extract { type = "tweets", inputs = inputs, output = output, memory = 1 }
    end)
    refuses("^dataset.redact: policy must be", function()
      dataset.redact { verdicts = verdicts, inputs = inputs, output = output,
        policy = { deleted = print } }
    end)
    refuses("^dataset.redact: ", function()
      local cyclic = {}
      cyclic.deleted = cyclic
      dataset.redact { verdicts = verdicts, inputs = inputs, output = output, policy = cyclic }
    end)
    for _, name in ipairs { "ids", "merge", "extract", "difference" } do
      refuses("^dataset." .. name .. ": there is no option 'tpe'", function()
        dataset[name] { tpe = "tweets" }
      end)
      refuses("^dataset." .. name .. ": loop must be a table with the functions", function()
        dataset[name] { loop = {} }
      end)
    end
    refuses("^dataset.merge: there is no option 'type'", function()
      dataset.merge { type = "tweets", inputs = inputs, output = output }
    end)
    refuses("^dataset.ids: type is missing", function() dataset.ids { inputs = inputs } end)
    refuses("^dataset.merge: output is missing", function() dataset.merge { inputs = inputs } end)
    refuses("^with_loop: loop must be a table with", function() client:with_loop {} end)
    refuses("^start_extract: there is no option 'loop'", function()
      client:start_extract { type = "tweets", inputs = inputs, output = output, loop = {} }
    end)
    refuses("^verdicts:save: give a path", function() verdicts:save(nil) end)
    refuses("^create_compliance_job: ", function() client:create_compliance_job("tweet") end)
    refuses("^list_job: ", function() client:list_job {} end)
    refuses("^check: call it as a method of a client", function() client.check {} end)
  end)

  it("prints well, and is text beside text", function()
    local err = refuses("", function() client:check {} end)
    assert.equal("it failed: " .. tostring(err), "it failed: " .. err)
    assert.equal(tostring(err) .. "!", err .. "!")
    local _, failure = client:check { type = "tweets", ids = scratch:at("none"), results = "r" }
    assert.equal(failure.message, tostring(failure))
    assert.is_nil(failure.where)
    assert.equal("> " .. failure.message, "> " .. failure)
  end)

  it("is never another error, whatever is given", function()
    local odd = {
      false, 0 / 0, -1, "", {}, { 1 }, { {} }, print, io.stdout, coroutine.create(print),
      core.error {}, setmetatable({}, { __index = error, __newindex = error, __tostring = error }),
    }
    odd[#odd + 1] = odd
    local function survives(name, ...)
      local ok, err = pcall(...)
      if not ok and not errors.is(err) then
        error(("%s: %s"):format(name, type(err) == "string" and err or type(err)))
      end
    end
    for name, method in pairs(getmetatable(client).__index) do
      local is_long = name == "close" or name == "sync" or name:find("^__") or name:find("^start")
      for _, value in ipairs(is_long and {} or odd) do
        survives(name, method, client, value, value, value)
      end
    end
    for name in pairs { extract = 1, redact = 1, verdicts = 1, list_verdicts = 1 } do
      for _, value in ipairs(odd) do survives(name, dataset[name], value) end
    end
    for name in pairs { tweet = 1, user = 1, redact = 1, judge = 1, save = 1 } do
      for _, value in ipairs(odd) do survives(name, verdicts[name], verdicts, value) end
    end
  end)
end)
