-- No file of the user's is overwritten: every written file of every command and function is given
-- the name of every other one, in every way that a file can be named, and nothing may change by it.
-- luacheck: no max line length

local command = require "spec.support.command"
local dataset = require "xcompliance.dataset"
local scratches = require "spec.support.scratch"
local xcompliance = require "xcompliance"

local FLAT = '{"id":"201","text":"one","author_id":"21"}\n{"id":"202","text":"two","author_id":"22"}\n'
local ROW = '{"id":"202","action":"delete","created_at":"2013-06-04T16:25:04+00:00","redacted_at":"2021-01-01T00:00:00Z","reason":"suspended"}\n'
local USER_ROW = '{"id":"22","action":"delete","created_at":"2013-06-04T16:25:04.000Z","redacted_at":"2021-01-01T00:00:00Z","reason":"suspended"}\n'
local FILES = {
  ["my/flat.jsonl"] = FLAT, ["one.jsonl"] = FLAT, ["rows.jsonl"] = ROW, ["users.jsonl"] = USER_ROW,
  ["t.ids"] = "201\n202\n", ["u.ids"] = "202\n203\n", token = "secret\n", ["ca.pem"] = "no certificate\n",
  ["other/x"] = "x\n",
}
local NOWHERE = "http://127.0.0.1:1"
local URL = "https://storage.googleapis.com/b/o?X-Goog-Signature=x"

--- A name in the folder; other words are given as they are.
local function at(scratch, word)
  return (word:gsub("^@", scratch.path .. "/"))
end

--- Runs the command in this process.
-- @treturn boolean whether it was refused as misuse
-- @treturn string what it said
local function run(scratch, words)
  local status, _, said = command.run_in(scratch, words, { XCOMPLIANCE_BASE_URL = NOWHERE })
  return status == 64, said
end

--- A command line as a call: `line` with %name% where the slots go.
local function of_command(line)
  return function(scratch, paths)
    return run(scratch, (line:gsub("%%(%w+)%%", function(name) return "@" .. paths[name] end)))
  end
end

--- A function as a call: `run` is given absolute paths.
local function of_function(work)
  return function(scratch, paths)
    local own = {}
    for name, path in pairs(paths) do own[name] = at(scratch, "@" .. path) end
    local result, err = work(own)
    return result == nil and err.kind == "usage", result == nil and err.message or ""
  end
end

local function verdicts_of(paths)
  return assert(dataset.verdicts { tweets = { paths.tweets }, users = paths.users })
end

local function client_of(paths)
  return xcompliance.client {
    base_url = NOWHERE, bearer_token = not paths.token and "x" or nil, token_file = paths.token,
    ca_file = paths.ca, retry = { attempts = 1 },
  }
end

local function with_client(method, ...)
  local options = { ... }
  return of_function(function(paths)
    local client = client_of(paths)
    local result, err = client[method](client, (table.unpack or unpack)(options[1](paths))) -- luacheck: ignore
    client:close()
    return result, err
  end)
end

-- What each takes: `reads` are there, `writes` are not. A call that is not disturbed is not misuse.
local CALLS = {
  { "extract of a file", of_command "extract tweets %data% -o %out%",
    reads = { data = "one.jsonl" }, writes = { out = "o.ids" } },
  { "extract of a folder", of_command "extract users @my -o %out% --on-malformed skip",
    reads = { data = "my/flat.jsonl" }, writes = { out = "o.ids" } },
  { "redact of a file", of_command("redact %data% --tweets %tweets% --users %users% -o %out%"
      .. " --quarantine %kept% --rehydrate %again% --policy suspended=quarantine"),
    reads = { data = "one.jsonl", tweets = "rows.jsonl", users = "users.jsonl" },
    writes = { out = "o.jsonl", kept = "q.jsonl", again = "r.ids" } },
  { "redact of a folder", of_command("redact @my --tweets %tweets% -o @o/ --quarantine %kept%"
      .. " --rehydrate %again% --policy suspended=quarantine"),
    reads = { data = "my/flat.jsonl", tweets = "rows.jsonl" },
    writes = { kept = "q.jsonl", again = "r.ids" } },
  { "redact in place", of_command("redact %data% --tweets %tweets% --in-place --quarantine %kept%"
      .. " --rehydrate %again% --policy suspended=quarantine"),
    reads = { data = "one.jsonl", tweets = "rows.jsonl" },
    writes = { kept = "q.jsonl", again = "r.ids" } },
  { "verdicts", of_command "verdicts --tweets %tweets% --users %users% -o %out%",
    reads = { tweets = "rows.jsonl", users = "users.jsonl" }, writes = { out = "o.verdicts" } },
  { "verdicts of a list", of_command "verdicts --tweets %tweets% --ids %ids% -o %out%",
    reads = { tweets = "rows.jsonl", ids = "t.ids" }, writes = { out = "o.csv" } },
  { "verdicts by outcome", of_command "verdicts --tweets %tweets% --outcome delete -o %out%",
    reads = { tweets = "rows.jsonl" }, writes = { out = "o.ids" } },
  { "check", of_command("check tweets %ids% -o %out% --token-file %token% --ca-file %ca%"
      .. " --deadline 3"),
    reads = { ids = "t.ids", token = "token", ca = "ca.pem" }, writes = { out = "o.jsonl" } },
  { "download", of_command("download " .. URL .. " -o %out% --token-file %token% --ca-file %ca%"
      .. " --deadline 3"),
    reads = { token = "token", ca = "ca.pem" }, writes = { out = "o.jsonl" } },
  { "dataset.extract", of_function(function(paths)
      return dataset.extract { type = "tweets", inputs = paths.data, output = paths.out }
    end), reads = { data = "one.jsonl" }, writes = { out = "o.ids" } },
  { "dataset.redact", of_function(function(paths)
      return dataset.redact { verdicts = verdicts_of(paths), inputs = { paths.data },
        output = paths.out, quarantine = paths.kept, rehydrate = paths.again }
    end), reads = { data = "one.jsonl", tweets = "rows.jsonl" },
    writes = { out = "o.jsonl", kept = "q.jsonl", again = "r.ids" } },
  { "dataset.redact in place", of_function(function(paths)
      return dataset.redact { verdicts = verdicts_of(paths), inputs = { paths.data },
        in_place = true, quarantine = paths.kept, rehydrate = paths.again }
    end), reads = { data = "one.jsonl", tweets = "rows.jsonl" },
    writes = { kept = "q.jsonl", again = "r.ids" } },
  { "dataset.difference", of_function(function(paths)
      return dataset.difference { from = paths.from, without = paths.without, output = paths.out }
    end), reads = { from = "t.ids", without = "u.ids" }, writes = { out = "o.ids" } },
  { "dataset.merge", of_function(function(paths)
      return dataset.merge { inputs = { paths.one, paths.two }, output = paths.out }
    end), reads = { one = "t.ids", two = "u.ids" }, writes = { out = "o.ids" } },
  { "dataset.list_verdicts", of_function(function(paths)
      return dataset.list_verdicts { verdicts = verdicts_of(paths), type = "tweets",
        ids = paths.ids, output = paths.out }
    end), reads = { tweets = "rows.jsonl", ids = "t.ids" }, writes = { out = "o.csv" } },
  { "verdicts:save", of_function(function(paths) return verdicts_of(paths):save(paths.out) end),
    reads = { tweets = "rows.jsonl", users = "users.jsonl" }, writes = { out = "o.verdicts" } },
  { "client:check", with_client("check", function(paths)
      return { { type = "tweets", ids = paths.ids, results = paths.out, deadline = 30 } }
    end), reads = { ids = "t.ids", token = "token", ca = "ca.pem" }, writes = { out = "o.jsonl" } },
  { "client:download_results", with_client("download_results", function(paths)
      return { URL, paths.out, { deadline = 30 } }
    end), reads = { token = "token", ca = "ca.pem" }, writes = { out = "o.jsonl" } },
}

--- Ways to name the file `path` once more.
local NAMINGS = {
  ["the same path"] = function(_, path) return path end,
  ["./"] = function(_, path) return "./" .. path end,
  ["//"] = function(_, path) return "my//..//" .. path end,
  [".."] = function(_, path) return "other/../" .. path end,
  [".. in a folder that is missing"] = function(_, path) return "other/new/../../" .. path end,
  ["a link to its folder"] = function(scratch, path)
    scratch:shell("ln -sfn .. other/up")
    return "other/up/" .. path
  end,
  ["a symbolic link"] = function(scratch, path)
    scratch:shell("ln -s '%s' alias", scratch:at(path))
    return "alias"
  end,
  ["a hard link"] = function(scratch, path)
    scratch:shell("ln '%s' alias", path)
    return "alias"
  end,
}
local LINKS = { ["a symbolic link"] = true, ["a hard link"] = true }

describe("row 107: a call that names a file twice", function()
  local scratch

  before_each(function()
    scratch = scratches.new()
    for name, content in pairs(FILES) do scratch:write(name, content) end
  end)
  after_each(function() scratch:remove() end)

  --- All files with their contents, and links; but those that a naming has made.
  local function all()
    local found = {}
    for name in scratch:shell("find . ! -type d ! -name alias ! -name up | LC_ALL=C sort"):gmatch("%./([^\n]+)") do
      found[name] = scratch:read(name)
    end
    return found
  end

  local function paths_of(call)
    local paths = {}
    for _, slots in ipairs { call.reads, call.writes } do
      for name, path in pairs(slots) do paths[name] = path end
    end
    return paths
  end

  --- Gives the written file the name of another.
  local function is_refused(call, written, victim, naming)
    local paths, before = paths_of(call), all()
    local path = paths[victim]
    paths[written] = NAMINGS[naming](scratch, path)
    local what = ("%s: %s is %s, by %s"):format(call[1], written, victim, naming)
    local refused, said = call[2](scratch, paths)
    assert.is_true(refused, what .. ": " .. said)
    local other = path:match("^my/") and said:find("is in", 1, true) and "my," or path
    assert.is_truthy(said:find(other, 1, true), what .. ": " .. said)
    assert.is_truthy(said:find(paths[written], 1, true), what .. ": " .. said)
    assert.same(before, all(), what)
    scratch:shell("rm -f alias other/up")
  end

  for _, call in ipairs(CALLS) do
    it(call[1] .. " is refused, and every file is what it was", function()
      for written in pairs(call.writes) do
        for naming in pairs(NAMINGS) do
          for victim in pairs(call.reads) do is_refused(call, written, victim, naming) end
          for victim, path in pairs(call.writes) do
            if victim ~= written and not LINKS[naming] then
              is_refused(call, written, victim, naming)
            end
            if victim ~= written then
              scratch:write(path, "from an earlier run\n")
              is_refused(call, written, victim, naming)
              os.remove(scratch:at(path))
            end
          end
        end
      end
    end)

    it(call[1] .. " is no misuse otherwise", function()
      local refused, said = call[2](scratch, paths_of(call))
      assert.is_false(refused, said)
      for name, path in pairs(call.reads) do
        if not (name == "data" and call[1]:find("in place", 1, true)) then
          assert.equal(FILES[path], scratch:read(path))
        end
      end
    end)
  end

  local function refuses(words, ...)
    local before = all()
    local refused, said = run(scratch, words)
    assert.is_true(refused, words .. ": " .. said)
    for _, name in ipairs { ... } do assert.matches(name, said, 1, true) end
    assert.same(before, all(), words)
  end

  it("refuses outputs that a walk would find the next time", function()
    scratch:write("my/.hidden/y", "")
    for _, output in ipairs { "@my/ids.txt", "@my/sub/ids.txt", "@my/../my/new.jsonl.gz", "@my/A.CSV" } do
      refuses("extract tweets @my -o " .. output, "is in dataset", scratch:at("my"))
      refuses("redact @my --tweets @rows.jsonl -o @o --rehydrate " .. output, "--rehydrate")
      refuses("redact @my --tweets @rows.jsonl -o @o --quarantine " .. output, "--quarantine")
      refuses("redact @my --tweets @rows.jsonl --in-place --quarantine " .. output, "--quarantine")
    end
    for _, output in ipairs { "@my", "@my/", "@my/new", "@my/new/deep/", "@other/../my/new" } do
      refuses("redact @my --tweets @rows.jsonl -o " .. output, "is in dataset")
      refuses("sync @my -o " .. output, "is in dataset")
    end
    for _, more in ipairs { "--in-place", "-o @clean" } do
      refuses("sync @my --quarantine @my/kept " .. more, "--quarantine", "is in dataset")
      refuses("sync @my --state @my/state " .. more, "--state", "is in dataset")
      refuses("sync @my --state @s --quarantine @s " .. more, "is in")
      refuses("sync @my --state @s/q --quarantine @s " .. more, "is in")
    end
    refuses("sync @my -o @clean --state @clean", "--output", "is in --state")
    refuses("sync @my -o @kept/clean --quarantine @kept", "--output", "is in --quarantine")
    refuses("sync @my @my/flat.jsonl -o @clean", "given twice")
    refuses("sync @my/flat.jsonl @token --in-place --token-file @token", "--token-file")
    for _, output in ipairs { "@my/ids", "@my/.ids.txt", "@my/.hidden/ids.txt", "@mine.txt" } do
      local refused, said = run(scratch, "extract tweets @my -o " .. output)
      assert.is_false(refused, said)
      assert.equal("201\n202\n", scratch:read(output:sub(2)))
    end
  end)

  it("takes only numbers of four digits and more for parts of a numbered output", function()
    for _, name in ipairs { "o.123", "o.000x", "o0001" } do
      scratch:write(name, "1\n")
      local refused, said = run(scratch, ("extract tweets @%s -o @o --ids-per-file 1"):format(name))
      assert.is_false(refused, said)
      assert.equal("1\n", scratch:read("o.0001"))
    end
  end)

  it("refuses what the names of outputs lead to", function()
    scratch:write("o.0001", "1\n")
    scratch:write("o.12345", "1\n")
    scratch:write("o.malformed", "1\n")
    scratch:write(".r.ids", "1\n")
    scratch:write(".r.journal", "1\n")
    refuses("extract tweets @o.0001 -o @o --ids-per-file 1", "o.0001", "would be a part of --output")
    refuses("extract tweets @o.12345 -o @o --ids-per-file 1", "o.12345")
    refuses("extract tweets @o.malformed -o @o --on-malformed skip", "o.malformed")
    refuses("check tweets @.r.ids -o @r", "ids", "--state")
    refuses("check tweets @.r.journal -o @r", "ids", "--state")
    refuses("check tweets @.r.journal -o @r --state " .. scratch.path .. "/other/..", "--state")
    scratch:write(".q.jsonl.renames", "1\n")
    refuses("redact @one.jsonl --tweets @rows.jsonl --in-place --quarantine @q.jsonl --rehydrate @.q.jsonl.renames",
      "--quarantine", "--rehydrate")
    scratch:write("out/flat.jsonl", ROW)
    refuses("redact @my --tweets @out/flat.jsonl -o @out", "--tweets")
    refuses("redact @my --tweets @rows.jsonl --quarantine @out -o @out", "--quarantine")
    scratch:write("a/x.jsonl", FLAT)
    scratch:write("b/x.jsonl", FLAT)
    refuses("redact @a/x.jsonl @b/x.jsonl --tweets @rows.jsonl -o @o/", "a/x.jsonl", "b/x.jsonl", "two inputs")
    refuses("redact @my --tweets @rows.jsonl -o @o/ --quarantine @New --rehydrate @nEW", "upper and lower case")
    scratch:shell("ln -s ../one.jsonl my/link.jsonl && ln rows.jsonl my/rows.txt")
    refuses("extract tweets @my -o @one.jsonl", "one.jsonl", "my/link.jsonl")
    refuses("redact @my --tweets @rows.jsonl --in-place", "my/rows.txt", "rows.jsonl")
    refuses("redact @my @one.jsonl --tweets @users.jsonl --in-place", "given twice")
    refuses("redact @my --tweets @rows.jsonl -o @rows.jsonl/", "rows.jsonl")
  end)

  it("knows standard input and output by the files that they are", function()
    local xc = scratch.shell({ path = "." }, "pwd"):gsub("%s+$", "") .. "/bin/xcompliance"
    local function sh(line)
      local text = scratch:shell("%s", ((line:gsub("XC", xc)) .. "; echo $?"))
      return tonumber(text:match("(%d+)\n$")), text
    end
    for _, line in ipairs {
      "XC redact - --tweets rows.jsonl -o one.jsonl <one.jsonl",
      "XC redact one.jsonl --tweets rows.jsonl -o - >>one.jsonl",
      "XC redact - --tweets rows.jsonl <one.jsonl >>one.jsonl",
      "XC redact one.jsonl --tweets rows.jsonl -o - --quarantine -",
      "XC redact one.jsonl --tweets rows.jsonl -o - --rehydrate -",
      "XC verdicts --tweets rows.jsonl --outcome delete -o - >>rows.jsonl",
      "XC extract tweets - -o one.jsonl <one.jsonl",
      "XC verdicts --tweets rows.jsonl -o $PWD/rows.jsonl",
      "XC verdicts --tweets $PWD/rows.jsonl -o rows.jsonl",
      "cd my && XC extract tweets . -o ids.txt",
      "cd my && XC extract tweets .. -o ids.txt",
      "cd my && XC redact . --tweets ../rows.jsonl -o ../my",
    } do
      local before = all()
      local status, text = sh(line)
      assert.equal(64, status, line .. ": " .. text)
      assert.same(before, all(), line)
    end
    assert.equal(0, (sh "XC redact - --tweets rows.jsonl <one.jsonl >copy.jsonl"))
  end)

  -- an option that nobody has thought about must not be one that names a file
  it("knows every option that can name a file", function()
    local files, values = {}, {}
    for word in ("FILE DIR IDS RESULTS REPORT OUT dataset ids results reports"):gmatch("%S+") do files[word] = true end
    for word in ([[N NAME BYTES SECONDS MIN:MAX PRICE REASON=TREATMENT SIZE ROLE=NAME DAYS type url id]]):gmatch("%S+") do values[word] = true end
    for _, name in ipairs { "sync", "check", "create", "list", "get", "cancel", "upload", "download",
      "extract", "redact", "verdicts", "merge_reports", "simulate" } do
      local definition = require("xcompliance.cli." .. name)
      local options, words, used = {}, {}, {}
      local recorder = setmetatable({
        option = function(self, names)
          options[#options + 1] = (names:match("%-%-([%w-]+)") or names):gsub("-", "_")
          return self
        end,
        argument = function(self, word)
          options[#options + 1], words[word] = word, word
          return self
        end,
        argname = function(self, word)
          words[options[#options]] = word
          return self
        end,
      }, { __index = function() return function(self) return self end end })
      definition.define(recorder)
      if definition.files then
        definition.files(setmetatable({}, { __index = function(_, option)
          used[option] = true
          if option == "tweets" or option == "users" then return { { option } } end
          return option
        end }))
      end
      for _, option in ipairs(options) do
        local word = words[option] -- nil: it has choices
        local is_value = not word or values[word] or name == "simulate" and word ~= "FILE"
        assert.is_true(is_value or files[word] and used[option] or false,
          ("%s: %s %s"):format(name, option, tostring(word)))
      end
    end
  end)
end)
