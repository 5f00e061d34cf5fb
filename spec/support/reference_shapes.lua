--- Where tweets and users live in a decoded record, slowly and in plain Lua: what docs/shapes.md
-- says, rule by rule.
--
-- It works on decoded tables and shares nothing with the C core; the specs compare the two. Ids are
-- text; a "#" before one, which reference_redact.lua puts before numbers, does not count.

local cjson = require "cjson"

local M = {}

function M.is_object(value) return type(value) == "table" and value[1] == nil end
function M.is_null(value) return value == nil or value == cjson.null end

local is_object, is_null = M.is_object, M.is_null

-- {====================================================================
-- One object, and what is inside it
-- =====================================================================

local INSIDE = { any = { "legacy" }, tweet = { "tweet", "_source", "like" } }

local function add_views(views, object, level, may_be_tweet)
  views[#views + 1] = { object = object, level = level }
  for kind, names in pairs(INSIDE) do
    for _, name in ipairs(names) do
      if (kind == "any" or may_be_tweet) and is_object(object[name]) then
        add_views(views, object[name], level + 1, may_be_tweet)
      end
    end
  end
  local results = may_be_tweet and object.tweet_results
  if is_object(results) and is_object(results.result) then
    add_views(views, results.result, level + 1, may_be_tweet)
  end
end

--- The object with the objects whose members count as its own.
local function views_of(object, may_be_tweet)
  local views = {}
  if is_object(object) then add_views(views, object, 0, may_be_tweet) end
  return views
end

--- The members at a path ("a.b.c"): a list of `{ holder, key, value }`.
local function find_in(object, path)
  local first, rest = path:match("^([^.]+)%.?(.*)$")
  local value = object[first]
  if value == nil then return nil end
  if rest == "" then return { holder = object, key = first, value = value } end
  return is_object(value) and find_in(value, rest) or nil
end

local function find(views, paths)
  local all = {}
  for _, view in ipairs(views) do
    for _, path in ipairs(paths) do
      all[#all + 1] = find_in(view.object, path)
    end
  end
  return all
end

-- }====================================================================

-- {====================================================================
-- Ids and kinds
-- =====================================================================

local PREFIXES = { "^tag:search%.twitter%.com,2005:", "^id:twitter%.com:" }

--- The id that a value is, as text; nil if it is not one.
function M.id_text(value)
  local number = is_object(value) and value["$numberLong"]
  if type(number) == "string" then value = number end
  if type(value) ~= "string" then return nil end
  value = value:gsub("^#", "")
  for _, prefix in ipairs(PREFIXES) do value = value:gsub(prefix, "") end
  return value
end

local id_text = M.id_text

--- Better names first.
local ID_NAMES = {
  { "id_str" }, { "rest_id", "tweet_id", "status_id", "tweetid", "tweetId" }, { "id" }, { "_id" },
}

local function ids_at(view, names)
  local ids = {}
  for _, name in ipairs(names) do
    local value = view.object[name]
    local id = not is_null(value) and id_text(value)
    if name == "_id" and id and not id:find("^%d+$") then id = nil end
    if id then ids[#ids + 1] = id end
  end
  return ids
end

local function own_ids(views)
  local deepest = 0
  for _, view in ipairs(views) do deepest = math.max(deepest, view.level) end
  for level = deepest, 0, -1 do
    for _, names in ipairs(ID_NAMES) do
      local all = {}
      for _, view in ipairs(views) do
        for _, id in ipairs(view.level == level and ids_at(view, names) or {}) do
          all[#all + 1] = id
        end
      end
      if #all > 0 then return all end
    end
  end
  return {}
end

local DIRECT_AUTHORS = {
  "author_id", "user_id", "user_id_str", "from_user_id", "from_user_id_str", "userid",
}
local HOLDING_AUTHORS = { "user", "author", "actor", "core.user_results.result" }
local TWEET_MARKS = {
  "text", "full_text", "user", "edit_history_tweet_ids", "edit_history_post_ids", "verb",
  "rawContent", "content", "fullText", "tweet_id", "status_id", "tweetid",
}
for _, name in ipairs(DIRECT_AUTHORS) do TWEET_MARKS[#TWEET_MARKS + 1] = name end
local USER_MARKS = {
  "username", "screen_name", "userName", "preferredUsername", "core.screen_name",
}

local function has_tweet_mark(views)
  if #find(views, TWEET_MARKS) > 0 then return true end
  for _, found in ipairs(find(views, { "tweet" })) do
    if not is_object(found.value) then return true end -- twint's text
  end
  return false
end

--- Looks at an object at a place where a tweet, a user or either may stand.
-- @treturn ?table `{ kind = "tweet" | "user", ids, views }`
function M.look(object, where)
  local views = views_of(object, where ~= "user")
  local ids = own_ids(views)
  if #ids == 0 then return nil end
  if where ~= "user" and has_tweet_mark(views) then
    return { kind = "tweet", ids = ids, views = views }
  end
  if where ~= "tweet" and #find(views, USER_MARKS) > 0 then
    return { kind = "user", ids = ids, views = views }
  end
end

--- The own ids of what may be no more than a reference to a user or tweet.
function M.bare_ids(object, where) return own_ids(views_of(object, where ~= "user")) end

--- The ids of a tweet's authors. `holder`: those of the user object that holds it.
function M.author_ids(tweet, holder)
  local ids = {}
  for _, found in ipairs(find(tweet.views, DIRECT_AUTHORS)) do
    if not is_null(found.value) then ids[#ids + 1] = id_text(found.value) end
  end
  if #ids > 0 then return ids end
  for _, author in ipairs(M.authors(tweet)) do
    for _, id in ipairs(M.bare_ids(author.value, "user")) do ids[#ids + 1] = id end
  end
  return #ids > 0 and ids or holder or {}
end

local function objects_at(views, paths)
  local all = {}
  for _, found in ipairs(find(views, paths)) do
    if is_object(found.value) then all[#all + 1] = found end
  end
  return all
end

local function elements_at(views, paths)
  local all = {}
  for _, found in ipairs(find(views, paths)) do
    if type(found.value) == "table" and not is_object(found.value) then all[#all + 1] = found end
  end
  return all
end

-- }====================================================================

-- {====================================================================
-- What a tweet or user holds: lists of { holder, key, value }
-- =====================================================================

function M.authors(tweet) return objects_at(tweet.views, HOLDING_AUTHORS) end

function M.retweeted(tweet)
  return objects_at(tweet.views, {
    "retweeted_status", "retweetedTweet", "retweet", "retweeted_tweet", "object",
    "retweeted_status_result.result",
  })
end

function M.quoted(tweet)
  return objects_at(tweet.views, {
    "quoted_status", "quotedTweet", "quote", "quoted_tweet", "twitter_quoted_status",
    "quoted_status_result.result",
  })
end

--- Lists of references.
function M.references(tweet)
  return elements_at(tweet.views, { "referenced_tweets", "referenced_posts" })
end

local ENTITIES = {
  "entities", "extended_tweet.entities", "note_tweet.entities", "twitter_entities",
  "long_object.twitter_entities", "note_tweet.note_tweet_results.result.entity_set",
}

--- Lists of users.
function M.mentions(tweet)
  local paths = { "mentionedUsers", "mentions", "reply_to" }
  for _, entities in ipairs(ENTITIES) do
    paths[#paths + 1] = entities .. ".mentions"
    paths[#paths + 1] = entities .. ".user_mentions"
  end
  return elements_at(tweet.views, paths)
end

--- Users that a tweet only refers to.
function M.other_users(tweet)
  local users = objects_at(tweet.views, { "in_reply_to_user", "inReplyToUser" })
  for _, media in ipairs(elements_at(tweet.views, {
    "entities.media", "extended_entities.media", "extended_tweet.entities.media",
    "extended_tweet.extended_entities.media", "twitter_entities.media",
    "twitter_extended_entities.media",
  })) do
    for _, element in ipairs(media.value) do
      local found = is_object(element) and find_in(element, "additional_media_info.source_user")
      if found and is_object(found.value) then users[#users + 1] = found end
    end
  end
  return users
end

--- Ids of other versions of a tweet.
function M.version_ids(tweet)
  local ids = {}
  for _, list in ipairs(find(tweet.views, {
    "edit_history_tweet_ids", "edit_history_post_ids", "edit_info.initial.editTweetIds",
    "edit_control.edit_tweet_ids",
  })) do
    for _, id in ipairs(type(list.value) == "table" and list.value or {}) do
      ids[#ids + 1] = id_text(id)
    end
  end
  return ids
end

local function ids_of_members(tweet, names)
  local ids = {}
  for _, found in ipairs(find(tweet.views, names)) do
    local id = id_text(found.value)
    if id and id:find("^[1-9]%d*$") then ids[#ids + 1] = id end
  end
  return ids
end

--- Ids of tweets that this one retweets, and of their authors, given as members.
function M.retweeted_ids(tweet)
  return ids_of_members(tweet, {
    "retweeted_status_id", "retweeted_status_id_str", "retweet_status_id", "retweet_id",
    "retweeted_id",
  })
end

function M.retweeted_author_ids(tweet)
  return ids_of_members(tweet, {
    "retweeted_user_id", "retweet_user_id", "retweeted_status_user_id",
  })
end

function M.places(tweet)
  return find(tweet.views, { "geo", "coordinates", "place", "location" })
end

--- Tweets in a user object.
function M.posted(user) return objects_at(user.views, { "status", "pinned_tweet" }) end

-- }====================================================================

-- {====================================================================
-- Pages
-- =====================================================================

--- The lists of a page: `{ holder, key, value, where, item }`. `item`: the page goes with the last
-- of them; the others are included.
function M.lists(record)
  local lists = {}
  local function add(paths, where, item)
    for _, found in ipairs(find(views_of(record, true), paths)) do
      local map = paths[1]:find("globalObjects", 1, true)
      if type(found.value) == "table" and (not is_object(found.value) or map) then
        found.where, found.item = where, item
        lists[#lists + 1] = found
      end
    end
  end
  if not is_object(record.data) then add({ "data" }, "either", true) end
  add({ "hits.hits" }, "either", true)
  add({ "statuses", "results" }, "tweet", true)
  add({ "globalObjects.tweets" }, "tweet", true)
  add({ "includes.tweets", "includes.posts", "tweets", "posts" }, "tweet")
  add({ "includes.users", "users" }, "user")
  add({ "globalObjects.users" }, "user")
  return lists
end

--- Lists of media, polls and places, with the name of their keys.
function M.included_parts(record)
  local parts = {}
  for name, key in pairs { media = "media_key", polls = "id", places = "id" } do
    for _, found in ipairs(find(views_of(record, true), { "includes." .. name, name })) do
      if type(found.value) == "table" and not is_object(found.value) then
        found.kind, found.id = name, key
        parts[#parts + 1] = found
      end
    end
  end
  return parts
end

--- Calls `visit` with each element of a list, or value of a map of objects by ids.
function M.each(list, visit)
  for key, element in pairs(list) do
    if is_object(element) then visit(element, key) end
  end
end

-- }====================================================================

-- {====================================================================
-- Ids at places that no rule knows
-- =====================================================================

local RETWEETED_IDS = {
  "retweeted_status_id", "retweeted_status_id_str", "retweet_status_id", "retweet_id",
  "retweeted_id", "retweeted_user_id", "retweet_user_id", "retweeted_status_user_id",
}

local KNOWN = {}
for name in ([[
  in_reply_to_status_id in_reply_to_status_id_str in_reply_to_tweet_id in_reply_to_user_id
  in_reply_to_user_id_str inReplyToTweetId inReplyToStatusId inReplyToUserId inReplyToId
  parent_tweet_id to_user_id to_user_id_str quoted_status_id quoted_status_id_str quoted_tweet_id
  quoted_user_id quoted_id quote_id quoteId conversation_id conversation_id_str conversationId
  conversation_control source_status_id source_status_id_str source_user_id source_user_id_str
  pinned_tweet_id pinned_tweet_ids pinned_tweet_ids_str pinnedTweetIds most_recent_tweet_id
  newest_id oldest_id max_id max_id_str since_id since_id_str initial_tweet_id
  current_user_retweet self_thread user_rt_id item_id list_id list_id_str media place places polls
  card context_annotations matching_rules gnip errors meta search_metadata __twarc]])
  :gmatch("%S+") do
  KNOWN[name] = true
end

local function is_id_name(name)
  return name == "id" or name:find("_id$") or name:find("Id$") or name:find("id_str$")
end

--- Notes the members of an object, if it is one, that rules know as ids, and what is in it.
local function note(noted, object, where, bare)
  local thing = M.look(object, where)
  if not thing and not bare then return end
  for _, view in ipairs(thing and thing.views or views_of(object, where ~= "user")) do
    noted[view.object] = noted[view.object] or {}
    for _, names in ipairs(ID_NAMES) do
      for _, name in ipairs(names) do noted[view.object][name] = true end
    end
    for _, names in ipairs { DIRECT_AUTHORS, RETWEETED_IDS } do
      for _, name in ipairs(names) do
        if where ~= "user" then noted[view.object][name] = true end
      end
    end
  end
  if not thing then return end
  local function each(places, what)
    for _, place in ipairs(places) do note(noted, place.value, what, true) end
  end
  local function elements(lists, what)
    for _, list in ipairs(lists) do
      M.each(list.value, function(element) note(noted, element, what, true) end)
    end
  end
  if thing.kind == "user" then return each(M.posted(thing), "tweet") end
  each(M.retweeted(thing), "tweet")
  each(M.quoted(thing), "tweet")
  each(M.authors(thing), "user")
  each(M.other_users(thing), "user")
  elements(M.references(thing), "tweet")
  elements(M.mentions(thing), "user")
end

local function search(value, noted, is_bad)
  if type(value) ~= "table" then return false end
  for name, member in pairs(value) do
    if not KNOWN[name] then
      local id = type(name) == "string" and is_id_name(name) and type(member) == "string"
        and member:gsub("^#", "")
      if id and id:find("^[1-9]%d*$") and is_bad(id) and not (noted[value] or {})[name] then
        return true
      end
      if search(member, noted, is_bad) then return true end
    end
  end
  return false
end

--- Notes where a record has ids that rules know.
-- @treturn table sets of names by objects
function M.noted(record)
  local noted = {}
  note(noted, record, "either")
  if is_object(record.data) then note(noted, record.data, "either") end
  for _, list in ipairs(M.lists(record)) do
    M.each(list.value, function(element) note(noted, element, list.where) end)
  end
  return noted
end

--- Whether an id for which `is_bad` returns true stands in a member that is one by its name, and
-- neither noted nor a known reference.
function M.has_stray_id(record, noted, is_bad) return search(record, noted, is_bad) end

-- }====================================================================

-- {====================================================================
-- Records in which there is neither tweet nor user
-- =====================================================================

local NOTICES = {}
for name in ([[
  delete scrub_geo limit status_withheld user_withheld disconnect warning warn info error
  friends friends_str for_user control user_delete user_undelete user_protect user_unprotect
  user_suspend user_unsuspend tweet_edit meta errors __twarc search_metadata matching_rules
  next_cursor next_cursor_str previous_cursor previous_cursor_str total_count took timed_out
  total max_score completed_in max_id max_id_str since_id since_id_str refresh_url next_page
  results_per_page query page _shards __typename tombstone nav_index item_id
  timestamp_collected source_platform source_platform_url source_url user_agent]]):gmatch("%S+") do
  NOTICES[name] = true
end

local inside = {}
for _, names in pairs(INSIDE) do
  for _, name in ipairs(names) do inside[name] = inside end
end
inside.tweet_results = { result = inside }

local PAGE = {
  data = inside, statuses = "list", results = "list", tweets = "list", posts = "list",
  users = "list", media = "parts", polls = "parts", places = "parts",
  globalObjects = { tweets = "list", users = "list" }, hits = { hits = "list" },
  includes = {
    tweets = "list", posts = "list", users = "list", media = "parts", polls = "parts",
    places = "parts",
  },
}
for name in pairs(inside) do PAGE[name] = PAGE end
PAGE.tweet_results = { result = PAGE }

--- Whether an object in which nothing was found holds no content: its members are those of
-- notices, and the containers of pages without anything in them.
local function is_notice(object, known)
  known = known or PAGE
  for name, value in pairs(object) do
    local container = known[name]
    if not NOTICES[name] then
      if not container then return false end
      local empty = value == cjson.null or type(value) == "table" and next(value) == nil
      local quiet = container == "parts" and type(value) == "table" and not is_object(value)
        or type(container) == "table" and is_object(value) and is_notice(value, container)
      if not empty and not quiet then return false end
    end
  end
  return true
end

M.is_notice = is_notice

-- }====================================================================

return M
