--- Reads what busted says in TAP, from standard input, and prints the fault matrix by it. The tests
-- of a row are those with "row N:" in their names.

local rows = dofile("spec/faults/rows.lua")

local tests = {} -- by row: passed, failed, skipped
for _, row in ipairs(rows) do tests[row[1]] = { passed = 0, failed = 0, skipped = 0 } end

local function kind_of(line)
  if line:find("^not ok ") then return "failed" end
  if line:find("^ok %d+ %- # SKIP ") then return "skipped" end
  return line:find("^ok ") and "passed"
end

local complaints = {}
for line in io.lines() do
  local kind = kind_of(line)
  local number = kind and tonumber(line:match("row (%d+):"))
  local row = tests[number]
  if row then row[kind] = row[kind] + 1 end
  if kind == "failed" or (line:find("^#") and #complaints > 0) or line:find("^# .* ended with") then
    complaints[#complaints + 1] = line
  elseif kind and #complaints > 0 and complaints[#complaints] ~= "" then
    complaints[#complaints + 1] = ""
  end
end

local function verdict(row)
  if row.failed > 0 then return "FAIL", ("%d of %d"):format(row.failed, row.failed + row.passed) end
  if row.passed > 0 then return "pass", tostring(row.passed) end
  return row.skipped > 0 and "skipped" or "not covered", ""
end

local sums = { pass = 0, FAIL = 0, skipped = 0, ["not covered"] = 0 }
for _, row in ipairs(rows) do
  local number, step, fault = row[1], row[2], row[3]
  local said, count = verdict(tests[number])
  sums[said] = sums[said] + 1
  print(("%3d %s  %-52s %-11s %s"):format(number, step, fault, said, count))
end
if #complaints > 0 then print("\n" .. table.concat(complaints, "\n")) end
print(("\n%d rows: %d pass, %d fail, %d skipped, %d not covered"):format(
  #rows, sums.pass, sums.FAIL, sums.skipped, sums["not covered"]))
print(("%d passed, %d failed"):format(sums.pass, sums.FAIL + sums["not covered"]))
os.exit(sums.FAIL + sums["not covered"] == 0)
