/* judge.h - what the verdicts do to one record: kept, changed, dropped or quarantined, and which
 * bytes are removed
 *
 * The rules are those of docs/redaction.md. A record is judged in four steps: each object by its
 * own ids; what that means for the tweets around it (a retweet of a condemned tweet is condemned,
 * and a tweet by a condemned user); which bytes are removed, outermost first; which media, polls
 * and places are no longer referred to.
 */
#ifndef XCOMPLIANCE_JUDGE_H
#define XCOMPLIANCE_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataset/bytes/reader.h"
#include "dataset/text/id_row.h"
#include "dataset/text/record.h"
#include "dataset/text/shapes.h"
#include "dataset/verdicts/prefilter.h"
#include "dataset/verdicts/verdicts.h"
#include "error.h"
#include "task.h"

#pragma GCC visibility push(hidden)

/* What is done about each fact: sets of enum fact. A fact that is in no set is ignored. If there
 * are several about one object, the first of remove, quarantine, stop applies. */
struct policy {
  uint32_t remove, quarantine, stop;
  uint32_t scrub; /* FACT_SCRUB_GEO, FACT_REHYDRATE (which may hide the former), or neither */
  uint32_t
      rehydrate; /* FACT_REHYDRATE, or nothing: the ids of such tweets that stay are collected */
};

/* The facts that need any action, for prefilter_new. */
void policy_matter(const struct policy *policy, uint32_t matter[VERDICTS_TYPES]);

enum level { LEVEL_NONE, LEVEL_STOP, LEVEL_QUARANTINE, LEVEL_REMOVE };

enum judgement {
  JUDGED_KEPT,        /* as it is */
  JUDGED_CHANGED,     /* without the cuts */
  JUDGED_DROPPED,     /* nothing of it */
  JUDGED_QUARANTINED, /* into the quarantine, without the cuts */
  JUDGED_STOP,        /* it holds an id whose outcome is not known: `stop` */
  JUDGED_MALFORMED,   /* it is not a record: `error` */
  JUDGED_DOUBTFUL,    /* it is not understood: `error`. The cuts are those of what is understood */
  JUDGED_FAILED,      /* no memory, or cancelled: `error` */
};

/* Bytes of the record that are removed, ascending and not adjacent. */
struct cut {
  uint32_t start, end;
};

struct judge_counts {
  /* Objects (tweets, users) by the fact that decided about them: enum fact as a bit number. Each is
   * counted once, nested ones too. */
  uint64_t objects[VERDICTS_TYPES][FACT_KINDS];
  /* Ids of this type's verdicts found on objects of this type; and those above 2^32, which cannot
   * be ids of both by chance, on objects of the other type, until the first of this type is
   * found. */
  uint64_t own[VERDICTS_TYPES], strange[VERDICTS_TYPES];
};

/* Adds `from` to `to`. */
void judge_add_counts(struct judge_counts *to, const struct judge_counts *from);

struct id_list {
  uint64_t *ids;
  size_t count, room;
};

struct judge {
  const struct policy *policy;
  const struct prefilter *filter;
  struct task *task; /* checked for cancellation; NULL at first: never */
  bool trusting;     /* never JUDGED_DOUBTFUL */
  /* what the filter has found in the text of the records; NULL: it is asked about each record
   */
  const struct prefilter_hits *seen;
  const char *seen_text;
  enum record_class class; /* of the record that was judged last */
  struct cut *cuts;
  size_t cut_count;
  struct judge_counts counts; /* of all records judged since it was made, or cleared */
  struct id_list rehydrate;   /* likewise; may hold an id twice */
  struct {
    uint64_t id;
    enum verdicts_type type;
    uint32_t at; /* offset in the record */
  } stop;
};

/* Makes a judge; each thread needs its own. Policy, filter and shapes must outlive it. NULL if
 * memory is short.
 */
struct judge *judge_new(const struct policy *policy, const struct prefilter *filter,
                        const struct shapes *shapes);
void judge_free(struct judge *judge); /* may be NULL */

/* Judges a record that reader_next gave, of the file `path`. No counts or ids are added if the
 * judgement is JUDGED_STOP, _MALFORMED, _DOUBTFUL or _FAILED. */
enum judgement judge_record(struct judge *judge, const char *path, const struct reader_record *text,
                            struct error *error);

/* An id of the record that was judged last, about which the verdicts say something that matters. */
struct judge_cause {
  uint64_t id;
  enum verdicts_type type; /* of the verdict */
  uint32_t fact;           /* the one that decides */
  enum level level;
  uint32_t at; /* offset in the record */
  enum record_role role;
  enum record_position position; /* of the object whose id it is */
};

/* The next cause at or after number `*next`, from 0, which becomes the number after it; false if
 * there is none. Not of a record that is malformed. */
bool judge_cause(const struct judge *judge, uint32_t *next, struct judge_cause *cause);

/* Judges a row. `at` of `stop` is not set. JUDGED_FAILED: no memory. */
enum judgement judge_row(struct judge *judge, struct id_row *row);

#pragma GCC visibility pop

#endif
