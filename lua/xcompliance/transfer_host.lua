--- The host that a job's bytes are moved to and from: the API's own host, or storage in the older
-- flow.
--
-- The job's URL decides, and the core reads it (core.job_url), because only one of the two may see
-- the bearer token. A place is what follows from that: the options of each request, and what an
-- answer that says no means.
-- @internal xcompliance.transfer_host

local api_answers = require "xcompliance.api_answers"
local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local storage_answers = require "xcompliance.storage_answers"
local merge = require "xcompliance.merge"

local M = {}

local Place = {}
Place.__index = Place

-- {====================================================================
-- Storage
-- =====================================================================

local Storage = setmetatable({ flow = "storage", who = "storage" }, Place)
Storage.__index = Storage

--- An answer that says no, as an error.
-- @tparam string doing the beginning of the message
-- @tparam table answer `{ status, headers, body }`
function Storage:failure(doing, answer) -- luacheck: ignore self
  return storage_answers.failure(doing, answer)
end

-- }====================================================================

-- {====================================================================
-- The API
-- =====================================================================

local Api = setmetatable({ flow = "api", who = "the API" }, Place)
Api.__index = Api

--- Makes the place ready for requests with the bearer token.
local function open_api(place)
  local options, err = place.connection:api_options {}
  if not options then return nil, err end
  place.token = options.bearer_token
  place.job_id = place.url:match("/(%d+)/%l+%?")
  place.url_token = place.url:match("[?&]token=([^&]*)")
  place.common = merge.tables(place.common, {
    bearer_token = place.token, base_url = options.base_url, allow_http = options.allow_http,
    job_id = place.job_id,
  })
  return place
end

function Api:failure(doing, answer)
  return api_answers.failure({
    status = answer.status, headers = answer.headers, body = answer.body, doing = doing,
    where = core.signed_url(self.url).shown,
  }, self.token, self.url_token)
end

-- }====================================================================

--- The options of a request of the core.
-- @tparam table fields its own
-- @treturn table
function Place:options(fields) return merge.tables(fields, self.common) end

--- What was answered although the exchange broke off afterwards.
-- @tparam table err of the core
-- @treturn ?table an answer without a body, if it was a refusal
function M.refusal_in(err)
  if err.status and err.status >= 400 then
    return { status = err.status, headers = err.headers or {}, body = "" }
  end
end

--- Finds out whose URL it is. Nothing is sent.
-- @tparam table connection
-- @tparam string url of a job, as it came
-- @tparam string operation "upload" or "download"
-- @tparam[opt] string job_id whose URL it must be, if it is of the API
-- @treturn ?table `{ connection, session, flow, who, url }`, with `job_id` in the flow of the API;
-- or nil, err
function M.open(connection, url, operation, job_id)
  local session, err = connection:session()
  if not session then return nil, err end
  local settings, common = connection.settings, {}
  common.url, common.storage_hosts = url, settings.storage_hosts
  common.loopback = core.is_loopback(connection.base_url)
  local flow
  flow, err = core.job_url(merge.tables(common, {
    base_url = connection.base_url, allow_http = settings.allow_http, operation = operation,
    job_id = job_id,
  }))
  if not flow then return nil, err end
  local place = { connection = connection, session = session, url = url, common = common }
  if flow == "api" then return open_api(setmetatable(place, Api)) end
  return setmetatable(place, Storage)
end

--- The error of `open`, with what was being done.
-- @tparam table call
-- @tparam table err
function M.refused(call, err)
  return errors.with(err, { message = ("%s: %s"):format(call.doing, err.message) })
end

return M
