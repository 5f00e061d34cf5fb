--- The API's own descriptions (OpenAPI 3.0), where they are at hand: whether a value or a request
-- is valid under one, and values at random that are.
--
--     for _, description in ipairs(openapi.all()) do … end
--     description:complaint(schema, value)        nil where it is valid
--     description:request_complaint(request)      of `{ method, path, query, headers, body }`
--     description:generate(schema, random)        JSON text

local cjson = require "cjson"
local real = require "spec.support.real"

local M = {}
local Description = {}
Description.__index = Description

local NAMES = { "x-compliance-2.142.json", "x-compliance-2.167.json", "x-compliance-2.168.json" }

--- The descriptions that there are; an empty list if there are none.
function M.all()
  local list, folder = {}, real.api_descriptions()
  for _, name in ipairs(folder and NAMES or {}) do
    local file = io.open(folder .. "/" .. name, "rb")
    if file then
      local root = cjson.decode(file:read("*a"))
      list[#list + 1] = setmetatable({ name = name, root = root }, Description)
      file:close()
    end
  end
  return list
end

local function resolve(self, schema)
  while schema["$ref"] do
    local found = self.root
    for part in schema["$ref"]:gmatch("[^#/]+") do found = found[part] end
    schema = assert(found, schema["$ref"])
  end
  return schema
end

-- {====================================================================
-- Validity
-- =====================================================================

local function length_of(text)
  return select(2, text:gsub("[%z\1-\127\194-\244][\128-\191]*", ""))
end

local PATTERNS = { -- those that the descriptions have, as Lua's
  ["^[0-9]{1,19}$"] = function(text) return text:find("^%d+$") and #text <= 19 end,
}

local TYPES = {
  string = function(value) return type(value) == "string" end,
  boolean = function(value) return type(value) == "boolean" end,
  integer = function(value) return type(value) == "number" and value == math.floor(value) end,
  object = function(value) return type(value) == "table" and value[1] == nil end,
  array = function(value)
    return type(value) == "table" and (value[1] ~= nil or next(value) == nil)
  end,
}

local checks = {} -- by keyword: nil, or what is wrong

function checks.type(_, expected, value)
  if not TYPES[expected](value) then return "is no " .. expected end
end

function checks.enum(_, values, value)
  for _, allowed in ipairs(values) do
    if allowed == value then return nil end
  end
  return "is none of the enumeration"
end

function checks.pattern(_, pattern, value)
  if type(value) == "string" and not PATTERNS[pattern](value) then return "does not match" end
end

function checks.maxLength(_, most, value)
  if type(value) == "string" and length_of(value) > most then return "is too long" end
end

function checks.minLength(_, least, value)
  if type(value) == "string" and length_of(value) < least then return "is too short" end
end

function checks.minItems(_, least, value)
  if type(value) == "table" and #value < least then return "has too few items" end
end

function checks.uniqueItems(_, _, value)
  local seen = {}
  for _, item in ipairs(type(value) == "table" and value or {}) do
    if seen[item] then return "has an item twice" end
    seen[item] = true
  end
end

function checks.required(_, names, value)
  for _, name in ipairs(type(value) == "table" and names or {}) do
    if value[name] == nil then return "lacks " .. name end
  end
end

function checks.properties(self, properties, value)
  for name, schema in pairs(type(value) == "table" and properties or {}) do
    local why = value[name] ~= nil and self:complaint(schema, value[name])
    if why then return name .. " " .. why end
  end
end

function checks.additionalProperties(self, allowed, value, schema)
  for name, member in pairs(type(value) == "table" and value or {}) do
    if not (schema.properties and schema.properties[name]) then
      if allowed == false then return "has the unknown member " .. name end
      local why = type(allowed) == "table" and self:complaint(allowed, member)
      if why then return name .. " " .. why end
    end
  end
end

function checks.items(self, schema, value)
  for _, item in ipairs(type(value) == "table" and value or {}) do
    local why = self:complaint(schema, item)
    if why then return "has an item that " .. why end
  end
end

function checks.allOf(self, schemas, value)
  for _, schema in ipairs(schemas) do
    local why = self:complaint(schema, value)
    if why then return why end
  end
end

function checks.oneOf(self, schemas, value)
  local fitting = 0
  for _, schema in ipairs(schemas) do
    if not self:complaint(schema, value) then fitting = fitting + 1 end
  end
  if fitting ~= 1 then return ("fits %d of the alternatives"):format(fitting) end
end

local SAYS_NOTHING = { description = true, example = true, format = true, discriminator = true }

--- What is wrong with a decoded value; nil where it is valid.
function Description:complaint(schema, value)
  schema = resolve(self, schema)
  for keyword, argument in pairs(schema) do
    local check = checks[keyword]
    if not check and not SAYS_NOTHING[keyword] then error("unknown keyword " .. keyword) end
    local why = check and check(self, argument, value, schema)
    if why then return why end
  end
end

-- }====================================================================

-- {====================================================================
-- Requests
-- =====================================================================

local function unescape(text)
  return (text:gsub("+", " "):gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end))
end

local function parse_query(query)
  local given = {}
  for pair in (query or ""):gmatch("[^&]+") do
    local name, value = pair:match("^([^=]*)=?(.*)$")
    given[unescape(name)] = value
  end
  return given
end

--- The operation that a request is for, and the value in its path.
local function find_operation(self, request)
  for template, operations in pairs(self.root.paths) do
    local pattern = "^" .. template:gsub("[%-%.]", "%%%0"):gsub("{%w+}", "([^/]*)") .. "$"
    local found = request.path:match(pattern)
    local operation = found and operations[request.method:lower()]
    if operation then return operation, found end
  end
end

local function value_of(schema, text)
  if schema.type ~= "array" then return unescape(text) end
  local list = {}
  for item in (text .. ","):gmatch("([^,]*),") do list[#list + 1] = unescape(item) end
  return list
end

local function parameters_complaint(self, operation, request, in_path)
  local given = parse_query(request.query)
  for _, parameter in ipairs(operation.parameters or {}) do
    parameter = resolve(self, parameter)
    local text = given[parameter.name]
    if parameter["in"] == "path" then text = in_path end
    given[parameter.name] = nil
    if not text and parameter.required then return parameter.name .. " is missing" end
    local schema = resolve(self, parameter.schema)
    local why = text and self:complaint(schema, value_of(schema, text))
    if why then return parameter.name .. " " .. why end
  end
  local unknown = next(given)
  return unknown and "there is no parameter " .. unknown
end

--- Whether the description knows the operation that a request is for.
function Description:knows(request)
  return find_operation(self, request) ~= nil
end

--- What is wrong with a request; nil where it is valid.
-- @tparam table request `method`, `path`, `query`, `headers` (lower-case names), `body`
function Description:request_complaint(request)
  local operation, in_path = find_operation(self, request)
  if not operation then return "there is no such operation" end
  local why = parameters_complaint(self, operation, request, in_path)
  if why then return why end
  if not operation.requestBody then return (request.body or "") ~= "" and "it has a body" or nil end
  local content = operation.requestBody.content[request.headers["content-type"]]
  if not content then return "there is no such content type" end
  local is_json = request.headers["content-type"] == "application/json"
  local body = request.body or ""
  return self:complaint(content.schema, is_json and cjson.decode(body) or body)
end

--- The schema of an operation's answers.
-- @tparam string method
-- @tparam string path a template
-- @tparam string status "200" or "default"
-- @tparam[opt] string content_type
function Description:answer(method, path, status, content_type)
  return self.root.paths[path][method].responses[status].content[content_type or "application/json"]
    .schema
end

-- }====================================================================

-- {====================================================================
-- Values at random
-- =====================================================================

--- A generator of whole numbers from 1 to `most`: the same for the same seed, under every Lua.
function M.random(seed)
  local state = seed * 7919 % 2147483646 + 1
  return function(most)
    state = state * 48271 % 2147483647
    return math.floor(state / 2147483647 * most) + 1
  end
end

local PIECES = { -- of one character each
  "a", "Z", "0", " ", "\\\"", "\\\\", "\\n", "\\u0000", "\\ud83d\\ude00", "é", "€", "\226\128\168",
  "/", "%", ":", "?", "=", "&", "<", "\\u001b", "'", "{",
}

local function text(random, least, most)
  local pieces = {}
  for i = 1, least + random(most - least + 1) - 1 do pieces[i] = PIECES[random(#PIECES)] end
  return '"' .. table.concat(pieces) .. '"'
end

local FORMATS = {
  ["date-time"] = function(random)
    return ('"2021-%02d-%02dT18:40:%02d.000Z"'):format(random(12), random(28), random(59))
  end,
  uri = function(random)
    return ('"https://storage.googleapis.com/b/%d?X-Goog-SignedHeaders=host"'):format(random(999))
  end,
}

local makers = {}

function makers.string(_, schema, random)
  if schema.enum then return '"' .. schema.enum[random(#schema.enum)] .. '"' end
  if schema.pattern then return ('"%d"'):format(random(2 ^ 30)) end
  if FORMATS[schema.format] then return FORMATS[schema.format](random) end
  return text(random, schema.minLength or 0, schema.maxLength or 30)
end

function makers.boolean(_, _, random) return random(2) == 1 and "true" or "false" end

function makers.integer(_, _, random) return ("%d"):format(random(1000) - 500) end

function makers.array(self, schema, random)
  local items = {}
  for i = 1, (schema.minItems or 0) + random(3) - 1 do
    items[i] = self:generate(schema.items, random)
  end
  return "[" .. table.concat(items, ",") .. "]"
end

local function is_required(schema, name)
  for _, required in ipairs(schema.required or {}) do
    if required == name then return true end
  end
  return false
end

function makers.object(self, schema, random)
  local names, members = {}, {}
  for name in pairs(schema.properties or {}) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    if is_required(schema, name) or random(3) > 1 then
      members[#members + 1] = ('"%s":%s'):format(name,
        self:generate(schema.properties[name], random))
    end
  end
  if schema.additionalProperties ~= false and random(4) == 1 then
    members[#members + 1] = '"unknown":' .. text(random, 0, 5)
  end
  return "{" .. table.concat(members, ",") .. "}"
end

--- All parts of an `allOf` as one object.
local function merged(self, schema)
  if not schema.allOf then return schema end
  local whole = { type = "object", properties = {}, required = {} }
  for _, part in ipairs(schema.allOf) do
    part = merged(self, resolve(self, part))
    for name, property in pairs(part.properties or {}) do whole.properties[name] = property end
    for _, name in ipairs(part.required or {}) do table.insert(whole.required, name) end
  end
  return whole
end

--- JSON text of a value that is valid.
-- @tparam table schema
-- @tparam function random of M.random
function Description:generate(schema, random)
  schema = resolve(self, schema)
  if schema.oneOf then return self:generate(schema.oneOf[random(#schema.oneOf)], random) end
  schema = merged(self, schema)
  return makers[schema.type](self, schema, random)
end

-- }====================================================================

return M
