/* pieces.h - an output as pieces of an input, to be written without having been copied
 *
 * Long pieces are pointed at; short ones, of which there can be many, are copied side by side. A
 * piece that goes on where the last one ended makes it longer.
 */
#ifndef XCOMPLIANCE_PIECES_H
#define XCOMPLIANCE_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#pragma GCC visibility push(hidden)

struct pieces_chunk;

struct pieces {
  struct iovec *list;
  size_t count, room;
  size_t size;    /* of all pieces together */
  bool copy;      /* copy long ones too: their text will not last */
  bool no_memory; /* something is missing */
  /* private */
  struct pieces_chunk *chunks, *free_chunks;
};

/* Adds text[0 .. size). Where memory is short `no_memory` is set: look at it in the end. */
void pieces_add(struct pieces *pieces, const char *text, size_t size);

/* Takes all pieces away, and keeps the memory for the next ones. */
void pieces_clear(struct pieces *pieces);

void pieces_free(struct pieces *pieces);

#pragma GCC visibility pop

#endif
