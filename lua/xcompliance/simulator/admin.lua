--- What tests ask of the simulator itself, under `/admin/`. No token is needed, no fault strikes.
--
--     GET    /admin/state       jobs, sessions, faults, counters by step, the log, own defects
--     POST   /admin/faults      arms: a fault's text, an object, or an array of them, as JSON
--     DELETE /admin/faults      disarms all
--     GET    /admin/faults      every kind there is but statuses: name, what it does, its steps
--     POST   /admin/clock       `{"advance": seconds}`
--     POST   /admin/jobs/ID     `{"status": "failed", "error": "..."}`: what the job now is
--     GET    /admin/upload/ID   the bytes that were uploaded for the job
--     GET    /admin/results/ID  the bytes of its results
-- @internal xcompliance.simulator.admin

local cjson = require "cjson"
local http = require "xcompliance.simulator.http"
local objects = require "xcompliance.simulator.objects"
local problem = require "xcompliance.simulator.problem"

local M = {}

local BODY_MAX = 16 * 1024 * 1024

local function described(object)
  return object and {
    size = object.size, crc32c = object.crc32c, md5 = object.md5, etag = object.etag,
  }
end

local function jobs(service)
  local list = {}
  for _, job in ipairs(service.jobs.list) do
    local model = service.jobs:model(job)
    model.upload, model.results = described(job.submission), described(job.results)
    list[#list + 1] = model
  end
  return list
end

local function state(service)
  return problem.response(200, {
    now = service.clock:now(), jobs = jobs(service), log = service.log:list(),
    counters = service.log.counters, sessions = service.sessions:list(),
    faults = { armed = service.board:list(), fired = service.board.fired },
    defects = service.log.defects, memory = collectgarbage("count") * 1024,
  })
end

local function faults(service)
  return problem.response(200, service.board.kinds())
end

local function arm(service, body)
  local list = type(body) == "table" and #body > 0 and body or { body }
  for _, item in ipairs(list) do service.board:arm(item) end
end

local function disarm(service)
  service.board:disarm()
end

local function put_forward(service, body)
  service.clock:advance(body.advance)
end

local function change_job(service, body, id)
  local job = assert(service.jobs.by_id[id], "no job " .. id)
  job.forced_status, job.error = body.status, body.error or job.error
end

--- Answers with an object of a job: its "submission" or its "results".
local function bytes_of(name)
  return function(service, _, id)
    local job = service.jobs.by_id[id]
    local object = job and job[name]
    if not object then return problem.not_found(id) end
    return http.response(200, {}, objects.reader(object, 0, object.size), object.size)
  end
end

local CALLS = {
  { "GET", "^/admin/state$", state },
  { "GET", "^/admin/faults$", faults },
  { "POST", "^/admin/faults$", arm },
  { "DELETE", "^/admin/faults$", disarm },
  { "POST", "^/admin/clock$", put_forward },
  { "POST", "^/admin/jobs/(%d+)$", change_job },
  { "GET", "^/admin/upload/(%d+)$", bytes_of("submission") },
  { "GET", "^/admin/results/(%d+)$", bytes_of("results") },
}

local function decode(request)
  local text = http.read_all(request, BODY_MAX)
  return request.method == "POST" and cjson.decode('{"value":' .. text .. "}").value
end

--- Answers one request; 204 if there is nothing to say, 400 with the reason if it was wrong.
function M.answer(service, request)
  for _, call in ipairs(CALLS) do
    local id = request.method == call[1] and request.path:match(call[2])
    if id then
      local good, result = pcall(function() return call[3](service, decode(request), id) end)
      if not good and type(result) == "table" then error(result, 0) end
      if not good then return problem.response(400, { message = tostring(result) }) end
      return result or http.response(204)
    end
  end
  return problem.plain(404, "Not Found")
end

return M
