-- The report as a page: what is in it, that nothing from outside becomes markup, that it stays
-- small, and what Chromium makes of it.

local command = require "spec.support.command"
local json = require "xcompliance.json"
local pages = require "xcompliance.report_page"
local removal_months = require "xcompliance.removal_months"
local scratches = require "spec.support.scratch"
local shell = require("spec.support.simulator").shell

local function example()
  return {
    format = 1, version = "1.0.0", started = "2026-11-24T13:50:00Z",
    finished = "2026-11-24T14:50:00Z", seconds = 3600, verified = true, calls = {},
    inputs = { "in" }, output = "out", state = "out/.xcompliance", dry_run = false,
    in_place = false,
    checked = {
      tweets = { asked = 10, compliant = 5, outcomes = { delete = 3, scrub_geo = 2 },
        reasons = { deleted = 2, suspended = 1 }, jobs = { { id = "13", ids = 10, rows = 5,
          bytes = 9, crc32c = "AAAA", verified = true, seconds = 1 } } },
      users = { asked = 0, compliant = 0, outcomes = {}, reasons = {}, jobs = {} },
    },
    records = { files = 1, records = 9, kept = 4, changed = 2, dropped = 2, quarantined = 1,
      recognised = 9, notices = 0, malformed = 0, unrecognised = 0, without_author = 1 },
    files = { { path = "in/a.jsonl", records = 9, kept = 4, changed = 2, dropped = 2,
      quarantined = 1, crc32c = "BBBB", output_crc32c = "CCCC" } },
    ignored = { count = 1, files = { "in/notes.pdf" } },
    removals_by_month = { { month = "before 2010-11", ids = 1 }, { month = "2021-11", ids = 1 },
      { month = "2022-02", ids = 1 } },
    differences = { tweets = { newly_gone = 2, reinstated = 1,
      places = { { id = "77", file = "q/a.jsonl", line = 3 } } } },
    edited = { tweets = 0, treatment = "keep" },
  }
end

describe("the report as a page", function()
  local scratch

  before_each(function() scratch = scratches.new() end)
  after_each(function() scratch:remove() end)

  --- Python's parser is the witness: it lists unbalanced tags, scripts, and what would be loaded.
  local function inspect(page)
    scratch:write("page.html", page)
    scratch:write("inspect.py", [[
import sys
from html.parser import HTMLParser
VOID = {"meta", "rect", "br"}
class P(HTMLParser):
    def __init__(self):
        super().__init__(); self.open = []; self.tags = set()
    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag not in VOID: self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href") or name.startswith("on"): print("loads", tag, name, value)
    def handle_startendtag(self, tag, attrs): self.tags.add(tag)
    def handle_endtag(self, tag):
        if tag == "rect": return
        if not self.open or self.open.pop() != tag: print("unbalanced", tag)
p = P(); p.feed(open(sys.argv[1], encoding="utf-8").read()); p.close()
if p.open: print("open", p.open)
for tag in ("script", "img", "iframe", "link", "object", "b"):
    if tag in p.tags: print("has", tag)
]])
    return shell(("python3 %s %s"):format(scratch:at("inspect.py"), scratch:at("page.html")))
  end

  it("has everything that a reader asks for", function()
    local page = pages.html(example())
    assert.equal("", inspect(page))
    for _, wanted in ipairs {
      "2026-11-24T13:50:00Z", "4 kept", "2 changed", "2 removed", "1 quarantined",
      "3 to be removed", ">deleted<", ">suspended<", "before 2010-11", "2022-02", "in/a.jsonl",
      "BBBB", "CCCC", "in/notes.pdf", "2 newly gone, 1 reinstated", "q/a.jsonl", ">13<",
      "all 10 tweet ids and 0 user", "The original still holds everything that had to go",
      "no id of an author", "<desc>4 kept, 2 changed, 2 removed, 1 quarantined</desc>",
      'role="img"', "prefers-color-scheme: dark", "@media print", "default-src 'none'",
    } do
      assert.matches(wanted, page, 1, true)
    end
    local _, bars = page:gsub('<rect class="gone" [^>]*width="9"', "")
    assert.equal(5, bars) -- 2021-12 and 2022-01 have none
  end)

  it("makes no markup of what others have written", function()
    local evil = "</td><script>alert(1)</script><b onclick='x'>\"&\27[31m"
    local report = example()
    report.inputs, report.output, report.version = { evil }, evil, evil
    report.files[1].path, report.files[1].crc32c = evil, evil
    report.ignored.files = { evil }
    report.checked.tweets.jobs[1].id = evil
    report.checked.tweets.reasons = { [evil] = 3 }
    report.differences.tweets.places[1].file = evil
    report.removals_by_month[1].month = evil
    report.started, report.finished = evil, evil
    local page = pages.html(report)
    assert.equal("", inspect(page))
    assert.is_nil(page:find("<script", 1, true))
    assert.is_nil(page:find("\27"))
  end)

  it("does not grow with the dataset", function()
    local report = example()
    for i = 2, 20000 do
      report.files[i] = { path = ("in/%d.jsonl"):format(i), records = i, kept = 0, changed = 0,
        dropped = i, quarantined = 0, crc32c = "AAAAAA==" }
      report.ignored.files[math.min(100, i)] = "x" .. i
      report.differences.tweets.places[i] = { id = "1" .. i, file = "q", line = i }
      report.checked.tweets.jobs[i] = { id = "9" .. i, ids = 1, rows = 1, verified = true }
    end
    report.ignored.count = 1e6
    local page = pages.html(report)
    assert.is_true(#page < 100000, #page)
    assert.matches("in/20000.jsonl", page, 1, true) -- the greatest comes first
    assert.matches("and 19,800 more, see report.json", page, 1, true)
    assert.equal("", inspect(page))
  end)

  it("counts the months of ids as an independent program does", function()
    local ids = { "20", "1000", "29700859246", "29700859247" }
    for i = 0, 300 do ids[#ids + 1] = ("%.0f"):format(1e16 + i * 7e15) end
    scratch:write("ids", table.concat(ids, "\n") .. "\n")
    scratch:write("months.py", [[
import sys, datetime, collections
c = collections.OrderedDict()
for line in open(sys.argv[1]):
    i = int(line)
    t = datetime.datetime.fromtimestamp(((i >> 22) + 1288834974657) / 1000, datetime.timezone.utc)
    m = "before 2010-11" if i < 29700859247 else t.strftime("%Y-%m")
    c[m] = c.get(m, 0) + 1
for m, n in c.items(): print(m, n)
]])
    local lines = {}
    for _, month in ipairs(removal_months.count(scratch:at("ids"), { sleep = function() end })) do
      lines[#lines + 1] = ("%s %d"):format(month.month, month.ids)
    end
    assert.is_true(#lines > 80)
    assert.equal(shell(("python3 %s %s"):format(scratch:at("months.py"), scratch:at("ids"))),
      table.concat(lines, "\n"))
    assert.same({}, removal_months.count(scratch:at("missing"), {}))
  end)

  it("is written by the command, whole or not at all", function()
    scratch:shell("mkdir state")
    scratch:write("state/report.json", json.encode(example()))
    local status, out = command.run_in(scratch, "report @state")
    assert.equal(0, status)
    assert.matches("9 records: 4 kept", out)
    assert.equal(0, (command.run_in(scratch, "report @state -o @page.html")))
    local page = scratch:read("page.html")
    assert.equal(page, select(2, command.run_in(scratch, "report @state/report.json -o -")))
    assert.equal(64, (command.run_in(scratch, "report @state/report.json -o @state/report.json")))
    assert.equal(73, (command.run_in(scratch, "report @state -o /missing/x")))
  end)

  it("is not made of what is no report", function()
    local short = example()
    short.records.kept = 5
    local later = example()
    later.format = 2
    local no_jobs = example()
    no_jobs.checked.tweets.reasons, no_jobs.files[1].records = nil, nil
    for _, content in ipairs { "", "{}", "null", "[1]", "{", json.encode(short), json.encode(later),
      json.encode(no_jobs) } do
      scratch:write("r.json", content)
      local status, out, err = command.run_in(scratch, "report @r.json")
      assert.same({ 65, "" }, { status, out }, content)
      assert.matches("r.json", err, 1, true)
    end
    assert.equal(74, (command.run_in(scratch, "report @missing")))
    assert.equal(65, (command.run_in(scratch, "report " .. scratch.path)))
  end)

  local chromium = shell("command -v chromium || true")
  if chromium == "" then
    print("skipped: screenshots of the report: install chromium, or run make screenshots")
    return
  end

  --- What Chromium says; the flags keep it away from the network.
  local function browse(arguments)
    local profile = assert(shell("mktemp -d"))
    local said = shell(("env -u LD_PRELOAD timeout 60 %s --headless --no-sandbox --disable-gpu"
      .. " --disable-quic --no-first-run --disable-background-networking"
      .. " --disable-component-update --disable-sync --hide-scrollbars --user-data-dir=%s %s"
      .. " 2>/dev/null"):format(chromium, profile, arguments))
    shell("rm -rf " .. profile)
    return said
  end

  for _, width in ipairs { 390, 1280 } do
    it(("fits into %d pixels"):format(width), function()
      local report = example()
      report.files[1].path = "in/" .. ("a-very-long-name-"):rep(20) .. ".jsonl"
      local page = pages.html(report)
      scratch:write("page.html", page)
      local folder = os.getenv("SCREENSHOTS") or scratch.path
      local picture = ("%s/%d.png"):format(folder, width)
      browse(("--screenshot=%s --window-size=%d,2400 file://%s"):format(picture, width,
        scratch:at("page.html")))
      local kind = shell("od -An -tx1 -N24 " .. picture)
      assert.matches("^ 89 50 4e 47", kind)
      -- without its policy, so that a script of ours can measure it
      scratch:write("measured.html", (page:gsub("<meta http%-equiv[^>]*>", "")
        :gsub("</body>", "<script>document.title = 'wide ' + (document.documentElement.scrollWidth"
          .. " - window.innerWidth)</script></body>")))
      local dom = browse(("--dump-dom --window-size=%d,2400 file://%s"):format(width,
        scratch:at("measured.html")))
      assert.matches("<title>wide 0</title>", dom, 1, true)
    end)
  end
end)
