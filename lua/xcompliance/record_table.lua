--- A record that cjson has decoded, as text and back: null stays null, and no number changes.
-- @internal xcompliance.record_table

local cjson_safe = require "cjson.safe"
local errors = require "xcompliance.errors"

local M = {}

local DEPTH_MAX = 100
local WHOLE_MAX = 2 ^ 53 -- a double holds every whole number up to it

local null, array_mt, empty_array = cjson_safe.null, cjson_safe.array_mt, cjson_safe.empty_array
local empty_array_mt = cjson_safe.empty_array_mt

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escape(c) return ESCAPES[c] or ("\\u%04x"):format(c:byte()) end

local function quote(text)
  if text:find('[%c"\\]') then text = text:gsub('[%c"\\]', escape) end
  return '"' .. text .. '"'
end

local function refuse(what)
  error(errors.new("data", "reading a record in a table: " .. what), 0)
end

local function number(value)
  if value > WHOLE_MAX or value < -WHOLE_MAX then
    refuse(("the number %.0f is above 2^53, so it may be rounded - have ids as strings, or give "
      .. "the record as text"):format(value))
  end
  if value ~= value then refuse "JSON has no NaN" end
  if value == math.floor(value) then return ("%.0f"):format(value) end
  return (("%.17g"):format(value):gsub("[^%w+-]", ".")) -- whatever the locale's decimal point is
end

local encode

-- a record's metatable never runs
local length = rawget(_G, "rawlen") or function(list) return #list end

local function is_array(value)
  local metatable = getmetatable(value)
  if rawget(value, 1) ~= nil then return true end
  return metatable ~= nil and (metatable == array_mt or metatable == empty_array_mt)
end

local function array(list, out, depth)
  local count = length(list)
  for key in next, list do
    if type(key) ~= "number" or key < 1 or key > count then
      refuse "an array also has members"
    end
  end
  out[#out + 1] = "["
  for i = 1, count do
    if i > 1 then out[#out + 1] = "," end
    encode(rawget(list, i), out, depth)
  end
  out[#out + 1] = "]"
end

local function object(map, out, depth)
  local first = true
  out[#out + 1] = "{"
  for name, value in next, map do
    if type(name) ~= "string" then refuse("the name of a member is a " .. type(name)) end
    out[#out + 1] = (first and "" or ",") .. quote(name) .. ":"
    first = false
    encode(value, out, depth)
  end
  out[#out + 1] = "}"
end

function encode(value, out, depth)
  local kind = type(value)
  if kind == "string" then
    out[#out + 1] = quote(value)
  elseif kind == "number" then
    out[#out + 1] = number(value)
  elseif kind == "boolean" then
    out[#out + 1] = tostring(value)
  elseif kind == "table" then
    if depth == DEPTH_MAX then refuse(("it is deeper than %d tables"):format(DEPTH_MAX)) end
    (is_array(value) and array or object)(value, out, depth + 1)
  elseif value == null or value == nil then
    out[#out + 1] = "null"
  elseif empty_array and value == empty_array then
    out[#out + 1] = "[]"
  else
    refuse("JSON has no " .. kind)
  end
end

--- The text of a record.
-- @tparam table record
-- @treturn ?string text, or nil, err: a number above 2^53, something that JSON does not have, or
-- more than a hundred tables in each other
function M.encode(record)
  local out = {}
  local good, err = pcall(encode, record, out, 0)
  if not good then return nil, errors.from(err) end
  return table.concat(out)
end

local cjson, locale

-- It looks at the locale's decimal point when it is made; the host may choose another later.
local function decoder()
  local locale_now = os.setlocale(nil, "numeric")
  if locale_now ~= locale then
    cjson, locale = cjson_safe.new(), locale_now
    cjson.decode_max_depth(DEPTH_MAX)
    -- so that an empty array does not become an object, if this cjson distinguishes them
    if cjson.decode_array_with_array_mt then cjson.decode_array_with_array_mt(true) end
  end
  return cjson
end

--- The record that a text holds, as cjson decodes it.
-- @tparam string text
-- @treturn ?table record, or nil, err
function M.decode(text)
  local record, why = decoder().decode(text)
  if record == nil then return nil, errors.new("data", "decoding a redacted record: " .. why) end
  return record
end

return M
