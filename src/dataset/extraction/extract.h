/* extract.h - extracts the ids of a dataset: a task
 *
 * Reads files, folders and pipes of tweets and users in any of the known forms and writes every id
 * once, ascending, one on each line, to files that take their final names only if the whole run
 * succeeds.
 *
 * Folders are searched for files that format_is_known_name accepts; other files in them are counted
 * as ignored, except hidden ones and the output itself.
 *
 * A record that cannot be used (not JSON, a row of the wrong width, an invalid id), a file whose
 * compression is corrupt or truncated, and a file in a folder that cannot be opened stop the run.
 * With EXTRACT_SKIP they are counted and listed in OUTPUT.malformed, one JSON object on each line
 * (file, line, byte, problem), and the run continues after the record, or with the next file.
 */
#ifndef XCOMPLIANCE_EXTRACT_H
#define XCOMPLIANCE_EXTRACT_H

#include <stddef.h>
#include <stdint.h>

#include "dataset/extraction/extract_options.h"
#include "error.h"
#include "task.h"

#pragma GCC visibility push(hidden)

/* Starts an extraction; copies the options. NULL with `error` filled if it cannot be started. */
struct task *extract_start(const struct extract_options *options, struct error *error);

/* Its counts, after the task has succeeded. */
const struct extract_counts *extract_counts(const struct task *task);

/* The path of file number `i` (from 0), and what its records are; NULL after the last. */
const char *extract_file(const struct task *task, size_t i, struct extract_classes *classes);

/* The path of the ignored file number `i` (from 0), or NULL after the last that was remembered. */
const char *extract_ignored(const struct task *task, size_t i);

/* The name of output number `i` (from 1) to `name`, as snprintf does. */
int extract_output_name(const struct task *task, uint64_t i, char *name, size_t size);

#pragma GCC visibility pop

#endif
