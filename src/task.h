/* task.h - a piece of work that runs on its own thread
 *
 * Everything that takes long is a task: an HTTP exchange, an extraction, a redaction. Its maker
 * owns the memory; its runner (a thread of its own, or the thread of an HTTP session) works on it
 * until it calls task_end, and does not touch it after that. The maker may query, wait and cancel
 * at any time from any thread, and frees it with task_free.
 *
 * A kind of task embeds `struct task` as its first member and describes itself by a
 * `struct task_kind`. This file knows nothing of what runs.
 */
#ifndef XCOMPLIANCE_TASK_H
#define XCOMPLIANCE_TASK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "error.h"
#include "thread.h"

#pragma GCC visibility push(hidden)

enum { TASK_COUNTERS = 8 };

struct task;

struct task_kind {
  const char *name;                        /* "extraction", for tostring() and messages */
  const char *counters[TASK_COUNTERS + 1]; /* names of the progress counters, NULL-ended */
  void (*run)(struct task *task);          /* the work; NULL if another thread does it */
  void (*wake)(struct task *task);         /* called on cancellation; may be NULL */
  void (*destroy)(struct task *task);      /* frees all that the kind owns, and the task itself */
};

struct task {
  const struct task_kind *kind;
  struct error error; /* the runner's; valid once the task has ended */
  /* private */
  atomic_uint_least64_t counters[TASK_COUNTERS];
  atomic_bool cancelled;
  bool threaded; /* its thread must be joined */
  bool running;
  int descriptor; /* -1 until it is requested */
  pid_t process;
  struct thread thread;
  pthread_mutex_t mutex;
  pthread_cond_t condition;
};

/* Prepares a task in zeroed memory; it does not run yet. Returns false with `error` filled if the
 * system has no more locks; `destroy` is not called then. */
bool task_init(struct task *task, const struct task_kind *kind, struct error *error);

/* Starts the kind's `run` on a new thread, which calls task_end when it returns. */
bool task_start(struct task *task, struct error *error);

/* Both. Returns `task`; or NULL with `error` filled, after `destroy`. */
struct task *task_launch(struct task *task, const struct task_kind *kind, struct error *error);

/* Before the task is handed to a runner that is not its own thread: it runs until task_end. */
void task_begin(struct task *task);

/* The runner's last access: wakes everybody who waits. A task with `error.code` set has failed. */
void task_end(struct task *task);

/* Asks the runner to stop soon. Harmless on a task that has ended. */
void task_cancel(struct task *task);

/* For runners, in their loops: whether the task was cancelled. */
bool task_cancelled(struct task *task);

/* Adds to, sets, reads one progress counter. */
void task_count(struct task *task, int counter, uint64_t more);
void task_set(struct task *task, int counter, uint64_t value);
uint64_t task_counter(struct task *task, int counter);

/* Waits at most `seconds` (HUGE_VAL: for ever). Returns whether the task has ended. */
bool task_wait(struct task *task, double seconds);
bool task_ended(struct task *task);

/* One descriptor that becomes readable when the task ends and stays so. It belongs to the task.
 * Returns -1 with `error` filled if the process has used up half of its descriptors. */
int task_descriptor(struct task *task, struct error *error);

/* Whether this is the maker's process: in a child process no thread works on the task, and its
 * locks may be held for ever. */
bool task_is_ours(const struct task *task);

/* Cancels, waits for the runner, joins its thread, calls `destroy`. In a child process it does
 * nothing, since the thread does not exist there. */
void task_free(struct task *task);

#pragma GCC visibility pop

#endif
