/* task_test.c - all threads that wait see the end of a task, whichever thread is faster
 *
 * Run under ThreadSanitizer by `make tsan`.
 */
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "task.h"

static atomic_uint destroyed, woken;

static void nap(long microseconds) {
  struct timespec length = {0, microseconds * 1000};
  nanosleep(&length, NULL);
}

static void destroy(struct task *task) {
  atomic_fetch_add(&destroyed, 1);
  free(task);
}

static void wake(struct task *task) {
  (void)task;
  atomic_fetch_add(&woken, 1);
}

static void run_until_cancelled(struct task *task) {
  while (!task_cancelled(task)) {
    task_count(task, 0, 1);
    nap(50);
  }
  error_set(&task->error, ERROR_CANCELLED, "cancelled");
}

static void run_briefly(struct task *task) {
  task_set(task, 0, 7);
  task_count(task, 0, 1);
}

static const struct task_kind ENDLESS = {
    "endless task", {"steps"}, run_until_cancelled, wake, destroy};
static const struct task_kind BRIEF = {"brief task", {"steps"}, run_briefly, NULL, destroy};
static const struct task_kind FOREIGN = {"foreign task", {NULL}, NULL, wake, destroy};

static struct task *make(const struct task_kind *kind, bool start) {
  struct task *task = calloc(1, sizeof *task);
  struct error error;
  if (!task || !task_init(task, kind, &error) || (start && !task_start(task, &error))) {
    printf("no task could be made\n");
    exit(1);
  }
  if (!start) task_begin(task); /* the test is its runner */
  return task;
}

static bool is_readable(int descriptor, int milliseconds) {
  struct pollfd polled = {.fd = descriptor, .events = POLLIN};
  return poll(&polled, 1, milliseconds) == 1;
}

static void test_result(void) {
  struct task *task = make(&BRIEF, true);
  CHECK(task_wait(task, HUGE_VAL));
  CHECK(task_ended(task) && task->error.code == ERROR_NONE && task_counter(task, 0) == 8);
  CHECK(task_wait(task, 0) && task_wait(task, -1) && task_wait(task, (double)NAN));
  task_cancel(task); /* too late, and harmless */
  CHECK(task->error.code == ERROR_NONE);
  task_free(task);
}

static void test_waiting(void) {
  struct task *task = make(&ENDLESS, true);
  unsigned before = atomic_load(&woken);
  CHECK(!task_wait(task, 0) && !task_wait(task, 0.01) && !task_ended(task));
  task_cancel(task);
  CHECK(atomic_load(&woken) == before + 1);
  CHECK(task_wait(task, 10) && task->error.code == ERROR_CANCELLED);
  task_cancel(task);
  CHECK(atomic_load(&woken) == before + 1);
  task_free(task);
}

/* The descriptor is readable from the end on, whether it was asked for before it or after. */
static void test_descriptor(void) {
  struct error error;
  struct task *early = make(&ENDLESS, true), *late = make(&BRIEF, true);
  int descriptor = task_descriptor(early, &error);
  CHECK(descriptor >= 0 && task_descriptor(early, &error) == descriptor);
  CHECK(!is_readable(descriptor, 0));
  task_cancel(early);
  CHECK(is_readable(descriptor, 10000) && is_readable(descriptor, 0));
  CHECK(task_wait(early, 10));
  task_wait(late, 10);
  CHECK(is_readable(task_descriptor(late, &error), 0));
  task_free(early);
  task_free(late);
}

static void *wait_for(void *argument) {
  struct error error;
  struct task *task = argument;
  int descriptor = task_descriptor(task, &error);
  if (!task_wait(task, 0.0001)) is_readable(descriptor, 10000);
  return task_wait(task, 10) && task->error.code == ERROR_CANCELLED ? task : NULL;
}

/* Many threads wait in both ways while another cancels. */
static void test_many_waiters(void) {
  unsigned content = 0;
  for (int round = 0; round < 50; round++) {
    struct task *task = make(&ENDLESS, true);
    pthread_t threads[8];
    void *seen;
    for (int i = 0; i < 8; i++)
      if (pthread_create(&threads[i], NULL, wait_for, task) != 0) exit(1);
    nap(round * 10);
    task_cancel(task);
    for (int i = 0; i < 8; i++) {
      pthread_join(threads[i], &seen);
      content += seen == task;
    }
    task_free(task);
  }
  CHECK(content == 50 * 8);
}

static void *end(void *argument) {
  struct task *task = argument;
  task_set(task, 0, 1);
  task_end(task);
  return NULL;
}

/* The maker frees at the very moment in which a thread that is not the task's own ends it. */
static void test_freeing_at_the_end(void) {
  const unsigned rounds = 2000, before = atomic_load(&destroyed);
  struct error error;
  for (unsigned round = 0; round < rounds; round++) {
    struct task *task = make(&FOREIGN, false);
    pthread_t thread;
    if (round % 2) task_descriptor(task, &error);
    if (pthread_create(&thread, NULL, end, task) != 0) exit(1);
    if (round % 3 == 0) task_cancel(task);
    task_free(task);
    pthread_join(thread, NULL);
  }
  CHECK(atomic_load(&destroyed) == before + rounds);
}

static void test_freeing_while_it_runs(void) {
  unsigned before = atomic_load(&destroyed);
  for (int round = 0; round < 200; round++) {
    task_free(make(&ENDLESS, true));
    task_free(make(&BRIEF, true));
  }
  CHECK(atomic_load(&destroyed) == before + 400);
}

/* A child process has none of its parent's threads: it must neither wait for them nor end their
 * work. */
static void test_fork(void) {
  struct task *task = make(&ENDLESS, true);
  int status = -1;
  pid_t child = fork();
  if (child == 0) {
    alarm(10);
    task_free(task);
    _exit(atomic_load(&destroyed) == 0 || !task_cancelled(task) ? 0 : 1);
  }
  CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
  CHECK(!task_ended(task));
  task_free(task);
}

int main(void) {
  test_result();
  test_waiting();
  test_descriptor();
  test_many_waiters();
  test_freeing_at_the_end();
  test_freeing_while_it_runs();
  test_fork();
  return check_end();
}
