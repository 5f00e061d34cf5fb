--- Requests to a simulator by the curl command, and its answers taken apart.

local cjson = require "cjson"
local simulator = require "spec.support.simulator"

local M = {}

local function take_apart(text)
  local head, body
  repeat -- past 100 Continue
    head, body = text:match("^(HTTP/.-)\r\n\r\n(.*)$")
    text = body
  until not head or not head:find("^HTTP/1.1 1")
  if not head then return {} end
  local answer = { status = tonumber(head:match("^HTTP/%S+ (%d+)")), headers = {}, body = body }
  for name, value in head:gmatch("\r\n([^:]+): ([^\r]*)") do
    name = name:lower()
    answer.headers[name] = answer.headers[name] and answer.headers[name] .. ", " .. value or value
  end
  return answer
end

--- Makes a request.
-- @tparam string arguments of curl, URL included
-- @tparam[opt] string producer a command whose output curl reads
-- @treturn table `{ status, headers, body, exit, message }`: curl's exit status and complaint too
function M.ask(arguments, producer)
  local complaint = os.tmpname()
  local output, exit = simulator.run(
    ("%s env -u LD_PRELOAD curl -sS -i -m 20 %s 2>%s"):format(
      producer and producer .. " |" or "", arguments, complaint))
  local answer = take_apart(output)
  local file = io.open(complaint)
  answer.exit, answer.message = exit, file:read("*a")
  file:close()
  os.remove(complaint)
  return answer
end

--- Calls the API. The answer has its decoded JSON as `json`.
-- @tparam table sim
-- @tparam string path
-- @tparam[opt] table|string body makes it a POST
-- @tparam[opt] string more arguments
function M.api(sim, path, body, more)
  if type(body) == "table" then body = cjson.encode(body) end
  local post = body and " -H 'Content-Type: application/json' --data-binary "
    .. simulator.quote(body) or ""
  local answer = M.ask(("-H 'Authorization: Bearer token'%s %s '%s'"):format(
    post, more or "", sim.url .. path))
  local good, json = pcall(cjson.decode, answer.body)
  answer.json = good and json or nil
  return answer
end

--- Creates a job. Returns its model.
function M.create(sim, job_type, resumable)
  local answer = M.api(sim, "/2/compliance/jobs", { type = job_type, resumable = resumable or nil })
  assert(answer.status == 200, answer.body)
  return answer.json.data
end

--- Reads a job.
function M.job(sim, id)
  return M.api(sim, "/2/compliance/jobs/" .. id).json.data
end

--- Puts text to a signed upload URL.
function M.put(url, text, more)
  return M.ask(("-X PUT -H 'Content-Type: text/plain' %s --data-binary %s '%s'"):format(
    more or "", simulator.quote(text), url))
end

local BEARER = "-H 'Authorization: Bearer token'"

local function decoded(answer)
  local good, json = pcall(cjson.decode, answer.body)
  answer.json = good and json or nil
  return answer
end

local function with_type(more)
  if more and more:find("Content-Type:", 1, true) then return more end
  return "-H 'Content-Type: application/octet-stream' " .. (more or "")
end

--- Puts text to an upload URL at the API's own host. The answer has its decoded JSON as `json`.
function M.upload(url, text, more)
  return decoded(M.ask(("-X PUT %s %s --data-binary %s '%s'"):format(
    BEARER, with_type(more), simulator.quote(text), url)))
end

--- Puts a file to an upload URL at the API's own host.
function M.upload_file(url, path, more)
  return decoded(M.ask(("-T %s %s %s '%s'"):format(path, BEARER, with_type(more), url)))
end

--- Gets a download URL at the API's own host.
function M.download(url, more)
  return decoded(M.ask(("%s %s '%s'"):format(BEARER, more or "", url)))
end

--- Cancels a job.
function M.cancel(sim, id, query)
  return M.api(sim, "/2/compliance/jobs/" .. id .. (query or ""), nil, "-X DELETE")
end

--- Starts a session. Returns its URI.
function M.start(url)
  local answer = M.ask(
    ("-X POST -H 'Content-Type: text/plain' -H 'x-goog-resumable: start' -d '' '%s'"):format(url))
  return answer.headers and answer.headers.location, answer
end

--- Sends a file, or a part of it, to a session.
-- @tparam string uri
-- @tparam string path
-- @tparam number first
-- @tparam number last
-- @tparam string|number total
function M.chunk(uri, path, first, last, total, more)
  local producer = ("dd if=%s bs=1M iflag=skip_bytes,count_bytes skip=%d count=%d status=none")
    :format(path, first, last - first + 1)
  return M.ask(("-X PUT -H 'Content-Range: bytes %d-%d/%s' %s --data-binary @- '%s'"):format(
    first, last, total, more or "", uri), producer)
end

--- Asks a session how far it is.
function M.query(uri, total)
  return M.ask(("-X PUT -H 'Content-Range: bytes */%s' -H 'Content-Length: 0' '%s'")
    :format(total or "*", uri))
end

--- Makes a file of bytes that differ everywhere. Returns its path.
function M.file(size)
  local path = os.tmpname()
  local file = io.open(path, "wb")
  local line = 0
  while size > 0 do
    line = line + 1
    local text = ("%018d\n"):format(line):sub(1, size)
    file:write(text)
    size = size - #text
  end
  file:close()
  return path
end

return M
