/* extract_json.c - extraction from JSON
 *
 * Parsing is what costs, so lines are parsed by several threads. Each takes a piece of whole lines
 * under one lock, parses it alone, and hands over what it found when all pieces before it have been
 * handed over: so the first error is the first one in the file, and the list of malformed records
 * is in its order, whichever thread was faster.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataset/extraction.h"
#include "dataset/record.h"

enum {
  PIECE = 1 << 18, /* bytes taken at a time, or one line */
  JOBS_MAX = 64,
  WORTH_A_THREAD = 8 << 20, /* bytes: smaller files are read by one */
  PROGRESS_EVERY = 256,     /* records */
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

/* Gives what was found to the run. Returns whether it goes on. */
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
    clear(found);
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

struct lines {
  struct extraction *x;
  bool shared; /* by more than one thread */

  pthread_mutex_t reading; /* for the reader, and: */
  uint64_t taken;          /* pieces */

  pthread_mutex_t turning; /* for the extraction, and: */
  pthread_cond_t turned;
  uint64_t turn; /* pieces that have been handed over */
  bool stopped;  /* `error` says why */
  struct error error;
};

/* What each thread has for itself. */
struct worker {
  struct lines *lines;
  pthread_t thread;
  struct record *record;
  struct found found;
  char *buffer; /* of `room` bytes and padding */
  size_t room;
  /* the piece */
  const char *text;
  size_t size;
  uint64_t number, line, byte;
};

/* How much of the window is whole lines, but not much more than a piece; 0: it must be filled. */
static size_t whole_lines(const struct reader *reader) {
  const char *end;
  if (reader->ended && reader->size <= PIECE) return reader->size;
  if (reader->size > PIECE && (end = memrchr(reader->text, '\n', PIECE)))
    return (size_t)(end + 1 - reader->text);
  end = memchr(reader->text, '\n', reader->size); /* the window is short, or the line is long */
  if (end && reader->size <= PIECE) end = memrchr(reader->text, '\n', reader->size);
  if (end) return (size_t)(end + 1 - reader->text);
  return reader->ended ? reader->size : 0;
}

/* Others will move the window on. */
static bool copy_piece(struct worker *worker, struct error *error) {
  if (!worker->lines->shared || worker->size == 0) return true;
  if (worker->size > worker->room) {
    char *buffer = realloc(worker->buffer, worker->size + READER_PADDING);
    if (!buffer) return extraction_no_memory(worker->lines->x, error);
    worker->buffer = buffer;
    worker->room = worker->size;
  }
  memcpy(worker->buffer, worker->text, worker->size);
  memset(worker->buffer + worker->size, 0, READER_PADDING);
  worker->text = worker->buffer;
  return true;
}

/* Takes the next piece: of no bytes when the file has ended. */
static bool take_piece(struct worker *worker, struct error *error) {
  struct lines *lines = worker->lines;
  struct reader *reader = lines->x->reader;
  size_t size;
  while ((size = whole_lines(reader)) == 0 && !reader->ended)
    if (!reader_fill(reader, error)) return false;
  worker->text = reader->text;
  worker->size = size;
  worker->line = reader_line(reader, reader->text);
  worker->byte = reader->byte;
  reader_consume(reader, size);
  return copy_piece(worker, error);
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

/* Waits until all pieces before this one have been handed over, and gives what was found so far.
 * False where the run has stopped. */
static bool give(struct worker *worker, struct error *problem, bool last) {
  struct lines *lines = worker->lines;
  bool goes_on;
  pthread_mutex_lock(&lines->turning);
  while (lines->turn < worker->number && !lines->stopped)
    pthread_cond_wait(&lines->turned, &lines->turning);
  if (!lines->stopped) {
    lines->stopped = !hand_over(lines->x, &worker->found, &lines->error);
    if (!lines->stopped && problem) {
      lines->stopped = true;
      lines->error = *problem;
    }
  }
  goes_on = !lines->stopped;
  if (last || !goes_on) {
    lines->turn++;
    pthread_cond_broadcast(&lines->turned);
  }
  pthread_mutex_unlock(&lines->turning);
  clear(&worker->found);
  return goes_on;
}

/* Parses the piece. Malformed records are handed over before they become many. */
static bool parse_piece(struct worker *worker) {
  const char *at = worker->text, *end = at + worker->size;
  for (uint64_t line = worker->line; at < end; line++) {
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
    text.byte = worker->byte + (uint64_t)(start - worker->text);
    if (!find_ids(worker->lines->x, worker->record, &text, &worker->found) &&
        !give(worker, NULL, false))
      return false;
  }
  return true;
}

static void *work(void *argument) {
  struct worker *worker = argument;
  struct lines *lines = worker->lines;
  for (;;) {
    struct error error;
    bool taken;
    pthread_mutex_lock(&lines->reading);
    worker->number = lines->taken++;
    taken = take_piece(worker, &error);
    pthread_mutex_unlock(&lines->reading);
    if (!taken) worker->size = 0;
    if (!parse_piece(worker) || !give(worker, taken ? NULL : &error, true)) return NULL;
    if (worker->size == 0) return NULL;
  }
}

static void release(struct worker *workers, unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    record_free(workers[i].record);
    free_found(&workers[i].found);
    free(workers[i].buffer);
  }
}

/* The calling thread works too. Threads that cannot be had are done without. */
static bool run_workers(struct lines *lines, struct worker *workers, unsigned count) {
  unsigned started = 1;
  for (unsigned i = 0; i < count; i++) {
    workers[i].lines = lines;
    workers[i].record = record_new(RECORD_IDS);
    if (!workers[i].record) return extraction_no_memory(lines->x, &lines->error);
  }
  while (started < count &&
         pthread_create(&workers[started].thread, NULL, work, &workers[started]) == 0)
    started++;
  work(&workers[0]);
  for (unsigned i = 1; i < started; i++)
    pthread_join(workers[i].thread, NULL);
  return !lines->stopped;
}

/* As many as there are processors, if there is enough to do. */
static unsigned count_workers(const struct extraction *x) {
  uint64_t total = reader_total(x->reader);
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  unsigned jobs = x->options.jobs ? x->options.jobs : (unsigned)(processors > 0 ? processors : 1);
  if (total > 0 && total < WORTH_A_THREAD) return 1;
  return jobs < JOBS_MAX ? jobs : JOBS_MAX;
}

bool extract_json_lines(struct extraction *x, struct error *error) {
  unsigned count = count_workers(x);
  struct worker *workers = calloc(count, sizeof *workers);
  struct lines lines = {.x = x, .shared = count > 1};
  bool done;
  if (!workers) return extraction_no_memory(x, error);
  pthread_mutex_init(&lines.reading, NULL);
  pthread_mutex_init(&lines.turning, NULL);
  pthread_cond_init(&lines.turned, NULL);
  done = run_workers(&lines, workers, count);
  if (!done) *error = lines.error;
  release(workers, count);
  free(workers);
  pthread_mutex_destroy(&lines.reading);
  pthread_mutex_destroy(&lines.turning);
  pthread_cond_destroy(&lines.turned);
  return done;
}
