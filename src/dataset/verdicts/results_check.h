/* results_check.h - whether a file holds results, and how many rows, as a task
 *
 * The check of a job's results before they get their final name: each row is parsed as for
 * verdicts, but nothing is kept.
 */
#ifndef XCOMPLIANCE_DATASET_RESULTS_CHECK_H
#define XCOMPLIANCE_DATASET_RESULTS_CHECK_H

#include "dataset/verdicts/results.h"
#include "task.h"

#pragma GCC visibility push(hidden)

/* Starts a task that reads the file `path` to its end; messages call it `name`. It fails with
 * ERROR_DATA at the first line that is not a row. Returns NULL with `error` filled if it could not
 * be started. Progress: bytes. */
struct task *results_check_start(const char *path, const char *name, struct error *error);

/* What the file holds, after the task has succeeded. */
const struct results_counts *results_checked(const struct task *task);

#pragma GCC visibility pop

#endif
