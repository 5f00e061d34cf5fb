--- How a dataset is read: the options that extract, redact and sync have in common.
-- @internal xcompliance.cli.reading

local M = {}

local ROLES = {
  "id", "author", "retweeted", "retweeted_author", "quoted", "quoted_author", "quoted_text",
  "place",
}
local IS_ROLE = {}
for _, role in ipairs(ROLES) do IS_ROLE[role] = true end

--- "author=By" as `{ "author", "By" }`.
local function column(value)
  local role, name = value:match("^([%w_]+)=(.+)$")
  if role and IS_ROLE[role] then return { role, name } end
  return nil, "--column is ROLE=NAME; ROLE is " .. table.concat(ROLES, ", ")
end

--- The same; a name alone is that of the ids that are asked for.
local function column_or_name(value) return column(value) or { false, value } end

--- Adds the options to a command.
-- @tparam table command of argparse
-- @tparam table treatments of records that are not understood
-- @tparam[opt] boolean alone whether a --column may have no role
function M.define(command, treatments, alone)
  command:option("--on-unrecognised", "What to do about records in which no tweet and no user is"
    .. " found (default: stop)."):choices(treatments)
  command:option("--on-ignored", "What to do about files in folders that are not read (default:"
    .. " skip)."):choices { "stop", "skip" }
  command:option("--shape", "Where tweets and users are in records of another kind"
    .. " (docs/shapes.md).")
    :argname("FILE")
  command:option("--column", "The name of a column of tables (#1 is the first, if there is no"
    .. " header). ROLE is " .. table.concat(ROLES, ", ") .. (alone and "; without one it is the"
    .. " column with the ids" or "") .. ". May be given several times.")
    :argname("ROLE=NAME"):args("+"):count("*")
    :convert(alone and column_or_name or column)
  command:option("--lists", "Whether lists of ids list tweets or users.")
    :choices { "tweets", "users" }
  command:flag("--allow-rounded", "Accept ids of lists and tables that a spreadsheet seems to have"
    .. " rounded.")
end

--- The names of columns by roles. `alone`: the role of a name without one.
local function columns_of(arguments, alone)
  local columns = {}
  for _, group in ipairs(arguments.column or {}) do
    for _, pair in ipairs(group) do
      local role = pair[1] or alone
      columns[role] = columns[role] or {}
      table.insert(columns[role], pair[2])
    end
  end
  return next(columns) and columns or nil
end

--- Adds their values to the options of a call.
-- @tparam table arguments
-- @tparam table options
-- @tparam[opt] string alone the role of a --column without one
-- @treturn table the options
function M.add(arguments, options, alone)
  options.on_unrecognised = arguments.on_unrecognised
  options.on_ignored = arguments.on_ignored
  options.shape = arguments.shape
  options.lists = arguments.lists
  options.allow_rounded = arguments.allow_rounded
  options.columns = columns_of(arguments, alone)
  return options
end

return M
