--- The calls of the compliance API: one row for each, in the order in which they are listed.
--
-- A row names what all the other parts need: `name` is the function of the core and the method of a
-- client, and calls are counted under it; `word` is the command and the step that progress reports
-- (the simulator, which shares no code with the client, has the same words); `doing` begins its
-- messages; `members` are those that an answer must have, if the caller did not leave them out; a
-- `list` answers with jobs instead of one job.
--
-- To add a call, add a row here, its request in src/lua/lua_api_calls.c, its method in
-- xcompliance.client, its command in xcompliance.cli, its type in types/xcompliance.lua, and its
-- answer in the simulator's api.lua.
-- @internal xcompliance.api_calls

local M = {
  {
    name = "create_compliance_job", word = "create", doing = "creating a compliance job",
    members = { "id", "upload_url", "download_url" },
  },
  { name = "list_job", word = "get", doing = "reading a compliance job",
    members = { "id", "status" } },
  { name = "list_jobs", word = "list", doing = "listing compliance jobs",
    members = { "id" }, list = true },
  { name = "cancel_job", word = "cancel", doing = "cancelling a compliance job",
    members = { "id", "status" } },
}

for _, row in ipairs(M) do M[row.name] = row end

return M
