--- Makes a small dataset of invented tweets, to try things on.
--     lua5.4 examples/sample_dataset.lua FOLDER [TWEETS]
-- It writes a file of flattened tweets, one of response pages with includes, and one of CSV; the
-- same every time.

local folder = assert(arg[1], "which folder?")
local count = tonumber(arg[2] or "3000")

-- a generator of our own, so that every Lua makes the same
local seed = 20211007
local function random(limit)
  seed = (seed * 16807) % 2147483647
  return seed % limit + 1
end

local WORDS = { "rain", "tea", "a train", "the sea", "coffee", "this \\u201cquote\\u201d", "maps" }

local function id_of(prefix, number)
  return ("%s%013d"):format(prefix, number)
end

local function user(number)
  local id = id_of("9", number)
  return id, ('{"id":"%s","username":"user%d","name":"User %d"}'):format(id, number, number)
end

local function tweet(number)
  local author, object = user(random(400))
  local id = id_of("13729", number)
  local geo = number % 7 == 0 and ',"geo":{"place_id":"07d9db48bc083000"}' or ""
  local quoted = number % 5 == 0
    and (',"referenced_tweets":[{"type":"quoted","id":"%s"}]'):format(id_of("13729", random(count)))
    or ""
  local text = ('{"id":"%s","author_id":"%s","text":"I like %s"%s%s}')
    :format(id, author, WORDS[random(#WORDS)], geo, quoted)
  return { id = id, author = author, text = text, user = object }
end

local function open(name)
  return assert(io.open(folder .. "/" .. name, "w"))
end

local flat, pages, rows = open("flat.jsonl"), open("pages.jsonl"), open("rows.csv")
rows:write("id,author_id,text\r\n")
local page = {}
for number = 1, count do
  local one = tweet(number)
  if number % 3 == 0 then
    flat:write((one.text:gsub("}$", ',"author":' .. one.user:gsub("%%", "%%%%") .. "}")), "\n")
  elseif number % 3 == 1 then
    page[#page + 1] = one
  else
    rows:write(('%s,%s,"multi\nline, ""quoted"""\r\n'):format(one.id, one.author))
  end
  if #page == 50 or number == count and #page > 0 then
    local tweets, users = {}, {}
    for i, member in ipairs(page) do tweets[i], users[i] = member.text, member.user end
    pages:write(('{"data":[%s],"includes":{"users":[%s]},"meta":{"result_count":%d}}\n')
      :format(table.concat(tweets, ","), table.concat(users, ","), #page))
    page = {}
  end
end
for _, file in ipairs { flat, pages, rows } do assert(file:close()) end
