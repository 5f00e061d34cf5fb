/* writer.h - one output: written beside its target, plain or compressed, and renamed when it is
 * complete
 *
 *   writer_open, writer_write..., writer_finish, writer_publish, writer_free
 *
 * Between finish and publish a writer holds no descriptor, so that any number of outputs can wait
 * until all are complete. A writer that is freed before it is published leaves nothing. What
 * is removed to standard output ("-") is kept in an unnamed file of TMPDIR (/tmp) until it is
 * published, so that a run that fails has written nothing.
 */
#ifndef XCOMPLIANCE_WRITER_H
#define XCOMPLIANCE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "dataset/bytes/packing.h"
#include "dataset/bytes/spool.h"
#include "dataset/bytes/utf16.h"
#include "error.h"
#include "task.h"

#pragma GCC visibility push(hidden)

struct writer_options {
  const char *target; /* "-": standard output */
  struct spool *into; /* write into this, which must outlive the writer; `target` is for messages */
  const struct packing *packing; /* NULL: plain */
  enum encoding encoding;        /* of the file; what is written is UTF-8, in whole characters */
  int level;                     /* 1 (fast) to 9 (small), as in gzip; 0: the packing's own */
  int threads;                   /* how many more threads may help to pack */
  const struct stat *like;       /* take the mode from it; or NULL */
  bool owner;                    /* and the owner, if permitted */
  bool append;                   /* begin with what the target holds, and replace it */
  bool checksum;                 /* keep writer_crc */
  struct task *task;             /* checked for cancellation between writes; NULL: never */
};

struct writer;

/* Creates the temporary file. NULL with `error` filled. */
struct writer *writer_open(const struct writer_options *options, struct error *error);

/* Writes the pieces one after the other. */
bool writer_write(struct writer *writer, const struct iovec *pieces, size_t count,
                  struct error *error);

/* Plain outputs: copies the first `size` bytes of the file open as `from`, in the kernel if
 * possible. `path` is for messages. */
bool writer_copy(struct writer *writer, int from, uint64_t size, const char *path,
                 struct error *error);

/* Ends the compressed stream, flushes the file to the disk and closes it. */
bool writer_finish(struct writer *writer, struct error *error);

/* Gives the finished file its final name. */
bool writer_publish(struct writer *writer, struct error *error);

/* After writer_finish: the file's size and (with `checksum`) its CRC32C. */
uint64_t writer_size(const struct writer *writer);
uint32_t writer_crc(const struct writer *writer);
const char *writer_target(const struct writer *writer);

/* The temporary file, until it is published. */
const char *writer_path(const struct writer *writer);

/* Leaves the finished file to the caller, who renames it: writer_free does not remove it. */
void writer_keep(struct writer *writer);

/* Frees it, and removes what has not been published or kept. May be NULL. */
void writer_free(struct writer *writer);

#pragma GCC visibility pop

#endif
