/* redact.c - see redact.h
 *
 * Threads first take files, each its own; when there are none left they help with those that are
 * not finished. So a folder of small files and one large file keep all of them busy.
 */
#include "dataset/redact.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataset/id_output.h"
#include "dataset/id_set.h"
#include "dataset/leftover.h"
#include "dataset/redact_file.h"
#include "dataset/targets.h"
#include "file.h"
#include "thread.h"

enum { JOBS_MAX = 256, COPY_SIZE = 1 << 18 };

struct redaction {
  struct task task;
  struct redact_options options; /* its strings are owned */
  struct redact_run run;
  struct targets targets;
  struct prefilter *filter;
  struct shapes *shapes;
  struct redact_file **files;
  size_t file_count;
  atomic_size_t next_file;
  struct writer **quarantines; /* finished, not published */
  size_t quarantine_count;
  struct redact_report report;
};

/* {==================================================================
** Threads
** =================================================================== */

static void *work(void *argument) {
  struct redaction *r = argument;
  struct redact_worker worker = {.batch = batch_new(&r->run.rules)};
  struct error error;
  size_t i;
  if (!worker.batch) {
    error_set(&error, ERROR_MEMORY, "redacting: out of memory");
    redact_run_fail(&r->run, &error);
    return NULL;
  }
  while ((i = atomic_fetch_add(&r->next_file, 1)) < r->file_count)
    redact_file_work(r->files[i], &worker);
  for (i = 0; i < r->file_count; i++)
    redact_file_work(r->files[i], &worker);
  lines_free(&worker.piece);
  batch_free(worker.batch);
  return NULL;
}

/* This thread works too; threads that the system does not give are done without. */
static void work_together(struct redaction *r) {
  pthread_t threads[JOBS_MAX];
  unsigned count = 0;
  while (count + 1 < r->run.jobs && pthread_create(&threads[count], NULL, work, r) == 0)
    count++;
  work(r);
  while (count > 0)
    pthread_join(threads[--count], NULL);
}

/* }================================================================== */

/* {==================================================================
** Quarantine
** =================================================================== */

static bool no_memory(struct error *error) {
  error_set(error, ERROR_MEMORY, "redacting: out of memory");
  return false;
}

static bool append(struct writer *writer, const char *path, struct error *error) {
  char *buffer = malloc(COPY_SIZE);
  int descriptor = buffer ? file_open(path, NULL, error) : -1;
  int64_t got = 1;
  bool done = descriptor >= 0;
  if (!buffer) no_memory(error);
  for (uint64_t at = 0; done && got > 0; at += (uint64_t)got) {
    struct iovec piece = {buffer, 0};
    got = file_read(descriptor, buffer, COPY_SIZE, at, path, error);
    done = got >= 0;
    if (!done) break;
    piece.iov_len = (size_t)got;
    done = got == 0 || writer_write(writer, &piece, 1, error);
  }
  if (descriptor >= 0) close(descriptor);
  free(buffer);
  return done;
}

/* A table that is added to has its header already. */
static bool has_header(const char *path, const char *header, size_t size, bool *has,
                       struct error *error) {
  struct reader *reader;
  *has = false;
  if (access(path, F_OK) != 0) return true;
  reader = reader_open(path, NULL, error);
  if (!reader) return false;
  while (reader->size < size && !reader->ended)
    if (!reader_fill(reader, error)) {
      reader_close(reader);
      return false;
    }
  *has = reader->size >= size && memcmp(reader->text, header, size) == 0;
  if (!*has && reader->size > 0)
    error_at(error, ERROR_CONFLICT, path, 0, 0,
             "holds another kind of records than those that are to be added - choose another "
             "quarantine");
  else
    error->code = ERROR_NONE;
  reader_close(reader);
  return error->code == ERROR_NONE;
}

/* What is quarantined in place is added to what lies there, as it is nowhere else any more. */
static struct writer *open_quarantine(struct redaction *r, const char *target, const char *header,
                                      size_t header_size, struct error *error) {
  size_t size;
  struct writer_options options = {.target = target,
                                   .packing = packing_of_name(target, &size),
                                   .level = r->options.level,
                                   .append = r->options.in_place};
  struct iovec piece = {(char *)(uintptr_t)header, header_size};
  bool has = false;
  struct writer *writer;
  if (!targets_make_folder(&r->targets, target, error)) return NULL;
  if (header && options.append && !has_header(target, header, header_size, &has, error))
    return NULL;
  writer = writer_open(&options, error);
  if (writer && header && !has && !writer_write(writer, &piece, 1, error)) {
    writer_free(writer);
    return NULL;
  }
  return writer;
}

/* Makes the quarantine file of the files [from, to), as far as they have anything for it. The one
 * that all share is made in any case, so that it never holds what an earlier run has put there; but
 * in place that is kept. */
static bool make_quarantine(struct redaction *r, size_t from, size_t to, struct error *error) {
  struct writer *writer = NULL;
  const char *first_header = NULL;
  for (size_t i = from; i < to; i++) {
    const char *part = redact_file_quarantined(r->files[i]);
    size_t size;
    const char *header = redact_file_header(r->files[i], &size);
    if (!part) continue;
    if (!writer) {
      writer = open_quarantine(r, r->targets.list[i].quarantine, header, size, error);
      if (!writer) return false;
      r->quarantines[r->quarantine_count++] = writer;
      first_header = header;
    } else if (header || first_header) {
      error_at(error, ERROR_USAGE, r->targets.list[i].quarantine, 0, 0,
               "rows of a table cannot share a file with other records - give a folder as "
               "quarantine");
      return false;
    }
    if (!append(writer, part, error)) return false;
  }
  if (!writer && r->targets.one_quarantine && !r->options.in_place && !r->options.dry_run) {
    writer = open_quarantine(r, r->options.quarantine, NULL, 0, error);
    if (!writer) return false;
    r->quarantines[r->quarantine_count++] = writer;
  }
  return !writer || writer_finish(writer, error);
}

static bool make_quarantines(struct redaction *r, struct error *error) {
  r->quarantines = calloc(r->file_count + 1, sizeof(struct writer *));
  if (!r->quarantines) return no_memory(error);
  if (r->targets.one_quarantine) return make_quarantine(r, 0, r->file_count, error);
  for (size_t i = 0; i < r->file_count; i++)
    if (!make_quarantine(r, i, i + 1, error)) return false;
  return true;
}

/* }================================================================== */

/* {==================================================================
** The run
** =================================================================== */

/* Removes what killed runs have left beside the outputs. */
static void tidy(const struct redaction *r) {
  const char **all = calloc(2 * r->targets.count + 1, sizeof *all);
  size_t count = 0;
  for (size_t i = 0; all && i < r->targets.count; i++) {
    const struct target *target = &r->targets.list[i];
    if (target->output && strcmp(target->output, "-") != 0) all[count++] = target->output;
    if (target->quarantine) all[count++] = target->quarantine;
  }
  if (all && !r->options.dry_run) leftover_remove_all(all, count);
  free(all);
}

static bool prepare(struct redaction *r, struct error *error) {
  const struct redact_options *options = &r->options;
  uint32_t matter[VERDICTS_TYPES];
  struct targets_options where = {.inputs = options->inputs,
                                  .output = options->output,
                                  .in_place = options->in_place,
                                  .quarantine = options->quarantine};
  if (!(r->shapes = shapes_new(options->shape, error))) return false;
  if (!targets_find(&r->targets, &where, &r->task, error)) return false;
  task_set(&r->task, REDACT_TOTAL, r->targets.total);
  tidy(r);
  policy_matter(&options->policy, matter);
  r->filter = prefilter_new(options->verdicts, matter);
  r->files = calloc(r->targets.count + 1, sizeof(struct redact_file *));
  if (!r->filter || !r->files) return no_memory(error);
  r->run.rules = (struct batch_rules){.policy = &options->policy,
                                      .filter = r->filter,
                                      .shapes = r->shapes,
                                      .strict = options->strict,
                                      .on_malformed = options->on_malformed,
                                      .list_type = options->list_type};
  memcpy(r->run.rules.columns, options->columns, sizeof options->columns);
  for (; r->file_count < r->targets.count; r->file_count++) {
    r->files[r->file_count] = redact_file_new(&r->run, &r->targets.list[r->file_count]);
    if (!r->files[r->file_count]) return no_memory(error);
  }
  return true;
}

static void add_up(struct redaction *r) {
  struct redact_report *report = &r->report;
  for (size_t i = 0; i < r->file_count; i++) {
    struct redact_file_report file;
    redact_file_describe(r->files[i], &file);
    report->counts.records += file.counts.records;
    report->counts.kept += file.counts.kept;
    report->counts.changed += file.counts.changed;
    report->counts.dropped += file.counts.dropped;
    report->counts.quarantined += file.counts.quarantined;
    report->counts.malformed += file.counts.malformed;
    for (int type = 0; type < VERDICTS_TYPES; type++) {
      report->objects.own[type] += file.objects.own[type];
      report->objects.strange[type] += file.objects.strange[type];
      for (int fact = 0; fact < FACT_KINDS; fact++)
        report->objects.objects[type][fact] += file.objects.objects[type][fact];
    }
    report->bytes += file.bytes;
    report->output_bytes += file.output_bytes;
    report->written += file.written;
  }
  report->files = r->file_count;
  report->ignored = r->targets.ignored;
}

/* A record is in exactly one of the counts, or something is wrong with this program. */
static bool counts_add_up(const struct batch_counts *counts, struct error *error) {
  if (counts->records == counts->kept + counts->changed + counts->dropped + counts->quarantined)
    return true;
  error_set(error, ERROR_INTERNAL,
            "the counts of the redaction do not add up: this is a fault of "
            "the program, and nothing was written");
  return false;
}

/* Counts the edited tweets that stay, each once, and lists them if the options name a file. */
static bool write_rehydrate(struct redaction *r, struct id_output **output, struct error *error) {
  struct id_list *list = &r->run.rehydrate;
  uint64_t *scratch = malloc((list->count + 1) * sizeof *scratch);
  if (!scratch) return no_memory(error);
  if (list->count > 0) list->count = id_sort(list->ids, scratch, list->count, &r->task);
  free(scratch);
  r->report.rehydrate = list->count;
  if (!r->options.rehydrate || r->options.dry_run) return true;
  *output = id_output_new(r->options.rehydrate, 0, error);
  return *output && id_output_write(*output, list->ids, list->count, error);
}

/* First what would otherwise be lost: the quarantine, before the outputs lack it. */
static bool publish(struct redaction *r, struct error *error) {
  struct id_output *rehydrate = NULL;
  bool done = make_quarantines(r, error) && write_rehydrate(r, &rehydrate, error);
  if (done && task_cancelled(&r->task)) {
    error_set(error, ERROR_CANCELLED, "the redaction was cancelled");
    done = false;
  }
  for (size_t i = 0; done && i < r->file_count; i++)
    done = redact_file_check(r->files[i], error);
  for (size_t i = 0; done && i < r->quarantine_count; i++)
    done = writer_publish(r->quarantines[i], error);
  if (done && rehydrate) done = id_output_publish(rehydrate, error);
  for (size_t i = 0; done && i < r->file_count; i++)
    done = redact_file_publish(r->files[i], error);
  if (rehydrate) id_output_free(rehydrate);
  return done;
}

/* Results of the other type show two signs together: their ids are found, but only on objects of
 * the other type; and their times are written as those of the other type are. The same verdicts a
 * second time find no object of theirs either, so an id that may be of both types is no sign. */
static bool types_fit(const struct redaction *r, struct error *error) {
  static const char *const names[VERDICTS_TYPES] = {"tweets", "users"};
  for (int type = 0; type < VERDICTS_TYPES; type++) {
    const struct verdict_set *set = &r->options.verdicts->sets[type];
    uint64_t alike = type == VERDICTS_TWEETS ? set->results.zulu : set->results.offset;
    uint64_t unlike = type == VERDICTS_TWEETS ? set->results.offset : set->results.zulu;
    const struct judge_counts *found = &r->report.objects;
    if (found->own[type] > 0 || found->strange[type] == 0 || alike > 0 || unlike == 0) continue;
    error_set(error, ERROR_DATA,
              "the results that were given as those of %s are those of %s: none of their ids is on "
              "one of the %s of the dataset, and they are on %llu others - exchange them",
              names[type], names[1 - type], names[type], (unsigned long long)found->strange[type]);
    return false;
  }
  return true;
}

static bool redact(struct redaction *r, struct error *error) {
  if (!prepare(r, error)) return false;
  work_together(r);
  if (atomic_load(&r->run.failed)) {
    *error = r->run.error;
    return false;
  }
  add_up(r);
  return counts_add_up(&r->report.counts, error) && types_fit(r, error) && publish(r, error);
}

static void run(struct task *task) {
  struct redaction *r = (struct redaction *)task;
  struct error error = {0};
  bool done = redact(r, &error);
  if (!done) task->error = error;
  for (size_t i = 0; i < r->quarantine_count; i++)
    writer_free(r->quarantines[i]);
  r->quarantine_count = 0;
  if (!done) {
    while (r->file_count > 0)
      redact_file_free(r->files[--r->file_count]);
    targets_remove_folders(&r->targets);
  }
  prefilter_free(r->filter);
  r->filter = NULL;
  shapes_free(r->shapes);
  r->shapes = NULL;
}

/* }================================================================== */

/* {==================================================================
** The task
** =================================================================== */

static void free_options(struct redact_options *options) {
  for (size_t i = 0; options->inputs && options->inputs[i]; i++)
    free((void *)options->inputs[i]);
  free((void *)options->inputs);
  free((void *)options->output);
  free((void *)options->quarantine);
  free((void *)options->rehydrate);
  free((void *)options->shape);
  for (int i = 0; i < COLUMN_ROLES; i++)
    free((void *)options->columns[i]);
  verdicts_release(options->verdicts);
}

static void destroy(struct task *task) {
  struct redaction *r = (struct redaction *)task;
  for (size_t i = 0; i < r->file_count; i++)
    redact_file_free(r->files[i]);
  free(r->files);
  free(r->quarantines);
  free(r->run.rehydrate.ids);
  targets_free(&r->targets);
  free_options(&r->options);
  pthread_mutex_destroy(&r->run.mutex);
  free(r);
}

static bool copy_string(const char **to, const char *from) {
  *to = from ? strdup(from) : NULL;
  return !from || *to;
}

static bool copy_options(struct redaction *r, const struct redact_options *options) {
  const char **inputs;
  size_t count = 0;
  bool done;
  while (options->inputs[count])
    count++;
  r->options = *options;
  verdicts_retain(r->options.verdicts);
  r->options.inputs = inputs = calloc(count + 1, sizeof *inputs);
  done = copy_string(&r->options.output, options->output);
  done = copy_string(&r->options.quarantine, options->quarantine) && done;
  done = copy_string(&r->options.rehydrate, options->rehydrate) && done;
  done = copy_string(&r->options.shape, options->shape) && done;
  for (int i = 0; i < COLUMN_ROLES; i++)
    done = copy_string(&r->options.columns[i], options->columns[i]) && done;
  if (!inputs) return false;
  for (size_t i = 0; i < count; i++)
    done = copy_string(&inputs[i], options->inputs[i]) && done;
  return done;
}

static const struct task_kind redaction_kind = {
    .name = "redaction",
    .counters = {"bytes", "total", "records", "changed", "dropped", "quarantined", NULL},
    .run = run,
    .destroy = destroy,
};

struct task *redact_start(const struct redact_options *options, struct error *error) {
  struct redaction *r = calloc(1, sizeof *r);
  unsigned jobs = options->jobs > 0 ? options->jobs : thread_processors();
  if (!r) {
    no_memory(error);
    return NULL;
  }
  pthread_mutex_init(&r->run.mutex, NULL);
  r->run.task = &r->task;
  r->run.options = &r->options;
  r->run.targets = &r->targets;
  r->run.jobs = jobs < JOBS_MAX ? jobs : JOBS_MAX;
  if (!copy_options(r, options)) {
    no_memory(error);
  } else if (task_init(&r->task, &redaction_kind, error)) {
    if (task_start(&r->task, error)) return &r->task;
    task_free(&r->task);
    return NULL;
  }
  destroy(&r->task);
  return NULL;
}

const struct redact_report *redact_report(const struct task *task) {
  return &((const struct redaction *)task)->report;
}

bool redact_file_report(const struct task *task, size_t i, struct redact_file_report *report) {
  const struct redaction *r = (const struct redaction *)task;
  if (i >= r->file_count) return false;
  redact_file_describe(r->files[i], report);
  return true;
}

bool redact_has_checksums(const struct task *task) {
  return ((const struct redaction *)task)->options.checksums;
}

const char *redact_ignored(const struct task *task, size_t i) {
  const struct redaction *r = (const struct redaction *)task;
  return i < r->targets.ignored_count ? r->targets.ignored_paths[i] : NULL;
}

/* }================================================================== */
