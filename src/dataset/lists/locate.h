/* locate.h - finds the lines of files that hold given ids: a task
 *
 * For quarantined records that may be restored. The files may be packed; an id is on a line if its
 * digits are, as a whole number.
 */
#ifndef XCOMPLIANCE_LOCATE_H
#define XCOMPLIANCE_LOCATE_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "task.h"

#pragma GCC visibility push(hidden)

struct locate_place {
  uint64_t id, line; /* the line from 1 */
  size_t path;       /* index in the paths that were given */
};

/* Starts to look for ids[0 .. count) in the files `paths` (NULL-ended); copies both. NULL with
 * `error` filled. */
struct task *locate_start(const uint64_t *ids, size_t count, const char *const *paths,
                          struct error *error);

/* Of a task that has succeeded: place number `i`, in the order of files and lines; NULL after the
 * last. */
const struct locate_place *locate_place(const struct task *task, size_t i);
const char *locate_path(const struct task *task, size_t path);

#pragma GCC visibility pop

#endif
