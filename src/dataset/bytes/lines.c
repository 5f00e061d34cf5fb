/* lines.c - see lines.h */
#include "dataset/bytes/lines.h"

#include <stdlib.h>
#include <string.h>

#include "thread.h"

enum {
  PIECE = 1 << 19, /* bytes taken at a time, or one line: a whole window, since less would mean
                    * waiting */
  AFTER = 1 << 15, /* bytes read after a range, to find the end of its last line */
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

/* Makes room for `size` bytes in the buffer, and keeps the first `used` that are in it. */
static bool make_room(struct lines_piece *piece, size_t size, size_t used, const char *path,
                      struct error *error) {
  char *buffer;
  if (size <= piece->room) return true;
  buffer = malloc(size + READER_PADDING);
  if (!buffer) return error_memory(error, "reading %s", path);
  if (used > 0) memcpy(buffer, piece->buffer, used);
  free(piece->buffer);
  piece->buffer = buffer;
  piece->room = size;
  return true;
}

/* Other threads will move the window. */
static bool copy(struct lines_piece *piece, const char *path, struct error *error) {
  size_t size = piece->size <= piece->room ? piece->size : piece->size + piece->size / 2;
  if (!make_room(piece, size, 0, path, error)) return false;
  memcpy(piece->buffer, piece->text, piece->size);
  memset(piece->buffer + piece->size, 0, READER_PADDING);
  piece->text = piece->buffer;
  return true;
}

/* {==================================================================
** Ranges
** =================================================================== */

static enum turns_step take_range(struct reader *reader, struct lines_piece *piece,
                                  struct error *error) {
  piece->begins = reader->size > 0 || reader->byte == 0; /* the first one: the window is unused */
  if (!reader_take_range(reader, PIECE, &piece->byte, &piece->end, error)) return TURNS_FAILED;
  piece->text = ""; /* until it is read */
  piece->size = 0;
  return piece->byte == piece->end ? TURNS_END : TURNS_BESIDE;
}

/* Reads up to `size` bytes from `from` on, of which `*got` are in the buffer; sets `*ended` if
 * nothing follows them. */
static bool read_up_to(const struct reader *reader, struct lines_piece *piece, uint64_t from,
                       size_t size, size_t *got, bool *ended, struct error *error) {
  uint64_t total = reader_total(reader);
  int64_t more;
  if (from + size > total) size = (size_t)(total - from);
  if (!make_room(piece, size, *got, reader->path, error)) return false;
  more = reader_read_at(reader, piece->buffer + *got, size - *got, from + *got, error);
  if (more < 0) return false;
  *got += (size_t)more;
  *ended = from + *got == total;
  return true;
}

/* Where the first line of the range begins in text[0 .. limit), which begins with the byte before
 * the range unless that is known to begin with a line; `limit` if none begins there. */
static size_t first_line(const struct lines_piece *piece, const char *text, size_t limit) {
  const char *feed;
  if (piece->begins) return 0;
  feed = memchr(text, '\n', limit);
  return feed ? (size_t)(feed + 1 - text) : limit;
}

/* text[start .. size) of the buffer is the piece. */
static void set_piece(struct lines_piece *piece, size_t start, size_t size) {
  piece->text = piece->buffer + start;
  piece->size = size - start;
  memset(piece->buffer + size, 0, READER_PADDING);
}

/* Where the last line begins that begins in text[start .. limit), the first of which begins at
 * `start`. */
static size_t last_line(const char *text, size_t start, size_t limit) {
  const char *feed = memrchr(text + start, '\n', limit - 1 - start);
  return feed ? (size_t)(feed + 1 - text) : start;
}

/* The line at the offset `at` of the buffer is longer than a record may be: the piece ends there. */
static bool refuse_long(const struct reader *reader, struct lines_piece *piece, size_t at,
                        struct error *error) {
  uint64_t line = lines_line(reader, piece, piece->buffer + at);
  piece->size = (size_t)(piece->buffer + at - piece->text);
  return reader_refuse_long(reader, line, piece->byte + piece->size, error);
}

bool lines_read(const struct reader *reader, struct lines_piece *piece, struct error *error) {
  uint64_t from = piece->begins ? piece->byte : piece->byte - 1;
  size_t limit = (size_t)(piece->end - from), got = 0, start, last, end, most;
  const char *feed;
  bool ended;
  if (piece->end == 0) return true;
  piece->end = 0;
  if (!read_up_to(reader, piece, from, limit + AFTER, &got, &ended, error)) return false;
  start = first_line(piece, piece->buffer, limit);
  piece->text = piece->buffer;
  if (start == limit) return true;
  piece->byte = from + start;
  last = last_line(piece->buffer, start, limit);
  most = last + reader->record_max + 1;
  end = limit - 1; /* the last line may end with the range */
  while (!(feed = memchr(piece->buffer + end, '\n', got - end)) && !ended && got < most) {
    end = got;
    if (!read_up_to(reader, piece, from, 2 * got < most ? 2 * got : most, &got, &ended, error))
      return false;
  }
  end = feed ? (size_t)(feed - piece->buffer) : got;
  set_piece(piece, start, feed ? end + 1 : got);
  return end - last <= reader->record_max || refuse_long(reader, piece, last, error);
}

/* }================================================================== */

/* Lines are counted from the last place of this reader that was asked for. */
uint64_t lines_line(const struct reader *reader, struct lines_piece *piece, const char *at) {
  if (piece->serial != reader->serial) {
    piece->serial = reader->serial;
    piece->counted = (struct reader_count){0, 1};
  }
  return reader_count_to(reader, &piece->counted, piece->text, piece->byte, at);
}

enum turns_step lines_take(struct reader *reader, struct lines_piece *piece, bool shared,
                           struct error *error) {
  size_t size, searched = 0;
  if (shared && reader_is_plain(reader)) return take_range(reader, piece, error);
  while ((size = whole_lines(reader, searched)) == 0 && !reader->ended) {
    searched = reader->size;
    if (!reader_fill(reader, error)) return TURNS_FAILED;
  }
  if (size == 0) return TURNS_END;
  piece->text = reader->text;
  piece->size = size;
  piece->byte = reader->byte;
  piece->end = 0;
  if (!reader_is_plain(reader)) { /* else it can be read again to count them */
    piece->counted = (struct reader_count){reader->byte, reader_line(reader, reader->text)};
    piece->serial = reader->serial;
  }
  reader_consume(reader, size);
  if (!shared) return TURNS_ALONE;
  return copy(piece, reader->path, error) ? TURNS_BESIDE : TURNS_FAILED;
}

void lines_free(struct lines_piece *piece) {
  free(piece->buffer);
}

unsigned lines_threads(const struct reader *reader, unsigned jobs) {
  uint64_t total = reader_total(reader);
  if (jobs == 0) jobs = thread_processors();
  if (reader->packing && jobs > 1) jobs--; /* the decoder has one */
  if (total > 0 && total < WORTH_A_THREAD) return 1;
  return jobs < THREADS_MAX ? jobs : THREADS_MAX;
}
