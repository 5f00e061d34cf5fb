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
  return nil, "--column is ROLE=NAME, such as id=tweet_id; ROLE is " .. table.concat(ROLES, ", ")
end

--- Adds the options to a command.
-- @tparam table command of argparse
-- @tparam table treatments of records that are not understood
function M.define(command, treatments)
  command:option("--on-unrecognised", "What to do about records in which no tweet and no user is"
    .. " found (default: stop)."):choices(treatments)
  command:option("--on-ignored", "What to do about files in folders that are not read (default:"
    .. " skip)."):choices { "stop", "skip" }
  command:option("--shape", "Where tweets and users are in records of another kind"
    .. " (docs/shapes.md).")
    :argname("FILE")
  command:option("--column", "The name of a column of tables (#1 is the first, if there is no"
    .. " header). ROLE is " .. table.concat(ROLES, ", ") .. ". May be given several times.")
    :argname("ROLE=NAME"):count("*"):convert(column)
  command:option("--lists", "Whether lists of ids list tweets or users.")
    :choices { "tweets", "users" }
  command:flag("--allow-rounded", "Accept ids of lists and tables that a spreadsheet seems to have"
    .. " rounded.")
end

--- The names of columns by roles.
local function columns_of(arguments)
  local columns = {}
  for _, pair in ipairs(arguments.column or {}) do
    local role, name = pair[1], pair[2]
    columns[role] = columns[role] or {}
    table.insert(columns[role], name)
  end
  return next(columns) and columns or nil
end

--- Adds their values to the options of a call.
-- @tparam table arguments
-- @tparam table options
-- @treturn table the options
function M.add(arguments, options)
  options.on_unrecognised = arguments.on_unrecognised
  options.on_ignored = arguments.on_ignored
  options.shape = arguments.shape
  options.lists = arguments.lists
  options.allow_rounded = arguments.allow_rounded
  options.columns = columns_of(arguments)
  return options
end

return M
