/* renames.c - see renames.h
 *
 * The note is text, each field ended by a zero byte: a line that names the form, then for each
 * rename `from`, `to`, what identifies the finished file, what identifies the file that it
 * replaces, and "1" if it must come first. A note takes its name when it is complete, so a note
 * that exists is complete.
 */
#include "dataset/files/renames.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataset/bytes/leftover.h"
#include "file.h"

enum { IDENTITY = 128 };

static const char FORM[] = "xcompliance renames 1";

char *renames_path(const char *quarantine, bool folder) {
  size_t size = strlen(quarantine);
  const char *name;
  char *path;
  int made;
  while (size > 1 && quarantine[size - 1] == '/')
    size--;
  name = memrchr(quarantine, '/', size);
  name = name && size > 1 ? name + 1 : quarantine;
  if (folder)
    made = asprintf(&path, "%.*s/.renames", (int)size, quarantine);
  else
    made = asprintf(&path, "%.*s.%.*s.renames", (int)(name - quarantine), quarantine,
                    (int)(size - (size_t)(name - quarantine)), name);
  return made < 0 ? NULL : path;
}

/* What identifies a file: "" if there is none. */
static void identify(const char *path, char identity[IDENTITY]) {
  struct stat status;
  identity[0] = '\0';
  if (stat(path, &status) == 0)
    snprintf(identity, IDENTITY, "%llu %llu %llu %lld.%09ld", (unsigned long long)status.st_dev,
             (unsigned long long)status.st_ino, (unsigned long long)status.st_size,
             (long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

static void print(FILE *file, const char *field) {
  fwrite(field, 1, strlen(field) + 1, file);
}

static char *print_all(const struct rename *list, size_t count, size_t *size) {
  char *text = NULL, identity[IDENTITY];
  FILE *file = open_memstream(&text, size);
  if (!file) return NULL;
  print(file, FORM);
  for (int first = 1; first >= 0; first--)
    for (size_t i = 0; i < count; i++) {
      if (list[i].first != (first == 1)) continue;
      print(file, list[i].from);
      print(file, list[i].to);
      identify(list[i].from, identity);
      print(file, identity);
      identify(list[i].to, identity);
      print(file, identity);
      print(file, first ? "1" : "");
    }
  if (fclose(file) == 0) return text;
  free(text);
  return NULL;
}

bool renames_begin(const char *path, const struct rename *list, size_t count, struct error *error) {
  size_t size;
  char *text = print_all(list, count, &size), *temporary;
  int descriptor;
  bool done;
  if (!text) return error_memory(error, "writing %s", path);
  descriptor = leftover_create_beside(path, &temporary, error);
  done = descriptor >= 0 && file_write(descriptor, text, size, temporary, error) &&
         file_publish(descriptor, temporary, path, error);
  if (descriptor >= 0) {
    if (!done) unlink(temporary);
    close(descriptor);
    free(temporary);
  }
  free(text);
  return done;
}

void renames_end(const char *path) {
  unlink(path);
}

/* A rename in the note. */
struct noted {
  const char *from, *to, *finished, *replaced;
  bool first;
};

/* The next field of text[*at .. size), which ends in a zero byte; NULL if there is none. */
static const char *next_field(const char *text, size_t size, size_t *at) {
  const char *field = text + *at;
  if (*at >= size) return NULL;
  *at += strlen(field) + 1;
  return field;
}

static bool next_noted(const char *text, size_t size, size_t *at, struct noted *noted) {
  const char *first;
  noted->from = next_field(text, size, at);
  noted->to = next_field(text, size, at);
  noted->finished = next_field(text, size, at);
  noted->replaced = next_field(text, size, at);
  first = next_field(text, size, at);
  noted->first = first && *first;
  return first != NULL;
}

static bool is(const char *path, const char *identity) {
  char now[IDENTITY];
  identify(path, now);
  return strcmp(now, identity) == 0;
}

/* Gives the finished file its name if that is still to be done. Sets `*may` to false if that fails
 * for one that must come before the others. */
static bool complete(const struct noted *noted, bool *may, struct error *error) {
  bool there = noted->finished[0] && is(noted->from, noted->finished), done = true;
  int descriptor;
  if (!there && noted->first && !is(noted->to, noted->finished)) *may = false;
  if (!there) return true;
  if (!is(noted->to, noted->replaced)) {
    if (noted->first) *may = false;
    return true;
  }
  descriptor = file_open(noted->from, NULL, error);
  if (descriptor < 0) return false;
  done = file_publish(descriptor, noted->from, noted->to, error);
  close(descriptor);
  return done;
}

static bool complete_all(const char *path, const char *text, size_t size, struct error *error) {
  size_t at = 0;
  const char *form = next_field(text, size, &at);
  struct noted noted;
  bool may = true;
  if (!form || strcmp(form, FORM) != 0) {
    error_at(error, ERROR_DATA, path, 0, 0,
             "is not a list of renames that this version can read - remove it; records that an "
             "interrupted run has quarantined may then be quarantined again");
    return false;
  }
  while (may && next_noted(text, size, &at, &noted))
    if (!complete(&noted, &may, error)) return false;
  return true;
}

bool renames_complete(const char *path, struct error *error) {
  struct stat status;
  char *text;
  int descriptor;
  int64_t got = -1;
  bool done = false;
  if (access(path, F_OK) != 0) return true;
  descriptor = file_open(path, &status, error);
  if (descriptor < 0) return false;
  text = malloc((size_t)status.st_size + 1);
  if (!text)
    error_memory(error, "writing %s", path);
  else
    got = file_read(descriptor, text, (size_t)status.st_size, 0, path, error);
  if (got >= 0) {
    text[got] = '\0';
    done = complete_all(path, text, (size_t)got, error);
  }
  close(descriptor);
  free(text);
  if (done) renames_end(path);
  return done;
}
