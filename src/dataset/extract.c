/* extract.c - see extract.h
 *
 * One thread reads, parses and sorts; where the input is compressed, another decodes beside it. The
 * loops over records touch nothing but the window, the walker and the id set.
 */
#include "dataset/extract.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataset/csv.h"
#include "dataset/folder.h"
#include "dataset/format.h"
#include "dataset/id.h"
#include "dataset/id_output.h"
#include "dataset/id_set.h"
#include "dataset/leftover.h"
#include "dataset/malformed.h"
#include "dataset/reader.h"
#include "dataset/record.h"

enum { PROGRESS_EVERY = 256 }; /* records */

struct extraction {
  struct task task;
  struct extract_options options; /* its strings are owned */
  struct extract_counts counts;
  struct folder folder;
  struct reader *reader; /* of the file that is being read */
  uint64_t bytes_before; /* of the files before it */
  struct record *record; /* the walker */
  struct id_set *ids;
  struct id_output *output;
  struct malformed *malformed; /* NULL where malformed records stop the run */
};

/* What all formats need */

static void show_progress(struct extraction *x) {
  task_set(&x->task, EXTRACT_BYTES, x->bytes_before + reader_done(x->reader));
  task_set(&x->task, EXTRACT_RECORDS, x->counts.records);
  task_set(&x->task, EXTRACT_IDS_SEEN, x->counts.ids_seen);
}

static bool add_id(struct extraction *x, uint64_t id, struct error *error) {
  x->counts.ids_seen++;
  return id_set_add(x->ids, id, error);
}

static bool is_cancelled(struct extraction *x, struct error *error) {
  if (!task_cancelled(&x->task)) return false;
  error_set(error, ERROR_CANCELLED, "the extraction was cancelled");
  return true;
}

/* A record or the rest of a file cannot be used. Returns whether the run goes on. */
static bool pass_over(struct extraction *x, struct error *error) {
  struct error problem = *error;
  if (problem.code != ERROR_DATA || !x->malformed) return false;
  x->counts.malformed++;
  return malformed_add(x->malformed, &problem, error);
}

/* Fails at `at` of the window because text[0 .. size) is no id. */
static bool refuse_id(struct extraction *x, const char *at, const char *text, size_t size,
                      struct error *error) {
  char complaint[ID_COMPLAINT];
  id_complain(text, size, complaint);
  error_at(error, ERROR_DATA, x->reader->path, reader_line(x->reader, at),
           x->reader->byte + (uint64_t)(at - x->reader->text), "%s", complaint);
  return pass_over(x, error);
}

/* Id lists */

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

/* A line that is not just digits and a line feed: white space around the id is passed over. */
static bool read_odd_line(struct extraction *x, const char *line, const char *end,
                          struct error *error) {
  const char *start = line, *behind = end;
  uint64_t id;
  while (start < behind && is_blank(*start))
    start++;
  while (behind > start && is_blank(behind[-1]))
    behind--;
  if (start == behind) return true;
  id = id_parse(start, (size_t)(behind - start));
  if (!id) return refuse_id(x, start, start, (size_t)(behind - start), error);
  x->counts.records++;
  return add_id(x, id, error);
}

/* Whole lines: text[0 .. end) ends in a line feed, or with the file. */
static bool read_lines(struct extraction *x, const char *text, const char *end,
                       struct error *error) {
  while (text < end) {
    uint64_t id;
    size_t size = id_read(text, &id);
    if (size > 0 && text[size] == '\n') {
      x->counts.records++;
      if (!add_id(x, id, error)) return false;
      text += size + 1;
    } else {
      const char *line_end = memchr(text, '\n', (size_t)(end - text));
      if (!line_end) line_end = end;
      if (!read_odd_line(x, text, line_end, error)) return false;
      text = line_end + 1;
    }
  }
  return true;
}

static bool read_ids(struct extraction *x, struct error *error) {
  struct reader *reader = x->reader;
  for (;;) {
    const char *text = reader->text;
    const char *line_end = reader->size ? memrchr(text, '\n', reader->size) : NULL;
    const char *end = reader->ended ? text + reader->size : line_end ? line_end + 1 : text;
    if (!read_lines(x, text, end, error)) return false;
    reader_consume(reader, (size_t)(end - text));
    show_progress(x);
    if (reader->ended) return true;
    if (is_cancelled(x, error) || !reader_fill(reader, error)) return false;
  }
}

/* JSON */

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

static bool is_wanted(const struct extraction *x, const struct record_id *id) {
  const struct record_object *object = &x->record->objects[id->object];
  if (x->options.top_level && !is_top_level(object)) return false;
  if (x->options.type == EXTRACT_TWEETS) return id->role == ID_OWN && object->kind == RECORD_TWEET;
  return id->role == ID_AUTHOR || (id->role == ID_OWN && object->kind == RECORD_USER);
}

static bool add_record(struct extraction *x, struct error *error) {
  const struct record *record = x->record;
  uint64_t before = x->counts.ids_seen;
  for (uint32_t i = 0; i < record->id_count; i++)
    if (is_wanted(x, &record->ids[i]) && !add_id(x, record->ids[i].id, error)) return false;
  x->counts.records++;
  x->counts.empty += x->counts.ids_seen == before;
  return true;
}

static bool read_json(struct extraction *x, enum reader_unit unit, struct error *error) {
  struct reader_record text;
  enum reader_step step;
  while ((step = reader_next(x->reader, unit, &text, error)) == READER_RECORD) {
    if (record_walk(x->record, x->reader->path, &text, error)) {
      if (!add_record(x, error)) return false;
    } else if (!pass_over(x, error)) {
      return false;
    }
    if (x->counts.records % PROGRESS_EVERY == 0) {
      show_progress(x);
      if (is_cancelled(x, error)) return false;
    }
  }
  return step == READER_END;
}

/* CSV */

static enum csv_step fail_csv(struct extraction *x, const struct csv *csv, struct error *error) {
  const char *at = x->reader->text + csv->problem_at;
  if (csv->problem == CSV_NO_MEMORY)
    error_set(error, ERROR_MEMORY, "reading %s: out of memory", x->reader->path);
  else
    error_at(error, ERROR_DATA, x->reader->path, reader_line(x->reader, at),
             x->reader->byte + csv->problem_at, "%s", csv->problem);
  return CSV_BAD;
}

typedef enum csv_step csv_reader(struct csv *csv, const char *text, size_t size, bool ended);

/* Reads a header or row, filling the window until it is whole. CSV_BAD with `error` filled. */
static enum csv_step read_csv(struct extraction *x, struct csv *csv, csv_reader *read,
                              struct error *error) {
  struct reader *reader = x->reader;
  enum csv_step step;
  while ((step = read(csv, reader->text, reader->size, reader->ended)) == CSV_MORE)
    if (!reader_fill(reader, error)) return CSV_BAD;
  return step == CSV_BAD ? fail_csv(x, csv, error) : step;
}

/* The first of `names` (NULL-ended) that the header has, or -1. */
static int first_column(const struct csv *csv, const char *const *names) {
  for (; *names; names++) {
    int column = csv_column(csv, *names);
    if (column >= 0) return column;
  }
  return -1;
}

/* The column with the wanted ids; -1 where the header has none, -2 where it is of something else.
 */
static int id_column(const struct extraction *x, const struct csv *csv) {
  static const char *const tweets[] = {"id_str", "id", "tweet_id", "status_id", NULL};
  static const char *const authors[] = {"author_id", "author.id", "user_id", NULL};
  static const char *const users[] = {"id_str", "id", NULL};
  static const char *const texts[] = {"text", "full_text", NULL};
  static const char *const names[] = {"username", "screen_name", NULL};
  int author = first_column(csv, authors), text = first_column(csv, texts);
  bool of_users = author < 0 && text < 0 && first_column(csv, names) >= 0;
  if (x->options.column) return csv_column(csv, x->options.column);
  if (x->options.type == EXTRACT_TWEETS) return of_users ? -2 : first_column(csv, tweets);
  if (author >= 0) return author;
  return text >= 0 ? -1 : first_column(csv, users);
}

static bool no_column(struct extraction *x, const struct csv *csv, int column,
                      struct error *error) {
  const char *type = x->options.type == EXTRACT_TWEETS ? "tweet" : "user";
  if (column == -2)
    error_at(error, ERROR_DATA, x->reader->path, 1, 0,
             "its columns are those of users, not of tweets - extract users, or name a column");
  else if (x->options.column)
    error_at(error, ERROR_DATA, x->reader->path, 1, 0, "no column is called \"%s\"",
             x->options.column);
  else
    error_at(error, ERROR_DATA, x->reader->path, 1, 0,
             "no column of %s ids is known by its name among %u columns (the first is \"%.40s\") - "
             "name the column, or give the file a header",
             type, csv->columns, csv_name(csv, 0));
  return false;
}

/* An author may be missing, a tweet's own id may not. */
static bool add_cell(struct extraction *x, struct csv_cell cell, struct error *error) {
  char text[ID_COMPLAINT];
  size_t size = csv_decode(cell, text, sizeof text), start = 0;
  uint64_t id;
  if (size > sizeof text) size = sizeof text;
  while (start < size && (is_blank(text[start]) || text[start] == '\n'))
    start++;
  while (size > start && (is_blank(text[size - 1]) || text[size - 1] == '\n'))
    size--;
  if (size == start && x->options.type == EXTRACT_USERS && !x->options.column) {
    x->counts.records++;
    x->counts.empty++;
    return true;
  }
  id = id_parse(text + start, size - start);
  if (!id) return refuse_id(x, cell.text, text + start, size - start, error);
  x->counts.records++;
  return add_id(x, id, error);
}

static bool read_rows(struct extraction *x, struct csv *csv, struct error *error) {
  struct reader *reader = x->reader;
  for (uint64_t row = 0;; row++) {
    enum csv_step step = read_csv(x, csv, csv_next, error);
    if (step == CSV_END) return true;
    if (step == CSV_BAD && (!csv->problem || !pass_over(x, error))) return false;
    if (step == CSV_ROW && !add_cell(x, csv->cells[0], error)) return false;
    reader_consume(reader, csv->used);
    if (row % PROGRESS_EVERY == 0) {
      show_progress(x);
      if (is_cancelled(x, error)) return false;
    }
  }
}

static bool read_table(struct extraction *x, struct csv *csv, struct error *error) {
  enum csv_step step = read_csv(x, csv, csv_header, error);
  int column;
  if (step == CSV_END) return true;
  if (step == CSV_BAD) return false;
  column = id_column(x, csv);
  if (column < 0) return no_column(x, csv, column, error);
  if (csv_want(csv, column) < 0) {
    error_set(error, ERROR_MEMORY, "reading %s: out of memory", x->reader->path);
    return false;
  }
  reader_consume(x->reader, csv->used);
  return read_rows(x, csv, error);
}

static bool read_all_csv(struct extraction *x, struct error *error) {
  struct csv csv = {0};
  bool done = read_table(x, &csv, error);
  csv_free(&csv);
  return done;
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
  case FORMAT_IDS: return read_ids(x, error);
  case FORMAT_JSON_LINES: return read_json(x, READER_LINES, error);
  case FORMAT_JSON_VALUES: return read_json(x, READER_VALUES, error);
  case FORMAT_CSV: return read_all_csv(x, error);
  }
  return false;
}

static bool read_file(struct extraction *x, const struct folder_file *file, struct error *error) {
  bool done;
  x->reader = reader_open(file->path, &x->task, error);
  if (!x->reader) {
    /* one of many in a folder is like a bad record; one that was named is a mistake */
    if (file->found && error->code == ERROR_IO) error->code = ERROR_DATA;
    return pass_over(x, error);
  }
  done = read_records(x, error);
  show_progress(x);
  x->bytes_before += reader_done(x->reader);
  x->counts.files++;
  reader_close(x->reader);
  x->reader = NULL;
  return done || pass_over(x, error);
}

/* The run */

/* Files in a folder that are the output of an earlier run are no input. */
static bool is_output(const struct extraction *x, const struct folder_file *file) {
  struct stat one, other;
  return file->found && stat(x->options.output, &one) == 0 && stat(file->path, &other) == 0 &&
         one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

static uint64_t quarter_of_memory(void) {
  return (uint64_t)sysconf(_SC_PHYS_PAGES) / 4 * (uint64_t)sysconf(_SC_PAGESIZE);
}

static bool prepare(struct extraction *x, struct error *error) {
  uint64_t memory = x->options.memory ? x->options.memory : quarter_of_memory();
  leftover_remove(x->options.output);
  if (!folder_list(&x->folder, x->options.inputs, &x->task, error)) return false;
  task_set(&x->task, EXTRACT_TOTAL, x->folder.total);
  x->counts.ignored = x->folder.ignored;
  x->output = id_output_new(x->options.output, x->options.ids_per_file, error);
  if (!x->output) return false;
  if (!(x->record = record_new(RECORD_IDS))) {
    error_set(error, ERROR_MEMORY, "beginning an extraction: out of memory");
    return false;
  }
  if (x->options.on_malformed == EXTRACT_SKIP)
    if (!(x->malformed = malformed_new(x->options.output, error))) return false;
  x->ids = id_set_new((size_t)memory, x->options.output, &x->task, error);
  return x->ids != NULL;
}

static bool extract(struct extraction *x, struct error *error) {
  if (!prepare(x, error)) return false;
  for (size_t i = 0; i < x->folder.count; i++)
    if (!is_output(x, &x->folder.files[i]) && !read_file(x, &x->folder.files[i], error))
      return false;
  if (!id_set_finish(x->ids, id_output_write, x->output, error) || is_cancelled(x, error))
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
  record_free(x->record);
  x->record = NULL;
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
