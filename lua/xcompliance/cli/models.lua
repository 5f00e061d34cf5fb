--- Jobs as text.
-- @internal xcompliance.cli.models

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

--- Jobs, one a line, without their URLs.
function M.jobs(jobs)
  local lines = {}
  for i, job in ipairs(jobs or {}) do
    lines[i] = ("%-19s  %-6s  %-11s  %-24s  %s"):format(job.id, job.type or "-", job.status or "-",
      job.created_at or "-", text.plain(job.name or ""))
  end
  return #lines > 0 and table.concat(lines, "\n") or "there are no such jobs"
end

--- What the API said beside its data.
function M.warn(response, say)
  for _, problem in ipairs(response.errors or {}) do
    local said = problem.detail or problem.message or problem.title
    say("xcompliance: the API says: " .. text.plain(said))
  end
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
