-- What describes the command to a shell and to man: made from the help, and used for real.

local cli = require "xcompliance.cli"
local scratches = require "spec.support.scratch"
local shell = require("spec.support.simulator").shell

local is_sanitized = os.getenv("LD_PRELOAD") ~= nil -- other programs have no sanitizer's runtime

if is_sanitized then return end

local function has(program)
  if shell("command -v " .. program .. " || true") ~= "" then return true end
  print(("skipped: a check by %s: it is not installed"):format(program))
  return false
end

describe("the description of the command", function()
  local scratch

  setup(function()
    scratch = scratches.new()
    assert(shell(("lua5.4 packaging/describe %s"):format(scratch.path)))
  end)
  teardown(function() scratch:remove() end)

  it("has a manual page for the command and for each subcommand, with all of its flags", function()
    local main = scratch:read("man1/xcompliance.1")
    assert.matches("\\fB\\-\\-version\\fR", main, 1, true)
    for _, command in ipairs(cli.parser()._commands) do
      local page = scratch:read(("man1/xcompliance-%s.1"):format(command._name))
      assert.matches("xcompliance\\-" .. command._name, main, 1, true)
      for _, option in ipairs(command._options) do
        for _, alias in ipairs(option._aliases) do
          assert.matches("\\fB" .. alias:gsub("%-", "\\-") .. "\\fR", page, 1, true)
        end
      end
      assert.matches(".SH EXAMPLE", page, 1, true)
    end
  end)

  if has "mandoc" then
    it("is right to mandoc", function()
      assert.equal("", shell(("mandoc -T lint -W warning %s/man1/*.1 2>&1"):format(scratch.path)))
    end)
  end

  if has "man" then
    it("is right to man", function()
      assert.equal("", shell(("for page in %s/man1/*.1; do LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80"
        .. " man --warnings -E UTF-8 -l -Tutf8 $page 2>&1 >/dev/null; done"):format(scratch.path)))
    end)
  end

  if has "shellcheck" then
    it("is a clean script", function()
      assert.equal("", shell(("shellcheck %s/bash/xcompliance"):format(scratch.path)))
    end)
  end

  --- What bash proposes after some words, the last of which is being typed.
  local function proposals(...)
    local words = {}
    for i, word in ipairs { ... } do words[i] = "'" .. word .. "'" end
    scratch:write("complete.sh", ([[
      source bash/xcompliance
      COMP_WORDS=(%s)
      COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
      _xcompliance
      printf '%%s\n' "${COMPREPLY[@]}" | LC_ALL=C sort | tr '\n' ' ']]):format(
      table.concat(words, " ")))
    return (scratch:shell("bash complete.sh"))
  end

  it("completes commands, flags, choices and files in bash", function()
    assert.equal("sync ", proposals("xcompliance", "sy"))
    assert.equal("--on-ignored --on-malformed --on-unknown --on-unrecognised ",
      proposals("xcompliance", "sync", "--on-"))
    assert.equal("json live none plain ", proposals("xcompliance", "sync", "--progress", ""))
    assert.equal("created complete ", (proposals("xcompliance", "list", "--status", "c")
      :gsub("^complete created ", "created complete ")))
    assert.equal("complete.sh ", proposals("xcompliance", "redact", "--shape", "compl"))
    assert.equal("tweets users ", proposals("xcompliance", "check", ""))
  end)

  for _, case in ipairs { { "zsh", "zsh/_xcompliance" }, { "fish", "fish/xcompliance.fish" } } do
    local program, file = case[1], case[2]
    if has(program) then
      it("parses in " .. program, function()
        assert.equal("", shell(("%s -n %s/%s 2>&1"):format(program, scratch.path, file)))
      end)
    end
  end

  if has "fish" then
    it("completes in fish", function()
      local said = shell(("cd %s && HOME=%s fish -c 'source fish/xcompliance.fish;"
        .. " complete -C \"xcompliance sy\"'"):format(scratch.path, scratch.path))
      assert.matches("^sync", said)
      said = shell(("cd %s && HOME=%s fish -c 'source fish/xcompliance.fish;"
        .. " complete -C \"xcompliance check twe\"'"):format(scratch.path, scratch.path))
      assert.equal("tweets", said)
    end)
  end
end)
