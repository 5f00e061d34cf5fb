--- Events of a call to one line that is kept up to date.
-- @internal xcompliance.progress

local text = require "xcompliance.text"

local M = {}

local function share(event)
  if (event.total or 0) <= 0 then return nil end
  return ("%s of %s, %.0f %%"):format(text.size(event.done), text.size(event.total),
    math.floor(100 * event.done / event.total))
end

--- What an event says, as a line without its end.
-- @tparam table event of an on_progress callback
-- @tparam[opt] string label in front of it
function M.line(event, label)
  local what = share(event)
    or (event.status and event.wait
      and ("the job is %s, asking again in %s"):format(event.status, text.duration(event.wait)))
    or (event.wait and "waiting " .. text.duration(event.wait))
    or (event.done and event.done > 0 and text.size(event.done))
  return (label and label .. ": " or "") .. event.doing .. (what and ": " .. what or "")
end

local Line = {}
Line.__index = Line

--- A line on a terminal.
-- @tparam function write takes a text
-- @tparam boolean live whether the line may be rewritten; else only messages are written
function M.new(write, live) return setmetatable({ write = write, live = live }, Line) end

--- Takes the line away.
function Line:clear()
  if self.shown then self.write("\r\27[K") end
  self.shown = nil
end

--- Writes a line that stays.
function Line:print(message)
  self:clear()
  self.write(message .. "\n")
end

--- Shows an event; messages and warnings in it go to `say` and stay.
function Line:show(event, label, say)
  local stays = event.warning or event.message
  if stays then say((label and label .. ": " or "") .. stays) end
  if not self.live then return end
  local line = M.line(event, label)
  if line == self.shown then return end
  self.write("\r\27[K" .. line)
  self.shown = line
end

return M
