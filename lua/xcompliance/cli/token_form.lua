--- What the form of a token says: whether it can be the app's own bearer token at all.
--
-- The API takes OAuth 2.0 App-Only tokens alone
-- (https://docs.x.com/fundamentals/authentication/oauth-2-0/application-only).
-- @internal xcompliance.cli.token_form

local M = {}

local DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

--- Base64 (RFC 4648) as bytes; what is not base64 gives other bytes.
local function decode(text)
  local bytes, bits, count = {}, 0, 0
  for c in text:gsub("-", "+"):gsub("_", "/"):gmatch("[%w+/]") do
    bits, count = bits * 64 + DIGITS:find(c, 1, true) - 1, count + 6
    if count >= 8 then
      count = count - 8
      bytes[#bytes + 1] = string.char(math.floor(bits / 2 ^ count) % 256)
      bits = bits % 2 ^ count
    end
  end
  return table.concat(bytes)
end

local USER_TOKEN = "a user's access token"
local REMEDY = "use the app's own bearer token, from the developer console"

--- Judges a token.
-- @tparam string token
-- @treturn string "ok", "warn" or "fail"
-- @treturn[opt] string what is wrong
-- @treturn[opt] string what helps
function M.judge(token)
  if token:find("^%s*[Bb]earer%s") then
    return "fail", "it begins with the word Bearer", "remove that word: it is not part of the token"
  end
  if token:find("^%s") or token:find("%s$") then
    return "fail", "a space or a line end is before or after it", "remove that"
  end
  if token:find("[^!-~]") then
    return "fail", "it has characters that no token has", "copy it again"
  end
  if token:find("^%d+%-%w+$") then
    return "fail", "it is " .. USER_TOKEN .. " (OAuth 1.0a)", REMEDY
  end
  if decode(token):find(":at:", 1, true) then
    return "fail", "it is " .. USER_TOKEN .. " (OAuth 2.0)", REMEDY
  end
  if token:find("^%w+$") and (#token == 25 or #token == 50) then
    return "warn", #token == 25 and "it looks like an API key" or "it looks like a secret", REMEDY
  end
  if not token:find("^AAAA") then
    return "warn", "it does not look like a bearer token of X: those begin with AAAA", REMEDY
  end
  return "ok"
end

return M
