/* turns.h - one input, worked on by any number of threads in pieces
 *
 * A thread that joins takes the next piece, works on it in parallel with the others, and hands over
 * its result when all pieces before it have been handed over. So the first error is the first one
 * in the input, and results are in the order of the input, whichever thread is faster. What a piece
 * is (lines, rows, values, a member of an archive) only the three functions of the work know.
 *
 * Two locks: a thread that takes a piece holds the first, one that hands over holds the second. A
 * thread that holds both took the first one first.
 */
#ifndef XCOMPLIANCE_TURNS_H
#define XCOMPLIANCE_TURNS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#pragma GCC visibility push(hidden)

enum turns_step {
  TURNS_BESIDE, /* a piece was taken, and others may be taken at the same time */
  TURNS_ALONE,  /* a piece was taken; the next one waits until it has been handed over, so it may
                   use what belongs to the taking */
  TURNS_END,    /* nothing is left */
  TURNS_FAILED, /* `error` says why; it counts when its turn comes */
};

struct turn;

/* A state belongs to one thread: its piece, and what it has found in it. */
struct turns_work {
  /* Takes the next piece. One thread at a time. */
  enum turns_step (*take)(void *context, void *state, struct error *error);
  /* Works on the piece that was taken, and notes problems in the state. False if turns_hand_over
   * returned false. */
  bool (*work)(void *context, void *state, struct turn *turn);
  /* Hands over what was found, and clears it in the state. One thread at a time, in the order of
   * the pieces. False: nothing is taken any more, because of `error` if it has a code. */
  bool (*give)(void *context, void *state, struct error *error);
};

struct turns { /* private */
  const struct turns_work *work;
  void *context;

  pthread_mutex_t taking; /* for `take`, and: */
  uint64_t taken;         /* pieces */
  bool ended;

  pthread_mutex_t giving; /* for `give`, and: */
  pthread_cond_t changed;
  uint64_t given; /* pieces */
  bool stopped;
  struct error error; /* why, if it has a code */
};

void turns_begin(struct turns *turns, const struct turns_work *work, void *context);

/* Takes part until nothing is left to take. */
void turns_join(struct turns *turns, void *state);

/* For `work`: hands over what was found so far, before it grows large. False: stop. */
bool turns_hand_over(struct turn *turn);

/* After all threads have left. False with `error` filled if the work has failed. */
bool turns_end(struct turns *turns, struct error *error);

/* All of the above in as many threads as there are states: an array of `count`, of `size` bytes
 * each. The caller's thread is one of them; if the system has no more threads, fewer do the work.
 */
bool turns_run(const struct turns_work *work, void *context, void *states, size_t size,
               unsigned count, struct error *error);

#pragma GCC visibility pop

#endif
