/* lines.h - pieces of whole lines, cut out of an input
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
  uint64_t line, byte; /* of text[0]: the line from 1, the offset in the decoded input */
  /* private */
  char *buffer; /* of `room` bytes and padding */
  size_t room;
};

/* Takes the next piece of an input. If it is `shared` with other threads, the piece is a copy
 * (TURNS_BESIDE); else it stays in the window until reader_fill (TURNS_ALONE). */
enum turns_step lines_take(struct reader *reader, struct lines_piece *piece, bool shared,
                           struct error *error);

void lines_free(struct lines_piece *piece);

/* How many threads to use for a reader's input: `jobs`, or if that is 0 the number of processors,
 * less the one that decodes; one if the input is small. */
unsigned lines_threads(const struct reader *reader, unsigned jobs);

#pragma GCC visibility pop

#endif
