--- Jobs as text.
-- @internal xcompliance.cli.models

local core = require "xcompliance.core"
local dates = require "xcompliance.dates"
local errors = require "xcompliance.errors"
local text = require "xcompliance.text"

local M = {}

local ORDER = {
  "id", "type", "name", "status", "error", "resumable", "created_at", "upload_expires_at",
  "upload_url", "download_expires_at", "download_url",
}

local function line(name, value) return ("%-20s %s"):format(name, text.plain(value)) end

--- A job, one member a line; those that we do not know come last.
function M.job(job)
  local lines, known = {}, {}
  for _, name in ipairs(ORDER) do
    known[name] = true
    if job[name] ~= nil then lines[#lines + 1] = line(name, job[name]) end
  end
  local others = {}
  for name, value in pairs(job) do
    if not known[name] and type(value) ~= "table" then others[#others + 1] = line(name, value) end
  end
  table.sort(others)
  for _, other in ipairs(others) do lines[#lines + 1] = other end
  return table.concat(lines, "\n")
end

--- The fields that a line of a list shows.
M.LISTED = { "id", "type", "status", "created_at", "name" }

local function age(job, now)
  local created_at = dates.iso(job.created_at)
  return created_at and text.duration(math.max(0, now - created_at)) .. " ago" or "-"
end

local LINE = "%-19s  %-6s  %-11s  %-16s  %s"

--- Jobs as a table with a header, one a line, without their URLs.
-- @tparam ?table jobs
-- @tparam number now seconds since 1970
-- @treturn string
function M.jobs(jobs, now)
  local lines = { LINE:format("ID", "TYPE", "STATUS", "CREATED", "NAME") }
  for _, job in ipairs(jobs or {}) do
    lines[#lines + 1] = LINE:format(job.id, job.type or "-", job.status or "-", age(job, now),
      text.plain(job.name or ""))
  end
  return #lines > 1 and table.concat(lines, "\n") or "there are no such jobs"
end

--- What the API said beside its data.
function M.warn(response, say)
  for _, problem in ipairs(response.errors or {}) do
    local said = problem.detail or problem.message or problem.title
    say("xcompliance: the API says: " .. text.plain(said))
  end
end

--- Checks that an argument is a URL at all.
-- @tparam string url
-- @tparam string name of the job's member that it should be
-- @raise misuse
function M.check_url(url, name)
  if url:find("^https?://[^/]") then return end
  errors.misuse("%s is not a URL - give the job's %s, in quotes", core.mask(text.plain(url)), name)
end

--- Performs a call that answers with one job, and prints the job.
-- @tparam table arguments of the command
-- @tparam table context of the command
-- @tparam function call is given a client and the options of a call
-- @treturn integer the exit status
function M.run(arguments, context, call)
  local client = context.client(arguments)
  local response, err = call(client, { on_progress = context.progress() })
  client:close()
  if not response then return context.fail(err) end
  M.warn(response, context.say)
  context.print(response, M.job(response.data))
  return 0
end

return M
