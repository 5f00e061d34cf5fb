/* verdicts_export.c - see verdicts_export.h */
#include "dataset/verdicts/verdicts_export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dataset/bytes/leftover.h"
#include "dataset/bytes/reader.h"
#include "dataset/bytes/writer.h"
#include "dataset/lists/id_set.h"
#include "dataset/text/id.h"

enum { BUFFER = 1 << 17, LINE_MAX_SIZE = 80, NOW_AND_THEN = 1 << 16 };

struct export {
  struct task task;
  struct verdicts_export_options options; /* its strings are owned */
  struct verdicts_export_counts counts;
  struct writer *writer;
  size_t used;
  char buffer[BUFFER];
};

void time_format(uint32_t seconds, char text[TIME_TEXT]) {
  time_t time = (time_t)seconds;
  struct tm parts;
  gmtime_r(&time, &parts);
  strftime(text, TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

/* {==================================================================
** Lines
** =================================================================== */

static bool flush(struct export *l, struct error *error) {
  struct iovec piece = {l->buffer, l->used};
  l->used = 0;
  return piece.iov_len == 0 || writer_write(l->writer, &piece, 1, error);
}

static void put(struct export *l, const char *text) {
  size_t size = strlen(text);
  memcpy(l->buffer + l->used, text, size);
  l->used += size;
}

static bool put_id(struct export *l, uint64_t id, struct error *error) {
  if (l->used > BUFFER - LINE_MAX_SIZE && !flush(l, error)) return false;
  l->used += id_format(id, l->buffer + l->used);
  l->counts.lines++;
  return true;
}

/* The line of an id of the list. `facts` 0: it has no verdict. */
static bool list_id(struct export *l, uint64_t id, const struct verdict *verdict,
                    struct error *error) {
  const char *reason = fact_reason(verdict->facts);
  char time[TIME_TEXT] = "";
  uint32_t lowest = verdict->facts & (0 - verdict->facts);
  l->counts.asked++;
  if (lowest)
    l->counts.by_fact[__builtin_ctz(lowest)]++;
  else
    l->counts.compliant++;
  if (l->options.facts && !(lowest & l->options.facts)) return true;
  if (!put_id(l, id, error)) return false;
  if (!l->options.facts) {
    if (verdict->redacted_at) time_format(verdict->redacted_at, time);
    put(l, ",");
    put(l, fact_outcome(verdict->facts));
    put(l, ",");
    put(l, reason ? reason : "");
    put(l, ",");
    put(l, time);
  }
  put(l, "\n");
  return true;
}

/* }================================================================== */

/* {==================================================================
** Ids of a list
** =================================================================== */

static bool list_line(struct export *l, struct reader *reader, const char *text, size_t size,
                      struct error *error) {
  const struct verdict_set *set = &l->options.verdicts->sets[l->options.type];
  struct verdict verdict = {0};
  char complaint[ID_COMPLAINT];
  uint64_t id;
  while (size > 0 && strchr(" \t\r", text[size - 1]))
    size--;
  while (size > 0 && (*text == ' ' || *text == '\t')) {
    text++;
    size--;
  }
  if (size == 0) return true;
  id = id_parse(text, size);
  if (id == 0) {
    id_complain(text, size, complaint);
    error_at(error, ERROR_DATA, reader->path, reader_line(reader, text),
             reader->byte + (uint64_t)(text - reader->text), "%s", complaint);
    return false;
  }
  verdicts_find(set, id, &verdict);
  return list_id(l, id, &verdict, error);
}

static bool list_window(struct export *l, struct reader *reader, struct error *error) {
  const char *start = reader->text, *end = start + reader->size, *feed;
  while (start < end && (feed = memchr(start, '\n', (size_t)(end - start)))) {
    if (!list_line(l, reader, start, (size_t)(feed - start), error)) return false;
    start = feed + 1;
  }
  if (reader->ended && start < end) {
    if (!list_line(l, reader, start, (size_t)(end - start), error)) return false;
    start = end;
  }
  reader_consume(reader, (size_t)(start - reader->text));
  task_set(&l->task, VERDICTS_EXPORT_BYTES, reader_done(reader));
  task_set(&l->task, VERDICTS_EXPORT_LINES, l->counts.asked);
  return true;
}

static bool has_ids(const struct export *l, struct error *error) {
  if (l->counts.asked > 0) return true;
  error_at(error, ERROR_DATA, l->options.ids, 0, 0, "holds no ids: there is nothing to list");
  return false;
}

/* Results are always about ids that were in the upload. */
static bool have_ids_in_common(const struct export *l, struct error *error) {
  static const char *const names[VERDICTS_TYPES] = {"tweets", "users"};
  const struct verdict_set *set = &l->options.verdicts->sets[l->options.type];
  if (set->count == 0 || l->counts.asked == 0 || l->counts.compliant < l->counts.asked) return true;
  error_at(error, ERROR_DATA, l->options.ids, 0, 0,
           "none of its %llu %s%s is in the results of %s, so these are the results of another "
           "list, or of the other type - give the results of this list",
           COUNTED(l->counts.asked, "id"), names[l->options.type]);
  return false;
}

static bool list_asked(struct export *l, struct error *error) {
  struct reader *reader = reader_open(l->options.ids, &l->task, error);
  bool done = reader != NULL;
  if (!done) return false;
  task_set(&l->task, VERDICTS_EXPORT_TOTAL, reader_total(reader));
  if (!l->options.facts) put(l, "id,outcome,reason,redacted_at\n");
  while ((done = list_window(l, reader, error)) && !reader->ended)
    if (!(done = reader_fill(reader, error))) break;
  done = done && list_window(l, reader, error);
  reader_close(reader);
  return done && has_ids(l, error) && have_ids_in_common(l, error);
}

/* }================================================================== */

/* {==================================================================
** All verdicts
** =================================================================== */

static bool is_cancelled(struct export *l, uint64_t i) {
  return i % NOW_AND_THEN == 0 && task_cancelled(&l->task);
}

/* Sorted by id; the facts of each are looked up again. */
static bool list_all(struct export *l, struct error *error) {
  const struct verdict_set *set = &l->options.verdicts->sets[l->options.type];
  uint64_t *ids = malloc((set->count + 1) * sizeof *ids);
  uint64_t *scratch = malloc((set->count + 1) * sizeof *scratch);
  bool done = ids && scratch;
  size_t count = 0;
  if (!done) error_memory(error, "listing verdicts");
  if (done && !l->options.facts) put(l, "id,outcome,reason,redacted_at\n");
  for (uint64_t i = 0; done && i < set->count && !is_cancelled(l, i); i++)
    ids[count++] = verdicts_at(set, i).id;
  if (done && count > 0) count = id_sort(ids, scratch, count, &l->task);
  for (size_t i = 0; done && i < count && !is_cancelled(l, i); i++) {
    struct verdict verdict = {0};
    verdicts_find(set, ids[i], &verdict);
    done = list_id(l, ids[i], &verdict, error);
  }
  free(ids);
  free(scratch);
  return done;
}

/* }================================================================== */

static bool list(struct export *l, struct error *error) {
  size_t size;
  struct writer_options options = {.target = l->options.output,
                                   .packing = packing_of_name(l->options.output, &size),
                                   .task = &l->task};
  if (strcmp(l->options.output, "-") != 0) leftover_remove(l->options.output);
  l->writer = writer_open(&options, error);
  if (!l->writer || !(l->options.ids ? list_asked(l, error) : list_all(l, error))) return false;
  if (task_cancelled(&l->task)) {
    error_set(error, ERROR_CANCELLED, "listing verdicts was cancelled");
    return false;
  }
  return flush(l, error) && writer_finish(l->writer, error) && writer_publish(l->writer, error);
}

static void run(struct task *task) {
  struct export *l = (struct export *)task;
  struct error error = {0};
  if (!list(l, &error)) task->error = error;
  writer_free(l->writer);
  l->writer = NULL;
}

static void destroy(struct task *task) {
  struct export *l = (struct export *)task;
  writer_free(l->writer);
  verdicts_release(l->options.verdicts);
  free((void *)l->options.ids);
  free((void *)l->options.output);
  free(l);
}

struct task *verdicts_export_start(const struct verdicts_export_options *options,
                                   struct error *error) {
  static const struct task_kind kind = {
      .name = "list of verdicts",
      .counters = {"bytes", "total", "lines", NULL},
      .run = run,
      .destroy = destroy,
  };
  struct export *l = calloc(1, sizeof *l);
  if (!l) {
    error_memory(error, "listing verdicts");
    return NULL;
  }
  l->options = *options;
  verdicts_retain(l->options.verdicts);
  l->options.ids = options->ids ? strdup(options->ids) : NULL;
  l->options.output = strdup(options->output);
  if (!l->options.output || (options->ids && !l->options.ids)) {
    error_memory(error, "listing verdicts");
  } else {
    return task_launch(&l->task, &kind, error);
  }
  destroy(&l->task);
  return NULL;
}

const struct verdicts_export_counts *verdicts_export_counts(const struct task *task) {
  return &((const struct export *)task)->counts;
}
