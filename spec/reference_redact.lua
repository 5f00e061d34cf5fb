--- Redaction of one record, slowly and in plain Lua: what docs/redaction.md says, rule by rule.
--
-- It works on decoded tables and shares nothing with the C core; the specs compare the two. Numbers
-- are kept as text, so that ids never pass through a double.

local cjson = require "cjson"

local M = {}

-- {====================================================================
-- JSON
-- =====================================================================

--- Decodes JSON; a number N becomes the string "#N".
function M.decode(text)
  local parts, at = {}, 1
  while at <= #text do
    local start = text:find('[%-%d"]', at)
    if not start then break end
    parts[#parts + 1] = text:sub(at, start - 1)
    if text:sub(start, start) == '"' then
      local stop = start + 1
      while text:sub(stop, stop) ~= '"' do
        stop = stop + (text:sub(stop, stop) == "\\" and 2 or 1)
      end
      parts[#parts + 1] = text:sub(start, stop)
      at = stop + 1
    else
      local number = text:match("^[%-%d%.eE%+]+", start)
      parts[#parts + 1] = '"#' .. number .. '"'
      at = start + #number
    end
  end
  parts[#parts + 1] = text:sub(at)
  return cjson.decode(table.concat(parts))
end

local function is_null(value) return value == nil or value == cjson.null end

local function id_text(value)
  if type(value) ~= "string" then return nil end
  return (value:gsub("^#", ""))
end

-- }====================================================================

-- {====================================================================
-- Tweets and users
-- =====================================================================

local TWEET_MARKS = {
  "text", "full_text", "author_id", "user", "edit_history_tweet_ids", "edit_history_post_ids",
}

local function has_any(object, names)
  for _, name in ipairs(names) do
    if object[name] ~= nil then return true end
  end
  return false
end

local function is_object(value) return type(value) == "table" and value[1] == nil end

local function own_id(object)
  if not is_object(object) then return nil end
  if not is_null(object.id_str) then return id_text(object.id_str) end
  if not is_null(object.id) then return id_text(object.id) end
end

local USER_MARKS = { "username", "screen_name" }

local function is_tweet(object) return own_id(object) and has_any(object, TWEET_MARKS) end

local function is_user(object)
  return own_id(object) and not is_tweet(object) and has_any(object, USER_MARKS)
end

local function list_of(value) return type(value) == "table" and value or {} end

local function each_list(object, names)
  local all = {}
  for _, name in ipairs(names) do
    if type(object[name]) == "table" then all[#all + 1] = { name = name, list = object[name] } end
  end
  return all
end

local REFERENCES = { "referenced_tweets", "referenced_posts" }

local function mention_lists(tweet)
  local all = {}
  local extended = is_object(tweet.extended_tweet) and tweet.extended_tweet.entities
  for _, entities in ipairs { tweet.entities or false, extended or false } do
    if is_object(entities) then
      for _, found in ipairs(each_list(entities, { "mentions", "user_mentions" })) do
        found.holder = entities
        all[#all + 1] = found
      end
    end
  end
  return all
end

-- }====================================================================

-- {====================================================================
-- What is condemned
-- =====================================================================

local RANKS = { stop = 1, quarantine = 2, remove = 3 }

local function worse(one, other)
  return (RANKS[one] or 0) >= (RANKS[other] or 0) and one or other
end

--- What a set of rows about one id results in: "remove", "quarantine", "stop" or nil, and whether
-- it is to be scrubbed. `history`: the id is only in the edit history of the tweet, so its copy
-- here may be the new one.
local function treatment(context, verdict, history)
  local level, scrub
  local edited = not history and context.policy.rehydrate or "keep"
  for _, row in ipairs(verdict or {}) do
    if row.outcome == "delete" then
      local word = context.policy[row.reason] or "remove"
      if word ~= "keep" then level = worse(level, word) end
    elseif row.outcome == "unknown" or row.outcome == "invalid" then
      level = worse(level, context.on_unknown)
    elseif row.outcome == "scrub_geo" and context.policy.scrub_geo ~= "keep" then
      scrub = true
    elseif row.outcome == "rehydrate" and edited == "scrub_geo" then
      scrub = true
    elseif row.outcome == "rehydrate" and edited ~= "keep" then
      level = worse(level, edited)
    end
  end
  return level, scrub
end

local function user_level(context, id) return (treatment(context, context.users[id])) end
local function tweet_level(context, id) return (treatment(context, context.tweets[id])) end

local function author_ids(tweet, author)
  local ids = {}
  if not is_null(tweet.author_id) then return { id_text(tweet.author_id) } end
  for _, name in ipairs { "user", "author" } do
    local id = is_object(tweet[name]) and own_id(tweet[name])
    if id then ids[#ids + 1] = id end
  end
  if #ids == 0 and author then ids[1] = author end
  return ids
end

local condemned

local function retweet_level(context, tweet)
  local level
  if is_tweet(tweet.retweeted_status) then level = condemned(context, tweet.retweeted_status) end
  for _, found in ipairs(each_list(tweet, REFERENCES)) do
    for _, reference in ipairs(found.list) do
      if is_object(reference) and reference.type == "retweeted" then
        local id = own_id(reference)
        if id then level = worse(level, tweet_level(context, id)) end
        if is_tweet(reference) then level = worse(level, condemned(context, reference)) end
      end
    end
  end
  return level
end

--- How a tweet is condemned, if it is. `author`: who wrote it, where it does not say so itself.
function condemned(context, tweet, author)
  local level = tweet_level(context, own_id(tweet))
  for _, name in ipairs { "edit_history_tweet_ids", "edit_history_post_ids" } do
    for _, id in ipairs(list_of(tweet[name])) do
      level = worse(level, (treatment(context, context.tweets[id_text(id)], true)))
    end
  end
  for _, id in ipairs(author_ids(tweet, author)) do
    level = worse(level, user_level(context, id))
  end
  for _, name in ipairs { "user", "author" } do
    if is_user(tweet[name]) then level = worse(level, user_level(context, own_id(tweet[name]))) end
  end
  return worse(level, retweet_level(context, tweet))
end

-- }====================================================================

-- {====================================================================
-- What happens to it
-- =====================================================================

local function note_keys(into, tweet, places)
  local attachments = is_object(tweet.attachments) and tweet.attachments or {}
  for kind, list in pairs { media = attachments.media_keys, polls = attachments.poll_ids } do
    for _, key in ipairs(list_of(list)) do into[kind .. " " .. key] = true end
  end
  if places and is_object(tweet.geo) and type(tweet.geo.place_id) == "string" then
    into["places " .. tweet.geo.place_id] = true
  end
end

local redact_tweet, redact_user

--- All that a removed tweet referred to, with what is nested in it.
local function note_removed(context, tweet)
  note_keys(context.referred_by_removed, tweet, true)
  for _, name in ipairs { "retweeted_status", "quoted_status" } do
    if is_tweet(tweet[name]) then note_removed(context, tweet[name]) end
  end
  for _, found in ipairs(each_list(tweet, REFERENCES)) do
    for _, reference in ipairs(found.list) do
      if is_tweet(reference) then note_removed(context, reference) end
    end
  end
end

local function note_level(context, level)
  if level == "quarantine" or level == "stop" then context.found[level] = true end
end

local function redact_user_member(context, holder, name)
  local user = holder[name]
  if not is_user(user) then return end
  local level = user_level(context, own_id(user))
  if level == "remove" then
    holder[name] = nil
    context.changed = true
    return
  end
  note_level(context, level)
  redact_user(context, user)
end

local function redact_tweet_member(context, holder, name, author)
  local tweet = holder[name]
  if not is_tweet(tweet) then return end
  local level = condemned(context, tweet, author)
  if level == "remove" then
    note_removed(context, tweet)
    holder[name] = nil
    context.changed = true
    return
  end
  note_level(context, level)
  redact_tweet(context, tweet, author)
end

--- A list without the elements for which `redact` returns true. Returns whether that has emptied
-- it.
local function redact_list(context, holder, name, redact)
  local kept, removed = {}, 0
  for _, element in ipairs(holder[name]) do
    if redact(context, element) then
      removed = removed + 1
    else
      kept[#kept + 1] = element
    end
  end
  if removed > 0 then
    holder[name] = kept
    context.changed = true
  end
  return removed > 0 and #kept == 0
end

--- Whether an element of a page, or a record, is to be removed; if not, what is in it is redacted.
local function redact_element(context, element)
  if is_tweet(element) then
    local level = condemned(context, element)
    if level == "remove" then
      note_removed(context, element)
      return true
    end
    note_level(context, level)
    redact_tweet(context, element)
  elseif is_user(element) then
    local level = user_level(context, own_id(element))
    if level == "remove" then return true end
    note_level(context, level)
    redact_user(context, element)
  end
end

local function only(is, context, element)
  return is(element) and redact_element(context, element)
end

local function redact_reference(context, reference)
  if not is_tweet(reference) then return end
  local level = condemned(context, reference)
  if level ~= "remove" then
    note_level(context, level)
    redact_tweet(context, reference)
    return
  end
  note_removed(context, reference)
  for name in pairs(reference) do
    if name ~= "type" and name ~= "id" then
      reference[name] = nil
      context.changed = true
    end
  end
end

local function scrub(context, tweet, author)
  local _, wanted = treatment(context, context.tweets[own_id(tweet)])
  for _, id in ipairs(author_ids(tweet, author)) do
    local _, too = treatment(context, context.users[id])
    wanted = wanted or too
  end
  if not wanted then return false end
  note_keys(context.referred_by_removed, { geo = tweet.geo }, true)
  for _, name in ipairs { "geo", "coordinates", "place" } do
    if tweet[name] ~= nil then context.changed = true end
    tweet[name] = nil
  end
  return true
end

--- What is inside a tweet that stays.
function redact_tweet(context, tweet, author)
  note_keys(context.referred, tweet, not scrub(context, tweet, author))
  for _, row in ipairs(context.tweets[own_id(tweet)] or {}) do
    if row.outcome == "rehydrate" then context.rehydrate[own_id(tweet)] = true end
  end
  redact_tweet_member(context, tweet, "retweeted_status")
  redact_tweet_member(context, tweet, "quoted_status")
  for _, found in ipairs(each_list(tweet, REFERENCES)) do
    for _, reference in ipairs(found.list) do redact_reference(context, reference) end
  end
  for _, name in ipairs { "user", "author" } do
    if is_user(tweet[name]) then
      note_level(context, user_level(context, own_id(tweet[name])))
      redact_user(context, tweet[name])
    end
  end
  redact_user_member(context, tweet, "in_reply_to_user")
  for _, found in ipairs(mention_lists(tweet)) do
    redact_list(context, found.holder, found.name, function(_, mention)
      return only(is_user, context, mention)
    end)
  end
end

--- What is inside a user that stays.
function redact_user(context, user)
  redact_tweet_member(context, user, "status", own_id(user))
end

local ORPHANS = { media = "media_key", polls = "id", places = "id" }

local function remove_orphans(context, includes)
  for name, key in pairs(ORPHANS) do
    if type(includes[name]) == "table" then
      redact_list(context, includes, name, function(_, element)
        local reference = is_object(element) and type(element[key]) == "string"
          and name .. " " .. element[key]
        return reference and context.referred_by_removed[reference]
          and not context.referred[reference]
      end)
    end
  end
end

local function redact_includes(context, includes)
  for _, found in ipairs(each_list(includes, { "tweets", "posts" })) do
    redact_list(context, includes, found.name, function(_, element)
      return only(is_tweet, context, element)
    end)
  end
  if type(includes.users) == "table" then
    redact_list(context, includes, "users", function(_, element)
      return only(is_user, context, element)
    end)
  end
end

--- Whether a record is to be dropped; if not, what is in it is redacted.
local function redact_record(context, record)
  if redact_element(context, record) then return true end
  if is_object(record.data) then
    if redact_element(context, record.data) then return true end
  elseif type(record.data) == "table" then
    if redact_list(context, record, "data", redact_element) then return true end
  end
  if type(record.statuses) == "table" and not is_object(record.statuses)
    and redact_list(context, record, "statuses", function(_, element)
      return only(is_tweet, context, element)
    end) then
    return true
  end
  if is_object(record.includes) then redact_includes(context, record.includes) end
  return false
end

-- }====================================================================

--- Redacts a record; an array on a line is several.
-- @tparam table record from `decode`; it is changed
-- @tparam table verdicts `tweets` and `users`: arrays of `{ outcome, reason }` by id
-- @tparam table options `policy` (by reason), `on_unknown`
-- @treturn string "kept", "changed", "dropped", "quarantined" or "stop"
-- @treturn table the ids of edited tweets that stay, as a set
-- @treturn table the record as it is now
function M.redact(record, verdicts, options)
  local context = {
    tweets = verdicts.tweets or {}, users = verdicts.users or {},
    policy = options.policy or {}, on_unknown = options.on_unknown or "stop",
    found = {}, referred = {}, referred_by_removed = {}, rehydrate = {},
  }
  if redact_record(context, record) then return "dropped", {} end
  if is_object(record.includes) then remove_orphans(context, record.includes) end
  if context.found.quarantine then return "quarantined", {}, record end
  if context.found.stop then return "stop", {}, record end
  return context.changed and "changed" or "kept", context.rehydrate, record
end

return M
