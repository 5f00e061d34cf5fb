/* archive.h - the members of a tar or zip, read one after the other, and written
 *
 * Reading streams: nothing is written to disk, and a name never becomes a path. A damaged header, a
 * wrong checksum, a tar without its end mark, and anything after the end are errors. Concatenated
 * tars are read completely.
 *
 * An error about the bytes of a member has the code ERROR_DATA and only the problem as its message,
 * like those of decoder.h.
 */
#ifndef XCOMPLIANCE_ARCHIVE_H
#define XCOMPLIANCE_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataset/bytes/container.h"
#include "dataset/bytes/reader.h"
#include "dataset/bytes/writer.h"
#include "error.h"

#pragma GCC visibility push(hidden)

struct archive_entry; /* libarchive's: a member's name, times, mode and so on */
struct archive_in;
struct archive_out;

enum archive_step { ARCHIVE_MEMBER, ARCHIVE_END, ARCHIVE_DAMAGED };

/* Starts to read an archive: `reader` was opened for a container, and must outlive this. NULL with
 * `error` filled. */
struct archive_in *archive_in_open(struct reader *reader, struct error *error);

/* The next member; the rest of the one before is skipped. `*entry` is valid until the next call.
 * ARCHIVE_DAMAGED: `error` says why, and nothing more can be read. */
enum archive_step archive_in_next(struct archive_in *in, struct archive_entry **entry,
                                  struct error *error);

/* Reads bytes of the member until `size` are there or it has ended. Returns how many, or -1. */
int64_t archive_in_read(struct archive_in *in, void *to, size_t size, struct error *error);

const char *archive_in_path(const struct archive_in *in);

void archive_in_close(struct archive_in *in);

/* The name of a member in UTF-8, or its bytes if it is in another encoding; NULL if it cannot be
 * read. */
const char *archive_name(struct archive_in *in, struct archive_entry *entry);

/* Starts an archive of the kind and the dialect of `in`, after a member of `in` has been read. It
 * is written to `writer`, which must outlive it. `level` as in writer.h. NULL with `error`
 * filled. */
struct archive_out *archive_out_open(struct archive_in *in, struct writer *writer, int level,
                                     struct error *error);

/* Begins a member like `entry`, with `size` bytes; they follow. */
bool archive_out_member(struct archive_out *out, struct archive_entry *entry, uint64_t size,
                        struct error *error);
bool archive_out_write(struct archive_out *out, const void *bytes, size_t size,
                       struct error *error);

/* Writes the archive's end. */
bool archive_out_finish(struct archive_out *out, struct error *error);

void archive_out_free(struct archive_out *out); /* may be NULL */

#pragma GCC visibility pop

#endif
