--- A folder of a spec's own, and small files in it.

local M = {}

local Scratch = {}
Scratch.__index = Scratch

--- Memory, if there is some: a redaction flushes each file to the disk.
local MEMORY = "/dev/shm"

local function exists(path)
  return os.execute("test -w " .. path .. " || exit 1") == (_VERSION == "Lua 5.1" and 0 or true)
end

--- A new folder; `scratch:remove()` in the end.
-- @tparam[opt] string where to make it
function M.new(where)
  local path = os.tmpname()
  os.remove(path)
  where = where or exists(MEMORY) and MEMORY
  if where then path = where .. path:match("/[^/]*$") end
  assert(os.execute("mkdir -p '" .. path .. "'"))
  return setmetatable({ path = path }, Scratch)
end

--- The path of a name in the folder.
function Scratch:at(name) return self.path .. "/" .. name end

function Scratch:write(name, text)
  local path = self:at(name)
  if name:find("/", 1, true) then self:shell("mkdir -p '%s'", path:match("^(.*)/")) end
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
  return path
end

--- The content of a file, or nil.
function Scratch:read(name)
  local file = io.open(self:at(name), "rb")
  if not file then return nil end
  local text = file:read("*a")
  file:close()
  return text
end

--- Runs a shell command in the folder, without what the sanitizers have put before it; returns what
-- it prints.
function Scratch:shell(command, ...)
  local pipe = assert(io.popen(("unset LD_PRELOAD; cd '%s' && { %s; } 2>&1"):format(self.path,
    command:format(...))))
  local text = pipe:read("*a")
  pipe:close()
  return text
end

--- The names of all files below the folder, hidden ones too, sorted.
function Scratch:list()
  local names = {}
  for name in self:shell("find . -type f | LC_ALL=C sort"):gmatch("%./([^\n]+)") do
    names[#names + 1] = name
  end
  return names
end

function Scratch:remove() os.execute("rm -rf '" .. self.path .. "'") end

return M
