/* renames.h - several renames as one: what a run that was killed among them has not done, the next
 * run does
 *
 * In place, a run first adds to the quarantine what it takes out, then replaces file after file. If
 * it is killed or fails in between, the files that are left still hold what the quarantine holds
 * already, and the next run would quarantine it again. So the renames are written down beside the
 * quarantine before the first of them, and the next run completes them before it reads anything.
 *
 * A finished file takes its name only if the file with that name is still the one that was read.
 * If one that must come first (`first`) cannot, none of the others may.
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

/* Where the renames of a quarantine are written down: a hidden file beside it, or in it if it is a
 * folder. To be freed; NULL if memory is short. */
char *renames_path(const char *quarantine, bool folder);

/* Writes them down, those with `first` before the others. */
bool renames_begin(const char *path, const struct rename *list, size_t count, struct error *error);

/* All is done, or nothing was: removes the note. */
void renames_end(const char *path);

/* Does what is left of the renames that are written down at `path`, if any are. */
bool renames_complete(const char *path, struct error *error);

#pragma GCC visibility pop

#endif
