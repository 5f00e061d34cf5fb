/* leftover.c - see leftover.h
 *
 * Between the creation of a file and its lock another run may remove it as a leftover. Its maker
 * then sees that it has no name, and makes another.
 */
#include "dataset/bytes/leftover.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"

enum { TRIES = 16, NAME_KEPT = 200 /* as file_create_beside cuts long names */ };

int leftover_create_beside(const char *target, char **path, struct error *error) {
  for (int i = 0; i < TRIES; i++) {
    int descriptor = file_create_beside(target, path, error);
    struct stat status;
    if (descriptor < 0) return -1;
    /* a file system without locks: no other run can remove it as a leftover either */
    flock(descriptor, LOCK_EX | LOCK_NB);
    if (fstat(descriptor, &status) != 0 || status.st_nlink > 0) return descriptor;
    close(descriptor);
    free(*path);
    *path = NULL;
  }
  error_at(error, ERROR_CONFLICT, target, 0, 0,
           "another run keeps removing its temporary file - wait until that run has ended");
  return -1;
}

/* Whether `entry` is ".NAME.RANDOM.part", or that with ".NUMBER" or ".malformed" after NAME. */
static bool is_ours(const char *entry, const char *name) {
  size_t kept = strlen(name) < NAME_KEPT ? strlen(name) : NAME_KEPT;
  const char *rest;
  if (!file_is_temporary(entry) || strncmp(entry + 1, name, kept) != 0) return false;
  rest = entry + 1 + kept;
  if (strncmp(rest, ".malformed.", 11) == 0) rest += 10;
  if (rest[0] == '.' && rest[1] >= '0' && rest[1] <= '9') {
    size_t digits = strspn(rest + 1, "0123456789");
    if (rest[digits + 1] == '.' && strchr(rest + digits + 2, '.')) rest += digits + 1;
  }
  return rest[0] == '.' && strchr(rest + 1, '.') == strrchr(rest, '.');
}

static void remove_unheld(int folder, const char *name) {
  int descriptor = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  struct stat status;
  if (descriptor < 0) return;
  if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) &&
      flock(descriptor, LOCK_EX | LOCK_NB) == 0)
    unlinkat(folder, name, 0);
  close(descriptor);
}

void leftover_remove(const char *target) {
  const char *slash = strrchr(target, '/');
  const char *name = slash ? slash + 1 : target;
  char *path = slash ? strndup(target, (size_t)(slash - target) + 1) : strdup(".");
  DIR *folder = path ? opendir(path) : NULL;
  struct dirent *entry;
  while (folder && (entry = readdir(folder)))
    if (is_ours(entry->d_name, name)) remove_unheld(dirfd(folder), entry->d_name);
  if (folder) closedir(folder);
  free(path);
}

/* Many targets */

/* By folder, then by name. */
static int by_folder(const void *one, const void *other) {
  const char *a = *(const char *const *)one, *b = *(const char *const *)other;
  size_t a_size = (size_t)(file_name_of(a) - a), b_size = (size_t)(file_name_of(b) - b);
  int order = strncmp(a, b, a_size < b_size ? a_size : b_size);
  if (order != 0) return order;
  return a_size != b_size ? (a_size < b_size ? -1 : 1) : strcmp(a + a_size, b + b_size);
}

/* Whether `entry` is ".NAME.RANDOM.part" for one of the targets, which are in one folder. */
static bool is_one_of(const char *entry, const char *const *targets, size_t count) {
  const char *end, *random;
  size_t low = 0, high = count, size;
  if (!file_is_temporary(entry)) return false;
  end = strrchr(entry, '.');
  random = memrchr(entry, '.', (size_t)(end - entry));
  size = (size_t)(random - (entry + 1));
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    const char *name = file_name_of(targets[middle]);
    size_t kept = strlen(name) < NAME_KEPT ? strlen(name) : NAME_KEPT;
    int order = memcmp(name, entry + 1, kept < size ? kept : size);
    if (order == 0 && kept == size) return true;
    if (order < 0 || (order == 0 && kept < size))
      low = middle + 1;
    else
      high = middle;
  }
  return false;
}

void leftover_remove_all(const char **targets, size_t count) {
  size_t end;
  qsort(targets, count, sizeof *targets, by_folder);
  for (size_t start = 0; start < count; start = end) {
    size_t size = (size_t)(file_name_of(targets[start]) - targets[start]);
    char *path = size > 0 ? strndup(targets[start], size) : strdup(".");
    DIR *folder = path ? opendir(path) : NULL;
    struct dirent *entry;
    for (end = start + 1; end < count; end++)
      if ((size_t)(file_name_of(targets[end]) - targets[end]) != size ||
          memcmp(targets[start], targets[end], size) != 0)
        break;
    while (folder && (entry = readdir(folder)))
      if (is_one_of(entry->d_name, (const char *const *)targets + start, end - start))
        remove_unheld(dirfd(folder), entry->d_name);
    if (folder) closedir(folder);
    free(path);
  }
}
