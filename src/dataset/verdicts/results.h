/* results.h - the rows of a batch compliance job's results, failing closed
 *
 * A results file is JSON Lines, one flat object on each line:
 *   {"id":"1265324480517361669","action":"delete","created_at":"2019-08-10T12:22:39.022Z",
 *    "redacted_at":"2021-08-17T17:26:15.788Z","reason":"deleted"}
 * The service leaves blank lines where it has joined pieces. An id that is in compliance has no
 * row.
 *
 * A row becomes a set of facts about its id. Anything that this version does not know becomes
 * FACT_UNKNOWN, and is never ignored; a line that is not a row (HTML, gzip, a truncated line, a
 * dataset) is an error with file, line and byte.
 */
#ifndef XCOMPLIANCE_RESULTS_H
#define XCOMPLIANCE_RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "task.h"

#pragma GCC visibility push(hidden)

/* What a row can say, as bits. Of several facts about one id the lowest bit is its outcome: delete,
 * unknown, scrub_geo, rehydrate, invalid; and among deletions first what cannot be undone. */
enum fact {
  FACT_DELETED = 1 << 0,
  FACT_BOUNCED = 1 << 1,
  FACT_OTHER = 1 << 2, /* action delete for any other reason */
  FACT_SUSPENDED = 1 << 3,
  FACT_DEACTIVATED = 1 << 4,
  FACT_PROTECTED = 1 << 5,
  FACT_UNKNOWN = 1 << 6,
  FACT_SCRUB_GEO = 1 << 7,
  FACT_REHYDRATE = 1 << 8,
  FACT_INVALID = 1 << 9, /* the id was not checked */
};
enum { FACT_KINDS = 10, FACT_DELETE = (1 << 6) - 1, FACT_ALL = (1 << FACT_KINDS) - 1 };

struct results_row {
  uint64_t id;          /* 0 in an error row without an id */
  uint32_t redacted_at; /* seconds since 1970, to 2106; 0 if the row has none */
  uint32_t fact;        /* enum fact */
};

/* For messages: a row that says something this version does not know. */
enum { RESULTS_TEXT = 200 };

struct results_counts {
  uint64_t rows, bytes;
  uint64_t unknown, other; /* rows with FACT_UNKNOWN, FACT_OTHER */
  uint64_t zulu, offset; /* rows whose created_at ends in Z, as of tweets; in +00:00, as of users */
  char unknown_text[RESULTS_TEXT], other_text[RESULTS_TEXT]; /* what the first of them said */
};

/* Called with each row; returns false, with `error` filled, to stop. */
typedef bool results_take(void *context, const struct results_row *row, struct error *error);

struct results_options {
  results_take *take; /* NULL: the rows are only checked and counted */
  void *context;
  const char *name;  /* what messages call the file; NULL: its path */
  unsigned jobs;     /* threads that parse; 0: as many as there are processors */
  struct task *task; /* may be NULL */
  int counter;       /* the progress counter that shows the bytes read of all files */
};

/* Reads the whole file `path` ("-": standard input), calls `take` with each row in the file's
 * order, and adds to `*counts`. */
bool results_read(const char *path, const struct results_options *options,
                  struct results_counts *counts, struct error *error);

/* Adds the counts of rows that came after those of `to`. */
void results_add(struct results_counts *to, const struct results_counts *from);

/* Reads one row, text[0 .. size), without line end. Returns NULL, or what was expected; `*at` is
 * then where. `counts` may be NULL. JSON_PADDING bytes after the text must be readable. */
const char *results_parse(const char *text, size_t size, struct results_row *row,
                          struct results_counts *counts, size_t *at);

/* The outcome and the reason that a set of facts stands for: "delete", "unknown", "scrub_geo",
 * "rehydrate", "invalid"; "deleted", "suspended", ... or NULL. Constant strings. */
const char *fact_outcome(uint32_t facts);
const char *fact_reason(uint32_t facts);

/* The fact that a policy names by `reason`, or 0: the reasons of deletions, "other", "scrub_geo"
 * and "rehydrate". */
uint32_t fact_named(const char *reason);

/* Writes the names that fact_named knows to `text`, which has room for `size` bytes, as
 * "deleted, bounced, ..., rehydrate". */
void fact_names(char *text, size_t size);

#pragma GCC visibility pop

#endif
