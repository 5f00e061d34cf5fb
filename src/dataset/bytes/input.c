/* input.c - see input.h */
#include "dataset/bytes/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  PIPE_SLICE = 50,    /* milliseconds between checks for cancellation */
  READ_MAX = 1 << 20, /* bytes between them */
};

static bool refuse(struct input *input, const char *what, struct error *error) {
  error_at(error, ERROR_IO, input->path, 0, 0, "%s", what);
  input_close(input);
  return false;
}

bool input_open(struct input *input, const char *path, struct task *task, struct error *error) {
  bool standard = strcmp(path, "-") == 0;
  struct stat status;
  off_t at;
  memset(input, 0, sizeof *input);
  input->path = standard ? "standard input" : path;
  input->task = task;
  /* O_NONBLOCK: input_read waits for a pipe without a writer, and can stop waiting */
  input->descriptor = standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                               : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (input->descriptor < 0 || fstat(input->descriptor, &status) != 0) {
    error_errno(error, "opening", input->path);
    input_close(input);
    return false;
  }
  if (S_ISDIR(status.st_mode)) return refuse(input, "is a folder, not a file", error);
  input->regular = S_ISREG(status.st_mode);
  if (!input->regular && !S_ISFIFO(status.st_mode) && !S_ISSOCK(status.st_mode) && !standard)
    return refuse(input, "is a device - give a file, a folder or a pipe", error);
  if (!input->regular) return true;
  at = lseek(input->descriptor, 0, SEEK_CUR); /* standard input may have been read in part */
  input->total = (uint64_t)(status.st_size > at && at > 0 ? status.st_size - at : status.st_size);
  input->whole = at == 0;
  posix_fadvise(input->descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
  return true;
}

void input_open_source(struct input *input, const char *path,
                       int64_t (*read)(void *context, void *to, size_t size, struct error *error),
                       void *context, struct task *task) {
  memset(input, 0, sizeof *input);
  input->path = path;
  input->descriptor = -1;
  input->read = read;
  input->context = context;
  input->task = task;
}

static bool wanted(struct input *input, struct error *error) {
  if (!atomic_load(&input->stop) && !(input->task && task_cancelled(input->task))) return true;
  error_set(error, ERROR_CANCELLED, "reading %s was cancelled", input->path);
  return false;
}

static bool wait_for_pipe(struct input *input, struct error *error) {
  struct pollfd poller = {.fd = input->descriptor, .events = POLLIN};
  while (wanted(input, error))
    if (poll(&poller, 1, PIPE_SLICE) > 0) return true;
  return false;
}

static bool is_unchanged(const struct input *input, uint64_t done, struct error *error) {
  if (!input->regular || done == input->total) return true;
  error_at(error, ERROR_DATA, input->path, 0, 0,
           "its size changed from %llu to %llu bytes while it was being read - wait until the "
           "program that writes it has finished",
           (unsigned long long)input->total, (unsigned long long)done);
  return false;
}

static int64_t read_source(struct input *input, void *to, size_t size, struct error *error) {
  size_t got = 0;
  while (got < size) {
    int64_t some = wanted(input, error)
                       ? input->read(input->context, (char *)to + got, size - got, error)
                       : -1;
    if (some < 0) return -1;
    if (some == 0) break;
    got += (size_t)some;
  }
  atomic_fetch_add(&input->done, got);
  return (int64_t)got;
}

int64_t input_read(struct input *input, void *to, size_t size, struct error *error) {
  size_t got = 0;
  if (input->read) return read_source(input, to, size, error);
  while (got < size) {
    ssize_t some;
    if (!wanted(input, error)) return -1;
    if (!input->regular && !wait_for_pipe(input, error)) return -1;
    some = read(input->descriptor, (char *)to + got, size - got < READ_MAX ? size - got : READ_MAX);
    if (some == 0) return is_unchanged(input, atomic_load(&input->done), error) ? (int64_t)got : -1;
    if (some > 0) {
      got += (size_t)some;
      atomic_fetch_add(&input->done, (uint64_t)some);
    } else if (errno != EINTR && errno != EAGAIN) {
      error_errno(error, "reading", input->path);
      return -1;
    }
  }
  return (int64_t)got;
}

int64_t input_read_at(struct input *input, void *to, size_t size, uint64_t at,
                      struct error *error) {
  size_t got = 0;
  while (got < size) {
    ssize_t some;
    if (!wanted(input, error)) return -1;
    some = pread(input->descriptor, (char *)to + got, size - got < READ_MAX ? size - got : READ_MAX,
                 (off_t)(at + got));
    if (some == 0) return is_unchanged(input, at + got, error) ? (int64_t)got : -1;
    if (some > 0) {
      got += (size_t)some;
    } else if (errno != EINTR) {
      error_errno(error, "reading", input->path);
      return -1;
    }
  }
  return (int64_t)got;
}

bool input_has_its_size(struct input *input, struct error *error) {
  struct stat status;
  if (fstat(input->descriptor, &status) == 0)
    return is_unchanged(input, (uint64_t)status.st_size, error);
  error_errno(error, "reading", input->path);
  return false;
}

void input_close(struct input *input) {
  if (input->descriptor >= 0) close(input->descriptor);
  input->descriptor = -1;
}
