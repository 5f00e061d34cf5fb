--- One run of a check: its options, what the journal knows, and which part is at hand.
-- @internal xcompliance.check_run

local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local file_names = require "xcompliance.file_names"
local text = require "xcompliance.text"

local M = {}

local Run = {}
Run.__index = Run

--- Records a state change.
-- @treturn ?string the next state, or nil, err
function Run:record(entry)
  local ok, err = self.journal:record(entry)
  if not ok then return nil, err end
  self.facts = self.journal.facts
  return entry.step
end

--- What is known of the parts that are done: an array.
function Run:done()
  local list = {}
  while self.facts["done_" .. #list + 1] do list[#list + 1] = self.facts["done_" .. #list + 1] end
  return list
end

--- How many bytes of the list were asked about: the next part begins there.
function Run:asked_bytes()
  local list = self:done()
  local last = list[#list] and list[#list].part
  return last and last.offset + last.bytes or 0
end

--- The number of the part at hand, from 1.
function Run:number()
  local part, list = self.facts.part, self:done()
  for number, done in ipairs(list) do
    if part and done.part.offset == part.offset then return number end
  end
  return #list + 1
end

--- The part at hand if its job was finished before: its results were lost here and at X, so the
-- same ids must be asked about again, because the parts after it are done.
-- @treturn ?table
function Run:part_again()
  local done = self.facts.part and self.facts["done_" .. self:number()]
  return done and done.part
end

--- Where the results of a part are kept until all are there.
function Run:part_results(number)
  return ("%s.results.%04d"):format(self.base, number or self:number())
end

--- How many ids the next job is asked about at most: what the user wants, unless X took less.
function Run:ids_at_most()
  return math.min(self.options.ids_per_job, self.facts.ids_at_most or math.huge)
end

--- "part 2 of 3", or nil if the list is one part. The number of parts is an estimate: X may take
-- less at once.
function Run:part_name()
  local facts, list = self.facts, self:done()
  if not facts.list then return nil end
  local ids, number = facts.list.ids, self:number()
  for _, done in ipairs(list) do ids = ids - done.part.ids end
  local more = math.ceil(ids / (facts.part and facts.part.ids or self:ids_at_most()))
  local total = #list + more
  if total < 2 then return nil end
  return ("part %d of %d"):format(number, total)
end

--- Has every message name the part at hand.
function Run:label()
  local facts, name = self.facts, self:part_name()
  self.call.job, self.call.type = facts.job and facts.job.id, self.options.type
  self.call.prefix = name and name .. ": " or ""
end

--- What is lost if the journal is removed.
function Run:what_is_lost()
  local lost, list = {}, self:done()
  if #list > 0 then
    lost[1] = "the results of " .. text.plural(#list, "finished job")
  end
  if self.facts.job then lost[#lost + 1] = "job " .. self.facts.job.id end
  return #lost > 0 and table.concat(lost, " and ") or "the job that may have been created"
end

--- The error of a list that this run is not of.
function Run:not_this_list()
  local facts = self.facts
  return errors.new("usage", ("%s is of an unfinished check of %s (%s) - finish that one"
    .. " first, give another state folder, or remove the file to start again: %s is lost then")
    :format(self.journal.path,
      facts.type == self.options.type and "another list" or facts.type,
      text.plural(facts.list.ids, facts.type == "tweets" and "tweet id" or "user id"),
      self:what_is_lost()), { file = self.journal.path })
end

--- A run that has not begun.
-- @tparam table connection
-- @tparam table call
-- @tparam table options checked
function M.new(connection, call, options)
  local base, folder = file_names.state_base(options)
  return setmetatable({
    connection = connection, call = call, options = options, folder = folder, base = base,
    list_path = base .. ".ids", part_path = base .. ".part.ids",
    journal_path = base .. ".journal", jobs = 1, part_began = core.now(),
  }, Run)
end

return M
