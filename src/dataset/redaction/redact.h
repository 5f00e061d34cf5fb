/* redact.h - removes what verdicts condemn from a dataset: a task
 *
 * Reads files, folders and pipes of tweets and users in any of the known forms, removes what the
 * verdicts condemn (docs/redaction.md) and writes what is left: to a new file or folder with the
 * same tree, in place, or nowhere (a dry run). Records that need no change stay the same, byte for
 * byte. All outputs are written beside their targets, and take their names only when every file has
 * been read to its end. In place, a file that needs no change is not written.
 */
#ifndef XCOMPLIANCE_REDACT_H
#define XCOMPLIANCE_REDACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataset/redaction/redact_options.h"
#include "error.h"
#include "task.h"

#pragma GCC visibility push(hidden)

/* Starts a redaction; copies the options. NULL with `error` filled if it cannot be started. */
struct task *redact_start(const struct redact_options *options, struct error *error);

/* Of a task that has succeeded. */
const struct redact_report *redact_report(const struct task *task);
/* File number `i` (from 0); false after the last. */
bool redact_file_report(const struct task *task, size_t i, struct redact_file_report *report);
/* Member number `j` of file number `i`, if that is an archive; NULL after the last. */
const struct redact_member_report *redact_member_report(const struct task *task, size_t i,
                                                        size_t j);
/* Whether checksums were asked for. */
bool redact_has_checksums(const struct task *task);
/* The path of the ignored file number `i`, or NULL after the last that was remembered. */
const char *redact_ignored(const struct task *task, size_t i);

#pragma GCC visibility pop

#endif
