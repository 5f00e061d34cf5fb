--- Which step of the protocol a request is, and who answers it.
-- @module xcompliance.simulator.steps

local admin = require "xcompliance.simulator.admin"
local api = require "xcompliance.simulator.api"
local problem = require "xcompliance.simulator.problem"
local storage = require "xcompliance.simulator.storage"

local M = {}

local API = { -- by method, and by what follows /2/compliance/jobs, an id apart
  ["POST "] = "create", ["GET "] = "list", ["GET /ID"] = "get", ["DELETE /ID"] = "cancel",
}
local BYTES = { ["PUT /ID/upload"] = "upload", ["GET /ID/download"] = "download" }

local function storage_step(request)
  local method = request.method
  if ("&" .. request.query):find("&upload_id=", 1, true) then
    if method == "DELETE" then return "abort" end
    local asks = (request.headers["content-range"] or ""):find("^bytes %*/")
    return asks and "query" or "chunk"
  end
  return method == "PUT" and "upload" or method == "POST" and "start" or "download"
end

--- The step of a request: create, list, get, cancel, upload, download; start, chunk, query, abort
-- (of upload sessions); admin or other. And its place: api, storage or admin.
-- @tparam table request
-- @tparam string flow which of the two places has the bytes
-- @treturn string
-- @treturn string
function M.of(request, flow)
  local path = request.path
  if path:find("^/admin/") then return "admin", "admin" end
  if flow == "storage" and path:find("^/twttr%-%a+%-compliance/") then
    return storage_step(request), "storage"
  end
  local rest = path:match("^/2/compliance/jobs(.*)$")
  local call = rest and request.method .. " " .. rest:gsub("^/[^/]+", "/ID")
  return call and (API[call] or flow == "api" and BYTES[call]) or "other", "api"
end

local function by_api(service, request, step, exchange)
  local response
  response, exchange.job = api.answer(service, request, step)
  return response
end

local function by_session(service, request, step)
  return service.sessions:answer(request, step)
end

local function nothing()
  return problem.plain(404, "Not Found")
end

local ANSWERS = {
  admin = { admin = admin.answer },
  api = {
    create = by_api, list = by_api, get = by_api, cancel = by_api, upload = by_api,
    download = by_api, other = nothing,
  },
  storage = {
    upload = storage.answer, start = storage.answer, download = storage.answer,
    chunk = by_session, query = by_session, abort = by_session,
  },
}

--- Does what a request asks.
-- @treturn table the response
function M.answer(exchange)
  local step = exchange.step
  return ANSWERS[exchange.place][step](exchange.service, exchange.request, step, exchange)
end

return M
