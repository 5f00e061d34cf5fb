/* verdicts.h - what the results say about each id: built once, read by any number of threads
 *
 * A verdict takes 14 bytes: the id, the facts (results.h) and the earliest redacted_at. Verdicts
 * are in one array, in order of a hash of their ids; a directory (half a byte a verdict or less)
 * says where each run of about twelve of them begins. So a look-up touches two or three cache
 * lines, the array has no gaps, and its form on disk is that in memory (verdicts_file.h).
 *
 * Verdicts do not change after they are made, and live until the last reference is released.
 */
#ifndef XCOMPLIANCE_VERDICTS_H
#define XCOMPLIANCE_VERDICTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "dataset/verdicts/results.h"
#include "task.h"

#pragma GCC visibility push(hidden)

enum verdicts_type { VERDICTS_TWEETS, VERDICTS_USERS, VERDICTS_TYPES };

struct verdict {
  uint64_t id;
  uint32_t redacted_at; /* seconds since 1970; 0: not said */
  uint32_t facts;       /* a set of enum fact; never 0 */
};

struct verdict_set {
  bool given;        /* results of this type were given, even if without a row */
  uint64_t count;    /* distinct ids */
  uint64_t nameless; /* error rows without an id */
  struct results_counts results;
  uint64_t by_fact[FACT_KINDS]; /* ids by the lowest fact: what fact_outcome and fact_reason say */
  /* private */
  const unsigned char *entries;
  const uint32_t *directory; /* where each run of entries begins; 2^bits + 1 numbers */
  uint32_t bits;
  void *mapped; /* the file that they are in; NULL: both are allocated */
  size_t mapped_size;
};

struct verdicts {
  struct verdict_set sets[VERDICTS_TYPES];
  atomic_uint users; /* private */
};

/* Finds the verdict of `id`. */
bool verdicts_find(const struct verdict_set *set, uint64_t id, struct verdict *verdict);

/* Prefetches the memory that verdicts_find(set, id) reads. */
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

/* Spreads ids, whose low bits say little, over 64 bits; no two have the same. The order of entries,
 * and part of the file's format. */
static inline uint64_t verdict_hash(uint64_t id) {
  uint64_t hash = id * 0x9e3779b97f4a7c15u;
  hash ^= hash >> 32;
  return hash * 0xd6e8feb86659fd93u;
}

/* The run that a hash belongs to. */
static inline uint32_t verdict_run(const struct verdict_set *set, uint64_t hash) {
  return set->bits == 0 ? 0 : (uint32_t)(hash >> (64 - set->bits));
}

/* How many bits the directory of a set of `count` verdicts has. */
uint32_t verdicts_directory_bits(uint64_t count);

struct verdicts *verdicts_retain(struct verdicts *verdicts);
void verdicts_release(struct verdicts *verdicts); /* may be NULL */

/* Without any verdict; for callers that fill the sets themselves. NULL: no memory. */
struct verdicts *verdicts_new(void);

/* Building */

struct verdicts_builder;
struct verdicts_builder *verdicts_build(void); /* NULL: no memory */
/* The set that is being built: its counts of rows are for the caller to fill; and a set that has
 * come from a file may be put in its place, if nothing is added then. */
struct verdict_set *verdicts_building(struct verdicts_builder *builder, enum verdicts_type type);
/* Adds a row; false if memory is short or there are 2^32 rows. */
bool verdicts_add(struct verdicts_builder *builder, enum verdicts_type type,
                  const struct verdict *verdict);
/* Makes the verdicts and frees the builder. NULL: no memory, or `task` (may be NULL) was cancelled.
 */
struct verdicts *verdicts_finish(struct verdicts_builder *builder, struct task *task);
void verdicts_abandon(struct verdicts_builder *builder);

#pragma GCC visibility pop

#endif
