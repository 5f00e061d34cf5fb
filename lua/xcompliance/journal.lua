--- What a workflow has done, durably: one line of JSON a state change, and their replay.
--
--     {"crc32c":"aBcDeF==","entry":{"step":"upload", ...}}
--
-- The sum is that of the entry's text. A last line that is torn or damaged was never finished and
-- is dropped; a damaged one before it means that somebody has been at the file. The journal holds
-- signed URLs, which are credentials (the token never), so it is the owner's alone.
-- @internal xcompliance.journal

local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local json = require "xcompliance.json"

local M = {}

--- The version of the form. Format 1 knew of one job for a whole list.
local FORMAT = 2

local Journal = {}
Journal.__index = Journal

local function parse(line)
  local sum, text = line:match('^{"crc32c":"([%w+/=]+)","entry":(.*)}$')
  if not sum or core.crc32c(text) ~= sum then return nil end
  local entry = json.decode(text)
  return type(entry) == "table" and entry or nil
end

--- Each member of an entry replaces what is known by that name; false forgets it.
local function merge(facts, entry)
  for name, value in pairs(entry) do
    if value == false then facts[name] = nil else facts[name] = value end
  end
end

--- The facts of all whole lines, and the bytes that these take.
local function replay(text, path)
  local facts, good, number = {}, 0, 0
  for line, stop in text:gmatch("([^\n]*)\n()") do
    number = number + 1
    local entry = parse(line)
    if not entry then
      if stop <= #text then
        return nil, errors.new("data", ("%s, line %d: is damaged - remove the file to start again")
          :format(path, number), { file = path, line = number, byte = good })
      end
      break
    end
    merge(facts, entry)
    good = stop - 1
  end
  return facts, good
end

local function read(file, path)
  local text, err = file:read_all()
  if not text then return nil, err end
  local facts, good = replay(text, path)
  if not facts then return nil, good end
  if good < #text then
    local ok
    ok, err = file:truncate(good)
    if not ok then return nil, err end
  end
  return facts, good
end

local function other_version(facts, path)
  local writer = facts.version and "version " .. facts.version or "an earlier version"
  return errors.new("data", ("%s: was written by %s of this program (format %s; version %s has"
    .. " format %d) - finish with that version, or remove the file to start again: the jobs that it"
    .. " knows of are lost then"):format(path, writer, facts.format, core.version, FORMAT),
    { file = path })
end

--- Brings a journal to the present format, if that can be done.
local function bring_up(self, upgrade)
  local format = self.facts.format
  if format == FORMAT or self:is_new() then return true end
  if format ~= FORMAT - 1 or not upgrade then
    return nil, other_version(self.facts, self.path)
  end
  local entry = upgrade(self.facts)
  entry.format, entry.version = FORMAT, core.version
  return self:record(entry)
end

--- Opens a journal, which nobody else may then open, and replays it.
-- @tparam string path made if it is missing
-- @tparam[opt] function upgrade is given the facts of a journal of the format before, and returns
-- an entry that makes them facts of this one; without it such a journal is refused
-- @treturn ?table a journal, whose `facts` are what is known; or nil, err
function M.open(path, upgrade)
  local file, err = core.open_journal(path)
  if not file then return nil, err end
  local facts, size = read(file, path)
  if not facts then
    file:close()
    return nil, size
  end
  local self = setmetatable({ file = file, path = path, facts = facts, size = size }, Journal)
  local ok
  ok, err = bring_up(self, upgrade)
  if ok then return self end
  file:close()
  return nil, err
end

--- Whether nothing was recorded yet.
function Journal:is_new() return next(self.facts) == nil end

--- Records a state change: it is on the disk when this returns.
-- @tparam table entry what is known from now on; false for what no longer holds
-- @treturn true|nil,err
function Journal:record(entry)
  if self:is_new() then entry.format, entry.version = FORMAT, core.version end
  local text = json.encode(entry)
  local line = ('{"crc32c":"%s","entry":%s}\n'):format(core.crc32c(text), text)
  local ok, err = self.file:append(line)
  if not ok then
    self.file:truncate(self.size) -- half a line must not stand before the next one
    return nil, err
  end
  self.size = self.size + #line
  merge(self.facts, entry)
  return true
end

--- Closes it; it stays for the next run.
function Journal:close() self.file:close() end

--- Removes it: what it recorded is over.
function Journal:discard() self.file:discard() end

return M
