--- The ids of one record, slowly and in plain Lua: what docs/extract.md says, rule by rule.
--
-- It works on decoded tables and shares nothing with the C core; the specs compare the two. Numbers
-- are put between quotes before they are decoded, so that ids never pass through a double.

local cjson = require "cjson"

local M = {}

--- JSON with its numbers as strings.
local function quote_numbers(text)
  local out, at = {}, 1
  while at <= #text do
    local c = text:sub(at, at)
    local stop
    if c == '"' then
      stop = at + 1
      while text:sub(stop, stop) ~= '"' do
        stop = stop + (text:sub(stop, stop) == "\\" and 2 or 1)
      end
      out[#out + 1] = text:sub(at, stop)
    elseif c:find("[%d-]") then
      stop = select(2, text:find("^[%d%.eE+-]+", at))
      out[#out + 1] = '"' .. text:sub(at, stop) .. '"'
    else
      stop = at
      out[#out + 1] = c
    end
    at = stop + 1
  end
  return table.concat(out)
end

local function object(value)
  return type(value) == "table" and value[1] == nil and value or nil
end

local function present(value) return value ~= nil and value ~= cjson.null end

local function id_of(value)
  if present(value.id_str) then return value.id_str end
  if present(value.id) then return value.id end
end

local function has(value, ...)
  for i = 1, select("#", ...) do
    if value[select(i, ...)] ~= nil then return true end
  end
  return false
end

local function is_tweet(value)
  return id_of(value) and has(value, "text", "full_text", "author_id", "user",
    "edit_history_tweet_ids", "edit_history_post_ids")
end

local function is_user(value)
  return id_of(value) and not is_tweet(value) and has(value, "username", "screen_name")
end

local add_user

local function each(list, visit, found)
  if type(list) ~= "table" then return end
  for _, element in ipairs(list) do
    if object(element) then visit(element, found) end
  end
end

local function add_authors(tweet, found, holder)
  if present(tweet.author_id) then
    found.users[tweet.author_id] = true
    return
  end
  local known = false
  for _, name in ipairs { "user", "author" } do
    local author = object(tweet[name])
    if author and id_of(author) then
      found.users[id_of(author)] = true
      known = true
    end
  end
  if holder and not known then found.users[holder] = true end
end

local function add_mentions(entities, found)
  if not object(entities) then return end
  each(entities.mentions, add_user, found)
  each(entities.user_mentions, add_user, found)
end

local function add_tweet(tweet, found, holder)
  if not object(tweet) or not is_tweet(tweet) then return end
  found.tweets[id_of(tweet)] = true
  add_authors(tweet, found, holder)
  if found.top_level then return end
  for _, name in ipairs { "retweeted_status", "quoted_status" } do
    add_tweet(tweet[name], found)
  end
  each(tweet.referenced_tweets, add_tweet, found)
  each(tweet.referenced_posts, add_tweet, found)
  for _, name in ipairs { "user", "author", "in_reply_to_user" } do
    if object(tweet[name]) then add_user(tweet[name], found) end
  end
  add_mentions(tweet.entities, found)
  if object(tweet.extended_tweet) then add_mentions(tweet.extended_tweet.entities, found) end
end

function add_user(user, found)
  if not is_user(user) then return end
  found.users[id_of(user)] = true
  if not found.top_level and object(user.status) then
    add_tweet(user.status, found, id_of(user))
  end
end

local function add_either(value, found)
  add_tweet(value, found)
  add_user(value, found)
end

local function add_record(record, found)
  add_either(record, found)
  if object(record.data) then add_either(record.data, found) end
  each(record.data, add_either, found)
  each(record.statuses, add_tweet, found)
  if found.top_level or not object(record.includes) then return end
  each(record.includes.tweets, add_tweet, found)
  each(record.includes.posts, add_tweet, found)
  each(record.includes.users, add_user, found)
end

--- Adds the ids of one record.
-- @tparam string text its JSON
-- @tparam table found `tweets` and `users`, sets of ids; `top_level`
function M.add(text, found)
  local record = cjson.decode(quote_numbers(text))
  if object(record) then
    add_record(record, found)
  else
    each(record, add_record, found)
  end
end

local function by_number(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end

--- The ids of many records, as the file that an extraction writes.
function M.file(records, type, top_level)
  local found, list = { tweets = {}, users = {}, top_level = top_level }, {}
  for _, record in ipairs(records) do M.add(record, found) end
  for id in pairs(found[type]) do list[#list + 1] = id end
  table.sort(list, by_number)
  list[#list + 1] = ""
  return table.concat(list, "\n")
end

return M
