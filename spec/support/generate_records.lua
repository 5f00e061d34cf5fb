--- Records of every shape that datasets have (docs/shapes.md), from a seed: v2 tweets flattened and
-- in pages, v1.1 tweets, users, arrays of them, and what scrapers, exporters and databases write;
-- with escapes, numbers for ids and white space wherever JSON allows them. Ids come from small
-- pools, so that a few verdicts hit many records.

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
    { "status", depth > 0 and not bare and self:maybe(15, function()
      return self:old_tweet(depth - 1, true)
    end) },
    { "pinned_tweet", depth > 0 and not bare and self:maybe(15, function()
      return self:tweet(0)
    end) },
  }
end

--- The media of a tweet, some of which belong to another user.
function Generator:media()
  return self:several(2, function()
    return self:object {
      { "id_str", self:string("9" .. self:upto(9)) },
      { "additional_media_info", self:maybe(60, function()
        return self:object { { "source_user", self:user(0) }, { "title", self:text() } }
      end) },
    }
  end)
end

function Generator:mentioning(name)
  return self:object { { name, self:mentions() }, { "hashtags", "[]" } }
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
    { "entities", self:maybe(40, function() return self:mentioning("mentions") end) },
    { "note_tweet", self:maybe(15, function()
      return self:object { { "text", self:text() }, { "entities", self:mentioning("mentions") } }
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
      return self:object { { "user_mentions", self:mentions() }, { "media", self:media() } }
    end) },
    { "extended_entities", self:maybe(20, function()
      return self:object { { "media", self:media() } }
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

-- {====================================================================
-- What others write
-- =====================================================================

local Shapes = {}

--- What academictwitteR calls users_*.json: `includes` without its name.
function Shapes:academictwitter()
  local function part(name, key, text)
    return { name, self:several(3, function()
      return self:object { { key, self:string(text()) } }
    end) }
  end
  return self:object {
    { "users", self:several(4, function() return self:user(1) end) },
    { "tweets", self:several(4, function() return self:tweet(0) end) },
    part("media", "media_key", function() return self:media_key() end),
    part("places", "id", function() return self:place_id() end),
    part("polls", "id", function() return "poll" .. self:upto(4) end),
  }
end

function Generator:actor(bare)
  return self:object {
    { "objectType", self:string("person") },
    { "id", self:string("id:twitter.com:" .. self:user_id()) },
    { "preferredUsername", not bare and self:string("somebody") },
    { "location", self:maybe(30, function() return '{"objectType":"place"}' end) },
  }
end

function Shapes:activity(depth)
  depth = depth or 2
  local id, share = self:tweet_id(), depth > 0 and self:chance(40)
  local function nested() return Shapes.activity(self, depth - 1) end
  return self:object {
    { "id", self:string("tag:search.twitter.com,2005:" .. id) },
    { "objectType", self:string("activity") },
    { "verb", self:string(share and "share" or "post") },
    { "body", self:text() },
    { "actor", self:maybe(95, function() return self:actor(self:chance(10)) end) },
    { "object", share and nested() or self:object {
      { "objectType", self:string("note") },
      { "id", self:string("object:search.twitter.com,2005:" .. id) }, { "summary", self:text() },
    } },
    { "twitter_quoted_status", depth > 0 and self:maybe(30, nested) },
    { "twitter_entities", self:maybe(50, function()
      return self:object { { "user_mentions", self:mentions() }, { "media", self:media() } }
    end) },
    { "long_object", self:maybe(10, function()
      return self:object {
        { "body", self:text() }, { "twitter_entities", self:mentioning("user_mentions") },
      }
    end) },
    { "geo", self:maybe(30, function() return '{"type":"Point","coordinates":[1,2]}' end) },
    { "location", self:maybe(30, function()
      return '{"objectType":"place","displayName":"Here"}'
    end) },
  }
end

--- Whatever a wrapper may hold, with ids and white space as they come.
function Generator:wrapped() return self:chance(70) and self:old_tweet(1) or self:user(1) end

function Shapes:elasticsearch()
  return self:object {
    { "_index", self:string("tweets") },
    { "_id", self:string(self:chance(50) and self:tweet_id() or "AVx3qZ") },
    { "_score", "1" }, { "_source", self:wrapped() },
  }
end

function Shapes:elasticsearch_hits()
  return self:object {
    { "took", "5" }, { "timed_out", "false" },
    { "hits", self:object {
      { "total", "3" },
      { "hits", self:several(3, function() return Shapes.elasticsearch(self) end) },
    } },
  }
end

function Generator:long(text) return self:object { { "$numberLong", self:string(text) } } end

function Shapes:mongo()
  local id = self:tweet_id()
  local by_id, oid = self:chance(50), '{"$oid":"507f1f77bcf86cd799439011"}'
  return self:object {
    { "_id", by_id and self:pick { self:long(id), self:id(id) } or oid },
    { "id", not by_id and self:long(id) },
    { "text", self:text() },
    { "user", self:object {
      { "id", self:long(self:user_id()) }, { "screen_name", self:string("somebody") },
    } },
    { "retweeted_status", self:maybe(30, function() return self:old_tweet(0) end) },
  }
end

--- An element of a user's own archive.
function Shapes:archive()
  local id = self:tweet_id()
  return self:object { { "tweet", self:object {
    { "edit_info", self:maybe(50, function()
      return self:object { { "initial", self:object {
        { "editTweetIds", self:array { self:id(id), self:id(self:tweet_id()) } },
      } } }
    end) },
    { "id", self:id(id) }, { "id_str", self:id(id) }, { "full_text", self:text() },
    { "entities", self:mentioning("user_mentions") },
    { "coordinates", self:maybe(20, function() return "{}" end) },
  } } }
end

function Shapes:like()
  return self:object { { "like", self:object {
    { "tweetId", self:id(self:tweet_id()) }, { "fullText", self:text() },
    { "expandedUrl", self:string("https://twitter.com/i/web/status/1") },
  } } }
end

function Generator:graphql_user()
  local id, old = self:user_id(), self:chance(60)
  return self:object {
    { "__typename", self:string("User") }, { "id", self:string("VXNlcjox") },
    { "rest_id", self:string(id) },
    { "core", not old and self:object { { "screen_name", self:string("somebody") } } },
    { "legacy", self:object {
      { "screen_name", old and self:string("somebody") }, { "location", self:string("Here") },
    } },
  }
end

function Generator:graphql_tweet(depth)
  local id = self:tweet_id()
  local function nested() return self:object { { "result", self:graphql_result(depth - 1) } } end
  return self:object {
    { "__typename", self:string("Tweet") }, { "id", self:maybe(50, function()
      return self:string("VHdlZXQ6MQ")
    end) },
    { "rest_id", self:string(id) },
    { "core", self:maybe(80, function()
      return self:object {
        { "user_results", self:object { { "result", self:graphql_user() } } },
      }
    end) },
    { "quoted_status_result", depth > 0 and self:maybe(30, nested) },
    { "note_tweet", self:maybe(20, function()
      return self:object { { "note_tweet_results", self:object { { "result", self:object {
        { "text", self:text() }, { "entity_set", self:mentioning("user_mentions") },
      } } } } }
    end) },
    { "edit_control", self:maybe(30, function()
      return self:object { { "edit_tweet_ids", self:array { self:id(id) } } }
    end) },
    { "legacy", self:object {
      { "id_str", self:maybe(80, function() return self:string(id) end) },
      { "full_text", self:text() },
      { "user_id_str", self:maybe(60, function() return self:string(self:user_id()) end) },
      { "conversation_id_str", self:string(self:tweet_id()) },
      { "place", self:maybe(20, function() return '{"id":"07d9"}' end) },
      { "entities", self:mentioning("user_mentions") },
      { "retweeted_status_result", depth > 0 and self:maybe(30, nested) },
    } },
  }
end

function Generator:graphql_result(depth)
  if self:chance(10) then return '{"__typename":"TweetTombstone","tombstone":{"text":{}}}' end
  if self:chance(70) then return self:graphql_tweet(depth) end
  return self:object {
    { "__typename", self:string("TweetWithVisibilityResults") },
    { "tweet", self:graphql_tweet(depth) },
  }
end

function Shapes:graphql() return self:graphql_result(2) end

function Shapes:zeeschuimer()
  return self:object {
    { "nav_index", "1" }, { "item_id", self:string(self:tweet_id()) },
    { "source_platform", self:string("twitter.com") }, { "data", self:graphql_result(2) },
  }
end

function Shapes:tweet_results()
  return self:object {
    { "tweet_results", self:object { { "result", self:graphql_result(1) } } },
  }
end

function Generator:flat_user()
  return self:object {
    { "screen_name", self:string("somebody") }, { "name", self:string("Some Body") },
    { "id", self:id(self:user_id()) },
  }
end

function Shapes:twint()
  return self:object {
    { "id", self:tweet_id() }, { "conversation_id", self:string(self:tweet_id()) },
    { "user_id", self:user_id() }, { "username", self:string("somebody") },
    { "place", self:maybe(50, function() return '""' end) },
    { "tweet", self:text() }, { "geo", '""' }, { "retweet", "false" },
    { "retweet_id", self:chance(50) and '""' or self:string(self:tweet_id()) },
    { "user_rt_id", self:string(self:user_id()) },
    { "mentions", self:several(2, function() return self:flat_user() end) },
    { "reply_to", self:several(2, function() return self:flat_user() end) },
  }
end

function Generator:scraped_user()
  return self:object {
    { "id", self:user_id() }, { "username", self:string("somebody") },
    { "displayname", self:string("Some Body") },
  }
end

function Shapes:snscrape(depth)
  depth = depth or 2
  local function nested() return Shapes.snscrape(self, depth - 1) end
  local function maybe_null(percent, make) return self:chance(percent) and make() or "null" end
  local id = self:tweet_id()
  return self:object {
    { "_type", self:string("snscrape.modules.twitter.Tweet") }, { "id", id },
    { "id_str", self:maybe(40, function() return self:string(id) end) },
    { self:chance(50) and "rawContent" or "content", self:text() },
    { "user", self:scraped_user() }, { "conversationId", self:tweet_id() },
    { "retweetedTweet", depth > 0 and maybe_null(30, nested) },
    { "quotedTweet", depth > 0 and maybe_null(30, nested) },
    { "inReplyToTweetId", maybe_null(30, function() return self:tweet_id() end) },
    { "inReplyToUser", maybe_null(30, function() return self:scraped_user() end) },
    { "mentionedUsers", self:several(3, function() return self:scraped_user() end) },
    { "media", "[]" },
    { "coordinates", maybe_null(30, function() return '{"longitude":1,"latitude":2}' end) },
    { "place", "null" },
  }
end

function Shapes:apify(depth)
  depth = depth or 2
  local function nested() return Shapes.apify(self, depth - 1) end
  return self:object {
    { "type", self:string("tweet") }, { "id", self:string(self:tweet_id()) },
    { "text", self:text() },
    { "author", self:object {
      { "type", self:string("user") }, { "id", self:string(self:user_id()) },
      { "userName", self:string("somebody") },
    } },
    { "quoteId", self:string(self:tweet_id()) },
    { "inReplyToUserId", self:string(self:user_id()) },
    { self:chance(50) and "quote" or "quoted_tweet", depth > 0 and self:maybe(30, nested) },
    { self:chance(50) and "retweet" or "retweeted_tweet", depth > 0 and self:maybe(30, nested) },
  }
end

function Shapes:twitterscraper()
  return self:object {
    { "screen_name", self:string("somebody") }, { "username", self:string("Some Body") },
    { "user_id", self:string(self:user_id()) }, { "tweet_id", self:string(self:tweet_id()) },
    { "text", self:text() }, { "parent_tweet_id", self:string(self:tweet_id()) },
  }
end

function Shapes:flat()
  return self:object {
    { "id", self:id(self:tweet_id()) }, { "user_id", self:id(self:user_id()) },
    { "screen_name", self:string("somebody") },
    { "retweeted_status_id", self:maybe(20, function() return self:id(self:tweet_id()) end) },
    { "retweeted_user_id", self:maybe(20, function() return self:id(self:user_id()) end) },
  }
end

--- A map of objects by their ids, made by `make(id)`.
function Generator:by_id(ids, make)
  local members = {}
  for id in pairs(ids) do members[#members + 1] = id end
  table.sort(members)
  for i, id in ipairs(members) do members[i] = { id, make(id) } end
  return self:object(members)
end

function Generator:some(most, draw)
  local ids = {}
  for _ = 1, self:upto(most + 1) - 1 do ids[draw(self)] = true end
  return ids
end

function Shapes:global_objects()
  return self:object {
    { "globalObjects", self:object {
      { "tweets", self:by_id(self:some(4, self.tweet_id), function(id)
        return self:object {
          { "id_str", self:string(id) }, { "full_text", self:text() },
          { "user_id_str", self:string(self:user_id()) },
          { "retweeted_status_id_str", self:maybe(20, function()
            return self:string(self:tweet_id())
          end) },
          { "geo", "null" },
        }
      end) },
      { "users", self:by_id(self:some(4, self.user_id), function(id)
        return self:object {
          { "id_str", self:string(id) }, { "screen_name", self:string("somebody") },
        }
      end) },
    } },
  }
end

function Shapes:search_results()
  return self:object {
    { "results", self:several(4, function()
      local id = self:user_id()
      return self:object {
        { "id_str", self:string(self:tweet_id()) }, { "text", self:text() },
        { "from_user_id", id }, { "from_user_id_str", self:string(id) },
        { "to_user_id", "null" }, { "geo", '{"type":"Point"}' },
      }
    end) },
    { "completed_in", "0.1" },
  }
end

--- Messages without content, and pages that hold none.
function Shapes:notice()
  local id, user = self:tweet_id(), self:user_id()
  return self:pick {
    ('{"delete":{"status":{"id":%s,"id_str":"%s","user_id":%s}}}'):format(id, id, user),
    ('{"scrub_geo":{"user_id":%s,"up_to_status_id":%s}}'):format(user, id),
    '{"limit":{"track":5}}', '{"disconnect":{"code":4}}', '{"warning":{"code":"FALLING_BEHIND"}}',
    ('{"status_withheld":{"id":%s,"user_id":%s}}'):format(id, user),
    ('{"user_withheld":{"id":%s}}'):format(user),
    '{"info":{"message":"Replay Request Completed"}}', "{}", "[]", "[{}]",
    '{"meta":{"result_count":0}}', '{"data":[],"meta":{"result_count":0},"__twarc":{}}',
    '{"errors":[{"detail":"Could not find tweet","value":"' .. id .. '"}]}',
    '{"statuses":[],"search_metadata":{"count":0}}', '{"includes":{"users":[]}}',
    '{"users":[],"media":[{"media_key":"3_1"}]}', '{"data":{},"includes":null}',
    '{"__typename":"TweetTombstone","tombstone":{}}',
  }
end

local SHAPES = {}
for name in pairs(Shapes) do SHAPES[#SHAPES + 1] = name end
table.sort(SHAPES)
M.SHAPES = SHAPES

--- A record of one of the shapes that others write.
-- @tparam[opt] string name one of M.SHAPES
function Generator:shaped(name) return Shapes[name or self:pick(SHAPES)](self) end

-- }====================================================================

--- One record as JSON text, on one line.
function Generator:record()
  local kind = self:upto(100)
  if kind <= 20 then return self:tweet(2) end
  if kind <= 35 then return self:page() end
  if kind <= 50 then return self:old_tweet(3) end
  if kind <= 56 then return self:user(2) end
  if kind <= 60 then
    return self:object { { "statuses", self:several(4, function() return self:old_tweet(1) end) } }
  end
  if kind <= 64 then
    return self:array { self:tweet(1), self:old_tweet(1), self:page(), self:shaped("graphql") }
  end
  return self:shaped()
end

--- A record in which there is neither a tweet nor a user, but something else; or one that has ids
-- at places that no rule knows.
function Generator:unrecognised()
  return self:pick {
    self:object {
      { "id", self:id(self:tweet_id()) }, { "text", self:text() },
      { "analysis", self:object {
        { "tweet_id", self:id(self:tweet_id()) }, { "id", self:id(self:tweet_id(), true) },
      } },
    },
    self:object {
      { "id", self:id(self:tweet_id()) }, { "text", self:text() },
      { "user", self:object {
        { "id", self:id(self:user_id()) }, { "status", self:old_tweet(1, true) },
      } },
      { "labels", self:array { self:object { { "userId", self:id(self:user_id()) } } } },
    },
    self:object { { "id", self:id(self:tweet_id()) }, { "delete", "true" } },
    self:object { { "data", self:array { self:object { { "tweet_count", "5" } } } } },
    self:object { { "metadata", self:object { { "tweet", self:string(self:tweet_id()) } } } },
    self:array { self:object { { "event", self:string("favorite") } }, self:tweet(0) },
    self:object { { "id", self:id(self:user_id()) }, { "name", self:string("Some Body") } },
  }
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
