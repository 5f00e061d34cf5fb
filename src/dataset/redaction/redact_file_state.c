/* redact_file_state.c - see redact_file_state.h */
#include "dataset/redaction/redact_file_state.h"

#include <string.h>

#include "dataset/text/id.h"
#include "memory.h"

void redact_add_counts(struct batch_counts *to, const struct batch_counts *from) {
  to->records += from->records;
  to->kept += from->kept;
  to->changed += from->changed;
  to->dropped += from->dropped;
  to->quarantined += from->quarantined;
  to->recognised += from->recognised;
  to->notices += from->notices;
  to->malformed += from->malformed;
  to->unrecognised += from->unrecognised;
  to->unparsed += from->unparsed;
  to->ids += from->ids;
  to->round_ids += from->round_ids;
}

void redact_file_show_counts(struct redact_file *file, const struct batch_counts *counts,
                             int sign) {
  struct task *task = file->run->task;
  uint64_t times = (uint64_t)(int64_t)sign;
  task_count(task, REDACT_RECORDS, counts->records * times);
  task_count(task, REDACT_CHANGED, counts->changed * times);
  task_count(task, REDACT_DROPPED, counts->dropped * times);
  task_count(task, REDACT_QUARANTINED, counts->quarantined * times);
}

void redact_file_count(struct redact_file *file, const struct batch_counts *counts,
                       const struct judge_counts *objects) {
  redact_add_counts(&file->counts, counts);
  judge_add_counts(&file->objects, objects);
  redact_file_show_counts(file, counts, 1);
}

bool redact_take_ids(struct redact_file *file, const struct id_list *ids, struct error *error) {
  struct id_list *all = &file->run->rehydrate;
  bool done;
  if (ids->count == 0) return true;
  pthread_mutex_lock(&file->run->mutex);
  done = memory_reserve(&all->ids, &all->room, all->count + ids->count, sizeof *all->ids);
  if (done) {
    memcpy(all->ids + all->count, ids->ids, ids->count * sizeof *ids->ids);
    all->count += ids->count;
  }
  pthread_mutex_unlock(&file->run->mutex);
  return done || error_memory(error, "redacting %s", file->target->path);
}

bool redact_file_quarantine(struct redact_file *file, const struct iovec *pieces, size_t count,
                            struct error *error) {
  if (count == 0 || file->run->options->dry_run) return true;
  if (!file->quarantine) {
    struct writer_options options = {.target = file->target->quarantine, .task = file->run->task};
    bool made;
    pthread_mutex_lock(&file->run->mutex);
    made = targets_make_folder(file->run->targets, options.target, error);
    pthread_mutex_unlock(&file->run->mutex);
    if (!made || !(file->quarantine = writer_open(&options, error))) return false;
  }
  return writer_write(file->quarantine, pieces, count, error);
}

void redact_file_show(struct redact_file *file) {
  uint64_t done = reader_done(file->reader);
  task_count(file->run->task, REDACT_BYTES, done - file->read);
  file->read = done;
}

enum turns_step redact_file_continues(struct redact_file *file, struct error *error) {
  if (atomic_load(&file->run->failed)) return TURNS_END;
  if (!task_cancelled(file->run->task)) return TURNS_BESIDE;
  error_set(error, ERROR_CANCELLED, "the redaction was cancelled");
  return TURNS_FAILED;
}

/* An id that a spreadsheet has rounded matches no verdict, so it would seem to be compliant. */
bool redact_check_rounded(const struct redact_file *file, const char *path,
                          const struct batch_counts *counts, struct error *error) {
  if (file->run->options->allow_rounded || !id_are_rounded(counts->round_ids, counts->ids))
    return true;
  id_refuse_rounded(path, counts->round_ids, counts->ids, error);
  return false;
}
