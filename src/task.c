/* task.c - see task.h
 *
 * The end of a task is the one moment that two threads must agree on. It happens under the mutex,
 * and task_free takes the same mutex before anything is freed, so a runner that is just leaving
 * task_end never touches freed memory. A descriptor is made only on demand: a thousand small
 * exchanges need none.
 */
#include "task.h"

#include <errno.h>
#include <math.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

bool task_init(struct task *task, const struct task_kind *kind, struct error *error) {
  pthread_condattr_t attributes;
  int failed;
  task->kind = kind;
  task->process = getpid();
  task->error.code = ERROR_NONE;
  task->descriptor = -1;
  if (pthread_condattr_init(&attributes) != 0) goto fail;
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  failed = pthread_cond_init(&task->condition, &attributes);
  pthread_condattr_destroy(&attributes);
  if (failed) goto fail;
  if (pthread_mutex_init(&task->mutex, NULL) == 0) return true;
  pthread_cond_destroy(&task->condition);
fail:
  error_set(error, ERROR_MEMORY, "starting a task: the system has no more locks");
  return false;
}

static void run_thread(void *argument) {
  struct task *task = argument;
  task->kind->run(task);
  task_end(task);
}

bool task_start(struct task *task, struct error *error) {
  int failed;
  task_begin(task);
  failed = thread_start(&task->thread, run_thread, task);
  if (failed) {
    error_set(error, ERROR_MEMORY, "starting a thread for the %s: %s", task->kind->name,
              failed == EAGAIN ? "the system has no more threads" : "it was refused");
    task->running = false;
    return false;
  }
  task->threaded = true;
  return true;
}

struct task *task_launch(struct task *task, const struct task_kind *kind, struct error *error) {
  if (!task_init(task, kind, error)) {
    kind->destroy(task);
    return NULL;
  }
  if (task_start(task, error)) return task;
  task_free(task);
  return NULL;
}

void task_begin(struct task *task) {
  task->running = true;
}

void task_end(struct task *task) {
  pthread_mutex_lock(&task->mutex);
  task->running = false;
  if (task->descriptor >= 0) eventfd_write(task->descriptor, 1);
  pthread_cond_broadcast(&task->condition);
  pthread_mutex_unlock(&task->mutex);
}

void task_cancel(struct task *task) {
  atomic_store(&task->cancelled, true);
  if (task->kind->wake && !task_ended(task)) task->kind->wake(task);
}

bool task_cancelled(struct task *task) {
  return atomic_load_explicit(&task->cancelled, memory_order_relaxed);
}

void task_count(struct task *task, int counter, uint64_t more) {
  atomic_fetch_add_explicit(&task->counters[counter], more, memory_order_relaxed);
}

void task_set(struct task *task, int counter, uint64_t value) {
  atomic_store_explicit(&task->counters[counter], value, memory_order_relaxed);
}

uint64_t task_counter(struct task *task, int counter) {
  return atomic_load_explicit(&task->counters[counter], memory_order_relaxed);
}

static struct timespec moment_in(double seconds) {
  struct timespec moment;
  double whole = floor(seconds);
  clock_gettime(CLOCK_MONOTONIC, &moment);
  moment.tv_sec += (time_t)whole;
  moment.tv_nsec += (long)((seconds - whole) * 1e9);
  if (moment.tv_nsec >= 1000000000L) {
    moment.tv_sec++;
    moment.tv_nsec -= 1000000000L;
  }
  return moment;
}

bool task_wait(struct task *task, double seconds) {
  bool endless = !(seconds < 1e9); /* also keeps time_t from overflowing */
  struct timespec until = moment_in(endless || seconds < 0 ? 0 : seconds);
  bool ended;
  pthread_mutex_lock(&task->mutex);
  while (task->running) {
    if (endless)
      pthread_cond_wait(&task->condition, &task->mutex);
    else if (pthread_cond_timedwait(&task->condition, &task->mutex, &until) == ETIMEDOUT)
      break;
  }
  ended = !task->running;
  pthread_mutex_unlock(&task->mutex);
  return ended;
}

bool task_ended(struct task *task) {
  bool ended;
  pthread_mutex_lock(&task->mutex);
  ended = !task->running;
  pthread_mutex_unlock(&task->mutex);
  return ended;
}

/* Connections and files need descriptors more: callers that get none can use task_ended. */
static int make_descriptor(bool ended) {
  struct rlimit limit;
  int descriptor = eventfd(ended, EFD_CLOEXEC | EFD_NONBLOCK);
  if (descriptor < 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0) return descriptor;
  if ((rlim_t)descriptor < limit.rlim_cur / 2) return descriptor;
  close(descriptor);
  errno = EMFILE;
  return -1;
}

int task_descriptor(struct task *task, struct error *error) {
  int descriptor;
  pthread_mutex_lock(&task->mutex);
  if (task->descriptor < 0) {
    task->descriptor = make_descriptor(!task->running);
    if (task->descriptor < 0) error_errno(error, "making a descriptor for the", task->kind->name);
  }
  descriptor = task->descriptor;
  pthread_mutex_unlock(&task->mutex);
  return descriptor;
}

bool task_is_ours(const struct task *task) {
  return task->process == getpid();
}

void task_free(struct task *task) {
  if (!task_is_ours(task)) return; /* its thread does not exist in the child */
  task_cancel(task);
  task_wait(task, HUGE_VAL);
  if (task->threaded) thread_join(&task->thread);
  if (task->descriptor >= 0) close(task->descriptor);
  pthread_mutex_destroy(&task->mutex);
  pthread_cond_destroy(&task->condition);
  task->kind->destroy(task);
}
