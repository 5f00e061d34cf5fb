/* lines.h - pieces of whole lines, cut out of an input
 *
 * A piece is taken by one thread at a time, and then read by the thread that has taken it. Of a
 * plain file that several threads read, taking a piece is only to choose its range, so they read
 * beside each other: a line belongs to the range in which it begins. Other input is read as it is
 * taken, and copied if it is shared.
 */
#ifndef XCOMPLIANCE_LINES_H
#define XCOMPLIANCE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataset/bytes/reader.h"
#include "dataset/bytes/turns.h"
#include "error.h"

#pragma GCC visibility push(hidden)

/* Whole lines; only the input's last may lack its line end. READER_PADDING bytes after them may be
 * read. Zeroed at first; lines_free it. */
struct lines_piece {
  const char *text;
  size_t size;
  uint64_t byte; /* of text[0]: the offset in the decoded input */
  /* private */
  char *buffer; /* of `room` bytes and padding */
  size_t room;
  uint64_t end;                /* of the range, if it is one that was not read yet */
  bool begins;                 /* the range is known to begin with a line */
  uint64_t serial;             /* the reader's */
  struct reader_count counted; /* of its lines */
};

/* Takes the next piece of an input. If it is not `shared` with other threads it stays in the window
 * until reader_fill (TURNS_ALONE). */
enum turns_step lines_take(struct reader *reader, struct lines_piece *piece, bool shared,
                           struct error *error);

/* Reads what was taken, if that has not been done; it may turn out to be empty. False with `error`
 * filled; the piece is then what comes before the problem. */
bool lines_read(const struct reader *reader, struct lines_piece *piece, struct error *error);

/* The number of the line at `at`, a place of the piece that is not before the last one asked for; 0
 * if it cannot be counted. */
uint64_t lines_line(const struct reader *reader, struct lines_piece *piece, const char *at);

void lines_free(struct lines_piece *piece);

/* How many threads to use for a reader's input: `jobs`, or if that is 0 the number of processors,
 * less the one that decodes; one if the input is small. */
unsigned lines_threads(const struct reader *reader, unsigned jobs);

#pragma GCC visibility pop

#endif
