/* lines.c - see lines.h */
#include "dataset/bytes/lines.h"

#include <stdlib.h>
#include <string.h>

#include "thread.h"

enum {
  PIECE = 1 << 19, /* bytes taken at a time, or one line: a whole window, since less would mean
                    * waiting */
  THREADS_MAX = 64,
  WORTH_A_THREAD = 8 << 20, /* bytes: smaller files are read by one */
};

/* How much of the window is whole lines, but not much more than a piece; 0: it must be filled. */
static size_t whole_lines(const struct reader *reader, size_t searched) {
  const char *end;
  if (reader->ended && reader->size <= PIECE) return reader->size;
  if (reader->size > PIECE && (end = memrchr(reader->text, '\n', PIECE)))
    return (size_t)(end + 1 - reader->text);
  /* the window is short, or the line is long */
  end = memchr(reader->text + searched, '\n', reader->size - searched);
  if (end && reader->size <= PIECE) end = memrchr(reader->text, '\n', reader->size);
  if (end) return (size_t)(end + 1 - reader->text);
  return reader->ended ? reader->size : 0;
}

/* Other threads will move the window. */
static bool copy(struct lines_piece *piece, const char *path, struct error *error) {
  if (piece->size > piece->room) {
    size_t room = piece->size + piece->size / 2;
    free(piece->buffer);
    piece->buffer = malloc(room + READER_PADDING);
    piece->room = piece->buffer ? room : 0;
    if (!piece->buffer) {
      error_memory(error, "reading %s", path);
      return false;
    }
  }
  memcpy(piece->buffer, piece->text, piece->size);
  memset(piece->buffer + piece->size, 0, READER_PADDING);
  piece->text = piece->buffer;
  return true;
}

enum turns_step lines_take(struct reader *reader, struct lines_piece *piece, bool shared,
                           struct error *error) {
  size_t size, searched = 0;
  while ((size = whole_lines(reader, searched)) == 0 && !reader->ended) {
    searched = reader->size;
    if (!reader_fill(reader, error)) return TURNS_FAILED;
  }
  if (size == 0) return TURNS_END;
  piece->text = reader->text;
  piece->size = size;
  piece->line = reader_line(reader, reader->text);
  piece->byte = reader->byte;
  reader_consume(reader, size);
  if (!shared) return TURNS_ALONE;
  return copy(piece, reader->path, error) ? TURNS_BESIDE : TURNS_FAILED;
}

void lines_free(struct lines_piece *piece) {
  free(piece->buffer);
}

unsigned lines_threads(const struct reader *reader, unsigned jobs) {
  uint64_t total = reader_total(reader);
  if (jobs == 0) {
    jobs = thread_processors();
    if (reader->packing && jobs > 1) jobs--; /* the decoder has one */
  }
  if (total > 0 && total < WORTH_A_THREAD) return 1;
  return jobs < THREADS_MAX ? jobs : THREADS_MAX;
}
