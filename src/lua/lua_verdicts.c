/* lua_verdicts.c - verdicts for Lua: loaded from results, looked up, counted, listed, saved */
#include <stdio.h>
#include <string.h>

#include "dataset/redaction/redactor.h"
#include "dataset/verdicts/results_check.h"
#include "dataset/verdicts/verdicts_export.h"
#include "dataset/verdicts/verdicts_load.h"
#include "lua/skin.h"

static const char VERDICTS_NAME[] = "xcompliance.verdicts";
const char *const verdicts_type_names[] = {"tweets", "users", NULL};

struct verdicts_box *verdicts_box_check(lua_State *L, int index) {
  struct verdicts_box *box = luaL_checkudata(L, index, VERDICTS_NAME);
  if (!box->verdicts) skin_misuse(L, "attempt to use closed verdicts");
  return box;
}

static struct verdicts *check_verdicts(lua_State *L, int index) {
  return verdicts_box_check(L, index)->verdicts;
}

/* {==================================================================
** Facts by outcome and reason
** =================================================================== */

void verdicts_push_facts(lua_State *L, const uint64_t by_fact[FACT_KINDS]) {
  bool deletions = false;
  lua_newtable(L);
  for (int i = 0; i < FACT_KINDS; i++) {
    uint32_t fact = (uint32_t)1 << i;
    if (by_fact[i] == 0) continue;
    if (!(fact & FACT_DELETE)) {
      skin_set_whole(L, fact_outcome(fact), by_fact[i]);
      continue;
    }
    if (!deletions) {
      lua_newtable(L);
      lua_setfield(L, -2, "delete");
    }
    deletions = true;
    lua_getfield(L, -1, "delete");
    skin_set_whole(L, fact_reason(fact), by_fact[i]);
    lua_pop(L, 1);
  }
}

/* An id without a row is compliant only if it was checked: without results no id was. */
static void check_loaded(lua_State *L, const char *name, const struct verdicts *verdicts,
                         enum verdicts_type type) {
  if (!verdicts->sets[type].given)
    skin_misuse(L, "%s: no results of %s were loaded, so nothing is known about any of them", name,
                verdicts_type_names[type]);
}

/* verdicts:tweet(id), verdicts:user(id) -> { outcome, reason?, redacted_at? } | nil */
static int find(lua_State *L, enum verdicts_type type, const char *name) {
  const struct verdicts *verdicts = check_verdicts(L, 1);
  uint64_t id = skin_id(L, 2, name);
  struct verdict verdict;
  char time[TIME_TEXT];
  check_loaded(L, name, verdicts, type);
  if (!verdicts_find(&verdicts->sets[type], id, &verdict)) {
    lua_pushnil(L);
    return 1;
  }
  lua_createtable(L, 0, 3);
  skin_set_string(L, "outcome", fact_outcome(verdict.facts));
  lua_pushstring(L, fact_reason(verdict.facts)); /* NULL is pushed as nil */
  lua_setfield(L, -2, "reason");
  if (verdict.redacted_at) {
    time_format(verdict.redacted_at, time);
    skin_set_string(L, "redacted_at", time);
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
  verdicts_push_facts(L, set->by_fact);
  skin_set_whole(L, "ids", set->count);
  skin_set_whole(L, "rows", set->results.rows);
  skin_set_whole(L, "nameless", set->nameless);
  if (set->results.unknown > 0) {
    skin_set_string(L, "first_unknown", set->results.unknown_text);
  }
  if (set->results.other > 0) {
    skin_set_string(L, "first_other", set->results.other_text);
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
    lua_setfield(L, -2, verdicts_type_names[type]);
  }
  return 1;
}

/* verdicts:save(path) -> task -> true */
static int method_save(lua_State *L) {
  struct verdicts *verdicts = check_verdicts(L, 1);
  const char *path = skin_path(L, 2, "verdicts:save");
  struct task_box *box = task_box_new(L, skin_push_true);
  struct error error;
  struct task *task = verdicts_save_start(verdicts, path, &error);
  return task_box_fill(L, box, task, &error);
}

/* verdicts:close(): frees the memory. Closing twice is harmless; tasks that use the verdicts
 * continue.
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
  const struct verdicts *verdicts = box->verdicts;
  char text[96];
  if (!verdicts)
    snprintf(text, sizeof text, "verdicts (closed)");
  else
    snprintf(text, sizeof text, "verdicts (%zu tweets, %zu users)",
             (size_t)verdicts->sets[VERDICTS_TWEETS].count,
             (size_t)verdicts->sets[VERDICTS_USERS].count);
  lua_pushstring(L, text);
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
 * Progress: bytes, total, rows. See dataset/verdicts/verdicts_load.h. */
static int load(lua_State *L) {
  static const char *const known[] = {"jobs", "tweets", "users", NULL};
  static const char name[] = "dataset.verdicts";
  struct verdicts_options options;
  struct task_box *box;
  struct task *task;
  struct error error;
  skin_check_options(L, 1, name, known);
  options.tweets = skin_paths(L, 1, name, "tweets");
  options.users = skin_paths(L, 1, name, "users");
  options.jobs = (unsigned)skin_optional_whole(L, 1, name, "jobs", 0, 1024);
  box = task_box_new(L, push_verdicts);
  task = verdicts_start(&options, &error);
  return task_box_fill(L, box, task, &error);
}

struct verdicts *verdicts_field(lua_State *L, const char *name) {
  struct verdicts_box *box;
  lua_pushliteral(L, "verdicts");
  lua_rawget(L, 1);
  if (lua_type(L, -1) != LUA_TUSERDATA) skin_misuse(L, "%s: verdicts are missing", name);
  box = luaL_checkudata(L, -1, VERDICTS_NAME);
  if (!box->verdicts) skin_misuse(L, "%s: the verdicts are closed", name);
  return box->verdicts;
}

static int push_export(lua_State *L, struct task *task) {
  const struct verdicts_export_counts *counts = verdicts_export_counts(task);
  verdicts_push_facts(L, counts->by_fact);
  skin_set_whole(L, "asked", counts->asked);
  skin_set_whole(L, "compliant", counts->compliant);
  skin_set_whole(L, "lines", counts->lines);
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
 * lines, delete = { ... }, ... } | nil, err Progress: bytes, total, lines. See
 * dataset/verdicts/verdicts_export.h.
 */
static int list(lua_State *L) {
  static const char *const known[] = {"ids", "outcome", "output", "type", "verdicts", NULL};
  static const char name[] = "dataset.list_verdicts";
  struct verdicts_export_options options = {0};
  struct task_box *box;
  struct task *task;
  struct error error;
  skin_check_options(L, 1, name, known);
  skin_string(L, 1, name, "type"); /* it has no default */
  options.type =
      (enum verdicts_type)skin_optional_choice(L, 1, name, "type", 0, verdicts_type_names);
  options.output = skin_string(L, 1, name, "output");
  options.ids = skin_optional_string(L, 1, name, "ids", NULL);
  options.facts = outcome_facts(L, name);
  options.verdicts = verdicts_field(L, name);
  check_loaded(L, name, options.verdicts, options.type);
  box = task_box_new(L, push_export);
  task = verdicts_export_start(&options, &error);
  return task_box_fill(L, box, task, &error);
}

/* }================================================================== */

/* {==================================================================
** Whether a file holds results
** =================================================================== */

static int push_checked(lua_State *L, struct task *task) {
  const struct results_counts *counts = results_checked(task);
  lua_createtable(L, 0, 3);
  skin_set_whole(L, "rows", counts->rows);
  skin_set_whole(L, "bytes", counts->bytes);
  skin_set_whole(L, "unknown", counts->unknown);
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
  return task_box_fill(L, box, task, &error);
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
    {"verdicts", load},
    {NULL, NULL},
};

void verdicts_open(lua_State *L) {
  skin_metatable(L, VERDICTS_NAME, methods, metamethods);
  luaL_setfuncs(L, functions, 0);
}
