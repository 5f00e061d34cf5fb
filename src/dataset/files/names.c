/* names.c - see names.h
 *
 * A dataset may have a million files, so names are sorted by the file they name instead of being
 * compared in pairs, and the folder of a name is resolved only if it differs from that of the name
 * before.
 */
#include "dataset/files/names.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataset/files/format.h"
#include "file.h"

struct identity {
  dev_t device;
  ino_t inode;
};

/* What a name leads to. */
struct place {
  const struct name *name;
  bool exists;
  bool regular; /* it exists as a regular file, which is `file` */
  struct identity file;
  struct identity folder; /* the deepest one on the way that exists */
  char *path;             /* the real path of `folder`, and what is below it */
  const char *rest;       /* what is below `folder`: mostly the last name; within `path` */
};

/* One of the two ways by which a place is known. */
struct key {
  struct identity identity;
  const char *rest; /* NULL: `identity` is the file's own */
  const struct place *place;
};

struct check {
  const struct names_rules *rules;
  struct task *task;
  struct place *places;
  size_t count;
};

static bool is_stream(const struct name *name) {
  return strcmp(name->path, "-") == 0;
}

static bool is_folder(const struct name *name) {
  return name->use == NAME_ROOT || name->use == NAME_TREE || name->use == NAME_OWN;
}

static bool is_input(const struct name *name) {
  return name->use == NAME_INPUT || name->use == NAME_FOUND;
}

/* Whether the user gave this very name. */
static bool is_given(const struct name *name) {
  return name->use != NAME_FOUND && name->use != NAME_TARGET;
}

static bool is_written(const struct check *check, const struct name *name) {
  return name->use >= NAME_WRITE || (check->rules->in_place && is_input(name));
}

static bool is_same(const struct identity *one, const struct identity *other) {
  return one->device == other->device && one->inode == other->inode;
}

/* {==================================================================
** Refusals
** =================================================================== */

enum { NAME_TEXT = 600 };

static const char *describe(const struct name *name, char text[NAME_TEXT]) {
  if (is_stream(name))
    snprintf(text, NAME_TEXT, "standard %s", name->use >= NAME_WRITE ? "output" : "input");
  else
    snprintf(text, NAME_TEXT, "%s %.512s", name->what, name->path);
  return text;
}

static bool refuse(const struct name *one, const char *is, const struct name *other,
                   const char *advice, struct error *error) {
  char a[NAME_TEXT], b[NAME_TEXT];
  error_set(error, ERROR_USAGE, "%s %s %s%s", describe(one, a), is, describe(other, b), advice);
  snprintf(error->file, sizeof error->file, "%s", one->path);
  return false;
}

static bool refuse_same(const struct name *one, const struct name *other, struct error *error) {
  if (one->use == NAME_TARGET && other->use == NAME_TARGET && strcmp(one->what, other->what) == 0) {
    error_set(error, ERROR_USAGE,
              "%s %.256s would be written from two inputs, %.256s and %.256s - give a folder, and "
              "inputs whose names differ",
              one->what, one->path, one->from, other->from);
    return false;
  }
  if (is_input(one) && is_input(other))
    return refuse(one, "is the same file as", other,
                  ": it was given twice, or has two names - give it once", error);
  return refuse(one, "is the same file as", other, " - name two different files", error);
}

/* }================================================================== */

/* {==================================================================
** Places
** =================================================================== */

/* Moves the last name of `part` before `rest`; `part` becomes the folder that it is in. */
static void move_name(char part[PATH_MAX], char rest[PATH_MAX]) {
  char moved[PATH_MAX], *slash = strrchr(part, '/');
  snprintf(moved, sizeof moved, "%s%s%s", slash ? slash + 1 : part, rest[0] ? "/" : "", rest);
  strcpy(rest, moved);
  if (!slash) {
    strcpy(part, ".");
    return;
  }
  while (slash > part && slash[-1] == '/')
    slash--;
  if (slash == part) slash++;
  *slash = '\0';
}

/* Removes the last name of `path`, which is absolute. */
static void go_up(char path[PATH_MAX]) {
  char *slash = strrchr(path, '/');
  slash[slash == path] = '\0';
}

/* Adds the names in `rest`, which do not exist, so that ".." means what it seems to. */
static void add_names(char path[PATH_MAX], char rest[PATH_MAX]) {
  char *state;
  for (char *name = strtok_r(rest, "/", &state); name; name = strtok_r(NULL, "/", &state)) {
    size_t size = strlen(path);
    if (strcmp(name, ".") == 0) continue;
    if (strcmp(name, "..") == 0)
      go_up(path);
    else
      snprintf(path + size, PATH_MAX - size, "%s%s", size > 1 ? "/" : "", name);
  }
}

/* The absolute path of `given`, all links but the last resolved; the last, too, if `follow`. */
static bool resolve(const char *given, bool follow, char path[PATH_MAX], struct error *error) {
  char part[PATH_MAX], rest[PATH_MAX] = "";
  size_t size = strlen(given);
  while (size > 1 && given[size - 1] == '/')
    size--;
  if (size >= sizeof part) {
    error_at(error, ERROR_USAGE, given, 0, 0, "the path is too long");
    return false;
  }
  memcpy(part, given, size);
  part[size] = '\0';
  if (follow && realpath(part, path)) return true;
  move_name(part, rest);
  while (!realpath(part, path)) {
    if (strcmp(part, ".") == 0 || strcmp(part, "/") == 0) {
      error_errno(error, "finding the folder of", given);
      return false;
    }
    move_name(part, rest);
  }
  add_names(path, rest);
  return true;
}

static bool stat_folder(const char *path, struct identity *folder) {
  struct stat status;
  if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode)) return false;
  *folder = (struct identity){status.st_dev, status.st_ino};
  return true;
}

/* Finds the deepest folder on the way to `place->path` that exists, and what is below it. */
static void split(struct place *place) {
  char folder[PATH_MAX];
  size_t size = strlen(place->path);
  do {
    while (size > 0 && place->path[--size] != '/')
      continue;
    snprintf(folder, sizeof folder, "%.*s", size > 0 ? (int)size : 1, place->path);
  } while (!stat_folder(folder, &place->folder) && size > 0);
  place->rest = place->path + size + 1;
}

/* The length of the folder of `path` with its slash; 0 for the current one. */
static size_t folder_size(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? (size_t)(slash - path) + 1 : 0;
}

/* Whether `name` is a plain one in the folder of the place before it. */
static bool is_beside(const struct name *name, const struct place *before) {
  const char *given = name->path, *known = before->name->path;
  size_t size = folder_size(given);
  if (is_given(name) || is_given(before->name) || is_folder(before->name)) return false;
  return size == folder_size(known) && memcmp(given, known, size) == 0 &&
         strchr(before->rest, '/') == NULL && given[size] != '.';
}

static bool locate_beside(struct place *place, const struct place *before, struct error *error) {
  const char *name = place->name->path + folder_size(place->name->path);
  int size = (int)(before->rest - before->path);
  if (asprintf(&place->path, "%.*s%s", size, before->path, name) < 0) {
    place->path = NULL;
    return error_memory(error, "comparing the names of files");
  }
  place->rest = place->path + size;
  place->folder = before->folder;
  return true;
}

static void examine(struct place *place, const struct stat *status) {
  place->exists = true;
  place->regular = S_ISREG(status->st_mode);
  place->file = (struct identity){status->st_dev, status->st_ino};
}

static bool locate_stream(struct place *place, struct error *error) {
  bool output = place->name->use >= NAME_WRITE;
  struct stat status;
  place->path = strdup(output ? "standard output" : "standard input"); /* no absolute path */
  place->rest = place->path;
  if (!place->path) return error_memory(error, "comparing the names of files");
  if (fstat(output ? STDOUT_FILENO : STDIN_FILENO, &status) == 0) examine(place, &status);
  return true;
}

static bool locate(struct place *place, const struct place *before, struct error *error) {
  char path[PATH_MAX];
  struct stat status;
  int there;
  if (is_stream(place->name)) return locate_stream(place, error);
  there = file_look(place->name->path, &status, error);
  if (there < 0) return false;
  if (there > 0) examine(place, &status);
  if (before && is_beside(place->name, before)) return locate_beside(place, before, error);
  if (!resolve(place->name->path, is_folder(place->name), path, error)) return false;
  place->path = strdup(path);
  if (!place->path) return error_memory(error, "comparing the names of files");
  split(place);
  return true;
}

/* }================================================================== */

/* {==================================================================
** The same file
** =================================================================== */

static int by_identity(const void *one, const void *other) {
  const struct key *a = one, *b = other;
  if (a->identity.device != b->identity.device)
    return a->identity.device < b->identity.device ? -1 : 1;
  if (a->identity.inode != b->identity.inode) return a->identity.inode < b->identity.inode ? -1 : 1;
  if (!a->rest || !b->rest) return (a->rest != NULL) - (b->rest != NULL);
  return strcmp(a->rest, b->rest);
}

/* The keys of all places that can be the same file. Returns their number. */
static size_t make_keys(const struct check *check, struct key *keys) {
  size_t count = 0;
  for (size_t i = 0; i < check->count; i++) {
    const struct place *place = &check->places[i];
    if (place->name->use == NAME_ROOT || place->name->use == NAME_NUMBERED) continue;
    if (place->regular) keys[count++] = (struct key){place->file, NULL, place};
    keys[count++] = (struct key){place->folder, place->rest, place};
  }
  return count;
}

/* Whether all of keys[0 .. count), which are of one file, may be. */
static bool may_share(const struct check *check, const struct key *keys, size_t count,
                      struct error *error) {
  size_t written = 0;
  while (written < count && !is_written(check, keys[written].place->name))
    written++;
  if (written < count)
    return refuse_same(keys[written].place->name, keys[written == 0].place->name, error);
  for (size_t i = 1; check->rules->once && i < count; i++)
    if (is_input(keys[i - 1].place->name) && is_input(keys[i].place->name))
      return refuse_same(keys[i].place->name, keys[i - 1].place->name, error);
  return true;
}

static bool are_different(const struct check *check, struct error *error) {
  struct key *keys = calloc(2 * check->count + 1, sizeof *keys);
  size_t count, end;
  bool ok = true;
  if (!keys) return error_memory(error, "comparing the names of files");
  count = make_keys(check, keys);
  qsort(keys, count, sizeof *keys, by_identity);
  for (size_t start = 0; ok && start < count; start = end) {
    for (end = start + 1; end < count && by_identity(&keys[start], &keys[end]) == 0;)
      end++;
    ok = end - start == 1 || may_share(check, keys + start, end - start, error);
  }
  free(keys);
  return ok;
}

/* Two names that differ in case alone are one file on some file systems. If neither exists, that is
 * unknown: one of them must change. */
static bool differ_in_case_alone(const struct place *one, const struct place *other) {
  return !one->exists && !other->exists && is_same(&one->folder, &other->folder) &&
         strcasecmp(one->rest, other->rest) == 0;
}

/* Whether `place` is one of the files NUMBERED.0001, NUMBERED.0002 and so on. */
static bool is_part_of(const struct place *place, const struct place *numbered) {
  size_t size = strlen(numbered->rest);
  const char *digits;
  if (!is_same(&place->folder, &numbered->folder)) return false;
  if (strncmp(place->rest, numbered->rest, size) != 0 || place->rest[size] != '.') return false;
  digits = place->rest + size + 1;
  return strlen(digits) >= 4 && strspn(digits, "0123456789") == strlen(digits);
}

/* Checks that the keys do not cover; `one` was given by the user and is written. */
static bool may_go_with(const struct place *one, const struct place *other, struct error *error) {
  if (one->name->use == NAME_NUMBERED && other->name->use != NAME_ROOT && is_part_of(other, one))
    return refuse(other->name, "would be a part of", one->name, " - name two different files",
                  error);
  if (other->name->use >= NAME_WRITE && is_given(other->name) && differ_in_case_alone(one, other))
    return refuse(one->name, "differs only in upper and lower case from", other->name,
                  " - name two different files", error);
  return true;
}

static bool written_ones_differ(const struct check *check, struct error *error) {
  for (size_t i = 0; i < check->count; i++) {
    const struct place *one = &check->places[i];
    if (one->name->use < NAME_WRITE || one->name->use == NAME_TARGET) continue;
    for (size_t j = 0; j < check->count; j++)
      if (j != i && !may_go_with(one, &check->places[j], error)) return false;
  }
  return true;
}

/* }================================================================== */

/* {==================================================================
** Folders
** =================================================================== */

/* The part of the path of `place` below `folder`, beginning with its slash; "" for the folder
 * itself. NULL if it is elsewhere. */
static const char *below(const struct place *place, const struct place *folder) {
  size_t size = strlen(folder->path);
  char part[PATH_MAX];
  struct identity one, other;
  if (strncmp(place->path, folder->path, size) == 0 &&
      (place->path[size] == '/' || place->path[size] == '\0'))
    return place->path + size;
  if (!stat_folder(folder->path, &other)) return NULL;
  for (size = strlen(place->path);; size--) { /* the folder may be mounted twice */
    snprintf(part, sizeof part, "%.*s", size > 0 ? (int)size : 1, place->path);
    if (stat_folder(part, &one) && is_same(&one, &other)) return place->path + size;
    while (size > 0 && place->path[size - 1] != '/')
      size--;
    if (size == 0) return NULL;
  }
}

/* Whether a walk of the folder would find it. */
static bool would_be_read(const struct place *place, const char *path_below) {
  const char *name = strrchr(place->path, '/') + 1;
  if (strstr(path_below, "/.")) return false;
  if (is_folder(place->name)) return true;
  return place->name->use != NAME_NUMBERED && format_is_known_name(name);
}

static bool may_lie_in(const struct place *place, const struct place *folder, struct error *error) {
  const char *path_below;
  if (place == folder || is_stream(place->name)) return true;
  if (folder->name->use == NAME_ROOT && place->name->use < NAME_WRITE) return true;
  path_below = below(place, folder);
  if (!path_below) return true;
  if (folder->name->use == NAME_OWN)
    return refuse(place->name, "is in", folder->name,
                  ", a folder that must hold nothing else - choose a place outside of it", error);
  if (!would_be_read(place, path_below)) return true;
  return refuse(place->name, "is in", folder->name,
                ", a folder that is read, so the next run would read it too - choose a place "
                "outside of it",
                error);
}

/* Of the files of one folder the first is enough. */
static bool is_another_of(const struct place *place, const struct place *before) {
  size_t size = (size_t)(strrchr(place->path, '/') - place->path);
  return !is_given(place->name) && !is_given(before->name) &&
         place->name->use == before->name->use && folder_size(before->path) == size + 1 &&
         memcmp(place->path, before->path, size) == 0;
}

static bool lie_well(const struct check *check, const struct place *folder, struct error *error) {
  for (size_t i = 0; i < check->count; i++) {
    const struct place *place = &check->places[i];
    if (place->name->use == NAME_FOUND || is_stream(place->name)) continue;
    if (i > 0 && !is_stream(place[-1].name) && is_another_of(place, place - 1)) continue;
    if (!may_lie_in(place, folder, error)) return false;
  }
  return true;
}

static bool folders_are_free(const struct check *check, struct error *error) {
  for (size_t i = 0; i < check->count; i++) {
    enum name_use use = check->places[i].name->use;
    if ((use == NAME_ROOT || use == NAME_OWN) && !lie_well(check, &check->places[i], error))
      return false;
  }
  return true;
}

/* }================================================================== */

static bool find_places(struct check *check, const struct name *names, size_t count,
                        struct error *error) {
  for (; check->count < count; check->count++) {
    struct place *place = &check->places[check->count];
    place->name = &names[check->count];
    if (!locate(place, check->count > 0 ? place - 1 : NULL, error)) return false;
    if (check->task && task_cancelled(check->task)) {
      error_set(error, ERROR_CANCELLED, "comparing the names of files was cancelled");
      return false;
    }
  }
  return true;
}

/* A rename cannot replace what is not a file; better to report that before hours of work. */
static bool can_be_written(const struct name *names, size_t count, struct error *error) {
  for (size_t i = 0; i < count; i++)
    if ((names[i].use == NAME_WRITE || names[i].use == NAME_NUMBERED) && !is_stream(&names[i]) &&
        !file_can_be_target(names[i].path, error))
      return false;
  return true;
}

bool names_check(const struct name *names, size_t count, const struct names_rules *rules,
                 struct task *task, struct error *error) {
  struct check check = {rules, task, calloc(count + 1, sizeof *check.places), 0};
  bool ok;
  if (!check.places) return error_memory(error, "comparing the names of files");
  ok = find_places(&check, names, count, error) && folders_are_free(&check, error) &&
       are_different(&check, error) && written_ones_differ(&check, error) &&
       can_be_written(names, count, error);
  for (size_t i = 0; i < count; i++)
    free(check.places[i].path);
  free(check.places);
  return ok;
}
