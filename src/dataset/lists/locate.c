/* locate.c - see locate.h */
#include "dataset/lists/locate.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "characters.h"
#include "dataset/bytes/reader.h"
#include "dataset/text/id.h"
#include "memory.h"

struct search {
  struct task task;
  uint64_t *ids; /* ascending */
  size_t id_count;
  char **paths;
  struct locate_place *places;
  size_t place_count, place_room;
};

static int by_number(const void *one, const void *other) {
  uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;
  return a < b ? -1 : a > b;
}

/* Adds a place, once per line. */
static bool add(struct search *search, uint64_t id, size_t path, uint64_t line) {
  for (size_t i = search->place_count; i-- > 0;) {
    const struct locate_place *place = &search->places[i];
    if (place->path != path || place->line != line) break;
    if (place->id == id) return true;
  }
  if (!memory_reserve(&search->places, &search->place_room, search->place_count + 1,
                      sizeof *search->places))
    return false;
  search->places[search->place_count++] = (struct locate_place){id, line, path};
  return true;
}

/* The numbers of text[0 .. size), which is whole lines. */
static bool search_lines(struct search *search, const char *text, size_t size, size_t path,
                         uint64_t line) {
  for (size_t at = 0; at < size;) {
    uint64_t id;
    if (!is_digit(text[at])) {
      line += text[at++] == '\n';
      continue;
    }
    if (id_read(text + at, &id) > 0 &&
        bsearch(&id, search->ids, search->id_count, sizeof id, by_number) &&
        !add(search, id, path, line))
      return false;
    while (at < size && is_digit(text[at]))
      at++;
  }
  return true;
}

static bool search_reader(struct search *search, struct reader *reader, size_t path,
                          struct error *error) {
  for (;;) {
    const char *feed = reader->size ? memrchr(reader->text, '\n', reader->size) : NULL;
    size_t size = reader->ended ? reader->size : feed ? (size_t)(feed + 1 - reader->text) : 0;
    uint64_t line = reader_line(reader, reader->text);
    if (!search_lines(search, reader->text, size, path, line))
      return error_memory(error, "looking for ids");
    reader_consume(reader, size);
    if (reader->ended) return true;
    if (!reader_fill(reader, error)) return false;
  }
}

static bool search_file(struct search *search, size_t path, struct error *error) {
  struct reader *reader = reader_open(search->paths[path], &search->task, error);
  bool done;
  if (!reader) return false;
  done = search_reader(search, reader, path, error);
  reader_close(reader);
  return done;
}

static void run(struct task *task) {
  struct search *search = (struct search *)task;
  struct error error;
  for (size_t i = 0; search->paths[i] && search->id_count > 0; i++) {
    if (search_file(search, i, &error)) continue;
    task->error = error;
    return;
  }
}

static void destroy(struct task *task) {
  struct search *search = (struct search *)task;
  memory_free_strings(search->paths);
  free(search->ids);
  free(search->places);
  free(search);
}

static bool copy(struct search *search, const uint64_t *ids, size_t count,
                 const char *const *paths) {
  search->ids = malloc((count + 1) * sizeof *ids);
  search->paths = memory_copy_strings(paths);
  if (!search->ids || !search->paths) return false;
  if (count > 0) memcpy(search->ids, ids, count * sizeof *ids);
  search->id_count = count;
  qsort(search->ids, count, sizeof *ids, by_number);
  return true;
}

struct task *locate_start(const uint64_t *ids, size_t count, const char *const *paths,
                          struct error *error) {
  static const struct task_kind kind = {.name = "search for ids", .run = run, .destroy = destroy};
  struct search *search = calloc(1, sizeof *search);
  if (!search || !copy(search, ids, count, paths)) {
    error_memory(error, "looking for ids");
  } else {
    return task_launch(&search->task, &kind, error);
  }
  if (search) destroy(&search->task);
  return NULL;
}

const struct locate_place *locate_place(const struct task *task, size_t i) {
  const struct search *search = (const struct search *)task;
  return i < search->place_count ? &search->places[i] : NULL;
}

const char *locate_path(const struct task *task, size_t path) {
  return ((const struct search *)task)->paths[path];
}
