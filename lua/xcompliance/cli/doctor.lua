--- xcompliance doctor
-- @internal xcompliance.cli.doctor

local examination = require "xcompliance.cli.examination"

local M = {
  name = "doctor", summary = "Check token, access, network, clock and folder", uses_api = true,
}

function M.define(command)
  command:argument("state", "The folder that is to hold the state (default: the current one).")
    :args("?")
  command:epilog("Each line is ok, warn or fail, with what helps. It creates no job and uploads"
    .. " nothing. The exit status is 0 if no line is fail, else that of the first (docs/doctor.md)."
    .. "\n\nExample:\n   xcompliance doctor")
end

local function line_of(row)
  return ("%-4s  %-8s  %s%s"):format(row.state, row.name, row.message,
    row.remedy and " - " .. row.remedy or "")
end

local function examine(arguments, context)
  local rows = {
    examination.versions(), examination.folder(arguments.state or "."),
    examination.proxy(arguments.proxy, context.getenv),
  }
  local found, can_be_sent = examination.token(arguments, context.settings)
  for _, row in ipairs(found) do rows[#rows + 1] = row end
  if not can_be_sent then return rows end
  local client = context.client(arguments, { retry = { attempts = 1 } })
  local base_url = tostring(client):match(": (.*)$")
  for _, row in ipairs(examination.api(client, base_url, arguments, context.loop)) do
    rows[#rows + 1] = row
  end
  client:close()
  return rows
end

function M.run(arguments, context)
  local rows, lines, first = examine(arguments, context), {}, nil
  for i, row in ipairs(rows) do
    lines[i] = line_of(row)
    if row.state == "fail" then first = first or row.err end
    row.err = nil
  end
  context.print({ checks = rows, ok = first == nil }, table.concat(lines, "\n"))
  return first and context.status_of(first) or 0
end

return M
