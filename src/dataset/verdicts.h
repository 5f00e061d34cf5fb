/* verdicts.h - what the results say of each id: built once, saved, mapped into memory
 *
 * A verdict takes 14 bytes: the id, the facts (results.h) and the earliest redacted_at. Verdicts
 * lie in one array, in order of a hash of their ids; a directory (half a byte a verdict or less)
 * says where each run of about eight of them begins. So a look-up touches two or three lines of
 * memory, the array is full, and it is on the disk as it is in memory.
 *
 * The file (version 1, little-endian):
 *   header     struct verdicts_header (verdicts.c): magic, version, and of each set its counts
 *   tweets     verdicts, padded to 8 bytes; directory of 2^bits + 1 numbers of 4 bytes, padded
 *   users      the same
 *   check      CRC32C of all before it, 4 bytes
 * Of a file that somebody else may have made nothing is believed: check sum, sizes, directory, and
 * each verdict's place are looked at before it is used.
 *
 * Verdicts do not change once they are made, may be used by many threads, and live until the last
 * one who retains them releases them.
 */
#ifndef XCOMPLIANCE_VERDICTS_H
#define XCOMPLIANCE_VERDICTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "dataset/results.h"
#include "error.h"
#include "task.h"

#pragma GCC visibility push(hidden)

enum verdicts_type { VERDICTS_TWEETS, VERDICTS_USERS, VERDICTS_TYPES };

struct verdict {
  uint64_t id;
  uint32_t redacted_at; /* seconds since 1970; 0: not said */
  uint32_t facts;       /* a set of enum fact; never 0 */
};

struct verdict_set {
  bool given;        /* results of this type were given, be it without a row */
  uint64_t count;    /* distinct ids */
  uint64_t nameless; /* error rows without an id */
  struct results_counts results;
  uint64_t by_fact[FACT_KINDS]; /* ids by the lowest fact: what fact_outcome and fact_reason say */
  /* private */
  const unsigned char *entries;
  const uint32_t *directory;
  uint32_t bits;
};

struct verdicts {
  struct verdict_set sets[VERDICTS_TYPES];
};

/* Finds the verdict of `id`. */
bool verdicts_find(const struct verdict_set *set, uint64_t id, struct verdict *verdict);

/* Has the memory that verdicts_find(set, id) looks at fetched meanwhile. */
void verdicts_prefetch(const struct verdict_set *set, uint64_t id);

/* Verdict number `i` of [0 .. count), in no order that means anything. An entry is the id (8
 * bytes), redacted_at (4) and facts (2). */
enum { VERDICT_ENTRY = 14 };
static inline struct verdict verdicts_at(const struct verdict_set *set, uint64_t i) {
  const unsigned char *entry = set->entries + i * VERDICT_ENTRY;
  struct verdict verdict = {0};
  uint16_t facts;
  memcpy(&verdict.id, entry, 8);
  memcpy(&verdict.redacted_at, entry + 8, 4);
  memcpy(&facts, entry + 12, 2);
  verdict.facts = facts;
  return verdict;
}

struct verdicts *verdicts_retain(struct verdicts *verdicts);
void verdicts_release(struct verdicts *verdicts); /* may be NULL */

/* A task that reads results. */

struct verdicts_options {
  const char *const *tweets; /* results files of tweets jobs; NULL-ended, or NULL */
  const char *const *users;  /* of users jobs */
};

/* Progress counters. */
enum { VERDICTS_BYTES, VERDICTS_TOTAL, VERDICTS_ROWS };

/* Begins to load; copies the options. Each path is a results file or one that verdicts_save made
 * (of which the set of that type is taken). NULL with `error` filled. */
struct task *verdicts_start(const struct verdicts_options *options, struct error *error);

/* The verdicts of a task that has ended well; they are the task's: retain them to keep them. */
struct verdicts *verdicts_loaded(const struct task *task);

/* Files */

/* Writes both sets to `path` (beside it, then renamed). */
bool verdicts_save(const struct verdicts *verdicts, const char *path, struct error *error);

/* The same as a task, which retains them. */
struct task *verdicts_save_start(struct verdicts *verdicts, const char *path, struct error *error);

/* Maps a file that verdicts_save made. The pages are shared by all who map it. NULL with `error`
 * filled: ERROR_DATA where it is none, of another version, or damaged. */
struct verdicts *verdicts_map(const char *path, struct error *error);

/* Building, for loaders and tests */

struct verdicts_builder;
struct verdicts_builder *verdicts_build(void); /* NULL: no memory */
/* Adds a row; false where memory is short or there are 2^32 rows. */
bool verdicts_add(struct verdicts_builder *builder, enum verdicts_type type,
                  const struct verdict *verdict);
/* Makes the verdicts and frees the builder. NULL: no memory. */
struct verdicts *verdicts_finish(struct verdicts_builder *builder);
void verdicts_abandon(struct verdicts_builder *builder);

#pragma GCC visibility pop

#endif
