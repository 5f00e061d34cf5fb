--- The tokens in the URLs of jobs at the API's own host. A token is good for one operation of one
-- job; until when is for the job to say. It holds characters that must be escaped in a URL, so that
-- a client that decodes and encodes URLs is caught.
-- @internal xcompliance.simulator.tokens

local digests = require "xcompliance.simulator.digests"
local hmac = require "openssl.hmac"

local M = {}
local Tokens = {}
Tokens.__index = Tokens

local ESCAPES = { ["+"] = "%2B", ["/"] = "%2F", ["="] = "%3D" }

--- @tparam string secret
function M.new(secret)
  return setmetatable({ secret = secret, issued = {}, count = 0 }, Tokens)
end

--- Makes a token that is like no other.
-- @tparam string purpose `"upload"` or `"download"`
-- @tparam string id the job's
-- @treturn string the token as it stands in a URL
function Tokens:issue(purpose, id)
  self.count = self.count + 1
  local text = ("%s %s %d"):format(purpose, id, self.count)
  local token = digests.base64(hmac.new(self.secret, "sha256"):final(text))
  self.issued[token] = { purpose = purpose, id = id }
  return (token:gsub("[+/=]", ESCAPES))
end

--- Makes the tokens for an operation of a job unusable.
function Tokens:revoke(purpose, id)
  for token, use in pairs(self.issued) do
    if use.purpose == purpose and use.id == id then self.issued[token] = nil end
  end
end

--- What a token is good for: `{ purpose, id }`, or nil if it is unusable.
-- @tparam[opt] string token decoded
function Tokens:use(token)
  return token and self.issued[token]
end

return M
