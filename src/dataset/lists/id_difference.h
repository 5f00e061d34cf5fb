/* id_difference.h - the ids of some lists that are in none of others: a task
 *
 * For incremental work: what is new since the last check. The lists may be in any order, packed, and
 * larger than memory; the output ascends, each id once. Ids are in the forms of id_form.h, one on
 * a line.
 */
#ifndef XCOMPLIANCE_ID_DIFFERENCE_H
#define XCOMPLIANCE_ID_DIFFERENCE_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "task.h"

#pragma GCC visibility push(hidden)

struct id_difference_options {
  const char *const *from, *const *without; /* paths, NULL-ended */
  const char *output;
  size_t memory; /* bytes that ids may take before they are sorted in files */
};

struct id_difference_counts {
  uint64_t from, without, ids; /* lines that were read; ids that were written */
};

/* Starts it; copies the options. NULL with `error` filled. */
struct task *id_difference_start(const struct id_difference_options *options, struct error *error);

/* Of a task that has succeeded. */
const struct id_difference_counts *id_difference_counts(const struct task *task);

#pragma GCC visibility pop

#endif
