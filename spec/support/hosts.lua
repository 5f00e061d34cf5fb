--- The hosts that a client may live in, each driven in the same way:
--
--     enter(work)      runs `work` where the host's loop may wait; raises what it raises
--     together(works)  inside of that: runs functions side by side, until all have ended
--     loop             the host's loop
--     concurrent       whether functions that run together wait together
--
-- nginx is entered by a request (spec/loop_spec.lua).

-- luacheck: read globals ngx

local M = {}

M.blocking = {
  enter = function(work) work() end,
  together = function(works)
    for _, work in ipairs(works) do work() end
  end,
}

M.cqueues = { concurrent = true }

function M.cqueues.enter(work)
  local controller = require("cqueues").new()
  controller:wrap(work)
  local ok, err = controller:loop(60)
  if not ok then error(err, 0) end
  assert(controller:empty(), "the controller still has work after a minute")
end

function M.cqueues.together(works)
  local done, left = require("cqueues.condition").new(), #works
  for _, work in ipairs(works) do
    require("cqueues").running():wrap(function()
      work()
      left = left - 1
      done:signal()
    end)
  end
  while left > 0 do done:wait() end
end

M.luv = { concurrent = true }

--- Runs `work` in a coroutine; `finish` is called at its end.
local function spawn(work, finish)
  local thread = coroutine.create(function() finish(xpcall(work, debug.traceback)) end)
  assert(coroutine.resume(thread))
end

function M.luv.enter(work)
  local uv = require "luv"
  local ended, ok, err
  spawn(work, function(...) ended, ok, err = true, ... end)
  uv.run()
  assert(ended, "the loop has nothing to wait for, and the work has not ended")
  if not ok then error(err, 0) end
end

function M.luv.together(works)
  local parent, left, waits, failure = coroutine.running(), #works, false, nil
  for _, work in ipairs(works) do
    spawn(work, function(ok, err)
      left = left - 1
      if not ok then failure = err end
      if left == 0 and waits then assert(coroutine.resume(parent)) end
    end)
  end
  if left > 0 then
    waits = true
    coroutine.yield()
  end
  if failure then error(failure, 0) end
end

M.nginx = { concurrent = true }

function M.nginx.enter(work) work() end

function M.nginx.together(works)
  local threads = {}
  for i, work in ipairs(works) do threads[i] = ngx.thread.spawn(work) end
  for _, thread in ipairs(threads) do assert(ngx.thread.wait(thread)) end
end

for name, host in pairs(M) do
  host.name = name
  host.loop = setmetatable({}, { -- only the host that is used is loaded
    __index = function(_, key) return require("xcompliance.loop." .. name)[key] end,
  })
end

return M
