--- Which step of the protocol a request is, and who answers it.
-- @internal xcompliance.simulator.steps

local admin = require "xcompliance.simulator.admin"
local api = require "xcompliance.simulator.api"
local problem = require "xcompliance.simulator.problem"
local storage = require "xcompliance.simulator.storage"

local M = {}

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
  return call and (api.steps[call] or flow == "api" and api.byte_steps[call]) or "other", "api"
end

local function by_api(service, request, step, exchange)
  if step == "other" then return problem.plain(404, "Not Found") end
  local response
  response, exchange.job = api.answer(service, request, step)
  return response
end

local SESSION = { chunk = true, query = true, abort = true }

local function by_storage(service, request, step)
  if SESSION[step] then return service.sessions:answer(request, step) end
  return storage.answer(service, request, step)
end

local ANSWERS = { admin = admin.answer, api = by_api, storage = by_storage }

--- Does what a request asks.
-- @treturn table the response
function M.answer(exchange)
  local step = exchange.step
  return ANSWERS[exchange.place](exchange.service, exchange.request, step, exchange)
end

return M
