/* verdicts_file.h - verdicts on the disk: saved once, mapped into memory by any number of processes
 *
 * Version 1, little-endian:
 *   header     struct verdicts_header (verdicts_file.c): magic, version, and of each set its counts
 *   tweets     verdicts, padded to 8 bytes; directory of 2^bits + 1 numbers of 4 bytes, padded
 *   users      the same
 *   check      CRC32C of all before it, 4 bytes
 *
 * Somebody else may have made the file, so nothing in it is trusted: checksum, sizes, directory,
 * and each verdict's place are checked before it is used. It must not be changed while it is
 * mapped; saving replaces it by renaming.
 */
#ifndef XCOMPLIANCE_VERDICTS_FILE_H
#define XCOMPLIANCE_VERDICTS_FILE_H

#include <stdbool.h>

#include "dataset/verdicts/verdicts.h"
#include "error.h"

#pragma GCC visibility push(hidden)

/* Writes both sets to `path` (beside it, then renamed). Here and below `task` (may be NULL) is
 * checked for cancellation. */
bool verdicts_save(const struct verdicts *verdicts, const char *path, struct task *task,
                   struct error *error);

/* Whether `path` begins as such a file does. */
bool verdicts_is_file(const char *path);

/* Maps a file and makes `set` its set of one type. The pages are shared by all processes that map
 * it; each set has a mapping of its own, so that those of several files can be combined. False with
 * `error` filled: ERROR_DATA if it is not such a file, is of another version, or is damaged. */
bool verdicts_map_set(struct verdict_set *set, enum verdicts_type type, const char *path,
                      struct task *task, struct error *error);

#pragma GCC visibility pop

#endif
