/* redact.c - see redact.h
 *
 * Each thread first takes a file of its own; when none is left, it helps with the files that are
 * not finished. So both a folder of small files and one large file keep all threads busy.
 */
#include "dataset/redaction/redact.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataset/bytes/leftover.h"
#include "dataset/bytes/writer.h"
#include "dataset/files/folder.h"
#include "dataset/files/renames.h"
#include "dataset/files/targets.h"
#include "dataset/lists/id_output.h"
#include "dataset/lists/id_set.h"
#include "dataset/redaction/redact_file.h"
#include "dataset/text/csv.h"
#include "file.h"
#include "memory.h"
#include "thread.h"

enum { JOBS_MAX = 256, COPY_SIZE = 1 << 18, NAMES_ROOM = 300 };

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
  char *renames;      /* the path of the note of renames; NULL: none */
  bool renames_noted; /* they are */
  struct redact_report report;
};

/* {==================================================================
** Threads
** =================================================================== */

static void work(void *argument) {
  struct redaction *r = argument;
  struct redact_worker worker = {0};
  struct error error;
  size_t i;
  if (!redact_worker_begin(&worker, &r->run)) {
    error_memory(&error, "redacting");
    redact_run_fail(&r->run, &error);
    redact_worker_end(&worker);
    return;
  }
  while ((i = atomic_fetch_add(&r->next_file, 1)) < r->file_count)
    redact_file_work(r->files[i], &worker);
  for (i = 0; i < r->file_count; i++)
    redact_file_work(r->files[i], &worker);
  redact_worker_end(&worker);
}

/* This thread works too; if the system has no more threads, fewer do the work. */
static void work_together(struct redaction *r) {
  struct thread threads[JOBS_MAX];
  unsigned count = 0;
  while (count + 1 < r->run.jobs && thread_start(&threads[count], work, r) == 0)
    count++;
  work(r);
  while (count > 0)
    thread_join(&threads[--count]);
}

/* }================================================================== */

/* {==================================================================
** Quarantine
** =================================================================== */

static bool append(struct writer *writer, const char *path, struct error *error) {
  char *buffer = malloc(COPY_SIZE);
  int descriptor = buffer ? file_open(path, NULL, error) : -1;
  int64_t got = 1;
  bool done = descriptor >= 0;
  if (!buffer) error_memory(error, "redacting");
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

/* What a quarantine file holds; it can only be read if all of it is of one kind. */
struct kind {
  enum format format;
  const char *header; /* of a table */
  size_t header_size;
};

static struct kind kind_of(const struct redact_file *file) {
  struct redact_file_report report;
  struct kind kind;
  redact_file_describe(file, &report);
  kind.format = report.format == FORMAT_JSON_VALUES ? FORMAT_JSON_LINES : report.format;
  kind.header = redact_file_header(file, &kind.header_size);
  return kind;
}

static bool is_same_kind(const struct kind *one, const struct kind *other) {
  if (one->format != other->format || !one->header != !other->header) return false;
  return !one->header || (one->header_size == other->header_size &&
                          memcmp(one->header, other->header, one->header_size) == 0);
}

/* Whether it begins like a table, with a header of several columns; a line that is not JSON may
 * also be a malformed record that was quarantined. */
static bool is_table(const struct reader *reader) {
  struct csv csv = {0};
  bool is = csv_header(&csv, reader->text, reader->size, reader->ended) == CSV_ROW;
  is = is && csv.columns > 1;
  csv_free(&csv);
  return is;
}

/* Whether records can be added to the file of a reader: it is empty, or holds records of the same
 * kind. */
static bool fits(struct reader *reader, const struct kind *kind, bool *empty, struct error *error) {
  enum format format;
  bool same;
  while (kind->header && reader->size < kind->header_size && !reader->ended)
    if (!reader_fill(reader, error)) return false;
  if (!format_detect(reader, &format, error)) return false;
  *empty = reader->ended && reader->size == 0;
  if (format == FORMAT_JSON_VALUES) format = FORMAT_JSON_LINES;
  if (kind->header)
    same = reader->size >= kind->header_size &&
           memcmp(reader->text, kind->header, kind->header_size) == 0;
  else
    same = format == kind->format || (format == FORMAT_CSV && !is_table(reader));
  if (same || *empty) return true;
  error_at(error, ERROR_CONFLICT, reader->path, 0, 0,
           "holds records of another kind than those to be added - choose another `quarantine`");
  return false;
}

/* Whether records can be added to the quarantine, and whether it is empty. */
static bool check_old(const char *path, const struct kind *kind, bool *empty, struct error *error) {
  struct reader *reader;
  bool done;
  *empty = access(path, F_OK) != 0;
  if (*empty) return true;
  reader = reader_open(path, NULL, error);
  if (!reader) return false;
  done = fits(reader, kind, empty, error);
  reader_close(reader);
  return done;
}

/* In place, quarantined records are added to the file, since they exist nowhere else. `kind` NULL:
 * nothing is added. */
static struct writer *open_quarantine(struct redaction *r, const char *target,
                                      const struct kind *kind, struct error *error) {
  size_t size;
  struct writer_options options = {.target = target,
                                   .packing = packing_of_name(target, &size),
                                   .level = r->options.level,
                                   .append = r->options.in_place,
                                   .task = &r->task};
  struct iovec header = {NULL, 0};
  bool empty = true;
  struct writer *writer;
  if (!targets_make_folder(&r->targets, target, error)) return NULL;
  if (kind && options.append && !check_old(target, kind, &empty, error)) return NULL;
  if (kind && empty) header = (struct iovec){(char *)(uintptr_t)kind->header, kind->header_size};
  writer = writer_open(&options, error);
  if (writer && header.iov_base && !writer_write(writer, &header, 1, error)) {
    writer_free(writer);
    return NULL;
  }
  return writer;
}

static bool add_quarantined(struct redaction *r, size_t i, struct writer **writer,
                            struct kind *first, struct error *error) {
  const char *part = redact_file_quarantined(r->files[i]), *target = r->targets.list[i].quarantine;
  struct kind kind = kind_of(r->files[i]);
  if (!part) return true;
  if (!*writer) {
    *first = kind;
    *writer = open_quarantine(r, target, &kind, error);
    if (!*writer) return false;
    r->quarantines[r->quarantine_count++] = *writer;
  } else if (!is_same_kind(first, &kind)) {
    error_at(error, ERROR_USAGE, target, 0, 0,
             "JSON, ids and the rows of different tables cannot share a file - give a folder "
             "as `quarantine`");
    return false;
  }
  return append(*writer, part, error);
}

/* Makes the quarantine file of the files [from, to), if they have anything for it. One that all
 * share is always made, so that it never holds records of an earlier run; but in place those are
 * kept. */
static bool make_quarantine(struct redaction *r, size_t from, size_t to, struct error *error) {
  struct writer *writer = NULL;
  struct kind first;
  for (size_t i = from; i < to; i++)
    if (!add_quarantined(r, i, &writer, &first, error)) return false;
  if (!writer && r->targets.one_quarantine && !r->options.in_place && !r->options.dry_run) {
    writer = open_quarantine(r, r->options.quarantine, NULL, error);
    if (!writer) return false;
    r->quarantines[r->quarantine_count++] = writer;
  }
  return !writer || writer_finish(writer, error);
}

static bool make_quarantines(struct redaction *r, struct error *error) {
  r->quarantines = calloc(r->file_count + 1, sizeof(struct writer *));
  if (!r->quarantines) return error_memory(error, "redacting");
  if (r->targets.one_quarantine) return make_quarantine(r, 0, r->file_count, error);
  for (size_t i = 0; i < r->file_count; i++)
    if (!make_quarantine(r, i, i + 1, error)) return false;
  return true;
}

/* }================================================================== */

/* {==================================================================
** The beginning, and the counts
** =================================================================== */

/* Removes what killed runs have left beside the outputs. */
static void tidy(const struct redaction *r) {
  const char **all = calloc(2 * r->targets.count + 2, sizeof *all);
  size_t count = 0;
  if (all && r->options.rehydrate) all[count++] = r->options.rehydrate;
  for (size_t i = 0; all && i < r->targets.count; i++) {
    const struct target *target = &r->targets.list[i];
    if (target->output && strcmp(target->output, "-") != 0) all[count++] = target->output;
    if (target->quarantine) all[count++] = target->quarantine;
  }
  if (all && !r->options.dry_run) leftover_remove_all(all, count);
  free(all);
}

/* Finishes an interrupted run in place. */
static bool complete_renames(struct redaction *r, struct error *error) {
  if (!r->options.in_place || !r->options.quarantine) return true;
  r->renames = renames_path(r->options.quarantine, !r->targets.one_quarantine);
  if (!r->renames) return error_memory(error, "redacting");
  leftover_remove(r->renames);
  return renames_complete(r->renames, error);
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
  if (options->stop_on_ignored && r->targets.ignored > 0) {
    folder_refuse_ignored(r->targets.ignored, r->targets.ignored_paths[0], error);
    return false;
  }
  if (r->targets.count == 0) return folder_refuse_empty(options->inputs, error);
  task_set(&r->task, REDACT_TOTAL, r->targets.total);
  if (!complete_renames(r, error)) return false;
  tidy(r);
  policy_matter(&options->policy, matter);
  r->filter = prefilter_new(options->verdicts, matter, &r->task);
  r->files = calloc(r->targets.count + 1, sizeof(struct redact_file *));
  if (!r->filter || !r->files) return error_memory(error, "redacting");
  r->run.rules = (struct batch_rules){.policy = &options->policy,
                                      .filter = r->filter,
                                      .task = &r->task,
                                      .shapes = r->shapes,
                                      .strict = options->strict,
                                      .on_malformed = options->on_malformed,
                                      .on_unrecognised = options->on_unrecognised,
                                      .list_type = options->list_type,
                                      .columns = options->columns};
  for (; r->file_count < r->targets.count; r->file_count++) {
    r->files[r->file_count] = redact_file_new(&r->run, &r->targets.list[r->file_count]);
    if (!r->files[r->file_count]) return error_memory(error, "redacting");
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
    report->counts.recognised += file.counts.recognised;
    report->counts.notices += file.counts.notices;
    report->counts.malformed += file.counts.malformed;
    report->counts.unrecognised += file.counts.unrecognised;
    report->counts.unparsed += file.counts.unparsed;
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

/* A record is in exactly one of the counts; otherwise this program has a bug. */
static bool counts_add_up(const struct batch_counts *counts, struct error *error) {
  if (counts->records == counts->kept + counts->changed + counts->dropped + counts->quarantined &&
      counts->records == counts->recognised + counts->notices + counts->malformed +
                             counts->unrecognised + counts->unparsed)
    return true;
  error_set(error, ERROR_INTERNAL,
            "the counts of the redaction do not add up: this is a bug in the program; nothing "
            "was written");
  return false;
}

/* Counts the edited tweets that stay, each once, and lists them if the options name a file. */
static bool write_rehydrate(struct redaction *r, struct id_output **output, struct error *error) {
  struct id_list *list = &r->run.rehydrate;
  uint64_t *scratch = malloc((list->count + 1) * sizeof *scratch);
  if (!scratch) return error_memory(error, "redacting");
  if (list->count > 0) list->count = id_sort(list->ids, scratch, list->count, &r->task);
  free(scratch);
  r->report.rehydrate = list->count;
  if (!r->options.rehydrate || r->options.dry_run) return true;
  *output = id_output_new(r->options.rehydrate, 0, error);
  return *output && id_output_write(*output, list->ids, list->count, error);
}

/* }================================================================== */

/* {==================================================================
** Final names
** =================================================================== */

/* In place, quarantined records must not be quarantined again by the run that replaces the files
 * that this run did not. */
static bool note_renames(struct redaction *r, struct error *error) {
  size_t count = 0;
  struct rename *list;
  bool done;
  if (!r->options.in_place || r->quarantine_count == 0) return true;
  list = calloc(r->quarantine_count + r->file_count, sizeof *list);
  if (!list) return error_memory(error, "redacting");
  for (size_t i = 0; i < r->quarantine_count; i++)
    list[count++] =
        (struct rename){writer_path(r->quarantines[i]), writer_target(r->quarantines[i]), true};
  for (size_t i = 0; i < r->file_count; i++)
    if (redact_file_finished(r->files[i]))
      list[count++] =
          (struct rename){redact_file_finished(r->files[i]), r->targets.list[i].output, false};
  done = renames_begin(r->renames, list, count, error);
  free(list);
  r->renames_noted = done;
  return done;
}

/* The quarantine first, so that no record is lost. Returns how many were renamed: the quarantines,
 * then the files. */
static bool rename_all(struct redaction *r, struct id_output *rehydrate, size_t *quarantines,
                       size_t *files, struct error *error) {
  bool done = true;
  for (; *quarantines < r->quarantine_count; ++*quarantines)
    if (!writer_publish(r->quarantines[*quarantines], error)) return false;
  if (rehydrate) done = id_output_publish(rehydrate, error);
  for (; done && *files < r->file_count; *files += done)
    done = redact_file_publish(r->files[*files], error);
  return done;
}

/* Names the outputs in [from, to), as many as fit into `text`. Returns how many there are. */
static size_t list_outputs(const struct redaction *r, size_t from, size_t to,
                           char text[NAMES_ROOM]) {
  size_t count = 0, used = 0;
  bool full = false;
  text[0] = '\0';
  for (size_t i = from; i < to; i++) {
    const char *path = r->targets.list[i].output;
    if (!redact_file_finished(r->files[i])) continue;
    full = full || used + strlen(path) + sizeof ", ..." > NAMES_ROOM - sizeof ", ...";
    if (!full)
      used += (size_t)snprintf(text + used, NAMES_ROOM - used, "%s%s", used ? ", " : "", path);
    count++;
  }
  if (full) snprintf(text + used, NAMES_ROOM - used, "%s...", used ? ", " : "");
  return count;
}

/* A rename has failed: says which files have their names and which have not. */
static void explain_renames(const struct redaction *r, size_t files, struct error *error) {
  char done_names[NAMES_ROOM], left_names[NAMES_ROOM];
  size_t done = list_outputs(r, 0, files, done_names);
  size_t left = list_outputs(r, files, r->file_count, left_names);
  size_t used = strlen(error->message);
  if (done == 0 && left > 1)
    snprintf(error->message + used, sizeof error->message - used,
             "; no file was replaced (%s) - fix that and run the same command again", left_names);
  if (done == 0) return;
  snprintf(error->message + used, sizeof error->message - used,
           "; %zu of %zu files %s replaced (%s), %zu %s not (%s) - fix that and run the same "
           "command again to replace the rest",
           done, done + left, done == 1 ? "was" : "were", done_names, left,
           left == 1 ? "was" : "were", left_names);
}

static void keep_finished(struct redaction *r, size_t quarantines, size_t files) {
  for (size_t i = quarantines; i < r->quarantine_count; i++)
    writer_keep(r->quarantines[i]);
  for (size_t i = files; i < r->file_count; i++)
    redact_file_keep(r->files[i]);
}

static bool give_names(struct redaction *r, struct id_output *rehydrate, struct error *error) {
  size_t quarantines = 0, files = 0;
  bool done;
  if (!note_renames(r, error)) return false;
  done = rename_all(r, rehydrate, &quarantines, &files, error);
  if (!done && quarantines == r->quarantine_count) explain_renames(r, files, error);
  if (r->renames_noted && !done && quarantines > 0)
    keep_finished(r, quarantines, files);
  else if (r->renames_noted)
    renames_end(r->renames);
  return done;
}

static bool publish(struct redaction *r, struct error *error) {
  struct id_output *rehydrate = NULL;
  bool done = make_quarantines(r, error) && write_rehydrate(r, &rehydrate, error);
  if (done && task_cancelled(&r->task)) {
    error_set(error, ERROR_CANCELLED, "the redaction was cancelled");
    done = false;
  }
  for (size_t i = 0; done && i < r->file_count; i++)
    done = redact_file_check(r->files[i], error);
  done = done && give_names(r, rehydrate, error);
  if (rehydrate) id_output_free(rehydrate);
  return done;
}

/* }================================================================== */

/* {==================================================================
** The run
** =================================================================== */

/* Results of the other type are recognised by two signs together: their ids are found, but only on
 * objects of the other type; and their times have the form of the other type. A second run with the
 * same verdicts finds none of their objects either, so an id that may be of both types proves
 * nothing. */
static bool types_fit(const struct redaction *r, struct error *error) {
  static const char *const names[VERDICTS_TYPES] = {"tweets", "users"};
  for (int type = 0; type < VERDICTS_TYPES; type++) {
    const struct verdict_set *set = &r->options.verdicts->sets[type];
    uint64_t alike = type == VERDICTS_TWEETS ? set->results.zulu : set->results.offset;
    uint64_t unlike = type == VERDICTS_TWEETS ? set->results.offset : set->results.zulu;
    const struct judge_counts *found = &r->report.objects;
    if (found->own[type] > 0 || found->strange[type] == 0 || alike > 0 || unlike == 0) continue;
    error_set(error, ERROR_DATA,
              "the results given for %s are the results for %s: none of their ids is among the "
              "dataset's %s, but %llu %s among its %s - exchange the two",
              names[type], names[1 - type], names[type], (unsigned long long)found->strange[type],
              found->strange[type] == 1 ? "is" : "are", names[1 - type]);
    return false;
  }
  return true;
}

static bool read_all(struct redaction *r, struct error *error) {
  if (!prepare(r, error)) return false;
  work_together(r);
  if (!atomic_load(&r->run.failed)) return true;
  *error = r->run.error;
  return false;
}

static bool redact(struct redaction *r, struct error *error) {
  if (!read_all(r, error)) {
    /* whatever has failed, it was because of the cancellation */
    if (task_cancelled(&r->task)) error_set(error, ERROR_CANCELLED, "the redaction was cancelled");
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
  memory_free_strings((char **)options->inputs);
  free((void *)options->output);
  free((void *)options->quarantine);
  free((void *)options->rehydrate);
  free((void *)options->shape);
  columns_free(options->columns);
  verdicts_release(options->verdicts);
}

static void destroy(struct task *task) {
  struct redaction *r = (struct redaction *)task;
  for (size_t i = 0; i < r->file_count; i++)
    redact_file_free(r->files[i]);
  free(r->files);
  free(r->quarantines);
  free(r->renames);
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
  bool done;
  r->options = *options;
  verdicts_retain(r->options.verdicts);
  r->options.inputs = (const char *const *)memory_copy_strings(options->inputs);
  done = copy_string(&r->options.output, options->output);
  done = copy_string(&r->options.quarantine, options->quarantine) && done;
  done = copy_string(&r->options.rehydrate, options->rehydrate) && done;
  done = copy_string(&r->options.shape, options->shape) && done;
  r->options.columns = columns_copy(options->columns);
  return done && r->options.inputs && (!options->columns || r->options.columns);
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
    error_memory(error, "redacting");
    return NULL;
  }
  pthread_mutex_init(&r->run.mutex, NULL);
  r->run.task = &r->task;
  r->run.options = &r->options;
  r->run.targets = &r->targets;
  r->run.jobs = jobs < JOBS_MAX ? jobs : JOBS_MAX;
  if (!copy_options(r, options)) {
    error_memory(error, "redacting");
  } else {
    return task_launch(&r->task, &redaction_kind, error);
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

const struct redact_member_report *redact_member_report(const struct task *task, size_t i,
                                                        size_t j) {
  const struct redaction *r = (const struct redaction *)task;
  return i < r->file_count ? redact_file_member(r->files[i], j) : NULL;
}

bool redact_has_checksums(const struct task *task) {
  return ((const struct redaction *)task)->options.checksums;
}

const char *redact_ignored(const struct task *task, size_t i) {
  const struct redaction *r = (const struct redaction *)task;
  return i < r->targets.ignored_count ? r->targets.ignored_paths[i] : NULL;
}

/* }================================================================== */
