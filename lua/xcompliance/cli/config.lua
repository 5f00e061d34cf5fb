--- xcompliance config
-- @internal xcompliance.cli.config

local settings = require "xcompliance.cli.settings"
local text = require "xcompliance.text"

local M = { name = "config", summary = "Show each setting, and where it comes from" }

function M.define(command)
  command:epilog("A flag outranks the environment, and that outranks the file"
    .. " (docs/configuration.md). Settings have the names of flags: that of --base-url is base-url"
    .. " in the file, and XCOMPLIANCE_BASE_URL in the environment.\n\n"
    .. "Example:\n   xcompliance config")
end

--- A value as it may be shown.
local function shown(name, value)
  if name == settings.TOKEN then return "(secret)" end
  return text.plain(value):gsub("//[^/@]*@", "//(secret)@")
end

function M.run(_, context)
  local found, lines, others, values = context.settings, {}, {}, {}
  local names = {}
  for name in pairs(context.known_settings) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local setting = found[name]
    if setting then
      local value = shown(name, setting.value)
      lines[#lines + 1] = ("%-20s %s  (%s)"):format(name, value, setting.source)
      values[name] = { value = value, source = setting.source }
    else
      others[#others + 1] = name
    end
  end
  lines[#lines + 1] = "file: " .. (context.settings_path or "none")
  lines[#lines + 1] = "as they are by default: " .. table.concat(others, ", ")
  context.print({ settings = values, file = context.settings_path }, table.concat(lines, "\n"))
  return 0
end

return M
