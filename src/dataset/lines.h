/* lines.h - the lines of an input, parsed by several threads
 *
 * Each thread takes a piece of whole lines under one lock, parses it alone, and hands over what it
 * found when all pieces before it have been handed over: so the first error is the first one in the
 * file, and all else is in its order, whichever thread was faster.
 */
#ifndef XCOMPLIANCE_LINES_H
#define XCOMPLIANCE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataset/reader.h"
#include "error.h"

#pragma GCC visibility push(hidden)

/* Whole lines; only the input's last may lack its line end. READER_PADDING bytes behind them may be
 * read. */
struct lines_piece {
  const char *text;
  size_t size;
  uint64_t line, byte; /* of text[0]: the line from 1, the offset in the decoded input */
};

struct lines_turn;

/* What is done with lines. A state is what one thread has found and has not handed over. */
struct lines_work {
  void *context; /* of the three functions */
  /* Parses a piece, and notes problems in the state. Returns false where lines_hand_over did. */
  bool (*parse)(void *context, void *state, const struct lines_piece *piece,
                struct lines_turn *turn);
  /* Takes from a state what was found, and clears it. Of all threads one is in it at a time. False
   * with `error` filled: nothing is parsed any more. */
  bool (*take)(void *context, void *state, struct error *error);
};

/* How many threads a reader's input is worth: `jobs`, or where that is 0 as many as there are
 * processors, without one that decodes; one for what is small. */
unsigned lines_threads(const struct reader *reader, unsigned jobs);

/* Parses the rest of the input, in as many threads as there are states: an array of `count`, of
 * `size` bytes each. The caller's thread is one of them, and those that cannot be had are done
 * without. False with `error` filled. */
bool lines_parse(struct reader *reader, const struct lines_work *work, void *states, size_t size,
                 unsigned count, struct error *error);

/* For `parse`: hands over what was found so far, before it becomes much. False: stop. */
bool lines_hand_over(struct lines_turn *turn);

#pragma GCC visibility pop

#endif
