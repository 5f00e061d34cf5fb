--- A list of ids that is being sent: the file that was started is the file that is finished.
-- @internal xcompliance.id_file

local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local text = require "xcompliance.text"

local M = {}

local Source = {}
Source.__index = Source

local function identity(status)
  return ("%.0f %.0f %.0f %.0f"):format(status.device, status.inode, status.size,
    status.modified * 1e6)
end

--- Opens a list and sums it.
-- @tparam table call
-- @tparam string path
-- @treturn ?table `{ file, path, name, bytes, lines, crc32c }`, or nil, err
function M.open(call, path)
  local file, err = core.open_source(path)
  if not file then return nil, err end
  local self = setmetatable({ file = file, path = path, name = text.basename(path) }, Source)
  self.identity = identity(file:stat())
  local ok, sum, failure = pcall(call.ask, call, file:checksum())
  if not ok or not sum then
    file:close()
    if not ok then error(sum, 0) end
    return nil, failure
  end
  self.bytes, self.lines, self.crc32c = sum.bytes, sum.lines, sum.crc32c
  return self
end

--- Checks that the file is a list of ids: anything else was not meant to be sent.
-- @tparam table call
-- @treturn true|nil,err
function Source:check_ids(call)
  local ids, err = call:ask(core.check_ids(self.file))
  if ids == 0 then
    return nil, errors.new("data", self.path .. " holds no ids: there is nothing to check",
      { file = self.path })
  end
  if ids then return true end
  if err.kind ~= "data" then return nil, err end
  return nil, errors.with(err, { message = err.message .. " - only a list of ids is uploaded, one"
    .. " id a line; extract makes one from a dataset" })
end

--- Whether the file is what it was when it was opened.
-- @treturn true|nil,err
function Source:check()
  local status, err = self.file:stat()
  if not status then return nil, err end
  if identity(status) == self.identity then return true end
  return nil, errors.new("data", ("%s was changed while it was being uploaded - leave it alone and"
    .. " start again"):format(self.path), { file = self.path })
end

function Source:close() self.file:close() end

return M
