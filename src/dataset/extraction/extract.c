/* extract.c - see extract.h
 *
 * The run: files, each by what it holds; then all ids, sorted, to the output. Threads take files,
 * if there are several that one thread reads well: small ones, and packed ones, which only one can
 * unpack. All threads together read each of the others: large plain files (extract_json.c), and
 * archives.
 */
#include "dataset/extraction/extract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataset/bytes/leftover.h"
#include "dataset/extraction/extract_formats.h"
#include "dataset/files/format.h"
#include "dataset/text/id.h"
#include "memory.h"
#include "thread.h"

enum { LARGE = 8 << 20 /* bytes: worth several threads */, THREADS_MAX = 64 };

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

/* X does not know an id that a spreadsheet has rounded, so it would seem to be compliant. */
static bool check_rounded(struct extraction *x, struct error *error) {
  if (x->options.allow_rounded || !id_are_rounded(x->round_ids, x->ids_read)) return true;
  id_refuse_rounded(x->reader->path, x->round_ids, x->ids_read, error);
  return false;
}

static bool read_whole(struct extraction *x, struct error *error) {
  x->round_ids = x->ids_read = 0;
  return read_records(x, error) && check_rounded(x, error);
}

static unsigned jobs_of(const struct extraction_run *run) {
  return run->options.jobs > 0 ? run->options.jobs : thread_processors();
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
  if (extraction_is_cancelled(members->run, error)) return TURNS_FAILED;
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
  if (x->member.kind == MEMBER_REFUSED) return extraction_skip(x, &x->member.problem);
  if (x->member.kind != MEMBER_DATASET) return true;
  x->shared = false;
  x->reader = member_open(&x->member, &x->run->task, &error);
  done = (x->reader && read_whole(x, &error)) || extraction_skip(x, &error);
  reader_close(x->reader);
  return done;
}

static bool read_archive(struct extraction *x, struct error *error) {
  unsigned jobs = jobs_of(x->run);
  struct members members = {.run = x->run, .room = member_room(jobs)};
  bool done;
  if (!get_shapes(x->run, error))
    return false; /* before the threads start, each of which would
                                                 * make them */
  members.archive = archive_in_open(x->reader, error);
  if (!members.archive) return false;
  done = extraction_share(x, &members, take_member, work_on_member, jobs, error);
  archive_in_close(members.archive);
  return done;
}

/* One thread reads an archive. */
static bool read_archive_alone(struct extraction *x, struct error *error) {
  struct members members = {.run = x->run, .room = member_room(1)};
  enum turns_step step = TURNS_FAILED;
  bool done = true;
  members.archive = archive_in_open(x->reader, error);
  if (!members.archive) return false;
  while (done && (step = take_member(&members, x, error)) != TURNS_END && step != TURNS_FAILED)
    done = work_on_member(&members, x, x->turn);
  archive_in_close(members.archive);
  return done && step == TURNS_END;
}

static bool read_content(struct extraction *x, struct error *error) {
  if (x->reader->container == CONTAINER_NONE) return read_whole(x, error);
  return x->turn ? read_archive_alone(x, error) : read_archive(x, error);
}

/* Opens the file x->file. A bad one among many in a folder is like a bad record; one that the user
 * named is a mistake. */
static bool open_file(struct extraction *x, unsigned decoders, struct error *error) {
  const struct folder_file *file = &x->run->folder.files[x->file];
  x->reader = reader_open_dataset(file->path, decoders, &x->run->task, error);
  if (!x->reader && file->found && error->code == ERROR_IO) error->code = ERROR_DATA;
  return x->reader != NULL;
}

/* All threads read one file. */
static bool read_file(struct extraction_run *run, size_t number, struct error *error) {
  struct extraction x = {.run = run, .options = run->options, .file = number};
  bool done;
  if (!open_file(&x, jobs_of(run), error)) {
    done = extraction_skip(&x, error);
    extraction_free(&x);
    return done;
  }
  run->reader = x.reader;
  x.counts.files = 1;
  done = (read_content(&x, error) && extraction_hand_over(&x, error)) || extraction_skip(&x, error);
  extraction_show_progress(run);
  run->bytes_before += reader_done(run->reader);
  reader_close(run->reader);
  run->reader = NULL;
  extraction_free(&x);
  return done;
}

/* Files that threads read beside each other, one each. */
struct beside {
  struct extraction_run *run;
  size_t next, end;
};

static enum turns_step take_file(void *context, void *state, struct error *error) {
  struct beside *beside = context;
  struct extraction *x = state;
  if (extraction_is_cancelled(beside->run, error)) return TURNS_FAILED;
  if (beside->next == beside->end) return TURNS_END;
  x->file = beside->next++;
  return TURNS_BESIDE;
}

static bool work_on_file(void *context, void *state, struct turn *turn) {
  struct extraction *x = state;
  struct reader *reader;
  struct error error;
  bool done;
  (void)context;
  x->turn = turn;
  x->shared = false;
  if (!open_file(x, 1, &error)) return extraction_skip(x, &error);
  reader = x->own_file = x->reader;
  x->own_bytes = 0;
  x->counts.files = 1;
  done = read_content(x, &error) || extraction_skip(x, &error);
  extraction_count_bytes(x);
  reader_close(reader);
  x->own_file = x->reader = NULL;
  return done;
}

static bool is_read_beside(const struct folder_file *file) {
  size_t size;
  if (file->size == 0 || container_of_name(file->path) != CONTAINER_NONE) return false;
  return file->size < LARGE || packing_of_name(file->path, &size);
}

/* The end of the files from `start` that are read beside each other. */
static size_t end_of_group(const struct folder *folder, size_t start) {
  size_t end = start;
  while (end < folder->count && is_read_beside(&folder->files[end]))
    end++;
  return end;
}

static bool read_beside(struct extraction_run *run, size_t start, size_t end, struct error *error) {
  struct extraction x = {.run = run, .options = run->options};
  struct beside beside = {run, start, end};
  unsigned jobs = jobs_of(run);
  bool done;
  if (jobs > THREADS_MAX) jobs = THREADS_MAX;
  if (jobs > end - start) jobs = (unsigned)(end - start);
  if (!get_shapes(run, error)) return false; /* before the threads, each of which would make them */
  done = extraction_share(&x, &beside, take_file, work_on_file, jobs, error);
  run->bytes_before += atomic_exchange(&run->bytes_beside, 0);
  return done;
}

static bool read_files(struct extraction_run *run, struct error *error) {
  size_t at = 0;
  while (at < run->folder.count) {
    size_t end = end_of_group(&run->folder, at);
    bool several = end > at + 1;
    if (!(several ? read_beside(run, at, end, error) : read_file(run, at, error))) return false;
    at = several ? end : at + 1;
  }
  return true;
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
    error_memory(error, "extracting ids");
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
  if (!prepare(x, error) || !read_files(x, error)) return false;
  if (!id_set_finish(x->ids, id_output_write, x->output, error) ||
      extraction_is_cancelled(x, error))
    return false;
  /* the list first: if the ids are there, the list is too */
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
  /* frees what is large or unfinished now; the task itself may be kept for its counts */
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
  memory_free_strings((char **)options->inputs);
  free((void *)options->output);
  columns_free(options->columns);
  free((void *)options->shape);
}

static void destroy(struct task *task) {
  struct extraction_run *x = (struct extraction_run *)task;
  folder_free(&x->folder);
  free(x->files);
  free_options(&x->options);
  pthread_mutex_destroy(&x->adding);
  free(x);
}

static bool copy_options(struct extraction_run *x, const struct extract_options *options) {
  x->options = *options;
  x->options.inputs = (const char *const *)memory_copy_strings(options->inputs);
  x->options.output = strdup(options->output);
  x->options.columns = columns_copy(options->columns);
  x->options.shape = options->shape ? strdup(options->shape) : NULL;
  return x->options.inputs && x->options.output && (!options->columns || x->options.columns) &&
         (!options->shape || x->options.shape);
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
    error_memory(error, "beginning an extraction");
  } else {
    pthread_mutex_init(&x->adding, NULL);
    return task_launch(&x->task, &extraction_kind, error);
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

/* }================================================================== */
