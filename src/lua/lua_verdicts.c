/* lua_verdicts.c - results to verdicts, verdicts to compliant datasets, for Lua */
#include <limits.h>
#include <string.h>

#include "checksum.h"
#include "dataset/redaction/redact.h"
#include "dataset/redaction/redactor.h"
#include "dataset/text/id.h"
#include "dataset/verdicts/results_check.h"
#include "dataset/verdicts/verdicts_export.h"
#include "dataset/verdicts/verdicts_load.h"
#include "lua/skin.h"

enum { PATHS_MAX = 1 << 20, JOBS_MOST = 256 };

static const char VERDICTS_NAME[] = "xcompliance.verdicts";
static const char *const TYPES[] = {"tweets", "users", NULL};

struct verdicts_box *verdicts_box_check(lua_State *L, int index) {
  struct verdicts_box *box = luaL_checkudata(L, index, VERDICTS_NAME);
  if (!box->verdicts) skin_misuse(L, "attempt to use closed verdicts");
  return box;
}

static struct verdicts *check_verdicts(lua_State *L, int index) {
  return verdicts_box_check(L, index)->verdicts;
}

static void set_whole(lua_State *L, const char *name, uint64_t value) {
  compat_pushwhole(L, value);
  lua_setfield(L, -2, name);
}

/* Fields of an options table that are paths: `field` is an array of strings, or nil. Leaves one
 * value on the stack, which holds the NULL-ended array that is returned. */
static const char *const *check_paths(lua_State *L, const char *name, const char *field) {
  const char **paths;
  size_t count;
  lua_pushstring(L, field);
  lua_rawget(L, 1);
  if (lua_isnil(L, -1)) return NULL;
  if (!lua_istable(L, -1)) skin_misuse(L, "%s: %s must be an array of paths", name, field);
  count = lua_rawlen(L, -1);
  if (count > PATHS_MAX) skin_misuse(L, "%s: %s are too many", name, field);
  paths = compat_newuserdata(L, (count + 1) * sizeof *paths);
  paths[count] = NULL;
  for (size_t i = 0; i < count; i++) {
    size_t size;
    lua_rawgeti(L, -2, (int)i + 1);
    if (lua_type(L, -1) != LUA_TSTRING) skin_misuse(L, "%s: %s must be strings", name, field);
    paths[i] = lua_tolstring(L, -1, &size);
    if (size == 0 || size >= PATH_MAX || strlen(paths[i]) != size)
      skin_misuse(L, "%s: one of %s is no path", name, field);
    lua_pop(L, 1);
  }
  lua_remove(L, -2);
  return paths;
}

/* {==================================================================
** Facts by outcome and reason
** =================================================================== */

/* Pushes { delete = { deleted = n, ... }, unknown = n, scrub_geo = n, rehydrate = n, invalid = n },
 * without what is 0. */
static void push_facts(lua_State *L, const uint64_t by_fact[FACT_KINDS]) {
  bool deletions = false;
  lua_newtable(L);
  for (int i = 0; i < FACT_KINDS; i++) {
    uint32_t fact = (uint32_t)1 << i;
    if (by_fact[i] == 0) continue;
    if (!(fact & FACT_DELETE)) {
      set_whole(L, fact_outcome(fact), by_fact[i]);
      continue;
    }
    if (!deletions) {
      lua_newtable(L);
      lua_setfield(L, -2, "delete");
    }
    deletions = true;
    lua_getfield(L, -1, "delete");
    set_whole(L, fact_reason(fact), by_fact[i]);
    lua_pop(L, 1);
  }
}

static uint64_t check_id(lua_State *L, const char *name, int index) {
  size_t size;
  const char *text;
  uint64_t id;
  if (lua_type(L, index) != LUA_TSTRING)
    skin_misuse(L, "%s: an id is a string, not a %s", name, luaL_typename(L, index));
  text = lua_tolstring(L, index, &size);
  id = id_parse(text, size);
  if (id == 0) skin_misuse(L, "%s: '%.40s' is no id", name, text);
  return id;
}

/* An id without a row is compliant only if it was asked about: without results nothing is. */
static void check_loaded(lua_State *L, const char *name, const struct verdicts *verdicts,
                         enum verdicts_type type) {
  if (!verdicts->sets[type].given)
    skin_misuse(L, "%s: no results of %s were loaded, so nothing is known of any of them", name,
                TYPES[type]);
}

/* verdicts:tweet(id), verdicts:user(id) -> { outcome, reason?, redacted_at? } | nil */
static int find(lua_State *L, enum verdicts_type type, const char *name) {
  const struct verdicts *verdicts = check_verdicts(L, 1);
  uint64_t id = check_id(L, name, 2);
  struct verdict verdict;
  char time[TIME_TEXT];
  check_loaded(L, name, verdicts, type);
  if (!verdicts_find(&verdicts->sets[type], id, &verdict)) {
    lua_pushnil(L);
    return 1;
  }
  lua_createtable(L, 0, 3);
  lua_pushstring(L, fact_outcome(verdict.facts));
  lua_setfield(L, -2, "outcome");
  lua_pushstring(L, fact_reason(verdict.facts)); /* NULL is pushed as nil */
  lua_setfield(L, -2, "reason");
  if (verdict.redacted_at) {
    time_format(verdict.redacted_at, time);
    lua_pushstring(L, time);
    lua_setfield(L, -2, "redacted_at");
  }
  return 1;
}

static int method_tweet(lua_State *L) {
  return find(L, VERDICTS_TWEETS, "verdicts:tweet");
}

static int method_user(lua_State *L) {
  return find(L, VERDICTS_USERS, "verdicts:user");
}

static void push_set_counts(lua_State *L, const struct verdict_set *set) {
  push_facts(L, set->by_fact);
  set_whole(L, "ids", set->count);
  set_whole(L, "rows", set->results.rows);
  set_whole(L, "nameless", set->nameless);
  if (set->results.unknown > 0) {
    lua_pushstring(L, set->results.unknown_text);
    lua_setfield(L, -2, "first_unknown");
  }
  if (set->results.other > 0) {
    lua_pushstring(L, set->results.other_text);
    lua_setfield(L, -2, "first_other");
  }
}

/* verdicts:counts() -> { tweets = counts | nil, users = counts | nil }; counts are
 * { ids, rows, nameless (error rows without an id), delete = { deleted = n, ... }, unknown,
 * scrub_geo, rehydrate, invalid, first_unknown?, first_other? (what such a row said) } */
static int method_counts(lua_State *L) {
  const struct verdicts *verdicts = check_verdicts(L, 1);
  lua_createtable(L, 0, 2);
  for (int type = 0; type < VERDICTS_TYPES; type++) {
    if (!verdicts->sets[type].given) continue;
    push_set_counts(L, &verdicts->sets[type]);
    lua_setfield(L, -2, TYPES[type]);
  }
  return 1;
}

static int push_true(lua_State *L, struct task *task) {
  (void)task;
  lua_pushboolean(L, 1);
  return 1;
}

/* verdicts:save(path) -> task -> true */
static int method_save(lua_State *L) {
  struct verdicts *verdicts = check_verdicts(L, 1);
  const char *path = skin_path(L, 2, "verdicts:save");
  struct task_box *box = task_box_new(L, push_true);
  struct error error;
  struct task *task = verdicts_save_start(verdicts, path, &error);
  if (!task) return skin_failure(L, &error);
  task_box_fill(box, task);
  return 1;
}

/* verdicts:close(): gives its memory back. Closing twice is harmless; work that uses them goes on.
 */
static int method_close(lua_State *L) {
  struct verdicts_box *box = luaL_checkudata(L, 1, VERDICTS_NAME);
  struct verdicts *verdicts = box->verdicts;
  box->verdicts = NULL;
  for (int i = 0; i < VERDICTS_REDACTORS; i++) {
    redactor_free(box->redactors[i]);
    box->redactors[i] = NULL;
  }
  verdicts_release(verdicts);
  lua_pushboolean(L, 1);
  return 1;
}

static int method_tostring(lua_State *L) {
  struct verdicts_box *box = luaL_checkudata(L, 1, VERDICTS_NAME);
  if (!box->verdicts)
    lua_pushliteral(L, "verdicts (closed)");
  else
    lua_pushfstring(L, "verdicts (%f tweets, %f users)",
                    (lua_Number)box->verdicts->sets[VERDICTS_TWEETS].count,
                    (lua_Number)box->verdicts->sets[VERDICTS_USERS].count);
  return 1;
}

/* }================================================================== */

/* {==================================================================
** Tasks
** =================================================================== */

static int push_verdicts(lua_State *L, struct task *task) {
  struct verdicts_box *box = compat_newuserdata(L, sizeof *box);
  memset(box, 0, sizeof *box);
  luaL_setmetatable(L, VERDICTS_NAME);
  box->verdicts = verdicts_retain(verdicts_loaded(task));
  return 1;
}

/* core.verdicts{ tweets?, users? (arrays of paths), jobs? } -> task -> verdicts | nil, err
 * Progress: bytes, total, rows. See dataset/verdicts.h. */
static int load(lua_State *L) {
  static const char *const known[] = {"jobs", "tweets", "users", NULL};
  static const char name[] = "core.verdicts";
  struct verdicts_options options;
  struct task_box *box;
  struct task *task;
  struct error error;
  skin_check_options(L, 1, name, known);
  options.tweets = check_paths(L, name, "tweets");
  options.users = check_paths(L, name, "users");
  options.jobs = (unsigned)skin_optional_whole(L, 1, name, "jobs", 0, 1024);
  box = task_box_new(L, push_verdicts);
  task = verdicts_start(&options, &error);
  if (!task) return skin_failure(L, &error);
  task_box_fill(box, task);
  return 1;
}

/* The verdicts in the options' field `verdicts`, which is left on the stack. */
static struct verdicts *verdicts_field(lua_State *L, const char *name) {
  struct verdicts_box *box;
  lua_pushliteral(L, "verdicts");
  lua_rawget(L, 1);
  if (lua_type(L, -1) != LUA_TUSERDATA) skin_misuse(L, "%s: verdicts are missing", name);
  box = luaL_checkudata(L, -1, VERDICTS_NAME);
  if (!box->verdicts) skin_misuse(L, "%s: the verdicts are closed", name);
  return box->verdicts;
}

static int push_listing(lua_State *L, struct task *task) {
  const struct listing_counts *counts = listing_counts(task);
  push_facts(L, counts->by_fact);
  set_whole(L, "asked", counts->asked);
  set_whole(L, "compliant", counts->compliant);
  set_whole(L, "lines", counts->lines);
  return 1;
}

static uint32_t outcome_facts(lua_State *L, const char *name) {
  static const char *const outcomes[] = {"delete",    "unknown", "scrub_geo",
                                         "rehydrate", "invalid", NULL};
  static const uint32_t facts[] = {FACT_DELETE, FACT_UNKNOWN, FACT_SCRUB_GEO, FACT_REHYDRATE,
                                   FACT_INVALID};
  int choice = skin_optional_choice(L, 1, name, "outcome", -1, outcomes);
  return choice < 0 ? 0 : facts[choice];
}

/* core.list_verdicts{ verdicts, type, output, ids?, outcome? } -> task -> { asked, compliant,
 * lines, delete = { ... }, ... } | nil, err Progress: bytes, total, lines. See dataset/listing.h.
 */
static int list(lua_State *L) {
  static const char *const known[] = {"ids", "outcome", "output", "type", "verdicts", NULL};
  static const char name[] = "core.list_verdicts";
  struct listing_options options = {0};
  struct task_box *box;
  struct task *task;
  struct error error;
  skin_check_options(L, 1, name, known);
  skin_string(L, 1, name, "type"); /* it has no default */
  options.type = (enum verdicts_type)skin_optional_choice(L, 1, name, "type", 0, TYPES);
  options.output = skin_string(L, 1, name, "output");
  options.ids = skin_optional_string(L, 1, name, "ids", NULL);
  options.facts = outcome_facts(L, name);
  options.verdicts = verdicts_field(L, name);
  check_loaded(L, name, options.verdicts, options.type);
  box = task_box_new(L, push_listing);
  task = listing_start(&options, &error);
  if (!task) return skin_failure(L, &error);
  task_box_fill(box, task);
  return 1;
}

/* }================================================================== */

/* {==================================================================
** core.redact
** =================================================================== */

static const char *const SKIPS[] = {"stop", "skip", NULL};

static void push_counts(lua_State *L, const struct batch_counts *counts) {
  lua_createtable(L, 0, 12);
  set_whole(L, "records", counts->records);
  set_whole(L, "kept", counts->kept);
  set_whole(L, "changed", counts->changed);
  set_whole(L, "dropped", counts->dropped);
  set_whole(L, "quarantined", counts->quarantined);
  set_whole(L, "recognised", counts->recognised);
  set_whole(L, "notices", counts->notices);
  set_whole(L, "malformed", counts->malformed);
  set_whole(L, "unrecognised", counts->unrecognised);
  set_whole(L, "unparsed", counts->unparsed);
}

static void set_objects(lua_State *L, const struct judge_counts *objects) {
  for (int type = 0; type < VERDICTS_TYPES; type++) {
    push_facts(L, objects->objects[type]);
    lua_setfield(L, -2, TYPES[type]);
  }
}

static void set_checksum(lua_State *L, const char *name, uint32_t crc) {
  char text[CHECKSUM_TEXT];
  checksum_format(crc, text);
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

static void push_file(lua_State *L, const struct redact_file_report *file, bool checksums) {
  push_counts(L, &file->counts);
  set_objects(L, &file->objects);
  lua_pushstring(L, file->path);
  lua_setfield(L, -2, "path");
  if (file->target) {
    lua_pushstring(L, file->target);
    lua_setfield(L, -2, "output");
  }
  lua_pushboolean(L, file->written);
  lua_setfield(L, -2, "written");
  set_whole(L, "bytes", file->bytes);
  set_whole(L, "output_bytes", file->output_bytes);
  if (!checksums) return;
  set_checksum(L, "crc32c", file->crc);
  set_checksum(L, "output_crc32c", file->output_crc);
}

/* What became of the members of an archive, as the member `members` of the table on top. */
static void set_members(lua_State *L, struct task *task, size_t file) {
  const struct redact_member_report *member;
  lua_newtable(L);
  for (size_t i = 0; (member = redact_member_report(task, file, i)); i++) {
    push_counts(L, &member->counts);
    lua_pushstring(L, member->path);
    lua_setfield(L, -2, "path");
    lua_rawseti(L, -2, (int)i + 1);
  }
  lua_setfield(L, -2, "members");
}

static int push_redaction(lua_State *L, struct task *task) {
  const struct redact_report *report = redact_report(task);
  struct redact_file_report file;
  const char *path;
  push_counts(L, &report->counts);
  set_objects(L, &report->objects);
  set_whole(L, "bytes", report->bytes);
  set_whole(L, "output_bytes", report->output_bytes);
  set_whole(L, "written", report->written);
  set_whole(L, "rehydrate", report->rehydrate);
  set_whole(L, "ignored", report->ignored);
  lua_newtable(L);
  for (int i = 0; redact_file_report(task, (size_t)i, &file); i++) {
    push_file(L, &file, redact_has_checksums(task));
    if (file.container != CONTAINER_NONE) set_members(L, task, (size_t)i);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "files");
  lua_newtable(L);
  for (int i = 0; (path = redact_ignored(task, (size_t)i)); i++) {
    lua_pushstring(L, path);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "ignored_files");
  return 1;
}

/* A dry run goes beside what it is a trial of, and writes none of it. */
static void check_outputs(lua_State *L, const char *name, struct redact_options *options) {
  if (options->output && options->in_place)
    skin_misuse(L, "%s: give an output or in_place, not both", name);
  if (!options->output && !options->in_place && !options->dry_run)
    skin_misuse(L, "%s: give `output`, `in_place` or `dry_run`", name);
  if (options->dry_run) options->output = NULL;
  if (options->dry_run) options->in_place = false;
  if (!options->quarantine && !options->dry_run &&
      (options->policy.quarantine || options->on_malformed == TREAT_QUARANTINE ||
       options->on_unrecognised == TREAT_QUARANTINE))
    skin_misuse(L, "%s: something is to be quarantined, but `quarantine` is not given", name);
  if (!options->inputs || !options->inputs[0])
    skin_misuse(L, "%s: inputs must name at least one file or folder", name);
}

/* Everything but the verdicts. Leaves on the stack what holds the strings. */
static void read_redaction(lua_State *L, const char *name, struct redact_options *options) {
  static const char *const known[] = {"allow_rounded",
                                      "checksums",
                                      "columns",
                                      "dry_run",
                                      "in_place",
                                      "inputs",
                                      "jobs",
                                      "level",
                                      "lists",
                                      "on_malformed",
                                      "on_unknown",
                                      "output",
                                      "policy",
                                      "quarantine",
                                      "rehydrate",
                                      "strict",
                                      "verdicts",
                                      "shape",
                                      "on_unrecognised",
                                      "on_ignored",
                                      NULL};
  skin_check_options(L, 1, name, known);
  options->output = skin_optional_string(L, 1, name, "output", NULL);
  options->in_place = skin_optional_boolean(L, 1, name, "in_place", false);
  options->dry_run = skin_optional_boolean(L, 1, name, "dry_run", false);
  options->quarantine = skin_optional_string(L, 1, name, "quarantine", NULL);
  options->rehydrate = skin_optional_string(L, 1, name, "rehydrate", NULL);
  options->on_malformed = skin_on_malformed(L, 1, name);
  options->on_unrecognised = skin_on_unrecognised(L, 1, name);
  options->stop_on_ignored = skin_optional_choice(L, 1, name, "on_ignored", 1, SKIPS) == 0;
  options->shape = skin_optional_string(L, 1, name, "shape", NULL);
  options->strict = skin_optional_boolean(L, 1, name, "strict", false);
  options->jobs = (unsigned)skin_optional_whole(L, 1, name, "jobs", 0, JOBS_MOST);
  options->level = (int)skin_optional_whole(L, 1, name, "level", 0, 9);
  options->checksums = skin_optional_boolean(L, 1, name, "checksums", false);
  options->list_type = (enum verdicts_type)skin_optional_choice(L, 1, name, "lists", 0, TYPES);
  skin_policy(L, 1, name, &options->policy);
  options->columns = skin_columns(L, 1, name);
  options->allow_rounded = skin_optional_boolean(L, 1, name, "allow_rounded", false);
  options->inputs = check_paths(L, name, "inputs");
  check_outputs(L, name, options);
}

/* core.check_redaction(options, name) -> true: raises the misuse that core.redact would, for the
 * function `name`; the options hold no verdicts yet */
static int check_redaction(lua_State *L) {
  struct redact_options options = {0};
  read_redaction(L, luaL_checkstring(L, 2), &options);
  lua_pushboolean(L, 1);
  return 1;
}

/* core.redact{ verdicts, inputs, output | in_place | dry_run, quarantine?, rehydrate?, policy?,
 * on_unknown?, on_malformed?, on_unrecognised?, on_ignored?, shape?, strict?, jobs?, level?,
 * checksums?, lists?, columns? } -> task -> { records, kept, changed, dropped, quarantined,
 * recognised, notices, malformed, unrecognised, unparsed, tweets, users, bytes, output_bytes,
 * written, rehydrate, ignored, ignored_files, files } | nil, err
 * Progress: bytes, total, records, changed, dropped, quarantined. See dataset/redact.h. */
static int redact(lua_State *L) {
  static const char name[] = "core.redact";
  struct redact_options options = {0};
  struct task_box *box;
  struct task *task;
  struct error error;
  read_redaction(L, name, &options);
  options.verdicts = verdicts_field(L, name);
  box = task_box_new(L, push_redaction);
  task = redact_start(&options, &error);
  if (!task) return skin_failure(L, &error);
  task_box_fill(box, task);
  return 1;
}

/* }================================================================== */

/* {==================================================================
** Whether a file holds results
** =================================================================== */

static int push_checked(lua_State *L, struct task *task) {
  const struct results_counts *counts = results_checked(task);
  lua_createtable(L, 0, 3);
  set_whole(L, "rows", counts->rows);
  set_whole(L, "bytes", counts->bytes);
  set_whole(L, "unknown", counts->unknown);
  return 1;
}

/* core.check_results(path [, name]) -> task -> { rows, bytes, unknown } | nil, err: reads a file of
 * results to its end; err.kind is "data" at the first line that is not a row. Messages call the
 * file `name` (default: its path). */
static int check_results(lua_State *L) {
  const char *path = skin_path(L, 1, "core.check_results");
  const char *name = luaL_optstring(L, 2, path);
  struct task_box *box = task_box_new(L, push_checked);
  struct error error;
  struct task *task = results_check_start(path, name, &error);
  if (!task) return skin_failure(L, &error);
  task_box_fill(box, task);
  return 1;
}

/* }================================================================== */

static const luaL_Reg methods[] = {
    {"close", method_close},   {"counts", method_counts},
    {"judge", verdicts_judge}, {"redact", verdicts_redact},
    {"save", method_save},     {"tweet", method_tweet},
    {"user", method_user},     {NULL, NULL},
};

static const luaL_Reg metamethods[] = {
    {"__gc", method_close},
    {"__close", method_close},
    {"__tostring", method_tostring},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"check_results", check_results},
    {"list_verdicts", list},
    {"check_redaction", check_redaction},
    {"redact", redact},
    {"verdicts", load},
    {NULL, NULL},
};

void verdicts_open(lua_State *L) {
  skin_metatable(L, VERDICTS_NAME, methods, metamethods);
  luaL_setfuncs(L, functions, 0);
}
