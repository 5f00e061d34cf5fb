--- The flags of the command, by the names of the module's options: messages of the module name
-- options, and the command shows them as what its user has typed.
-- @internal xcompliance.cli.flags

local api_calls = require "xcompliance.api_calls"

local M = {}

--- Each option that a command passes on, and its flag or argument.
M.OF = {
  allow_rounded = "--allow-rounded", allow_unframed = "--allow-unframed", as_is = "--as-is",
  base_url = "--base-url", bearer_token = "BEARER_TOKEN", ca_file = "--ca-file",
  chunk = "--chunk", column = "--column", columns = "--column", deadline = "--deadline",
  dry_run = "--dry-run", explain = "--explain", format = "--format", ids = "--ids",
  ids_per_file = "--ids-per-file", ids_per_job = "--ids-per-job", in_place = "--in-place",
  inputs = "DATASET", jobs = "--jobs", level = "--level", lists = "--lists",
  low_speed_limit = "--low-speed-limit", low_speed_time = "--low-speed-time",
  max_age = "--max-age", max_polls_per_15min = "--max-polls-per-15min", memory = "--memory",
  metrics = "--metrics", name = "--name",
  on_ignored = "--on-ignored", on_malformed = "--on-malformed", on_unknown = "--on-unknown",
  on_unrecognised = "--on-unrecognised", outcome = "--outcome", output = "--output",
  policy = "--policy", poll = "--poll", price_per_poll = "--price-per-poll",
  progress = "--progress", proxy = "--proxy", quarantine = "--quarantine",
  records = "--records", rehydrate = "--rehydrate", report = "--report",
  resumable = "--resumable", results = "--output", shape = "--shape", state = "--state",
  status = "--status", strict = "--strict", summary = "--summary",
  timeout = "--timeout", token_file = "--token-file",
  top_level = "--top-level", tweets = "--tweets", upload = "--upload", users = "--users",
  wait = "--no-wait",
  -- the simulator's
  checksums = "--checksums", clock_offset = "--clock-offset", dates = "--dates",
  download_expires = "--download-expires", fault = "--fault", flow = "--flow", host = "--host",
  jobs_take = "--jobs-take", old_jobs = "--old-jobs", port = "--port", ranges = "--ranges",
  rate_limit = "--rate-limit", rate_window = "--rate-window", repeated = "--repeated",
  seed = "--seed", share = "--share", state_log = "--state-log", upload_limit = "--upload-limit",
  upload_expires = "--upload-expires", verdicts = "--verdicts",
}

-- what names the function that refuses a value
local FUNCTIONS = {
  "^core%.[%l_]+: ", "^dataset%.[%l_]+: ", "^xcompliance%.client: ", "^verdicts:%l+: ", "^check: ",
  "^sync: ", "^merge_reports: ", "^upload_ids: ", "^download_results: ",
}
for _, call in ipairs(api_calls) do FUNCTIONS[#FUNCTIONS + 1] = "^" .. call.name .. ": " end

-- after an option that a function refuses
local VERBS = { [" must "] = true, [" is "] = true }

local BEFORE, AFTER = "^[%s(]?$", "^[%s,;:)]?$"

--- A message of the module as the command says it. An option becomes its flag if it is in
-- backquotes, if its name has an underscore, or if it is what a function refuses; the function is
-- not named.
-- @tparam string message
-- @treturn string
function M.translate(message)
  for _, pattern in ipairs(FUNCTIONS) do
    local rest, count = message:gsub(pattern, "")
    if count > 0 then
      message = rest:gsub("^([%l_]+)( %l+ )", function(option, verb)
        return VERBS[verb] and M.OF[option] and M.OF[option] .. verb
      end)
      break
    end
  end
  message = message:gsub("`([%l_%d]+)`", M.OF)
  return (message:gsub("()(%l+_[%l_%d]+)()", function(from, word, to)
    local before, after = message:sub(from - 1, from - 1), message:sub(to, to)
    return before:find(BEFORE) and after:find(AFTER) and M.OF[word]
  end))
end

return M
