--- Tables, slowly and in plain Lua: what docs/redaction.md says of them. The specs compare it with
-- the core. Rows are arrays of cells, decoded.

local M = {}

local function set(text)
  local names = {}
  for name in text:gmatch("%S+") do names[name] = true end
  return names
end

M.ROLES = {
  strong = set "id_str tweet_id status_id tweetid tweet.id",
  author = set [[author_id author.id user_id user_id_str user.id user.id_str from_user_id
    from_user_id_str userid]],
  retweeted = set [[referenced_tweets.retweeted.id retweeted_status_id retweet_status_id retweet_id
    retweeted_id retweeted_status.id retweeted_status.id_str]],
  retweeted_author = set [[retweeted_user_id retweet_user_id retweeted_status_user_id
    retweeted_status.user.id_str]],
  quoted = set [[quoted_status_id quoted_status.id quoted_status.id_str]],
  quoted_author = set "quoted_user_id quoted_status.user.id_str",
  quoted_text = set "quoted_text quoted_status.full_text quoted_status.text",
  place = set [[geo coordinates place lat lng lon latitude longitude geo_coords coords_coords
    bbox_coords country country_code geo_coordinates]],
}
local PLACES = { "^geo%.", "^coordinates%.", "^place%.", "^place_" }

local function role_of(name)
  name = name:lower()
  for role, names in pairs(M.ROLES) do
    if names[name] then return role end
  end
  for _, pattern in ipairs(PLACES) do
    if name:find(pattern) then return "place" end
  end
  return name == "id" and "weak" or nil
end

local function roles_of(header)
  local roles = {}
  for i, name in ipairs(header) do
    local role = role_of(name)
    if role then
      roles[role] = roles[role] or {}
      table.insert(roles[role], i)
    end
  end
  return roles
end

local function ids(row, columns)
  local all = {}
  for _, i in ipairs(columns or {}) do
    if row[i] ~= "" then all[#all + 1] = row[i] end
  end
  return all
end

local function own(row, roles) return ids(row, roles.strong or roles.weak)[1] end

local function add(list, found)
  for _, id in ipairs(list) do found[id] = true end
end

--- The ids that a row is asked about.
function M.ids(header, row)
  local roles, tweets, users = roles_of(header), {}, {}
  tweets[own(row, roles)] = true
  add(ids(row, roles.retweeted), tweets)
  add(ids(row, roles.author), users)
  add(ids(row, roles.retweeted_author), users)
  if roles.quoted_text then
    add(ids(row, roles.quoted), tweets)
    add(ids(row, roles.quoted_author), users)
  end
  return tweets, users
end

local function any(list, verdicts, outcome)
  for _, id in ipairs(list) do
    for _, verdict in ipairs(verdicts[id] or {}) do
      if verdict.outcome == outcome then return true end
    end
  end
  return false
end

--- Redacts a row: nil if it goes; it is changed.
function M.redact(header, row, verdicts)
  local roles = roles_of(header)
  local tweet = { own(row, roles) }
  local function condemned(tweets, users)
    return any(tweets, verdicts.tweets, "delete") or any(users, verdicts.users, "delete")
  end
  local authors = ids(row, roles.author)
  if condemned(tweet, authors)
    or condemned(ids(row, roles.retweeted), ids(row, roles.retweeted_author)) then
    return nil
  end
  local function empty(columns)
    for _, i in ipairs(columns or {}) do row[i] = "" end
  end
  if condemned(ids(row, roles.quoted), ids(row, roles.quoted_author)) then
    empty(roles.quoted_text)
  end
  if any(tweet, verdicts.tweets, "scrub_geo") or any(authors, verdicts.users, "scrub_geo") then
    empty(roles.place)
  end
  return row
end

--- The rows of a text, header included.
function M.parse(text, separator, line_end)
  local rows, row, at = {}, {}, 1
  while at <= #text do
    local cell, stop
    if text:sub(at, at) == '"' then
      local parts = {}
      repeat
        local close = text:find('"', at + 1, true)
        parts[#parts + 1] = text:sub(at + 1, close - 1)
        at = close + 1
      until text:sub(at, at) ~= '"'
      cell, stop = table.concat(parts, '"'), at
    else
      stop = text:find("[" .. separator .. line_end .. "]", at) or #text + 1
      cell = text:sub(at, stop - 1)
    end
    row[#row + 1] = cell
    if line_end == "\n" and text:sub(stop, stop + 1) == "\r\n" then stop = stop + 1 end
    at = stop + 1
    if text:sub(stop, stop) ~= separator then
      if line_end == "\n" then row[#row] = row[#row]:gsub("\r$", "") end
      rows[#rows + 1], row = row, {}
    end
  end
  return rows
end

return M
