/* lua_extract.c - extraction of ids from datasets, and search for ids in files, for Lua */
#include <limits.h>

#include "dataset/extraction/extract.h"
#include "dataset/lists/id_set.h"
#include "dataset/lists/locate.h"
#include "dataset/text/id.h"
#include "lua/skin.h"

enum { IDS_MOST = 1 << 20 };

static const char *const EXTRACT_OPTIONS[] = {
    "allow_rounded", "columns",   "format",     "ids_per_file", "inputs",          "jobs",
    "lists",         "memory",    "on_ignored", "on_malformed", "on_unrecognised", "output",
    "shape",         "top_level", "type",       NULL,
};

static void push_names(lua_State *L, struct task *task, uint64_t count) {
  char name[PATH_MAX];
  lua_newtable(L);
  for (uint64_t i = 1; i <= count; i++) {
    extract_output_name(task, i, name, sizeof name);
    lua_pushstring(L, name);
    lua_rawseti(L, -2, (int)i);
  }
}

static void push_ignored(lua_State *L, struct task *task) {
  const char *path;
  lua_newtable(L);
  for (int i = 0; (path = extract_ignored(task, (size_t)i)); i++) {
    lua_pushstring(L, path);
    lua_rawseti(L, -2, i + 1);
  }
}

static void set_classes(lua_State *L, const struct extract_classes *classes) {
  skin_set_whole(L, "recognised", classes->recognised);
  skin_set_whole(L, "notices", classes->notices);
  skin_set_whole(L, "malformed", classes->malformed);
  skin_set_whole(L, "unrecognised", classes->unrecognised);
  skin_set_whole(L, "without_author", classes->without_author);
}

/* What the records are, by file: an array. */
static void push_files(lua_State *L, struct task *task) {
  struct extract_classes classes;
  const char *path;
  lua_newtable(L);
  for (int i = 0; (path = extract_file(task, (size_t)i, &classes)); i++) {
    lua_createtable(L, 0, 6);
    skin_set_string(L, "path", path);
    set_classes(L, &classes);
    lua_rawseti(L, -2, i + 1);
  }
}

static int push_extraction(lua_State *L, struct task *task) {
  const struct extract_counts *counts = extract_counts(task);
  lua_createtable(L, 0, 16);
  skin_set_whole(L, "records", counts->records);
  skin_set_whole(L, "ids_seen", counts->ids_seen);
  skin_set_whole(L, "ids", counts->ids);
  skin_set_whole(L, "empty", counts->empty);
  skin_set_whole(L, "bytes", counts->bytes);
  skin_set_whole(L, "files", counts->files);
  skin_set_whole(L, "ignored", counts->ignored);
  set_classes(L, &counts->classes);
  push_files(L, task);
  lua_setfield(L, -2, "by_file");
  push_names(L, task, counts->outputs);
  lua_setfield(L, -2, "outputs");
  push_ignored(L, task);
  lua_setfield(L, -2, "ignored_files");
  return 1;
}

/* Leaves on the stack what holds the strings. */
static void read_extraction(lua_State *L, const char *name, struct extract_options *options) {
  static const char *const types[] = {"tweets", "users", NULL};
  static const char *const list_types[] = {"any", "tweets", "users", NULL};
  static const char *const formats[] = {"auto", "jsonl", "csv", "ids", NULL};
  static const char *const skips[] = {"stop", "skip", NULL};
  int lists = skin_optional_choice(L, 1, name, "lists", 0, list_types);
  skin_string(L, 1, name, "type"); /* it has no default */
  options->type = (enum extract_type)skin_optional_choice(L, 1, name, "type", 0, types);
  options->format = (enum extract_format)skin_optional_choice(L, 1, name, "format", 0, formats);
  options->on_malformed =
      (enum extract_malformed)skin_optional_choice(L, 1, name, "on_malformed", 0, skips);
  options->on_unrecognised =
      (enum extract_malformed)skin_optional_choice(L, 1, name, "on_unrecognised", 0, skips);
  options->stop_on_ignored = skin_optional_choice(L, 1, name, "on_ignored", 1, skips) == 0;
  options->shape = skin_optional_string(L, 1, name, "shape", NULL);
  options->output = skin_string(L, 1, name, "output");
  options->allow_rounded = skin_optional_boolean(L, 1, name, "allow_rounded", false);
  options->lists_known = lists > 0;
  options->lists = (enum extract_type)(lists > 0 ? lists - 1 : 0);
  options->top_level = skin_optional_boolean(L, 1, name, "top_level", false);
  options->ids_per_file = skin_optional_whole(L, 1, name, "ids_per_file", 0, (uint64_t)1 << 53);
  options->jobs = (unsigned)skin_optional_whole(L, 1, name, "jobs", 0, 1024);
  options->memory = skin_optional_whole(L, 1, name, "memory", 0, (uint64_t)1 << 53);
  if (options->memory > 0 && options->memory < ID_SET_MEMORY_MIN)
    skin_misuse(L, "%s: memory must be at least %d bytes", name, (int)ID_SET_MEMORY_MIN);
  options->columns = skin_columns(L, 1, name);
  options->inputs = skin_inputs(L, 1, name);
}

/* core.extract{ type, inputs, output, format?, columns?, lists?, top_level?, ids_per_file?,
 * memory?, jobs?, allow_rounded?, shape?, on_malformed?, on_unrecognised?, on_ignored? } -> task ->
 * { records, recognised, notices, unrecognised, malformed, without_author, ids_seen, ids, empty,
 * bytes, files, by_file, ignored, outputs, ignored_files } | nil, err Progress: bytes, total,
 * records, ids. See dataset/extraction/extract.h. */
static int extract(lua_State *L) {
  static const char name[] = "dataset.extract";
  struct extract_options options = {0};
  struct task_box *box;
  struct task *task;
  struct error error;
  skin_check_options(L, 1, name, EXTRACT_OPTIONS);
  read_extraction(L, name, &options);
  box = task_box_new(L, push_extraction);
  task = extract_start(&options, &error);
  return task_box_fill(L, box, task, &error);
}

static int push_places(lua_State *L, struct task *task) {
  const struct locate_place *place;
  lua_newtable(L);
  for (int i = 0; (place = locate_place(task, (size_t)i)); i++) {
    char id[ID_FORMAT_ROOM];
    lua_createtable(L, 0, 3);
    lua_pushlstring(L, id, id_format(place->id, id));
    lua_setfield(L, -2, "id");
    skin_set_string(L, "file", locate_path(task, place->path));
    skin_set_whole(L, "line", place->line);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* The options' `ids`, an array of strings, in a userdata that is left on the stack. */
static const uint64_t *check_ids(lua_State *L, const char *name, size_t *count) {
  uint64_t *ids;
  lua_pushliteral(L, "ids");
  lua_rawget(L, 1);
  if (!lua_istable(L, -1)) skin_misuse(L, "%s: ids must be an array of strings", name);
  *count = lua_rawlen(L, -1);
  if (*count > IDS_MOST) skin_misuse(L, "%s: there are too many ids", name);
  ids = compat_newuserdata(L, (*count + 1) * sizeof *ids);
  for (size_t i = 0; i < *count; i++) {
    lua_rawgeti(L, -2, (int)i + 1);
    ids[i] = skin_id(L, -1, name);
    lua_pop(L, 1);
  }
  return ids;
}

/* core.locate_ids{ ids, inputs } -> task -> { { id, file, line }, ... } | nil, err
 * See dataset/lists/locate.h. */
static int locate_ids(lua_State *L) {
  static const char *const known[] = {"ids", "inputs", NULL};
  static const char name[] = "core.locate_ids";
  const char *const *inputs;
  const uint64_t *ids;
  struct task_box *box;
  struct task *task;
  struct error error;
  size_t count;
  skin_check_options(L, 1, name, known);
  ids = check_ids(L, name, &count);
  inputs = skin_inputs(L, 1, name);
  box = task_box_new(L, push_places);
  task = locate_start(ids, count, inputs, &error);
  return task_box_fill(L, box, task, &error);
}

void extract_open(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"extract", extract},
      {"locate_ids", locate_ids},
      {NULL, NULL},
  };
  luaL_setfuncs(L, functions, 0);
}
