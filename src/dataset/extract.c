/* extract.c - see extract.h
 *
 * The run: files one after the other, each by what it holds; then all ids, sorted, to the output.
 * The task's own thread does it, and extract_json.c takes more where there is much to parse.
 */
#include "dataset/extraction.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataset/format.h"
#include "dataset/id.h"
#include "dataset/leftover.h"

/* What all formats need */

void extraction_progress(struct extraction *x) {
  task_set(&x->task, EXTRACT_BYTES, x->bytes_before + reader_done(x->reader));
  task_set(&x->task, EXTRACT_RECORDS, x->counts.records);
  task_set(&x->task, EXTRACT_IDS_SEEN, x->counts.ids_seen);
}

bool extraction_add(struct extraction *x, uint64_t id, struct error *error) {
  x->counts.ids_seen++;
  return id_set_add(x->ids, id, error);
}

bool extraction_no_memory(const struct extraction *x, struct error *error) {
  error_set(error, ERROR_MEMORY, "extracting ids%s%s: out of memory", x->reader ? " of " : "",
            x->reader ? x->reader->path : "");
  return false;
}

bool extraction_cancelled(struct extraction *x, struct error *error) {
  if (!task_cancelled(&x->task)) return false;
  error_set(error, ERROR_CANCELLED, "the extraction was cancelled");
  return true;
}

/* A record or the rest of a file cannot be used. Returns whether the run goes on. */
bool extraction_pass_over(struct extraction *x, struct error *error) {
  struct error problem = *error;
  if (problem.code != ERROR_DATA || !x->malformed) return false;
  x->counts.malformed++;
  return malformed_add(x->malformed, &problem, error);
}

/* Fails at `at` of the window because text[0 .. size) is no id. */
bool extraction_refuse_id(struct extraction *x, const char *at, const char *text, size_t size,
                          struct error *error) {
  char complaint[ID_COMPLAINT];
  id_complain(text, size, complaint);
  error_at(error, ERROR_DATA, x->reader->path, reader_line(x->reader, at),
           x->reader->byte + (uint64_t)(at - x->reader->text), "%s", complaint);
  return extraction_pass_over(x, error);
}

/* Files */

static bool find_format(struct extraction *x, enum format *format, struct error *error) {
  switch (x->options.format) {
  case EXTRACT_CSV: *format = FORMAT_CSV; return true;
  case EXTRACT_IDS: *format = FORMAT_IDS; return true;
  case EXTRACT_JSONL: return format_detect_json(x->reader, format, error);
  default: return format_detect(x->reader, format, error);
  }
}

static bool read_records(struct extraction *x, struct error *error) {
  enum format format;
  if (!find_format(x, &format, error)) return false;
  switch (format) {
  case FORMAT_IDS: return extract_ids(x, error);
  case FORMAT_JSON_LINES: return extract_json_lines(x, error);
  case FORMAT_JSON_VALUES: return extract_json_values(x, error);
  case FORMAT_CSV: return extract_csv(x, error);
  }
  return false;
}

static bool read_file(struct extraction *x, const struct folder_file *file, struct error *error) {
  bool done;
  x->reader = reader_open(file->path, &x->task, error);
  if (!x->reader) {
    /* one of many in a folder is like a bad record; one that was named is a mistake */
    if (file->found && error->code == ERROR_IO) error->code = ERROR_DATA;
    return extraction_pass_over(x, error);
  }
  done = read_records(x, error);
  extraction_progress(x);
  x->bytes_before += reader_done(x->reader);
  x->counts.files++;
  reader_close(x->reader);
  x->reader = NULL;
  return done || extraction_pass_over(x, error);
}

/* The run */

/* What a container may have, if this is one; else a number that is no limit. */
static uint64_t container_limit(void) {
  static const char *const paths[] = {"/sys/fs/cgroup/memory.max",
                                      "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
  unsigned long long limit = 0;
  for (size_t i = 0; i < sizeof paths / sizeof *paths && limit == 0; i++) {
    FILE *file = fopen(paths[i], "r");
    if (file && fscanf(file, "%llu", &limit) != 1) limit = 0; /* "max" */
    if (file) fclose(file);
  }
  return limit ? limit : UINT64_MAX;
}

static uint64_t quarter_of_memory(void) {
  uint64_t limit = container_limit();
  uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
  memory = (limit < memory ? limit : memory) / 4;
  return memory > ID_SET_MEMORY_MIN ? memory : ID_SET_MEMORY_MIN;
}

static bool prepare(struct extraction *x, struct error *error) {
  uint64_t memory = x->options.memory ? x->options.memory : quarter_of_memory();
  leftover_remove(x->options.output);
  if (!folder_list(&x->folder, x->options.inputs, &x->task, error)) return false;
  task_set(&x->task, EXTRACT_TOTAL, x->folder.total);
  x->counts.ignored = x->folder.ignored;
  x->output = id_output_new(x->options.output, x->options.ids_per_file, error);
  if (!x->output) return false;
  if (x->options.on_malformed == EXTRACT_SKIP)
    if (!(x->malformed = malformed_new(x->options.output, error))) return false;
  x->ids = id_set_new((size_t)memory, x->options.output, &x->task, error);
  return x->ids != NULL;
}

static bool extract(struct extraction *x, struct error *error) {
  if (!prepare(x, error)) return false;
  for (size_t i = 0; i < x->folder.count; i++)
    if (!read_file(x, &x->folder.files[i], error)) return false;
  if (!id_set_finish(x->ids, id_output_write, x->output, error) || extraction_cancelled(x, error))
    return false;
  /* the list first: whoever sees the ids sees it too */
  if (x->malformed && !malformed_publish(x->malformed, error)) return false;
  if (!id_output_publish(x->output, error)) return false;
  x->counts.bytes = x->bytes_before;
  x->counts.ids = id_output_ids(x->output);
  x->counts.outputs = id_output_files(x->output);
  return true;
}

static void run(struct task *task) {
  struct extraction *x = (struct extraction *)task;
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
}

static void free_options(struct extract_options *options) {
  for (size_t i = 0; options->inputs && options->inputs[i]; i++)
    free((void *)options->inputs[i]);
  free((void *)options->inputs);
  free((void *)options->output);
  free((void *)options->column);
}

static void destroy(struct task *task) {
  struct extraction *x = (struct extraction *)task;
  folder_free(&x->folder);
  free_options(&x->options);
  free(x);
}

static bool copy_options(struct extraction *x, const struct extract_options *options) {
  const char **inputs;
  size_t count = 0;
  while (options->inputs[count])
    count++;
  x->options = *options;
  x->options.inputs = inputs = calloc(count + 1, sizeof *inputs);
  x->options.output = strdup(options->output);
  x->options.column = options->column ? strdup(options->column) : NULL;
  if (!inputs || !x->options.output || (options->column && !x->options.column)) return false;
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
  struct extraction *x = calloc(1, sizeof *x);
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
  return &((const struct extraction *)task)->counts;
}

const char *extract_ignored(const struct task *task, size_t i) {
  const struct extraction *x = (const struct extraction *)task;
  return i < x->folder.ignored_count ? x->folder.ignored_paths[i] : NULL;
}

int extract_output_name(const struct task *task, uint64_t i, char *name, size_t size) {
  const struct extraction *x = (const struct extraction *)task;
  return id_output_name(x->options.output, x->options.ids_per_file, i, name, size);
}
