/* extraction.c - see extraction.h */
#include "dataset/extraction/extraction.h"

#include <stdlib.h>
#include <string.h>

#include "dataset/text/id.h"
#include "dataset/text/id_form.h"
#include "memory.h"

enum { IDS_ENOUGH = 1 << 16 };

void extraction_show_progress(struct extraction_run *run) {
  task_set(&run->task, EXTRACT_BYTES, run->bytes_before + reader_done(run->reader));
  task_set(&run->task, EXTRACT_RECORDS, run->counts.records);
  task_set(&run->task, EXTRACT_IDS_SEEN, run->counts.ids_seen);
}

bool extraction_is_cancelled(struct extraction_run *run, struct error *error) {
  if (!task_cancelled(&run->task)) return false;
  error_set(error, ERROR_CANCELLED, "the extraction was cancelled");
  return true;
}

bool extraction_take_problem(struct extraction_run *run, const struct error *problem,
                             struct error *error) {
  if (problem->code == ERROR_DATA && run->malformed) {
    run->counts.classes.malformed++;
    run->files[run->file].malformed++;
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

/* Takes what a thread has found, and clears it. */
static bool take_found(struct extraction *x, struct error *error) {
  struct extraction_run *run = x->run;
  for (size_t i = 0; i < x->id_count; i++)
    if (!id_set_add(run->ids, x->ids[i], error)) return false;
  run->counts.ids_seen += x->id_count;
  run->counts.records += x->counts.records;
  run->counts.empty += x->counts.empty;
  x->counts.classes.recognised =
      x->counts.records - x->counts.classes.notices - x->counts.classes.unrecognised;
  add_classes(&run->counts.classes, &x->counts.classes);
  add_classes(&run->files[run->file], &x->counts.classes);
  x->id_count = 0;
  memset(&x->counts, 0, sizeof x->counts);
  for (size_t i = 0; i < x->problem_count; i++)
    if (!extraction_take_problem(run, &x->problems[i], error)) return false;
  x->problem_count = 0;
  extraction_show_progress(run);
  return !extraction_is_cancelled(run, error);
}

bool extraction_hand_over(struct extraction *x, struct error *error) {
  return x->turn ? turns_hand_over(x->turn) : take_found(x, error);
}

bool extraction_progress(struct extraction *x, struct error *error) {
  return x->turn ? !extraction_is_cancelled(x->run, error) : take_found(x, error);
}

bool extraction_make_room(struct extraction *x, struct error *error) {
  if (x->id_count >= IDS_ENOUGH) return extraction_hand_over(x, error);
  return memory_grow(&x->ids, &x->id_room, x->id_count + 1, sizeof *x->ids) ||
         extraction_no_memory(x, error);
}

bool extraction_no_memory(const struct extraction *x, struct error *error) {
  error_memory(error, "extracting ids%s%s", x->reader ? " of " : "",
               x->reader ? x->reader->path : "");
  return false;
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
    all[i] = (struct extraction){
        .run = x->run, .options = x->options, .reader = x->reader, .shared = count > 1};
  done = turns_run(&how, context, all, sizeof *all, count, error);
  for (unsigned i = 0; i < count; i++)
    extraction_free(&all[i]);
  free(all);
  return done;
}
