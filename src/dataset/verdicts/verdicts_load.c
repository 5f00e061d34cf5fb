/* verdicts_load.c - see verdicts_load.h */
#include "dataset/verdicts/verdicts_load.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "dataset/verdicts/results.h"
#include "dataset/verdicts/verdicts_file.h"
#include "memory.h"

enum { NOW_AND_THEN = 1 << 16 };

struct verdicts_task {
  struct task task;
  char **paths[VERDICTS_TYPES];
  size_t path_counts[VERDICTS_TYPES];
  unsigned jobs;
  struct verdicts_builder *builder;
  enum verdicts_type type; /* of the file that is being read */
  uint64_t rows;
  struct verdicts *verdicts;
};

static bool take_row(void *context, const struct results_row *row, struct error *error) {
  struct verdicts_task *task = context;
  struct verdict verdict = {row->id, row->redacted_at, row->fact};
  struct verdict_set *set = verdicts_building(task->builder, task->type);
  task_set(&task->task, VERDICTS_ROWS, ++task->rows);
  if (row->id == 0) {
    set->nameless++;
    return true;
  }
  if (verdicts_add(task->builder, task->type, &verdict)) return true;
  error_set(error, ERROR_MEMORY, "loading results: out of memory after %llu %s%s",
            COUNTED(task->rows, "row"));
  return false;
}

static bool is_cancelled(struct verdicts_task *task, struct error *error) {
  if (!task_cancelled(&task->task)) return false;
  error_set(error, ERROR_CANCELLED, "loading results was cancelled");
  return true;
}

/* A saved file that is one of several adds its verdicts one by one. */
static bool add_saved(struct verdicts_task *task, const struct verdict_set *from,
                      struct error *error) {
  struct verdict_set *set = verdicts_building(task->builder, task->type);
  results_add(&set->results, &from->results);
  set->given = true;
  set->nameless += from->nameless;
  for (uint64_t i = 0; i < from->count; i++) {
    struct verdict verdict = verdicts_at(from, i);
    if (i % NOW_AND_THEN == 0 && is_cancelled(task, error)) return false;
    if (verdicts_add(task->builder, task->type, &verdict)) continue;
    error_memory(error, "loading verdicts");
    return false;
  }
  return true;
}

static bool load_saved(struct verdicts_task *task, const char *path, struct error *error) {
  static const char *const names[VERDICTS_TYPES] = {"tweets", "users"};
  struct verdicts *saved = verdicts_new();
  struct verdict_set *set = saved ? &saved->sets[task->type] : NULL;
  bool ok = false;
  if (!saved)
    error_memory(error, "mapping %s", path);
  else
    ok = verdicts_map_set(set, task->type, path, &task->task, error);
  if (ok && !set->given) {
    error_at(error, ERROR_DATA, path, 0, 0,
             "holds no verdicts on %s - it was made from results of the other type",
             names[task->type]);
    ok = false;
  }
  if (ok && task->path_counts[task->type] == 1) {
    *verdicts_building(task->builder, task->type) = *set;
    memset(set, 0, sizeof *set);
  } else if (ok) {
    ok = add_saved(task, set, error);
  }
  verdicts_release(saved);
  return ok;
}

/* Results are empty if nothing is condemned. Compiled verdicts are never empty: the file was
 * truncated. */
static bool is_empty_compiled(const char *path) {
  static const char ending[] = ".verdicts";
  size_t size = strlen(path), length = sizeof ending - 1;
  struct stat status;
  return size > length && strcmp(path + size - length, ending) == 0 && stat(path, &status) == 0 &&
         S_ISREG(status.st_mode) && status.st_size == 0;
}

/* An empty file may be the results of a finished job; an empty pipe means that a program failed. */
static bool is_pipe(const char *path) {
  struct stat status;
  return strcmp(path, "-") == 0 || (stat(path, &status) == 0 && !S_ISREG(status.st_mode));
}

static bool load(struct verdicts_task *task, const char *path, struct error *error) {
  const struct results_options results = {.take = take_row,
                                          .context = task,
                                          .jobs = task->jobs,
                                          .task = &task->task,
                                          .counter = VERDICTS_BYTES};
  struct verdict_set *set = verdicts_building(task->builder, task->type);
  uint64_t bytes;
  if (verdicts_is_file(path)) return load_saved(task, path, error);
  if (is_empty_compiled(path)) {
    error_at(error, ERROR_DATA, path, 0, 0,
             "is empty, but compiled verdicts never are - compile them again");
    return false;
  }
  set->given = true;
  bytes = set->results.bytes;
  if (!results_read(path, &results, &set->results, error)) return false;
  if (set->results.bytes > bytes || !is_pipe(path)) return true;
  error_at(error, ERROR_DATA, strcmp(path, "-") == 0 ? "standard input" : path, 0, 0,
           "is empty, so the program that should have written results to it may have failed - "
           "give a file of results, which may be empty");
  return false;
}

static void set_total(struct verdicts_task *task) {
  uint64_t total = 0;
  struct stat status;
  for (int type = 0; type < VERDICTS_TYPES; type++)
    for (size_t i = 0; i < task->path_counts[type]; i++)
      if (stat(task->paths[type][i], &status) == 0 && S_ISREG(status.st_mode))
        total += (uint64_t)status.st_size;
  task_set(&task->task, VERDICTS_TOTAL, total);
}

static void run(struct task *base) {
  struct verdicts_task *task = (struct verdicts_task *)base;
  set_total(task);
  for (int type = 0; type < VERDICTS_TYPES; type++) {
    task->type = (enum verdicts_type)type;
    for (size_t i = 0; i < task->path_counts[type]; i++)
      if (!load(task, task->paths[type][i], &base->error)) return;
  }
  task->verdicts = verdicts_finish(task->builder, base);
  task->builder = NULL;
  if (!task->verdicts && !is_cancelled(task, &base->error))
    error_memory(&base->error, "sorting verdicts");
}

static void destroy(struct task *base) {
  struct verdicts_task *task = (struct verdicts_task *)base;
  verdicts_abandon(task->builder);
  verdicts_release(task->verdicts);
  for (int type = 0; type < VERDICTS_TYPES; type++) {
    memory_free_strings(task->paths[type]);
  }
  free(task);
}

static bool copy_paths(struct verdicts_task *task, enum verdicts_type type,
                       const char *const *paths) {
  if (!paths) return true;
  task->paths[type] = memory_copy_strings(paths);
  if (!task->paths[type]) return false;
  while (task->paths[type][task->path_counts[type]])
    task->path_counts[type]++;
  return true;
}

struct task *verdicts_start(const struct verdicts_options *options, struct error *error) {
  static const struct task_kind kind = {
      .name = "loading of results",
      .counters = {"bytes", "total", "rows"},
      .run = run,
      .destroy = destroy,
  };
  struct verdicts_task *task = calloc(1, sizeof *task);
  if (!task || !(task->builder = verdicts_build()) ||
      !copy_paths(task, VERDICTS_TWEETS, options->tweets) ||
      !copy_paths(task, VERDICTS_USERS, options->users)) {
    error_memory(error, "loading results");
    if (task) destroy(&task->task);
    return NULL;
  }
  task->jobs = options->jobs;
  return task_launch(&task->task, &kind, error);
}

struct verdicts *verdicts_loaded(const struct task *task) {
  return ((const struct verdicts_task *)task)->verdicts;
}

struct save_task {
  struct task task;
  struct verdicts *verdicts;
  char *path;
};

static void run_save(struct task *base) {
  struct save_task *task = (struct save_task *)base;
  struct error error;
  if (!verdicts_save(task->verdicts, task->path, base, &error)) base->error = error;
}

static void destroy_save(struct task *base) {
  struct save_task *task = (struct save_task *)base;
  verdicts_release(task->verdicts);
  free(task->path);
  free(task);
}

struct task *verdicts_save_start(struct verdicts *verdicts, const char *path, struct error *error) {
  static const struct task_kind kind = {
      .name = "saving of verdicts", .run = run_save, .destroy = destroy_save};
  struct save_task *task = calloc(1, sizeof *task);
  if (task) {
    task->verdicts = verdicts_retain(verdicts);
    task->path = strdup(path);
  }
  if (!task || !task->path) {
    error_memory(error, "saving %s", path);
  } else {
    return task_launch(&task->task, &kind, error);
  }
  if (task) destroy_save(&task->task);
  return NULL;
}
