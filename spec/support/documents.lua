--- Runs what documents show: each document's blocks in order, in one shell, in a folder of its own.
--
--     ```sh            is run; it needs neither a token nor the API
--     ```sh x-api      is run with a token, and with the simulator in place of the API
--     ```sh by-hand    is not run: it installs something, or serves until it is stopped
--     ```lua           is run, likewise; `lua x-api`, `lua by-hand`
--     ```text          after a block: lines that it prints, in this order; … stands for anything
--     <!-- run: … -->  a line that is run, and that a reader does not see; <!-- run x-api: … -->
--
-- A server that a document starts listens at port 8080; here that is a free one.

local benches = require "spec.support.bench"
local simulator = require "spec.support.simulator"

local shell, quote = simulator.shell, simulator.quote

local M = {}

-- {====================================================================
-- Reading
-- =====================================================================

--- The blocks of a document: `{ language, mark, text, line, shown }`; `shown` is what it prints.
function M.blocks(path)
  local found, block, number = {}, nil, 0
  local text = assert(benches.read(path), path)
  for line in text:gmatch("([^\n]*)\n") do
    number = number + 1
    local hidden_mark, hidden = line:match("^<!%-%- run ?(%S*): (.*) %-%->$")
    local language, mark = line:match("^```(%S*) ?(.*)$")
    if block and line == "```" then
      local last = found[#found]
      if block.language == "text" and last and not last.shown then
        last.shown = block.text
      else
        found[#found + 1] = block
      end
      block = nil
    elseif block then
      block.text = block.text .. line .. "\n"
    elseif language then
      block = { language = language, mark = mark, text = "", line = number }
    elseif hidden then
      found[#found + 1] = {
        language = "sh", mark = hidden_mark, text = hidden .. "\n", line = number,
      }
    end
  end
  assert(not block, path .. ": a block has no end")
  return found
end

-- }====================================================================

-- {====================================================================
-- Running
-- =====================================================================

local OFFLINE = "unset BEARER_TOKEN; export XCOMPLIANCE_BASE_URL=http://127.0.0.1:9\n"

local function lines_of(block, number)
  if block.language == "sh" then return block.text end
  return ("cat >block-%d.lua <<'END OF THE BLOCK'\n%sEND OF THE BLOCK\nrun-lua block-%d.lua\n")
    :format(number, block.text, number)
end

local function script_of(blocks, bench)
  local online = ("export BEARER_TOKEN=%s XCOMPLIANCE_BASE_URL=%s\n"):format(benches.TOKEN,
    bench.sim.url)
  -- a poll a second is the fastest that the command accepts
  local parts = { "set -eu\nexport XCOMPLIANCE_POLL=1:1 XCOMPLIANCE_JOBS_TAKE=0\n", OFFLINE }
  local was_online = false
  for number, block in ipairs(blocks) do
    local is_online = block.mark == "x-api"
    if block.mark ~= "by-hand" and (block.language == "sh" or block.language == "lua") then
      if is_online ~= was_online then parts[#parts + 1] = is_online and online or OFFLINE end
      was_online = is_online
      parts[#parts + 1] = ("echo '@@ %d'\n"):format(number) .. lines_of(block, number)
    end
  end
  return table.concat(parts) .. "echo '@@ end'\n"
end

local function free_port()
  return shell([[lua5.4 -e 'local socket = require "cqueues.socket"
    local server = socket.listen { host = "127.0.0.1", port = 0 }
    server:listen()
    print((select(3, server:localname())))']])
end

local function write_program(path, text)
  benches.write(path, "#!/bin/sh\n" .. text)
  assert(shell("chmod +x " .. quote(path)))
end

--- The simulator runs under Lua 5.4, whatever the rest runs under: Debian has its cqueues.
local COMMAND = [[
if [ "${1-}" = simulate ]; then unset LD_PRELOAD; exec lua5.4 %s/bin/xcompliance "$@"; fi
exec %s "$@"
]]

local SECONDS = 110 -- for a document, on a machine that is busy

local Run = {}
Run.__index = Run

--- A text of the document with the port that is used here.
function Run:here(text) return (text:gsub("8080", self.port)) end

--- Starts a document's blocks.
-- @treturn table `{ path, work, blocks }` (work: its folder) and the methods below
function M.start(path)
  local bench, root = benches.start(), shell("pwd")
  local bin, work = bench:path("bin"), bench:path("work")
  local run = setmetatable({ path = path, bench = bench, work = work, blocks = M.blocks(path) },
    Run)
  assert(shell(("mkdir %s %s && ln -s %s/examples %s/examples"):format(bin, work, root, work)))
  write_program(bin .. "/xcompliance",
    COMMAND:format(root, benches.command(root .. "/bin/xcompliance")))
  write_program(bin .. "/run-lua", "exec " .. benches.command("") .. ' "$@"\n')
  run.port = free_port()
  benches.write(work .. "/.script", run:here(script_of(run.blocks, bench)))
  -- which also ends what a script has started and not ended
  run.process = bench:spawn(("sh -c 'cd %s && PATH=%s:$PATH exec timeout %d sh .script'"):format(
    work, bin, SECONDS))
  return run
end

--- Waits for the end.
-- @treturn table what each block has printed, by its number
-- @treturn string all that was printed
-- @treturn integer the exit status
function Run:wait()
  local output, status = self.process.wait() -- for a minute
  if not status then output, status = self.process.wait() end
  local printed = {}
  for number, text in ("\n" .. output):gsub("\n@@ ", "\0"):gmatch("%z(%w+)\n?([^%z]*)") do
    printed[tonumber(number) or number] = text
  end
  return printed, output, status
end

--- The first line that a text shows and that was not printed; nil if there is no such line.
function M.missing(shown, printed)
  local position = 1
  for line in shown:gmatch("[^\n]+") do
    local pattern = line:gsub("[%^$().%[%]*+?%-%%]", "%%%0"):gsub("…", ".-")
    local _, last = ("\n" .. printed .. "\n"):find("\n" .. pattern .. "\n", position)
    if not last then return line end
    position = last
  end
end

function Run:stop() self.bench:stop() end

-- }====================================================================

return M
