/* pieces.c - see pieces.h */
#include "dataset/bytes/pieces.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

enum { SHORT = 512, CHUNK = 1 << 16 };

struct pieces_chunk {
  struct pieces_chunk *next;
  size_t used, room;
  char bytes[];
};

/* A chunk with room for `size` more bytes, first in the list. */
static struct pieces_chunk *chunk_for(struct pieces *pieces, size_t size) {
  struct pieces_chunk *chunk = pieces->chunks;
  if (chunk && chunk->room - chunk->used >= size) return chunk;
  chunk = pieces->free_chunks;
  if (chunk && chunk->room >= size) {
    pieces->free_chunks = chunk->next;
  } else {
    size_t room = size > CHUNK ? size : CHUNK;
    chunk = malloc(sizeof *chunk + room);
    if (!chunk) return NULL;
    chunk->room = room;
  }
  chunk->used = 0;
  chunk->next = pieces->chunks;
  pieces->chunks = chunk;
  return chunk;
}

static bool make_room(struct pieces *pieces) {
  return memory_reserve(&pieces->list, &pieces->room, pieces->count + 1, sizeof *pieces->list);
}

static const char *copied(struct pieces *pieces, const char *text, size_t size) {
  struct pieces_chunk *chunk = chunk_for(pieces, size);
  char *to = chunk ? chunk->bytes + chunk->used : NULL;
  if (!chunk) return NULL;
  chunk->used += size;
  return memcpy(to, text, size);
}

static bool goes_on(const struct pieces *pieces, const char *text) {
  const struct iovec *last;
  if (pieces->count == 0) return false;
  last = &pieces->list[pieces->count - 1];
  return (const char *)last->iov_base + last->iov_len == text;
}

void pieces_add(struct pieces *pieces, const char *text, size_t size) {
  if (size == 0 || pieces->no_memory) return;
  if (pieces->copy || (size < SHORT && !goes_on(pieces, text))) text = copied(pieces, text, size);
  pieces->size += size;
  if (text && goes_on(pieces, text))
    pieces->list[pieces->count - 1].iov_len += size;
  else if (text && make_room(pieces))
    pieces->list[pieces->count++] = (struct iovec){(char *)(uintptr_t)text, size};
  else
    pieces->no_memory = true;
}

/* Chunks of the usual size are kept. */
void pieces_clear(struct pieces *pieces) {
  while (pieces->chunks) {
    struct pieces_chunk *chunk = pieces->chunks;
    pieces->chunks = chunk->next;
    if (chunk->room > CHUNK) {
      free(chunk);
    } else {
      chunk->next = pieces->free_chunks;
      pieces->free_chunks = chunk;
    }
  }
  pieces->count = pieces->size = 0;
  pieces->no_memory = false;
}

void pieces_free(struct pieces *pieces) {
  pieces_clear(pieces);
  while (pieces->free_chunks) {
    struct pieces_chunk *chunk = pieces->free_chunks;
    pieces->free_chunks = chunk->next;
    free(chunk);
  }
  free(pieces->list);
}
