/* redact_options.h - what a redaction does, and what it reports */
#ifndef XCOMPLIANCE_REDACT_OPTIONS_H
#define XCOMPLIANCE_REDACT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "dataset/files/format.h"
#include "dataset/redaction/batch.h"
#include "dataset/redaction/judge.h"
#include "dataset/verdicts/verdicts.h"

/* Progress counters of the task. */
enum {
  REDACT_BYTES,
  REDACT_TOTAL,
  REDACT_RECORDS,
  REDACT_CHANGED,
  REDACT_DROPPED,
  REDACT_QUARANTINED
};

struct redact_options {
  struct verdicts *verdicts; /* retained */
  const char *const *inputs; /* files, folders, "-" for standard input; NULL-ended */
  const char *output;        /* a file; or a folder, if there are several inputs or a folder; "-" */
  bool in_place, dry_run;    /* one of output, in_place, dry_run */
  const char *quarantine;    /* a file or, like `output`, a folder; NULL: nothing is quarantined */
  const char *rehydrate;     /* where the ids of edited tweets go; NULL: nowhere */
  struct policy policy;      /* decides about FACT_UNKNOWN and FACT_INVALID too */
  enum treatment on_malformed, on_unrecognised;
  bool stop_on_ignored; /* files in folders that are not read are an error */
  bool strict;
  unsigned jobs; /* threads; 0: as many as there are processors */
  int level;     /* of compression, as in gzip; 0: the default */
  bool checksums;
  enum verdicts_type list_type;      /* the type of lists of ids */
  const struct column_name *columns; /* of tables: those that the user has named; may be NULL */
  bool allow_rounded;                /* ids that a spreadsheet has rounded are no error */
  const char *shape;                 /* a file of further shapes; NULL: none */
};

/* What became of one file. */
struct redact_file_report {
  const char *path;   /* as it was found */
  const char *target; /* where the output went; NULL: nowhere, or in place and not written */
  enum format format; /* of a file of records, or: */
  enum container container;
  bool written; /* false: it was copied, or is what it was */
  uint64_t bytes, output_bytes;
  uint32_t crc, output_crc; /* CRC32C, with `checksums` */
  struct batch_counts counts;
  struct judge_counts objects;
};

/* What became of a member of an archive that holds records. */
struct redact_member_report {
  char *path; /* "ARCHIVE!NAME" */
  enum format format;
  bool changed;
  struct batch_counts counts;
};

struct redact_report {
  struct batch_counts counts; /* of all files */
  struct judge_counts objects;
  uint64_t files, written, bytes, output_bytes;
  uint64_t rehydrate; /* edited tweets that stay, each once; listed if the options name a file */
  uint64_t ignored;   /* files in folders whose names do not end in a known suffix; they are not
                       * copied */
};

#endif
