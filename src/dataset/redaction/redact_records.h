/* redact_records.h - the records of one file, or of one member of an archive, judged piece by piece
 *
 * Lines are cut into pieces that can be judged in parallel. Formats whose pieces cannot be cut
 * without parsing them (tables, arrays) are judged as they are taken.
 */
#ifndef XCOMPLIANCE_REDACT_RECORDS_H
#define XCOMPLIANCE_REDACT_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "dataset/bytes/lines.h"
#include "dataset/bytes/reader.h"
#include "dataset/bytes/turns.h"
#include "dataset/files/format.h"
#include "dataset/redaction/batch.h"
#include "dataset/redaction/redact_csv.h"
#include "dataset/text/csv_table.h"
#include "error.h"

#pragma GCC visibility push(hidden)

struct redact_records {
  struct reader *reader;
  const struct batch_rules *rules;
  enum format format;
  struct csv_table table;
  /* private */
  struct values values;
  bool header_passed, ended;
};

/* What one thread has taken. */
struct redact_records_piece {
  struct batch *batch;
  struct lines_piece lines;
  bool judged;   /* as it was taken */
  uint64_t size; /* in bytes */
};

/* Detects the format; takes ownership of `reader`, even if it fails. `*records` must be zeroed;
 * redact_records_close it in any case. */
bool redact_records_open(struct redact_records *records, struct reader *reader,
                         const struct batch_rules *rules, struct error *error);

/* Takes the next piece. TURNS_BESIDE only if it is `shared` with other threads. */
enum turns_step redact_records_take(struct redact_records *records,
                                    struct redact_records_piece *piece, bool shared,
                                    struct error *error);

/* Reads and judges what was taken, if that has not been done. */
void redact_records_judge(const struct redact_records *records, struct redact_records_piece *piece);

/* Whether the piece has failed, with `error` filled; after all before it have been handed over. */
bool redact_records_failed(const struct redact_records *records, struct redact_records_piece *piece,
                           struct error *error);

void redact_records_close(struct redact_records *records);

#pragma GCC visibility pop

#endif
