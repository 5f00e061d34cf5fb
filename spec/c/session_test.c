/* session_test.c - transfers that are started, cancelled and freed from many threads at once
 *
 * Nothing is ever sent: one port refuses every connection, and the other never answers. Run under
 * ThreadSanitizer by `make tsan`.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "http/session.h"
#include "http/transfer.h"

static char silent_url[64];
static const char REFUSING_URL[] = "http://127.0.0.1:1/";

/* A socket that queues connections, but never accepts them. */
static int listen_silently(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0 || bind(listener, (void *)&address, size) != 0 || listen(listener, 1024) != 0 ||
      getsockname(listener, (void *)&address, &size) != 0)
    exit(1);
  snprintf(silent_url, sizeof silent_url, "http://127.0.0.1:%d/", ntohs(address.sin_port));
  return listener;
}

static struct session *open_session(void) {
  struct session_options options = {.user_agent = "test", .connect_timeout = 5};
  struct error error;
  struct session *session = session_new(&options, &error);
  if (!session) exit(1);
  return session;
}

static struct transfer *make(const char *url) {
  struct transfer_options options = {.kind = TRANSFER_REQUEST,
                                     .doing = "testing",
                                     .method = "GET",
                                     .url = url,
                                     .allow_http = true};
  struct error error;
  struct transfer *transfer = transfer_new(&options, &error);
  if (!transfer) exit(1);
  return transfer;
}

static struct transfer *start(struct session *session, const char *url) {
  struct transfer *transfer = make(url);
  struct error error;
  if (!session_start(session, transfer, &error)) exit(1);
  return transfer;
}

static enum error_code end_of(struct transfer *transfer) {
  enum error_code code;
  if (!task_wait(&transfer->task, 10)) return ERROR_NONE;
  code = transfer->task.error.code;
  task_free(&transfer->task);
  return code;
}

static void test_refused(void) {
  struct session *session = open_session();
  struct transfer *transfers[100];
  unsigned refused = 0;
  for (int i = 0; i < 100; i++)
    transfers[i] = start(session, REFUSING_URL);
  for (int i = 0; i < 100; i++)
    refused += end_of(transfers[i]) == ERROR_NETWORK;
  CHECK(refused == 100);
  session_release(session);
}

static void *cancel(void *argument) {
  task_cancel(&((struct transfer *)argument)->task);
  return NULL;
}

/* A stalled exchange ends soon after any thread cancels it. */
static void test_cancelled(void) {
  struct session *session = open_session();
  struct transfer *transfers[40];
  struct timespec before, after;
  unsigned cancelled = 0;
  for (int i = 0; i < 40; i++)
    transfers[i] = start(session, silent_url);
  CHECK(!task_wait(&transfers[0]->task, 0.1));
  clock_gettime(CLOCK_MONOTONIC, &before);
  for (int i = 0; i < 40; i++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, cancel, transfers[i]) != 0) exit(1);
    CHECK(task_wait(&transfers[i]->task, 10));
    pthread_join(thread, NULL);
    cancelled += end_of(transfers[i]) == ERROR_CANCELLED;
  }
  clock_gettime(CLOCK_MONOTONIC, &after);
  CHECK(cancelled == 40);
  CHECK(after.tv_sec - before.tv_sec < 5);
  session_release(session);
}

/* Transfers outlive their session, and report their end. */
static void test_closing(void) {
  struct session *session = open_session();
  struct transfer *running = start(session, silent_url), *late = make(silent_url);
  struct error error;
  session_close(session);
  session_close(session);
  CHECK(task_ended(&running->task));
  CHECK(!session_start(session, late, &error) && error.code == ERROR_USAGE);
  session_release(session);
  CHECK(end_of(running) == ERROR_CANCELLED);
  task_free(&late->task);
}

static void *start_and_free(void *argument) {
  for (int i = 0; i < 25; i++) {
    struct transfer *refused = start(argument, REFUSING_URL);
    struct transfer *dropped = start(argument, silent_url);
    if (i % 2) task_wait(&refused->task, 10);
    task_free(&dropped->task);
    task_free(&refused->task);
  }
  return NULL;
}

static void test_many_threads(void) {
  struct session *session = open_session();
  pthread_t threads[8];
  for (int i = 0; i < 8; i++)
    if (pthread_create(&threads[i], NULL, start_and_free, session) != 0) exit(1);
  for (int i = 0; i < 8; i++)
    pthread_join(threads[i], NULL);
  CHECK(end_of(start(session, REFUSING_URL)) == ERROR_NETWORK); /* it still works */
  session_release(session);
}

/* A session cannot be used in a child process, and does no harm there. */
static void test_fork(void) {
  struct session *session = open_session();
  struct transfer *running = start(session, silent_url), *other = make(silent_url);
  struct error error;
  int status = -1;
  pid_t child = fork();
  if (child == 0) {
    bool started = session_start(session, other, &error);
    alarm(10);
    task_free(&running->task);
    session_release(session);
    _exit(!started && error.code == ERROR_USAGE ? 0 : 1);
  }
  CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
  CHECK(!task_wait(&running->task, 0.05));
  task_free(&running->task);
  task_free(&other->task);
  session_release(session);
}

int main(void) {
  int listener = listen_silently();
  test_refused();
  test_cancelled();
  test_closing();
  test_many_threads();
  test_fork();
  close(listener);
  return check_end();
}
