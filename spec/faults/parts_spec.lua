-- Rows 86 to 88 and 106 of the fault matrix: what may be joined, what may be published, and what a
-- file of an earlier run is worth. The servers here answer byte for byte as each test says.

local benches = require "spec.support.bench"
local core = require "xcompliance.core"
local raw = require "spec.support.raw"
local simulator = require "spec.support.simulator"
local xcompliance = require "xcompliance"

local shell, quote = simulator.shell, simulator.quote

--- Results of 20 bytes and more, by the digit that their ids begin with.
local function rows(digit, count)
  local lines = {}
  for i = 1, count do
    lines[i] = ('{"id":"%d%03d","action":"delete","reason":"deleted"}\n'):format(digit, i)
  end
  return table.concat(lines)
end

local A, B = rows(1, 20), rows(5, 20)
assert(#A == #B)

--- An answer, and what of its body really comes.
local function answer(status, headers, body)
  local lines = { "HTTP/1.1 " .. status }
  for _, line in ipairs(headers) do lines[#lines + 1] = line end
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. (body or "")
end

local function length(size) return ("Content-Length: %d"):format(size) end
local function range(first, last, total)
  return ("Content-Range: bytes %d-%d/%d"):format(first, last, total)
end

-- where the URL of the results leads decides the flow
local PATHS = { storage = "/o", api = "/2/compliance/jobs/17/download?token=abc" }

for flow, path in pairs(PATHS) do describe("a download, " .. flow, function()
  local server, folder, target, client

  before_each(function()
    folder = assert(shell("mktemp -d"))
    target = folder .. "/results.jsonl"
    benches.write(target, "old")
  end)
  after_each(function()
    client:close()
    server:stop()
    shell("rm -rf " .. folder)
  end)

  --- Downloads from a server that gives these answers one after the other, the last one for ever.
  local function download(answers, options)
    local quoted = {}
    for i, text in ipairs(answers) do quoted[i] = ("%q"):format(text) end
    server = raw.start(([[
      local answers = { %s }
      return function(connection, _, number)
        connection:write(answers[math.min(number, #answers)])
      end]]):format(table.concat(quoted, ",\n")))
    client = xcompliance.client { bearer_token = "t0ken-0123456789abcdef", base_url = server.url,
      retry = { attempts = 6, first = 0.01, max = 0.01 } }
    return client:download_results(server.url .. path, target, options)
  end

  --- The Range headers that were sent, in order; "" for none.
  local function ranges()
    local list = {}
    for head in server:heads():gmatch("GET .-\r\n\r\n") do
      list[#list + 1] = head:match("\r\nRange: ([^\r]*)") or ""
    end
    return list
  end

  local function publishes(text, answers, options)
    local status, info = download(answers, options)
    assert.equal(200, status, tostring(info))
    assert.equal(text, benches.read(target))
    assert.equal("", shell("cd " .. folder .. " && find . -name '.*.part'"))
    return info
  end

  local function refuses(kind, answers, options)
    local status, err = download(answers, options)
    assert.is_nil(status)
    assert.equal(kind, err.kind, tostring(err))
    assert.equal("old", benches.read(target))
    assert.equal("", shell("cd " .. folder .. " && find . -name '.*.part'"))
    return err
  end

  -- {==================================================================
  -- Where it ends
  -- ===================================================================

  it("row 86: is refused if only the end of the connection ends it", function()
    local err = refuses("protocol", { answer("200 OK", {}, A) })
    assert.matches("neither the length nor a checksum", tostring(err), 1, true)
    assert.matches("allow_unframed", tostring(err), 1, true)
    assert.is_false(err.retryable)
  end)

  it("row 86: is accepted then if the caller allows it, unverified", function()
    local info = publishes(A, { answer("200 OK", {}, A) }, { allow_unframed = true })
    assert.is_false(info.verified)
  end)

  it("row 86: is accepted with a length", function()
    publishes(A, { answer("200 OK", { length(#A) }, A) })
  end)

  it("row 86: is accepted in chunks", function()
    publishes(A, { answer("200 OK", { "Transfer-Encoding: chunked" },
      ("%x\r\n%s\r\n0\r\n\r\n"):format(#A, A)) })
  end)

  it("row 86: is accepted with the stored length, if that is what came", function()
    local stored = "x-goog-stored-content-length: " .. #A
    publishes(A, { answer("200 OK", { stored }, A) })
    client:close()
    server:stop()
    benches.write(target, "old")
    refuses("integrity", { answer("200 OK", { stored }, A:sub(1, 100)) })
  end)

  it("row 86: is accepted with a checksum, if it is that of what came", function()
    local hash = "x-goog-hash: crc32c=" .. core.crc32c(A)
    assert.is_true(publishes(A, { answer("200 OK", { hash }, A) }).verified)
    client:close()
    server:stop()
    benches.write(target, "old")
    refuses("integrity", { answer("200 OK", { hash }, A:sub(1, 100)) })
  end)

  it("row 86: is refused if it has two lengths", function()
    refuses("protocol", { answer("200 OK", { length(#A), length(48) }, A) })
    client:close()
    server:stop()
    refuses("protocol", { answer("200 OK", { length(48), length(#A) }, A) })
  end)

  it("row 86: is refused if the length is no number, or more than fits", function()
    for _, value in ipairs { "Content-Length: 99999999999999999999", "Content-Length: many" } do
      local status, err = download { answer("200 OK", { value }, A) }
      assert.is_nil(status)
      assert.is_true(err.kind == "protocol" or err.kind == "network", tostring(err))
      assert.equal("old", benches.read(target))
      client:close()
      server:stop()
    end
    refuses("protocol", { answer("200 OK", { "x-goog-stored-content-length: many" }, A) })
  end)

  -- }==================================================================

  -- {==================================================================
  -- What is joined
  -- ===================================================================

  it("row 87: never joins what follows with what another object left", function()
    -- the 200 of B is cut before its first body byte: the file still holds A
    publishes(B, {
      answer("200 OK", { 'ETag: "a"', length(#A) }, A:sub(1, 300)),
      answer("200 OK", { 'ETag: "b"', length(#B) }),
      answer("206 Partial Content", { 'ETag: "b"', length(#B - 300), range(300, #B - 1, #B) },
        B:sub(301)),
      answer("200 OK", { 'ETag: "b"', length(#B) }, B),
    })
    assert.same({ "", "bytes=300-", "bytes=300-", "" }, ranges())
    assert.matches('If%-Range: "a"\r\n.*If%-Range: "a"\r\n', server:heads())
  end)

  it("row 87: continues with the new object once its first byte has come", function()
    publishes(B, {
      answer("200 OK", { 'ETag: "a"', length(#A) }, A:sub(1, 300)),
      answer("200 OK", { 'ETag: "b"', length(#B) }, B:sub(1, 100)),
      answer("206 Partial Content", { 'ETag: "b"', length(#B - 100), range(100, #B - 1, #B) },
        B:sub(101)),
    })
    assert.same({ "", "bytes=300-", "bytes=100-" }, ranges())
    assert.matches('If%-Range: "b"', server:heads())
  end)

  for name, header in pairs {
    ["without an ETag"] = "X-Nothing: x", ["with a weak ETag"] = 'ETag: W/"a"',
    ["with two ETags"] = 'ETag: "a"\r\nETag: "b"', ["with an ETag that is not one"] = "ETag: a",
    ["with Accept-Ranges alone"] = "Accept-Ranges: bytes",
  } do
    it("row 88: starts over each time " .. name, function()
      publishes(B, {
        answer("200 OK", { header, length(#A) }, A:sub(1, 300)),
        answer("200 OK", { header, length(#A) }, A:sub(1, 301)),
        answer("200 OK", { header, length(#B) }, B:sub(1, 302)),
        answer("200 OK", { header, length(#B) }, B),
      })
      assert.same({ "", "", "", "" }, ranges())
    end)
  end

  it("row 88: starts over if the part does not say of which object it is", function()
    local whole = answer("200 OK", { 'ETag: "a"', length(#A) }, A:sub(1, 300))
    for _, etag in ipairs { "X-Nothing: x", 'ETag: W/"a"', 'ETag: "b"' } do
      benches.write(target, "old")
      publishes(B, {
        whole,
        answer("206 Partial Content", { etag, length(#B - 300), range(300, #B - 1, #B) },
          B:sub(301)),
        whole,
        answer("206 Partial Content", { etag, length(#B - 300), range(300, #B - 1, #B) },
          B:sub(301, 400)),
        answer("200 OK", { 'ETag: "b"', length(#B) }, B),
      })
      assert.same({ "", "bytes=300-", "", "bytes=300-", "" }, ranges())
      client:close()
      server:stop()
    end
    publishes(A, { answer("200 OK", { length(#A) }, A) })
  end)

  it("row 88: joins by the checksum if there is no ETag", function()
    local hash = "x-goog-hash: crc32c=" .. core.crc32c(A)
    local info = publishes(A, {
      answer("200 OK", { hash, "Accept-Ranges: bytes", length(#A) }, A:sub(1, 300)),
      answer("206 Partial Content", { hash, length(#A - 300), range(300, #A - 1, #A) },
        A:sub(301)),
    })
    assert.is_true(info.verified)
    assert.same({ "", "bytes=300-" }, ranges())
  end)

  it("row 88: never joins by another checksum", function()
    publishes(B, {
      answer("200 OK", { "x-goog-hash: crc32c=" .. core.crc32c(A), "Accept-Ranges: bytes",
        length(#A) }, A:sub(1, 300)),
      answer("206 Partial Content", { "x-goog-hash: crc32c=" .. core.crc32c(B), length(#B - 300),
        range(300, #B - 1, #B) }, B:sub(301)),
      answer("200 OK", { length(#B) }, B),
    })
  end)

  it("row 88: is not bounded by luck: parts without proof are never published", function()
    local err = refuses("protocol", {
      answer("206 Partial Content", { "X-Nothing: x", range(1, 2, 3), length(2) }, "{}"),
    })
    assert.equal(6, err.attempts)
  end)

  it("is not complete before its announced total has come", function()
    -- an honest part, but not all of the rest: without a hash only the total says so
    publishes(A, {
      answer("200 OK", { 'ETag: "a"', length(#A) }, A:sub(1, 48)),
      answer("206 Partial Content", { 'ETag: "a"', length(48), range(48, 95, #A) }, A:sub(49, 96)),
      answer("206 Partial Content", { 'ETag: "a"', length(#A - 96), range(96, #A - 1, #A) },
        A:sub(97)),
    })
    assert.same({ "", "bytes=48-", "bytes=96-" }, ranges())
  end)

  it("is not complete if the rest of its announced total never comes", function()
    local err = refuses("network", {
      answer("200 OK", { 'ETag: "a"', length(#A) }, A:sub(1, 48)),
      answer("206 Partial Content", { 'ETag: "a"', length(0), range(48, 95, #A) }),
    })
    assert.matches("byte 48 of ", tostring(err), 1, true)
  end)

  it("is not complete if a part is longer than it says", function()
    refuses("integrity", {
      answer("200 OK", { 'ETag: "a"', length(#A) }, A:sub(1, 48)),
      answer("206 Partial Content", { 'ETag: "a"', range(48, #A - 1, #A) }, A:sub(49) .. A),
    })
  end)

  it("may have become empty after it was cut", function()
    publishes("", {
      answer("200 OK", { 'ETag: "a"', length(#A) }, A:sub(1, 48)),
      answer("200 OK", { 'ETag: "b"', length(0) }),
    })
  end)

  it("is of another object if a 416 says so", function()
    publishes(B, {
      answer("200 OK", { 'ETag: "a"', "Transfer-Encoding: chunked" },
        ("%x\r\n%s\r\n"):format(#A, A)),
      answer("416 Range Not Satisfiable", { 'ETag: "b"', ("Content-Range: bytes */%d"):format(#A),
        length(0) }),
      answer("200 OK", { 'ETag: "b"', length(#B) }, B),
    })
    assert.same({ "", ("bytes=%d-"):format(#A), "" }, ranges())
  end)

  -- }==================================================================

  -- {==================================================================
  -- What it holds
  -- ===================================================================

  for name, body in pairs {
    ["HTML"] = "<html>sign in to this network</html>\n", ["JSON that is no row"] = "{}\n",
    ["a row that is cut"] = A:sub(1, -8), ["zeros"] = A:sub(1, 96) .. ("\0"):rep(96),
    ["rows after which something else comes"] = A .. "the end\n",
  } do
    it("is not published if it is " .. name, function()
      local err = refuses("data", { answer("200 OK", { length(#body) }, body) })
      assert.matches("downloading results%.jsonl: what .* sent is not results", tostring(err))
      assert.matches(target, tostring(err), 1, true)
      assert.is_nil(tostring(err):find(".part", 1, true))
    end)
  end

  it("is published as it is on request", function()
    publishes("<html>", { answer("200 OK", { length(6) }, "<html>") }, { as_is = true })
  end)

  -- }==================================================================
end) end

describe("the command", function()
  it("row 86: names its own flag", function()
    local server = raw.start(("return function(connection) connection:write(%q) end"):format(
      answer("200 OK", {}, A)))
    local function ask(flags)
      return shell(("env BEARER_TOKEN=%s XCOMPLIANCE_BASE_URL=%s %s 2>&1"):format(benches.TOKEN,
        server.url, benches.command(("bin/xcompliance download %s/o -o /tmp/%s.jsonl %s"):format(
          server.url, server.pid, flags))))
    end
    local ok, said = ask("")
    assert.is_nil(ok)
    assert.matches("use --allow-unframed to accept them", said, 1, true)
    assert.is_string(ask("--allow-unframed"))
    assert.equal(A, benches.read(("/tmp/%s.jsonl"):format(server.pid)))
    os.remove(("/tmp/%s.jsonl"):format(server.pid))
    server:stop()
  end)
end)

for flow in pairs(PATHS) do describe("a file that an earlier run left, " .. flow, function()
  local bench, ids, results, target

  before_each(function()
    bench = benches.start { flow = flow, ranges = true, shares = { deleted = 0.5 } }
    ids = bench:path("ids.txt")
    benches.write(ids, benches.ids(20 * 20000))
    target = bench:path("results.jsonl")
  end)
  after_each(function() bench:stop() end)

  local function check(options)
    local all = { type = "tweets", ids = ids, results = target, poll = { min = 0.01, max = 0.01 } }
    for name, value in pairs(options or {}) do all[name] = value end
    return bench:client():check(all)
  end

  local function part_in(folder)
    return assert(shell(("ls %s/.*.part"):format(folder)))
  end

  --- A check whose download breaks for good after 256 KiB.
  local function break_off(options)
    bench:arm { "download:cut@256KiB", "download:503x*" }
    local outcome, err = check(options)
    assert.is_nil(outcome)
    assert.equal("server", err.kind, tostring(err))
    bench.sim:disarm()
    bench:begin()
  end

  --- The same check again ends well; its downloads asked for these ranges.
  local function is_right(ranges, options)
    local messages = {}
    options = options or {}
    function options.on_progress(event) messages[#messages + 1] = event.message or event.warning end
    local outcome, err = check(options)
    assert(outcome, tostring(err))
    local job = bench.sim:state().jobs[1]
    results = benches.read(outcome.results)
    assert.equal(job.results.crc32c, core.crc32c(results))
    assert.is_true(outcome.jobs[1].downloaded.verified)
    assert.same(ranges, bench:asked("download", "range"))
    return table.concat(messages, "\n")
  end

  it("row 106: is continued if it is what was recorded", function()
    break_off()
    assert.is_nil(is_right({ "bytes=262144-" }):find("starting over", 1, true))
  end)

  local function alter(act)
    break_off()
    local path = part_in(bench.folder)
    local text = benches.read(path)
    benches.write(path, act(text))
  end

  for name, act in pairs {
    zeros = function(text) return text:sub(1, 1000) .. ("\0"):rep(#text - 1000) end,
    ["foreign bytes"] = function(text) return text:sub(1, -20) .. ("x"):rep(19) end,
    ["one other byte"] = function(text) return "[" .. text:sub(2) end,
    ["too few bytes"] = function(text) return text:sub(1, -2) end,
    ["no bytes"] = function() return "" end,
  } do
    it("row 106: is dropped if it holds " .. name, function()
      alter(act)
      assert.matches("starting over", is_right { "" }, 1, true)
    end)
  end

  it("row 106: counts only as far as it was recorded", function()
    alter(function(text) return text .. ("x"):rep(5000) end)
    is_right { "bytes=262144-" }
  end)

  it("row 106: is dropped if it is not a file any more", function()
    for _, make in ipairs { "rm %s", "rm %s && mkdir %s", "rm %s && ln -s /etc/passwd %s" } do
      break_off()
      local path = quote(part_in(bench.folder))
      assert(shell((make:gsub("%%s", function() return path end))))
      is_right { "" }
      shell("rm -rf " .. path)
      bench:stop()
      bench = benches.start { flow = flow, ranges = true, shares = { deleted = 0.5 } }
      ids, target = bench:path("ids.txt"), bench:path("results.jsonl")
      benches.write(ids, benches.ids(20 * 20000))
    end
  end)

  it("row 106: starts over if the state was copied to another file system", function()
    local other = assert(shell("mktemp -d -p /var/tmp"))
    local state = bench.folder .. "/state"
    break_off { state = state }
    assert(shell(("cp -r %s %s/state"):format(state, other)))
    is_right({ "" }, { state = other .. "/state" })
    shell("rm -rf " .. other)
  end)

  it("row 106: is continued if the results now go to another file system", function()
    local other = assert(shell("mktemp -d -p /var/tmp"))
    local state = bench.folder .. "/state"
    break_off { results = other .. "/" .. target:match("[^/]*$"), state = state }
    part_in(state)
    is_right({ "bytes=262144-" }, { state = state })
    assert.equal("", shell("ls -A " .. other))
    shell("rm -rf " .. other)
  end)
end) end

describe("a check that is killed while it downloads", function()
  for flow in pairs(PATHS) do it("row 106: loses little of what it had, " .. flow, function()
    local bench = benches.start { flow = flow, ranges = true, shares = { deleted = 0.5 } }
    local ids, target = bench:path("ids.txt"), bench:path("results.jsonl")
    benches.write(ids, benches.ids(20 * 20000))
    local command = bench:xcompliance(("check tweets %s -o %s --poll 1:1"):format(ids, target))
    bench:arm("download:stall-body@30")
    local process = bench:spawn(command)
    local function recorded()
      local journal = shell(("cat %s/.*.journal 2>&1"):format(bench.folder)) or ""
      return journal:match('"size":(%d+)')
    end
    local deadline = core.now() + 20
    while not recorded() and core.now() < deadline do core.sleep(0.05) end
    process.kill("KILL")
    process.wait()
    bench.sim:disarm()
    bench:begin()
    local size = assert(recorded(), "nothing was recorded")
    assert.is_true(tonumber(size) > 0)
    assert(shell(command .. " 2>&1"))
    assert.same({ ("bytes=%s-"):format(size) }, bench:asked("download", "range"))
    assert.equal(bench.sim:state().jobs[1].results.crc32c, core.crc32c(benches.read(target)))
    bench:stop()
  end) end

  it("row 88: starts over if X offers neither an ETag nor a checksum", function()
    local bench = benches.start { flow = "api", shares = { deleted = 0.5 } }
    local ids, target = bench:path("ids.txt"), bench:path("results.jsonl")
    benches.write(ids, benches.ids(20 * 20000))
    bench:arm { "download:cut@256KiBx2", "download:503x*" }
    local function check()
      return bench:client():check { type = "tweets", ids = ids, results = target,
        poll = { min = 0.01, max = 0.01 } }
    end
    assert.is_nil(check())
    bench.sim:disarm()
    assert(check())
    for _, asked in ipairs(bench:asked("download", "range")) do assert.equal("", asked) end
    assert.equal(bench.sim:state().jobs[1].results.size, #benches.read(target))
    bench:stop()
  end)
end)
