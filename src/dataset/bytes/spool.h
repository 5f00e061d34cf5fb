/* spool.h - bytes that are buffered until their number is known
 *
 * The first ones stay in memory; the rest goes to a file without a name, packed. Reading them back
 * frees the file's space step by step.
 */
#ifndef XCOMPLIANCE_SPOOL_H
#define XCOMPLIANCE_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataset/bytes/packing.h"
#include "error.h"

#pragma GCC visibility push(hidden)

struct spool {
  uint64_t size; /* bytes buffered */
  /* private */
  const char *beside;
  size_t limit;
  char *memory;
  size_t used, room;
  int descriptor; /* of the file; -1: none yet */
  void *encoder;
  unsigned char *packed;
};

/* Prepares a zeroed one. At most `limit` bytes are kept in memory, and the file is beside the path
 * `beside`, which must outlive it. */
void spool_begin(struct spool *spool, const char *beside, size_t limit);

bool spool_add(struct spool *spool, const void *bytes, size_t size, struct error *error);

/* Gives all bytes to `take`, in order, and empties the spool. */
bool spool_drain(struct spool *spool,
                 bool (*take)(void *context, const void *bytes, size_t size, struct error *error),
                 void *context, struct error *error);

/* Empties it, and keeps its memory. */
void spool_clear(struct spool *spool);

void spool_free(struct spool *spool);

#pragma GCC visibility pop

#endif
