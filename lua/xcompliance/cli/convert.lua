--- Arguments of commands as values: each function takes the text and returns the value, or nil and
-- what is wrong with it, as argparse wants it.
-- @internal xcompliance.cli.convert

local M = {}

local UNITS = { [""] = 1, K = 2 ^ 10, M = 2 ^ 20, G = 2 ^ 30, T = 2 ^ 40 }
local MEMORY_MIN = 16 * UNITS.M

--- A function that reads a whole number, from 1 on.
-- @tparam string option its name, for messages
function M.count(option)
  return function(value)
    local number = value:match("^%d+$") and tonumber(value)
    if number and number >= 1 and number <= 2 ^ 53 then return number end
    return nil, option .. " is a whole number, from 1 on"
  end
end

--- A function that reads a number.
-- @tparam string option its name, for messages
function M.number(option)
  return function(value)
    local number = tonumber(value)
    if number then return number end
    return nil, ("%s is a number, not '%s'"):format(option, value)
  end
end

--- A size of memory: "512M" as bytes.
function M.memory(value)
  local number, unit = value:upper():match("^(%d+)([KMGT]?)I?B?$")
  local bytes = number and tonumber(number) * UNITS[unit]
  if bytes and bytes >= MEMORY_MIN and bytes <= 2 ^ 53 then return bytes end
  return nil, "--memory is a size such as 512M or 4G, from 16M on"
end

--- "5:60" as `{ min = 5, max = 60 }`.
function M.poll(value)
  local min, max = value:match("^(%d+%.?%d*):(%d+%.?%d*)$")
  min, max = tonumber(min), tonumber(max)
  if min and min >= 1 and min <= max then return { min = min, max = max } end
  return nil, "--poll is MIN:MAX, in seconds, from 1 on"
end

--- The help text of --policy.
M.POLICY = "What to do about a reason: remove (default), quarantine or keep. scrub_geo: remove"
  .. " (default) or keep. rehydrate (edited tweets): keep (default), scrub_geo, quarantine or"
  .. " remove. May be given several times, or once with commas."

--- "suspended=quarantine,deleted=keep" as an array of `{ "suspended", "quarantine" }`.
function M.treatments(value)
  local list = {}
  for part in (value .. ","):gmatch("([^,]*),") do
    local reason, treatment = part:match("^([%w_]+)=([%w_]+)$")
    if not reason then
      return nil, "--policy is REASON=TREATMENT, such as suspended=quarantine,scrub_geo=keep"
    end
    list[#list + 1] = { reason, treatment }
  end
  return list
end

--- The policy that several of these make.
-- @tparam ?table lists
-- @treturn ?table treatments by reason
function M.policy(lists)
  local policy = {}
  for _, list in ipairs(lists or {}) do
    for _, pair in ipairs(list) do policy[pair[1]] = pair[2] end
  end
  return next(policy) and policy or nil
end

return M
