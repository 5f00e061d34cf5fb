/* redact_file.h - one file of a redaction: read in pieces by any number of threads, written in
 * order
 *
 * Threads work on a file as turns.h says: on pieces of its records, or on the members of an
 * archive.
 *
 * A file is not written before something in it changes; then the kernel copies what came before, or
 * (if it is compressed) the file is read again from its start.
 */
#ifndef XCOMPLIANCE_REDACT_FILE_H
#define XCOMPLIANCE_REDACT_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "dataset/files/targets.h"
#include "dataset/redaction/redact_run.h"
#include "error.h"

#pragma GCC visibility push(hidden)

/* Prepares a zeroed one. False if memory is short. */
bool redact_worker_begin(struct redact_worker *worker, const struct redact_run *run);
void redact_worker_end(struct redact_worker *worker);

struct redact_file;

/* `*target` must outlive it. NULL if memory is short. */
struct redact_file *redact_file_new(struct redact_run *run, const struct target *target);

/* Takes part in the work on the file until nothing is left to take. Errors go to the run. */
void redact_file_work(struct redact_file *file, struct redact_worker *worker);

/* After the whole run has succeeded: checks that the input is still what was read, and gives the
 * outputs their names.
 */
bool redact_file_check(struct redact_file *file, struct error *error);
bool redact_file_publish(struct redact_file *file, struct error *error);

/* The finished output under its temporary name; NULL if nothing was written. */
const char *redact_file_finished(const struct redact_file *file);
/* Leaves it to the caller, who renames it. */
void redact_file_keep(struct redact_file *file);

/* What was quarantined: a finished plain file, and the header of a table that it lacks; NULL:
 * nothing, no header. */
const char *redact_file_quarantined(const struct redact_file *file);
const char *redact_file_header(const struct redact_file *file, size_t *size);

void redact_file_describe(const struct redact_file *file, struct redact_file_report *report);
const struct redact_member_report *redact_file_member(const struct redact_file *file, size_t i);

/* Removes what has not been published. */
void redact_file_free(struct redact_file *file);

#pragma GCC visibility pop

#endif
