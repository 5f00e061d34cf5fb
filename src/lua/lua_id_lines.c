/* lua_id_lines.c - whether a file is a list of ids, for Lua */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataset/lists/id_lines.h"
#include "file.h"
#include "lua/skin.h"

enum { BLOCK = 1 << 18 };

struct list_check {
  struct task task; /* first */
  struct id_lines lines;
  int descriptor;
  char *path;
  char block[BLOCK];
};

static bool check(struct list_check *check, struct error *error) {
  uint64_t at = 0;
  for (;;) {
    int64_t got = file_read(check->descriptor, check->block, BLOCK, at, check->path, error);
    if (got < 0) return false;
    if (got == 0) return id_lines_end(&check->lines, error);
    if (!id_lines_add(&check->lines, check->block, (size_t)got, error)) return false;
    at += (uint64_t)got;
    if (task_cancelled(&check->task)) {
      error_set(error, ERROR_CANCELLED, "checking %s was cancelled", check->path);
      return false;
    }
  }
}

static void run(struct task *task) {
  struct list_check *own = (struct list_check *)task;
  check(own, &task->error);
}

static void destroy(struct task *task) {
  struct list_check *own = (struct list_check *)task;
  if (own->descriptor >= 0) close(own->descriptor);
  free(own->path);
  free(own);
}

static const struct task_kind LIST_CHECK = {
    .name = "check of a list", .run = run, .destroy = destroy};

static struct task *start_check(const struct file_box *file, struct error *error) {
  struct list_check *own = calloc(1, sizeof *own);
  if (own) {
    own->path = strdup(file->path);
    own->lines.path = own->path;
    own->descriptor = fcntl(file->descriptor, F_DUPFD_CLOEXEC, 0);
  }
  if (!own || !own->path)
    error_memory(error, "checking %s", file->path);
  else if (own->descriptor < 0)
    error_errno(error, "opening once more", file->path);
  else
    return task_launch(&own->task, &LIST_CHECK, error);
  if (own) destroy(&own->task);
  return NULL;
}

static int push_ids(lua_State *L, struct task *task) {
  compat_pushwhole(L, ((struct list_check *)task)->lines.ids);
  return 1;
}

/* core.check_ids(file) -> task -> the number of ids | nil, err: whether a core file is a list of
 * ids as X takes it. See dataset/lists/id_lines.h. */
static int check_ids(lua_State *L) {
  struct file_box *file = file_box_check(L, 1, "core.check_ids");
  struct task_box *box = task_box_new(L, push_ids);
  struct error error;
  return task_box_fill(L, box, start_check(file, &error), &error);
}

void id_lines_open(lua_State *L) {
  lua_pushcfunction(L, check_ids);
  lua_setfield(L, -2, "check_ids");
}
