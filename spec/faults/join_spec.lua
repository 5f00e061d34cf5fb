-- Rows 69 to 71 of the fault matrix, byte for byte: what came of two answers is one file only if it
-- is proved to be of one object, and only if it is as long as that object.

local benches = require "spec.support.bench"
local core = require "xcompliance.core"
local raw = require "spec.support.raw"
local shell = require("spec.support.simulator").shell

local function row(id, reason)
  return ('{"id":"%s","action":"delete","reason":"%s"}\n'):format(id, reason)
end

-- two objects of one size, whose halves together would be results, too
local A = { row(11, "deleted"), row(12, "deleted") }
local B = { row(21, "bounced"), row(22, "bounced") }
A.size, A.half, A.text = #A[1] + #A[2], #A[1], A[1] .. A[2]
B.size, B.half, B.text = A.size, A.half, B[1] .. B[2]

local function hash(text) return "x-goog-hash: crc32c=" .. core.crc32c(text) end

--- An answer; the connection ends with it.
local function answer(status, body, ...)
  return table.concat({ "HTTP/1.1 " .. status, "Connection: close", ... }, "\r\n")
    .. "\r\n\r\n" .. body
end

local function length(size) return "Content-Length: " .. size end
local function range(from, to) return ("Content-Range: bytes %d-%d/%d"):format(from, to, A.size) end
local function chunk(text) return ("%x\r\n%s\r\n"):format(#text, text) end
local CHUNKED = "Transfer-Encoding: chunked"

describe("a download of two answers", function()
  local folder, server

  before_each(function() folder = assert(shell("mktemp -d")) end)
  after_each(function()
    server:stop()
    shell("rm -rf " .. folder)
  end)

  --- Downloads from a server that gives these answers, one after the other: `{ part = …,
  -- whole = … }` says what it answers to a request with a Range, and to one without.
  local function download(answers)
    local lines = {}
    for i, given in ipairs(answers) do
      local part, whole = given, given
      if type(given) == "table" then part, whole = given.part, given.whole end
      lines[i] = ("{ part = %q, whole = %q }"):format(part, whole)
    end
    server = raw.start(("local answers = { %s } return function(connection, head, number)"
      .. " local given = answers[number] or answers[#answers]"
      .. " connection:write(head:find('\\nRange:') and given.part or given.whole) end"):format(
      table.concat(lines, ",")))
    local target = folder .. "/results.jsonl"
    local client = require("xcompliance").client { bearer_token = benches.TOKEN,
      base_url = server.url, retry = { attempts = 4, first = 0.01, max = 0.01 } }
    local status, info = client:download_results(server.url .. "/o", target)
    client:close()
    return status, info, benches.read(target)
  end

  local function gives(object, answers)
    local status, info, text = download(answers)
    assert.equal(200, status, tostring(info))
    assert.equal(object.text, text)
    local _, requests = server:heads():gsub("GET ", "")
    assert.equal(#answers, requests)
  end

  --- The first half of A.
  local function cut(...) return answer("200 OK", A[1], length(A.size), ...) end

  local REST_OF_B = answer("206 Partial Content", B[2], range(A.half, A.size - 1), length(#B[2]))
  local ALL_OF_B = answer("200 OK", B.text, length(B.size))

  for what, header in pairs {
    ["neither an ETag nor a checksum"] = "Server: any",
    ["an ETag that is weak"] = 'ETag: W/"a"',
    ["a checksum, but no promise of parts"] = hash(A.text),
  } do
    it("is begun again if the first had " .. what, function()
      gives(B, { cut(header), { part = REST_OF_B, whole = ALL_OF_B } })
    end)
  end

  for what, headers in pairs {
    ["another ETag"] = { 'ETag: "a"', 'ETag: "b"' },
    ["no ETag"] = { 'ETag: "a"', "Server: any" },
    ["the same ETag, but a weak one"] = { 'ETag: "a"', 'ETag: W/"a"' },
    ["another checksum"] = { hash(A.text) .. "\r\nAccept-Ranges: bytes", hash(B.text) },
    ["no checksum"] = { hash(A.text) .. "\r\nAccept-Ranges: bytes", "Server: any" },
  } do
    it("is begun again if the second has " .. what, function()
      local part = answer("206 Partial Content", B[2], range(A.half, A.size - 1), length(#B[2]),
        headers[2])
      gives(B, { cut(headers[1]), part, { part = part, whole = ALL_OF_B } })
    end)
  end

  it("is continued if the second proves by its checksum that it is of the same object", function()
    local rest = answer("206 Partial Content", A[2], range(A.half, A.size - 1), length(#A[2]),
      hash(A.text))
    gives(A, { cut(hash(A.text), "Accept-Ranges: bytes"), { part = rest, whole = ALL_OF_B } })
  end)

  it("is continued until all is there, whatever the parts say of themselves", function()
    local some = answer("206 Partial Content", chunk(A[2]:sub(1, 5)) .. "0\r\n\r\n",
      range(A.half, A.size - 1), CHUNKED, 'ETag: "a"')
    local rest = answer("206 Partial Content", A[2]:sub(6), range(A.half + 5, A.size - 1),
      length(#A[2] - 5), 'ETag: "a"')
    gives(A, { cut('ETag: "a"'), some, rest })
  end)

  it("is refused if more came than there is", function()
    local more = answer("206 Partial Content", chunk(A[2]) .. chunk(A[2]) .. "0\r\n\r\n",
      range(A.half, A.size - 1), CHUNKED, 'ETag: "a"')
    local status, err, text = download { cut('ETag: "a"'), more }
    assert.is_nil(status)
    assert.equal("integrity", err.kind, tostring(err))
    assert.is_nil(text)
  end)

  it("is empty if the object has become empty", function()
    local empty = answer("200 OK", "", length(0), 'ETag: "b"')
    gives({ text = "" }, { cut('ETag: "a"'), empty })
  end)
end)
