--- Settings that are not on the command line: of the environment, and of a file
-- (docs/configuration.md).
--
-- A setting has the name of its flag. What is found is put on the command line, unless the user has
-- given that flag, so that a value is checked in one place, whichever way it came.
-- @internal xcompliance.cli.settings

local core = require "xcompliance.core"
local errors = require "xcompliance.errors"

local M = {}

-- what a command does, and to what, is said each time
local NOT_SETTINGS = {
  config = true, ["dry-run"] = true, explain = true, help = true, ids = true, ["in-place"] = true,
  output = true, tweets = true, users = true, version = true,
}

-- variables that other programs know as well: any of them outranks the file
local VARIABLES = {
  proxy = { "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy" }, -- libcurl reads them
  ["bearer-token"] = { "BEARER_TOKEN" },
}

M.TOKEN = "bearer-token" -- the setting without a flag

local SECRET_MODE = 63 -- 077: bits that let others read, write or enter

local function variable_of(name) return "XCOMPLIANCE_" .. name:upper():gsub("-", "_") end

--- The options of all commands that can be settings, by the names of their long flags.
-- @tparam table parser of argparse
-- @treturn table
function M.known(parser)
  local known = { [M.TOKEN] = {} }
  for _, command in ipairs(parser._commands) do
    for _, option in ipairs(command._name ~= "simulate" and command._options or {}) do
      for _, alias in ipairs(option._aliases) do
        local name = alias:match("^%-%-(.*)")
        if name and not NOT_SETTINGS[name] then known[name] = option end
      end
    end
  end
  return known
end

-- {====================================================================
-- The file
-- =====================================================================

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

--- Where the file is. Never in the current folder: others may write there, and have the token sent
-- elsewhere.
-- @tparam ?string given what the user has named
-- @tparam function getenv
-- @treturn ?string a path; nil if there is no file
function M.path(given, getenv)
  local named = getenv "XCOMPLIANCE_CONFIG"
  if named == "" then named = nil end
  if given or named then return given or named end
  local home = getenv "HOME"
  local folder = getenv "XDG_CONFIG_HOME" or (home and home .. "/.config")
  for _, path in ipairs { folder and folder .. "/xcompliance.conf" or "/etc/xcompliance.conf",
    "/etc/xcompliance.conf" } do
    if exists(path) then return path end
  end
end

--- Raises what is wrong with the file.
local function wrong(path, format, ...)
  error(errors.new("config", path .. ": " .. format:format(...), { file = path }), 0)
end

local function check_entry(path, known, name, value)
  if type(name) == "number" then wrong(path, "'%s' is not a line NAME = VALUE", value) end
  if type(value) == "table" then
    wrong(path, "there are no sections, but one is named [%s] - remove that line", name)
  end
  if not known[name] then
    wrong(path, "there is no setting '%s' - xcompliance config lists them", name)
  end
  if name == M.TOKEN and (core.file_mode(path) or 0) % (SECRET_MODE + 1) ~= 0 then
    wrong(path, "it holds the token, and others may read it - chmod 600 it")
  end
end

local function read_file(path, known)
  local file, why = io.open(path)
  if file then
    why = select(2, file:read(0)) -- a folder can be opened, but not read
    if why then file:close() end
  end
  if why then wrong(path, "cannot be read: %s - check the path", why) end
  local has_penlight, config = pcall(require, "pl.config")
  if not has_penlight then
    wrong(path, "reading it needs Penlight - install Debian's lua-penlight, or the rock penlight")
  end
  local values
  values, why = config.read(file, {
    variabilize = false, convert_numbers = false, list_delim = false, trim_quotes = false,
  })
  file:close()
  if not values then wrong(path, "cannot be read: %s", why) end
  for name, value in pairs(values) do check_entry(path, known, name, value) end
  return values
end

-- }====================================================================

--- All settings that have a value.
-- @tparam table parser of argparse
-- @tparam ?string path of the file; nil if there is none
-- @tparam function getenv
-- @treturn table `{ value, source }` by name; `source` is a variable or the path
-- @raise an error of the kind "config"
function M.read(parser, path, getenv)
  local known, found = M.known(parser), {}
  for name, value in pairs(path and read_file(path, known) or {}) do
    found[name] = { value = value, source = path }
  end
  for name in pairs(known) do
    local variables = { variable_of(name) }
    for _, variable in ipairs(VARIABLES[name] or {}) do variables[#variables + 1] = variable end
    for _, variable in ipairs(variables) do
      local value = getenv(variable)
      if value and value ~= "" then
        found[name] = { value = value, source = variable, is_elsewhere = variable ~= variables[1] }
      end
    end
  end
  local token = getenv "BEARER_TOKEN"
  if token and token ~= "" then found["token-file"] = nil end
  return found
end

-- {====================================================================
-- The command line
-- =====================================================================

local function is_given(argv, option)
  for _, word in ipairs(argv) do
    if word == "--" then return false end
    for _, alias in ipairs(option._aliases) do
      if word == alias or word:sub(1, #alias + 1) == alias .. "=" then return true end
    end
  end
  return false
end

local function words_of(option, name, setting)
  if option._maxargs ~= 0 then return "--" .. name .. "=" .. setting.value end
  if setting.value == "yes" then return "--" .. name end
  if setting.value == "no" then return nil end
  error(errors.new("config", ("%s: %s must be yes or no, not '%s'"):format(setting.source, name,
    setting.value)), 0)
end

--- The command that takes settings; nil if the command line only asks for help.
-- @tparam table parser
-- @tparam table argv
-- @treturn ?table of argparse
function M.command_of(parser, argv)
  for _, command in ipairs(parser._commands) do
    local is_help = is_given(argv, { _aliases = { "-h", "--help" } })
    if command._name == argv[1] and not is_help then return command end
  end
end

--- The command line with the settings of its command, before what the user has given.
-- @tparam table command what `command_of` returns
-- @tparam table argv
-- @tparam table found what `read` returns
-- @treturn table
function M.apply(command, argv, found)
  local all = { argv[1] }
  for _, option in ipairs(command._options) do
    for _, alias in ipairs(option._aliases) do
      local name = alias:match("^%-%-(.*)")
      local setting = name and found[name]
      local is_free = setting and not setting.is_elsewhere
        and (option._maxcount > 1 or not is_given(argv, option))
      if is_free then all[#all + 1] = words_of(option, name, setting) end
    end
  end
  for i = 2, #argv do all[#all + 1] = argv[i] end
  return all
end

--- The file that --config names.
-- @tparam table argv
-- @treturn ?string
function M.given_path(argv)
  for i, word in ipairs(argv) do
    if word == "--" then return nil end
    if word == "--config" then return argv[i + 1] end
    local value = word:match("^%-%-config=(.*)")
    if value then return value end
  end
end

-- }====================================================================

return M
