--- What a run has done, for Prometheus: a file in its text format, as node_exporter's textfile
-- collector reads it (https://prometheus.io/docs/instrumenting/exposition_formats).
-- @internal xcompliance.cli.metrics

local api_calls = require "xcompliance.api_calls"
local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local reports = require "xcompliance.report_text"

local M = {}

local PREFIX = "xcompliance_"

local FAMILIES = {
  { "last_run_timestamp_seconds", "When the last run ended." },
  { "last_success_timestamp_seconds", "When the last run ended that had exit status 0." },
  { "last_exit_status", "The exit status of the last run." },
  { "last_run_duration_seconds", "How long the last run took." },
  { "ids", "Ids that the last successful run has asked about, by outcome." },
  { "records", "Records of the last successful run, by what became of them." },
  { "api_calls", "Calls of the API in the last successful run." },
}

local SUCCESS = "last_success_timestamp_seconds"
local OF_SUCCESS = { ids = true, records = true, api_calls = true }

local function escape(value)
  return (tostring(value):gsub("\\", "\\\\"):gsub('"', '\\"'):gsub("\n", "\\n"))
end

local function number(value) return (("%.14g"):format(value):gsub(",", ".")) end

--- One sample; labels are pairs of names and values.
local function sample(name, value, ...)
  local labels, given = {}, { ... }
  for i = 1, #given, 2 do
    labels[#labels + 1] = ('%s="%s"'):format(given[i], escape(given[i + 1]))
  end
  return ("%s%s{%s} %s"):format(PREFIX, name, table.concat(labels, ","), number(value))
end

--- What is known of the ids of a type.
local function add_ids(samples, command, type, compliant, outcomes)
  local function add(outcome, count)
    samples[#samples + 1] = sample("ids", count, "command", command, "type", type, "outcome",
      outcome)
  end
  add("compliant", compliant)
  for _, outcome in ipairs(reports.OUTCOMES) do add(outcome, outcomes[outcome] or 0) end
end

--- The samples of a result: the report of a sync, or the outcome of a check.
local function samples_of(command, result)
  local families = { ids = {}, records = {}, api_calls = {} }
  if result.checked then
    for _, type in ipairs { "tweets", "users" } do
      local checked = result.checked[type]
      add_ids(families.ids, command, type, checked.compliant, checked.outcomes)
    end
    for _, what in ipairs { "kept", "changed", "dropped", "quarantined" } do
      table.insert(families.records, sample("records", result.records[what], "command", command,
        "what", what))
    end
  else
    table.insert(families.ids, sample("ids", result.ids - result.ids_with_events, "command",
      command, "type", result.type, "outcome", "compliant"))
    for reason, count in pairs(result.reasons) do
      table.insert(families.ids, sample("ids", count, "command", command, "type", result.type,
        "outcome", reason))
    end
    table.sort(families.ids)
  end
  for _, call in ipairs(api_calls) do
    table.insert(families.api_calls, sample("api_calls", result.calls[call.name] or 0, "command",
      command, "call", call.word))
  end
  return families
end

--- What the file of the run before says of the last success: lines by family.
local function lines_before(path)
  local families, file = {}, io.open(path, "r")
  for line in file and file:lines() or function() end do
    local name = line:match("^" .. PREFIX .. "([%l_]+){")
    if name == SUCCESS or OF_SUCCESS[name or ""] then
      families[name] = families[name] or {}
      table.insert(families[name], line)
    end
  end
  if file then file:close() end
  return families
end

--- The text of the file.
-- @tparam table run `command`, `status`, `began` and `ended` (seconds since 1970), and `result` if
-- there is one
-- @tparam table before lines of the run before, by family
-- @treturn string
function M.text(run, before)
  local families = before
  families.last_run_timestamp_seconds = { sample("last_run_timestamp_seconds", run.ended, "command",
    run.command) }
  families.last_exit_status = { sample("last_exit_status", run.status, "command", run.command) }
  families.last_run_duration_seconds = { sample("last_run_duration_seconds",
    math.max(0, run.ended - run.began), "command", run.command) }
  if run.status == 0 then
    families[SUCCESS] = { sample(SUCCESS, run.ended, "command", run.command) }
    for name, samples in pairs(run.result and samples_of(run.command, run.result) or {}) do
      families[name] = samples
    end
  end
  local lines = {}
  for _, family in ipairs(FAMILIES) do
    local samples = families[family[1]]
    if samples and #samples > 0 then
      lines[#lines + 1] = ("# HELP %s%s %s"):format(PREFIX, family[1], family[2])
      lines[#lines + 1] = ("# TYPE %s%s gauge"):format(PREFIX, family[1])
      for _, line in ipairs(samples) do lines[#lines + 1] = line end
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

--- Replaces the file. What it said of the last success stays in it, if this run has failed.
-- @tparam table call
-- @tparam string path
-- @tparam table run see `text`
-- @treturn true|nil,err
function M.write(call, path, run)
  local content = M.text(run, lines_before(path))
  local file, err = core.create_fresh(path)
  if not file then return nil, errors.with(err, { creating = true }) end
  local ok
  ok, err = file:append(content)
  if ok then ok, err = call:settle(file:publish(path)) end
  if ok then file:close() else file:discard() end
  return ok, err
end

return M
