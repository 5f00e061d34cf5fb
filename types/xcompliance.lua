---@meta
-- Declarations for editors (LuaLS): the models of the API, what the functions take and return.

-- {====================================================================
-- Models: tables as they came, unknown members too; JSON null is absent; ids are strings
-- =====================================================================

---@alias xcompliance.Type "tweets"|"users"

---@alias xcompliance.Status "created"|"in_progress"|"failed"|"complete"|"expired"|string

---@class xcompliance.ComplianceJob
---@field id string 1 to 19 digits
---@field type xcompliance.Type
---@field name? string at most 64 characters
---@field status xcompliance.Status
---@field resumable? boolean
---@field created_at string "2021-10-07T07:56:18.000Z"
---@field upload_url string a credential: it has a token, or a signature in the older flow
---@field upload_expires_at string
---@field download_url string a credential, too
---@field download_expires_at string
---@field error? string why it failed

---@class xcompliance.Problem
---@field title? string
---@field detail? string
---@field type? string a URL; its last segment tells
---@field status? integer

---@class xcompliance.CreateComplianceJobResponse
---@field data xcompliance.ComplianceJob
---@field errors? xcompliance.Problem[]

---@class xcompliance.Get2ComplianceJobsIdResponse
---@field data xcompliance.ComplianceJob
---@field errors? xcompliance.Problem[]

---@class xcompliance.DeleteComplianceJobsByIdResponse
---@field data xcompliance.ComplianceJob its status is "failed"
---@field errors? xcompliance.Problem[]

---@class xcompliance.Get2ComplianceJobsResponse
---@field data? xcompliance.ComplianceJob[] absent if there are none
---@field errors? xcompliance.Problem[]
---@field meta? { result_count: integer }

-- }====================================================================

-- {====================================================================
-- What is returned beside them
-- =====================================================================

---@alias xcompliance.Kind
---| "usage" | "config" | "auth" | "forbidden" | "not_found" | "conflict" | "rate_limited"
---| "expired" | "job_failed" | "integrity" | "network" | "timeout" | "tls" | "protocol" | "io"
---| "data" | "too_large" | "cancelled" | "memory" | "server" | "internal"

---@class xcompliance.Error docs/errors.md; tostring() gives the message
---@field kind xcompliance.Kind
---@field message string
---@field where? string of misuse: the file and line that called the module
---@field retryable boolean
---@field hint? string
---@field status? integer the HTTP status that was answered
---@field headers? table<string, string> names in lower case
---@field problem? table the API's own, decoded
---@field problem_type? string the last segment of its type
---@field code? string of storage's XML
---@field url_refused? boolean the API accepts the bearer token, but not the job's URL
---@field spoilt? boolean a job works on something else than the list
---@field attempts? integer
---@field part? integer of a list that is checked in several, the one at which it happened
---@field uncertain? boolean a job may have been created all the same
---@field deadline? boolean the caller's deadline has passed
---@field job? xcompliance.ComplianceJob that failed or expired, or could not be cancelled
---@field file? string
---@field line? integer
---@field byte? integer
---@field system? integer errno, or libcurl's code

---@class xcompliance.Details
---@field status integer
---@field headers table<string, string>
---@field adopted? boolean the answer to a create was lost, and the job found

---@alias xcompliance.Flow "api"|"storage" where the bytes went: the API's own host, or storage

---@class xcompliance.Uploaded
---@field bytes integer
---@field ids integer
---@field crc32c string base64; of what was sent
---@field flow xcompliance.Flow
---@field verified boolean whether all that was offered as a proof matched (docs/check.md)
---@field checksum "crc32c"|"none" what was offered beside the length
---@field resumable boolean

---@class xcompliance.Downloaded
---@field bytes integer
---@field crc32c string base64; of what came
---@field flow xcompliance.Flow
---@field verified boolean whether all that was offered as a proof matched (docs/check.md)
---@field checksum "crc32c"|"none" what was offered beside the length

---@class xcompliance.CheckedJob one part of a list
---@field id string
---@field name? string
---@field ids integer asked about
---@field rows integer in the results
---@field bytes integer of the results
---@field crc32c string of the results, base64
---@field verified boolean whether both transfers are
---@field checksum "crc32c"|"none" "none" if no checksum was offered for one of them
---@field seconds number that it took
---@field uploaded xcompliance.Uploaded
---@field downloaded xcompliance.Downloaded

---@class xcompliance.Outcome
---@field format integer
---@field kind "check"
---@field version string
---@field started string UTC
---@field finished string UTC
---@field type xcompliance.Type
---@field jobs xcompliance.CheckedJob[] one for each part of the list
---@field ids integer asked about
---@field results string their path
---@field verdicts? xcompliance.Verdicts if they were asked for
---@field rows integer in the results
---@field ids_with_events integer distinct ids in them
---@field reasons table<string, integer> ids by the reason of their deletion, or by another outcome
---@field nameless integer errors in the results that name no id
---@field calls table<string, integer> of the API in this run, by the operation's name
---@field seconds number that this run took
---@field resumed boolean whether it has resumed an earlier run
---@field bytes integer of the results
---@field crc32c string of the results, base64
---@field verified boolean whether all transfers are
---@field checksum "crc32c"|"none" "none" if no checksum was offered for one of them

---@class xcompliance.Event what on_progress is given
---@field step "prepare"|"create"|"get"|"list"|"cancel"|"upload"|"wait"|"download"|"join"
---@field doing string "uploading ids.txt"
---@field type? "tweets"|"users" what a check is about
---@field job? string the id of its job, once there is one
---@field done? integer bytes
---@field total? integer bytes; 0 if it is not known
---@field status? string of the job that is waited for
---@field wait? number seconds until the next attempt or poll
---@field retry? integer how many attempts have failed
---@field message? string something worth telling
---@field warning? string something worth worrying

-- }====================================================================

-- {====================================================================
-- What is given
-- =====================================================================

---@class xcompliance.Loop
---@field wait fun(task: userdata, seconds: number): boolean
---@field sleep fun(seconds: number)
---@field check? fun() raises if nothing can wait here

---@class xcompliance.ClientOptions
---@field bearer_token? string else token_file, else BEARER_TOKEN of the environment, at each call
---@field token_file? string
---@field base_url? string else XCOMPLIANCE_BASE_URL, https://api.x.com
---@field loop? xcompliance.Loop else xcompliance.loop.blocking; in nginx, xcompliance.loop.nginx
---@field ca_file? string
---@field proxy? string
---@field timeout? number seconds that a call of the API may take (30)
---@field storage_hosts? string[] more hosts that signed URLs may lead to
---@field user_agent? string
---@field connect_timeout? number seconds (15)
---@field low_speed_limit? integer bytes a second, below which a transfer is given up (1024)
---@field low_speed_time? integer after this number of seconds of it (60)
---@field allow_http? boolean the token over plain http to any host
---@field retry? { attempts?: integer, first?: number, max?: number } 8 attempts, 1 s doubling to 60

---@class xcompliance.CallOptions
---@field deadline? number seconds from now
---@field on_progress? fun(event: xcompliance.Event) what it raises ends the call

---@class xcompliance.ApiOptions: xcompliance.CallOptions
---@field fields? string[] compliance_job.fields

---@class xcompliance.UploadOptions: xcompliance.CallOptions
---@field chunk? integer bytes of a piece of a resumable upload, a multiple of 262144
---@field as_is? boolean send the file whatever it holds; otherwise it must be a list of ids

---@class xcompliance.DownloadOptions: xcompliance.CallOptions
---@field allow_unframed? boolean accept results although nothing says where they end
---@field as_is? boolean accept what is not results

---@class xcompliance.CheckOptions: xcompliance.CallOptions
---@field type xcompliance.Type
---@field ids string|string[]|fun(): string? a path, or the ids themselves
---@field verdicts? boolean whether the outcome has the results in memory
---@field results string path
---@field state? string folder for what is needed to resume; default: that of the results
---@field name? string the names of the jobs begin with it
---@field ids_per_job? integer at most (6,000,000); a longer list is asked about in parts
---@field wait? boolean false: do not wait if another job of the type is running
---@field poll? { min?: number, max?: number } seconds between two polls of a job (5, 60)
---@field max_polls_per_15min? integer
---@field allow_unframed? boolean accept results although nothing says where they end
---@field allow_rounded? boolean accept ids that a spreadsheet seems to have rounded
---@field upload? "auto"|"simple"|"resumable"
---@field chunk? integer

-- }====================================================================

---@alias xcompliance.Treatment "remove"|"quarantine"|"keep"

---What to do about each reason.
---@class xcompliance.Policy: { [string]: xcompliance.Treatment }
---@field scrub_geo? "remove"|"keep"
---@field rehydrate? "keep"|"scrub_geo"|"quarantine"|"remove" edited tweets

---@class xcompliance.SyncOptions: xcompliance.CallOptions
---@field inputs string[] files and folders
---@field output? string a folder; one of output, in_place, dry_run
---@field in_place? boolean
---@field dry_run? boolean
---@field state? string a folder; default: .xcompliance in the output, or beside the dataset
---@field quarantine? string a folder
---@field policy? xcompliance.Policy
---@field on_unknown? "stop"|"quarantine"|"remove"
---@field on_malformed? "stop"|"quarantine"|"remove"
---@field on_unrecognised? "stop"|"quarantine"|"remove"|"keep" records without tweets and users
---@field max_age? number days within which ids are not asked about again
---@field on_ignored? "skip"|"stop" files in folders that are not read
---@field shape? string a file of shapes (docs/shapes.md)
---@field columns? table<string, string|string[]> names of columns of tables by their roles
---@field lists? "tweets"|"users" what lists of ids are lists of (tweets)
---@field allow_rounded? boolean accept ids that a spreadsheet seems to have rounded
---@field strict? boolean
---@field jobs? integer threads
---@field memory? integer bytes for sorting ids
---@field name? string the names of the jobs begin with it
---@field ids_per_job? integer at most (6,000,000); a longer list is asked about in parts
---@field wait? boolean false: do not wait if another job of the type is running
---@field poll? { min?: number, max?: number } seconds between two polls of a job (5, 60)
---@field max_polls_per_15min? integer
---@field upload? "auto"|"simple"|"resumable"
---@field chunk? integer
---@field allow_unframed? boolean accept results although nothing says where they end

---@class xcompliance.Checked
---@field asked integer
---@field compliant integer
---@field outcomes table<string, integer>
---@field reasons table<string, integer>
---@field jobs table[]

---@class xcompliance.Report docs/report.md
---@field format integer
---@field version string
---@field started string
---@field finished string
---@field seconds number
---@field dry_run boolean
---@field in_place boolean
---@field inputs string[]
---@field output? string
---@field verified boolean
---@field calls table<string, integer>
---@field checked { tweets: xcompliance.Checked, users: xcompliance.Checked }
---@field records table<string, integer>
---@field files table[]
---@field state string the folder of the state
---@field quarantine? string the folder for quarantined records
---@field removals_by_month { month: string, ids: integer }[] tweets that must be deleted
---@field ignored { count: integer, files: string[] } what was not read in folders
---@field edited { tweets: integer, treatment: string, list?: string } edited tweets that stay
---@field differences? { tweets: table, users: table }
---@field kind "sync"|"merged"
---@field settings table what decides what becomes of a record
---@field parts? integer of a merged one: how many reports it was made of

---An operation that runs beside its caller.
---@class xcompliance.Handle
local Handle = {}

---Takes the next step if it is due; never waits.
---@return boolean ended
function Handle:done() end

---@param seconds? number for at most this long
---@return boolean ended
function Handle:wait(seconds) end

---@return xcompliance.Event event the last; empty before the first
function Handle:progress() end

function Handle:cancel() end

---What the operation returns; waits for its end.
---@return any ...
function Handle:result() end

---@class xcompliance.Client
local Client = {}

---@param type xcompliance.Type
---@param name? string
---@param resumable? boolean
---@param options? xcompliance.ApiOptions
---@return xcompliance.CreateComplianceJobResponse? response
---@return xcompliance.Details|xcompliance.Error
function Client:create_compliance_job(type, name, resumable, options) end

---@param id string
---@param options? xcompliance.ApiOptions
---@return xcompliance.Get2ComplianceJobsIdResponse? response
---@return xcompliance.Details|xcompliance.Error
function Client:list_job(id, options) end

---@param type xcompliance.Type
---@param status? "created"|"in_progress"|"failed"|"complete"
---@param options? xcompliance.ApiOptions
---@return xcompliance.Get2ComplianceJobsResponse? response
---@return xcompliance.Details|xcompliance.Error
function Client:list_jobs(type, status, options) end

---@param id string
---@param options? xcompliance.ApiOptions
---@return xcompliance.DeleteComplianceJobsByIdResponse? response
---@return xcompliance.Details|xcompliance.Error
function Client:cancel_job(id, options) end

---@param url string the job's upload_url
---@param path string
---@param options? xcompliance.UploadOptions
---@return string? said what was answered
---@return xcompliance.Uploaded|xcompliance.Error
function Client:upload_ids(url, path, options) end

---@param url string the job's download_url
---@param path string
---@param options? xcompliance.DownloadOptions
---@return integer? status
---@return xcompliance.Downloaded|xcompliance.Error
function Client:download_results(url, path, options) end

---Polls a job until it has ended; one that is complete is the response.
---@param id string
---@param options? table `poll` (`{ min, max }` in seconds), `deadline`, `on_progress`
---@return xcompliance.Get2ComplianceJobsIdResponse? response
---@return xcompliance.Error?
function Client:wait_for(id, options) end

---@param options xcompliance.CheckOptions
---@return xcompliance.Outcome? outcome
---@return xcompliance.Error?
function Client:check(options) end

---@param options xcompliance.SyncOptions
---@return xcompliance.Report? report
---@return xcompliance.Error?
function Client:sync(options) end

---@param options xcompliance.CheckOptions
---@return xcompliance.Handle
function Client:start_check(options) end

---@param options xcompliance.SyncOptions
---@return xcompliance.Handle
function Client:start_sync(options) end

---@param url string the job's upload_url
---@param path string
---@param options? xcompliance.UploadOptions
---@return xcompliance.Handle
function Client:start_upload(url, path, options) end

---@param url string the job's download_url
---@param path string
---@param options? xcompliance.DownloadOptions
---@return xcompliance.Handle
function Client:start_download(url, path, options) end

---@param options table as dataset.extract has them, but `loop`
---@return xcompliance.Handle
function Client:start_extract(options) end

---@param options table as dataset.redact has them, but `loop`
---@return xcompliance.Handle
function Client:start_redact(options) end

---The same client for another loop. It shares the session, which only the first client closes.
---@param loop xcompliance.Loop
---@return xcompliance.Client? client
---@return xcompliance.Error?
function Client:with_loop(loop) end

---@return true
function Client:close() end

---@class xcompliance
---@field _VERSION string
---@field ComplianceJobType { tweets: "tweets", users: "users" }
---@field ComplianceJobStatus table<xcompliance.Status, xcompliance.Status>
---@field errors table<xcompliance.Kind, string> every kind, with what it means
local M = {}

---@param settings? xcompliance.ClientOptions
---@return xcompliance.Client
function M.client(settings) end

---Waits until one of several operations has ended.
---@param handles xcompliance.Handle[]
---@param seconds? number for at most this long
---@return xcompliance.Handle? ended nil if none has
function M.wait_any(handles, seconds) end

---@param id string
---@param options? table
---@return xcompliance.Get2ComplianceJobsIdResponse? response
---@return xcompliance.Error?
function M.wait_for(id, options) end

---@param type xcompliance.Type
---@param name? string
---@param resumable? boolean
---@param options? xcompliance.ApiOptions
---@return xcompliance.CreateComplianceJobResponse? response
---@return xcompliance.Details|xcompliance.Error
function M.create_compliance_job(type, name, resumable, options) end

---@param id string
---@param options? xcompliance.ApiOptions
---@return xcompliance.Get2ComplianceJobsIdResponse? response
---@return xcompliance.Details|xcompliance.Error
function M.list_job(id, options) end

---@param type xcompliance.Type
---@param status? "created"|"in_progress"|"failed"|"complete"
---@param options? xcompliance.ApiOptions
---@return xcompliance.Get2ComplianceJobsResponse? response
---@return xcompliance.Details|xcompliance.Error
function M.list_jobs(type, status, options) end

---@param id string
---@param options? xcompliance.ApiOptions
---@return xcompliance.DeleteComplianceJobsByIdResponse? response
---@return xcompliance.Details|xcompliance.Error
function M.cancel_job(id, options) end

---@param url string
---@param path string
---@param options? xcompliance.UploadOptions
---@return string? said
---@return xcompliance.Uploaded|xcompliance.Error
function M.upload_ids(url, path, options) end

---@param url string
---@param path string
---@param options? xcompliance.DownloadOptions
---@return integer? status
---@return xcompliance.Downloaded|xcompliance.Error
function M.download_results(url, path, options) end

---@param options xcompliance.CheckOptions
---@return xcompliance.Outcome? outcome
---@return xcompliance.Error?
function M.check(options) end

---@param options xcompliance.SyncOptions
---@return xcompliance.Report? report
---@return xcompliance.Error?
function M.sync(options) end

---@param options { reports: string|string[], output?: string }
---@return xcompliance.Report? report
---@return xcompliance.Error?
function M.merge_reports(options) end

---Closes the client of the plain functions; the next of them makes another
function M.reset() end

return M
