-- xcompliance shapes: what is known, and what is recognised in a file
-- luacheck: no max line length

local cjson = require "cjson"
local command = require "spec.support.command"
local core = require "xcompliance.core"
local dataset = require "xcompliance.dataset"
local scratches = require "spec.support.scratch"

describe("xcompliance shapes", function()
  local scratch

  before_each(function() scratch = scratches.new() end)
  after_each(function() scratch:remove() end)

  local function run(words) return command.run_in(scratch, words) end

  it("lists those that are built in", function()
    local status, out = run "shapes"
    assert.equal(0, status)
    for _, name in ipairs { "x", "academictwitter", "activity", "elasticsearch", "mongodb", "archive", "graphql", "twint", "snscrape", "apify", "flat", "collections" } do
      assert.matches("\n" .. name .. " +%S", "\n" .. out)
    end
    assert.equal(#core.shapes(), #cjson.decode((select(2, run "shapes --json"))))
  end)

  it("prints each of them in a form that --shape reads", function()
    scratch:write("in.jsonl", '{"id":"1","text":"a"}\n')
    for _, shape in ipairs(core.shapes()) do
      local _, out = run("shapes " .. shape.name)
      assert.matches("^# " .. shape.name .. ": ", out)
      scratch:write("own.shape", out)
      assert(dataset.extract { type = "tweets", inputs = scratch:at("in.jsonl"), output = scratch:at("ids"), shape = scratch:at("own.shape") })
    end
    local status, _, said = run "shapes nothing"
    assert.equal(64, status)
    assert.matches("there is no shape nothing", said, 1, true)
  end)

  it("describes all of them in docs/shapes.md", function()
    local file = assert(io.open("docs/shapes.md"))
    local text = file:read("*a")
    file:close()
    for _, shape in ipairs(core.shapes()) do assert.matches("| `" .. shape.name .. "` |", text, 1, true) end
  end)

  describe("--explain", function()
    it("says what is recognised as what, and what is not", function()
      scratch:write("in.jsonl", '{"data":[{"id":"1","text":"a","author_id":"5"},{"id":"2","text":"b"}],"includes":{"users":[{"id":"5","username":"c"}]}}\n'
        .. '{"limit":{}}\n{"event":1,"x":2}\n{torn\n[{"id":"7","rawContent":"d","quotedTweet":{"id":8,"rawContent":"e"}}]\n')
      local status, out = run "shapes --explain @in.jsonl"
      assert.equal(0, status)
      for _, line in ipairs {
        "record 1, line 1: recognised", "  tweet 1 at data[0]: an item of the record, by 5", "  tweet 2 at data[1]: an item of the record, author unknown",
        "  user 5 at includes.users[0]: included in the record", "record 2, line 2: a notice without content", "its keys: event, x", "record 4, line 4: malformed",
        "  tweet 8 at quotedTweet: quoted by the tweet around it",
      } do
        assert.matches(line, out, 1, true)
      end
      status, out = run "shapes --explain @in.jsonl --records 2"
      assert.equal(0, status)
      assert.is_nil(out:find("record 3", 1, true))
    end)

    it("uses a shape of one's own, and says what columns are", function()
      scratch:write("in.jsonl", '{"tid":"1","words":"a"}\n')
      scratch:write("own.shape", "tweet tid id 3\ntweet words mark\n")
      local _, out = run "shapes --explain @in.jsonl --shape @own.shape"
      assert.matches("  tweet 1: the record itself", out, 1, true)
      scratch:write("in.csv", "n,tweet_id,lat,user_id\n1,2,3,4\n")
      _, out = run "shapes --explain @in.csv"
      assert.equal("a table of tweets, 4 columns\n  tweet_id: the id of the tweet\n  lat: where it was written\n  user_id: the id of its author\n", out:match(": (a table.*)$"))
      scratch:write("in.txt", "1\n2\n")
      assert.matches("a list of ids", (select(2, run "shapes --explain @in.txt")), 1, true)
      local status, said
      status, out, said = run "shapes --explain @none"
      assert.equal("", out)
      assert.equal(74, status)
      assert.matches("none", said, 1, true)
    end)
  end)
end)
