/* thread.h - threads that keep out of their host's way
 *
 * They block all signals: the host's threads handle those. If the host's own thread must stay
 * responsive, they use only idle processor time.
 */
#ifndef XCOMPLIANCE_THREAD_H
#define XCOMPLIANCE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

#pragma GCC visibility push(hidden)

struct thread { /* private */
  pthread_t id;
  void (*run)(void *argument);
  void *argument;
  bool gives_way;
};

/* Calls `run` on a new thread. `thread` stays where it is until thread_join. Returns 0, or an
 * errno: EAGAIN if the system has no more threads. */
int thread_start(struct thread *thread, void (*run)(void *argument), void *argument);

/* Waits until `run` has returned. */
void thread_join(struct thread *thread);

/* Threads that the calling thread starts from now on, and their threads, run only if no other
 * thread of the host needs the processor (SCHED_IDLE of sched(7), which needs no privilege). */
void thread_give_way(void);

/* How many processors the calling thread may run on. */
unsigned thread_processors(void);

#pragma GCC visibility pop

#endif
