--- JSON as this module writes and reads it: members in order, whole numbers whole, null absent.
-- @internal xcompliance.json

local cjson_safe = require "cjson.safe"

local M = {}

local DEPTH_MAX = 100 -- of what is read

local null = cjson_safe.null

local to_integer = rawget(math, "tointeger") -- LuaJIT has no integers

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escape(c) return ESCAPES[c] or ("\\u%04x"):format(c:byte()) end

local function quote(text) return '"' .. text:gsub('[%c"\\]', escape) .. '"' end

local function number(value)
  if value ~= value or value == math.huge or value == -math.huge then return "null" end
  if value == math.floor(value) and math.abs(value) < 2 ^ 63 then return ("%.0f"):format(value) end
  return (("%.14g"):format(value):gsub("[^%w+-]", ".")) -- whatever the locale's decimal point is
end

-- members that are arrays, even if nothing is in them
local ARRAYS = {
  by_file = true, causes = true, checks = true, files = true, ignored_files = true, inputs = true,
  jobs = true, members = true, outputs = true, places = true, removals_by_month = true,
}

local encode

local function array(list)
  local parts = {}
  for i, value in ipairs(list) do parts[i] = encode(value) end
  return "[" .. table.concat(parts, ",") .. "]"
end

local function object(map)
  local names, parts = {}, {}
  for name in pairs(map) do names[#names + 1] = tostring(name) end
  table.sort(names)
  for i, name in ipairs(names) do
    local value = map[name]
    local is_empty = ARRAYS[name] and type(value) == "table" and next(value) == nil
    parts[i] = quote(name) .. ":" .. (is_empty and "[]" or encode(value))
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

local writers = {
  string = quote,
  number = number,
  boolean = tostring,
  ["nil"] = function() return "null" end,
  table = function(value) return value[1] ~= nil and array(value) or object(value) end,
}

function encode(value)
  local write = writers[type(value)]
  if not write then error("JSON has no " .. type(value), 0) end
  return write(value)
end

--- One line of JSON, the same for the same value. An empty table is an object, unless it is a
-- member that is always an array.
M.encode = encode

local function tidy(value)
  if type(value) ~= "table" then return value end
  for name, member in pairs(value) do
    if member == null then value[name] = nil
    elseif type(member) == "table" then tidy(member)
    elseif type(member) == "number" and to_integer then
      value[name] = to_integer(member) or member
    end
  end
  return value
end

local cjson, locale

-- It looks at the locale's decimal point when it is made; the host may choose another later.
local function decoder()
  local locale_now = os.setlocale(nil, "numeric")
  if locale_now ~= locale then
    cjson, locale = cjson_safe.new(), locale_now
    cjson.decode_max_depth(DEPTH_MAX)
    cjson.decode_invalid_numbers(false)
  end
  return cjson
end

--- Reads JSON; a member that is null is absent.
-- @tparam string text
-- @return the value, or nil and what is wrong
function M.decode(text)
  local value, why = decoder().decode(text)
  if value == nil then return nil, why end
  if value == null then return nil, "it is null" end
  return tidy(value)
end

return M
