/* id_difference.c - see id_difference.h
 *
 * Both sides are sorted. The ids to leave out are written to a file without a name, eight bytes an
 * id, and read again while the others come.
 */
#include "dataset/lists/id_difference.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataset/bytes/reader.h"
#include "dataset/lists/id_output.h"
#include "dataset/lists/id_set.h"
#include "dataset/text/id_form.h"
#include "file.h"
#include "memory.h"

enum { KEPT_AT_ONCE = 4096 };

struct difference {
  struct task task; /* first */
  struct id_difference_counts counts;
  char **from, **without, *output_path;
  size_t memory;

  FILE *left_out; /* ascending */
  uint64_t next;  /* of them; 0 after the last */
  uint64_t kept[KEPT_AT_ONCE];
  size_t kept_count;
  struct id_output *output;
};

/* {==================================================================
** Reading lists
** =================================================================== */

static bool add_line(struct id_set *set, const char *path, const struct reader_record *line,
                     struct error *error) {
  uint64_t id = id_form_parse(line->text, line->size);
  if (id) return id_set_add(set, id, error);
  error_at(error, ERROR_DATA, path, line->line, line->byte, "is not one id - give lists of ids");
  return false;
}

static bool add_file(struct id_set *set, const char *path, struct task *task, uint64_t *count,
                     struct error *error) {
  struct reader *reader = reader_open(path, task, error);
  struct reader_record line;
  enum reader_step step = READER_FAILED;
  if (!reader) return false;
  while ((step = reader_next(reader, READER_LINES, &line, error)) == READER_RECORD) {
    if (!add_line(set, path, &line, error)) break;
    ++*count;
  }
  reader_close(reader);
  return step == READER_END;
}

/* All ids of some lists, ascending, to `take`. */
static bool sort_files(struct difference *d, char **paths, uint64_t *count, id_set_take *take,
                       struct error *error) {
  struct id_set *set = id_set_new(d->memory, d->output_path, &d->task, error);
  bool ok = set != NULL;
  for (size_t i = 0; ok && paths[i]; i++)
    ok = add_file(set, paths[i], &d->task, count, error);
  if (ok) ok = id_set_finish(set, take, d, error);
  if (set) id_set_free(set);
  return ok;
}

/* }================================================================== */

/* {==================================================================
** The ids to leave out
** =================================================================== */

static bool open_left_out(struct difference *d, struct error *error) {
  char *path;
  int descriptor = file_create_beside(d->output_path, &path, error);
  if (descriptor < 0) return false;
  unlink(path);
  free(path);
  d->left_out = fdopen(descriptor, "w+");
  if (d->left_out) return true;
  close(descriptor);
  return error_memory(error, "opening a temporary file");
}

static bool failed(struct difference *d, const char *doing, struct error *error) {
  error_errno(error, doing, d->output_path);
  return false;
}

static bool leave_out(void *context, const uint64_t *ids, size_t count, struct error *error) {
  struct difference *d = context;
  if (fwrite(ids, sizeof *ids, count, d->left_out) == count) return true;
  return failed(d, "writing a temporary file beside", error);
}

static bool read_next(struct difference *d, struct error *error) {
  if (fread(&d->next, sizeof d->next, 1, d->left_out) == 1) return true;
  d->next = 0;
  return ferror(d->left_out) ? failed(d, "reading a temporary file beside", error) : true;
}

/* }================================================================== */

static bool flush_kept(struct difference *d, struct error *error) {
  size_t count = d->kept_count;
  d->kept_count = 0;
  return id_output_write(d->output, d->kept, count, error);
}

static bool keep(void *context, const uint64_t *ids, size_t count, struct error *error) {
  struct difference *d = context;
  for (size_t i = 0; i < count; i++) {
    while (d->next && d->next < ids[i])
      if (!read_next(d, error)) return false;
    if (d->next == ids[i]) continue;
    if (d->kept_count == KEPT_AT_ONCE && !flush_kept(d, error)) return false;
    d->kept[d->kept_count++] = ids[i];
  }
  return true;
}

static bool subtract(struct difference *d, struct error *error) {
  if (!open_left_out(d, error)) return false;
  if (!sort_files(d, d->without, &d->counts.without, leave_out, error)) return false;
  if (fflush(d->left_out) != 0) return failed(d, "writing a temporary file beside", error);
  rewind(d->left_out);
  if (!read_next(d, error)) return false;
  d->output = id_output_new(d->output_path, 0, error);
  if (!d->output) return false;
  if (!sort_files(d, d->from, &d->counts.from, keep, error) || !flush_kept(d, error)) return false;
  d->counts.ids = id_output_ids(d->output);
  return id_output_publish(d->output, error);
}

static void run(struct task *task) {
  struct difference *d = (struct difference *)task;
  struct error error;
  if (!subtract(d, &error)) task->error = error;
  if (d->output) id_output_free(d->output);
  if (d->left_out) fclose(d->left_out);
}

static void destroy(struct task *task) {
  struct difference *d = (struct difference *)task;
  memory_free_strings(d->from);
  memory_free_strings(d->without);
  free(d->output_path);
  free(d);
}

struct task *id_difference_start(const struct id_difference_options *options, struct error *error) {
  static const struct task_kind kind = {
      .name = "difference of lists", .run = run, .destroy = destroy};
  struct difference *d = calloc(1, sizeof *d);
  if (d) {
    d->from = memory_copy_strings(options->from);
    d->without = memory_copy_strings(options->without);
    d->output_path = strdup(options->output);
    d->memory = options->memory;
  }
  if (d && d->from && d->without && d->output_path) return task_launch(&d->task, &kind, error);
  error_memory(error, "comparing lists of ids");
  if (d) destroy(&d->task);
  return NULL;
}

const struct id_difference_counts *id_difference_counts(const struct task *task) {
  return &((const struct difference *)task)->counts;
}
