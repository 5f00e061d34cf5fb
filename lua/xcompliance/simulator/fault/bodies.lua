--- Faults in the body of an answer, or of a request on its way into storage.
-- @internal xcompliance.simulator.fault.bodies

local digests = require "xcompliance.simulator.digests"
local gzip = require "xcompliance.simulator.gzip"
local http = require "xcompliance.simulator.http"
local objects = require "xcompliance.simulator.objects"
local streams = require "xcompliance.simulator.fault.streams"

local M = {}

local DOWNLOAD = { download = true }
local UPLOADS = { upload = true, chunk = true }

local function shortened(response, size)
  response.body, response.size = streams.cut(streams.of(response.body), size), size
end

-- {====================================================================
-- Lengths
-- =====================================================================

local function truncated(_, response, size)
  shortened(response, size or streams.size(response) // 2)
end

local function long_length(_, response)
  http.set_header(response.headers, "Content-Length", ("%d"):format(streams.size(response) + 100))
  response.close = true
end

local function short_length(_, response)
  http.set_header(response.headers, "Content-Length", ("%d"):format(streams.size(response) // 2))
  response.close = true
end

-- the body in chunks, and the connection closed before the last one
local function cut_chunks(exchange, response)
  local body = streams.of(response.body)
  local function hang_up()
    exchange.connection:flush()
    error({ hangup = "close" }, 0)
  end
  response.body, response.size = streams.cut(body, streams.size(response), hang_up), nil
end

-- }====================================================================

-- {====================================================================
-- Ranges
-- =====================================================================

local function object_of(exchange)
  local job = exchange.service.jobs.by_path[exchange.request.path]
  return job and job.results
end

local function ignore_range(exchange)
  exchange.request.headers.range = nil
end

-- 206 whose Content-Range and bytes begin one later than was asked
local function wrong_range(exchange, response)
  local object, range = object_of(exchange), http.header(response.headers, "Content-Range")
  local first, last = (range or ""):match("^bytes (%d+)%-(%d+)/")
  if not first then return end
  first, last = tonumber(first) + 1, tonumber(last)
  range = ("bytes %d-%d/%d"):format(first, last, object.size)
  http.set_header(response.headers, "Content-Range", range)
  response.size = last - first + 1
  response.body = objects.reader(object, first, response.size)
end

local function wrong_total(_, response)
  local range = http.header(response.headers, "Content-Range")
  if range then
    http.set_header(response.headers, "Content-Range", (range:gsub("/(%d+)", "/%19")))
  end
end

local function no_content_range(_, response)
  http.remove_header(response.headers, "Content-Range")
end

local function multipart(_, response)
  local range = http.header(response.headers, "Content-Range") or "bytes 0-0/1"
  local part = ("--part\r\nContent-Type: application/octet-stream\r\nContent-Range: %s\r\n\r\n%s"
    .. "\r\n--part--\r\n"):format(range, streams.all(response.body))
  response.status, response.body = 206, part
  http.remove_header(response.headers, "Content-Range")
  http.set_header(response.headers, "Content-Type", "multipart/byteranges; boundary=part")
end

-- }====================================================================

-- {====================================================================
-- Content
-- =====================================================================

local function flip_upload(exchange, offset)
  if not UPLOADS[exchange.step] then return end
  exchange.request.body = streams.flipped(exchange.request.body, offset)
end

local function flip_answer(exchange, response, offset)
  if UPLOADS[exchange.step] then return end
  response.size = streams.size(response)
  response.body = streams.flipped(streams.of(response.body), offset)
end

-- what describes a stored object now describes these bytes
local function describe(response, bytes)
  local hashes = digests.new("crc32c")
  hashes:update(bytes)
  http.set_header(response.headers, "x-goog-hash", "crc32c=" .. hashes:final().crc32c)
  http.set_header(response.headers, "x-goog-stored-content-encoding", "gzip")
  http.set_header(response.headers, "x-goog-stored-content-length", ("%d"):format(#bytes))
end

local function gzipped(exchange, response)
  local bytes = gzip.stored(streams.all(response.body))
  if exchange.step == "download" and exchange.place == "storage" then
    describe(response, bytes)
  end
  http.set_header(response.headers, "Content-Encoding", "gzip")
  response.body = bytes
end

-- stored as gzip, decompressed by the server: no length, and hashes of other bytes
local function transcoded(exchange, response)
  local text = streams.all(response.body)
  if exchange.place == "storage" then describe(response, gzip.stored(text)) end
  response.body, response.size = streams.of(text), nil
  http.remove_header(response.headers, "Accept-Ranges")
end

local function gzip_bomb(exchange, size)
  exchange.response = http.response(200, {
    { "Content-Type", "application/json; charset=utf-8" }, { "Content-Encoding", "gzip" },
  }, gzip.bomb(size))
end

local function endless(exchange)
  local text = (" "):rep(64 * 1024)
  exchange.response = http.response(200, {
    { "Content-Type", "application/json; charset=utf-8" },
  }, streams.endless('{"data":', text))
end

-- headers by name, or a list of { name, value } where names repeat
local function raw(exchange, fault)
  local fields = {}
  for name, value in pairs(fault.headers or {}) do
    fields[#fields + 1] = type(value) == "table" and value or { name, value }
  end
  exchange.response = http.response(fault.status or 200, fields, fault.body or "")
  exchange.response.early = fault.early
end

-- the end of the connection alone ends the body
local function unframed(_, response)
  response.unframed = true
  http.remove_header(response.headers, "Content-Length")
  http.remove_header(response.headers, "x-goog-stored-content-length")
end

M.kinds = {
  ["unframed"] = { doc = "neither a length nor chunks nor a stored length", after = unframed },
  ["truncated"] = {
    doc = "the first half or @SIZE, and an honest Content-Length", parameter = "size",
    optional = true, after = truncated,
  },
  ["body"] = {
    doc = "another body for the same answer: @TEXT", parameter = "text",
    after = function(_, response, text) response.body = text end,
  },
  ["long-length"] = { doc = "Content-Length beyond the body", after = long_length },
  ["short-length"] = { doc = "Content-Length of half the body", after = short_length },
  ["chunked-cut"] = { doc = "chunked, without the last chunk", after = cut_chunks },
  ["ignore-range"] = { doc = "200 with all", steps = DOWNLOAD, before = ignore_range },
  ["wrong-range"] = { doc = "206 one byte later", steps = DOWNLOAD, after = wrong_range },
  ["wrong-total"] = { doc = "206 of another total", steps = DOWNLOAD, after = wrong_total },
  ["no-content-range"] = {
    doc = "206 without Content-Range", steps = DOWNLOAD, after = no_content_range,
  },
  ["multipart"] = { doc = "206 multipart/byteranges", steps = DOWNLOAD, after = multipart },
  ["flip"] = {
    doc = "one bit of the byte at @OFFSET: of what is stored, or of what is answered",
    parameter = "size", default = 0, before = flip_upload, after = flip_answer,
  },
  ["gzip"] = { doc = "Content-Encoding: gzip", after = gzipped },
  ["transcoded"] = {
    doc = "stored as gzip, decompressed by the server", steps = DOWNLOAD, after = transcoded,
  },
  ["gzip-bomb"] = {
    doc = "gzip of @SIZE spaces", parameter = "size", default = 1 << 30, before = gzip_bomb,
  },
  ["endless-body"] = { doc = "an answer that never ends", before = endless },
  ["raw"] = {
    doc = "as armed in JSON: `status`, `headers`, `body`, `early`", parameter = "table",
    before = raw,
  },
}

-- }====================================================================

return M
