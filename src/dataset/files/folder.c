/* folder.c - see folder.h */
#include "dataset/files/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "dataset/files/format.h"
#include "memory.h"

/* Takes ownership of `path`, even if it fails. */
static bool add_file(struct folder *folder, char *path, uint64_t size, bool found,
                     struct error *error) {
  if (!path ||
      !memory_reserve(&folder->files, &folder->room, folder->count + 1, sizeof *folder->files)) {
    free(path);
    return error_memory(error, "listing files");
  }
  folder->files[folder->count++] = (struct folder_file){path, size, found};
  folder->total += size;
  return true;
}

static bool ignore(struct folder *folder, char *path, struct error *error) {
  folder->ignored++;
  if (folder->ignored_count < FOLDER_IGNORED_MAX) {
    if (!folder->ignored_paths)
      folder->ignored_paths = calloc(FOLDER_IGNORED_MAX, sizeof *folder->ignored_paths);
    if (!folder->ignored_paths) {
      free(path);
      return error_memory(error, "listing files");
    }
    folder->ignored_paths[folder->ignored_count++] = path;
  } else {
    free(path);
  }
  return true;
}

bool folder_ignore(struct folder *folder, const char *path, struct error *error) {
  char *copy = strdup(path);
  return copy ? ignore(folder, copy, error) : error_memory(error, "listing files");
}

static char *join(const char *folder, const char *name) {
  char *path;
  bool slash = folder[0] != '\0' && folder[strlen(folder) - 1] == '/';
  return asprintf(&path, "%s%s%s", folder, slash ? "" : "/", name) < 0 ? NULL : path;
}

static int is_visible(const struct dirent *entry) {
  return entry->d_name[0] != '.';
}

/* By bytes: the order must not depend on the user's locale. */
static int by_name(const struct dirent **one, const struct dirent **other) {
  return strcmp((*one)->d_name, (*other)->d_name);
}

static bool walk(struct folder *folder, const char *path, int depth, struct task *task,
                 struct error *error);

/* One entry of a folder that is not a folder itself; takes ownership of `path`. Pipes, sockets and
 * devices are not read: opening one may wait for ever, and has effects. */
static bool take_entry(struct folder *folder, char *path, const char *name, struct error *error) {
  struct stat target;
  bool known = format_is_known_name(name);
  if (stat(path, &target) != 0) /* a broken link: reading it later gives an error that names it */
    return known ? add_file(folder, path, 0, true, error) : ignore(folder, path, error);
  if (!known || !S_ISREG(target.st_mode)) return ignore(folder, path, error);
  return add_file(folder, path, (uint64_t)target.st_size, true, error);
}

/* One entry of a folder; takes ownership of `path`. */
static bool walk_entry(struct folder *folder, char *path, const char *name, int depth,
                       struct task *task, struct error *error) {
  struct stat status;
  bool done = true;
  if (!path) return error_memory(error, "listing files");
  if (lstat(path, &status) == 0) {
    if (!S_ISDIR(status.st_mode)) return take_entry(folder, path, name, error);
    done = walk(folder, path, depth + 1, task, error);
  } else if (errno != ENOENT) { /* one that was removed since is ignored */
    error_errno(error, "reading", path);
    done = false;
  }
  free(path);
  return done;
}

static bool walk(struct folder *folder, const char *path, int depth, struct task *task,
                 struct error *error) {
  struct dirent **entries;
  bool done = depth <= FOLDER_DEPTH_MAX;
  int count = scandir(path, &entries, is_visible, by_name);
  if (count < 0) {
    if (errno == ENOMEM) return error_memory(error, "listing files");
    error_errno(error, "reading the folder", path);
    return false;
  }
  if (!done)
    error_at(error, ERROR_IO, path, 0, 0, "folders are nested more than %d deep", FOLDER_DEPTH_MAX);
  for (int i = 0; i < count; i++) {
    if (done && task && task_cancelled(task)) {
      error_set(error, ERROR_CANCELLED, "listing files was cancelled");
      done = false;
    }
    if (done)
      done = walk_entry(folder, join(path, entries[i]->d_name), entries[i]->d_name, depth, task,
                        error);
    free(entries[i]);
  }
  free(entries);
  return done;
}

bool folder_list(struct folder *folder, const char *const *inputs, struct task *task,
                 struct error *error) {
  for (; *inputs; inputs++) {
    struct stat status = {0};
    if (strcmp(*inputs, "-") != 0 && stat(*inputs, &status) != 0) {
      error_errno(error, "opening", *inputs);
      return false;
    }
    if (S_ISDIR(status.st_mode)) {
      if (!walk(folder, *inputs, 0, task, error)) return false;
    } else if (!add_file(folder, strdup(*inputs),
                         S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0, false, error)) {
      return false;
    }
  }
  return true;
}

bool folder_refuse_empty(const char *const *inputs, struct error *error) {
  error_at(error, ERROR_DATA, inputs[0], 0, 0,
           "holds no file whose name ends in .jsonl, .ndjson, .json, .csv, .tsv or .txt, "
           "compressed or not%s - check the path",
           inputs[1] ? ", nor do the other folders" : "");
  return false;
}

void folder_refuse_ignored(uint64_t count, const char *path, struct error *error) {
  error_at(
      error, ERROR_REFUSED, path, 0, 0,
      "is not read: its name does not end in a known suffix, or it is not a regular file (%llu "
      "such %s%s in all) - rename or move it, or set `on_ignored` to skip",
      COUNTED(count, "file"));
}

void folder_free(struct folder *folder) {
  for (size_t i = 0; i < folder->count; i++)
    free(folder->files[i].path);
  for (size_t i = 0; i < folder->ignored_count; i++)
    free(folder->ignored_paths[i]);
  free(folder->files);
  free(folder->ignored_paths);
}
