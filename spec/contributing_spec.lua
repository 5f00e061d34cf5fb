-- The files that docs/architecture.md and CONTRIBUTING.md name exist; the lists of files to change
-- are complete; the drawings are enforced.

local Scratch = require "spec.support.scratch"
local benches = require "spec.support.bench"
local shell = require("spec.support.simulator").shell

local ADDITIONS, FILES_AT_MOST = 8, 6

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

--- The sections "### a thing: `example`" of CONTRIBUTING.md: arrays of files, with the example.
local function recipes()
  local found = {}
  local text = benches.read("CONTRIBUTING.md"):match("\n## How to add.*"):gsub("\n### ", "\0")
  for section in text:gmatch("%z([^%z]+)") do
    local title, example, body = section:match("^(.-): `(.-)`\n(.*)")
    local recipe = { title = title, example = example }
    for path in body:gmatch("\n%- `([^`]+)`") do recipe[#recipe + 1] = path end
    found[#found + 1] = recipe
  end
  return found
end

local function has(text, word) return text:lower():find(word:lower(), 1, true) ~= nil end

describe("the documents for contributors", function()
  for _, path in ipairs { "docs/architecture.md", "CONTRIBUTING.md" } do
    it("name files that exist: " .. path, function()
      local count = 0
      for name in benches.read(path):gmatch("`([%w_./-]+)`") do
        if not name:find("%u%u") and (name:find("^[%w_.]+/") or name:find("^%w+%.md$")) then
          local is_root = exists(name) or exists("lua/xcompliance/" .. name)
          assert.is_true(is_root or name:find("^build/") ~= nil, name)
          count = count + 1
        end
      end
      assert.is_true(count > 15)
    end)
  end

  it("have a list of at most six files for each kind of addition", function()
    assert.equal(ADDITIONS, #recipes())
    for _, recipe in ipairs(recipes()) do
      assert.is_true(#recipe >= 3 and #recipe <= FILES_AT_MOST, recipe.title)
    end
  end)

  it("list each file that an example has touched", function()
    for _, recipe in ipairs(recipes()) do
      local listed, word = {}, recipe.example:match("([%w_,]+)$")
      for _, path in ipairs(recipe) do
        listed[path] = true
        assert.is_true(has(benches.read(path), word) or path:find(word, 1, true) ~= nil,
          ("%s does not mention %s"):format(path, word))
      end
      local code = shell("grep -rlwiF -- '" .. recipe.example
        .. "' src lua Makefile rockspec/write || true")
      for path in code:gmatch("[^\n]+") do
        assert.is_true(listed[path], ("CONTRIBUTING.md, %s: %s is missing"):format(recipe.title,
          path))
      end
    end
  end)
end)

describe("a file", function()
  it("closes each fold that it opens", function()
    local count = 0
    local paths = shell("find lua spec src Makefile -name '*.lua' -o -name '*.[ch]'")
    for path in paths:gmatch("[^\n]+") do
      local open = false
      for mark in benches.read(path):gmatch("([{}])" .. ("="):rep(10)) do
        assert.is_true(open == (mark == "}"), path)
        open, count = mark == "{", count + 1
      end
      assert.is_false(open, path)
    end
    assert.is_true(count > 100)
  end)
end)

describe("spec/layers", function()
  local scratch

  setup(function()
    scratch = Scratch.new()
    scratch:shell("git init -q . && mkdir -p spec docs lua/xcompliance src/http src/lua")
    for _, path in ipairs { "spec/layers", "docs/architecture.md" } do
      scratch:write(path, benches.read(path))
    end
  end)
  teardown(function() scratch:remove() end)

  local function complaints(path, text)
    scratch:write(path, text)
    local said = scratch:shell("git add -A && lua5.4 spec/layers")
    os.remove(scratch:at(path))
    local found = {}
    for line in said:gmatch("[^\n]+") do
      if not line:find("there is no", 1, true) then found[#found + 1] = line end
    end
    return table.concat(found, "\n")
  end

  it("accepts what uses those below it", function()
    assert.equal("", complaints("lua/xcompliance/init.lua", 'require "xcompliance.client"\n'))
    assert.equal("", complaints("src/http/a.c", '#include "task.h"\n#include <curl/curl.h>\n'))
  end)

  it("rejects what uses those above it, in Lua and in C", function()
    assert.matches("retry may not use client",
      complaints("lua/xcompliance/retry.lua", 'local c = require("xcompliance.client")\n'))
    assert.matches("src may not use src/http", complaints("src/task.c", '#include "http/url.h"\n'))
  end)

  it("rejects what is not in the drawing", function()
    assert.matches("newcomer is not in the drawing",
      complaints("lua/xcompliance/newcomer.lua", "\n"))
  end)

  it("rejects what is forbidden besides", function()
    for path, text in pairs {
      ["lua/xcompliance/a.lua"] = "os.execute('ls')\n",
      ["lua/xcompliance/b.lua"] = "local f = load(text)\n",
      ["lua/xcompliance/c.lua"] = 'require "xcompliance.loop.luv"\n',
      ["lua/xcompliance/d.lua"] = 'require "xcompliance.simulator"\n',
      ["lua/xcompliance/simulator/e.lua"] = 'require "xcompliance.core"\n',
      ["src/f.c"] = "#include <curl/curl.h>\n",
      ["src/g.c"] = "#include <lua.h>\n",
      ["src/h.c"] = "int x = system(\"ls\");\n",
      ["src/http/i.c"] = "CURLOPT_SSL_VERIFYPEER\n",
    } do
      assert.matches("^  %^ ", complaints(path, text):match("\n(  %^ .*)") or "", path)
    end
  end)
end)
