/* file.h - files that take their final name only when they are complete
 *
 * An output is written under an unpredictable name beside its target (mode 0600, O_EXCL, never
 * through a symbolic link) and renamed over it when it is complete and flushed.
 */
#ifndef XCOMPLIANCE_FILE_H
#define XCOMPLIANCE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "error.h"

#pragma GCC visibility push(hidden)

/* Opens a regular file for reading. A folder, a pipe or a device is refused. Returns the
 * descriptor, or -1. `status` is filled if it is not NULL. */
int file_open(const char *path, struct stat *status, struct error *error);

/* pread and write that continue after signals and short transfers. file_read returns the bytes
 * read, fewer than `size` only at the end of the file, or -1; `path` is for the message. */
int64_t file_read(int descriptor, void *buffer, size_t size, uint64_t offset, const char *path,
                  struct error *error);
bool file_write(int descriptor, const void *buffer, size_t size, const char *path,
                struct error *error);

/* Whether something is at a path, through links: 1, and `status` says what; 0; or -1 with `error`
 * filled: that it cannot be found out is no reason to believe that nothing is there. */
int file_look(const char *path, struct stat *status, struct error *error);

/* Whether a file can be renamed to `target`: not if that is something other than a regular file, or
 * a link to such a thing or to a standard stream (/dev/stdout). The rename replaces any other link,
 * and does not follow it. */
bool file_can_be_target(const char *target, struct error *error);

/* Creates a new file beside `target`, if that can be one: "DIR/.NAME.RANDOM.part". Returns the
 * descriptor, or -1; `*path` is the new file's name, to be freed. */
int file_create_beside(const char *target, char **path, struct error *error);

/* Makes what was written under `path` durable and gives it its final name: flushes the file and the
 * folder, renames, flushes the folder again. On failure `target` is what it was. The descriptor
 * stays open. */
bool file_publish(int descriptor, const char *path, const char *target, struct error *error);

/* Whether `name` (without folder) is one that file_create_beside makes; for tidying up. */
bool file_is_temporary(const char *name);

/* The name in a path, without its folders. */
const char *file_name_of(const char *path);

/* Fills `size` bytes with random ones from the system. */
void file_random(void *bytes, size_t size);

#pragma GCC visibility pop

#endif
