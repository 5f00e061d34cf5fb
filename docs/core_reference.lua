#!/usr/bin/env lua5.4
-- Prints the C core's documentation as LDoc reads it, from the comments above its functions in
-- src/lua: "/* core.NAME(arguments) -> results: what it does */", and task:NAME, file:NAME, ….
-- Fails if a function or method that the core registers has no such comment, or a comment has none.
--   BUILD=build docs/core_reference.lua >build/docs/core.lua

local HEAD = [[
--- The C core, for the modules of xcompliance and not for users.
--
-- What takes long is a task: it runs on a thread of the core, and the host's loop waits for it.
-- `xcompliance.client` and `xcompliance.dataset` are made of these. Misuse raises; run-time
-- failures return `nil, err`.
-- @internal xcompliance.core
]]

local OWNERS = { "core", "task", "file", "session", "verdicts" }

local function read(path)
  local file = assert(io.open(path))
  local text = file:read("a")
  file:close()
  return text
end

--- The end of a text, or of what is before ": " in it, outside of brackets.
local function end_of_results(text)
  local depth = 0
  for at = 1, #text do
    local byte = text:sub(at, at)
    if byte:find("[%[{(]") then depth = depth + 1 end
    if byte:find("[%]})]") then depth = depth - 1 end
    if depth == 0 and text:sub(at, at + 1) == ": " then return at - 1 end
  end
  return #text
end

--- Takes a comment apart: an array of signatures, what they return, and what they do.
local function take_apart(comment)
  local text = comment:gsub("%s*\n%s*%*%s?", " "):gsub("%s+", " ")
  local signatures, at = {}, 1
  repeat
    local signature = text:match("^%l+[.:][%w_]+%b()", at) or text:match("^%l+[.:][%w_]+%b{}", at)
    signatures[#signatures + 1] = signature
    at = at + #(signature or "")
    local comma = text:match("^, ()", at)
    at = comma or at
  until not signature or not comma
  local results = text:match("^ ?%-> (.*)", at)
  if not results then return signatures, "", text:sub(at):gsub("^:? ", "") end
  local last = end_of_results(results)
  return signatures, " -> " .. results:sub(1, last), results:sub(last + 3)
end

local function documented()
  local found = {}
  for path in io.popen("ls src/lua/*.c"):lines() do
    for comment in read(path):gmatch("\n/%* (%l+[.:][%l%d_]+[({].-)%s*%*/") do
      local signatures, results, text = take_apart(comment)
      for _, signature in ipairs(signatures) do
        if text == "" then text = "Returns" .. results:gsub("^ %->", "") .. "." end
        local name = signature:match("^%l+[.:][%w_]+"):gsub(":", ".")
        found[name] = { usage = signature .. results, text = text }
      end
    end
  end
  return found
end

--- What the core registers: its functions, and the methods of its types.
local function registered()
  package.cpath = (os.getenv("BUILD") or "build") .. "/lua5.4/?.so;" .. package.cpath
  local names = {}
  local function add(owner, methods)
    for name, value in pairs(type(methods) == "table" and methods or {}) do
      if type(value) == "function" then names[#names + 1] = owner .. "." .. name end
    end
  end
  add("core", require "xcompliance.core")
  for name, metatable in pairs(debug.getregistry()) do
    local owner = type(name) == "string" and name:match("^xcompliance%.(%l+)$")
    if owner then add(owner, metatable.__index) end
  end
  table.sort(names)
  return names
end

local found, names = documented(), registered()
local is_registered, complaints = {}, {}
for _, name in ipairs(names) do
  is_registered[name] = true
  if not found[name] then complaints[#complaints + 1] = name .. " is registered, not documented" end
end
for name in pairs(found) do
  if not is_registered[name] then
    complaints[#complaints + 1] = name .. " is documented, not registered"
  end
end
if #complaints > 0 then
  table.sort(complaints)
  io.stderr:write("docs/core_reference.lua: ", table.concat(complaints, "\n  "), "\n")
  os.exit(1)
end

io.write(HEAD)
for _, owner in ipairs(OWNERS) do
  if owner ~= "core" then print(("\n--- A %s.\n-- @type %s"):format(owner, owner)) end
  for _, name in ipairs(names) do
    local method = name:match("^" .. owner .. "%.(.+)")
    if method then
      print(("\n--- %s\n-- @function %s\n-- @usage %s"):format(found[name].text, method,
        found[name].usage))
    end
  end
end
