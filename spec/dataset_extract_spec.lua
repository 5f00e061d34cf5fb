-- extraction: what is found in which kind of file, what is refused and how, and what is left

local core = require "xcompliance.core"
local dataset = require "xcompliance.dataset"
local generators = require "spec.support.generate_records"
local reference = require "spec.support.reference_extract"
local real = require "spec.support.real"
local scratch = require "spec.support.scratch"

local TYPES = { "tweets", "users" }

describe("extraction", function()
  local folder
  before_each(function() folder = scratch.new() end)
  after_each(function() folder:remove() end)

  local function extract(options)
    local given = { type = "tweets", output = folder:at("out.ids") }
    for name, value in pairs(options) do given[name] = value end
    local counts, err = dataset.extract(given)
    return counts, err, folder:read("out.ids")
  end

  --- The ids of a text under a name, in one line.
  local function ids_of(name, text, options)
    local given = { inputs = folder:write(name, text) }
    for key, value in pairs(options or {}) do given[key] = value end
    local counts, err, ids = extract(given)
    if not counts then return tostring(err), err end
    return (ids:gsub("\n", " "))
  end

  describe("of a folder, by any number of threads,", function()
    local DAMAGED = { "b.jsonl", "e.jsonl.gz" }

    --- Files of each kind that one thread reads, some of them damaged, and two that all read.
    local function make()
      local generator = generators.new(7)
      local function records(count, damage)
        local lines = {}
        for i = 1, count do lines[i] = generator:record():gsub("\n", " ") end
        if damage then lines[count - 1] = '{"id":"1",' end
        return table.concat(lines, "\n") .. "\n"
      end
      for name in ("a b c d e f g h i"):gmatch("%a") do
        local plain = "d/" .. name .. ".jsonl"
        folder:write(plain, records(60, name == "b" or name == "e"))
        if name > "c" and name < "g" then folder:shell("gzip " .. plain) end
        if name == "g" then folder:shell("zstd -q --rm " .. plain) end
      end
      folder:write("d/j.csv", "id,text\n501,a\n502,b\nx,c\n")
      folder:write("d/k.txt", "601\n602\n")
      folder:shell("head -c 900 d/d.jsonl.gz >d/l.jsonl.gz")
      folder:shell("cd d && zip -q n.zip a.jsonl && cp n.zip o.jsonl && tar cf p.tar c.jsonl k.txt")
      local large = records(300)
      folder:write("d/m.jsonl", large:rep(math.ceil(9 * 2 ^ 20 / #large)))
      folder:write("d/q.jsonl", records(20))
    end

    it("gives the same", function()
      make()
      local first, first_ids, first_skipped
      for jobs = 1, 5 do
        local counts, err, ids = extract { inputs = folder:at("d"), jobs = jobs,
          on_malformed = "skip" }
        assert(counts, err)
        local skipped = folder:read("out.ids.malformed")
        assert.equal(4, select(2, skipped:gsub("\n", "\n")))
        first, first_ids = first or counts, first_ids or ids
        first_skipped = first_skipped or skipped
        assert.same(first, counts)
        assert.equal(first_ids, ids)
        assert.equal(first_skipped, skipped)
      end
      assert.equal(17, first.files)
      assert.equal(0, first.unrecognised)
    end)

    it("stops at the first problem", function()
      make()
      for _, name in ipairs(DAMAGED) do
        for jobs = 1, 5 do
          local counts, err = extract { inputs = folder:at("d"), jobs = jobs }
          assert.is_nil(counts)
          assert.equal(folder:at("d/" .. name), err.file)
          assert.equal(59, err.line)
        end
        folder:shell("rm d/" .. name)
      end
    end)
  end)

  describe("of records", function()
    local function records_of(text)
      local records = {}
      for line in text:gmatch("[^\n]+") do records[#records + 1] = line end
      return records
    end

    local function agrees(inputs, records)
      for _, type in ipairs(TYPES) do
        for _, top_level in ipairs { false, true } do
          local counts, err, ids = extract { type = type, inputs = inputs, top_level = top_level }
          assert(counts, err)
          assert.equal(reference.file(records, type, top_level), ids)
        end
      end
    end

    for seed = 1, 6 do
      it("finds what the rules say, whatever the records look like, seed " .. seed, function()
        local generator, records = generators.new(seed), {}
        for i = 1, 400 do records[i] = generator:record() end
        agrees({ folder:write("x.jsonl", table.concat(records, "\n")) }, records)
        agrees({ folder:write("x.json", "[" .. table.concat(records, ",\n") .. "]\n") }, records)
      end)
    end

    it("finds what the rules say in real files", function()
      local paths = real.files()
      if #paths == 0 then return pending(real.NO_FILES) end
      for _, path in ipairs(paths) do
        local file = assert(io.open(path, "rb"))
        agrees({ path }, records_of(file:read("*a")))
        file:close()
      end
    end)

    it("decodes escapes, in keys and ids", function()
      assert.equal("1 7 ", ids_of("x.jsonl", [[{"\u0069d":"\u0031","te\u0078t":""}
{"id":"7","t\u0065xt":"\"id\":\"8\" \ud83d\ude00 \ud800"}]]))
    end)

    it("counts what stands twice twice", function()
      assert.equal("1 2 3 4 ", ids_of("x.jsonl", [[
{"id":"1","text":"","id":"2","data":{"id":3,"text":""},"data":[{"id":4,"text":""}]}]]))
    end)

    it("keeps ids beyond 2^53 as they are, with or without quotes", function()
      assert.equal("9007199254740993 9223372036854775807 ", ids_of("x.jsonl",
        '{"id":9007199254740993,"text":""}\n{"id":"9223372036854775807","text":""}'))
      assert.equal("1265324480517361669 ", ids_of("x.jsonl",
        '{"id":1.2653244805173617e18,"id_str":"1265324480517361669","text":""}'))
    end)

    it("takes white space of every kind", function()
      assert.equal("1 ", ids_of("x.jsonl",
        '\239\187\191\r\n \t {\t"id" : "1"\r, "text":""} \r\n\n'))
      assert.equal("1 2 ", ids_of("x.json",
        '{\n  "data": [\n    { "id": "1",\r\n "text": "" },\n{"id":"2","text":""}\n]\n}\n'))
    end)

    it("reads a line of 20 MB", function()
      local text = ('{"id":"5","text":"%s"}\n'):format(("x\\n"):rep(7000000))
      assert.equal("4 5 6 ", ids_of("x.jsonl",
        '{"id":"4","text":""}\n' .. text .. '{"id":"6","text":""}\n'))
    end)
  end)

  describe("of a compressed file", function()
    local TEXT = '{"id":"1","text":""}\n{"id":"2","text":""}\n'

    it("reads all members and frames, whatever it is called", function()
      folder:write("x", TEXT)
      folder:write("y", '{"id":"3","text":""}\n')
      folder:shell("for pack in gzip:gz 'zstd -q:zst' bzip2:bz2 xz:xz 'xz -T2 -C sha256:2.xz'; do"
        .. " for file in x y; do ${pack%%:*} -c $file >>x.${pack##*:}; done; done")
      for _, name in ipairs { "x.gz", "x.zst", "x.bz2", "x.xz", "x.2.xz" } do
        folder:shell("cp %s plain", name)
        for _, input in ipairs { name, "plain" } do
          local counts, err, ids = extract { inputs = { folder:at(input) } }
          assert(counts, err)
          assert.equal("1\n2\n3\n", ids)
          assert.equal(3, counts.records)
        end
      end
    end)

    it("refuses one that is cut off or continues with something else, and says where", function()
      folder:write("x", TEXT:rep(5000))
      folder:shell("gzip -c x >x.gz; zstd -qc x >x.zst; bzip2 -c x >x.bz2; xz -c x >x.xz")
      local names = { gz = "gzip", zst = "zstd", bz2 = "bzip2", xz = "xz" }
      for ending, name in pairs(names) do
        folder:shell("head -c $(($(stat -c %%s x.%s) / 2)) x.%s >cut.%s", ending, ending, ending)
        folder:shell("{ cat x.%s; echo more; } >more.%s", ending, ending)
        for file, problem in pairs { cut = "truncated", more = "not " .. name .. " follows" } do
          local counts, err = extract { inputs = { folder:at(file .. "." .. ending) } }
          assert.is_nil(counts)
          assert.equal("data", err.kind)
          assert.equal(folder:at(file .. "." .. ending), err.file)
          assert.matches(problem, err.message, 1, true)
          assert.is_true(err.line >= 1)
        end
      end
      assert.equal(13, #folder:list()) -- no output
    end)

    it("says corrupt of corrupt data only", function()
      folder:write("x", TEXT)
      folder:shell("xz --lzma2=dict=1536MiB -c x >x.xz")
      local command = folder.shell({ path = "." }, "pwd"):gsub("%s+$", "") .. "/bin/xcompliance"
      if not os.getenv("ASAN_OPTIONS") then
        local text = folder:shell("ulimit -v 900000; '%s' extract tweets x.xz -o ids -q", command)
        assert.matches("decoding these xz data takes 15%d%d MiB of memory, but at most a"
          .. " quarter of this machine's memory, 219 MiB, may be used"
          .. " %- unpack the file with unxz\n", text)
      end
      folder:write("x", TEXT:rep(500))
      folder:shell("bzip2 -c x >x.bz2; xz -c x >x.xz")
      for name, at in pairs { ["x.bz2"] = 12, ["x.xz"] = 40 } do -- the checksum of the block; data
        local packed = folder:read(name)
        folder:write(name, packed:sub(1, at) .. string.char((packed:byte(at + 1) + 1) % 256)
          .. packed:sub(at + 2))
        local _, err = extract { inputs = { folder:at(name) } }
        assert.matches("are corrupt", err.message, 1, true)
      end
    end)

    it("refuses what is no dataset by its name, with the command that converts it", function()
      for bytes, said in pairs {
        ["SQLite format 3\0\16\0"] = "sqlite3 -header -csv", ["PAR1\21\4"] = "duckdb -c",
        ["\255\254\0\0i\0\0\0"] = "iconv -f UTF-32", ["WARC/1.0\r\n"] = "warcio extract",
        ["7z\188\175\39\28\0"] = "7z x", ["Rar!\26\7\1"] = "unrar x",
      } do
        folder:write("x.json", bytes)
        local _, err = extract { inputs = { folder:at("x.json") } }
        assert.equal("data", err.kind)
        assert.matches(said, err.message, 1, true)
      end
    end)
  end)

  describe("of CSV", function()
    it("takes the column of ids, or of authors", function()
      local text = 'id,text,author_id\r\n12,"a, ""b""\n\r\n13",3\r\n11,,\r\n'
      assert.equal("11 12 ", ids_of("x.csv", text))
      assert.equal("3 ", ids_of("x.csv", text, { type = "users" }))
      assert.equal("7 ", ids_of("x.txt", "text\ttweet_id\na,b\t7\n"))
      assert.equal("1 ", ids_of("x.csv", "id,id_str\n1.26E+18,1\n"))
    end)

    it("takes the column that was named", function()
      assert.equal("5 ", ids_of("x.csv", "id;Tweet;n\n1;5;2\n", { column = "tweet" }))
      assert.matches('no column is called "x"', ids_of("x.csv", "id\n1\n", { column = "x" }))
    end)

    it("distinguishes tweets from users by the columns", function()
      assert.equal("", ids_of("x.csv", "id,username\n1,a\n"))
      assert.equal("1 ", ids_of("x.csv", "id,username\n1,a\n", { type = "users" }))
      assert.equal("", ids_of("x.csv", "id,text\n1,a\n", { type = "users" }))
    end)

    it("refuses what is not whole", function()
      local _, err = ids_of("x.csv", 'id,text\n1,a\n2,"b\n')
      assert.same({ "data", 3, 12 }, { err.kind, err.line, err.byte })
      _, err = ids_of("x.csv", "id,text\n1,a\n2\n")
      assert.same({ "data", 3, 12 }, { err.kind, err.line, err.byte })
      _, err = ids_of("x.csv", "id,text\n,a\n")
      assert.same({ "data", 2, 8 }, { err.kind, err.line, err.byte })
    end)
  end)

  describe("of id lists", function()
    it("accepts byte order marks, CR LF, blanks and blank lines", function()
      assert.equal("3 20 1265324480517361664 ", ids_of("x.txt",
        "\239\187\1911265324480517361664\r\n\r\n \t20 \n20\n\n3"))
    end)

    it("refuses everything else, each with its reason", function()
      for text, problem in pairs {
        ["1.26E+18\n"] = "a spreadsheet has rounded", ["1,26E+18\n"] = "a spreadsheet has rounded",
        ["5\n007\n"] = "begins with a zero", ["9223372036854775808\n"] = "too large",
        ["5\n-1\n"] = "is not an id", ["5\nx\n"] = "is not an id", ["5 6\n"] = "is not one id",
      } do
        local message, err = ids_of("x.txt", text, { format = "ids" })
        assert.matches(problem, message, 1, true)
        assert.equal("data", err.kind)
      end
      assert.same({ "x.txt" }, folder:list())
    end)

    it("makes an empty file of an empty one", function()
      assert.equal("", ids_of("x.txt", "\n"))
    end)

    it("sorts more than fits in memory", function()
      local generator, lines = generators.new(9), {}
      for i = 1, 1100000 do
        lines[i] = ("%d%09d"):format(generator:upto(999999999), generator:upto(999999999))
      end
      for i = 1, 100000 do lines[#lines + 1] = lines[i * 7] end
      local path = folder:write("x.txt", table.concat(lines, "\n") .. "\n")
      local counts = assert(extract { inputs = path, memory = 2 ^ 24 })
      folder:shell("LC_ALL=C sort -n -u x.txt > expected")
      assert.equal("", folder:shell("cmp out.ids expected"))
      assert.equal(1200000, counts.ids_seen)
    end)
  end)

  describe("where a record cannot be used", function()
    local TORN = '{"id":"1","text":""}\n{"id":"2","te'

    it("stops with file, line and byte, and leaves nothing", function()
      for text, place in pairs {
        [TORN] = { 2, 34 },
        ['{"id":"1","text":""}\n\n{"id":1.5,"text":""}\n'] = { 3, 28 },
        ['{"id":"1","text":""}}\n'] = { 1, 20 },
        ['[{"id":"1","text":""},\n{"id":"1"'] = { 2, 23 },
        ['{"id":"1","text":""}\n"2"\n'] = { 2, 21 },
      } do
        local _, err = ids_of("x.json", text)
        assert.same({ "data", folder:at("x.json"), place[1], place[2] },
          { err.kind, err.file, err.line, err.byte })
        assert.same({ "x.json" }, folder:list())
      end
    end)

    it("keeps an earlier output", function()
      folder:write("out.ids", "earlier")
      ids_of("x.jsonl", TORN)
      assert.equal("earlier", folder:read("out.ids"))
    end)

    it("skips it and lists it, if asked to", function()
      local path = folder:write("x.jsonl",
        '{"id":"x","text":""}\n{"id":"1","text":""}\n{"a\n' .. TORN)
      local counts, err, ids = extract { inputs = { path, path }, on_malformed = "skip" }
      assert(counts, err)
      assert.equal("1\n", ids)
      assert.same({ 6, 4 }, { counts.malformed, counts.records })
      local lines = {}
      for line in folder:read("out.ids.malformed"):gmatch("[^\n]+") do lines[#lines + 1] = line end
      assert.equal(6, #lines)
      assert.matches(('^{"file":"%s","line":1,"byte":7,"problem":".+"}$'):format(
        path:gsub("%p", "%%%0")), lines[1])
      assert.matches('"line":3,"byte":45,', lines[2], 1, true)
    end)

    it("skips the rest of a file that is cut off", function()
      folder:write("x", ('{"id":"1","text":""}\n'):rep(50000))
      folder:shell("gzip -c x > x.gz; head -c 200 x.gz > cut.gz")
      folder:write("y.jsonl", '{"id":"2","text":""}\n')
      local counts, err, ids = extract {
        inputs = { folder:at("cut.gz"), folder:at("y.jsonl") }, on_malformed = "skip",
      }
      assert(counts, err)
      assert.matches("2\n$", ids)
      assert.equal(1, counts.malformed)
      assert.matches("truncated", folder:read("out.ids.malformed"))
    end)

    it("does not take a misspelt name for one", function()
      local counts, err = extract { inputs = folder:at("none.jsonl"), on_malformed = "skip" }
      assert.is_nil(counts)
      assert.equal("io", err.kind)
      assert.same({}, folder:list())
    end)
  end)

  describe("of a folder", function()
    it("reads the files with known names, in order, and names the others", function()
      folder:write("in/b/x.ndjson", '{"id":"1","text":""}')
      folder:write("in/x.TXT", "2")
      folder:write("in/x.json", '[{"id":"3","text":""}]')
      folder:write("in/.hidden.txt", "4")
      folder:write("in/README.md", "5")
      folder:write("in/x.gz", "6")
      folder:shell("cd in && gzip -c x.json > y.json.gz && zstd -q x.TXT -o z.tsv.zst")
      local counts, err, ids = extract { inputs = folder:at("in") }
      assert(counts, err)
      assert.equal("1\n2\n3\n", ids)
      assert.same({ 5, 2 }, { counts.files, counts.ignored })
      assert.same({ folder:at("in/README.md"), folder:at("in/x.gz") }, counts.ignored_files)
    end)

    it("row 110: skips and names pipes, devices and links to folders", function()
      folder:write("in/a.txt", "1\n")
      folder:write("elsewhere/b.txt", "2\n")
      folder:shell("cd in && mkfifo c.jsonl && ln -s /dev/zero d.jsonl"
        .. " && ln -s ../elsewhere e.jsonl"
        .. " && mkfifo pipe && ln -s nowhere link")
      local counts, err, ids = extract { inputs = folder:at("in") }
      assert(counts, err)
      assert.equal("1\n", ids)
      local skipped = {}
      for i, name in ipairs { "c.jsonl", "d.jsonl", "e.jsonl", "link", "pipe" } do
        skipped[i] = folder:at("in/" .. name)
      end
      assert.same({ 1, 5, skipped }, { counts.files, counts.ignored, counts.ignored_files })
    end)

    it("row 110: that cannot be read is refused by name, and so is a file in it", function()
      local command = folder.shell({ path = "." }, "pwd"):gsub("%s+$", "") .. "/bin/xcompliance"
      local who = folder:shell("id -u") == "0\n"
        and "setpriv --reuid=65534 --regid=65534 --clear-groups" or "" -- root may read everything
      if folder:shell("%s test -x %s || echo no", who, command) ~= "" then
        return pending("nobody without privileges can run the command here")
      end
      folder:shell("chmod 755 . && mkdir in out && chmod 777 out"
        .. " && echo 1 >in/a.txt && echo 2 >in/b.txt")
      local run = ("%s %s extract tweets in -q -o out/ids"):format(who, command)
      local function refuses(path)
        folder:shell("%s", run)
        assert.equal("1\n2\n", folder:read("out/ids"))
        os.remove(folder:at("out/ids"))
        local text = folder:shell("chmod 0 %s; %s; chmod 755 %s", path, run, path)
        assert.matches(path, text, 1, true)
        assert.matches("ermission denied", text, 1, true)
        assert.is_nil(folder:read("out/ids"))
      end
      refuses("in/b.txt")
      folder:shell("mkdir in/deep && mv in/b.txt in/deep")
      refuses("in/deep")
    end)

    it("is refused if its output would be read the next time", function()
      folder:write("a.txt", "1")
      local counts, err = extract { inputs = folder.path, output = folder:at("out.txt") }
      assert.is_nil(counts)
      assert.equal("usage", err.kind)
      assert.matches("is in inputs " .. folder.path, err.message, 1, true)
      assert.is_nil(folder:read("out.txt"))
      local options = { inputs = folder.path, output = folder:at("out.ids") }
      assert(extract(options))
      folder:write("a.txt", "2")
      assert(extract(options))
      assert.equal("2\n", folder:read("out.ids"))
    end)
  end)

  describe("into parts", function()
    it("splits the ids evenly and names the parts", function()
      local path = folder:write("x.txt", "5\n4\n3\n2\n1\n")
      local counts = assert(extract { inputs = path, ids_per_file = 2 })
      assert.same({ folder:at("out.ids.0001"), folder:at("out.ids.0002"),
        folder:at("out.ids.0003") }, counts.outputs)
      assert.equal("1\n2\n|3\n4\n|5\n", folder:shell("cat out.ids.0001; printf '|';"
        .. " cat out.ids.0002; printf '|'; cat out.ids.0003"))
    end)

    it("refuses to leave a part of an earlier run after its own", function()
      folder:write("x.txt", "1\n2\n3\n")
      folder:write("out.ids.0003", "9\n")
      local counts, err = extract { inputs = folder:at("x.txt"), ids_per_file = 2 }
      assert.is_nil(counts)
      assert.equal("conflict", err.kind)
      assert.same({ "out.ids.0003", "x.txt" }, folder:list())
    end)
  end)

  it("reports how far it is", function()
    local last, events = nil, 0
    local path = folder:write("x.txt", ("1234567890\n"):rep(2000000))
    local counts = assert(extract {
      inputs = { path, path },
      on_progress = function(event)
        if last then assert.is_true(event.bytes >= last.bytes and event.ids >= last.ids) end
        last, events = event, events + 1
      end,
    })
    assert.is_true(events >= 1)
    assert.same({ 44000000, 44000000, 4000000, 4000000 },
      { last.bytes, last.total, last.records, last.ids })
    assert.same({ 44000000, 4000000, 1 }, { counts.bytes, counts.records, counts.ids })
  end)

  it("waits by the loop that it is given", function()
    local waited = 0
    local counts = assert(extract {
      inputs = folder:write("x.txt", "1"),
      loop = {
        wait = function(task, seconds)
          waited = waited + 1
          return task:wait(seconds)
        end,
        sleep = core.sleep,
      },
    })
    assert.equal(1, counts.ids)
    assert.is_true(waited >= 1)
  end)

  it("stops at its deadline", function()
    folder:shell("mkfifo pipe")
    local started = core.now()
    local counts, err = extract { inputs = folder:at("pipe"), deadline = 0.1 }
    assert.is_nil(counts)
    assert.equal("timeout", err.kind)
    assert.is_true(core.now() - started < 2)
    assert.same({}, folder:list())
  end)

  it("raises for misuse", function()
    local path = folder:write("x.txt", "1")
    for _, options in ipairs {
      { inputs = {} }, { inputs = { 1 } }, { inputs = path, type = "posts" },
      { inputs = path, format = "xml" }, { inputs = path, speed = 1 },
      { inputs = path, memory = 1 }, { inputs = path, ids_per_file = 0.5 },
      { inputs = path, jobs = 0.5 },
      { inputs = path, on_malformed = "ignore" }, { inputs = path, type = false },
    } do
      local ok, err = pcall(extract, options)
      assert.is_false(ok)
      assert.equal("usage", err.kind)
    end
  end)
end)

describe("the command extract", function()
  local folder
  before_each(function() folder = scratch.new() end)
  after_each(function() folder:remove() end)

  local root = io.popen("pwd"):read("*l")
  local COMMAND = root .. "/bin/xcompliance extract "

  it("reads standard input and pipes", function()
    folder:write("x.jsonl", '{"id":"1","text":"","author_id":"2"}\n')
    assert.matches("^out.ids: 1 id of 2 records in 2 files, 74 bytes",
      folder:shell("cat x.jsonl | %s tweets - x.jsonl -o out.ids 2>/dev/null", COMMAND))
    assert.equal("1\n", folder:read("out.ids"))
    folder:shell("bash -c '%s users <(cat x.jsonl) -o out.ids'", COMMAND)
    assert.equal("2\n", folder:read("out.ids"))
  end)

  it("says what it skipped, and ends with the status of the error", function()
    folder:write("x/x.txt", "1\nx\n")
    folder:write("x/y.md", "1")
    assert.matches("1 file was skipped, such as x/y%.md.+"
      .. "1 malformed record skipped: see out.ids.malformed",
      folder:shell("%s tweets x -o out.ids --on-malformed skip", COMMAND))
    assert.matches('"malformed":1', folder:shell(
      "%s tweets x -o out.ids --on-malformed skip --json -q", COMMAND), 1, true)
    assert.matches('x/x.txt, line 2, byte 2: "x" is not an id.+\n65\n$',
      folder:shell("%s tweets x -o out.ids; echo $?", COMMAND))
    assert.matches("\n64\n$", folder:shell("%s tweets x -o y --memory 1; echo $?", COMMAND))
  end)

  --- Runs it on a pipe that never ends, sends it a signal when it has begun to write, and returns
  -- its exit status.
  local function interrupt(signal)
    return folder:shell([[mkfifo pipe; sleep 60 > pipe & writer=$!
      %s tweets pipe -o out.ids --on-malformed skip -q 2>/dev/null & run=$!
      until ls .out.ids.malformed.*.part >/dev/null 2>&1; do sleep 0.02; done
      kill -%s $run; wait $run 2>/dev/null; status=$?; kill $writer; rm pipe; echo $status]],
      COMMAND, signal):match("%d+")
  end

  it("removes what it began when it is interrupted", function()
    assert.equal("130", interrupt("INT"))
    assert.same({}, folder:list())
    assert.equal("143", interrupt("TERM"))
    assert.same({}, folder:list())
  end)

  it("removes what an earlier run left that was killed, and nothing else", function()
    assert.equal("137", interrupt("KILL"))
    assert.equal(1, #folder:list())
    folder:write(".out.ids.0123456789ab.part.keep", "")
    folder:write(".out.ids.bak.0123456789ab.part", "")
    folder:write(".other.ids.0123456789ab.part", "")
    folder:write("x.txt", "1")
    folder:shell("%s tweets x.txt -o out.ids", COMMAND)
    assert.same({ ".other.ids.0123456789ab.part", ".out.ids.0123456789ab.part.keep",
      ".out.ids.bak.0123456789ab.part", "out.ids", "x.txt" }, folder:list())
  end)

  it("leaves a whole output or none, whenever it is killed", function()
    folder:shell("seq 1000000 1999999 > x.txt")
    for i = 1, 10 do
      folder:shell("%s tweets x.txt -o out.ids -q & run=$!; sleep 0.%02d; kill -9 $run",
        COMMAND, 4 * i)
      local ids = folder:read("out.ids")
      if ids then
        assert.equal(8000000, #ids)
        os.remove(folder:at("out.ids"))
      end
    end
    folder:shell("%s tweets x.txt -o out.ids", COMMAND)
    assert.same({ "out.ids", "x.txt" }, folder:list())
    assert.equal("", folder:shell("cmp x.txt out.ids"))
  end)
end)
