--- The ids of one record, slowly and in plain Lua: what docs/extract.md says, rule by rule.
--
-- It works on decoded tables and shares nothing with the C core; the specs compare the two. Numbers
-- are put between quotes before they are decoded, so that ids never pass through a double.

local cjson = require "cjson"
local shapes = require "spec.support.reference_shapes"

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

local add_tweet, add_user

local function add_ids(ids, set)
  for _, id in ipairs(ids) do set[id] = true end
end

local function add_found(thing, found, holder)
  if not thing then return end
  found.any = true
  if thing.kind == "tweet" then
    add_tweet(thing, found, holder)
  else
    add_user(thing, found)
  end
end

local function add_each(places, where, found, holder)
  for _, place in ipairs(places) do add_found(shapes.look(place.value, where), found, holder) end
end

local function add_elements(lists, where, found)
  for _, list in ipairs(lists) do
    shapes.each(list.value, function(element)
      add_found(shapes.look(element, where), found)
    end)
  end
end

function add_tweet(tweet, found, holder)
  local authors = shapes.author_ids(tweet, holder)
  add_ids(tweet.ids, found.tweets)
  add_ids(authors, found.users)
  if #authors == 0 then found.without_author = found.without_author + 1 end
  if found.top_level then return end
  add_ids(shapes.retweeted_ids(tweet), found.tweets)
  add_ids(shapes.retweeted_author_ids(tweet), found.users)
  add_each(shapes.retweeted(tweet), "tweet", found)
  add_each(shapes.quoted(tweet), "tweet", found)
  add_elements(shapes.references(tweet), "tweet", found)
  add_each(shapes.authors(tweet), "user", found)
  add_each(shapes.other_users(tweet), "user", found)
  add_elements(shapes.mentions(tweet), "user", found)
end

function add_user(user, found)
  add_ids(user.ids, found.users)
  if not found.top_level then add_each(shapes.posted(user), "tweet", found, user.ids) end
end

local function add_record(record, found)
  add_found(shapes.look(record, "either"), found)
  add_found(shapes.is_object(record.data) and shapes.look(record.data, "either"), found)
  for _, list in ipairs(shapes.lists(record)) do
    if list.item or not found.top_level then add_elements({ list }, list.where, found) end
  end
end

--- What one object of a record is: "recognised", "notice" or "unrecognised". With `top_level` what
-- is nested counts too.
local function class_of(record, found)
  local all = { tweets = {}, users = {}, without_author = 0 }
  add_record(record, found)
  add_record(record, all)
  found.without_author_of_all = (found.without_author_of_all or 0) + all.without_author
  if all.any then return "recognised" end
  return shapes.is_notice(record) and "notice" or "unrecognised"
end

local WORSE = { notice = 1, recognised = 2, unrecognised = 3 }

--- Adds the ids of one record.
-- @tparam string text its JSON
-- @tparam table found `tweets` and `users`, sets of ids; `top_level`, `without_author`
-- @treturn string what the record is: "recognised", "notice" or "unrecognised"
function M.add(text, found)
  local record = cjson.decode(quote_numbers(text))
  if shapes.is_object(record) then return class_of(record, found) end
  local class = "notice"
  for _, element in ipairs(record) do
    local one = class_of(element, found)
    if WORSE[one] > WORSE[class] then class = one end
  end
  return class
end

local function by_number(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end

--- The ids of many records, as the file that an extraction writes.
-- @treturn string its lines
-- @treturn table how many records are `recognised`, `notice`, `unrecognised`, and how many tweets
-- are `without_author`
function M.file(records, type, top_level)
  local found, list = { tweets = {}, users = {}, top_level = top_level, without_author = 0 }, {}
  local counts = { recognised = 0, notice = 0, unrecognised = 0 }
  for _, record in ipairs(records) do
    local class = M.add(record, found)
    counts[class] = counts[class] + 1
  end
  counts.without_author = found.without_author_of_all or 0
  for id in pairs(found[type]) do list[#list + 1] = id end
  table.sort(list, by_number)
  list[#list + 1] = ""
  return table.concat(list, "\n"), counts
end

return M
