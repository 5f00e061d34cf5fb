/* verdicts.c - see verdicts.h
 *
 * Rows are collected in one array that grows, sorted in place by the hash of their ids, and merged
 * where ids are equal: no second copy is ever made, so that the peak is what the verdicts take.
 */
#include "dataset/verdicts/verdicts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "memory.h"

enum {
  ENTRY = VERDICT_ENTRY,
  PER_RUN = 3,    /* the directory has one run for 2^3 to 2^4 verdicts */
  INSERTION = 24, /* fewer entries than this are sorted by insertion */
  AHEAD = 128,    /* bytes */
  DIGIT_MAX = 11, /* bits that one pass of the sort divides by */
  NOW_AND_THEN = 1 << 16,
};

/* {==================================================================
** Entries and their order
** =================================================================== */

static void entry_set(unsigned char *entry, const struct verdict *verdict) {
  uint16_t facts = (uint16_t)verdict->facts;
  memcpy(entry, &verdict->id, 8);
  memcpy(entry + 8, &verdict->redacted_at, 4);
  memcpy(entry + 12, &facts, 2);
}

static uint64_t entry_hash(const unsigned char *entry) {
  uint64_t id;
  memcpy(&id, entry, 8);
  return verdict_hash(id);
}

/* An entry in two registers, which overlap by two bytes. */
struct held {
  uint64_t id, rest;
};

static struct held hold(const unsigned char *entry) {
  struct held held;
  memcpy(&held.id, entry, 8);
  memcpy(&held.rest, entry + ENTRY - 8, 8);
  return held;
}

static void put_down(unsigned char *entry, struct held held) {
  memcpy(entry, &held.id, 8);
  memcpy(entry + ENTRY - 8, &held.rest, 8);
}

static void sort_by_insertion(unsigned char *entries, size_t count) {
  uint64_t hashes[INSERTION];
  for (size_t i = 0; i < count; i++) {
    struct held held = hold(entries + i * ENTRY);
    uint64_t hash = verdict_hash(held.id);
    size_t at = i;
    for (; at > 0 && hashes[at - 1] > hash; at--) {
      put_down(entries + at * ENTRY, hold(entries + (at - 1) * ENTRY));
      hashes[at] = hashes[at - 1];
    }
    put_down(entries + at * ENTRY, held);
    hashes[at] = hash;
  }
}

/* Checked now and then in long loops. */
static bool is_cancelled(struct task *task, uint64_t i) {
  return i % NOW_AND_THEN == 0 && task && task_cancelled(task);
}

/* Moves each entry to the part of its digit (the bits of the hash from `shift` on): `next` holds
 * the start of each part, and at the end its end. Each entry is swapped with the one in its place,
 * until one belongs in the place of the first. */
static void divide(unsigned char *entries, uint32_t *next, const uint32_t *ends, unsigned parts,
                   unsigned shift, struct task *task) {
  uint64_t moved = 0;
  for (unsigned part = 0; part < parts; part++) {
    while (next[part] < ends[part]) {
      struct held held = hold(entries + (size_t)next[part] * ENTRY);
      unsigned own;
      while ((own = (unsigned)(verdict_hash(held.id) >> shift) & (parts - 1)) != part) {
        unsigned char *place = entries + (size_t)next[own]++ * ENTRY;
        struct held other = hold(place);
        __builtin_prefetch(place + AHEAD, 1);
        put_down(place, held);
        held = other;
        if (is_cancelled(task, ++moved)) return;
      }
      put_down(entries + (size_t)next[part]++ * ENTRY, held);
    }
  }
}

/* Sorts by the lowest `bits` bits of the hash; those above are equal. Stops early once the task is
 * cancelled. */
static void sort_entries(unsigned char *entries, size_t count, unsigned bits, struct task *task) {
  uint32_t next[1 << DIGIT_MAX], ends[1 << DIGIT_MAX];
  unsigned digit = 1, shift, parts;
  uint32_t start = 0;
  if (count <= INSERTION) {
    sort_by_insertion(entries, count);
    return;
  }
  if (bits == 0) return; /* all are the same id */
  while (digit < DIGIT_MAX && digit < bits && count >> (digit + PER_RUN) > 0)
    digit++;
  shift = bits - digit;
  parts = 1u << digit;
  memset(next, 0, parts * sizeof *next);
  for (size_t i = 0; i < count && !is_cancelled(task, i + 1); i++)
    next[(entry_hash(entries + i * ENTRY) >> shift) & (parts - 1)]++;
  if (task && task_cancelled(task)) return;
  for (unsigned i = 0; i < parts; i++) {
    uint32_t size = next[i];
    next[i] = start;
    ends[i] = start += size;
  }
  divide(entries, next, ends, parts, shift, task);
  start = 0;
  for (unsigned i = 0; i < parts; i++) {
    sort_entries(entries + (size_t)start * ENTRY, ends[i] - start, shift, task);
    start = ends[i];
  }
}

/* Merges neighbours that have one id: all facts, the earliest time. Returns how many are left. */
static size_t merge_entries(unsigned char *entries, size_t count, struct task *task) {
  const struct verdict_set all = {.entries = entries};
  size_t kept = 0;
  struct verdict last = {0};
  for (size_t i = 0; i < count && !is_cancelled(task, i); i++) {
    struct verdict verdict = verdicts_at(&all, i);
    if (verdict.id == last.id) {
      last.facts |= verdict.facts;
      if (last.redacted_at == 0 ||
          (verdict.redacted_at != 0 && verdict.redacted_at < last.redacted_at))
        last.redacted_at = verdict.redacted_at;
      entry_set(entries + (kept - 1) * ENTRY, &last);
    } else {
      memcpy(entries + kept++ * ENTRY, entries + i * ENTRY, ENTRY);
      last = verdict;
    }
  }
  return kept;
}

uint32_t verdicts_directory_bits(uint64_t count) {
  uint32_t bits = 0;
  while (count >> (bits + PER_RUN + 1) > 0)
    bits++;
  return bits;
}

static uint32_t *make_directory(const struct verdict_set *set, struct task *task) {
  size_t runs = (size_t)1 << set->bits, run = 0;
  uint32_t *directory = malloc((runs + 1) * sizeof *directory);
  if (!directory) return NULL;
  for (uint64_t i = 0; i < set->count && !is_cancelled(task, i); i++) {
    uint32_t of = verdict_run(set, entry_hash(set->entries + i * ENTRY));
    while (run <= of)
      directory[run++] = (uint32_t)i;
  }
  while (run <= runs)
    directory[run++] = (uint32_t)set->count;
  return directory;
}

static void count_facts(struct verdict_set *set, struct task *task) {
  for (uint64_t i = 0; i < set->count && !is_cancelled(task, i); i++)
    set->by_fact[__builtin_ctz(verdicts_at(set, i).facts)]++;
}

/* }================================================================== */

/* {==================================================================
** Verdicts
** =================================================================== */

struct verdicts_builder {
  struct rows {
    unsigned char *entries;
    size_t count, room;
  } rows[VERDICTS_TYPES];
  struct verdicts *verdicts;
};

struct verdicts *verdicts_new(void) {
  struct verdicts *verdicts = calloc(1, sizeof *verdicts);
  if (verdicts) atomic_init(&verdicts->users, 1);
  return verdicts;
}

struct verdicts *verdicts_retain(struct verdicts *verdicts) {
  atomic_fetch_add(&verdicts->users, 1);
  return verdicts;
}

static void free_set(struct verdict_set *set) {
  if (set->mapped) {
    munmap(set->mapped, set->mapped_size);
  } else {
    free((void *)(uintptr_t)set->entries);
    free((void *)(uintptr_t)set->directory);
  }
}

void verdicts_release(struct verdicts *verdicts) {
  if (!verdicts || atomic_fetch_sub(&verdicts->users, 1) != 1) return;
  for (int type = 0; type < VERDICTS_TYPES; type++)
    free_set(&verdicts->sets[type]);
  free(verdicts);
}

void verdicts_prefetch(const struct verdict_set *set, uint64_t id) {
  enum { LINE = 64, LINES = 3 };
  const unsigned char *run;
  if (set->count == 0) return;
  run = set->entries + (size_t)set->directory[verdict_run(set, verdict_hash(id))] * ENTRY;
  for (int line = 0; line < LINES; line++)
    __builtin_prefetch(run + line * LINE);
}

bool verdicts_find(const struct verdict_set *set, uint64_t id, struct verdict *verdict) {
  uint64_t hash = verdict_hash(id);
  uint32_t low, high, run = verdict_run(set, hash);
  if (set->count == 0) return false;
  low = set->directory[run];
  high = set->directory[run + 1];
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    uint64_t other = entry_hash(set->entries + (size_t)middle * ENTRY);
    if (other == hash) {
      *verdict = verdicts_at(set, middle);
      return true;
    }
    if (other < hash)
      low = middle + 1;
    else
      high = middle;
  }
  return false;
}

struct verdicts_builder *verdicts_build(void) {
  struct verdicts_builder *builder = calloc(1, sizeof *builder);
  if (builder && (builder->verdicts = verdicts_new())) return builder;
  free(builder);
  return NULL;
}

void verdicts_abandon(struct verdicts_builder *builder) {
  if (!builder) return;
  for (int type = 0; type < VERDICTS_TYPES; type++)
    free(builder->rows[type].entries);
  verdicts_release(builder->verdicts);
  free(builder);
}

static bool grow(struct rows *rows) {
  return rows->count < UINT32_MAX &&
         memory_grow(&rows->entries, &rows->room, rows->count + 1, ENTRY);
}

bool verdicts_add(struct verdicts_builder *builder, enum verdicts_type type,
                  const struct verdict *verdict) {
  struct rows *rows = &builder->rows[type];
  builder->verdicts->sets[type].given = true;
  if (rows->count == rows->room && !grow(rows)) return false;
  entry_set(rows->entries + rows->count++ * ENTRY, verdict);
  return true;
}

struct verdict_set *verdicts_building(struct verdicts_builder *builder, enum verdicts_type type) {
  return &builder->verdicts->sets[type];
}

static bool finish_set(struct rows *rows, struct verdict_set *set, struct task *task) {
  size_t count;
  unsigned char *entries;
  if (rows->count == 0) return true;
  sort_entries(rows->entries, rows->count, 64, task);
  count = merge_entries(rows->entries, rows->count, task);
  if (task && task_cancelled(task)) return false;
  entries = realloc(rows->entries, count * ENTRY);
  if (!entries) return false;
  rows->entries = NULL;
  set->entries = entries;
  set->count = count;
  set->bits = verdicts_directory_bits(count);
  set->directory = make_directory(set, task);
  if (!set->directory) return false;
  count_facts(set, task);
  return !(task && task_cancelled(task));
}

struct verdicts *verdicts_finish(struct verdicts_builder *builder, struct task *task) {
  struct verdicts *verdicts = builder->verdicts;
  bool ok = true;
  for (int type = 0; ok && type < VERDICTS_TYPES; type++)
    ok = finish_set(&builder->rows[type], &verdicts->sets[type], task);
  if (ok) verdicts_retain(verdicts);
  verdicts_abandon(builder);
  return ok ? verdicts : NULL;
}

/* }================================================================== */
