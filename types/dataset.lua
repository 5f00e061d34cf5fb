---@meta xcompliance.dataset

---@class xcompliance.Waiting
---@field loop? xcompliance.Loop default: the calling thread waits
---@field on_progress? fun(event: xcompliance.Event)
---@field deadline? number seconds from now

---@class xcompliance.ExtractOptions: xcompliance.Waiting
---@field type xcompliance.Type
---@field inputs string[]|string files, folders, or "-"
---@field output string
---@field format? "auto"|"jsonl"|"csv"|"ids"
---@field column? string of CSV files
---@field top_level? boolean
---@field ids_per_file? integer
---@field memory? integer bytes
---@field jobs? integer threads
---@field on_malformed? "stop"|"skip"

---@class xcompliance.Extracted
---@field records integer
---@field ids_seen integer
---@field ids integer distinct ones
---@field malformed integer
---@field empty integer records without an id
---@field bytes integer
---@field files integer
---@field ignored integer
---@field outputs string[]
---@field ignored_files string[]

---@class xcompliance.Verdict
---@field outcome "delete"|"unknown"|"scrub_geo"|"rehydrate"|"invalid"
---@field reason? string
---@field redacted_at? string

---@class xcompliance.Verdicts
local Verdicts = {}

---@param id string
---@return xcompliance.Verdict? verdict
function Verdicts:tweet(id) end

---@param id string
---@return xcompliance.Verdict? verdict
function Verdicts:user(id) end

---@return { tweets?: table, users?: table }
function Verdicts:counts() end

---@class xcompliance.RecordOptions
---@field policy? xcompliance.Policy
---@field on_unknown? "stop"|"quarantine"|"remove"
---@field on_malformed? "stop"|"quarantine"|"remove"
---@field on_unrecognised? "stop"|"quarantine"|"remove"|"keep"
---@field strict? boolean
---@field shape? string

---@class xcompliance.Cause
---@field id string
---@field type xcompliance.Type
---@field outcome "delete"|"unknown"|"scrub_geo"|"rehydrate"|"invalid"
---@field reason? string
---@field cause string what the id is: "record", "author", "retweeted" and so on

---@class xcompliance.Judgement
---@field action "kept"|"changed"|"dropped"|"quarantined"|"stopped"
---@field class "recognised"|"notice"|"unrecognised"|"malformed"|"empty"
---@field problem? xcompliance.Error
---@field id? string
---@field type? xcompliance.Type
---@field outcome? "delete"|"unknown"|"scrub_geo"|"rehydrate"|"invalid"
---@field reason? string
---@field cause? string
---@field causes? xcompliance.Cause[] of judge
---@field quarantine? string|table

---@generic Record: string|table
---@param record Record
---@param options? xcompliance.RecordOptions
---@return Record? left
---@return (xcompliance.Judgement|xcompliance.Error)? why
function Verdicts:redact(record, options) end

---@param record string|table
---@param options? xcompliance.RecordOptions
---@return xcompliance.Judgement? judgement
---@return xcompliance.Error?
function Verdicts:judge(record, options) end

---@param type xcompliance.Type
---@return (fun(): string?, xcompliance.Verdict?)? iterator ids, ascending, and their verdicts
---@return xcompliance.Error?
function Verdicts:each(type) end

---@param path string
---@return true? saved
---@return xcompliance.Error?
function Verdicts:save(path) end

---@return true
function Verdicts:close() end

---@class xcompliance.VerdictsOptions: xcompliance.Waiting
---@field tweets? string[]|string results of tweets jobs, or saved verdicts
---@field users? string[]|string
---@field jobs? integer threads

---@class xcompliance.ListVerdictsOptions: xcompliance.Waiting
---@field verdicts xcompliance.Verdicts
---@field type xcompliance.Type
---@field output string a path, or "-"
---@field ids? string a list: a CSV line for each of its ids
---@field outcome? "delete"|"unknown"|"scrub_geo"|"rehydrate"|"invalid"

---@class xcompliance.RedactOptions: xcompliance.Waiting
---@field verdicts xcompliance.Verdicts
---@field inputs string[]|string files, folders, or "-"
---@field output? string one of output, in_place, dry_run
---@field in_place? boolean
---@field dry_run? boolean
---@field quarantine? string
---@field rehydrate? string
---@field policy? xcompliance.Policy
---@field on_unknown? "stop"|"quarantine"|"remove"
---@field on_malformed? "stop"|"quarantine"|"remove"
---@field strict? boolean
---@field jobs? integer threads
---@field level? integer of compression, as in gzip
---@field checksums? boolean
---@field lists? xcompliance.Type what id lists are lists of
---@field columns? { id?: string, author?: string, retweeted?: string } of CSV files

---@class xcompliance.Redacted
---@field records integer kept + changed + dropped + quarantined
---@field kept integer
---@field changed integer
---@field dropped integer
---@field quarantined integer
---@field malformed integer
---@field tweets table objects by outcome and reason
---@field users table
---@field bytes integer
---@field output_bytes integer
---@field written integer files
---@field rehydrate integer edited tweets that stay
---@field files table[]

---@class xcompliance.dataset
local M = {}

---@param options xcompliance.ExtractOptions
---@return xcompliance.Extracted? counts
---@return xcompliance.Error?
function M.extract(options) end

---@param options table `from`, `without` (paths), `output`; `memory`, `loop`, `deadline`
---@return { from: integer, without: integer, ids: integer }? counts
---@return xcompliance.Error?
function M.difference(options) end

---@param options table `inputs` (paths), `output`; `memory`, `jobs`, `loop`, `deadline`
---@return xcompliance.Extracted? counts
---@return xcompliance.Error?
function M.merge(options) end

---@param options xcompliance.ExtractOptions but `output` and `ids_per_file`
---@return (fun(): string?)? iterator over the ids, each once, ascending
---@return xcompliance.Error?
function M.ids(options) end

---@param path string
---@return (fun(): table?)? iterator over the rows of results
---@return xcompliance.Error?
function M.results(path) end

---@param options xcompliance.VerdictsOptions
---@return xcompliance.Verdicts? verdicts
---@return xcompliance.Error?
function M.verdicts(options) end

---@param options xcompliance.ListVerdictsOptions
---@return table? counts
---@return xcompliance.Error?
function M.list_verdicts(options) end

---@param options xcompliance.RedactOptions
---@return xcompliance.Redacted? counts
---@return xcompliance.Error?
function M.redact(options) end

return M
