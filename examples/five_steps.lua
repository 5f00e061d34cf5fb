-- The API's five steps one by one, as users of its other clients know them.
--
--   BEARER_TOKEN=… lua5.4 examples/five_steps.lua ids.txt results.jsonl
--
-- `xcompliance.check` and the command do all of it, and resume after an interruption; see
-- script.lua.

local xcompliance = require "xcompliance"

local ids, results = arg[1], arg[2]
if not results then
  io.stderr:write("usage: five_steps.lua IDS RESULTS\n")
  os.exit(64)
end

-- 1. Create a job. Nothing else of the type may run meanwhile.
local response = assert(xcompliance.create_compliance_job(xcompliance.ComplianceJobType.tweets,
  "five steps"))
local job = response.data
print("created", job.id, job.name)

-- 2. Upload the ids, one a line, within 15 minutes.
local _, info = assert(xcompliance.upload_ids(job.upload_url, ids))
print("uploaded", info.ids, info.verified and "verified" or "not verified")

-- 3. Poll the job until it is complete. The API allows 150 such calls in 15 minutes.
job = assert(xcompliance.wait_for(job.id)).data
print("status", job.status)

-- 4. List the complete jobs of its type: it is one of them now. Without jobs, `data` is absent.
for _, one in ipairs(assert(xcompliance.list_jobs("tweets", "complete")).data or {}) do
  print("complete", one.id, one.created_at)
end

-- 5. Download the results: one JSON object a line for each id with an event; the others are fine.
local status
status, info = assert(xcompliance.download_results(job.download_url, results))
print("downloaded", status, info.bytes, info.verified and "verified" or "not verified")
