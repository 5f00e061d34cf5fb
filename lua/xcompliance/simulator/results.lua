--- The results file of a job: JSON Lines, with the blank lines that joined shards leave.
-- @internal xcompliance.simulator.results

local cqueues = require "cqueues"
local objects = require "xcompliance.simulator.objects"

local M = {}

local LINE_MAX = 64 -- what is longer is no id; the rest of such a line is forgotten
local ROWS_PER_SHARD = 10
local PIECE = 256 * 1024

-- calls each(line) for the lines of an object, in constant memory
local function each_line(object, each)
  local rest = ""
  for piece in objects.reader(object, 0, object.size) do
    local text, at = rest .. piece, 1
    local stop = text:find("\n", 1, true)
    while stop do
      each(text:sub(at, math.min(stop, at + LINE_MAX) - 1))
      at = stop + 1
      stop = text:find("\n", at, true)
    end
    rest = text:sub(at, at + LINE_MAX - 1)
    cqueues.sleep(0) -- others have their turn
  end
  if rest ~= "" then each(rest) end
end

-- gathers rows, and writes them if there are enough
local function row_writer(writer)
  local rows, size, count = {}, 0, 0
  local function flush()
    writer:append(table.concat(rows))
    rows, size = {}, 0
  end
  local function add(row)
    count = count + 1
    if count % ROWS_PER_SHARD == 0 then row = row .. "\n" end
    rows[#rows + 1], size = row, size + #row
    if size >= PIECE then flush() end
  end
  return add, flush
end

-- a composed object has no MD5
local function results_hashes(options)
  return (options.hashes == "both" or options.hashes == "crc32c") and "crc32c" or "none"
end

--- Makes the results of an upload. Yields to others between pieces.
-- @tparam table verdicts see verdicts.lua
-- @tparam string job_type
-- @tparam table upload an object
-- @tparam table options `spool`, `hashes`
-- @treturn table an object
function M.make(verdicts, job_type, upload, options)
  local writer = objects.writer { spool = options.spool, hashes = results_hashes(options) }
  local add, flush = row_writer(writer)
  each_line(upload, function(line)
    local rows = line ~= "" and verdicts:rows(job_type, line) or ""
    if rows ~= "" then add(rows) end
  end)
  flush()
  return objects.finish(writer)
end

--- Takes a file as results; it is not copied. Yields to others between pieces.
-- @tparam string path
-- @tparam table options `hashes`
-- @treturn table an object
function M.take(path, options)
  local writer = objects.of_file(path, results_hashes(options))
  for piece in objects.reader(writer, 0, writer.size) do
    writer.digests:update(piece)
    cqueues.sleep(0)
  end
  return objects.finish(writer)
end

return M
