--- Redaction of one record, slowly and in plain Lua: what docs/redaction.md says, rule by rule.
--
-- It works on decoded tables and shares nothing with the C core; the specs compare the two. Numbers
-- are kept as text, so that ids never pass through a double.

local cjson = require "cjson"
local shapes = require "spec.support.reference_shapes"

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

-- }====================================================================

-- {====================================================================
-- What is condemned
-- =====================================================================

local RANKS = { stop = 1, quarantine = 2, remove = 3 }

local function worse(one, other)
  return (RANKS[one] or 0) >= (RANKS[other] or 0) and one or other
end

--- What a set of rows about one id results in: "remove", "quarantine", "stop" or nil, and whether
-- it must be scrubbed. `history`: the id is only in the edit history of the tweet, so its copy
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

local function condemns(context, verdict) return (treatment(context, verdict, true)) ~= nil end
local function user_level(context, id) return (treatment(context, context.users[id])) end
local function tweet_level(context, id) return (treatment(context, context.tweets[id])) end

local function worst(context, ids, level_of)
  local level
  for _, id in ipairs(ids) do level = worse(level, level_of(context, id)) end
  return level
end

local condemned

local function retweet_level(context, tweet)
  local level = worse(worst(context, shapes.retweeted_ids(tweet), tweet_level),
    worst(context, shapes.retweeted_author_ids(tweet), user_level))
  for _, place in ipairs(shapes.retweeted(tweet)) do
    local inner = shapes.look(place.value, "tweet")
    if inner then level = worse(level, condemned(context, inner)) end
  end
  for _, found in ipairs(shapes.references(tweet)) do
    shapes.each(found.value, function(reference)
      if reference.type ~= "retweeted" then return end
      level = worse(level, worst(context, shapes.bare_ids(reference, "tweet"), tweet_level))
      local inner = shapes.look(reference, "tweet")
      if inner then level = worse(level, condemned(context, inner)) end
    end)
  end
  return level
end

--- How a tweet is condemned, if it is. `holder`: who wrote it, if it does not say so itself.
function condemned(context, tweet, holder)
  local level = worst(context, tweet.ids, tweet_level)
  for _, id in ipairs(shapes.version_ids(tweet)) do
    level = worse(level, (treatment(context, context.tweets[id], true)))
  end
  level = worse(level, worst(context, shapes.author_ids(tweet, holder), user_level))
  for _, place in ipairs(shapes.authors(tweet)) do
    level = worse(level, worst(context, shapes.bare_ids(place.value, "user"), user_level))
  end
  return worse(level, retweet_level(context, tweet))
end

-- }====================================================================

-- {====================================================================
-- What happens to it
-- =====================================================================

local function list_of(value) return type(value) == "table" and value or {} end

local function note_keys(into, tweet, places)
  for _, view in ipairs(tweet.views) do
    local object = view.object
    local attachments = shapes.is_object(object.attachments) and object.attachments or {}
    for kind, list in pairs { media = attachments.media_keys, polls = attachments.poll_ids } do
      for _, key in ipairs(list_of(list)) do into[kind .. " " .. key] = true end
    end
    if places and shapes.is_object(object.geo) and type(object.geo.place_id) == "string" then
      into["places " .. object.geo.place_id] = true
    end
  end
end

local redact_tweet, redact_user

--- All that a removed tweet or user referred to, with what is nested in it.
local function note_removed(context, thing)
  if not thing then return end
  local function note(places, where)
    for _, place in ipairs(places) do note_removed(context, shapes.look(place.value, where)) end
  end
  local function note_elements(lists, where)
    for _, list in ipairs(lists) do
      shapes.each(list.value, function(element)
        note_removed(context, shapes.look(element, where))
      end)
    end
  end
  if thing.kind == "user" then return note(shapes.posted(thing), "tweet") end
  note_keys(context.referred_by_removed, thing, true)
  note(shapes.retweeted(thing), "tweet")
  note(shapes.quoted(thing), "tweet")
  note(shapes.authors(thing), "user")
  note(shapes.other_users(thing), "user")
  note_elements(shapes.references(thing), "tweet")
  note_elements(shapes.mentions(thing), "user")
end

local function note_level(context, level)
  if level == "quarantine" or level == "stop" then context.found[level] = true end
end

local function redact_user_place(context, place)
  local user = shapes.look(place.value, "user")
  if not user then return end
  local level = worst(context, user.ids, user_level)
  if level == "remove" then
    note_removed(context, user)
    place.holder[place.key] = nil
    context.changed = true
    return
  end
  note_level(context, level)
  redact_user(context, user)
end

local function redact_tweet_place(context, place, holder)
  local tweet = shapes.look(place.value, "tweet")
  if not tweet then return end
  local level = condemned(context, tweet, holder)
  if level == "remove" then
    note_removed(context, tweet)
    place.holder[place.key] = nil
    context.changed = true
    return
  end
  note_level(context, level)
  redact_tweet(context, tweet, holder)
end

--- A list (or map) without the elements for which `redact` returns true. Returns whether that has
-- emptied it.
local function redact_list(context, list, redact)
  local kept, left, removed = {}, 0, 0
  local map = shapes.is_object(list.value)
  for key, element in (map and pairs or ipairs)(list.value) do
    if redact(context, element) then
      removed = removed + 1
    else
      left = left + 1
      kept[map and key or left] = element
    end
  end
  if removed > 0 then
    list.holder[list.key] = kept
    list.value = kept
    context.changed = true
  end
  return removed > 0 and left == 0
end

--- Whether what stands at a place must be removed; if not, what is in it is redacted.
local function redact_element(context, element, where)
  local thing = shapes.look(element, where)
  if not thing then return false end
  context.recognised = true
  local tweet = thing.kind == "tweet"
  local level
  if tweet then
    level = condemned(context, thing)
  else
    level = worst(context, thing.ids, user_level)
  end
  if level == "remove" then
    note_removed(context, thing)
    return true
  end
  note_level(context, level)
  if tweet then redact_tweet(context, thing) else redact_user(context, thing) end
  return false
end

local function redact_reference(context, reference)
  local tweet = shapes.look(reference, "tweet")
  if not tweet then return end
  local level = condemned(context, tweet)
  if level ~= "remove" then
    note_level(context, level)
    redact_tweet(context, tweet)
    return
  end
  note_removed(context, tweet)
  for name in pairs(reference) do
    if name ~= "type" and name ~= "id" then
      reference[name] = nil
      context.changed = true
    end
  end
end

local function scrub(context, tweet, holder)
  local wanted = false
  local function ask(ids, verdicts)
    for _, id in ipairs(ids) do
      local _, too = treatment(context, verdicts[id])
      wanted = wanted or too
    end
  end
  ask(tweet.ids, context.tweets)
  ask(shapes.author_ids(tweet, holder), context.users)
  if not wanted then return false end
  for _, view in ipairs(tweet.views) do
    local geo = view.object.geo
    local id = shapes.is_object(geo) and geo.place_id
    if type(id) == "string" then context.referred_by_removed["places " .. id] = true end
  end
  for _, place in ipairs(shapes.places(tweet)) do
    context.changed = true
    place.holder[place.key] = nil
  end
  return true
end

--- What is inside a tweet that stays.
function redact_tweet(context, tweet, holder)
  note_keys(context.referred, tweet, not scrub(context, tweet, holder))
  for _, id in ipairs(tweet.ids) do
    for _, row in ipairs(context.tweets[id] or {}) do
      if row.outcome == "rehydrate" then context.rehydrate[id] = true end
    end
  end
  for _, place in ipairs(shapes.retweeted(tweet)) do redact_tweet_place(context, place) end
  for _, place in ipairs(shapes.quoted(tweet)) do redact_tweet_place(context, place) end
  for _, found in ipairs(shapes.references(tweet)) do
    shapes.each(found.value, function(reference) redact_reference(context, reference) end)
  end
  for _, place in ipairs(shapes.authors(tweet)) do
    local user = shapes.look(place.value, "user")
    if user then
      note_level(context, worst(context, user.ids, user_level))
      redact_user(context, user)
    end
  end
  for _, place in ipairs(shapes.other_users(tweet)) do redact_user_place(context, place) end
  for _, found in ipairs(shapes.mentions(tweet)) do
    redact_list(context, found, function(_, mention)
      return redact_element(context, mention, "user")
    end)
  end
end

--- What is inside a user that stays.
function redact_user(context, user)
  for _, place in ipairs(shapes.posted(user)) do redact_tweet_place(context, place, user.ids) end
end

local function remove_orphans(context, record)
  for _, part in ipairs(shapes.included_parts(record)) do
    redact_list(context, part, function(_, element)
      local reference = shapes.is_object(element) and type(element[part.id]) == "string"
        and part.kind .. " " .. element[part.id]
      return reference and context.referred_by_removed[reference]
        and not context.referred[reference]
    end)
  end
end

--- Whether a record must be dropped; if not, what is in it is redacted.
local function redact_record(context, record)
  context.recognised = false
  if redact_element(context, record, "either") then return true end
  if shapes.is_object(record.data) and redact_element(context, record.data, "either") then
    return true
  end
  for _, list in ipairs(shapes.lists(record)) do
    local emptied = redact_list(context, list, function(_, element)
      return redact_element(context, element, list.where)
    end)
    if emptied and list.item then return true end
  end
  if not context.recognised and not shapes.is_notice(record) then context.unrecognised = true end
  return false
end

-- }====================================================================

local DOUBTFUL = { remove = "dropped", quarantine = "quarantined", stop = "unrecognised" }

--- A record that is not understood.
local function doubtful(options, record)
  return DOUBTFUL[options.on_unrecognised or "stop"], {}, record
end

--- Redacts a record; an array on a line is several.
-- @tparam table record from `decode`; it is changed
-- @tparam table verdicts `tweets` and `users`: arrays of `{ outcome, reason }` by id
-- @tparam table options `policy` (by reason), `on_unknown`, `on_unrecognised`
-- @treturn string "kept", "changed", "dropped", "quarantined", "stop" or "unrecognised"
-- @treturn table the ids of edited tweets that stay, as a set
-- @treturn table the record as it is now
function M.redact(record, verdicts, options)
  local context = {
    tweets = verdicts.tweets or {}, users = verdicts.users or {},
    policy = options.policy or {}, on_unknown = options.on_unknown or "stop",
    found = {}, referred = {}, referred_by_removed = {}, rehydrate = {},
  }
  local noted, trusting = shapes.noted(record), options.on_unrecognised == "keep"
  local dropped = redact_record(context, record)
  if context.unrecognised and not trusting then return doubtful(options, record) end
  if dropped then return "dropped", {} end
  remove_orphans(context, record)
  if context.found.quarantine then return "quarantined", {}, record end
  if context.found.stop then return "stop", {}, record end
  if context.recognised and not trusting and shapes.has_stray_id(record, noted, function(id)
    return condemns(context, context.tweets[id]) or condemns(context, context.users[id])
  end) then
    return doubtful(options, record)
  end
  return context.changed and "changed" or "kept", context.rehydrate, record
end

return M
