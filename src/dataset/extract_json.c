/* extract_json.c - extraction from JSON
 *
 * Parsing is what costs, so lines are parsed by several threads (lines.h).
 */
#include <stdlib.h>
#include <string.h>

#include "dataset/extraction.h"
#include "dataset/lines.h"
#include "dataset/record.h"

enum {
  PROGRESS_EVERY = 256, /* records */
  FIRST_ROOM = 1024,
};

/* What was found in some records. */
struct found {
  uint64_t records, empty;
  uint64_t *ids;
  size_t id_count, id_room;
  struct error *problems; /* malformed records, in order */
  size_t problem_count, problem_room;
  bool no_memory;
};

static void *more(struct found *found, void *things, size_t count, size_t *room, size_t size) {
  size_t larger = *room ? 2 * *room : FIRST_ROOM;
  void *moved;
  if (count < *room) return things;
  moved = realloc(things, larger * size);
  if (moved)
    *room = larger;
  else
    found->no_memory = true;
  return moved ? moved : things;
}

static void add_found(struct found *found, uint64_t id) {
  found->ids = more(found, found->ids, found->id_count, &found->id_room, sizeof *found->ids);
  if (!found->no_memory) found->ids[found->id_count++] = id;
}

static void add_problem(struct found *found, const struct error *error) {
  found->problems = more(found, found->problems, found->problem_count, &found->problem_room,
                         sizeof *found->problems);
  if (!found->no_memory) found->problems[found->problem_count++] = *error;
}

static void clear(struct found *found) {
  found->records = found->empty = 0;
  found->id_count = found->problem_count = 0;
  found->no_memory = false;
}

static void free_found(struct found *found) {
  free(found->ids);
  free(found->problems);
}

/* Gives what was found to the run, and clears it. Returns whether the run goes on. */
static bool hand_over(struct extraction *x, struct found *found, struct error *error) {
  if (found->no_memory) return extraction_no_memory(x, error);
  for (size_t i = 0; i < found->id_count; i++)
    if (!extraction_add(x, found->ids[i], error)) return false;
  x->counts.records += found->records;
  x->counts.empty += found->empty;
  for (size_t i = 0; i < found->problem_count; i++) {
    *error = found->problems[i];
    if (!extraction_pass_over(x, error)) return false;
  }
  clear(found);
  extraction_progress(x);
  return !extraction_cancelled(x, error);
}

/* Records */

static bool is_top_level(const struct record_object *object) {
  switch (object->position) {
  case AT_ROOT:
  case AT_ROOT_ELEMENT:
  case AT_DATA:
  case AT_DATA_ELEMENT:
  case AT_STATUSES_ELEMENT: return true;
  default: return false;
  }
}

static bool is_wanted(const struct extract_options *options, const struct record_id *id,
                      const struct record_object *object) {
  if (options->top_level && !is_top_level(object)) return false;
  if (options->type == EXTRACT_TWEETS) return id->role == ID_OWN && object->kind == RECORD_TWEET;
  return id->role == ID_AUTHOR || (id->role == ID_OWN && object->kind == RECORD_USER);
}

/* Returns false where the record is malformed, or memory is short. */
static bool find_ids(const struct extraction *x, struct record *record,
                     const struct reader_record *text, struct found *found) {
  size_t before = found->id_count;
  struct error error;
  if (!record_walk(record, x->reader->path, text, &error)) {
    if (error.code == ERROR_MEMORY) found->no_memory = true;
    add_problem(found, &error);
    return false;
  }
  for (uint32_t i = 0; i < record->id_count; i++)
    if (is_wanted(&x->options, &record->ids[i], &record->objects[record->ids[i].object]))
      add_found(found, record->ids[i].id);
  found->records++;
  found->empty += found->id_count == before;
  return !found->no_memory;
}

/* Values over any number of lines: by one thread, since they must be read to be cut */

static bool read_values(struct extraction *x, struct record *record, struct found *found,
                        struct error *error) {
  struct reader_record text;
  enum reader_step step;
  while ((step = reader_next(x->reader, READER_VALUES, &text, error)) == READER_RECORD) {
    bool good = find_ids(x, record, &text, found);
    if (good && found->records < PROGRESS_EVERY) continue;
    if (!hand_over(x, found, error)) return false;
  }
  if (step == READER_END) return hand_over(x, found, error);
  /* what came before the problem counts, if the run goes on */
  struct error kept = *error;
  if (!hand_over(x, found, error)) return false;
  *error = kept;
  return false;
}

bool extract_json_values(struct extraction *x, struct error *error) {
  struct record *record = record_new(RECORD_IDS);
  struct found found = {0};
  bool done = record ? read_values(x, record, &found, error) : extraction_no_memory(x, error);
  record_free(record);
  free_found(&found);
  return done;
}

/* Lines: by several threads */

/* What one thread has for itself. */
struct worker {
  struct record *record;
  struct found found;
};

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

/* Malformed records are handed over before they become many. */
static bool parse_lines(void *context, void *state, const struct lines_piece *piece,
                        struct lines_turn *turn) {
  struct worker *worker = state;
  const char *at = piece->text, *end = at + piece->size;
  for (uint64_t line = piece->line; at < end; line++) {
    const char *feed = memchr(at, '\n', (size_t)(end - at)), *start = at, *stop;
    struct reader_record text = {.line = line};
    stop = feed ? feed : end;
    at = stop + 1;
    while (start < stop && is_blank(*start))
      start++;
    while (stop > start && is_blank(stop[-1]))
      stop--;
    if (start == stop) continue;
    text.text = start;
    text.size = (size_t)(stop - start);
    text.byte = piece->byte + (uint64_t)(start - piece->text);
    if (!find_ids(context, worker->record, &text, &worker->found) && !lines_hand_over(turn))
      return false;
  }
  return true;
}

static bool take_found(void *context, void *state, struct error *error) {
  struct worker *worker = state;
  return hand_over(context, &worker->found, error);
}

static bool run_workers(struct extraction *x, struct worker *workers, unsigned count,
                        struct error *error) {
  const struct lines_work work = {x, parse_lines, take_found};
  for (unsigned i = 0; i < count; i++) {
    workers[i].record = record_new(RECORD_IDS);
    if (!workers[i].record) return extraction_no_memory(x, error);
  }
  return lines_parse(x->reader, &work, workers, sizeof *workers, count, error);
}

bool extract_json_lines(struct extraction *x, struct error *error) {
  unsigned count = lines_threads(x->reader, x->options.jobs);
  struct worker *workers = calloc(count, sizeof *workers);
  bool done = workers ? run_workers(x, workers, count, error) : extraction_no_memory(x, error);
  for (unsigned i = 0; workers && i < count; i++) {
    record_free(workers[i].record);
    free_found(&workers[i].found);
  }
  free(workers);
  return done;
}
