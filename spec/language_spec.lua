-- spec/language rejects what it is there for, and accepts the good form.

local Scratch = require "spec.support.scratch"
local shell = require("spec.support.simulator").shell

describe("spec/language", function()
  local scratch

  setup(function() scratch = Scratch.new() end)
  teardown(function() scratch:remove() end)

  local function complaints(text)
    local path = scratch:write("text.md", text .. "\n")
    return shell(("lua5.4 spec/language '%s' | grep -c '^  ^' || true"):format(path))
  end

  for bad, good in pairs {
    ["a list where there is none"] = "a list if there is none",
    ["where it is no JSON"] = "if it is not JSON",
    ["where none is left"] = "if none is left",
    ["where nothing is written"] = "if nothing is written",
    ["where no id was found"] = "if no id was found",
    ["where the user says nothing"] = "if the user says nothing",
    ["storage told no checksum"] = "storage sent no checksum",
    ["it tells how far it is"] = "it reports how far it is",
    ["the record is passed over"] = "the record is skipped",
    ["Give up after so long"] = "Give up after SECONDS",
    ["at so many places"] = "at N places",
    ["what it comes to"] = "what it results in",
    ["the text behind the number"] = "the text after the number",
    ["the price of a look"] = "the price of a poll",
    ["it looks no more often than"] = "it polls at most",
    ["the job is taken up"] = "the job is resumed",
    ["the same command goes on"] = "run the same command again to resume",
    ["and then it went on"] = "and then it continued",
    ["begins anew"] = "starts again",
    ["it is not to be had"] = "it is unavailable",
    ["ids that nobody asked about"] = "ids that were never checked",
    ["for who cuts units by himself"] = "for callers that split records themselves",
    ["whoever reads it"] = "the reader",
    ["whose names are none of a dataset's"] = "whose names do not end in a known suffix",
    ["it is no JSON"] = "it is not JSON",
    ["what the world does returns nil, err"] = "run-time failures return nil, err",
    ["it is to be removed"] = "it must be removed",
    ["for a second at the most"] = "for a second at most",
    ["exchange them"] = "swap them",
  } do
    it("rejects: " .. bad, function()
      assert.not_equal("0", complaints(bad))
      assert.equal("0", complaints(good))
    end)
  end

  it("names the file, the line and what to write", function()
    local path = scratch:write("a.lua", "\n-- where there is none\n")
    local said = shell(("lua5.4 spec/language '%s'; echo $?"):format(path))
    assert.equal(path .. ":2: -- where there is none\n  ^ write: if there is, if there are\n1",
      said)
  end)

  it("finds nothing in the tree", function()
    assert.equal("", shell("lua5.4 spec/language || true"))
  end)
end)
