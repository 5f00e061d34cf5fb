/* verdicts_export.h - verdicts as text, for data that is stored elsewhere: a task
 *
 *   with `ids`   one line for each id of the list, in its order: "id,outcome,reason,redacted_at".
 *                An id without a verdict is compliant (but only if it was in the upload)
 *   without      the ids that have a verdict, ascending, one on each line
 *
 * In both cases, with `facts`, only ids with such an outcome, and nothing else on their lines.
 */
#ifndef XCOMPLIANCE_VERDICTS_EXPORT_H
#define XCOMPLIANCE_VERDICTS_EXPORT_H

#include <stdint.h>

#include "dataset/verdicts/verdicts.h"
#include "error.h"
#include "task.h"

#pragma GCC visibility push(hidden)

/* Progress counters. */
enum { VERDICTS_EXPORT_BYTES, VERDICTS_EXPORT_TOTAL, VERDICTS_EXPORT_LINES };

struct verdicts_export_options {
  struct verdicts *verdicts; /* retained */
  enum verdicts_type type;
  const char *ids;    /* a list of ids; NULL: all verdicts */
  uint32_t facts;     /* only ids whose outcome is one of these; 0: all */
  const char *output; /* a file, or "-" */
};

struct verdicts_export_counts {
  uint64_t asked;               /* lines of `ids`; without it, verdicts */
  uint64_t compliant;           /* ids without a verdict */
  uint64_t by_fact[FACT_KINDS]; /* ids by the lowest fact. asked = compliant + all of these */
  uint64_t lines;               /* written, without the header */
};

/* Starts it; copies the options. If no id of the list is in the results, they are refused
 * (ERROR_DATA): they are of another job, or of the other type. NULL with `error` filled if it
 * cannot be started. */
struct task *verdicts_export_start(const struct verdicts_export_options *options,
                                   struct error *error);

/* After the task has succeeded. */
const struct verdicts_export_counts *verdicts_export_counts(const struct task *task);

enum { TIME_TEXT = 21 }; /* "2021-08-17T17:26:15Z" and a zero byte */

/* Writes seconds since 1970 as ISO 8601. */
void time_format(uint32_t seconds, char text[TIME_TEXT]);

#pragma GCC visibility pop

#endif
