--- Stored datasets: what they hold, and what of it may no longer be held.
--
--     local dataset = require "xcompliance.dataset"
--     local counts = assert(dataset.extract {
--       type = "tweets", inputs = { "tweets.jsonl.gz", "more/" }, output = "ids.txt",
--     })
--     local verdicts = assert(dataset.verdicts { tweets = { "tweets.results.jsonl" } })
--     counts = assert(dataset.redact {
--       verdicts = verdicts, inputs = { "tweets.jsonl.gz", "more/" }, in_place = true,
--     })
--
-- Misuse raises; run-time failures return `nil, err` (docs/errors.md), and so does a call that
-- names a file twice and would write it (docs/redaction.md, "What is promised"). The work is done
-- by a thread of the core; `loop` says who waits for it (docs/hosts.md), else the calling thread.
-- @module xcompliance.dataset

local cjson = require "cjson.safe"
local calls = require "xcompliance.call"
local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local lines = require "xcompliance.lines"
local file_names = require "xcompliance.file_names"
local merge = require "xcompliance.merge"
local verdicts = require "xcompliance.verdicts"

local M = {}

--- The calling thread waits.
local waiting = {
  wait = function(task, seconds) return task:wait(seconds) end,
  sleep = core.sleep,
}

local WAITING = { loop = "table", on_progress = "function", deadline = "number" }

--- Checks options and takes those away that say how to wait.
-- @treturn table the call
-- @treturn table the other options
local function begin(name, options, known)
  options = errors.check_options(name, options, merge.tables(known, WAITING))
  local loop = options.loop or waiting
  errors.check_loop(name, loop)
  local call = calls.new(loop, {
    on_progress = options.on_progress, deadline = options.deadline,
  })
  for key in pairs(WAITING) do options[key] = nil end
  return call, options
end

local function check_given(name, options, needed)
  for _, option in ipairs(needed) do
    if options[option] == nil then errors.misuse("%s: %s is missing", name, option) end
    if options[option] == "" then errors.misuse("%s: %s is empty", name, option) end
  end
end

local EXTRACT = {
  type = "string", inputs = "table|string", output = "string", format = "string",
  column = "string", top_level = "boolean", ids_per_file = "number", memory = "number",
  jobs = "number", on_malformed = "string", on_unrecognised = "string", on_ignored = "string",
  shape = "string", columns = "table", lists = "string", allow_rounded = "boolean",
}

--- `column` names the column with the ids that are asked for.
local function add_column(fields)
  if not fields.column then return end
  local columns = {}
  for role, name in pairs(fields.columns or {}) do columns[role] = name end
  columns[fields.type == "users" and "author" or "id"] = fields.column
  fields.column, fields.columns = nil, columns
end

--- Extracts, in the name of a public function.
-- @tparam string name of that function, for messages
-- @tparam table options the user's
-- @tparam table known the options of that function
-- @tparam[opt] table more options that the function adds
local function extract(name, options, known, more)
  local call, own = begin(name, options, known)
  local fields = merge.tables(own, more)
  fields.inputs = errors.check_paths(name, "inputs", fields.inputs)
  check_given(name, fields, { "type", "inputs", "output" })
  add_column(fields)
  call.type = fields.type
  call:at("extract", "extracting the ids of " .. fields.type)
  local ok, err = file_names.check(call, "extract", fields)
  if not ok then return nil, err end
  return call:await(core.extract(fields))
end

--- Writes the ids that a dataset holds to a file, each once, ascending, one a line.
--
-- Options: `type` ("tweets" or "users"), `inputs` (files, folders, "-" for standard input) and
-- `output` are needed. `format` is "auto", "jsonl", "csv" or "ids"; `column` names the column of
-- a CSV file; `top_level` leaves nested and included objects out; `ids_per_file` splits the output
-- into OUTPUT.0001, OUTPUT.0002 and so on; `memory` is how many bytes the ids may take before they
-- are sorted in files (default: a quarter of the machine's); `jobs` is how many threads parse JSON
-- Lines (default: one a processor); `on_malformed` is "stop" or "skip", which lists what was
-- skipped in OUTPUT.malformed; `on_unrecognised`, about records in which there is neither a tweet
-- nor a user, is "stop" or "skip"; `on_ignored`, about files in folders that are not read, is
-- "skip" or "stop"; `shape` is a file that says where tweets and users are (docs/shapes.md);
-- `columns` and `allow_rounded` are as M.redact has them; `lists` says what lists of ids hold
-- ("tweets" or "users"; default: what is asked for).
-- `on_progress` is given `{ bytes, total, records, ids }`.
-- @tparam table options these, and `loop`, `on_progress`, `deadline`
-- @treturn ?table counts: `records` = `recognised` + `notices` + `unrecognised`; `malformed`;
-- `without_author` (tweets); `ids_seen`, `ids`, `empty`, `bytes`, `files`, `by_file` (an array of
-- the classes with `path`), `ignored`, `outputs` (paths), `ignored_files` (the first hundred); or
-- nil, err
function M.extract(options) return extract("dataset.extract", options, EXTRACT) end

local DIFFERENCE = {
  from = "table|string", without = "table|string", output = "string", memory = "number",
}

--- Writes the ids of some lists that are in none of others: what is new since the last check. The
-- lists may be in any order, packed, and larger than memory; the output ascends, each id once.
-- @tparam table options `from`, `without` (paths of lists of ids) and `output` (a path) are needed;
-- `memory` (bytes that ids may take before they are sorted in files, 256 MiB) and `loop`,
-- `on_progress`, `deadline`
-- @treturn ?table counts: `from` and `without` (lines read), `ids` (written); or nil, err
function M.difference(options)
  local call, fields = begin("dataset.difference", options, DIFFERENCE)
  for _, name in ipairs { "from", "without" } do
    fields[name] = errors.check_paths("dataset.difference", name, fields[name])
  end
  check_given("dataset.difference", fields, { "from", "without", "output" })
  call:at("difference", "comparing lists of ids")
  local ok, err = file_names.check(call, "difference", fields)
  if not ok then return nil, err end
  return call:await(core.subtract_ids(fields))
end

local MERGE = { inputs = "table|string", output = "string", memory = "number", jobs = "number" }

--- Merges lists of ids into one that ascends and has each id once. The lists may be in any order,
-- packed, and larger than memory.
-- @tparam table options `inputs` (paths of lists of ids) and `output` (a path) are needed;
-- `memory`, `jobs` as `extract` has them, and `loop`, `on_progress`, `deadline`
-- @treturn ?table counts: `ids_seen`, `ids` (written), `bytes`, `files`; or nil, err
function M.merge(options)
  -- a list has one type as another
  return extract("dataset.merge", options, MERGE,
    { type = "tweets", format = "ids", allow_rounded = true })
end

--- Iterates over the ids that a dataset holds, each once, ascending:
--
--     for id in assert(dataset.ids { type = "tweets", inputs = "tweets.jsonl" }) do ... end
--
-- They are extracted first, to a temporary file without a name, and then read one by one: memory
-- does not grow with them. `counts` of the iterator is what `extract` returns; `close` ends it
-- early.
-- @tparam table options those of `extract`, but `output` and `ids_per_file`
-- @treturn ?table callable, for a `for`; or nil, err
function M.ids(options)
  local known = merge.tables(EXTRACT)
  known.output, known.ids_per_file = nil, nil
  local path = lines.temporary_path()
  local counts, err = extract("dataset.ids", options, known, { output = path })
  os.remove(path .. ".malformed")
  if not counts then return nil, err end
  local iterator
  iterator, err = lines.open_temporary(path, function(_, line) return line end)
  if not iterator then return nil, err end
  iterator.counts = counts
  return iterator
end

local MAGICS = { "\31\139", "BZh", "\40\181\47\253", "\2537zXZ" }

--- A row of results as a table.
local function row_of(iterator, line)
  if iterator.number == 1 then
    for _, magic in ipairs(MAGICS) do
      if line:sub(1, #magic) == magic then iterator:fail("is compressed - unpack it first") end
    end
    line = line:gsub("^\239\187\191", "")
  end
  if not line:find("%S") then return nil end
  local row = cjson.decode(line)
  if type(row) ~= "table" or not (row.id or row.error) then
    iterator:fail("is not a row of results")
  end
  return row
end

--- Iterates over the rows of a file of results, as X sent them:
--
--     for row in assert(dataset.results "results.jsonl") do print(row.id, row.action) end
--
-- A line that is not a row raises an error of the kind "data" in the loop. `close` ends it early.
-- @tparam string path
-- @treturn ?table callable, for a `for`: each row is a table; or nil, err
function M.results(path)
  if type(path) ~= "string" then errors.misuse("dataset.results: give a path") end
  return lines.open(path, row_of)
end

local VERDICTS = { tweets = "table|string", users = "table|string", jobs = "number" }

--- Loads results of tweets jobs and of users jobs: JSON Lines as they were downloaded, or files
-- that `verdicts:save` has written. `jobs` is how many threads parse results (default: one a
-- processor). `on_progress` is given `{ bytes, total, rows }`.
-- @tparam table options `tweets`, `users` (paths; at least one of both), `jobs`, and `loop`,
-- `on_progress`, `deadline`
-- @treturn ?table verdicts: see xcompliance.verdicts; or nil, err
function M.verdicts(options)
  local loop = type(options) == "table" and rawget(options, "loop") or waiting
  local call, fields = begin("dataset.verdicts", options, VERDICTS)
  for _, type in ipairs { "tweets", "users" } do
    fields[type] = errors.check_paths("dataset.verdicts", type, fields[type])
  end
  if not fields.tweets and not fields.users then
    errors.misuse("dataset.verdicts: give results of tweets, of users, or of both")
  end
  call:at("load", "loading results")
  local loaded, err = call:await(core.verdicts(fields))
  if not loaded then return nil, err end
  return verdicts.new(loaded, function() return calls.new(loop, {}) end, fields)
end

--- The options, and the results that their verdicts were loaded from.
local function with_results(fields)
  return merge.tables(verdicts.results_of(fields.verdicts), fields)
end

local LIST = {
  verdicts = "table|userdata", type = "string", ids = "string", outcome = "string",
  output = "string",
}

--- Writes verdicts as text: with `ids`, a CSV line (`id,outcome,reason,redacted_at`) for each id
-- of that list, and an id without a verdict is compliant; without, a line for each id that has a
-- verdict. With `outcome` only ids of that outcome, one a line and nothing else. `on_progress` is
-- given `{ bytes, total, lines }`.
-- @tparam table options `verdicts`, `type` ("tweets" or "users"), `output` (a path, or "-") are
-- needed; `ids` (a path), `outcome` ("delete", "unknown", "scrub_geo", "rehydrate", "invalid"); and
-- `loop`, `on_progress`, `deadline`
-- @treturn ?table counts: `asked`, `compliant`, `delete` (by reason), `unknown`, `scrub_geo`,
-- `rehydrate`, `invalid`, `lines`; or nil, err
function M.list_verdicts(options)
  local call, fields = begin("dataset.list_verdicts", options, LIST)
  check_given("dataset.list_verdicts", fields, { "verdicts", "type", "output" })
  call:at("list", "listing verdicts")
  local ok, err = file_names.check(call, "verdicts", with_results(fields))
  if not ok then return nil, err end
  fields.verdicts = verdicts.unwrap(fields.verdicts)
  return call:await(core.list_verdicts(fields))
end

local REDACT = {
  verdicts = "table|userdata", inputs = "table|string", output = "string", in_place = "boolean",
  dry_run = "boolean", quarantine = "string", rehydrate = "string", policy = "table",
  on_unknown = "string", on_malformed = "string", strict = "boolean", jobs = "number",
  level = "number", checksums = "boolean", lists = "string", columns = "table",
  on_unrecognised = "string", on_ignored = "string", shape = "string", allow_rounded = "boolean",
  report = "string",
}

--- A run in place that is repeated after a kill counts what the first has left, so its report would
-- be of a part of the work.
local function check_report(fields)
  if fields.report and fields.in_place then
    errors.misuse("dataset.redact: `report` and `in_place` do not go together: after a kill the"
      .. " report would lack what was removed before - write to `output`, or use sync")
  end
end

--- Redacts, and writes the report of it.
local function redact_and_report(call, fields, path)
  local part_reports = require "xcompliance.part_reports"
  local ok, err = core.folder_room(path:match("^(.*[^/])/+[^/]*$") or ".")
  if not ok then return nil, errors.with(err, { creating = true }) end
  local sums, counts
  sums, err = part_reports.sums(call, verdicts.results_of(fields.verdicts))
  if not sums then return nil, err end
  counts, err = call:await(core.redact(merge.tables(fields,
    { verdicts = verdicts.unwrap(fields.verdicts), checksums = true })))
  if not counts then return nil, err end
  local report = part_reports.of(counts, fields, fields.verdicts:counts(), sums)
  ok, err = part_reports.write(call, path, report)
  if not ok then return nil, err end
  return counts
end

--- Removes from a dataset what the verdicts condemn (docs/redaction.md).
--
-- Options: `verdicts`, `inputs` (files, folders, "-" for standard input) and one of `output` (a
-- file; a folder if there are several inputs or a folder; "-"), `in_place` and `dry_run` are
-- needed. `policy` says by reason whether a condemned object is removed (the default), its record
-- quarantined ("quarantine"), or kept ("keep"): `{ suspended = "quarantine", scrub_geo = "keep" }`;
-- and what to do about edited tweets: `rehydrate` is "keep" (the default), "scrub_geo" (an edit may
-- hide that a location was removed), "quarantine" or "remove". `quarantine` is where quarantined
-- records go: a file, or a folder. `rehydrate` is where the ids of edited tweets that stay go.
-- `on_unknown` is what to do about ids of which the results say what this version does not know, or
-- that they were not checked, and `on_malformed` about records that do not parse: "stop" (the
-- default), "quarantine" or "remove". `on_unrecognised` is what to do about records in which there
-- is neither a tweet nor a user, or a condemned id at a place that no shape knows: the same, or
-- "keep". `on_ignored`, about files in folders that are not read, is "skip" (the default) or
-- "stop". `shape` is a file that says where tweets and users are (docs/shapes.md). `strict` parses
-- every record. `jobs` is the number of threads (default: as many as processors); `level` of
-- compression is as in gzip; `checksums` adds CRC32C of inputs and outputs. `lists` says
-- what lists of ids hold ("tweets", the default, or "users"); `columns` names columns of
-- tables: names, or arrays of names, by `id`, `author`, `retweeted`, `retweeted_author`, `quoted`,
-- `quoted_author`, `quoted_text`, `place`. `allow_rounded` accepts ids of lists and
-- tables that a spreadsheet seems to have rounded. `report` is a file for a report of it, which
-- xcompliance.merge_reports adds to those of other parts (docs/report.md).
-- `on_progress` is given `{ bytes, total, records, changed, dropped, quarantined }`.
-- @tparam table options these, and `loop`, `on_progress`, `deadline`
-- @treturn ?table counts: `records` = `kept` + `changed` + `dropped` + `quarantined` = `recognised`
-- + `notices` + `malformed` + `unrecognised` + `unparsed`;
-- `tweets` and `users` (objects by outcome and reason); `bytes`, `output_bytes`, `written` (files),
-- `rehydrate` (edited tweets that stay), `ignored`, `ignored_files`; and `files`, an array of the
-- same by file, with `path`, `output`, `written`, `crc32c`, `output_crc32c`, and for an archive
-- `members`, an array of `path` and the counts of each; or nil, err
function M.redact(options)
  local call, fields = begin("dataset.redact", options, REDACT)
  fields.inputs = errors.check_paths("dataset.redact", "inputs", fields.inputs)
  check_given("dataset.redact", fields, { "verdicts", "inputs" })
  check_report(fields)
  call:at("redact", "redacting")
  local ok, err = file_names.check(call, "redact", with_results(fields))
  if not ok then return nil, err end
  local report = fields.report
  fields.report = nil
  if report then return redact_and_report(call, fields, report) end
  fields.verdicts = verdicts.unwrap(fields.verdicts)
  return call:await(core.redact(fields))
end

return M
