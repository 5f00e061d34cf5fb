/* turns.c - see turns.h */
#include "dataset/bytes/turns.h"

#include <stdlib.h>

#include "thread.h"

/* One piece in one thread. */
struct turn {
  struct turns *turns;
  void *state;
  uint64_t number;
};

void turns_begin(struct turns *turns, const struct turns_work *work, void *context) {
  turns->work = work;
  turns->context = context;
  turns->taken = turns->given = 0;
  turns->ended = turns->stopped = false;
  turns->error.code = ERROR_NONE;
  pthread_mutex_init(&turns->taking, NULL);
  pthread_mutex_init(&turns->giving, NULL);
  pthread_cond_init(&turns->changed, NULL);
}

bool turns_end(struct turns *turns, struct error *error) {
  pthread_mutex_destroy(&turns->taking);
  pthread_mutex_destroy(&turns->giving);
  pthread_cond_destroy(&turns->changed);
  if (turns->error.code == ERROR_NONE) return true;
  *error = turns->error;
  return false;
}

/* Waits for the turn, and hands over. With `last` the turn is over. False: the work has stopped. */
static bool give(struct turn *own, const struct error *problem, bool last) {
  struct turns *turns = own->turns;
  bool goes_on;
  pthread_mutex_lock(&turns->giving);
  while (turns->given < own->number && !turns->stopped)
    pthread_cond_wait(&turns->changed, &turns->giving);
  if (!turns->stopped && problem) {
    turns->error = *problem;
    turns->stopped = true;
  } else if (!turns->stopped) {
    turns->stopped = !turns->work->give(turns->context, own->state, &turns->error);
  }
  goes_on = !turns->stopped;
  if (last || !goes_on) {
    turns->given++;
    pthread_cond_broadcast(&turns->changed);
  }
  pthread_mutex_unlock(&turns->giving);
  return goes_on;
}

bool turns_hand_over(struct turn *turn) {
  return give(turn, NULL, false);
}

/* Works on what was taken, and hands it over. */
static bool finish(struct turn *own, enum turns_step step, const struct error *problem) {
  struct turns *turns = own->turns;
  if (step == TURNS_FAILED) return give(own, problem, true);
  return turns->work->work(turns->context, own->state, own) && give(own, NULL, true);
}

/* One piece. Returns whether there may be another. */
static bool pass(struct turn *own) {
  struct turns *turns = own->turns;
  struct error problem;
  enum turns_step step = TURNS_END;
  bool goes_on = false;
  pthread_mutex_lock(&turns->taking);
  if (!turns->ended) step = turns->work->take(turns->context, own->state, &problem);
  if (step == TURNS_END || step == TURNS_FAILED) turns->ended = true;
  if (step != TURNS_END) own->number = turns->taken++;
  if (step == TURNS_ALONE) goes_on = finish(own, step, NULL);
  if (step == TURNS_ALONE && !goes_on) turns->ended = true;
  pthread_mutex_unlock(&turns->taking);
  if (step == TURNS_ALONE || step == TURNS_END) return goes_on;
  if (finish(own, step, &problem)) return true;
  pthread_mutex_lock(&turns->taking);
  turns->ended = true;
  pthread_mutex_unlock(&turns->taking);
  return false;
}

void turns_join(struct turns *turns, void *state) {
  struct turn own = {turns, state, 0};
  while (pass(&own)) {
  }
}

struct member {
  struct turns *turns;
  void *state;
  struct thread thread;
};

static void run(void *argument) {
  struct member *member = argument;
  turns_join(member->turns, member->state);
}

bool turns_run(const struct turns_work *work, void *context, void *states, size_t size,
               unsigned count, struct error *error) {
  struct turns turns;
  struct member *members = calloc(count, sizeof *members);
  unsigned started = 1;
  turns_begin(&turns, work, context);
  for (unsigned i = 1; members && i < count; i++, started++) {
    members[i].turns = &turns;
    members[i].state = (char *)states + i * size;
    if (thread_start(&members[i].thread, run, &members[i]) != 0) break;
  }
  turns_join(&turns, states);
  for (unsigned i = 1; i < started; i++)
    thread_join(&members[i].thread);
  free(members);
  return turns_end(&turns, error);
}
