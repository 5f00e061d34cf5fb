/* pieces.h - an output made of pieces of an input, to be written without copying
 *
 * Long pieces are pointers; short ones, of which there can be many, are copied side by side. A
 * piece that begins where the last one ended extends it.
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
  bool copy;      /* copy long ones too: their text is not kept */
  bool no_memory; /* something is missing */
  /* private */
  struct pieces_chunk *chunks, *free_chunks;
};

/* Adds text[0 .. size). If memory is short, sets `no_memory`, to be checked at the end. */
void pieces_add(struct pieces *pieces, const char *text, size_t size);

/* Takes all pieces away, and keeps the memory for the next ones. */
void pieces_clear(struct pieces *pieces);

void pieces_free(struct pieces *pieces);

#pragma GCC visibility pop

#endif
