-- Tables and lists of ids as people have them: which columns count, in extraction and redaction
-- alike; forms of lines; ids that a spreadsheet has rounded.
-- luacheck: no max line length

local cli = require "xcompliance.cli"
local dataset = require "xcompliance.dataset"
local generate = require "spec.support.generate_records"
local reference = require "spec.support.reference_table"
local scratches = require "spec.support.scratch"

describe("of a table", function()
  local scratch

  before_each(function() scratch = scratches.new() end)
  after_each(function() scratch:remove() end)

  local function load(tweets, users)
    return assert(dataset.verdicts {
      tweets = scratch:write("t.results", generate.results(tweets)),
      users = scratch:write("u.results", generate.results(users or {})),
    })
  end

  local DELETE, SCRUB = { { outcome = "delete", reason = "deleted" } }, { { outcome = "scrub_geo", reason = "scrub_geo" } }

  --- In these examples tweets 13 and user 23 are condemned, tweet 19 and user 29 lose their places.
  local function redact(text, options)
    local verdicts = load({ ["13"] = DELETE, ["19"] = SCRUB }, { ["23"] = DELETE, ["29"] = SCRUB })
    local all = { verdicts = verdicts, inputs = scratch:write("in.csv", text), output = scratch:at("out.csv") }
    for name, value in pairs(options or {}) do all[name] = value end
    local counts, err = dataset.redact(all)
    verdicts:close()
    return counts and scratch:read("out.csv"), counts or err
  end

  local function ids_of(text, options)
    local all = { type = "tweets", inputs = scratch:write("in.csv", text), output = scratch:at("ids") }
    for name, value in pairs(options or {}) do all[name] = value end
    local counts, err = dataset.extract(all)
    if not counts then return tostring(err), err end
    return (scratch:read("ids"):gsub("\n", " ")), counts
  end

  -- {==================================================================
  -- Equality with a slow reference
  -- ===================================================================

  local function pick_name(generator, names)
    local list = {}
    for name in pairs(names) do list[#list + 1] = name end
    table.sort(list)
    local name = generator:pick(list)
    return generator:chance(20) and name:upper() or name
  end

  --- A header of random columns, and for each what its cells are.
  local function random_header(generator)
    local columns, used = {}, {}
    local function add(role, percent)
      if not generator:chance(percent) then return end
      local name = pick_name(generator, reference.ROLES[role])
      if used[name:lower()] then return end
      used[name:lower()] = true
      columns[#columns + 1] = { name = name, role = role }
    end
    local strong = generator:chance(70)
    if strong then add("strong", 100) end
    if not strong or generator:chance(50) then columns[#columns + 1] = { name = "id", role = strong and "weak" or "strong" } end
    for role, percent in pairs { author = 80, retweeted = 60, retweeted_author = 40, quoted = 60, quoted_author = 40, quoted_text = 70, place = 90 } do
      add(role, percent)
      add(role, percent / 3)
    end
    columns[#columns + 1] = { name = "place_full_name", role = "place" }
    columns[#columns + 1] = { name = "text", role = "text" }
    columns[#columns + 1] = { name = "in_reply_to_user_id", role = "author" }
    return generator:shuffle(columns)
  end

  local function cell_of(generator, role, id)
    if role == "strong" then return id end
    if role == "weak" then return generator:chance(50) and id or tostring(generator:upto(1000)) end
    if role == "text" or role == "place" or role == "quoted_text" then
      return generator:pick { "", "words", 'say "hi", twice', "two\nlines", "Bonn; Germany" }
    end
    if generator:chance(40) then return "" end
    return role:find("author") and generator:user_id() or generator:tweet_id()
  end

  local function quoted(cell, separator)
    if cell:find('["\r\n' .. separator .. "]") then return '"' .. cell:gsub('"', '""') .. '"' end
    return cell
  end

  local function as_text(rows, separator, line_end)
    local lines = {}
    for i, row in ipairs(rows) do
      local cells = {}
      for j, cell in ipairs(row) do cells[j] = quoted(cell, separator) end
      lines[i] = table.concat(cells, separator) .. line_end
    end
    return table.concat(lines)
  end

  it("finds and removes what a slow reference does, whatever the columns are", function()
    for seed = 1, 60 do
      local generator = generate.new(seed)
      local columns, header, rows = random_header(generator), {}, {}
      local separator, line_end = generator:pick { ",", ";", "\t" }, generator:pick { "\n", "\r\n", "\r" }
      for i, column in ipairs(columns) do header[i] = column.name end
      for r = 1, 25 do
        local id = generator:tweet_id()
        rows[r] = {}
        for i, column in ipairs(columns) do rows[r][i] = cell_of(generator, column.role, id) end
      end
      local all = { header }
      for _, row in ipairs(rows) do all[#all + 1] = row end
      local text = as_text(all, separator, line_end)
      if line_end == "\r" then text = text:gsub("\n", " ") end
      all = reference.parse(text, separator, line_end == "\r" and "\r" or "\n")
      assert.equal(26, #all)

      local expected = { tweets = {}, users = {} }
      for r = 2, #all do
        local tweets, users = reference.ids(header, all[r])
        for id in pairs(tweets) do expected.tweets[id] = true end
        for id in pairs(users) do expected.users[id] = true end
      end
      for type, set in pairs(expected) do
        local ids, counts = ids_of(text, { type = type })
        local count = 0
        for id in ids:gmatch("%d+") do
          assert.is_true(set[id], id)
          count = count + 1
        end
        for _ in pairs(set) do count = count - 1 end
        assert.equal(0, count)
        assert.equal(25, counts.recognised)
      end

      local verdicts = generator:verdicts(25)
      local loaded, left = load(verdicts.tweets, verdicts.users), { header }
      for r = 2, #all do left[#left + 1] = reference.redact(header, all[r], verdicts) end
      assert(dataset.redact { verdicts = loaded, inputs = scratch:at("in.csv"), output = scratch:at("out.csv") })
      local out = scratch:read("out.csv")
      assert.same(left, reference.parse(out, separator, line_end == "\r" and "\r" or "\n"))
      assert(dataset.redact { verdicts = loaded, inputs = scratch:at("out.csv"), output = scratch:at("again.csv") })
      loaded:close()
      assert.equal(out, scratch:read("again.csv"))
    end
  end)

  -- }==================================================================

  describe("whose columns have other names", function()
    it("takes those that are named, whatever else it knows", function()
      local text = "Tweet,By,user_id,Shares,Where\n1,23,2,3,x\n4,5,23,3,x\n6,5,7,13,x\n19,5,7,3,x\n"
      assert.equal("Tweet,By,user_id,Shares,Where\n4,5,23,3,x\n19,5,7,3,\n",
        (redact(text, { columns = { id = "tweet", author = "By", retweeted = { "Shares" }, place = "Where" } })))
      assert.equal("1 3 4 6 13 19 ", (ids_of(text, { columns = { id = "Tweet", retweeted = "Shares" } })))
      assert.equal("5 23 ", (ids_of(text, { type = "users", columns = { id = "Tweet", author = "By" } })))
      local _, err = redact(text, { columns = { id = "none" } })
      assert.matches('no column is called "none"', err.message, 1, true)
    end)

    it("is refused if none of ids is known; or its rows are not understood", function()
      local text = "a,b\n1,2\n3,4\n"
      local _, err = ids_of(text)
      assert.matches("no column has a known name for ids (the first of 2 is \"a\")", err.message, 1, true)
      assert.matches("`column`", err.message, 1, true)
      local _, counts = ids_of(text, { on_unrecognised = "skip" })
      assert.same({ 2, 0, 2, 0 }, { counts.records, counts.recognised, counts.unrecognised, counts.ids })
      local out
      _, err = redact(text)
      assert.matches("no column has a known name for ids", err.message, 1, true)
      out, counts = redact(text, { on_unrecognised = "keep" })
      assert.same({ text, 2, 2 }, { out, counts.kept, counts.unrecognised })
      out, counts = redact(text, { on_unrecognised = "remove" })
      assert.same({ "a,b\n", 2, 2 }, { out, counts.dropped, counts.unrecognised })
    end)

    it("the same options are there in every command", function()
      local function run(words)
        local err, argv = {}, {}
        for word in words:gmatch("%S+") do
          argv[#argv + 1] = word:gsub("^@(.*)", function(name) return scratch:at(name) end)
        end
        local status = cli.main(argv, {
          getenv = function() end, terminal = false, out = function() end,
          err = function(text) err[#err + 1] = text end,
        })
        return status, table.concat(err)
      end
      scratch:write("x.csv", "Tweet,By\n1,23\n4,5\n")
      load({}, { ["23"] = DELETE }):close()
      scratch:write("u.results", generate.results { ["23"] = DELETE })
      assert.equal(0, (run "extract tweets @x.csv -o @ids --column id=Tweet"))
      assert.equal("1\n4\n", scratch:read("ids"))
      assert.equal(0, (run "extract users @x.csv -o @ids --column id=Tweet --column author=By"))
      assert.equal("5\n23\n", scratch:read("ids"))
      assert.equal(0, (run "redact @x.csv --users @u.results -o @y.csv --column id=Tweet --column author=By"))
      assert.equal("Tweet,By\n4,5\n", scratch:read("y.csv"))
      local status, said = run "redact @x.csv --users @u.results -o @y.csv --column Tweet"
      assert.equal(64, status)
      assert.matches("ROLE=NAME", said, 1, true)
      status, said = run "extract tweets @x.csv -o @ids"
      assert.equal(65, status)
      assert.matches("--column id=NAME", said, 1, true)
    end)
  end)

  describe("with two columns for the tweet's id", function()
    local LONG, OTHER = "1265324480517361669", "1265324480517361670"

    it("prefers the longer name to `id`, which may be the number of the row", function()
      assert.equal(LONG .. " ", (ids_of("id,tweet_id\n1," .. LONG .. "\n")))
      assert.equal(LONG .. " ", (ids_of("id,id_str\n1.26532448051736e+18," .. LONG .. "\n")))
      assert.equal("id,tweet_id\n2,15\n", (redact("id,tweet_id\n1,13\n2,15\n")))
    end)

    it("refuses two that both look like ids of tweets, and differ", function()
      for _, names in ipairs { "id,tweet_id", "status_id,id_str" } do
        local _, err = ids_of(("%s\n%s,%s\n"):format(names, LONG, OTHER))
        assert.same({ "data", 2 }, { err.kind, err.line })
        assert.matches("different ids of the tweet", err.message, 1, true)
      end
    end)
  end)

  it("empties all places, in whatever case their columns are written", function()
    local header = "ID,Place_Full_Name,GEO.Coordinates,Lat,text\n"
    assert.equal(header .. "19,,,,a\n1,Rome,3,4,b\n", (redact(header .. "19,Bonn,1,2,a\n1,Rome,3,4,b\n")))
  end)

  describe("of rows that retweet or quote", function()
    it("drops retweets, and empties the words of a quoted tweet", function()
      local header = "status_id,text,retweet_status_id,retweet_user_id,quoted_status_id,quoted_user_id,quoted_text\n"
      assert.equal(header .. "1,a,,,13,5,\n3,d,,,,23,\n4,e,,,7,5,f\n",
        (redact(header .. "1,a,,,13,5,b\n2,c,13,,,,\n3,d,,,,23,b\n4,e,,,7,5,f\n5,g,6,23,,,\n")))
    end)

    it("reads retweet_or_quote_id by the type of the tweet", function()
      local header = "id,tweet_type,retweet_or_quote_id\n"
      assert.equal(header .. "2,quote,13\n", (redact(header .. "1,retweet,13\n2,quote,13\n")))
      header = "id,text,retweet_or_quote_id\n"
      assert.equal(header .. "2,see,13\n", (redact(header .. "1,RT @a: b,13\n2,see,13\n")))
      assert.equal("id,retweet_or_quote_id\n", (redact("id,retweet_or_quote_id\n1,13\n")))
    end)

    it("takes what R and Python write for nothing", function()
      assert.equal("status_id,user_id,retweet_status_id\n1,NA,NA\n2,None,nan\n",
        (redact("status_id,user_id,retweet_status_id\n1,NA,NA\n2,None,nan\n13,NA,0\n")))
      local _, err = redact("status_id,retweet_status_id\n1,1.26E+18\n")
      assert.matches("a spreadsheet has rounded", err.message, 1, true)
    end)
  end)

  describe("of users", function()
    it("has no tweets, and its rows go with their users", function()
      assert.equal("", (ids_of("id,username,country\n23,a,DE\n")))
      assert.equal("23 ", (ids_of("id,username\n23,a\n", { type = "users" })))
      assert.equal("id,username,country\n13,b,DE\n29,c,DE\n", (redact("id,username,country\n23,a,DE\n13,b,DE\n29,c,DE\n")))
      assert.equal("user_id,screen_name\n5,b\n", (redact("user_id,screen_name\n23,a\n5,b\n")))
    end)
  end)

  it("without authors says so", function()
    local ids, counts = ids_of("tweet_id\n1\n2\n", { type = "users" })
    assert.same({ "", 2, 2 }, { ids, counts.recognised, counts.without_author })
  end)

  describe("as programs write it:", function()
    it("lines that end in carriage returns alone", function()
      assert.equal("1 13 ", (ids_of("tweet_id,text\r1,a\r13,\"b\rc\"\r")))
      assert.equal("tweet_id,text\r1,a\r", (redact("tweet_id,text\r13,\"b\rc\"\r1,a\r")))
      local _, err = ids_of("tweet_id,text\r1,a\rx,b\r")
      assert.equal(3, err.line)
    end)

    it("UTF-16 with a byte order mark, which it stays", function()
      local text = "\239\187\191tweet_id\ttext\tplace\r\n13\tgone\t\r\n19\tcaf\195\169 \240\159\152\128\tBonn\r\n1\t\228\184\173\t\r\n"
      for _, order in ipairs { "LE", "BE" } do
        local function wide(utf8)
          scratch:write("u", utf8)
          scratch:shell("iconv -f UTF-8 -t UTF-16%s u >w", order)
          return scratch:read("w")
        end
        local before = wide(text)
        assert.equal("1 13 19 ", (ids_of(before)))
        local after = wide((text:gsub("13[^\n]*\n", ""):gsub("Bonn", "")))
        assert.equal(after, (redact(before)))
        assert.equal(after, (redact(after)))
        local verdicts = load { ["13"] = DELETE, ["19"] = SCRUB }
        scratch:write("in.csv", before)
        assert(dataset.redact { verdicts = verdicts, inputs = scratch:at("in.csv"), in_place = true })
        assert.equal(after, scratch:read("in.csv"))
        -- much of it, changed late, and packed
        local long = "\239\187\191tweet_id,text\r\n" .. ("7,\240\159\152\128\195\169a\r\n"):rep(200000)
        scratch:write("long.csv", wide(long .. "13,b\r\n"))
        scratch:shell("gzip -k -f long.csv")
        for _, name in ipairs { "long.csv", "long.csv.gz" } do
          local counts = assert(dataset.redact { verdicts = verdicts, inputs = scratch:at(name), output = scratch:at("out/") })
          assert.same({ 200000, 1 }, { counts.kept, counts.dropped })
        end
        verdicts:close()
        scratch:shell("gzip -d -c out/long.csv.gz >unpacked")
        assert.equal(wide(long), scratch:read("out/long.csv"))
        assert.equal(wide(long), scratch:read("unpacked"))
      end
      -- what is no text comes back as it was
      local function units(ascii) return (ascii:gsub(".", function(c) return c .. "\0" end)) end
      local odd = "\255\254" .. units "tweet_id,text\n1," .. "\0\216A\0\0\220" .. units "\n"
      assert.equal(odd, (redact(odd .. units "13,a\n")))
      local _, err = ids_of("\255\254i\0d\0\n\0" .. "1")
      assert.matches("UTF-16 text that ends in the middle of a character", tostring(err.message), 1, true)
    end)

    it("a line that names the separator", function()
      assert.equal("1 13 ", (ids_of("sep=;\ntweet_id;text\n1;a,b,c\n13;d\n")))
      assert.equal("sep=;\r\ntweet_id;text\r\n1;a\r\n", (redact("sep=;\r\ntweet_id;text\r\n13;b\r\n1;a\r\n")))
    end)

    it("blank lines, which stay", function()
      assert.equal("id,text\n\n14,b\n\n\n", (redact "id,text\n\n13,a\n14,b\n\n\n"))
      assert.equal("id,text\n\n", (redact "id,text\n13,a\n\n"))
    end)

    it("x before ids", function()
      assert.equal("1265324480517361669 ", (ids_of("status_id,user_id\nx1265324480517361669,x5\n")))
      assert.equal("status_id,user_id\n", (redact("status_id,user_id\nx13,x5\nx1,x23\n")))
    end)

    it("no header, if one column alone holds ids", function()
      local text = "1123436821189419008,0.25\n1123436818471489536,-0.5\n"
      assert.equal("1123436818471489536 1123436821189419008 ", (ids_of(text)))
      local verdicts = load { ["1123436821189419008"] = DELETE }
      assert(dataset.redact { verdicts = verdicts, inputs = scratch:at("in.csv"), output = scratch:at("out.csv") })
      verdicts:close()
      assert.equal("1123436818471489536,-0.5\n", scratch:read("out.csv"))
    end)

    it("no header and several ids: refused, unless the columns are named by their numbers", function()
      local text = "1123436821189419008,1123436821189419009\n"
      local _, err = ids_of(text)
      assert.matches("several ids on its first line, but no header", err.message, 1, true)
      assert.matches("`column` id=#1", err.message, 1, true)
      assert.equal("1123436821189419009 ", (ids_of(text, { columns = { id = "#2" } })))
      assert.equal("1123436821189419008 ", (ids_of(text, { type = "users", columns = { id = "#2", author = "#1" } })))
    end)
  end)

  describe("that a spreadsheet has rounded", function()
    local function column(name, last)
      local generator, lines = generate.new(7), { name }
      for i = 2, 200 do lines[i] = ("12%08d%06d%s"):format(generator:upto(99999999), generator:upto(999999), last(generator)) end
      return table.concat(lines, "\n") .. "\n"
    end

    it("is refused, with the share seen, unless the user accepts it", function()
      for _, name in ipairs { "tweet_id", "1200000000000000000" } do -- a list, too
        local text = column(name, function() return "000" end)
        local _, err = ids_of(text)
        assert.equal("data", err.kind)
        assert.matches(name == "tweet_id" and "199 of its 199 ids (100.0 %)" or "200 of its 200 ids (100.0 %)", err.message, 1, true)
        assert.matches("`allow_rounded`", err.message, 1, true)
        _, err = redact(text)
        assert.matches("a spreadsheet has rounded them", err.message, 1, true)
        local _, counts = ids_of(text, { allow_rounded = true })
        assert.is_true(counts.ids > 190)
        assert(redact(text, { allow_rounded = true }))
      end
    end)

    it("is not what chance does, nor a few ids", function()
      for _, text in ipairs {
        column("tweet_id", function(generator) return ("%03d"):format(generator:upto(1000) - 1) end),
        column("tweet_id", function(generator) return ("%03d"):format((generator:upto(125) - 1) * 8) end),
        "1265324480517361000\n1265324480517362000\n", "1000\n2000\n3000\n4000\n",
      } do
        local _, counts = ids_of(text)
        assert.is_table(counts)
        assert.is_nil(counts.message)
      end
    end)

    it("is noticed if only one in ten is round, as JavaScript leaves them", function()
      local text = column("tweet_id", function(generator) return generator:upto(10) * 100 % 1000 == 0 and "000" or "100" end)
      local _, err = ids_of(text)
      assert.matches("end in 000", tostring(err.message), 1, true)
    end)
  end)
end)

describe("of a list", function()
  local scratch

  before_each(function() scratch = scratches.new() end)
  after_each(function() scratch:remove() end)

  local FORMS = {
    '"1265324480517361669"\n"13"\n', "'1265324480517361669'\n'13'\n", "1265324480517361669,\n13,\n",
    "x1265324480517361669\nx13\n", "1265324480517361669;\n13\n",
    "https://twitter.com/somebody/status/1265324480517361669\nhttps://x.com/i/web/status/13?s=20\n",
    "https://mobile.twitter.com/a/statuses/1265324480517361669/photo/1\nhttp://twitter.com/a/status/13#x\n",
    "1265324480517361669\r\n\r\n13",
  }

  it("reads the forms that people have, and removes lines of them", function()
    local verdicts = assert(dataset.verdicts {
      tweets = scratch:write("t.results", generate.results { ["13"] = { { outcome = "delete", reason = "deleted" } } }),
    })
    for _, form in ipairs(FORMS) do
      local path = scratch:write("in.txt", form)
      assert(dataset.extract { type = "tweets", inputs = path, output = scratch:at("ids") })
      assert.equal("13\n1265324480517361669\n", scratch:read("ids"))
      assert.equal(1, assert(dataset.redact { verdicts = verdicts, inputs = path, output = scratch:at("out") }).dropped)
      assert.equal(form:match("^[^\n]*\n"):gsub("%s+$", ""), (scratch:read("out"):gsub("%s+$", "")))
    end
    verdicts:close()
  end)

  it("refuses others with a sentence that says what they are", function()
    for text, message in pairs {
      ["13 17\n"] = "several on one line", ["13\n17, 19\n"] = "several on one line",
      ["13\r17\r19\r"] = "carriage returns alone",
      ["13\nhttps://twitter.com/somebody\n"] = "not the address of a tweet",
      ["[13, 17]\n"] = "an object was expected",
      ["13\n1.26E+18\n"] = "a spreadsheet has rounded",
    } do
      local _, err = dataset.extract { type = "tweets", inputs = scratch:write("in.txt", text), output = scratch:at("ids") }
      assert.equal("data", err.kind)
      assert.matches(message, err.message, 1, true)
    end
  end)

  it("asks about the type only that it is of", function()
    local path = scratch:write("in.txt", "13\n17\n")
    for type, expected in pairs { tweets = "", users = "13\n17\n" } do
      local counts = assert(dataset.extract { type = type, inputs = path, output = scratch:at("ids"), lists = "users" })
      assert.equal(expected, scratch:read("ids"))
      assert.equal(2, counts.recognised)
    end
  end)
end)
