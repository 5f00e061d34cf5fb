/* verdicts_load.h - results to verdicts, and verdicts to a file, as tasks
 */
#ifndef XCOMPLIANCE_VERDICTS_LOAD_H
#define XCOMPLIANCE_VERDICTS_LOAD_H

#include "dataset/verdicts/verdicts.h"
#include "error.h"
#include "task.h"

#pragma GCC visibility push(hidden)

struct verdicts_options {
  const char *const *tweets; /* results files of tweets jobs; NULL-ended, or NULL */
  const char *const *users;  /* of users jobs */
  unsigned jobs;             /* threads that parse; 0: as many as there are processors */
};

/* Progress counters. */
enum { VERDICTS_BYTES, VERDICTS_TOTAL, VERDICTS_ROWS };

/* Starts to load; copies the options. Each path is a results file or one that verdicts_save made
 * (of which the set of that type is taken). NULL with `error` filled. */
struct task *verdicts_start(const struct verdicts_options *options, struct error *error);

/* The verdicts of a task that has succeeded; they belong to the task: retain them to keep them. */
struct verdicts *verdicts_loaded(const struct task *task);

/* Starts to save them (verdicts_file.h); retains them. NULL with `error` filled. */
struct task *verdicts_save_start(struct verdicts *verdicts, const char *path, struct error *error);

#pragma GCC visibility pop

#endif
