-- What the documents show is true: their commands and Lua run, and print what is shown; links lead
-- somewhere.

local benches = require "spec.support.bench"
local documents = require "spec.support.documents"
local shell = require("spec.support.simulator").shell

local RUN = {
  "README.md", "docs/tutorial.md", "docs/sync.md", "docs/token.md", "docs/faq.md",
  "docs/extract.md", "docs/redaction.md", "docs/doctor.md", "docs/report.md",
  "docs/guide-researchers.md", "docs/guide-operators.md", "docs/guide-openresty.md",
  "docs/databases.md",
}

describe("the document", function()
  local runs = {}

  setup(function()
    for i, path in ipairs(RUN) do runs[i] = documents.start(path) end
  end)

  teardown(function()
    for _, run in ipairs(runs) do run:stop() end
  end)

  for i, path in ipairs(RUN) do
    it("shows what happens: " .. path, function()
      local printed, output, status = runs[i]:wait()
      assert.equal(0, status, output)
      assert.is_string(printed["end"], output)
      local count = 0
      for number, block in ipairs(runs[i].blocks) do
        if printed[number] then count = count + 1 end
        local missing = block.shown and printed[number]
          and documents.missing(runs[i]:here(block.shown), printed[number])
        assert.is_nil(missing, ("line %d: not printed: %s\n%s"):format(block.line, missing or "",
          printed[number] or ""))
      end
      assert.is_true(count > 0, "nothing was run")
      assert.is_nil(output:find("traceback", 1, true), output)
    end)
  end
end)

describe("what is not run", function()
  it("is make and apt alone, and make has these targets", function()
    local count = 0
    for _, path in ipairs(RUN) do
      for _, block in ipairs(documents.blocks(path)) do
        local commands = block.mark == "by-hand" and block.text:gsub("%s*#[^\n]*", "") or ""
        for command in commands:gsub("&&", "\n"):gmatch("%s*([^\n]+)") do
          assert.is_truthy(command:find("^make") or command:find("^apt install "), command)
          local target = command:match("^make ([%l-]+)")
          local rule = "\n" .. (target or "all") .. ":"
          assert.is_truthy(benches.read("Makefile"):find(rule, 1, true), command)
          count = count + 1
        end
      end
    end
    assert.is_true(count > 3)
  end)
end)

-- {====================================================================
-- Links
-- =====================================================================

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

--- What GitHub calls a heading in an address.
local function anchor_of(heading)
  return (heading:gsub("`", ""):lower():gsub("[^%w%s_-]", ""):gsub("%s", "-"))
end

local function has_anchor(path, anchor)
  for heading in ("\n" .. benches.read(path)):gmatch("\n#+ ([^\n]*)") do
    if anchor_of(heading) == anchor then return true end
  end
  return false
end

--- Follows a link of a document.
-- @treturn boolean whether it leads to something
local function leads_somewhere(from, target)
  if target:find("^%a+://") or target:find("^mailto:") then return true end
  local path, anchor = target:match("^([^#]*)#?(.*)$")
  path = path == "" and from or (from:match("^(.*/)") or "") .. path
  if not exists(path) then return false end
  return anchor == "" or not path:find("%.md$") or has_anchor(path, anchor)
end

describe("a link", function()
  it("of a document leads to a file and a heading that exist", function()
    local count = 0
    for path in shell("git ls-files '*.md'"):gmatch("[^\n]+") do
      for target in benches.read(path):gsub("\n```.-\n```", ""):gmatch("%]%(([^)%s]+)%)") do
        assert.is_true(leads_somewhere(path, target), path .. ": " .. target)
        count = count + 1
      end
    end
    assert.is_true(count > 50)
  end)

  it("leads from the index to each document", function()
    local index = benches.read("docs/README.md")
    for name in shell("git ls-files 'docs/*.md'"):gmatch("docs/([^\n]+%.md)") do
      assert.is_truthy(name == "README.md" or index:find("(" .. name .. ")", 1, true), name)
    end
  end)

  it("that is dead is found", function()
    assert.is_true(leads_somewhere("docs/sync.md", "../README.md#commands"))
    assert.is_true(leads_somewhere("docs/sync.md", "redaction.md#when-in-doubt-nothing"))
    assert.is_false(leads_somewhere("docs/sync.md", "README.m"))
    assert.is_false(leads_somewhere("docs/sync.md", "../README.md#no-such-heading"))
    assert.is_false(leads_somewhere("README.md", "#no-such-heading"))
  end)
end)

-- }====================================================================

describe("what a block shows", function()
  it("must be printed, line by line and in order", function()
    assert.is_nil(documents.missing("a … c\nd (1)\n", "x\na b c\ny\nd (1)\n"))
    assert.equal("a c", documents.missing("a c\n", "a b c\n"))
    assert.equal("a", documents.missing("b\na\n", "a\nb\n"))
  end)
end)
