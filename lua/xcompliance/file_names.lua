--- The names of the files of a call: which there are, what each is used for, whether they fit.
--
-- Every function and every command that takes files asks `check` before anything is read or sent.
-- Two names of one file are refused if the call would write it, by path, link or inode; so is an
-- output in a folder that is read and would be read the next time. What is compared, and how, is
-- decided by the core (src/dataset/files/names.h).
-- @internal xcompliance.file_names

local core = require "xcompliance.core"
local errors = require "xcompliance.errors"
local text = require "xcompliance.text"

local M = {}

--- For each function what its options name: `add(option, use, path or paths)`; uses are those of
-- core.check_names, and "stream" and "text", which are "output" and "write" that may be "-".
local ROLES = {}

function ROLES.extract(add, options)
  add("inputs", "input", options.inputs)
  add("shape", "read", options.shape)
  add("output", options.ids_per_file and "numbered" or "write", options.output)
  if options.on_malformed == "skip" then
    add("output", "write", options.output .. ".malformed")
  end
end

--- Ids that are iterated over.
function ROLES.ids(add, options)
  add("inputs", "input", options.inputs)
  add("shape", "read", options.shape)
end

function ROLES.difference(add, options)
  add("from", "read", options.from)
  add("without", "read", options.without)
  add("output", "write", options.output)
end

function ROLES.redact(add, options)
  add("inputs", "input", options.inputs)
  add("tweets", "read", options.tweets)
  add("users", "read", options.users)
  add("shape", "read", options.shape)
  add("report", "write", options.report)
  if options.dry_run then return end
  add("output", "stream", options.output)
  add("quarantine", "quarantine", options.quarantine)
  add("rehydrate", "write", options.rehydrate)
end

--- A list of verdicts.
function ROLES.verdicts(add, options)
  add("tweets", "read", options.tweets)
  add("users", "read", options.users)
  add("ids", "read", options.ids)
  add("output", "text", options.output)
end

--- Compiled verdicts.
function ROLES.save(add, options)
  add("tweets", "read", options.tweets)
  add("users", "read", options.users)
  add("output", "write", options.output)
end

--- How the names of the files begin in which a check keeps its state.
-- @tparam table options of the check
-- @treturn string
-- @treturn string their folder
function M.state_base(options)
  local folder = options.state or options.results:match("^(.*/)") or "."
  return folder:gsub("([^/])$", "%1/") .. "." .. text.basename(options.results), folder
end

function ROLES.check(add, options)
  local base = M.state_base(options)
  add("ids", "read", options.ids)
  add("results", "write", options.results)
  add("state", "write", { base .. ".journal", base .. ".ids", base .. ".part.ids" })
  add("state", "numbered", base .. ".results")
  add("metrics", "write", options.metrics)
end

function ROLES.sync(add, options)
  add("inputs", "input", options.inputs)
  add("shape", "read", options.shape)
  add("state", "own", options.state)
  add("quarantine", "own", options.quarantine)
  add("metrics", "write", options.metrics)
  if options.dry_run then return end
  add("output", "output", options.output and options.output .. "/")
end

function ROLES.report(add, options)
  add("inputs", "read", options.inputs)
  add("output", "text", options.output)
end

function ROLES.download(add, options) add("results", "write", options.results) end

function ROLES.upload(add, options) add("ids", "read", options.ids) end

function ROLES.simulate(add, options)
  add("verdicts", "read", options.verdicts)
  add("state_log", "write", options.state_log)
end

local READS = { input = true, read = true }
local STREAMS = { stream = "output", text = "write" }

--- What is wrong with a name by itself; nil if nothing is.
local function problem_of(word, use, path)
  if path == "" then return ("%s is empty - give the name of a file"):format(word) end
  if path == "-" and not READS[use] and not STREAMS[use] then
    return ("%s is -, but it cannot be standard output - give the name of a file"):format(word)
  end
end

--- What the options of a call name.
-- @treturn ?table what core.check_names takes; or nil, err
-- @treturn boolean whether any of it is written
local function list(what, options, labels)
  local names, writes, problem = {}, options.in_place, nil
  local function add(option, use, paths)
    local word = labels and labels[option] or option
    writes = writes or (paths and not READS[use])
    if type(paths) == "string" then paths = { paths } end
    for _, path in ipairs(paths or {}) do
      problem = problem or problem_of(word, use, path)
      names[#names + 1] = { word, STREAMS[use] or use, path }
    end
  end
  ROLES[what](add, options)
  add("token_file", "read", options.token_file)
  add("ca_file", "read", options.ca_file)
  if problem then return nil, errors.new("usage", problem) end
  return names, writes
end

--- Checks that the names of a call fit together.
-- @tparam table call
-- @tparam string what the function: "extract", "ids", "difference", "redact", "verdicts", "save",
-- "check", "sync", "download", "upload", "report" or "simulate"
-- @tparam table options its options, and `token_file` and `ca_file` of the client
-- @tparam[opt] table labels what messages call the options, by their names; default: those
-- @treturn true|nil,err of the kind "usage", whose message names both; or "io" if something that
-- is not a file has the name of one that is written
function M.check(call, what, options, labels)
  local names, writes = list(what, options, labels)
  if not names then return nil, writes end
  if not writes then return true end
  local in_place = options.in_place and not options.dry_run
  local once = what == "redact" or what == "sync"
  local ok, err = call:ask(core.check_names(names, in_place, once))
  if not ok and err.kind == "io" then err = errors.with(err, { creating = true }) end
  return ok, err
end

return M
