--- Records of every shape that datasets have, from a seed: v2 tweets flattened and in pages, v1.1
-- tweets, users, arrays of them; with escapes, numbers for ids and white space wherever JSON allows
-- them. Ids come from small pools, so that a few verdicts hit many records.

local M = {}

local Generator = {}
Generator.__index = Generator

--- A generator; the same seed gives the same records under every Lua.
function M.new(seed)
  return setmetatable({ state = seed % 2147483647 + 1 }, Generator)
end

--- A whole number from 1 to n (Park and Miller).
function Generator:upto(n)
  self.state = self.state * 16807 % 2147483647
  return self.state % n + 1
end

function Generator:chance(percent) return self:upto(100) <= percent end
function Generator:pick(list) return list[self:upto(#list)] end

local TWEET_POOL, USER_POOL = 60, 40

function Generator:tweet_id()
  return ("12%015d%02d"):format(380242611, self:upto(TWEET_POOL))
end

--- User ids are as short as those of the first users and as long as today's.
function Generator:user_id()
  local number = self:upto(USER_POOL)
  if number % 4 == 0 then return ("%d"):format(number) end
  if number % 4 == 1 then return ("7000%05d"):format(number) end
  return ("1470000000000%06d"):format(number)
end

-- {====================================================================
-- JSON as text
-- =====================================================================

local BLANKS = { "", "", "", "", " ", " ", "\t", "  " }

function Generator:blank() return self:pick(BLANKS) end

--- A byte of a string as itself or as an escape.
function Generator:escaped(text, percent)
  return (text:gsub("[%w_]", function(c)
    if self:chance(percent) then return ("\\u%04x"):format(c:byte()) end
  end))
end

function Generator:string(text)
  if self:chance(3) then text = self:escaped(text, 30) end
  return '"' .. text .. '"'
end

function Generator:key(text)
  if self:chance(2) then text = self:escaped(text, 40) end
  return '"' .. text .. '"'
end

function Generator:id(text, may_be_number)
  if may_be_number and self:chance(20) then return text end
  if self:chance(4) then return '"' .. self:escaped(text, 20) .. '"' end
  return '"' .. text .. '"'
end

function Generator:shuffle(list)
  for i = #list, 2, -1 do
    local j = self:upto(i)
    list[i], list[j] = list[j], list[i]
  end
  return list
end

--- An object of `{ key, text }` members, shuffled; members without a text are left out.
function Generator:object(members)
  local present = {}
  for _, member in ipairs(members) do
    if member[2] then
      local key, colon = self:key(member[1]), self:blank() .. ":" .. self:blank()
      present[#present + 1] = key .. colon .. member[2]
    end
  end
  return self:bracket("{", self:shuffle(present), "}")
end

function Generator:array(elements) return self:bracket("[", elements, "]") end

function Generator:bracket(open, items, close)
  local parts = {}
  for i, item in ipairs(items) do parts[i] = self:blank() .. item .. self:blank() end
  if #parts == 0 then parts[1] = self:blank() end
  return open .. table.concat(parts, ",") .. close
end

--- `make` called up to `most` times.
function Generator:several(most, make)
  local list = {}
  for i = 1, self:upto(most + 1) - 1 do list[i] = make() end
  return self:array(list)
end

function Generator:maybe(percent, make)
  return self:chance(percent) and make() or nil
end

-- }====================================================================

-- {====================================================================
-- Tweets and users
-- =====================================================================

local TEXTS = {
  "hello", "see https://x.com/i/status/1200000038024261101 now", "{\\\"id\\\":\\\"12\\\"}",
  "[1,2]", "\\ud83d\\ude00 \\u0430\\u0431 \\\\", "caf\195\169", "a, b: \\n", "",
  "1.5e3 7 42 2021-04-08",
}

function Generator:text() return '"' .. self:pick(TEXTS) .. '"' end

function Generator:place_id() return ("%08x"):format(self:upto(6)) end
function Generator:media_key() return "3_" .. self:upto(8) end

function Generator:user(depth, bare)
  local id = self:user_id()
  local name = self:chance(50) and "username" or "screen_name"
  return self:object {
    { "id", self:id(id, true) },
    { "id_str", self:maybe(20, function() return self:id(id) end) },
    { name, not bare and self:string("somebody") },
    { "name", self:string("Some Body") },
    { "pinned_tweet_id", self:maybe(20, function() return self:id(self:tweet_id()) end) },
    { "status", depth > 0 and self:maybe(15, function()
      return self:old_tweet(depth - 1, true)
    end) },
  }
end

function Generator:mentions()
  return self:several(3, function() return self:user(0, self:chance(20)) end)
end

function Generator:geo()
  return self:object {
    { "place_id", self:maybe(80, function() return self:string(self:place_id()) end) },
    { "coordinates", self:maybe(30, function() return "[1.5,2]" end) },
  }
end

function Generator:attachments()
  return self:object {
    { "media_keys", self:maybe(70, function()
      return self:several(2, function() return self:string(self:media_key()) end)
    end) },
    { "poll_ids", self:maybe(30, function()
      return self:array { self:string("poll" .. self:upto(4)) }
    end) },
  }
end

local REFERENCE_TYPES = { "retweeted", "quoted", "replied_to" }

function Generator:reference(depth)
  local kind = self:string(self:pick(REFERENCE_TYPES))
  if depth == 0 or self:chance(50) then
    return self:object { { "type", kind }, { "id", self:id(self:tweet_id()) } }
  end
  return self:tweet(depth - 1, { "type", kind })
end

--- A tweet as v2 gives it; flattened where `depth` allows.
function Generator:tweet(depth, extra)
  local id = self:tweet_id()
  local references = self:chance(50) and "referenced_tweets" or "referenced_posts"
  local history = self:chance(80) and "edit_history_tweet_ids" or "edit_history_post_ids"
  return self:object {
    { "id", self:id(id, true) },
    { "text", self:text() },
    { "author_id", self:maybe(85, function() return self:id(self:user_id(), true) end) },
    { "conversation_id", self:id(self:tweet_id()) },
    { "in_reply_to_user_id", self:maybe(20, function() return self:id(self:user_id()) end) },
    { "created_at", self:string("2021-04-08T15:07:30.000Z") },
    { "author", depth > 0 and self:maybe(60, function() return self:user(depth) end) },
    { "in_reply_to_user", depth > 0 and self:maybe(25, function() return self:user(0) end) },
    { references, self:maybe(50, function()
      return self:several(2, function() return self:reference(depth) end)
    end) },
    { history, self:maybe(25, function()
      return self:array { self:id(self:tweet_id()), self:id(id) }
    end) },
    { "entities", self:maybe(40, function()
      return self:object { { "mentions", self:mentions() }, { "hashtags", "[]" } }
    end) },
    { "geo", self:maybe(25, function() return self:geo() end) },
    { "attachments", self:maybe(30, function() return self:attachments() end) },
    extra or { "lang", self:string("en") },
  }
end

--- A tweet as v1.1 gives it. `latest`: as the `status` of a user, without an author.
function Generator:old_tweet(depth, latest)
  local id = self:tweet_id()
  local function nested() return self:old_tweet(depth - 1) end
  return self:object {
    { "id", self:id(id, true) },
    { "id_str", self:maybe(90, function() return self:id(id) end) },
    { self:chance(50) and "text" or "full_text", self:text() },
    { "user", not latest and self:user(depth > 0 and 1 or 0, self:chance(10)) },
    { "retweeted_status", depth > 0 and self:maybe(30, nested) },
    { "quoted_status", depth > 0 and self:maybe(30, nested) },
    { "in_reply_to_status_id_str", self:maybe(20, function() return self:id(self:tweet_id()) end) },
    { "entities", self:maybe(40, function()
      return self:object { { "user_mentions", self:mentions() } }
    end) },
    { "extended_tweet", self:maybe(20, function()
      return self:object {
        { "full_text", self:text() },
        { "entities", self:object { { "user_mentions", self:mentions() } } },
      }
    end) },
    { "geo", self:maybe(20, function() return "null" end) },
    { "coordinates", self:maybe(20, function()
      return '{"type":"Point","coordinates":[-1,2.5]}'
    end) },
    { "place", self:maybe(20, function() return '{"id":"07d9","name":"Here"}' end) },
  }
end

function Generator:included(name, make)
  return { name, self:maybe(60, function() return self:several(4, make) end) }
end

function Generator:page()
  local tweets = self:chance(70) and "tweets" or "posts"
  local function tweet() return self:tweet(0) end
  local function user() return self:user(1) end
  local data = self:chance(80) and tweet or user
  return self:object {
    { "data", self:chance(75) and self:several(5, data) or data() },
    { "includes", self:maybe(80, function()
      return self:object {
        self:included(tweets, tweet), self:included("users", user),
        self:included("media", function()
          return self:object {
            { "media_key", self:string(self:media_key()) }, { "type", self:string("photo") },
          }
        end),
        self:included("polls", function()
          return self:object { { "id", self:string("poll" .. self:upto(4)) } }
        end),
        self:included("places", function()
          return self:object { { "id", self:string(self:place_id()) } }
        end),
      }
    end) },
    { "meta", '{"result_count":5}' },
  }
end

-- }====================================================================

--- One record as JSON text, on one line.
function Generator:record()
  local kind = self:upto(100)
  if kind <= 30 then return self:tweet(2) end
  if kind <= 55 then return self:page() end
  if kind <= 80 then return self:old_tweet(3) end
  if kind <= 88 then return self:user(2) end
  if kind <= 93 then
    return self:object { { "statuses", self:several(4, function() return self:old_tweet(1) end) } }
  end
  if kind <= 97 then
    return self:array { self:tweet(1), self:old_tweet(1), self:page() }
  end
  return self:object { { "id", self:id(self:tweet_id()) }, { "delete", "true" } }
end

local REASONS = { "deleted", "bounced", "suspended", "deactivated", "protected" }

function Generator:row()
  local kind = self:upto(100)
  if kind <= 70 then return { outcome = "delete", reason = self:pick(REASONS) } end
  if kind <= 90 then return { outcome = "scrub_geo", reason = "scrub_geo" } end
  return { outcome = "rehydrate", reason = "tweet_edited" }
end

--- Rows about some of the ids: arrays of `{ outcome, reason }` by id.
-- @tparam integer percent of the ids that have a row
-- @tparam[opt] boolean unknown whether some outcomes are unknown
function Generator:verdicts(percent, unknown)
  local verdicts = { tweets = {}, users = {} }
  local function add(type, id)
    local rows = verdicts[type][id] or {}
    rows[#rows + 1] = unknown and self:chance(10) and { outcome = "unknown" } or self:row()
    verdicts[type][id] = rows
  end
  for _ = 1, TWEET_POOL * percent / 100 do add("tweets", self:tweet_id()) end
  for _ = 1, USER_POOL * percent / 100 do add("users", self:user_id()) end
  return verdicts
end

--- Rows as the lines of a results file.
function M.results(by_id)
  local ids, lines = {}, {}
  for id in pairs(by_id) do ids[#ids + 1] = id end
  table.sort(ids)
  for _, id in ipairs(ids) do
    for _, row in ipairs(by_id[id]) do
      local action = row.outcome == "unknown" and "vanish" or row.outcome
      lines[#lines + 1] = ('{"id":"%s","action":"%s","created_at":"2019-08-10T12:22:39.022Z"%s}\n')
        :format(id, action, row.reason and (',"reason":"%s"'):format(row.reason) or "")
    end
  end
  return table.concat(lines)
end

return M
