/* lua_id_difference.c - the ids of lists that are in none of others, for Lua */
#include "dataset/lists/id_difference.h"
#include "dataset/lists/id_set.h"
#include "lua/skin.h"

static int push_counts(lua_State *L, struct task *task) {
  const struct id_difference_counts *counts = id_difference_counts(task);
  lua_createtable(L, 0, 3);
  skin_set_whole(L, "from", counts->from);
  skin_set_whole(L, "without", counts->without);
  skin_set_whole(L, "ids", counts->ids);
  return 1;
}

/* core.subtract_ids{ from, without, output, memory? } -> task -> { from, without, ids } | nil, err:
 * see dataset/lists/id_difference.h */
static int subtract_ids(lua_State *L) {
  static const char *const known[] = {"from", "memory", "output", "without", NULL};
  static const char name[] = "dataset.difference";
  struct id_difference_options options;
  struct task_box *box;
  struct error error;
  skin_check_options(L, 1, name, known);
  options.output = skin_string(L, 1, name, "output");
  options.memory = skin_optional_whole(L, 1, name, "memory", (uint64_t)1 << 28, (uint64_t)1 << 53);
  if (options.memory < ID_SET_MEMORY_MIN)
    skin_misuse(L, "%s: memory must be at least %d bytes", name, (int)ID_SET_MEMORY_MIN);
  options.from = skin_paths(L, 1, name, "from");
  options.without = skin_paths(L, 1, name, "without");
  box = task_box_new(L, push_counts);
  return task_box_fill(L, box, id_difference_start(&options, &error), &error);
}

void id_difference_open(lua_State *L) {
  lua_pushcfunction(L, subtract_ids);
  lua_setfield(L, -2, "subtract_ids");
}
