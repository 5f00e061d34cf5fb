/* redact_file_state.h - a file that is being redacted, for redact_file.c and redact_archive.c
 *
 * The thread that takes a piece owns the reader and what belongs to it; the one that hands over
 * owns the writers and the counts (turns.h); the one that holds `entering` is the only one working
 * on the file.
 */
#ifndef XCOMPLIANCE_REDACT_FILE_STATE_H
#define XCOMPLIANCE_REDACT_FILE_STATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "dataset/bytes/spool.h"
#include "dataset/bytes/turns.h"
#include "dataset/bytes/writer.h"
#include "dataset/files/member.h"
#include "dataset/redaction/redact_records.h"
#include "dataset/redaction/redact_run.h"

#pragma GCC visibility push(hidden)

struct redact_file {
  struct redact_run *run;
  const struct target *target;

  pthread_mutex_t entering;
  bool opened, finished;
  unsigned users; /* threads that work on it */
  int descriptor; /* of our own, to copy from; -1: a pipe */
  struct stat before;
  struct turns *turns; /* while threads work on it: there may be a million files */

  /* for taking */
  struct reader *reader;
  enum container container;
  struct redact_records records; /* of a file of records, or: */
  struct archive_in *archive;    /* NULL: it is not one */
  uint64_t members;              /* that have been taken */
  uint64_t read;                 /* bytes that the progress counter includes */

  /* for handing over */
  bool again; /* the file must be written from its start */
  bool writing;
  uint64_t passed; /* bytes of the input that were handed over */
  struct writer *writer, *quarantine;
  struct archive_out *archive_out;
  uint64_t given; /* members that have been handed over */
  uint64_t clean; /* the number of members, from the first, that are known not to change */
  uint64_t noted; /* members before this one are in the lists of the run */
  struct redact_member_report *member_reports;
  size_t member_count, member_room;
  struct batch_counts counts;
  struct judge_counts objects;
  uint32_t crc;
};

/* What a thread has found in the member that it has taken. */
struct redact_member {
  struct member member;
  struct spool output, quarantine;
  struct batch_counts counts;
  struct judge_counts objects;
  enum format format;
  bool touched; /* something in it changes */
  bool written; /* `output` is its new content */
  bool failed;
  struct error error;
};

/* Adds what was found in a part of the file to its counts and to the progress. */
void redact_file_count(struct redact_file *file, const struct batch_counts *counts,
                       const struct judge_counts *objects);
/* Shows counts in the progress; `sign` is -1 if a file is read again from its start. */
void redact_file_show_counts(struct redact_file *file, const struct batch_counts *counts, int sign);
void redact_add_counts(struct batch_counts *to, const struct batch_counts *from);

/* Checks that the ids that were read, of a file or member, were not rounded by a spreadsheet. */
bool redact_check_rounded(const struct redact_file *file, const char *path,
                          const struct batch_counts *counts, struct error *error);

/* Takes ids for the list of edited tweets. */
bool redact_take_ids(struct redact_file *file, const struct id_list *ids, struct error *error);

/* Adds to what the file has quarantined. */
bool redact_file_quarantine(struct redact_file *file, const struct iovec *pieces, size_t count,
                            struct error *error);

/* Shows how much of the input has been read. */
void redact_file_show(struct redact_file *file);

/* Whether the work continues; TURNS_BESIDE if it does. */
enum turns_step redact_file_continues(struct redact_file *file, struct error *error);

#pragma GCC visibility pop

#endif
