/* leftover.h - temporary files of runs that were killed
 *
 * A run removes its temporary files when it ends. One that is killed cannot, so the next run for
 * the same target does. Files that are still being written are locked, and stay.
 */
#ifndef XCOMPLIANCE_LEFTOVER_H
#define XCOMPLIANCE_LEFTOVER_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

#pragma GCC visibility push(hidden)

/* Like file_create_beside, and holds a lock on the new file until its descriptor is closed. */
int leftover_create_beside(const char *target, char **path, struct error *error);

/* Removes the temporary files beside `target` that were made for it, or for `target` with a number
 * or ".malformed" after it, and that are not locked. What cannot be removed stays. */
void leftover_remove(const char *target);

/* The same for many targets, but without the suffixes; their order is changed. Each folder is read
 * once. */
void leftover_remove_all(const char **targets, size_t count);

#pragma GCC visibility pop

#endif
