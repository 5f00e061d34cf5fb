/* extract.c - see extract.h
 *
 * The run: files one after the other, each by what it holds; then all ids, sorted, to the output.
 * The task's own thread does it, and extract_json.c takes more where there is much to parse.
 */
#include "dataset/extraction/extraction.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataset/bytes/leftover.h"
#include "dataset/files/format.h"
#include "dataset/text/id.h"
#include "dataset/text/id_form.h"
#include "memory.h"
#include "thread.h"

/* {==================================================================
** What all formats need
** =================================================================== */

enum { IDS_MIN = 1 << 10, IDS_MAX = 1 << 16, PROBLEMS_MIN = 16 };

static void show_progress(struct extraction_run *run) {
  task_set(&run->task, EXTRACT_BYTES, run->bytes_before + reader_done(run->reader));
  task_set(&run->task, EXTRACT_RECORDS, run->counts.records);
  task_set(&run->task, EXTRACT_IDS_SEEN, run->counts.ids_seen);
}

static bool is_cancelled(struct extraction_run *run, struct error *error) {
  if (!task_cancelled(&run->task)) return false;
  error_set(error, ERROR_CANCELLED, "the extraction was cancelled");
  return true;
}

/* One problem, in its turn. Returns whether the run goes on. */
static bool take_problem(struct extraction_run *run, const struct error *problem,
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
    if (!take_problem(run, &x->problems[i], error)) return false;
  x->problem_count = 0;
  show_progress(run);
  return !is_cancelled(run, error);
}

bool extraction_hand_over(struct extraction *x, struct error *error) {
  return x->turn ? turns_hand_over(x->turn) : take_found(x, error);
}

bool extraction_progress(struct extraction *x, struct error *error) {
  return x->turn ? !is_cancelled(x->run, error) : take_found(x, error);
}

bool extraction_make_room(struct extraction *x, struct error *error) {
  size_t room = x->id_room ? 2 * x->id_room : IDS_MIN;
  uint64_t *ids;
  if (room > IDS_MAX) return extraction_hand_over(x, error);
  ids = realloc(x->ids, room * sizeof *ids);
  if (!ids) return extraction_no_memory(x, error);
  x->ids = ids;
  x->id_room = room;
  return true;
}

bool extraction_no_memory(const struct extraction *x, struct error *error) {
  error_set(error, ERROR_MEMORY, "extracting ids%s%s: out of memory", x->reader ? " of " : "",
            x->reader ? x->reader->path : "");
  return false;
}

bool extraction_pass_over(struct extraction *x, struct error *error) {
  if (x->problem_count == x->problem_room) {
    size_t room = x->problem_room ? 2 * x->problem_room : PROBLEMS_MIN;
    struct error *problems = realloc(x->problems, room * sizeof *problems);
    if (!problems) return extraction_no_memory(x, error);
    x->problems = problems;
    x->problem_room = room;
  }
  x->problems[x->problem_count++] = *error;
  return extraction_hand_over(x, error);
}

bool extraction_refuse_id(struct extraction *x, const char *at, const char *text, size_t size,
                          struct error *error) {
  char complaint[ID_COMPLAINT];
  id_form_complain(text, size, complaint);
  error_at(error, ERROR_DATA, x->reader->path, reader_line(x->reader, at),
           x->reader->byte + (uint64_t)(at - x->reader->text), "%s", complaint);
  return extraction_pass_over(x, error);
}

static void free_found(struct extraction *x) {
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
    free_found(&all[i]);
  free(all);
  return done;
}

/* }================================================================== */

/* {==================================================================
** Files
** =================================================================== */

static bool find_format(struct extraction *x, enum format *format, struct error *error) {
  switch (x->options.format) {
  case EXTRACT_CSV: *format = FORMAT_CSV; return true;
  case EXTRACT_IDS: *format = FORMAT_IDS; return true;
  case EXTRACT_JSONL: return format_detect_json(x->reader, format, error);
  default: return format_detect(x->reader, format, error);
  }
}

/* Shapes are compiled once they are needed. */
static bool get_shapes(struct extraction_run *run, struct error *error) {
  if (!run->shapes) run->shapes = shapes_new(run->options.shape, error);
  return run->shapes != NULL;
}

static bool read_records(struct extraction *x, struct error *error) {
  enum format format;
  if (!find_format(x, &format, error)) return false;
  if ((format == FORMAT_JSON_LINES || format == FORMAT_JSON_VALUES) && !get_shapes(x->run, error))
    return false;
  switch (format) {
  case FORMAT_IDS: return extract_ids(x, error);
  case FORMAT_JSON_LINES: return extract_json_lines(x, error);
  case FORMAT_JSON_VALUES: return extract_json_values(x, error);
  case FORMAT_CSV: return extract_csv(x, error);
  }
  return false;
}

/* What a spreadsheet has rounded is no id that X knows, and so would seem to be compliant. */
static bool check_rounded(struct extraction *x, struct error *error) {
  if (x->options.allow_rounded || !id_are_rounded(x->round_ids, x->ids_read)) return true;
  id_refuse_rounded(x->reader->path, x->round_ids, x->ids_read, error);
  return false;
}

static bool read_whole(struct extraction *x, struct error *error) {
  x->round_ids = x->ids_read = 0;
  return read_records(x, error) && check_rounded(x, error);
}

/* What is read of an archive by all threads together. */
struct members {
  struct extraction_run *run;
  struct archive_in *archive;
  uint64_t number;
  size_t room;
};

static enum turns_step take_member(void *context, void *state, struct error *error) {
  struct members *members = context;
  struct extraction *x = state;
  enum turns_step step;
  if (is_cancelled(members->run, error)) return TURNS_FAILED;
  step = member_take(&x->member, members->archive, &members->number, members->room, false, error);
  if (step == TURNS_END || step == TURNS_FAILED || x->member.kind != MEMBER_OTHER) return step;
  if (x->options.stop_on_ignored) {
    folder_refuse_ignored(1, x->member.path, error);
    return TURNS_FAILED;
  }
  return folder_ignore(&members->run->folder, x->member.path, error) ? step : TURNS_FAILED;
}

static bool work_on_member(void *context, void *state, struct turn *turn) {
  struct extraction *x = state;
  struct error error;
  bool done;
  (void)context;
  x->turn = turn;
  if (x->member.kind == MEMBER_REFUSED) return extraction_pass_over(x, &x->member.problem);
  if (x->member.kind != MEMBER_DATASET) return true;
  x->shared = false;
  x->reader = member_open(&x->member, &x->run->task, &error);
  done = (x->reader && read_whole(x, &error)) || extraction_pass_over(x, &error);
  reader_close(x->reader);
  return done;
}

static bool read_archive(struct extraction *x, struct error *error) {
  unsigned jobs = x->options.jobs > 0 ? x->options.jobs : thread_processors();
  struct members members = {.run = x->run, .room = member_room(jobs)};
  bool done;
  if (!get_shapes(x->run, error)) return false; /* before threads that would all make them */
  members.archive = archive_in_open(x->reader, error);
  if (!members.archive) return false;
  done = extraction_share(x, &members, take_member, work_on_member, jobs, error);
  archive_in_close(members.archive);
  return done;
}

static bool read_content(struct extraction *x, struct error *error) {
  return x->reader->container == CONTAINER_NONE ? read_whole(x, error) : read_archive(x, error);
}

static bool read_file(struct extraction_run *run, const struct folder_file *file,
                      struct error *error) {
  struct extraction x = {.run = run, .options = run->options};
  bool done;
  x.reader = run->reader = reader_open_dataset(file->path, &run->task, error);
  if (!x.reader) {
    /* one of many in a folder is like a bad record; one that was named is a mistake */
    if (file->found && error->code == ERROR_IO) error->code = ERROR_DATA;
    return take_problem(run, error, error);
  }
  done = (read_content(&x, error) && extraction_hand_over(&x, error)) ||
         extraction_pass_over(&x, error);
  show_progress(run);
  run->bytes_before += reader_done(run->reader);
  run->counts.files++;
  reader_close(run->reader);
  run->reader = NULL;
  free_found(&x);
  return done;
}

/* }================================================================== */

/* {==================================================================
** The run
** =================================================================== */

static uint64_t quarter_of_memory(void) {
  uint64_t memory = memory_allowed() / 4;
  return memory > ID_SET_MEMORY_MIN ? memory : ID_SET_MEMORY_MIN;
}

static bool prepare(struct extraction_run *x, struct error *error) {
  uint64_t memory = x->options.memory ? x->options.memory : quarter_of_memory();
  if (x->options.shape && !get_shapes(x, error)) return false;
  leftover_remove(x->options.output);
  if (!folder_list(&x->folder, x->options.inputs, &x->task, error)) return false;
  if (x->folder.count == 0) return folder_refuse_empty(x->options.inputs, error);
  task_set(&x->task, EXTRACT_TOTAL, x->folder.total);
  if (x->options.stop_on_ignored && x->folder.ignored > 0) {
    folder_refuse_ignored(x->folder.ignored, x->folder.ignored_paths[0], error);
    return false;
  }
  x->files = calloc(x->folder.count + 1, sizeof *x->files);
  if (!x->files) {
    error_set(error, ERROR_MEMORY, "extracting ids: out of memory");
    return false;
  }
  x->output = id_output_new(x->options.output, x->options.ids_per_file, error);
  if (!x->output) return false;
  if (x->options.on_malformed == EXTRACT_SKIP)
    if (!(x->malformed = malformed_new(x->options.output, error))) return false;
  x->ids = id_set_new((size_t)memory, x->options.output, &x->task, error);
  return x->ids != NULL;
}

static bool extract(struct extraction_run *x, struct error *error) {
  if (!prepare(x, error)) return false;
  for (x->file = 0; x->file < x->folder.count; x->file++)
    if (!read_file(x, &x->folder.files[x->file], error)) return false;
  if (!id_set_finish(x->ids, id_output_write, x->output, error) || is_cancelled(x, error))
    return false;
  /* the list first: whoever sees the ids sees it too */
  if (x->malformed && !malformed_publish(x->malformed, error)) return false;
  if (!id_output_publish(x->output, error)) return false;
  x->counts.bytes = x->bytes_before;
  x->counts.ignored = x->folder.ignored;
  x->counts.ids = id_output_ids(x->output);
  x->counts.outputs = id_output_files(x->output);
  return true;
}

static void run(struct task *task) {
  struct extraction_run *x = (struct extraction_run *)task;
  struct error error = {0};
  bool done = extract(x, &error);
  if (!done) task->error = error;
  /* what is large or unfinished goes now; the task itself may be kept for its counts */
  reader_close(x->reader);
  x->reader = NULL;
  id_set_free(x->ids);
  x->ids = NULL;
  id_output_free(x->output);
  x->output = NULL;
  malformed_free(x->malformed, done);
  x->malformed = NULL;
  shapes_free(x->shapes);
  x->shapes = NULL;
}

static void free_options(struct extract_options *options) {
  for (size_t i = 0; options->inputs && options->inputs[i]; i++)
    free((void *)options->inputs[i]);
  free((void *)options->inputs);
  free((void *)options->output);
  columns_free(options->columns);
  free((void *)options->shape);
}

static void destroy(struct task *task) {
  struct extraction_run *x = (struct extraction_run *)task;
  folder_free(&x->folder);
  free(x->files);
  free_options(&x->options);
  free(x);
}

static bool copy_options(struct extraction_run *x, const struct extract_options *options) {
  const char **inputs;
  size_t count = 0;
  while (options->inputs[count])
    count++;
  x->options = *options;
  x->options.inputs = inputs = calloc(count + 1, sizeof *inputs);
  x->options.output = strdup(options->output);
  x->options.columns = columns_copy(options->columns);
  x->options.shape = options->shape ? strdup(options->shape) : NULL;
  if (!inputs || !x->options.output || (options->columns && !x->options.columns) ||
      (options->shape && !x->options.shape))
    return false;
  for (size_t i = 0; i < count; i++)
    if (!(inputs[i] = strdup(options->inputs[i]))) return false;
  return true;
}

static const struct task_kind extraction_kind = {
    .name = "extraction",
    .counters = {"bytes", "total", "records", "ids", NULL},
    .run = run,
    .destroy = destroy,
};

struct task *extract_start(const struct extract_options *options, struct error *error) {
  struct extraction_run *x = calloc(1, sizeof *x);
  if (!x || !copy_options(x, options)) {
    error_set(error, ERROR_MEMORY, "beginning an extraction: out of memory");
  } else if (task_init(&x->task, &extraction_kind, error)) {
    if (task_start(&x->task, error)) return &x->task;
    task_free(&x->task);
    return NULL;
  }
  if (x) free_options(&x->options);
  free(x);
  return NULL;
}

const struct extract_counts *extract_counts(const struct task *task) {
  return &((const struct extraction_run *)task)->counts;
}

const char *extract_file(const struct task *task, size_t i, struct extract_classes *classes) {
  const struct extraction_run *x = (const struct extraction_run *)task;
  if (!x->files || i >= x->folder.count) return NULL;
  *classes = x->files[i];
  return x->folder.files[i].path;
}

const char *extract_ignored(const struct task *task, size_t i) {
  const struct extraction_run *x = (const struct extraction_run *)task;
  return i < x->folder.ignored_count ? x->folder.ignored_paths[i] : NULL;
}

int extract_output_name(const struct task *task, uint64_t i, char *name, size_t size) {
  const struct extraction_run *x = (const struct extraction_run *)task;
  return id_output_name(x->options.output, x->options.ids_per_file, i, name, size);
}
