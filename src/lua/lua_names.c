/* lua_names.c - whether the names that a call was given are names of different files, for Lua */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "dataset/files/names.h"
#include "dataset/files/renames.h"
#include "dataset/files/targets.h"
#include "lua/skin.h"

enum { LIST_MOST = 1 << 21 };

/* The uses of a name. Those of the dataset and its outputs come first. */
enum use { USE_INPUT, USE_OUTPUT, USE_QUARANTINE, USE_READ, USE_WRITE, USE_NUMBERED, USE_OWN };
static const char *const USES[] = {"input", "output",   "quarantine", "read",
                                   "write", "numbered", "own",        NULL};

struct given {
  enum use use;
  char *what, *path;
};

struct comparison {
  struct task task; /* first */
  struct given *given;
  size_t given_count;
  struct names_rules rules;
  struct targets targets;
  struct name *names;
  size_t count;
  char *renames; /* where a redaction in place notes its renames */
};

/* {==================================================================
** The task
** =================================================================== */

static const struct given *find(const struct comparison *c, enum use use) {
  for (size_t i = 0; i < c->given_count; i++)
    if (c->given[i].use == use) return &c->given[i];
  return NULL;
}

static const char *path_of(const struct given *given) {
  return given ? given->path : NULL;
}

static void add(struct comparison *c, const char *what, const char *path, enum name_use use,
                const char *from) {
  c->names[c->count++] = (struct name){what, path, use, from};
}

static void add_given(struct comparison *c, const struct given *given) {
  const struct targets *targets = &c->targets;
  enum name_use use = NAME_READ;
  struct stat status;
  switch (given->use) {
  case USE_INPUT: /* a file is one of the targets */
    if (stat(given->path, &status) != 0 || !S_ISDIR(status.st_mode)) return;
    use = NAME_ROOT;
    break;
  case USE_OUTPUT: use = targets->output_folder ? NAME_TREE : NAME_WRITE; break;
  case USE_QUARANTINE: use = targets->one_quarantine ? NAME_WRITE : NAME_TREE; break;
  case USE_READ: break;
  case USE_WRITE: use = NAME_WRITE; break;
  case USE_NUMBERED: use = NAME_NUMBERED; break;
  case USE_OWN: use = NAME_OWN; break;
  }
  add(c, given->what, given->path, use, NULL);
}

/* Files of one folder come one after the other, for which names_check is fast. */
static void add_targets(struct comparison *c) {
  const struct targets *targets = &c->targets;
  const struct given *output = find(c, USE_OUTPUT), *quarantine = find(c, USE_QUARANTINE);
  for (size_t i = 0; i < targets->count; i++) {
    const struct target *target = &targets->list[i];
    add(c, find(c, USE_INPUT)->what, target->path, target->found ? NAME_FOUND : NAME_INPUT, NULL);
  }
  for (size_t i = 0; output && targets->output_folder && i < targets->count; i++)
    add(c, output->what, targets->list[i].output, NAME_TARGET, targets->list[i].path);
  for (size_t i = 0; quarantine && !targets->one_quarantine && i < targets->count; i++)
    add(c, quarantine->what, targets->list[i].quarantine, NAME_TARGET, targets->list[i].path);
}

static bool add_renames(struct comparison *c, struct error *error) {
  const struct given *quarantine = find(c, USE_QUARANTINE);
  if (!quarantine || !c->rules.in_place) return true;
  c->renames = renames_path(quarantine->path, !c->targets.one_quarantine);
  if (!c->renames) {
    error_memory(error, "comparing the names of files");
    return false;
  }
  add(c, quarantine->what, c->renames, NAME_WRITE, NULL);
  return true;
}

static bool list_dataset(struct comparison *c, struct error *error) {
  const char **inputs = calloc(c->given_count + 1, sizeof *inputs);
  struct targets_options options = {.inputs = inputs,
                                    .output = path_of(find(c, USE_OUTPUT)),
                                    .quarantine = path_of(find(c, USE_QUARANTINE)),
                                    .in_place = c->rules.in_place};
  size_t count = 0;
  bool ok;
  if (!inputs) {
    error_memory(error, "listing files");
    return false;
  }
  for (size_t i = 0; i < c->given_count; i++)
    if (c->given[i].use == USE_INPUT) inputs[count++] = c->given[i].path;
  ok = count == 0 || targets_find(&c->targets, &options, &c->task, error);
  free(inputs);
  return ok;
}

static void run(struct task *task) {
  struct comparison *c = (struct comparison *)task;
  if (!list_dataset(c, &task->error)) {
    /* a dataset that cannot be listed cannot be read either, and reading it reports that */
    if (task->error.code == ERROR_IO) task->error = (struct error){0};
    return;
  }
  c->names = calloc(c->given_count + 3 * c->targets.count + 2, sizeof *c->names);
  if (!c->names) {
    error_memory(&task->error, "comparing the names of files");
    return;
  }
  for (size_t i = 0; i < c->given_count; i++)
    add_given(c, &c->given[i]);
  add_targets(c);
  if (!add_renames(c, &task->error)) return;
  names_check(c->names, c->count, &c->rules, task, &task->error);
}

static void destroy(struct task *task) {
  struct comparison *c = (struct comparison *)task;
  for (size_t i = 0; i < c->given_count; i++) {
    free(c->given[i].what);
    free(c->given[i].path);
  }
  targets_free(&c->targets);
  free(c->names);
  free(c->renames);
  free(c->given);
  free(c);
}

static const struct task_kind COMPARISON = {
    .name = "comparison of names", .run = run, .destroy = destroy};

/* }================================================================== */

/* {==================================================================
** Lua
** =================================================================== */

static const char *check_field(lua_State *L, int entry, int field, const char *name) {
  size_t size;
  const char *text;
  lua_rawgeti(L, entry, field);
  if (lua_type(L, -1) != LUA_TSTRING) skin_misuse(L, "%s: a path must be a string", name);
  text = lua_tolstring(L, -1, &size);
  if (size == 0 || size >= PATH_MAX || strlen(text) != size)
    skin_misuse(L, "%s: a path is empty, too long, or holds a NUL byte", name);
  lua_pop(L, 1); /* the table holds it */
  return text;
}

static enum use check_use(lua_State *L, int entry, const char *name) {
  const char *word = check_field(L, entry, 2, name);
  for (int i = 0; USES[i]; i++)
    if (strcmp(word, USES[i]) == 0) return (enum use)i;
  skin_misuse(L, "%s: there is no use '%.40s'", name, word);
  return USE_READ;
}

/* Reads the list twice: everything that can raise comes before the first allocation. */
static size_t check_list(lua_State *L, const char *name) {
  size_t count;
  luaL_checktype(L, 1, LUA_TTABLE);
  count = lua_rawlen(L, 1);
  if (count > LIST_MOST) skin_misuse(L, "%s: there are too many names", name);
  for (size_t i = 1; i <= count; i++) {
    lua_rawgeti(L, 1, (int)i);
    luaL_checktype(L, -1, LUA_TTABLE);
    check_field(L, lua_gettop(L), 1, name);
    check_use(L, lua_gettop(L), name);
    check_field(L, lua_gettop(L), 3, name);
    lua_pop(L, 1);
  }
  return count;
}

static bool take_list(lua_State *L, struct comparison *c, size_t count, const char *name) {
  c->given = calloc(count + 1, sizeof *c->given);
  for (; c->given && c->given_count < count; c->given_count++) {
    struct given *given = &c->given[c->given_count];
    int entry = lua_gettop(L) + 1;
    lua_rawgeti(L, 1, (int)c->given_count + 1);
    given->use = check_use(L, entry, name);
    given->what = strdup(check_field(L, entry, 1, name));
    given->path = strdup(check_field(L, entry, 3, name));
    lua_pop(L, 1);
    if (!given->what || !given->path) {
      c->given_count++;
      return false;
    }
  }
  return c->given != NULL;
}

/* core.check_names(list [, in_place [, once]]) -> task -> true | nil, err: whether the files that a
 * call names are different ones. An entry of the list is { the option's name, a use, a path }; uses
 * are "input" (file or folder of the dataset), "output" and "quarantine" (what core.redact makes of
 * the inputs), "read", "write", "numbered" (PATH.0001 ...), "own" (a folder that nothing else may
 * be in). `in_place`: inputs are written; `once`: an input may be given once. See
 * dataset/files/names.h. */
static int check_names(lua_State *L) {
  static const char name[] = "core.check_names";
  size_t count = check_list(L, name);
  struct task_box *box = task_box_new(L, skin_push_true);
  struct comparison *c = calloc(1, sizeof *c);
  struct error error;
  if (!c || !take_list(L, c, count, name)) {
    if (c) destroy(&c->task);
    error_memory(&error, "comparing the names of files");
    return skin_failure(L, &error);
  }
  c->rules.in_place = lua_toboolean(L, 2);
  c->rules.once = lua_toboolean(L, 3);
  return task_box_fill(L, box, task_launch(&c->task, &COMPARISON, &error), &error);
}

/* }================================================================== */

void names_open(lua_State *L) {
  lua_pushcfunction(L, check_names);
  lua_setfield(L, -2, "check_names");
}
