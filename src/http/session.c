/* session.c - see session.h
 *
 * Other threads communicate with the session's thread in one way: they put a transfer into a queue,
 * or set a flag, and wake it. Only the session's thread does everything else, and calls libcurl
 * (except for the wakeup).
 */
#include "http/session.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "http/transfer.h"
#include "thread.h"

/* No server needs more for one client; further transfers wait for a connection. */
static const long CONNECTIONS_MAX = 64;
static const int IDLE_MILLISECONDS = 60 * 1000;

struct session {
  atomic_uint references;
  pid_t process;
  CURLM *multi;
  char *ca_file, *proxy, *user_agent;
  double connect_timeout;
  long low_speed_limit, low_speed_time;
  struct thread thread;
  bool threaded;
  pthread_mutex_t mutex; /* guards the next two */
  bool closing;
  struct transfer *queue;   /* handed over, not yet taken */
  struct transfer *running; /* the thread's own */
};

static pthread_once_t libcurl_once = PTHREAD_ONCE_INIT;

static void start_libcurl(void) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* {==================================================================
** The thread
** =================================================================== */

/* Takes the queue; returns whether the session is still open. */
static bool take_queue(struct session *session, struct transfer **queue) {
  bool goes_on;
  pthread_mutex_lock(&session->mutex);
  *queue = session->queue;
  session->queue = NULL;
  goes_on = !session->closing;
  pthread_mutex_unlock(&session->mutex);
  return goes_on;
}

static void end_transfer(struct transfer *transfer, CURLcode code) {
  transfer_finish(transfer, code);
  task_end(&transfer->task); /* its maker may free it from here on */
}

static void unlink_running(struct session *session, struct transfer *transfer) {
  struct transfer **link = &session->running;
  while (*link && *link != transfer)
    link = &(*link)->next;
  if (*link) *link = transfer->next;
}

static void start_queue(struct session *session, struct transfer *queue) {
  while (queue) {
    struct transfer *transfer = queue;
    queue = queue->next;
    if (curl_multi_add_handle(session->multi, transfer->easy) != CURLM_OK) {
      end_transfer(transfer, CURLE_OUT_OF_MEMORY);
      continue;
    }
    transfer->next = session->running;
    session->running = transfer;
  }
}

static void end_cancelled(struct session *session, bool all) {
  struct transfer **link = &session->running;
  while (*link) {
    struct transfer *transfer = *link;
    if (!all && !task_cancelled(&transfer->task)) {
      link = &transfer->next;
      continue;
    }
    *link = transfer->next;
    curl_multi_remove_handle(session->multi, transfer->easy);
    if (all) task_cancel(&transfer->task);
    end_transfer(transfer, CURLE_ABORTED_BY_CALLBACK);
  }
}

static void end_finished(struct session *session) {
  CURLMsg *message;
  int left;
  while ((message = curl_multi_info_read(session->multi, &left))) {
    CURL *easy = message->easy_handle;
    CURLcode code = message->data.result;
    char *transfer = NULL;
    if (message->msg != CURLMSG_DONE) continue;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
    curl_multi_remove_handle(session->multi, easy);
    unlink_running(session, (struct transfer *)(void *)transfer);
    end_transfer((struct transfer *)(void *)transfer, code);
  }
}

static void run(void *argument) {
  struct session *session = argument;
  struct transfer *queue;
  int active;
  while (take_queue(session, &queue)) {
    start_queue(session, queue);
    end_cancelled(session, false);
    curl_multi_perform(session->multi, &active);
    end_finished(session);
    curl_multi_poll(session->multi, NULL, 0, IDLE_MILLISECONDS, NULL);
  }
  start_queue(session, queue);
  end_cancelled(session, true);
}

/* }================================================================== */

static void session_free(struct session *session) {
  curl_multi_cleanup(session->multi);
  pthread_mutex_destroy(&session->mutex);
  free(session->ca_file);
  free(session->proxy);
  free(session->user_agent);
  free(session);
}

static char *copy_of(const char *text, bool *failed) {
  char *copy = text ? strdup(text) : NULL;
  if (text && !copy) *failed = true;
  return copy;
}

/* libcurl keeps parsed certificates between connections only if they all come from one file, so the
 * system's default file is named if there is one; parsing it takes tens of milliseconds. */
static char *choose_ca_file(const char *ca_file, bool *failed) {
  const char *system_file = curl_version_info(CURLVERSION_NOW)->cainfo;
  if (ca_file) return copy_of(ca_file, failed);
  return system_file && access(system_file, R_OK) == 0 ? copy_of(system_file, failed) : NULL;
}

static bool can_read(const char *ca_file, struct error *error) {
  struct stat status;
  int descriptor;
  if (!ca_file) return true;
  descriptor = file_open(ca_file, &status, error);
  if (descriptor < 0) return false;
  close(descriptor);
  if (status.st_size > 0) return true;
  error_at(error, ERROR_IO, ca_file, 0, 0,
           "is empty - give a file of PEM certificates as "
           "`ca_file`");
  return false;
}

static bool start_thread(struct session *session, struct error *error) {
  session->threaded = thread_start(&session->thread, run, session) == 0;
  if (!session->threaded)
    error_set(error, ERROR_MEMORY, "starting a session: the system has no more threads");
  return session->threaded;
}

struct session *session_new(const struct session_options *options, struct error *error) {
  struct session *session;
  bool failed = false;
  pthread_once(&libcurl_once, start_libcurl);
  if (!can_read(options->ca_file, error)) return NULL;
  session = calloc(1, sizeof *session);
  if (!session || pthread_mutex_init(&session->mutex, NULL) != 0) {
    free(session);
    error_memory(error, "starting a session");
    return NULL;
  }
  atomic_init(&session->references, 1);
  session->process = getpid();
  session->ca_file = choose_ca_file(options->ca_file, &failed);
  session->proxy = copy_of(options->proxy, &failed);
  session->user_agent = copy_of(options->user_agent, &failed);
  session->connect_timeout = options->connect_timeout;
  session->low_speed_limit = options->low_speed_limit;
  session->low_speed_time = options->low_speed_time;
  session->multi = curl_multi_init();
  if (failed || !session->multi ||
      curl_multi_setopt(session->multi, CURLMOPT_MAX_HOST_CONNECTIONS, CONNECTIONS_MAX) != 0)
    error_memory(error, "starting a session");
  else if (start_thread(session, error))
    return session;
  session_free(session);
  return NULL;
}

/* The session's options for a transfer. */
static bool configure(const struct session *session, CURL *easy) {
  if (session->ca_file) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, session->ca_file);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
  }
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(session->connect_timeout * 1000));
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, session->low_speed_limit);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, session->low_speed_time);
  return curl_easy_setopt(easy, CURLOPT_USERAGENT, session->user_agent) == CURLE_OK;
}

/* Whether the environment names a proxy, as libcurl reads it for https. */
static bool has_proxy_variable(void) {
  static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const char *value = getenv(names[i]);
    if (value && *value) return true;
  }
  return false;
}

static bool set_proxy(const struct session *session, struct transfer *transfer) {
  /* a transfer to a loopback address uses no proxy */
  if (transfer->direct) return true;
  /* the connection is then to the proxy, which may be private and looks up names itself */
  if (session->proxy ? *session->proxy : has_proxy_variable()) transfer->public_only = false;
  if (!session->proxy) return true;
  return curl_easy_setopt(transfer->easy, CURLOPT_PROXY, session->proxy) == CURLE_OK;
}

/* Makes the thread look for new and cancelled transfers. */
static void wake(struct session *session) {
  curl_multi_wakeup(session->multi);
}

bool session_start(struct session *session, struct transfer *transfer, struct error *error) {
  bool closed;
  if (session->process != getpid()) {
    error_set(error, ERROR_USAGE,
              "this session belongs to another process - make one after the fork, in each worker");
    return false;
  }
  if (!configure(session, transfer->easy) || !set_proxy(session, transfer)) {
    error_memory(error, "starting a transfer");
    return false;
  }
  pthread_mutex_lock(&session->mutex);
  closed = session->closing;
  if (!closed) {
    atomic_fetch_add(&session->references, 1);
    transfer->session = session;
    transfer->wake_session = wake;
    transfer->release_session = session_release;
    task_begin(&transfer->task);
    transfer->next = session->queue;
    session->queue = transfer;
  }
  pthread_mutex_unlock(&session->mutex);
  if (closed) {
    error_set(error, ERROR_USAGE, "this session is closed - make another client");
    return false;
  }
  wake(session);
  return true;
}

/* In a child process there is no thread to end, and the connections belong to the parent. */
void session_close(struct session *session) {
  bool first;
  if (session->process != getpid()) return;
  pthread_mutex_lock(&session->mutex);
  first = !session->closing;
  session->closing = true;
  pthread_mutex_unlock(&session->mutex);
  if (!first || !session->threaded) return;
  wake(session);
  thread_join(&session->thread);
}

void session_release(struct session *session) {
  if (session->process != getpid()) return;
  if (atomic_fetch_sub(&session->references, 1) != 1) return;
  session_close(session);
  session_free(session);
}

const char *session_library(const char **tls) {
  const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
  *tls = info->ssl_version ? info->ssl_version : "none";
  return info->version;
}
