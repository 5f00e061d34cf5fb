/* file.c - see file.h
 *
 * Names beside the target are random, so that nobody can prepare a link under them; they are opened
 * with O_EXCL and O_NOFOLLOW, so that such a link would be useless.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { RANDOM_LETTERS = 12, NAME_TRIES = 16 };

static const char TEMPORARY_END[] = ".part";

int file_open(const char *path, struct stat *status, struct error *error) {
  struct stat own;
  int descriptor;
  if (!status) status = &own;
  /* O_NONBLOCK: do not wait for the writer of a pipe, which is refused */
  descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0 || fstat(descriptor, status) != 0) {
    error_errno(error, "opening", path);
  } else if (!S_ISREG(status->st_mode)) {
    error_at(error, ERROR_IO, path, 0, 0, "not a regular file - give a file");
  } else {
    return descriptor;
  }
  if (descriptor >= 0) close(descriptor);
  return -1;
}

int64_t file_read(int descriptor, void *buffer, size_t size, uint64_t offset, const char *path,
                  struct error *error) {
  size_t done = 0;
  while (done < size) {
    ssize_t got = pread(descriptor, (char *)buffer + done, size - done, (off_t)(offset + done));
    if (got == 0) break;
    if (got > 0) {
      done += (size_t)got;
    } else if (errno != EINTR) {
      error_errno(error, "reading", path);
      return -1;
    }
  }
  return (int64_t)done;
}

bool file_write(int descriptor, const void *buffer, size_t size, const char *path,
                struct error *error) {
  const char *next = buffer;
  while (size > 0) {
    ssize_t written = write(descriptor, next, size);
    if (written >= 0) {
      next += written;
      size -= (size_t)written;
    } else if (errno != EINTR) {
      error_errno(error, "writing", path);
      return false;
    }
  }
  return true;
}

void file_random(void *bytes, size_t size) {
  unsigned char *next = bytes;
  while (size > 0) {
    ssize_t got = getrandom(next, size, 0);
    if (got > 0) {
      next += got;
      size -= (size_t)got;
    }
  }
}

const char *file_name_of(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/* Writes DIR/.NAME.RANDOM.part; a long NAME is cut so that the whole stays within NAME_MAX. */
static char *temporary_path(const char *target) {
  static const char letters[] = "0123456789abcdefghijklmnopqrstuv";
  const char *name = file_name_of(target);
  size_t folder = (size_t)(name - target);
  size_t size = folder + strlen(name) + RANDOM_LETTERS + sizeof TEMPORARY_END + 3;
  unsigned char random[RANDOM_LETTERS];
  char word[RANDOM_LETTERS + 1];
  char *path = malloc(size);
  if (!path) return NULL;
  file_random(random, sizeof random);
  for (int i = 0; i < RANDOM_LETTERS; i++)
    word[i] = letters[random[i] % 32];
  word[RANDOM_LETTERS] = '\0';
  snprintf(path, size, "%.*s.%.200s.%s%s", (int)folder, target, name, word, TEMPORARY_END);
  return path;
}

bool file_is_temporary(const char *name) {
  size_t size = strlen(name), end = sizeof TEMPORARY_END - 1;
  if (size < RANDOM_LETTERS + end + 3 || name[0] != '.') return false;
  if (strcmp(name + size - end, TEMPORARY_END) != 0) return false;
  return name[size - end - RANDOM_LETTERS - 1] == '.';
}

/* Whether the file is open as standard input, output or error. */
static bool is_stream(const struct stat *file) {
  for (int descriptor = 0; descriptor <= 2; descriptor++) {
    struct stat status;
    if (fstat(descriptor, &status) == 0 && status.st_dev == file->st_dev &&
        status.st_ino == file->st_ino)
      return true;
  }
  return false;
}

int file_look(const char *path, struct stat *status, struct error *error) {
  if (stat(path, status) == 0) return 1;
  switch (errno) {
  case ENOENT:
  case ENOTDIR:
  case ELOOP:
  case ENAMETOOLONG:
  case EACCES: return 0; /* opening it says why */
  default: error_errno(error, "looking at", path); return -1;
  }
}

bool file_can_be_target(const char *target, struct error *error) {
  struct stat status;
  bool linked;
  if (file_name_of(target)[0] == '\0') {
    error_at(error, ERROR_IO, target, 0, 0, "names no file - give the name of a file");
    return false;
  }
  if (lstat(target, &status) != 0) return true;
  linked = S_ISLNK(status.st_mode);
  if (linked && stat(target, &status) != 0) return true; /* its target does not exist */
  if (!S_ISREG(status.st_mode)) {
    error_at(error, ERROR_IO, target, 0, 0,
             "exists and is not a regular file - give the name of a file");
    return false;
  }
  if (linked && is_stream(&status)) { /* a rename would replace /dev/stdout itself */
    error_at(error, ERROR_IO, target, 0, 0,
             "leads to a standard stream of this process - give the name of a file");
    return false;
  }
  return true;
}

int file_create_beside(const char *target, char **path, struct error *error) {
  *path = NULL;
  if (!file_can_be_target(target, error)) return -1;
  for (int i = 0; i < NAME_TRIES; i++) {
    char *name = temporary_path(target);
    int descriptor;
    bool taken;
    if (!name) {
      error_memory(error, "creating a file beside %s", target);
      return -1;
    }
    descriptor = open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (descriptor >= 0) {
      *path = name;
      return descriptor;
    }
    taken = errno == EEXIST;
    if (!taken) error_creating(error, "creating a file beside", target);
    free(name);
    if (!taken) return -1;
  }
  error_at(error, ERROR_IO, target, 0, 0, "no unused name was found beside it");
  return -1;
}

/* Opens the folder of `target`, to be flushed. Returns the descriptor, or -1. */
static int open_folder(const char *target, struct error *error) {
  const char *name = file_name_of(target);
  char *folder = name == target ? strdup(".") : strndup(target, (size_t)(name - target));
  int descriptor;
  if (!folder) {
    error_memory(error, "flushing the folder of %s", target);
    return -1;
  }
  descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) error_errno(error, "opening the folder", folder);
  free(folder);
  return descriptor;
}

/* Some file systems cannot flush a folder, and return EINVAL: nothing more can be done there. */
static bool flush(int descriptor, const char *path, struct error *error) {
  if (fsync(descriptor) == 0 || errno == EINVAL) return true;
  error_errno(error, "flushing", path);
  return false;
}

static bool rename_in(int folder, int descriptor, const char *path, const char *target,
                      struct error *error) {
  if (!flush(descriptor, path, error) || !flush(folder, path, error)) return false;
  if (rename(path, target) == 0) return true;
  error_errno(error, "renaming the finished file to", target);
  return false;
}

/* The rename is durable only when the folder is flushed. Everything that can fail comes before it:
 * after it the target is replaced, and an error would claim that it is not. */
bool file_publish(int descriptor, const char *path, const char *target, struct error *error) {
  int folder = file_can_be_target(target, error) ? open_folder(target, error) : -1;
  bool done = folder >= 0 && rename_in(folder, descriptor, path, target, error);
  if (done) fsync(folder); /* flushing it succeeded a moment ago */
  if (folder >= 0) close(folder);
  return done;
}
