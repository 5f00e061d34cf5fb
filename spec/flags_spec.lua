-- The command's messages name its flags: one table has them all, and every option is in it.

local cli = require "xcompliance.cli"
local flags = require "xcompliance.cli.flags"

-- what is no option of the module: the command's own
local OWN = { help = true, version = true, json = true, quiet = true, config = true }

--- The long flags of all commands, by the names that argparse gives them.
local function flags_of_commands()
  local found = {}
  for _, command in ipairs(cli.parser()._commands) do
    for _, option in ipairs(command._options) do
      for _, alias in ipairs(option._aliases) do
        if alias:find("^%-%-") then found[alias] = true end
      end
    end
  end
  return found
end

describe("the flags", function()
  it("of every command are in the table", function()
    local count, known = 0, {}
    for _, flag in pairs(flags.OF) do known[flag] = true end
    for flag in pairs(flags_of_commands()) do
      local name = flag:sub(3):gsub("-", "_")
      if not OWN[name] then
        assert.is_true(known[flag], flag)
        count = count + 1
      end
    end
    assert.is_true(count > 60)
  end)

  it("in the table are flags of a command", function()
    local all = flags_of_commands()
    for option, flag in pairs(flags.OF) do
      if flag:find("^%-") then assert.is_true(all[flag], option) end
    end
  end)

  it("take the place of options in messages, and functions are not named", function()
    for message, said in pairs {
      ["dataset.redact: on_unknown must be 'stop'"] = "--on-unknown must be 'stop'",
      ["core.extract: jobs must be from 1 on"] = "--jobs must be from 1 on",
      ["check: type must be 'tweets' or 'users'"] = "type must be 'tweets' or 'users'",
      ["dataset.redact: records would be quarantined, but `quarantine` is not given"] =
        "records would be quarantined, but --quarantine is not given",
      ["sync: give `output`, `in_place` or `dry_run`"] = "give --output, --in-place or --dry-run",
      ["a: decide by on_malformed (or `strict`)"] = "a: decide by --on-malformed (or --strict)",
      ["opening /tmp/ca_file: No such file"] = "opening /tmp/ca_file: No such file",
      ["opening ca_file.pem: No such file"] = "opening ca_file.pem: No such file",
      ["use `ca_file`"] = "use --ca-file",
      ["there is no `nonsense`"] = "there is no `nonsense`",
      ["the job is in_progress"] = "the job is in_progress",
    } do
      assert.equal(said, flags.translate(message))
    end
  end)
end)
