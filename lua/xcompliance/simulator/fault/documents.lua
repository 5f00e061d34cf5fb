--- Faults in what the API says: its JSON bent, and jobs that end badly.
-- @internal xcompliance.simulator.fault.documents

local cjson = require("cjson").new()
local http = require "xcompliance.simulator.http"
local problem = require "xcompliance.simulator.problem"

local M = {}

-- {====================================================================
-- Faults in the head of an answer whose work is done: its status, its headers
-- =====================================================================

local SESSION = { start = true }
local STORED = { upload = true, chunk = true, query = true, download = true }

-- "Name: value" replaces a header, "Name:" removes it
local function change_header(response, text)
  local name, value = text:match("^([^:]+):%s*(.*)$")
  http.remove_header(response.headers, name)
  if value ~= "" then http.add_header(response.headers, name, value) end
end

local function header(doc, text, steps)
  return {
    doc = doc, steps = steps,
    after = function(_, response) change_header(response, text) end,
  }
end

local function location(doc, change, parameter, default)
  return {
    doc = doc, parameter = parameter, default = default, steps = SESSION,
    after = function(_, response, value)
      local url = http.header(response.headers, "Location")
      http.set_header(response.headers, "Location", change(url, value))
    end,
  }
end

-- the same hash with its first digit changed
local function lie(value)
  return (value:gsub("=(.)", function(digit) return digit == "A" and "=B" or "=A" end, 1))
end

M.kinds = {
  ["header"] = {
    doc = "a header replaced, @NAME: VALUE, or removed, @NAME:", parameter = "text",
    after = function(_, response, text) change_header(response, text) end,
  },
  ["status"] = {
    doc = "another status, @NNN, for the same answer", parameter = "integer",
    after = function(_, response, status) response.status = status end,
  },
  ["date"] = {
    doc = "dates written as @FORM: utc, gmt, rfc850 or asctime", parameter = "form",
    before = function(exchange, form) exchange.dates = form end,
  },
  ["no-location"] = header("a session without Location", "Location:", SESSION),
  ["relative-location"] = location("a session whose Location has no host", function(url)
    return url:match("^%a+://[^/]*(.*)$")
  end),
  ["foreign-location"] = location("a session at another origin: @ORIGIN", function(url, origin)
    return origin .. url:match("^%a+://[^/]*(.*)$")
  end, "text", "https://storage.example.com"),
  ["no-hash"] = header("no x-goog-hash", "x-goog-hash:", STORED),
  ["wrong-hash"] = {
    doc = "hashes that differ from what is stored", steps = STORED,
    after = function(_, response)
      for _, field in ipairs(response.headers) do
        if field[1] == "x-goog-hash" then field[2] = lie(field[2]) end
      end
    end,
  },
  ["no-length"] =
    header("no x-goog-stored-content-length", "x-goog-stored-content-length:", STORED),
  ["wrong-length"] = {
    doc = "one byte less stored than there is", steps = STORED,
    after = function(_, response)
      local size = tonumber(http.header(response.headers, "x-goog-stored-content-length") or "")
      if size then
        http.set_header(response.headers, "x-goog-stored-content-length", ("%d"):format(size - 1))
      end
    end,
  },
  ["other-etag"] = header("another ETag and generation", 'ETag: "another"', STORED),
}

-- }====================================================================

cjson.decode_max_depth(100)

local API = { create = true, list = true, get = true, cancel = true, upload = true }
local ERROR = {
  title = "Partial Failure", detail = "Something went wrong with a part of it.",
  type = "https://api.x.com/2/problems/operational-disconnect",
}

-- the job in an answer, or the jobs
local function each_job(body, act)
  for _, job in ipairs(body.data and (body.data[1] and body.data or { body.data }) or {}) do
    act(job)
  end
end

-- a fault that edits the decoded body
local function edit(doc, change, parameter)
  return {
    doc = doc, parameter = parameter, steps = API,
    after = function(exchange, response, value)
      if exchange.place ~= "api" then return end -- storage's answers have other bodies
      local body = cjson.decode(response.body)
      change(body, value)
      response.body = problem.json(body)
    end,
  }
end

-- a fault that rewrites the body's text
local function rewrite(doc, change, parameter)
  return {
    doc = doc, parameter = parameter, steps = API,
    after = function(exchange, response, value)
      if exchange.place == "api" then response.body = change(response.body, value) end
    end,
  }
end

-- a fault in the life of the job that is created
local function fate(doc, change, parameter, default)
  return {
    doc = doc, parameter = parameter, default = default, steps = { create = true },
    after = function(exchange, _, value)
      if exchange.job then change(exchange.job, value) end
    end,
  }
end

-- the job that a request is about, or nil
local function job_of(exchange)
  local jobs, path = exchange.service.jobs, exchange.request.path
  return jobs.by_path[path] or jobs.by_id[path:match("^/2/compliance/jobs/(%d+)")]
end

-- a fault that strikes a job before a request about it is answered
local function blow(doc, steps, strike)
  return {
    doc = doc, steps = steps,
    before = function(exchange)
      local job = job_of(exchange)
      if job then strike(exchange.service, job, exchange.step) end
    end,
  }
end

local DOCUMENTS = {
  ["set"] = edit("members of the job are set: @{\"status\":null}", function(body, text)
    each_job(body, function(job)
      for name, value in pairs(cjson.decode(text)) do job[name] = value end
    end)
  end, "text"),
  ["without"] = edit("a member of the job is left out: @upload_url", function(body, name)
    each_job(body, function(job) job[name] = nil end)
  end, "text"),
  ["errors-only"] = edit("`errors` and no `data`", function(body)
    body.data, body.errors = nil, { ERROR }
  end),
  ["with-errors"] = edit("`errors` beside `data`", function(body) body.errors = { ERROR } end),
  ["null-data"] = edit("`data` is null", function(body) body.data = cjson.null end),
  ["empty-data"] = rewrite("`data` is an empty array", function() return '{"data":[]}' end),
  ["number-id"] = rewrite("`id` is a number", function(text)
    return (text:gsub('"id":"(%d+)"', '"id":%1'))
  end),
  ["half"] = rewrite("half of the JSON", function(text) return text:sub(1, #text // 2) end),
  ["nul"] = rewrite("a NUL within a string", function(text) return (text:gsub(":", ":\0", 1)) end),
  ["bom"] = rewrite("a byte order mark before", function(text) return "\xef\xbb\xbf" .. text end),
  ["invalid-utf8"] = rewrite("a string that is no UTF-8", function(text)
    return (text:gsub('"type":"', "%0\xff\xfe", 1))
  end),
  ["duplicate-keys"] = rewrite("`data` twice, the second null", function(text)
    return (text:gsub("}$", ',"data":null}'))
  end),
  ["deep"] = rewrite("arrays within arrays, @DEPTH", function(_, depth)
    return ("["):rep(depth) .. ("]"):rep(depth)
  end, "integer"),
  ["huge-number"] = rewrite("a number beyond doubles", function(text)
    return (text:gsub("^{", '{"meta":{"result_count":1e999},', 1))
  end),
  ["job-fails"] = fate("the job will fail: @ERROR", function(job, text) job.error = text end,
    "text", "internal_error"),
  ["job-expires"] = fate("the job will be expired whatever is uploaded", function(job)
    job.fate = "expired"
  end),
  ["job-stuck"] = fate("the job stays `created` whatever is uploaded", function(job)
    job.fate = "created"
  end),
  ["job-gone"] = blow("the job is forgotten first",
    { get = true, cancel = true, upload = true, download = true },
    function(service, job) service.jobs:forget(job) end),
  ["upload-over"] = blow("the upload URL expires first",
    { get = true, cancel = true, upload = true, start = true },
    function(service, job) job.upload_expires_at = service.clock:now() end),
  ["results-over"] = blow("the results expire first", { get = true, download = true },
    function(service, job) job.download_expires_at = service.clock:now() end),
  ["url-renewed"] = blow("the job gets another token first, and this one is unusable",
    { upload = true, download = true }, function(service, job, step)
      if service.options.flow ~= "api" then return end
      local name = step .. "_url"
      service.tokens:revoke(step, job.id)
      job[name] = job[name]:match("^.*token=") .. service.tokens:issue(step, job.id)
    end),
  ["job-slow"] = fate("the job takes @SECONDS", function(job, seconds) job.jobs_take = seconds end,
    "number"),
}
DOCUMENTS.deep.default = 100000

for name, kind in pairs(DOCUMENTS) do M.kinds[name] = kind end

return M
