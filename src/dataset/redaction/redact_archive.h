/* redact_archive.h - one archive of a redaction: a piece of work is a member */
#ifndef XCOMPLIANCE_REDACT_ARCHIVE_H
#define XCOMPLIANCE_REDACT_ARCHIVE_H

#include "dataset/redaction/redact_file_state.h"

#pragma GCC visibility push(hidden)

/* How an archive is worked on: the context is the file, a state a redact_worker. */
extern const struct turns_work redact_members;

/* Ends the archive that is written. */
bool redact_archive_finish(struct redact_file *file, struct error *error);
void redact_archive_close(struct redact_file *file);
void redact_member_begin(struct redact_member *member);
void redact_member_free(struct redact_member *member);

#pragma GCC visibility pop

#endif
