/* renames.h - several renames as one: the next run finishes those of a run that was killed among
 * them
 *
 * In place, a run first adds the removed records to the quarantine, then replaces one file after
 * the other. If it is killed or fails in between, the remaining files still hold records that are
 * already in the quarantine, and the next run would quarantine them again. So the renames are
 * written to a file beside the quarantine before the first of them, and the next run completes them
 * before it reads anything.
 *
 * A finished file takes its name only if the file with that name is still the one that was read. If
 * one of those that must come first (`first`) cannot be renamed, no other is.
 */
#ifndef XCOMPLIANCE_RENAMES_H
#define XCOMPLIANCE_RENAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

#pragma GCC visibility push(hidden)

struct rename {
  const char *from, *to;
  bool first; /* the quarantine: must have its name before others are replaced */
};

/* The path of the note of renames for a quarantine: a hidden file beside it, or in it if it is a
 * folder. To be freed; NULL if memory is short. */
char *renames_path(const char *quarantine, bool folder);

/* Writes the note, those with `first` before the others. */
bool renames_begin(const char *path, const struct rename *list, size_t count, struct error *error);

/* Removes the note: all renames are done, or none was. */
void renames_end(const char *path);

/* Does the remaining renames of the note at `path`, if there is one. */
bool renames_complete(const char *path, struct error *error);

#pragma GCC visibility pop

#endif
