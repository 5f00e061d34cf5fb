--- Bodies bent on their way: functions that return the next piece, made of others.
-- @internal xcompliance.simulator.fault.streams

local cqueues = require "cqueues"

local M = {}

--- A body as a function.
function M.of(body)
  if type(body) ~= "string" then return body end
  local left = body ~= "" and body or nil
  return function()
    local piece = left
    left = nil
    return piece
  end
end

--- Passes `limit` bytes, then does what `at_end` does, which may raise; nil ends the body.
function M.cut(body, limit, at_end)
  local left = limit
  return function()
    if left == 0 then return at_end and at_end() end
    local piece = body()
    if piece then
      piece = piece:sub(1, left)
      left = left - #piece
    end
    return piece
  end
end

--- Does `pause()` once, after `limit` bytes.
function M.paused(body, limit, pause)
  local left, rest = limit, nil
  return function()
    if rest then
      local piece = rest
      rest = nil
      pause()
      return piece
    end
    local piece = body()
    if not left or not piece or #piece <= left then
      left = left and piece and left - #piece
      return piece
    end
    piece, rest, left = piece:sub(1, left), piece:sub(left + 1), nil
    return piece
  end
end

--- Flips the lowest bit of the byte at `offset`.
function M.flipped(body, offset)
  local at = 0
  return function()
    local piece = body()
    if not piece then return nil end
    local within = offset - at
    at = at + #piece
    if within < 0 or within >= #piece then return piece end
    local byte = piece:byte(within + 1)
    return piece:sub(1, within) .. string.char(byte ~ 1) .. piece:sub(within + 2)
  end
end

--- Waits after every piece, as long as it would have taken at `rate` bytes a second.
function M.slow(body, rate)
  return function()
    local piece = body()
    if piece then cqueues.sleep(#piece / rate) end
    return piece
  end
end

--- The same piece for ever, after a first one.
function M.endless(first, piece)
  local started = false
  return function()
    if started then return piece end
    started = true
    return first
  end
end

--- The bytes of a response's body, where that is known.
function M.size(response)
  return type(response.body) == "string" and #response.body or response.size
end

--- All of a body as text.
function M.all(body)
  local pieces = {}
  for piece in M.of(body) do pieces[#pieces + 1] = piece end
  return table.concat(pieces)
end

return M
