/* turns_test.c - pieces are taken and handed over in order, one at a time, with any number of
 * threads and however long each takes; and the first error in the input counts
 */
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "dataset/bytes/turns.h"

enum { PIECES = 2000, STATES = 6 };

/* An input of numbers. Every seventh piece is taken alone, every fifth handed over in two parts. */
struct input {
  int taken;
  atomic_int taking, giving, alone; /* threads inside */
  atomic_int together;              /* how often two were inside */
  int given[2 * PIECES], parts;
  int bad_piece, bad_take; /* -1: none */
};

struct state {
  int piece, part;
  unsigned seed;
};

static bool is_alone(int piece) {
  return piece % 7 == 0;
}

static enum turns_step take(void *context, void *state, struct error *error) {
  struct input *input = context;
  struct state *own = state;
  if (atomic_fetch_add(&input->taking, 1) > 0 || atomic_load(&input->alone) > 0)
    atomic_fetch_add(&input->together, 1);
  own->piece = input->taken;
  own->part = 0;
  atomic_fetch_sub(&input->taking, 1);
  if (input->taken == input->bad_take) {
    error_set(error, ERROR_IO, "take %d", input->taken);
    return TURNS_FAILED;
  }
  if (input->taken == PIECES) return TURNS_END;
  input->taken++;
  if (!is_alone(own->piece)) return TURNS_BESIDE;
  atomic_fetch_add(&input->alone, 1);
  return TURNS_ALONE;
}

static bool work(void *context, void *state, struct turn *turn) {
  struct state *own = state;
  (void)context;
  for (int i = rand_r(&own->seed) % 8; i > 0; i--)
    sched_yield();
  return own->piece % 5 != 0 || turns_hand_over(turn);
}

static bool give(void *context, void *state, struct error *error) {
  struct input *input = context;
  struct state *own = state;
  bool bad = own->piece == input->bad_piece;
  if (atomic_fetch_add(&input->giving, 1) > 0) atomic_fetch_add(&input->together, 1);
  input->given[input->parts++] = own->piece;
  if (is_alone(own->piece) && (own->piece % 5 != 0 || own->part++ > 0 || bad))
    atomic_fetch_sub(&input->alone, 1);
  atomic_fetch_sub(&input->giving, 1);
  if (bad) error_set(error, ERROR_DATA, "piece %d", own->piece);
  return !bad;
}

static bool run(struct input *input, unsigned count, int bad_piece, int bad_take,
                struct error *error) {
  static const struct turns_work how = {take, work, give};
  struct state states[STATES] = {{0}};
  memset(input, 0, sizeof *input);
  input->bad_piece = bad_piece;
  input->bad_take = bad_take;
  for (unsigned i = 0; i < STATES; i++)
    states[i].seed = i;
  return turns_run(&how, input, states, sizeof *states, count, error) &&
         CHECK(atomic_load(&input->together) == 0);
}

/* All pieces before `end`, each once, or twice if it comes in two parts. */
static bool in_order(const struct input *input, int end) {
  int at = 0;
  for (int piece = 0; piece < end; piece++) {
    if (input->given[at++] != piece) return false;
    if (piece % 5 == 0 && input->given[at++] != piece) return false;
  }
  return at <= input->parts && input->parts <= at + 1;
}

static void test_order(void) {
  static struct input input;
  struct error error = {0};
  for (unsigned count = 1; count <= STATES; count++)
    CHECK(run(&input, count, -1, -1, &error) && input.taken == PIECES && in_order(&input, PIECES));
}

static void test_errors(void) {
  static struct input input;
  struct error error = {0};
  for (unsigned count = 1; count <= STATES; count++) {
    CHECK(!run(&input, count, 1001, -1, &error) && in_order(&input, 1001));
    CHECK_TEXT("piece 1001", error.message);
    CHECK(!run(&input, count, 1005, 1007, &error) && in_order(&input, 1005));
    CHECK_TEXT("piece 1005", error.message);
    CHECK(!run(&input, count, 1234, 1007, &error) && in_order(&input, 1007));
    CHECK_TEXT("take 1007", error.message);
    CHECK(!run(&input, count, 0, 0, &error) && input.parts == 0);
  }
}

int main(void) {
  test_order();
  test_errors();
  return check_end();
}
