/* redact_file.c - see redact_file.h */
#include "dataset/redaction/redact_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checksum.h"
#include "dataset/redaction/redact_archive.h"
#include "dataset/redaction/redact_file_state.h"
#include "file.h"

enum { MARK = 3, CHECK_SIZE = 1 << 20 };

struct redact_file *redact_file_new(struct redact_run *run, const struct target *target) {
  struct redact_file *file = calloc(1, sizeof *file);
  if (!file) return NULL;
  file->run = run;
  file->target = target;
  file->descriptor = -1;
  pthread_mutex_init(&file->entering, NULL);
  return file;
}

static void close_input(struct redact_file *file) {
  redact_archive_close(file);
  reader_close(file->reader);
  file->reader = file->records.reader = NULL;
  if (file->descriptor >= 0) close(file->descriptor);
  file->descriptor = -1;
}

void redact_file_free(struct redact_file *file) {
  if (!file) return;
  close_input(file);
  redact_records_close(&file->records);
  writer_free(file->writer);
  writer_free(file->quarantine);
  for (size_t i = 0; i < file->member_count; i++)
    free(file->member_reports[i].path);
  free(file->member_reports);
  free(file->turns);
  pthread_mutex_destroy(&file->entering);
  free(file);
}

bool redact_worker_begin(struct redact_worker *worker, const struct redact_run *run) {
  worker->piece.batch = batch_new(&run->rules);
  worker->member = malloc(sizeof *worker->member);
  if (worker->member) redact_member_begin(worker->member);
  return worker->piece.batch && worker->member;
}

void redact_worker_end(struct redact_worker *worker) {
  if (worker->member) redact_member_free(worker->member);
  free(worker->member);
  lines_free(&worker->piece.lines);
  batch_free(worker->piece.batch);
}

/* {==================================================================
** Opening
** =================================================================== */

/* The packing that the name of the output states, if any; else that of the input. */
static const struct packing *output_packing(const struct redact_file *file) {
  const char *output = file->target->output, *input = file->target->path;
  size_t size;
  const struct packing *named = packing_of_name(output, &size);
  if (file->run->options->in_place) return file->reader->packing;
  if (named) return named;
  if (!format_is_known_name(output) || strcmp(file_name_of(output), file_name_of(input)) == 0)
    return file->reader->packing;
  return NULL;
}

/* The other members of an archive are kept only in place. */
static bool can_be_copied(const struct redact_file *file) {
  if (file->archive) return file->run->options->in_place;
  return file->descriptor >= 0 && output_packing(file) == file->reader->packing;
}

/* The other names of a file would keep what is removed from this one. */
static bool has_one_name(const struct redact_file *file, struct error *error) {
  if (!file->run->options->in_place || file->before.st_nlink == 1) return true;
  error_at(error, ERROR_USAGE, file->target->path, 0, 0,
           "has %llu names (hard links), and the other names would keep what is removed from this "
           "one - give each name its own copy, or write to a new file",
           (unsigned long long)file->before.st_nlink);
  return false;
}

static bool has_fitting_name(const struct redact_file *file, struct error *error) {
  const char *output = file->target->output;
  enum container named = container_of_name(output), is = file->reader->container;
  if (named == is || (named == CONTAINER_NONE && !format_is_known_name(output))) return true;
  if (file->run->options->in_place) return true;
  error_at(error, ERROR_USAGE, output, 0, 0,
           "its input is %s%s, so the output will be too - give it a name that says so",
           is == CONTAINER_NONE ? "not an archive" : "a ",
           is == CONTAINER_NONE  ? ""
           : is == CONTAINER_TAR ? "tar archive"
                                 : "zip archive");
  return false;
}

static bool open_writer(struct redact_file *file, struct error *error) {
  struct writer_options options = {
      .target = file->target->output,
      .packing = output_packing(file),
      .encoding = file->reader->encoding,
      .level = file->run->options->level,
      .threads = (int)file->run->jobs - 1,
      .like = file->descriptor >= 0 ? &file->before : NULL,
      .owner = file->run->options->in_place,
      .checksum = file->run->options->checksums,
      .task = file->run->task,
  };
  bool made;
  if (!has_one_name(file, error) || !has_fitting_name(file, error)) return false;
  pthread_mutex_lock(&file->run->mutex);
  made = file->run->options->in_place || strcmp(options.target, "-") == 0 ||
         targets_make_folder(file->run->targets, options.target, error);
  pthread_mutex_unlock(&file->run->mutex);
  if (made) file->writer = writer_open(&options, error);
  return file->writer != NULL;
}

static bool begin_from_start(struct redact_file *file, struct error *error) {
  const struct iovec mark = {(char *)(uintptr_t) "\xef\xbb\xbf", MARK};
  file->writing = true;
  return open_writer(file, error) &&
         (!file->reader->mark || writer_write(file->writer, &mark, 1, error));
}

static bool open_reader(struct redact_file *file, struct error *error) {
  file->reader = reader_open_dataset(file->target->path, file->run->jobs, file->run->task, error);
  if (!file->reader) return false;
  file->passed = file->reader->mark ? MARK : 0;
  file->container = file->reader->container;
  if (file->container == CONTAINER_NONE)
    return redact_records_open(&file->records, file->reader, &file->run->rules, error);
  file->archive = archive_in_open(file->reader, error);
  return file->archive != NULL;
}

static bool open_file(struct redact_file *file, struct error *error) {
  struct stat status;
  bool regular = strcmp(file->target->path, "-") != 0 &&
                 (stat(file->target->path, &status) != 0 || S_ISREG(status.st_mode));
  if (regular) {
    file->descriptor = file_open(file->target->path, &file->before, error);
    if (file->descriptor < 0) return false;
  }
  if (!open_reader(file, error)) return false;
  if (!file->target->output || can_be_copied(file)) return true;
  return begin_from_start(file, error);
}

/* }================================================================== */

/* {==================================================================
** Handing over, in order
** =================================================================== */

/* The next piece changes something, so what came before it must be written too. */
static bool begin_writing(struct redact_file *file, struct error *error) {
  if (file->passed <= MARK) return begin_from_start(file, error);
  if (file->reader->packing || file->reader->encoding != ENCODING_UTF8) {
    file->again = true;
    return true;
  }
  file->writing = true;
  return open_writer(file, error) &&
         writer_copy(file->writer, file->descriptor, file->passed, file->target->path, error);
}

static bool write_piece(struct redact_file *file, const struct batch *batch, struct error *error) {
  if (file->target->output && !file->writing && batch->touched && !begin_writing(file, error))
    return false;
  if (file->again) return true;
  if (file->writing && !writer_write(file->writer, batch->output.list, batch->output.count, error))
    return false;
  return redact_file_quarantine(file, batch->quarantine.list, batch->quarantine.count, error);
}

static bool give_piece(void *context, void *state, struct error *error) {
  struct redact_file *file = context;
  struct redact_records_piece *piece = &((struct redact_worker *)state)->piece;
  struct batch *batch = piece->batch;
  if (redact_records_failed(&file->records, piece, error)) return false;
  if (!write_piece(file, batch, error) || file->again) return false;
  if (!redact_take_ids(file, &batch->judge->rehydrate, error)) return false;
  redact_file_count(file, &batch->counts, &batch->judge->counts);
  file->passed += piece->size;
  return true;
}

/* }================================================================== */

/* {==================================================================
** Pieces
** =================================================================== */

static enum turns_step take_piece(void *context, void *state, struct error *error) {
  struct redact_file *file = context;
  struct redact_worker *worker = state;
  enum turns_step step = redact_file_continues(file, error);
  if (step != TURNS_BESIDE) return step;
  step = redact_records_take(&file->records, &worker->piece, file->run->jobs > 1, error);
  redact_file_show(file);
  return step;
}

static bool judge_piece(void *context, void *state, struct turn *turn) {
  const struct redact_file *file = context;
  (void)turn;
  redact_records_judge(&file->records, &((struct redact_worker *)state)->piece);
  return true;
}

static const struct turns_work PIECES = {take_piece, judge_piece, give_piece};

static bool begin_turns(struct redact_file *file, struct error *error) {
  if (!file->turns) file->turns = malloc(sizeof *file->turns);
  if (!file->turns) return error_memory(error, "redacting %s", file->target->path);
  turns_begin(file->turns, file->archive ? &redact_members : &PIECES, file);
  return true;
}

/* }================================================================== */

/* {==================================================================
** The end of a file
** =================================================================== */

static bool is_same(const struct stat *one, const struct stat *other) {
  return one->st_dev == other->st_dev && one->st_ino == other->st_ino &&
         one->st_size == other->st_size && one->st_mtim.tv_sec == other->st_mtim.tv_sec &&
         one->st_mtim.tv_nsec == other->st_mtim.tv_nsec;
}

static bool refuse_changed(const struct redact_file *file, struct error *error) {
  error_at(error, ERROR_DATA, file->target->path, 0, 0,
           "was changed while it was being read, so nothing was written - wait until the program "
           "that writes it has finished, and run it again");
  return false;
}

static bool checksum_input(struct redact_file *file, struct error *error) {
  char *buffer = malloc(CHECK_SIZE);
  int64_t got = buffer ? 1 : 0;
  bool done = buffer != NULL;
  if (!buffer) error_memory(error, "redacting %s", file->target->path);
  for (uint64_t at = 0; done && got > 0; at += (uint64_t)got) {
    got = file_read(file->descriptor, buffer, CHECK_SIZE, at, file->target->path, error);
    done = got >= 0;
    if (done) file->crc = checksum_crc32c(file->crc, buffer, (size_t)got);
    if (task_cancelled(file->run->task)) {
      error_set(error, ERROR_CANCELLED, "the redaction was cancelled");
      done = false;
    }
  }
  free(buffer);
  return done;
}

/* The kernel copies a file without changes to its new place. */
static bool copy_whole(struct redact_file *file, struct error *error) {
  return open_writer(file, error) &&
         writer_copy(file->writer, file->descriptor, (uint64_t)file->before.st_size,
                     file->target->path, error) &&
         writer_finish(file->writer, error);
}

static bool finish(struct redact_file *file, struct error *error) {
  bool in_place = file->run->options->in_place;
  struct stat now;
  if (!file->archive && !redact_check_rounded(file, file->target->path, &file->counts, error))
    return false;
  if (file->archive && !redact_archive_finish(file, error)) return false;
  if (file->writer && !writer_finish(file->writer, error)) return false;
  if (file->quarantine && !writer_finish(file->quarantine, error)) return false;
  if (file->target->output && !file->writing && !in_place && !copy_whole(file, error)) return false;
  if (file->descriptor >= 0) {
    if (file->run->options->checksums && !checksum_input(file, error)) return false;
    if (fstat(file->descriptor, &now) != 0 || !is_same(&now, &file->before))
      return refuse_changed(file, error);
  }
  close_input(file);
  return true;
}

/* Reads and writes the file again from its start: it is compressed, and something in it changes. */
static bool begin_again(struct redact_file *file, struct error *error) {
  task_count(file->run->task, REDACT_BYTES, 0 - file->read);
  if (file->archive) {
    file->clean = file->given; /* and counted */
    file->given = file->members = 0;
  } else {
    redact_file_show_counts(file, &file->counts, -1);
    memset(&file->counts, 0, sizeof file->counts);
    memset(&file->objects, 0, sizeof file->objects);
  }
  redact_archive_close(file);
  reader_close(file->reader);
  file->reader = file->records.reader = NULL;
  redact_records_close(&file->records);
  file->read = 0;
  file->again = false;
  return open_reader(file, error) && begin_from_start(file, error) && begin_turns(file, error);
}

/* Joins the work; false if none is left. */
static bool enter(struct redact_file *file) {
  struct error error;
  bool goes_on;
  pthread_mutex_lock(&file->entering);
  if (!file->opened && !atomic_load(&file->run->failed)) {
    file->opened = true;
    file->finished = !open_file(file, &error) || !begin_turns(file, &error);
    if (file->finished) redact_run_fail(file->run, &error);
  }
  goes_on = file->opened && !file->finished;
  if (goes_on) file->users++;
  pthread_mutex_unlock(&file->entering);
  return goes_on;
}

/* After all threads have left: deals with the outcome. True if there is work again. */
static bool conclude(struct redact_file *file) {
  struct error error;
  bool done = turns_end(file->turns, &error), again;
  again = done && file->again && !atomic_load(&file->run->failed);
  if (again) {
    done = begin_again(file, &error);
  } else if (done && !atomic_load(&file->run->failed)) {
    done = finish(file, &error);
  }
  if (!done) redact_run_fail(file->run, &error);
  file->finished = !again || !done;
  if (!file->finished) return true;
  free(file->turns);
  file->turns = NULL;
  return false;
}

/* Leaves the work. True if there is work again. */
static bool leave(struct redact_file *file) {
  bool again = false;
  pthread_mutex_lock(&file->entering);
  if (--file->users == 0) again = conclude(file);
  if (again) file->users++;
  pthread_mutex_unlock(&file->entering);
  return again;
}

void redact_file_work(struct redact_file *file, struct redact_worker *worker) {
  if (!enter(file)) return;
  do
    turns_join(file->turns, worker);
  while (leave(file));
}

/* }================================================================== */

/* {==================================================================
** The end of the run
** =================================================================== */

bool redact_file_check(struct redact_file *file, struct error *error) {
  struct stat now;
  if (file->before.st_ino == 0) return true; /* a pipe */
  if (stat(file->target->path, &now) == 0 && is_same(&now, &file->before)) return true;
  return refuse_changed(file, error);
}

bool redact_file_publish(struct redact_file *file, struct error *error) {
  return !file->writer || writer_publish(file->writer, error);
}

const char *redact_file_finished(const struct redact_file *file) {
  return file->writer ? writer_path(file->writer) : NULL;
}

void redact_file_keep(struct redact_file *file) {
  if (file->writer) writer_keep(file->writer);
}

const char *redact_file_quarantined(const struct redact_file *file) {
  return file->quarantine ? writer_path(file->quarantine) : NULL;
}

const char *redact_file_header(const struct redact_file *file, size_t *size) {
  *size = file->records.table.header_size;
  return file->records.table.header;
}

const struct redact_member_report *redact_file_member(const struct redact_file *file, size_t i) {
  return i < file->member_count ? &file->member_reports[i] : NULL;
}

void redact_file_describe(const struct redact_file *file, struct redact_file_report *report) {
  memset(report, 0, sizeof *report);
  report->path = file->target->path;
  report->target = file->writer ? file->target->output : NULL;
  report->format = file->records.format;
  report->container = file->container;
  report->written = file->writing;
  report->bytes = file->read;
  report->output_bytes = file->writer ? writer_size(file->writer) : report->bytes;
  report->crc = file->crc;
  report->output_crc = file->writer ? writer_crc(file->writer) : file->crc;
  report->counts = file->counts;
  report->objects = file->objects;
}

/* }================================================================== */
