/* extract_options.h - what an extraction does, and what it counts */
#ifndef XCOMPLIANCE_EXTRACT_OPTIONS_H
#define XCOMPLIANCE_EXTRACT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "dataset/text/columns.h"

enum extract_type { EXTRACT_TWEETS, EXTRACT_USERS };
enum extract_format { EXTRACT_AUTO, EXTRACT_JSONL, EXTRACT_CSV, EXTRACT_IDS };
enum extract_malformed { EXTRACT_STOP, EXTRACT_SKIP };

/* Progress counters of the task. */
enum { EXTRACT_BYTES, EXTRACT_TOTAL, EXTRACT_RECORDS, EXTRACT_IDS_SEEN };

struct extract_options {
  enum extract_type type;
  enum extract_format format;
  const char *const *inputs; /* files, folders, "-" for standard input; NULL-ended */
  const char *output;
  const struct column_name *columns; /* of tables: those that the user has named; may be NULL */
  bool lists_known;                  /* whether `lists` is the type of lists of ids; */
  enum extract_type lists;           /* else they are of `type` */
  bool allow_rounded;                /* ids that a spreadsheet has rounded are no error */
  bool top_level;        /* only the records' own ids, not those of nested and included objects */
  uint64_t ids_per_file; /* 0: one file. Else OUTPUT.0001, OUTPUT.0002, ... */
  uint64_t memory;       /* bytes for the id set; 0: a quarter of the machine's */
  unsigned jobs;         /* threads; 0: as many as there are processors */
  const char *shape;     /* a file of further shapes; NULL: none */
  enum extract_malformed on_malformed;    /* EXTRACT_SKIP: positions go to OUTPUT.malformed */
  enum extract_malformed on_unrecognised; /* records in which there is neither tweet nor user */
  bool stop_on_ignored;                   /* files in folders that are not read are an error */
};

/* What the records of a file, or of all, are. */
struct extract_classes {
  uint64_t recognised;     /* with a tweet or a user in them */
  uint64_t notices;        /* messages and pages without content */
  uint64_t unrecognised;   /* anything else (EXTRACT_SKIP) */
  uint64_t malformed;      /* skipped (EXTRACT_SKIP); the rest of a file counts as one */
  uint64_t without_author; /* tweets without an author */
};

struct extract_counts {
  uint64_t records;               /* JSON values, CSV rows, lines of id lists: well-formed ones */
  struct extract_classes classes; /* records = recognised + notices + unrecognised */
  uint64_t ids_seen;              /* ids found, duplicates included */
  uint64_t ids;                   /* ids written */
  uint64_t empty;                 /* well-formed records in which no id was found */
  uint64_t bytes;                 /* read from files on disk */
  uint64_t files;                 /* read */
  uint64_t ignored;               /* files in folders whose names do not end in a known suffix */
  uint64_t outputs;               /* files written */
};

#endif
