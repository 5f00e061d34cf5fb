/* redact_archive.c - see redact_archive.h
 *
 * A member's size precedes its content, so its new content is buffered until it is complete. A
 * member in memory is judged first, and rewritten only if something in it changes; otherwise its
 * bytes are copied. A larger one can be read only once, and is rewritten at once.
 *
 * In place nothing is written until a member changes; then the archive is read again from its
 * start, and the members that are known not to change are copied unread.
 */
#include "dataset/redaction/redact_archive.h"

#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/files/folder.h"
#include "memory.h"

enum { COPY_SIZE = 1 << 16 };

void redact_member_begin(struct redact_member *member) {
  memset(member, 0, sizeof *member);
}

void redact_member_free(struct redact_member *member) {
  member_free(&member->member);
  spool_free(&member->output);
  spool_free(&member->quarantine);
}

/* {==================================================================
** Taking
** =================================================================== */

static bool is_unread(const struct redact_file *file, const struct redact_member *own) {
  return own->member.kind != MEMBER_DATASET || own->member.number < file->clean;
}

static enum turns_step take(void *context, void *state, struct error *error) {
  struct redact_file *file = context;
  struct redact_member *own = ((struct redact_worker *)state)->member;
  enum turns_step step = redact_file_continues(file, error);
  if (step != TURNS_BESIDE) return step;
  step = member_take(&own->member, file->archive, &file->members, member_room(file->run->jobs),
                     file->writing && file->run->options->in_place, error);
  redact_file_show(file);
  return step;
}

/* }================================================================== */

/* {==================================================================
** Judging
** =================================================================== */

static bool fail(struct redact_member *own) {
  own->failed = true;
  return false;
}

static void begin_member(struct redact_file *file, struct redact_member *own) {
  size_t room = member_room(file->run->jobs);
  const char *beside = file->target->output;
  if (!beside || strcmp(beside, "-") == 0) beside = "/tmp/xcompliance";
  if (!own->output.beside) {
    spool_begin(&own->output, beside, room);
    spool_begin(&own->quarantine, beside, room);
  }
  spool_clear(&own->output);
  spool_clear(&own->quarantine);
  memset(&own->counts, 0, sizeof own->counts);
  memset(&own->objects, 0, sizeof own->objects);
}

static bool put_aside(struct redact_file *file, struct redact_member *own,
                      const struct redact_records *records, const struct pieces *pieces) {
  if (pieces->count == 0 || file->run->options->dry_run) return true;
  if (records->format == FORMAT_CSV || records->format == FORMAT_IDS) {
    error_at(&own->error, ERROR_USAGE, own->member.path, 0, 0,
             "rows of a table or ids of a list in an archive cannot be quarantined - unpack the "
             "archive, or remove such records instead");
    return false;
  }
  for (size_t i = 0; i < pieces->count; i++)
    if (!spool_add(&own->quarantine, pieces->list[i].iov_base, pieces->list[i].iov_len,
                   &own->error))
      return false;
  return true;
}

/* Takes the result of a piece of the member. */
static bool take_piece(struct redact_file *file, struct redact_member *own,
                       const struct redact_records *records, struct redact_records_piece *piece,
                       struct writer *writer) {
  const struct pieces *output = &piece->batch->output;
  if (redact_records_failed(records, piece, &own->error)) return false;
  own->touched = own->touched || piece->batch->touched;
  redact_add_counts(&own->counts, &piece->batch->counts);
  judge_add_counts(&own->objects, &piece->batch->judge->counts);
  if (!redact_take_ids(file, &piece->batch->judge->rehydrate, &own->error)) return false;
  if (writer && !writer_write(writer, output->list, output->count, &own->error)) return false;
  return put_aside(file, own, records, &piece->batch->quarantine);
}

/* Judges all records; but without a writer, if something must be written, only up to the first
 * change. */
static bool judge_records(struct redact_file *file, struct redact_member *own,
                          struct redact_records *records, struct redact_records_piece *piece,
                          struct writer *writer) {
  for (;;) {
    enum turns_step step = redact_file_continues(file, &own->error);
    if (step == TURNS_BESIDE) step = redact_records_take(records, piece, false, &own->error);
    if (step == TURNS_END)
      return redact_check_rounded(file, own->member.path, &own->counts, &own->error);
    if (step == TURNS_FAILED) return false;
    redact_records_judge(records, piece);
    if (!take_piece(file, own, records, piece, writer)) return false;
    if (own->touched && !writer && file->target->output) return true;
  }
}

static struct writer *open_writer(struct redact_file *file, struct redact_member *own,
                                  const struct reader *reader) {
  struct iovec mark = {(char *)(uintptr_t) "\xef\xbb\xbf", 3};
  struct writer_options options = {.target = own->member.path,
                                   .into = &own->output,
                                   .packing = reader->packing,
                                   .encoding = reader->encoding,
                                   .level = file->run->options->level,
                                   .threads = own->member.whole ? 0 : (int)file->run->jobs - 1};
  struct writer *writer = writer_open(&options, &own->error);
  if (!writer || !reader->mark || writer_write(writer, &mark, 1, &own->error)) return writer;
  writer_free(writer);
  return NULL;
}

/* Judges the member from its start; if `making`, what is left of it goes to `output`. */
static bool judge(struct redact_file *file, struct redact_worker *worker, bool making) {
  struct redact_member *own = worker->member;
  struct redact_records records = {0};
  struct writer *writer = NULL;
  struct reader *reader = member_open(&own->member, file->run->task, &own->error);
  bool done = reader && redact_records_open(&records, reader, &file->run->rules, &own->error);
  begin_member(file, own);
  own->format = records.format;
  if (done && making) done = (writer = open_writer(file, own, reader)) != NULL;
  done = done && judge_records(file, own, &records, &worker->piece, writer) &&
         (!writer || writer_finish(writer, &own->error));
  own->written = making;
  writer_free(writer);
  redact_records_close(&records);
  return done || fail(own);
}

static bool work(void *context, void *state, struct turn *turn) {
  struct redact_file *file = context;
  struct redact_worker *worker = state;
  struct redact_member *own = worker->member;
  (void)turn;
  own->touched = own->written = own->failed = false;
  if (own->member.kind == MEMBER_REFUSED) {
    own->error = own->member.problem;
    own->failed = true;
  } else if (!is_unread(file, own) && judge(file, worker, file->writing && !own->member.whole) &&
             own->touched && file->writing && !own->written) {
    judge(file, worker, true);
  }
  return true;
}

/* }================================================================== */

/* {==================================================================
** Handing over
** =================================================================== */

static bool write_bytes(void *context, const void *bytes, size_t size, struct error *error) {
  struct redact_file *file = context;
  return archive_out_write(file->archive_out, bytes, size, error);
}

static bool quarantine_bytes(void *context, const void *bytes, size_t size, struct error *error) {
  struct iovec piece = {(void *)(uintptr_t)bytes, size};
  return redact_file_quarantine(context, &piece, 1, error);
}

static bool open_archive(struct redact_file *file, struct error *error) {
  if (!file->archive_out)
    file->archive_out =
        archive_out_open(file->archive, file->writer, file->run->options->level, error);
  return file->archive_out != NULL;
}

/* The member's bytes as they are in the archive, from its start. */
static bool copy_bytes(struct redact_file *file, struct member *member, struct error *error) {
  char buffer[COPY_SIZE];
  int64_t got;
  while ((got = member_read(member, buffer, sizeof buffer, error)) > 0)
    if (!archive_out_write(file->archive_out, buffer, (size_t)got, error)) return false;
  if (got < 0 && error->code == ERROR_DATA && error->file[0] == '\0') {
    struct error problem = *error;
    error_at(error, ERROR_DATA, member->path, 0, 0, "%s", problem.message);
  }
  return got == 0;
}

static bool copy_member(struct redact_file *file, struct member *member, struct error *error) {
  uint64_t size = member->whole ? member->size : (uint64_t)archive_entry_size(member->entry);
  return archive_out_member(file->archive_out, member->entry, size, error) &&
         copy_bytes(file, member, error);
}

static bool write_member(struct redact_file *file, struct redact_member *own, struct error *error) {
  if (!open_archive(file, error)) return false;
  if (!own->written) {
    own->member.at = 0;
    return copy_member(file, &own->member, error);
  }
  return archive_out_member(file->archive_out, own->member.entry, own->output.size, error) &&
         spool_drain(&own->output, write_bytes, file, error);
}

/* Lists are not made twice if the archive is read again. */
static bool note(struct redact_file *file, const struct redact_member *own, struct error *error) {
  bool done = true;
  if (own->member.number < file->noted || own->member.kind != MEMBER_OTHER) return true;
  if (file->run->options->stop_on_ignored) {
    folder_refuse_ignored(1, own->member.path, error);
    return false;
  }
  pthread_mutex_lock(&file->run->mutex);
  done = targets_ignore(file->run->targets, own->member.path, error);
  pthread_mutex_unlock(&file->run->mutex);
  file->noted = own->member.number + 1;
  return done;
}

static bool report(struct redact_file *file, const struct redact_member *own, struct error *error) {
  struct redact_member_report *last;
  if (memory_reserve(&file->member_reports, &file->member_room, file->member_count + 1,
                     sizeof *file->member_reports)) {
    last = &file->member_reports[file->member_count];
    *last = (struct redact_member_report){strdup(own->member.path), own->format, own->touched,
                                          own->counts};
    if (last->path) file->member_count++;
    if (last->path) return true;
  }
  error_memory(error, "redacting %s", own->member.path);
  return false;
}

static bool give_dataset(struct redact_file *file, struct redact_member *own, struct error *error) {
  if (own->failed) {
    *error = own->error;
    return false;
  }
  if (own->touched && file->target->output && !file->writing) {
    file->again = true;
    return false;
  }
  if (file->writing && !write_member(file, own, error)) return false;
  if (!spool_drain(&own->quarantine, quarantine_bytes, file, error)) return false;
  redact_file_count(file, &own->counts, &own->objects);
  return report(file, own, error);
}

static bool give(void *context, void *state, struct error *error) {
  struct redact_file *file = context;
  struct redact_member *own = ((struct redact_worker *)state)->member;
  bool copied = own->member.kind == MEMBER_FOLDER || file->run->options->in_place;
  if (own->failed || !is_unread(file, own)) {
    if (!give_dataset(file, own, error)) return false;
  } else if (file->writing && copied && !write_member(file, own, error)) {
    return false;
  }
  if (!note(file, own, error)) return false;
  file->given++;
  return true;
}

const struct turns_work redact_members = {take, work, give};

bool redact_archive_finish(struct redact_file *file, struct error *error) {
  if (!file->writing) return true;
  return open_archive(file, error) && archive_out_finish(file->archive_out, error);
}

void redact_archive_close(struct redact_file *file) {
  archive_out_free(file->archive_out);
  archive_in_close(file->archive);
  file->archive_out = NULL;
  file->archive = NULL;
}

/* }================================================================== */
