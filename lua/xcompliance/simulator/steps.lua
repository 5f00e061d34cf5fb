--- Which step of the protocol a request is, and who answers it.
-- @module xcompliance.simulator.steps

local admin = require "xcompliance.simulator.admin"
local api = require "xcompliance.simulator.api"
local problem = require "xcompliance.simulator.problem"
local storage = require "xcompliance.simulator.storage"

local M = {}

local function storage_step(request)
  local method = request.method
  if ("&" .. request.query):find("&upload_id=", 1, true) then
    if method == "DELETE" then return "cancel" end
    local asks = (request.headers["content-range"] or ""):find("^bytes %*/")
    return asks and "query" or "chunk"
  end
  return method == "PUT" and "upload" or method == "POST" and "start" or "download"
end

--- The step of a request: create, list, get, upload, start, chunk, query, cancel, download, admin
-- or other.
function M.of(request)
  local method, path = request.method, request.path
  if path:find("^/admin/") then return "admin" end
  if path:find("^/twttr%-%a+%-compliance/") then return storage_step(request) end
  if path == "/2/compliance/jobs" then
    return method == "POST" and "create" or method == "GET" and "list" or "other"
  end
  return method == "GET" and path:find("^/2/compliance/jobs/[^/]+$") and "get" or "other"
end

local function by_api(service, request, step, exchange)
  local response
  response, exchange.job = api.answer(service, request, step)
  return response
end

local function by_session(service, request, step)
  return service.sessions:answer(request, step)
end

local ANSWERS = {
  admin = admin.answer,
  create = by_api, get = by_api, list = by_api,
  upload = storage.answer, start = storage.answer, download = storage.answer,
  chunk = by_session, query = by_session, cancel = by_session,
  other = function() return problem.plain(404, "Not Found") end,
}

--- Does what a request asks.
-- @treturn table the response
function M.answer(exchange)
  return ANSWERS[exchange.step](exchange.service, exchange.request, exchange.step, exchange)
end

return M
