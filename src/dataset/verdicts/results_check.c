/* results_check.c - see results_check.h */
#include "dataset/verdicts/results_check.h"

#include <stdlib.h>
#include <string.h>

struct check_task {
  struct task task; /* first */
  char *path, *name;
  struct results_counts counts;
};

static void run(struct task *base) {
  struct check_task *task = (struct check_task *)base;
  const struct results_options options = {.name = task->name, .task = base};
  results_read(task->path, &options, &task->counts, &base->error);
}

static void destroy(struct task *base) {
  struct check_task *task = (struct check_task *)base;
  free(task->path);
  free(task->name);
  free(task);
}

struct task *results_check_start(const char *path, const char *name, struct error *error) {
  static const struct task_kind kind = {
      .name = "check of results", .counters = {"bytes"}, .run = run, .destroy = destroy};
  struct check_task *task = calloc(1, sizeof *task);
  if (task) {
    task->path = strdup(path);
    task->name = strdup(name);
  }
  if (!task || !task->path || !task->name) {
    error_memory(error, "checking %s", name);
  } else {
    return task_launch(&task->task, &kind, error);
  }
  if (task) destroy(&task->task);
  return NULL;
}

const struct results_counts *results_checked(const struct task *task) {
  return &((const struct check_task *)task)->counts;
}
