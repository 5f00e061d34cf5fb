/* extraction.h - an extraction that is running, and what its formats share
 *
 * A run has one list of files and one set of ids. Each thread that reads a file, or a piece of one,
 * has a struct extraction of its own: it finds ids and problems and hands them over to the run,
 * directly if it reads alone, in its turn if others read beside it (turns.h).
 */
#ifndef XCOMPLIANCE_EXTRACTION_H
#define XCOMPLIANCE_EXTRACTION_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataset/bytes/lines.h"
#include "dataset/bytes/reader.h"
#include "dataset/bytes/turns.h"
#include "dataset/extraction/extract_options.h"
#include "dataset/extraction/malformed.h"
#include "dataset/files/folder.h"
#include "dataset/files/member.h"
#include "dataset/lists/id_output.h"
#include "dataset/lists/id_set.h"
#include "dataset/text/record.h"
#include "error.h"
#include "task.h"

#pragma GCC visibility push(hidden)

struct extraction_run {
  struct task task;
  struct extract_options options; /* its strings are owned */
  struct extract_counts counts;
  struct shapes *shapes;
  struct folder folder;
  struct extract_classes *files; /* by file of the folder */
  struct reader *reader;         /* of a file that all threads read; NULL: each reads its own */
  uint64_t bytes_before;         /* of the files before it */
  atomic_uint_least64_t bytes_beside; /* of files that one thread each reads */
  pthread_mutex_t adding;             /* to: */
  struct id_set *ids;
  struct id_output *output;
  struct malformed *malformed; /* NULL: malformed records stop the run */
};

struct extraction {
  struct extraction_run *run;
  struct extract_options options; /* the run's */
  size_t file;                    /* its number */
  struct reader *reader;          /* of what this thread reads */
  struct reader *own_file;        /* the same if no other thread reads that file, else NULL */
  uint64_t own_bytes;             /* of it, as far as they have been counted */
  struct turn *turn;              /* NULL: it reads alone */
  struct lines_piece piece;
  struct member member;
  struct record *record; /* for JSON */
  bool shared;           /* `reader` is read by other threads too */
  /* what has been found and not handed over */
  uint64_t ids_read, round_ids; /* of lists and tables; those that end in 000 */
  struct extract_counts counts; /* files, records, empty; classes except `recognised` */
  uint64_t *ids;
  size_t id_count, id_room;
  struct error *problems; /* malformed records, in order */
  size_t problem_count, problem_room;
  struct error failure; /* ends the run when the turn comes, if it has a code */
};

/* Hands over what was found. False: the run has stopped. */
bool extraction_hand_over(struct extraction *x, struct error *error);

/* Now and then: hands over, unless others must be waited for. False: the run has stopped. */
bool extraction_progress(struct extraction *x, struct error *error);

/* Adds one id that was found. */
bool extraction_make_room(struct extraction *x, struct error *error);
static inline bool extraction_add(struct extraction *x, uint64_t id, struct error *error) {
  if (x->id_count == x->id_room && !extraction_make_room(x, error)) return false;
  x->ids[x->id_count++] = id;
  return true;
}

/* `error` says that a record, or the rest of a file, cannot be used: it is skipped or ends the run,
 * as the options say. Returns whether the run continues. */
bool extraction_skip(struct extraction *x, struct error *error);

/* The same for text[0 .. size), which is not an id; it is at `at` of the window. */
bool extraction_refuse_id(struct extraction *x, const char *at, const char *text, size_t size,
                          struct error *error);

/* `error` ends the run. Returns false. */
bool extraction_fail(struct extraction *x, const struct error *error);

/* Memory is short, which ends the run. Returns false. */
bool extraction_no_memory(struct extraction *x, struct error *error);

bool extraction_is_cancelled(struct extraction_run *run, struct error *error);
void extraction_show_progress(struct extraction_run *run);

/* Counts what has been read of x->own_file. */
void extraction_count_bytes(struct extraction *x);

/* Frees what `x` owns, except its reader. */
void extraction_free(struct extraction *x);

/* Works on x->reader in `count` threads, each with an extraction like `x` as its state; what they
 * find is handed over for them. The functions are those of turns.h. */
bool extraction_share(struct extraction *x, void *context,
                      enum turns_step (*take)(void *context, void *state, struct error *error),
                      bool (*work)(void *context, void *state, struct turn *turn), unsigned count,
                      struct error *error);

#pragma GCC visibility pop

#endif
