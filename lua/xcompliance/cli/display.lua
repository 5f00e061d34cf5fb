--- What the user sees of a command while it runs (docs/progress.md).
--
-- A display has a row for each step that is running: of both types of a sync, or one. `live` keeps
-- the rows up to date on a terminal, `plain` writes a line when a step begins, ends, and every 30
-- seconds, `json` writes each event as a line of JSON, and `none` writes only messages.
-- @internal xcompliance.cli.display

local json = require "xcompliance.json"
local step_text = require "xcompliance.cli.step_text"

local M = {}

M.MODES = { "plain", "live", "json", "none" }

local PLAIN_EVERY = 30 -- seconds
local DOING_MIN = 12 -- cells that the beginning of a live line keeps
local COLUMNS = 80 -- of a terminal that does not say how wide it is

local Display = {}
Display.__index = Display

-- {====================================================================
-- Rows: what runs
-- =====================================================================

--- Takes a row away.
local function drop(self, at)
  local row = table.remove(self.rows, at)
  if self.mode == "plain" and not self.failed then
    self.write(step_text.ended(row.event, self.now() - row.began) .. "\n")
  end
end

--- The row of the step that an event is of. It ends the step before it: of its type, or of every
-- type, because what is of no type comes before the checks of both types, or after them.
local function row_of(self, event)
  local found
  for at = #self.rows, 1, -1 do
    local last = self.rows[at].event
    if last.type == event.type and last.doing == event.doing then
      found = self.rows[at]
    elseif last.type == event.type or not (last.type and event.type) then
      drop(self, at)
    end
  end
  if not found then
    found = { began = self.now(), done = event.done or 0 }
    table.insert(self.rows, found)
  end
  found.event = event
  return found
end

local function parts_of(self, row)
  local since = { began = row.began, now = self.now(), done = row.done }
  return step_text.parts(row.event, since, self.time())
end

-- }====================================================================

-- {====================================================================
-- Live: rows that are drawn again and again
-- =====================================================================

--- The cells that a text takes at most: what is not ASCII may be wide.
local function cells(text)
  local _, others = text:gsub("[\192-\255]", "")
  local _, rests = text:gsub("[\128-\191]", "")
  return #text - rests + others
end

--- A text cut to a number of cells.
local function cut(text, width)
  if cells(text) <= width then return text end
  if width < 4 then return ("."):rep(math.max(0, width)) end
  while cells(text) > width - 3 do text = text:gsub("[^\128-\191][\128-\191]*$", "") end
  return text .. "..."
end

--- A line that fits: what is being done is cut first, then the last parts are left out.
local function fit(doing, parts, width)
  local rest = #parts > 0 and ": " .. table.concat(parts, ", ") or ""
  while #parts > 0 and cells(rest) + math.min(DOING_MIN, cells(doing)) > width do
    table.remove(parts)
    rest = #parts > 0 and ": " .. table.concat(parts, ", ") or ""
  end
  return cut(doing, width - cells(rest)) .. rest
end

--- How many rows of the terminal the drawn lines take: it may have become narrower.
local function height(self, width)
  local count = 0
  for _, line in ipairs(self.drawn) do
    count = count + math.max(1, math.ceil(cells(line) / width))
  end
  return count
end

--- The codes that take the drawn lines away. The cursor stands at the end of the last.
local function erased(self)
  if #self.drawn == 0 then return "" end
  local up = height(self, self.columns()) - 1
  return "\r" .. (up > 0 and ("\27[%dA"):format(up) or "") .. "\27[J"
end

local function draw(self)
  local lines, width = {}, self.columns() - 1 -- a full line would move the cursor on
  for i, row in ipairs(self.rows) do
    lines[i] = fit(step_text.doing(row.event), parts_of(self, row), width)
  end
  local text = table.concat(lines, "\n")
  if text == table.concat(self.drawn, "\n") then return end
  self.write(erased(self) .. text)
  self.drawn = lines
end

-- }====================================================================

local function write_json(self, event, fields)
  local all = { event = event, time = os.date("!%Y-%m-%dT%H:%M:%SZ", math.floor(self.time())) }
  for name, value in pairs(fields) do all[name] = value end
  self.write(json.encode(all) .. "\n")
end

local function show_plain(self, row)
  local line, now = step_text.doing(row.event), self.now()
  if row.shown and now - row.shown < PLAIN_EVERY then return end
  if row.shown then
    local parts = parts_of(self, row)
    line = line .. (#parts > 0 and ": " .. table.concat(parts, ", ") or "")
  end
  row.shown = now
  self.write(line .. "\n")
end

--- Clears the terminal for what others write.
function Display:clear()
  if #self.drawn > 0 then self.write(erased(self)) end
  self.drawn = {}
end

--- Writes a message that stays.
-- @tparam string message
-- @tparam[opt] table fields what a program may want to know of it
function Display:print(message, fields)
  if self.mode == "json" then
    local all = { message = message }
    for name, value in pairs(fields or {}) do all[name] = value end
    return write_json(self, fields and "error" or "message", all)
  end
  self:clear()
  self.write(message .. "\n")
end

--- Takes an event of progress.
function Display:show(event)
  if self.mode == "json" then return write_json(self, "progress", event) end
  local stays = event.warning or event.message
  if stays then self:print((event.type and event.type .. ": " or "") .. stays) end
  if self.mode == "none" or not (event.done or event.wait) then return end
  local row = row_of(self, event)
  if self.mode == "live" then draw(self) else show_plain(self, row) end
end

--- Ends the display.
-- @tparam integer status the exit status: steps that were running have ended, if it is 0
function Display:finish(status)
  self:clear()
  if self.mode == "json" then return write_json(self, "end", { status = status }) end
  self.failed = status ~= 0
  for _ = 1, #self.rows do drop(self, 1) end
end

--- The mode that the user did not choose.
-- @tparam boolean terminal whether messages go to one
-- @tparam ?string term the terminal's type, from TERM
function M.default_mode(terminal, term)
  return terminal and term ~= "dumb" and term ~= "" and "live" or "plain"
end

--- Makes a display.
-- @tparam table options `mode` (one of MODES), `write` (a function of a text), `columns` (a
-- function that returns the width of the terminal, or nil), `now` (a clock that never jumps) and
-- `time` (of day), in seconds
function M.new(options)
  return setmetatable({
    mode = options.mode, write = options.write, now = options.now, time = options.time,
    columns = function() return math.max(2, options.columns() or COLUMNS) end,
    rows = {}, drawn = {},
  }, Display)
end

return M
