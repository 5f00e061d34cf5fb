/* batch.h - a piece of a dataset, judged: what stays as it was, what is changed, what is removed
 *
 * A batch is filled from one piece of one file, by one thread, and then written by the thread that
 * writes that file. Nothing here knows about files or other batches.
 */
#ifndef XCOMPLIANCE_BATCH_H
#define XCOMPLIANCE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataset/bytes/pieces.h"
#include "dataset/bytes/reader.h"
#include "dataset/redaction/judge.h"
#include "dataset/text/columns.h"
#include "dataset/verdicts/prefilter.h"
#include "error.h"

#pragma GCC visibility push(hidden)

/* What the caller of a redaction wants; shared by all batches. */
enum treatment { TREAT_STOP, TREAT_QUARANTINE, TREAT_REMOVE, TREAT_KEEP };

struct batch_rules {
  const struct policy *policy;
  const struct prefilter *filter;
  const struct shapes *shapes;
  struct task *task;                            /* checked for cancellation; may be NULL */
  bool strict;                                  /* walk every record, even without a hit of the
                                                 * filter */
  enum treatment on_malformed, on_unrecognised; /* only the latter may be TREAT_KEEP */
  enum verdicts_type list_type;                 /* the type of lists of ids */
  const struct column_name *columns; /* of tables: those that the user has named; may be NULL */
};

/* records = kept + changed + dropped + quarantined
 *         = recognised + notices + malformed + unrecognised + unparsed */
struct batch_counts {
  uint64_t records, kept, changed, dropped, quarantined;
  uint64_t recognised, notices; /* with tweets or users in them; without content */
  uint64_t malformed;           /* of the dropped and quarantined ones: those that are not
                                 * records */
  uint64_t unrecognised;   /* in which nothing was found, or a condemned id at an unknown place */
  uint64_t unparsed;       /* in which no id that matters is anywhere */
  uint64_t ids, round_ids; /* of lists and tables; those that end in 000 */
};

struct batch {
  struct batch_counts counts;
  struct judge *judge; /* with counts and ids of this batch */
  struct pieces output, quarantine;
  bool touched;   /* the output is not the input */
  uint64_t lines; /* line feeds in it (by lines) */
  bool failed;    /* at `failure`, or where `error` says */
  struct error error;
  /* private */
  const struct batch_rules *rules;
  bool flat; /* what is quarantined is a value that may be on several lines */
  struct prefilter_hits hits;
  struct { /* the piece of lines */
    const char *path, *text;
    size_t size;
    uint64_t byte;
    size_t failure; /* where the line begins that failed */
    void (*judge_line)(struct batch *batch, size_t start, size_t end, uint64_t line);
  } piece;
};

/* Makes an empty one. NULL if memory is short. */
struct batch *batch_new(const struct batch_rules *rules);
void batch_free(struct batch *batch); /* may be NULL */

/* Empties it. With `copy` the text that it gets does not outlive the call. */
void batch_begin(struct batch *batch, bool copy);

/* Lines of JSON records or of ids, text[0 .. size) of the file `path`: whole ones, except the last
 * of a file. `byte` is where the text begins in the input. The text must live until the output is
 * written. After a failure the output must not be used. */
void batch_json_lines(struct batch *batch, const char *path, const char *text, size_t size,
                      uint64_t byte);
void batch_id_lines(struct batch *batch, const char *path, const char *text, size_t size,
                    uint64_t byte);

/* One record, text[0 .. size) of the file `path`: a line, or a value over several lines.
 * READER_PADDING bytes after the text must be readable. If the record has failed, `error` says
 * why. */
void batch_record(struct batch *batch, const char *path, const char *text, size_t size);

/* Fills `error` of a batch of lines that has failed, now that it is known that its first line is
 * number `line` of the file. */
void batch_explain(struct batch *batch, uint64_t line);

/* Where a file of JSON values is; zeroed at its start. */
struct values {
  bool begun;         /* there was a value */
  bool kept_before;   /* an element of this array that stays */
  bool skip_line_end; /* of a record that was dropped */
};

/* One more JSON value (READER_VALUES) of the file `path`; and the text after the last one. */
void batch_value(struct batch *batch, struct values *values, const char *path,
                 const struct reader_record *record);
void batch_values_end(struct batch *batch, struct values *values, const struct reader_record *rest);

/* For callers that split records themselves: what a judgement means for text[0 .. size), a record
 * with its line end. `cuts` are offsets in it. It counts as recognised. */
void batch_settle(struct batch *batch, enum judgement judgement, const char *text, size_t size,
                  const struct cut *cuts, size_t cut_count);

/* The same for text that is not a record; `problem` becomes the batch's error if that stops the
 * run. */
void batch_malformed(struct batch *batch, const char *text, size_t size,
                     const struct error *problem);

/* The same for a record that is not understood; not if that stops the run. */
void batch_unrecognised(struct batch *batch, const char *text, size_t size);

/* Bytes that are not part of a record and stay. */
void batch_pass(struct batch *batch, const char *text, size_t size);

/* Fails because of an id whose outcome is not known; the judge says which. */
void batch_stop(struct batch *batch, const char *path, uint64_t line, uint64_t byte);
void batch_no_memory(struct batch *batch, const char *path);

#pragma GCC visibility pop

#endif
