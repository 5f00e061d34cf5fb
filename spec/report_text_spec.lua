local reports = require "xcompliance.report_text"

local function file(path, counts)
  local of = { path = path, kept = 0, changed = 0, dropped = 0, quarantined = 0 }
  for name, count in pairs(counts) do of[name] = count end
  return of
end

local function report()
  local checked = function()
    return {
      asked = 10, compliant = 7, outcomes = { delete = 2, scrub_geo = 1 },
      reasons = { deleted = 1, suspended = 1 }, jobs = {},
    }
  end
  local files = {
    file("a", { records = 5, kept = 3, changed = 1, dropped = 1 }),
    file("b", { records = 4, quarantined = 4 }),
  }
  return {
    files = files, records = reports.total(files), verified = true,
    calls = { create_compliance_job = 2, list_job = 3 },
    checked = { tweets = checked(), users = checked() },
  }
end

describe("a report", function()
  it("sums its files", function()
    assert.same({ files = 2, records = 9, kept = 3, changed = 1, dropped = 1, quarantined = 4 },
      report().records)
  end)

  it("that adds up is right", function()
    assert.is_true(reports.check(report()))
  end)

  for name, spoil in pairs {
    ["a record that is lost"] = function(own) own.files[1].kept = 2 end,
    ["a sum that is wrong"] = function(own) own.records.records = 10 end,
    ["an id without an outcome"] = function(own) own.checked.users.compliant = 6 end,
    ["more outcomes than ids"] = function(own)
      own.checked.tweets.compliant, own.checked.tweets.outcomes.delete = -1, 10
    end,
  } do
    it("with " .. name .. " is a mistake of the program", function()
      local own = report()
      spoil(own)
      local ok, err = reports.check(own)
      assert.is_nil(ok)
      assert.equal("internal", err.kind)
      assert.matches("do not add up", tostring(err))
    end)
  end

  it("is read by people", function()
    local own = report()
    own.differences = { tweets = {
      newly_gone = 1, reinstated = 2, places = { { id = "5", file = "kept/a", line = 3 } },
    } }
    own.verified = false
    assert.equal([[
tweets  10 ids asked, 7 compliant, 2 delete, 1 scrub_geo
        reasons: 1 deleted, 1 suspended
users   10 ids asked, 7 compliant, 2 delete, 1 scrub_geo
        reasons: 1 deleted, 1 suspended
9 records: 3 kept, 1 changed, 1 dropped, 4 quarantined
  a: 5 records: 3 kept, 1 changed, 1 dropped, 0 quarantined
  b: 4 records: 0 kept, 0 changed, 0 dropped, 4 quarantined
since the last check: 1 tweets newly gone, 2 reinstated
  5 can be restored from kept/a, line 3
API calls: 2 create, 3 get
storage stated no checksum for some transfer: delivered, but unverified]], reports.text(own))
  end)

  it("says that edited tweets are stale, and what helps", function()
    local own = report()
    for _, case in ipairs {
      { { tweets = 0, treatment = "keep", list = "s/ids" }, nil },
      { { tweets = 1, treatment = "keep", list = "s/ids" },
        "1 tweet was edited: its stored copy is stale and may hold a location that must go - fetch"
        .. " it again (its id is in s/ids), or use --policy rehydrate=scrub_geo\n" },
      { { tweets = 1200, treatment = "scrub_geo" }, "1,200 tweets were edited: their stored copies"
        .. " are stale, without places - fetch them again\n" },
    } do
      own.edited = case[1]
      if case[2] then assert.matches(case[2], reports.text(own), 1, true) end
      if not case[2] then assert.is_nil(reports.text(own):find("edited", 1, true)) end
    end
  end)

  it("names this many files, and counts the rest", function()
    local own = report()
    for i = 1, 30 do own.files[i] = file("f" .. i, { records = 0 }) end
    assert.matches("and 10 files more", reports.text(own))
  end)
end)
