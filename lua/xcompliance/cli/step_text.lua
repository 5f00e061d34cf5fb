--- What a step is doing, in words: an event of progress as parts of a line.
-- @internal xcompliance.cli.step_text

local text = require "xcompliance.text"

local M = {}

local RATE_AFTER = 1 -- seconds: a rate that was measured for less says little

--- What is being done, with the type if that is not said already.
-- @tparam table event of an on_progress callback
function M.doing(event)
  local type, doing = event.type, text.plain(event.doing)
  if not type or doing:find(type, 1, true) then return doing end
  return type .. ": " .. doing
end

local function time_left(event, rate)
  if rate <= 0 or event.done >= event.total then return nil end
  return text.duration(math.max(1, (event.total - event.done) / rate)) .. " left"
end

local function transfer(event, since)
  local parts, total = {}, event.total or 0
  if total > 0 then
    parts[1] = ("%.0f %%"):format(math.floor(100 * math.min(1, event.done / total)))
    parts[2] = ("%s of %s"):format(text.size(event.done), text.size(total))
  elseif event.done > 0 then
    parts[1] = text.size(event.done)
  end
  local seconds = since.now - since.began
  if seconds >= RATE_AFTER and event.done > since.done then
    local rate = (event.done - since.done) / seconds
    parts[#parts + 1] = text.size(rate) .. "/s"
    if total > 0 then parts[#parts + 1] = time_left(event, rate) end
  end
  return parts
end

--- How far it is: the parts of a list, the most important first.
-- @tparam table event of an on_progress callback
-- @tparam table since `began` and `now` (times of one clock, in seconds), and `done` at the
-- beginning
-- @tparam number time of day, in seconds since 1970
-- @treturn table an array of strings
function M.parts(event, since, time)
  if event.status and event.wait then
    return { text.plain(event.status), "next poll at " .. text.clock(time + event.wait) }
  end
  if event.wait then return { "waiting until " .. text.clock(time + event.wait) } end
  return transfer(event, since)
end

--- A step that is over, in words: "uploading ids.txt: done, 40 MB in 3.2 s".
function M.ended(event, seconds)
  local size = (event.done or 0) > 0 and ", " .. text.size(event.done) or ""
  return ("%s: done%s in %s"):format(M.doing(event), size, text.duration(seconds))
end

return M
