/* extraction.c - see extraction.h */
#include "dataset/extraction/extraction.h"

#include <stdlib.h>
#include <string.h>

#include "dataset/text/id.h"
#include "dataset/text/id_form.h"
#include "memory.h"

enum { IDS_ENOUGH = 1 << 16 };

void extraction_show_progress(struct extraction_run *run) {
  task_set(&run->task, EXTRACT_BYTES,
           run->bytes_before + atomic_load(&run->bytes_beside) +
               (run->reader ? reader_done(run->reader) : 0));
  task_set(&run->task, EXTRACT_RECORDS, run->counts.records);
  pthread_mutex_lock(&run->adding);
  task_set(&run->task, EXTRACT_IDS_SEEN, run->counts.ids_seen);
  pthread_mutex_unlock(&run->adding);
}

bool extraction_is_cancelled(struct extraction_run *run, struct error *error) {
  if (!task_cancelled(&run->task)) return false;
  error_set(error, ERROR_CANCELLED, "the extraction was cancelled");
  return true;
}

void extraction_count_bytes(struct extraction *x) {
  uint64_t done;
  if (!x->own_file) return;
  done = reader_done(x->own_file);
  atomic_fetch_add(&x->run->bytes_beside, done - x->own_bytes);
  x->own_bytes = done;
}

static bool take_problem(const struct extraction *x, const struct error *problem,
                         struct error *error) {
  struct extraction_run *run = x->run;
  if (problem->code == ERROR_DATA && run->malformed) {
    run->counts.classes.malformed++;
    run->files[x->file].malformed++;
    return malformed_add(run->malformed, problem, error);
  }
  *error = *problem;
  return false;
}

static void add_classes(struct extract_classes *to, const struct extract_classes *from) {
  to->recognised += from->recognised;
  to->notices += from->notices;
  to->unrecognised += from->unrecognised;
  to->without_author += from->without_author;
}

/* The ids are sorted in the end, so they need not wait for their turn. */
static bool add_ids(struct extraction *x, struct error *error) {
  struct extraction_run *run = x->run;
  bool added = true;
  pthread_mutex_lock(&run->adding);
  for (size_t i = 0; added && i < x->id_count; i++)
    added = id_set_add(run->ids, x->ids[i], error);
  run->counts.ids_seen += x->id_count;
  pthread_mutex_unlock(&run->adding);
  x->id_count = 0;
  return added;
}

/* Takes what a thread has found, and clears it. */
static bool take_found(struct extraction *x, struct error *error) {
  struct extraction_run *run = x->run;
  if (x->failure.code != ERROR_NONE) {
    *error = x->failure;
    return false;
  }
  if (!add_ids(x, error)) return false;
  run->counts.files += x->counts.files;
  run->counts.records += x->counts.records;
  run->counts.empty += x->counts.empty;
  x->counts.classes.recognised =
      x->counts.records - x->counts.classes.notices - x->counts.classes.unrecognised;
  add_classes(&run->counts.classes, &x->counts.classes);
  add_classes(&run->files[x->file], &x->counts.classes);
  memset(&x->counts, 0, sizeof x->counts);
  for (size_t i = 0; i < x->problem_count; i++)
    if (!take_problem(x, &x->problems[i], error)) return false;
  x->problem_count = 0;
  extraction_show_progress(run);
  return !extraction_is_cancelled(run, error);
}

bool extraction_hand_over(struct extraction *x, struct error *error) {
  return x->turn ? turns_hand_over(x->turn) : take_found(x, error);
}

bool extraction_progress(struct extraction *x, struct error *error) {
  extraction_count_bytes(x);
  return x->turn ? !extraction_is_cancelled(x->run, error) : take_found(x, error);
}

bool extraction_make_room(struct extraction *x, struct error *error) {
  if (x->id_count >= IDS_ENOUGH) return add_ids(x, error) || extraction_skip(x, error);
  return memory_grow(&x->ids, &x->id_room, x->id_count + 1, sizeof *x->ids) ||
         extraction_no_memory(x, error);
}

bool extraction_fail(struct extraction *x, const struct error *error) {
  if (x->turn) { /* nobody else looks at `error` */
    x->failure = *error;
    turns_hand_over(x->turn);
  }
  return false;
}

bool extraction_no_memory(struct extraction *x, struct error *error) {
  error_memory(error, "extracting ids%s%s", x->reader ? " of " : "",
               x->reader ? x->reader->path : "");
  return extraction_fail(x, error);
}

bool extraction_skip(struct extraction *x, struct error *error) {
  if (!memory_reserve(&x->problems, &x->problem_room, x->problem_count + 1, sizeof *x->problems))
    return extraction_no_memory(x, error);
  x->problems[x->problem_count++] = *error;
  return extraction_hand_over(x, error);
}

bool extraction_refuse_id(struct extraction *x, const char *at, const char *text, size_t size,
                          struct error *error) {
  char complaint[ID_COMPLAINT];
  id_form_complain(text, size, complaint);
  error_at(error, ERROR_DATA, x->reader->path, reader_line(x->reader, at),
           x->reader->byte + (uint64_t)(at - x->reader->text), "%s", complaint);
  return extraction_skip(x, error);
}

void extraction_free(struct extraction *x) {
  record_free(x->record);
  lines_free(&x->piece);
  member_free(&x->member);
  free(x->ids);
  free(x->problems);
}

static bool give(void *context, void *state, struct error *error) {
  (void)context;
  return take_found(state, error);
}

bool extraction_share(struct extraction *x, void *context,
                      enum turns_step (*take)(void *context, void *state, struct error *error),
                      bool (*work)(void *context, void *state, struct turn *turn), unsigned count,
                      struct error *error) {
  const struct turns_work how = {take, work, give};
  struct extraction *all = calloc(count, sizeof *all);
  bool done;
  if (!all) return extraction_no_memory(x, error);
  for (unsigned i = 0; i < count; i++)
    all[i] = (struct extraction){.run = x->run,
                                 .options = x->options,
                                 .file = x->file,
                                 .reader = x->reader,
                                 .shared = count > 1};
  done = turns_run(&how, context, all, sizeof *all, count, error);
  for (unsigned i = 0; i < count; i++)
    extraction_free(&all[i]);
  free(all);
  return done;
}
