--- The report of a sync as a page: one file of HTML that needs nothing from the network.
--
-- Pure: a report in, a string out. Whatever the report holds was written by others - names of files
-- above all - so `escape` is between it and the page.
-- @internal xcompliance.report_page

local reports = require "xcompliance.report_text"
local text = require "xcompliance.text"

local M = {}

-- rows of a table, and bars of a picture
local FILES_MAX, JOBS_MAX, PLACES_MAX, NAMES_MAX, MONTHS_MAX = 200, 50, 50, 100, 600
local TYPES = { "tweets", "users" }

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;",
  ["'"] = "&#39;" }

local function escape(value) return (text.plain(value):gsub("[&<>\"']", ESCAPES)) end

--- Fills %1, %2 … of a template; only what is given as `{ html }` is not escaped.
local function fill(template, ...)
  local values = { ... }
  return (template:gsub("%%(%d)", function(digit)
    local value = values[tonumber(digit)]
    return type(value) == "table" and value.html or escape(value)
  end))
end

local function html(string) return { html = string } end

-- {====================================================================
-- Tables and bars
-- =====================================================================

--- A table.
-- @tparam string caption
-- @tparam table heads names of columns; those of numbers begin with "#"
-- @tparam table rows arrays of cells
-- @tparam[opt] integer hidden how many rows are not there
local function make_table(caption, heads, rows, hidden)
  local classes = {}
  local parts = { fill('<div class="wide"><table><caption>%1</caption><thead><tr>', caption) }
  for i, head in ipairs(heads) do
    classes[i] = head:find("^#") and ' class="number"' or ""
    parts[#parts + 1] = fill("<th scope=\"col\"%1>%2</th>", html(classes[i]), (head:gsub("^#", "")))
  end
  parts[#parts + 1] = "</tr></thead><tbody>\n"
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do
      parts[#parts + 1] = fill("%1<td%2>%3</td>", html(i == 1 and "<tr>" or ""), html(classes[i]),
        type(cell) == "number" and text.count(cell) or cell)
    end
    parts[#parts + 1] = "</tr>\n"
  end
  parts[#parts + 1] = "</tbody></table></div>\n"
  if hidden and hidden > 0 then
    parts[#parts + 1] = fill("<p class=\"note\">and %1 more, see report.json</p>\n",
      text.count(hidden))
  end
  return table.concat(parts)
end

--- A bar of shares, with its numbers as a legend.
-- @tparam string title
-- @tparam table shares an array of `{ name, count, class }`
local function bar(title, shares)
  local total, x, parts, legend, words = 0, 0, {}, {}, {}
  for _, share in ipairs(shares) do total = total + share[2] end
  for _, share in ipairs(shares) do
    local width = total > 0 and 1000 * share[2] / total or 0
    if width > 0 then
      parts[#parts + 1] = ('<rect class="%s" x="%d" y="0" width="%d" height="40"/>'):format(
        share[3], math.floor(x), math.ceil(width))
    end
    x = x + width
    words[#words + 1] = ("%s %s"):format(text.count(share[2]), share[1])
    legend[#legend + 1] = fill('<li><span class="key %1"></span>%2 %3%4</li>', share[3],
      text.count(share[2]), share[1],
      total > 0 and html((" <small>%d.%d %%</small>"):format(math.floor(width / 10),
        math.floor(width) % 10)) or "")
  end
  return fill('<figure><svg viewBox="0 0 1000 40" preserveAspectRatio="none" role="img">'
    .. "<title>%1</title><desc>%2</desc>%3</svg><ul class=\"legend\">%4</ul></figure>\n", title,
    table.concat(words, ", "), html(table.concat(parts)), html(table.concat(legend)))
end

-- }====================================================================

-- {====================================================================
-- The sections
-- =====================================================================

local function head(report)
  local title = report.dry_run and "What a compliance check would change" or "Compliance report"
  local lines = {
    fill("<p>%1 to %2 (UTC), xcompliance %3.</p>", report.started, report.finished, report.version),
    fill("<p>Dataset: %1.%2</p>", table.concat(report.inputs, ", "), report.output
      and " What may be kept is in " .. report.output .. "."
      or report.in_place and " Its files were replaced." or ""),
  }
  if report.dry_run then
    lines[#lines + 1] = "<p><strong>Nothing was changed: a dry run.</strong></p>"
  end
  if not report.verified then
    lines[#lines + 1] = "<p><strong>Not verified: for some transfer no checksum was stated."
      .. "</strong></p>"
  end
  if not report.in_place and not report.dry_run then
    lines[#lines + 1] = "<p class=\"note\">The original still holds everything that had to go."
      .. " Remove it, or run the next check in place.</p>"
  end
  return fill("<header><h1>%1</h1>%2</header>\n", title, html(table.concat(lines, "\n")))
end

local function records_section(report)
  local counts = report.records
  return "<section><h2>Records</h2>\n" .. bar("What became of the records", {
    { "kept", counts.kept, "kept" }, { "changed", counts.changed, "changed" },
    { "removed", counts.dropped, "gone" }, { "quarantined", counts.quarantined, "aside" },
  }) .. fill("<p>%1 in %2%3.</p></section>\n", text.plural(counts.records, "record"),
    text.plural(counts.files, "file"),
    counts.recognised and ": " .. reports.classes(counts) or "")
end

local function ids_section(report, type)
  local checked = report.checked[type]
  local outcomes = checked.outcomes
  local rows = {}
  for _, reason in ipairs(text.by_count(checked.reasons)) do
    rows[#rows + 1] = { reason, checked.reasons[reason] }
  end
  local parts = { fill("<section><h2>%1</h2>\n", type == "tweets" and "Tweets" or "Users"),
    bar("Outcomes of " .. type, {
      { "compliant", checked.compliant, "kept" }, { "to be removed", outcomes.delete or 0, "gone" },
      { "places to be removed", outcomes.scrub_geo or 0, "changed" },
      { "edited", outcomes.rehydrate or 0, "edited" }, { "not checked by X",
        (outcomes.invalid or 0) + (outcomes.unknown or 0), "aside" },
    }), fill("<p>%1 asked about.</p>\n", text.plural(checked.asked, "id")) }
  if #rows > 0 then
    parts[#parts + 1] = make_table("Why they must be removed", { "reason", "#ids" }, rows)
  end
  parts[#parts + 1] = "</section>\n"
  return table.concat(parts)
end

local SLOTS_MIN = 24 -- months that the picture has room for at least

local function month_after(month)
  local year, number = month:match("^(%d+)-(%d+)$")
  local next_number = tonumber(number) % 12 + 1
  return ("%04d-%02d"):format(tonumber(year) + (next_number == 1 and 1 or 0), next_number)
end

--- The months with those between them that have no removals.
local function without_gaps(months)
  local all = {}
  for _, month in ipairs(months) do
    local last = all[#all]
    while last and last.month:find("^%d") and #all < MONTHS_MAX do
      local following = month_after(last.month)
      if following >= month.month then break end
      last = { month = following, ids = 0 }
      all[#all + 1] = last
    end
    all[#all + 1] = month
  end
  return all
end

local function month_bars(months, most)
  local bars = {}
  for i, month in ipairs(months) do
    local height = math.ceil(100 * month.ids / most)
    bars[i] = fill('<rect class="gone" x="%1" y="%2" width="9" height="%3"><title>%4: %5</title>'
      .. "</rect>", tostring((i - 1) * 10), tostring(100 - height), tostring(height), month.month,
      text.count(month.ids))
  end
  return html(table.concat(bars))
end

local function months_section(report)
  local months = report.removals_by_month or {}
  if #months == 0 then return "" end
  local most, rows, all = 1, {}, without_gaps(months)
  for i, month in ipairs(months) do
    most, rows[i] = math.max(most, month.ids), { month.month, month.ids }
  end
  return fill("<section><h2>When the removed tweets were written</h2><figure>"
    .. '<svg class="months" viewBox="0 0 %1 100" preserveAspectRatio="none" role="img">'
    .. "<title>Removed tweets by month</title><desc>%2</desc>%3</svg>"
    .. "<figcaption>%2</figcaption></figure>"
    .. "<details><summary>The numbers</summary>%4</details></section>\n",
    tostring(math.max(SLOTS_MIN, #all) * 10),
    ("From %s to %s, at most %s in a month"):format(months[1].month, months[#months].month,
      text.count(most)),
    month_bars(all, most),
    html(make_table("Removed tweets by month", { "month", "#tweets" }, rows)))
end

--- The files from which most was taken come first.
local function files_section(report)
  local files, rows = {}, {}
  for i, file in ipairs(report.files) do
    files[i] = { file, file.changed + file.dropped + file.quarantined, i }
  end
  table.sort(files, function(a, b)
    if a[2] ~= b[2] then return a[2] > b[2] end
    return a[3] < b[3]
  end)
  for i = 1, math.min(#files, FILES_MAX) do
    local file = files[i][1]
    rows[i] = { file.path, file.records, file.kept, file.changed, file.dropped, file.quarantined,
      file.crc32c or "-", file.output_crc32c or "-" }
  end
  return "<section><h2>Files</h2>\n" .. make_table("Files, those with most removals first",
    { "file", "#records", "#kept", "#changed", "#removed", "#quarantined", "CRC32C before",
      "CRC32C after" }, rows, #files - #rows) .. "</section>\n"
end

local function ignored_section(report)
  local ignored = report.ignored or { count = 0, files = {} }
  local parts = { "<section><h2>What was not read</h2>\n" }
  if ignored.count == 0 then
    parts[2] = "<p>Every file of the dataset was read.</p>\n"
  else
    local rows = {}
    for i = 1, math.min(#ignored.files, NAMES_MAX) do rows[i] = { ignored.files[i] } end
    parts[2] = make_table(("%s in folders that %s not read"):format(text.plural(ignored.count,
      "file"), ignored.count == 1 and "was" or "were"), { "file" }, rows, ignored.count - #rows)
  end
  local sentence = reports.without_author(report.records.without_author)
  if sentence then parts[#parts + 1] = fill("<p>%1.</p>\n", sentence) end
  parts[#parts + 1] = "</section>\n"
  return table.concat(parts)
end

local function differences_section(report)
  local differences = report.differences
  if not differences and report.parts then return "" end
  if not differences then
    return "<section><h2>Since the last check</h2><p>This was the first one.</p></section>\n"
  end
  local parts, rows, hidden = {}, {}, 0
  for _, type in ipairs(TYPES) do
    local found = differences[type]
    if found then
      parts[#parts + 1] = fill("<p>%1: %2 newly gone, %3 reinstated.</p>\n", type,
        text.count(found.newly_gone), text.count(found.reinstated))
      for _, place in ipairs(found.places or {}) do
        if #rows < PLACES_MAX then
          rows[#rows + 1] = { place.id, place.file, place.line }
        else
          hidden = hidden + 1
        end
      end
    end
  end
  if #rows > 0 then
    parts[#parts + 1] = make_table("Reinstated records in the quarantine",
      { "id", "file", "#line" }, rows, hidden)
  end
  return "<section><h2>Since the last check</h2>\n" .. table.concat(parts) .. "</section>\n"
end

local function jobs_section(report)
  local rows, hidden = {}, 0
  for _, type in ipairs(TYPES) do
    for _, job in ipairs(report.checked[type].jobs) do
      if #rows < JOBS_MAX then
        rows[#rows + 1] = { job.id, type, job.ids, job.rows, job.crc32c or "-",
          job.verified and "yes" or "no" }
      else
        hidden = hidden + 1
      end
    end
  end
  if #rows == 0 then return "<section><h2>Jobs</h2><p>There was nothing to ask.</p></section>\n" end
  return "<section><h2>Jobs</h2>\n" .. make_table("Compliance jobs at X", { "job", "type", "#ids",
    "#rows of results", "CRC32C of results", "verified" }, rows, hidden) .. "</section>\n"
end

local METHOD = "Between %1 and %2 (UTC), all %3 and %4 in the dataset were submitted to the batch"
  .. " compliance endpoint of the X API by xcompliance %5. Records of tweets and users that X"
  .. " reports as deleted, deactivated, suspended or protected were removed or set apart as the"
  .. " policy of the project says, and locations were removed from tweets that X reports as"
  .. " geo-scrubbed. Of %6, %7 unchanged, %8 changed, %9 removed and %0 quarantined."

local function method_section(report)
  local counts, values = report.records, {}
  values[1], values[2] = report.started, report.finished
  values[3] = text.plural(report.checked.tweets.asked, "tweet id")
  values[4] = text.plural(report.checked.users.asked, "user id")
  values[5] = report.version
  values[6] = text.plural(counts.records, "record")
  values[7] = text.count(counts.kept) .. (counts.kept == 1 and " is" or " are")
  values[8], values[9] = text.count(counts.changed), text.count(counts.dropped)
  values[0] = text.count(counts.quarantined)
  local paragraph = METHOD:gsub("%%(%d)", function(digit)
    return escape(values[tonumber(digit)])
  end)
  if report.dry_run then paragraph = "(Dry run: nothing was changed.) " .. paragraph end
  return fill("<section><h2>For a data statement</h2><blockquote>%1</blockquote></section>\n",
    html(paragraph))
end

-- }====================================================================

local STYLE = [[
:root { color-scheme: light dark; --paper: #fff; --ink: #1b1f24; --quiet: #57606a; --line: #d0d7de;
  --kept: #2f7d4f; --changed: #b58900; --gone: #b3261e; --aside: #6e5494; --edited: #1f6f8b; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171a; --ink: #e6e9ec; --quiet: #9da7b1;
  --line: #3a424a; --kept: #5fbf85; --changed: #e0b84a; --gone: #f0776c; --aside: #b79ae0;
  --edited: #62b8d6; } }
@media print { :root { --paper: #fff; --ink: #000; --quiet: #444; --line: #999; --kept: #2f7d4f;
  --changed: #b58900; --gone: #b3261e; --aside: #6e5494; --edited: #1f6f8b; }
  section { break-inside: avoid-page; } body { max-width: none; }
  rect, .key { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 60rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: .5rem 0; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; border-bottom: 1px solid var(--line); }
p { margin: .3rem 0; } .note, small, figcaption { color: var(--quiet); }
figure { margin: .5rem 0; } svg { display: block; width: 100%; height: 1.5rem; }
svg.months { height: 8rem; }
.kept { fill: var(--kept); background: var(--kept); }
.changed { fill: var(--changed); background: var(--changed); }
.gone { fill: var(--gone); background: var(--gone); }
.aside { fill: var(--aside); background: var(--aside); }
.edited { fill: var(--edited); background: var(--edited); }
.legend { list-style: none; padding: 0; margin: .5rem 0; display: flex; flex-wrap: wrap;
  gap: .2rem 1.2rem; }
.key { display: inline-block; width: .8em; height: .8em; margin-right: .4em; border-radius: 2px; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; margin: .5rem 0;
  overflow-wrap: normal; }
caption { text-align: left; color: var(--quiet); }
th, td { text-align: left; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; font-size: .9rem; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td:first-child { min-width: 8rem; overflow-wrap: anywhere; }
blockquote { margin: .5rem 0; padding-left: 1rem; border-left: 3px solid var(--line); }
]]

--- The page.
-- @tparam table report (docs/report.md), which `report_text.check` has found to add up
-- @treturn string HTML in UTF-8, whose size does not grow with the dataset
function M.html(report)
  local sections = {
    head(report), records_section(report), ids_section(report, "tweets"),
    ids_section(report, "users"), months_section(report), files_section(report),
    ignored_section(report), differences_section(report), jobs_section(report),
    method_section(report),
  }
  return fill('<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
    .. '<meta name="viewport" content="width=device-width, initial-scale=1">'
    .. "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src"
    .. " 'unsafe-inline'\"><title>Compliance report, %1</title><style>\n%2</style></head>\n"
    .. "<body>\n%3</body></html>\n", report.finished, html(STYLE), html(table.concat(sections)))
end

return M
