/* redactor.h - one record in memory, redacted as batch.h does it, for programs that serve records
 *
 * A redactor is for one thread. It keeps its memory from record to record, except that of unusually
 * long records.
 */
#ifndef XCOMPLIANCE_REDACTOR_H
#define XCOMPLIANCE_REDACTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "dataset/redaction/batch.h"
#include "dataset/redaction/judge.h"
#include "dataset/verdicts/verdicts.h"
#include "error.h"

#pragma GCC visibility push(hidden)

struct redactor_settings { /* as in struct redact_options */
  struct policy policy;
  enum treatment on_malformed, on_unrecognised;
  bool strict;
  const char *shape;
};

enum redactor_action {
  REDACTOR_KEPT,
  REDACTOR_CHANGED,
  REDACTOR_DROPPED,
  REDACTOR_QUARANTINED,
  REDACTOR_STOPPED, /* a redaction of files would stop at it: `problem` says why */
};

enum redactor_class {
  REDACTOR_RECOGNISED,
  REDACTOR_NOTICE,
  REDACTOR_UNRECOGNISED,
  REDACTOR_MALFORMED,
  REDACTOR_UNPARSED, /* no id that matters is anywhere in it */
  REDACTOR_EMPTY,    /* there are only blanks */
};

struct redactor_result {
  enum redactor_action action;
  enum redactor_class class;   /* of the elements of an array: the most serious */
  bool array;                  /* its elements are records */
  const struct error *problem; /* NULL: none. All pointers are valid until the next record */
  const struct pieces *output, *quarantine;
  const struct judge *judge; /* for judge_cause; NULL: the causes are unknown */
};

struct redactor;

/* Makes one, which takes a pass over all verdicts. They must outlive it; the settings are copied.
 * NULL with `error` filled. */
struct redactor *redactor_new(const struct verdicts *verdicts,
                              const struct redactor_settings *settings, struct error *error);
void redactor_free(struct redactor *redactor); /* may be NULL */

/* Whether it was made with these settings. */
bool redactor_has(const struct redactor *redactor, const struct redactor_settings *settings);

/* Redacts the record text[0 .. size). */
void redactor_judge(struct redactor *redactor, const char *text, size_t size,
                    struct redactor_result *result);

/* Parses a record that was REDACTOR_UNPARSED, to find its class. Nothing else in the result
 * changes, except `problem`. */
void redactor_parse(struct redactor *redactor, struct redactor_result *result);

#pragma GCC visibility pop

#endif
