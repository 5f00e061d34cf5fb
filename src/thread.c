/* thread.c - see thread.h
 *
 * Whether to give way is a property of a thread, not of the process: two hosts in one process must
 * not affect each other. It is kept by a key, since LeakSanitizer fails on thread-local variables
 * of libraries that were loaded late.
 */
#include "thread.h"

#include <sched.h>
#include <signal.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t gives_way; /* not NULL: the thread's threads give way */
static bool have_key;

static void make_key(void) {
  have_key = pthread_key_create(&gives_way, NULL) == 0;
}

__attribute__((destructor)) static void delete_key(void) {
  if (have_key) pthread_key_delete(gives_way);
}

static void *run_thread(void *argument) {
  struct thread *thread = argument;
  const struct sched_param none = {0};
  /* no system refuses it; if one did, the work would be done all the same */
  if (thread->gives_way) pthread_setschedparam(pthread_self(), SCHED_IDLE, &none);
  thread->run(thread->argument);
  return NULL;
}

int thread_start(struct thread *thread, void (*run)(void *argument), void *argument) {
  sigset_t all, before;
  int failed;
  thread->run = run;
  thread->argument = argument;
  pthread_once(&once, make_key);
  thread->gives_way = have_key && pthread_getspecific(gives_way);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  failed = pthread_create(&thread->id, NULL, run_thread, thread);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return failed;
}

void thread_join(struct thread *thread) {
  pthread_join(thread->id, NULL);
}

unsigned thread_processors(void) {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

void thread_give_way(void) {
  pthread_once(&once, make_key);
  if (have_key) pthread_setspecific(gives_way, &once);
}
