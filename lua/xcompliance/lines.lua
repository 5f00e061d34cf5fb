--- The lines of a file, one after another: bounded in memory, closable, and removable.
-- @internal xcompliance.lines

local core = require "xcompliance.core"
local errors = require "xcompliance.errors"

local M = {}

local LINE_MAX = 1024 * 1024 -- bytes: no row of results is longer
local BLOCK = 64 * 1024 -- bytes that are read at once

local Lines = {}
Lines.__index = Lines
Lines.__name = "xcompliance.iterator"

--- Closes the file. Closing twice is harmless.
function Lines:close()
  if self.file then self.file:close() end
  self.file = nil
end

Lines.__close = Lines.close

function Lines:__tostring()
  return ("xcompliance.iterator: line %d of %s"):format(self.number, self.path)
end

--- Adds another block to what is left.
local function read_more(self)
  local block, why = self.file:read(BLOCK)
  if why then
    self:close()
    error(errors.new("io", ("%s: cannot be read: %s - check that it is a file and its disk is well")
      :format(self.path, why), { file = self.path }), 0)
  end
  self.is_over = not block
  self.block, self.at = self.block:sub(self.at) .. (block or ""), 1
end

--- The next line, or nil after the last.
local function next_line(self)
  self.number = self.number + 1
  while true do
    local stop = self.block:find("\n", self.at, true)
    local length = (stop or #self.block + 1) - self.at
    if length > LINE_MAX then self:fail("is longer than 1 MiB") end
    if stop or self.is_over then
      if not stop and length <= 0 then return nil end
      local line = self.block:sub(self.at, self.at + length - 1)
      self.at = self.at + length + 1
      return line
    end
    read_more(self)
  end
end

--- The next element, or nil after the last, when the file is closed. A run-time failure raises
-- here: a `for` has no other place for it.
function Lines:__call()
  while self.file do
    local line = next_line(self)
    if not line then
      self:close()
      return nil
    end
    local a, b = self.take(self, line)
    if a ~= nil then return a, b end
  end
end

--- Raises an error of the kind "data" about the line at hand.
function Lines:fail(what)
  local number = self.number
  self:close()
  error(errors.new("data", ("%s, line %d: %s"):format(self.path, number, what),
    { file = self.path, line = number }), 0)
end

--- Opens a file for a `for`.
-- @tparam string path
-- @tparam function take is given the iterator and a line; returns an element, or nil to skip it
-- @treturn ?table callable; or nil, err
function M.open(path, take)
  local file, why = io.open(path, "rb")
  if not file then return nil, errors.new("io", why .. " - check the path", { file = path }) end
  return setmetatable(
    { file = file, path = path, take = take, number = 0, block = "", at = 1 }, Lines)
end

--- A path in the folder for temporary files that nothing else has.
function M.temporary_path()
  return ("%s/xcompliance-%s"):format(os.getenv("TMPDIR") or "/tmp", core.random_hex(8))
end

--- Opens a temporary file, which has no name from then on.
-- @tparam string path
-- @tparam function take see `open`
-- @treturn ?table callable; or nil, err
function M.open_temporary(path, take)
  local lines, err = M.open(path, take)
  os.remove(path)
  return lines, err
end

return M
