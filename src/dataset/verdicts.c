/* verdicts.c - see verdicts.h
 *
 * Rows are collected in one array that grows, sorted in place by the hash of their ids, and merged
 * where ids are equal: no second copy is ever made, so that the peak is what the verdicts take.
 */
#include "dataset/verdicts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checksum.h"
#include "file.h"

enum {
  ENTRY = VERDICT_ENTRY,
  PER_RUN = 3,    /* the directory has one run for 2^3 to 2^4 verdicts */
  INSERTION = 24, /* fewer entries than this are sorted by insertion */
  AHEAD = 128,
  DIGIT_MAX = 11, /* bits that one pass of the sort divides by */
  MAGIC = 8,
  VERSION = 1,
};

static const char MAGIC_TEXT[MAGIC + 1] = "XCVERDI\n";

/* {==================================================================
** Entries and their order
** =================================================================== */

static void entry_set(unsigned char *entry, const struct verdict *verdict) {
  uint16_t facts = (uint16_t)verdict->facts;
  memcpy(entry, &verdict->id, 8);
  memcpy(entry + 8, &verdict->redacted_at, 4);
  memcpy(entry + 12, &facts, 2);
}

/* Spreads ids, whose low bits say little, over 64 bits; no two have the same. Part of the file's
 * format. */
static uint64_t spread(uint64_t id) {
  uint64_t hash = id * 0x9e3779b97f4a7c15u;
  hash ^= hash >> 32;
  return hash * 0xd6e8feb86659fd93u;
}

static uint64_t entry_hash(const unsigned char *entry) {
  uint64_t id;
  memcpy(&id, entry, 8);
  return spread(id);
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
    uint64_t hash = spread(held.id);
    size_t at = i;
    for (; at > 0 && hashes[at - 1] > hash; at--) {
      put_down(entries + at * ENTRY, hold(entries + (at - 1) * ENTRY));
      hashes[at] = hashes[at - 1];
    }
    put_down(entries + at * ENTRY, held);
    hashes[at] = hash;
  }
}

/* Puts each entry where its digit (the bits of the hash from `shift` on) belongs: `next` holds
 * where each part begins, and in the end where it ends. Each entry taken up is put down in its
 * place, where another is taken up, until one belongs where the first was. */
static void divide(unsigned char *entries, uint32_t *next, const uint32_t *ends, unsigned parts,
                   unsigned shift) {
  for (unsigned part = 0; part < parts; part++) {
    while (next[part] < ends[part]) {
      struct held held = hold(entries + (size_t)next[part] * ENTRY);
      unsigned own;
      while ((own = (unsigned)(spread(held.id) >> shift) & (parts - 1)) != part) {
        unsigned char *place = entries + (size_t)next[own]++ * ENTRY;
        struct held other = hold(place);
        __builtin_prefetch(place + AHEAD, 1);
        put_down(place, held);
        held = other;
      }
      put_down(entries + (size_t)next[part]++ * ENTRY, held);
    }
  }
}

/* Sorts by the lowest `bits` bits of the hash; those above are equal. */
static void sort_entries(unsigned char *entries, size_t count, unsigned bits) {
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
  for (size_t i = 0; i < count; i++)
    next[(entry_hash(entries + i * ENTRY) >> shift) & (parts - 1)]++;
  for (unsigned i = 0; i < parts; i++) {
    uint32_t size = next[i];
    next[i] = start;
    ends[i] = start += size;
  }
  divide(entries, next, ends, parts, shift);
  start = 0;
  for (unsigned i = 0; i < parts; i++) {
    sort_entries(entries + (size_t)start * ENTRY, ends[i] - start, shift);
    start = ends[i];
  }
}

/* Merges neighbours that have one id: all facts, the earliest time. Returns how many are left. */
static size_t merge_entries(unsigned char *entries, size_t count) {
  const struct verdict_set all = {.entries = entries};
  size_t kept = 0;
  struct verdict last = {0};
  for (size_t i = 0; i < count; i++) {
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

static uint32_t directory_bits(uint64_t count) {
  uint32_t bits = 0;
  while (count >> (bits + PER_RUN + 1) > 0)
    bits++;
  return bits;
}

static uint32_t run_of(const struct verdict_set *set, uint64_t hash) {
  return set->bits == 0 ? 0 : (uint32_t)(hash >> (64 - set->bits));
}

static uint32_t *make_directory(const struct verdict_set *set) {
  size_t runs = (size_t)1 << set->bits, run = 0;
  uint32_t *directory = malloc((runs + 1) * sizeof *directory);
  if (!directory) return NULL;
  for (uint64_t i = 0; i < set->count; i++) {
    uint32_t of = run_of(set, entry_hash(set->entries + i * ENTRY));
    while (run <= of)
      directory[run++] = (uint32_t)i;
  }
  while (run <= runs)
    directory[run++] = (uint32_t)set->count;
  return directory;
}

static void count_facts(struct verdict_set *set) {
  for (uint64_t i = 0; i < set->count; i++)
    set->by_fact[__builtin_ctz(verdicts_at(set, i).facts)]++;
}

/* }================================================================== */

/* {==================================================================
** Verdicts
** =================================================================== */

/* What a set's memory is: a file mapped, or what was allocated. */
struct backing {
  void *mapped;
  size_t mapped_size;
  void *entries, *directory;
};

struct shared_verdicts {
  struct verdicts public;
  atomic_uint users;
  struct backing backings[VERDICTS_TYPES];
};

struct verdicts_builder {
  struct rows {
    unsigned char *entries;
    size_t count, room;
  } rows[VERDICTS_TYPES];
  struct shared_verdicts *verdicts;
};

static void free_backing(struct backing *backing) {
  if (backing->mapped) munmap(backing->mapped, backing->mapped_size);
  free(backing->entries);
  free(backing->directory);
}

struct verdicts *verdicts_retain(struct verdicts *verdicts) {
  atomic_fetch_add(&((struct shared_verdicts *)verdicts)->users, 1);
  return verdicts;
}

void verdicts_release(struct verdicts *verdicts) {
  struct shared_verdicts *shared = (struct shared_verdicts *)verdicts;
  if (!shared || atomic_fetch_sub(&shared->users, 1) != 1) return;
  for (int type = 0; type < VERDICTS_TYPES; type++)
    free_backing(&shared->backings[type]);
  free(shared);
}

static struct shared_verdicts *new_verdicts(void) {
  struct shared_verdicts *shared = calloc(1, sizeof *shared);
  if (shared) atomic_init(&shared->users, 1);
  return shared;
}

void verdicts_prefetch(const struct verdict_set *set, uint64_t id) {
  enum { LINE = 64, LINES = 3 };
  const unsigned char *run;
  if (set->count == 0) return;
  run = set->entries + (size_t)set->directory[run_of(set, spread(id))] * ENTRY;
  for (int line = 0; line < LINES; line++)
    __builtin_prefetch(run + line * LINE);
}

bool verdicts_find(const struct verdict_set *set, uint64_t id, struct verdict *verdict) {
  uint64_t hash = spread(id);
  uint32_t low, high, run = run_of(set, hash);
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
  if (builder && (builder->verdicts = new_verdicts())) return builder;
  free(builder);
  return NULL;
}

void verdicts_abandon(struct verdicts_builder *builder) {
  if (!builder) return;
  for (int type = 0; type < VERDICTS_TYPES; type++)
    free(builder->rows[type].entries);
  verdicts_release(&builder->verdicts->public);
  free(builder);
}

static bool grow(struct rows *rows) {
  size_t room = rows->room ? rows->room + rows->room / 2 : 4096;
  unsigned char *entries;
  if (rows->count >= UINT32_MAX) return false;
  entries = realloc(rows->entries, room * ENTRY);
  if (!entries) return false;
  rows->entries = entries;
  rows->room = room;
  return true;
}

bool verdicts_add(struct verdicts_builder *builder, enum verdicts_type type,
                  const struct verdict *verdict) {
  struct rows *rows = &builder->rows[type];
  builder->verdicts->public.sets[type].given = true;
  if (rows->count == rows->room && !grow(rows)) return false;
  entry_set(rows->entries + rows->count++ * ENTRY, verdict);
  return true;
}

static bool finish_set(struct rows *rows, struct verdict_set *set, struct backing *backing) {
  size_t count;
  if (backing->mapped || rows->count == 0) return true;
  sort_entries(rows->entries, rows->count, 64);
  count = merge_entries(rows->entries, rows->count);
  backing->entries = realloc(rows->entries, count * ENTRY);
  if (!backing->entries) return false;
  rows->entries = NULL;
  set->entries = backing->entries;
  set->count = count;
  set->bits = directory_bits(count);
  set->directory = backing->directory = make_directory(set);
  if (!set->directory) return false;
  count_facts(set);
  return true;
}

struct verdicts *verdicts_finish(struct verdicts_builder *builder) {
  struct shared_verdicts *shared = builder->verdicts;
  bool ok = true;
  for (int type = 0; ok && type < VERDICTS_TYPES; type++)
    ok = finish_set(&builder->rows[type], &shared->public.sets[type], &shared->backings[type]);
  if (ok) verdicts_retain(&shared->public);
  verdicts_abandon(builder);
  return ok ? &shared->public : NULL;
}

/* }================================================================== */

/* {==================================================================
** The file
** =================================================================== */

struct set_header {
  uint64_t given, count, bits, nameless, rows, bytes, unknown, other, zulu, offset;
  char unknown_text[RESULTS_TEXT], other_text[RESULTS_TEXT];
};

struct verdicts_header {
  char magic[MAGIC];
  uint32_t version, order; /* 0x01020304, as this machine stores it */
  struct set_header sets[VERDICTS_TYPES];
};

enum { ORDER = 0x01020304, CHECK = 4 };

_Static_assert(sizeof(struct verdicts_header) ==
                   16 + VERDICTS_TYPES * (10 * 8 + 2 * (size_t)RESULTS_TEXT),
               "the header has no holes");

static size_t padded(size_t size) {
  return (size + 7) & ~(size_t)7;
}

static size_t entries_size(uint64_t count) {
  return padded((size_t)count * ENTRY);
}

static size_t directory_size(uint64_t count, uint64_t bits) {
  return count == 0 ? 0 : padded((((size_t)1 << bits) + 1) * sizeof(uint32_t));
}

static void fill_header(struct verdicts_header *header, const struct verdicts *verdicts) {
  memset(header, 0, sizeof *header);
  memcpy(header->magic, MAGIC_TEXT, MAGIC);
  header->version = VERSION;
  header->order = ORDER;
  for (int type = 0; type < VERDICTS_TYPES; type++) {
    const struct verdict_set *set = &verdicts->sets[type];
    struct set_header *to = &header->sets[type];
    *to = (struct set_header){.given = set->given,
                              .count = set->count,
                              .bits = set->bits,
                              .nameless = set->nameless,
                              .rows = set->results.rows,
                              .bytes = set->results.bytes,
                              .unknown = set->results.unknown,
                              .other = set->results.other,
                              .zulu = set->results.zulu,
                              .offset = set->results.offset};
    strcpy(to->unknown_text, set->results.unknown_text);
    strcpy(to->other_text, set->results.other_text);
  }
}

struct saving {
  int descriptor;
  const char *path;
  uint32_t crc;
};

static bool save_part(struct saving *saving, const void *bytes, size_t size, size_t padded_size,
                      struct error *error) {
  static const char zeros[8];
  saving->crc = checksum_crc32c(saving->crc, bytes, size);
  saving->crc = checksum_crc32c(saving->crc, zeros, padded_size - size);
  return file_write(saving->descriptor, bytes, size, saving->path, error) &&
         file_write(saving->descriptor, zeros, padded_size - size, saving->path, error);
}

static bool save_all(struct saving *saving, const struct verdicts *verdicts, struct error *error) {
  struct verdicts_header header;
  fill_header(&header, verdicts);
  if (!save_part(saving, &header, sizeof header, sizeof header, error)) return false;
  for (int type = 0; type < VERDICTS_TYPES; type++) {
    const struct verdict_set *set = &verdicts->sets[type];
    size_t numbers = ((size_t)1 << set->bits) + 1;
    if (set->count == 0) continue;
    if (!save_part(saving, set->entries, (size_t)set->count * ENTRY, entries_size(set->count),
                   error) ||
        !save_part(saving, set->directory, numbers * sizeof(uint32_t),
                   directory_size(set->count, set->bits), error))
      return false;
  }
  return file_write(saving->descriptor, &saving->crc, CHECK, saving->path, error);
}

bool verdicts_save(const struct verdicts *verdicts, const char *path, struct error *error) {
  char *temporary;
  struct saving saving = {.path = path};
  bool ok;
  saving.descriptor = file_create_beside(path, &temporary, error);
  if (saving.descriptor < 0) return false;
  ok =
      save_all(&saving, verdicts, error) && file_publish(saving.descriptor, temporary, path, error);
  if (!ok) unlink(temporary);
  close(saving.descriptor);
  free(temporary);
  return ok;
}

static bool damaged(const char *path, const char *what, struct error *error) {
  error_at(error, ERROR_DATA, path, 0, 0, "%s - make it anew from the results", what);
  return false;
}

/* Each verdict must stand where a look-up looks for it. Counts them on the way. */
static bool check_set(struct verdict_set *set) {
  uint64_t last = 0;
  size_t runs = (size_t)1 << set->bits;
  if (set->count == 0) return true;
  if (set->directory[0] != 0 || set->directory[runs] != set->count) return false;
  for (size_t run = 0; run < runs; run++) {
    uint32_t start = set->directory[run], end = set->directory[run + 1];
    if (start > end || end > set->count) return false;
    for (uint32_t i = start; i < end; i++) {
      struct verdict verdict = verdicts_at(set, i);
      uint64_t hash = spread(verdict.id);
      if (verdict.id == 0 || verdict.id > INT64_MAX || verdict.facts == 0 ||
          verdict.facts > FACT_ALL || run_of(set, hash) != run || (i > 0 && hash <= last))
        return false;
      last = hash;
      set->by_fact[__builtin_ctz(verdict.facts)]++;
    }
  }
  return true;
}

/* Sets `set` up from its header and the bytes at `*at`, which moves behind it. */
static bool place_set(const struct set_header *header, const unsigned char *bytes, size_t size,
                      size_t *at, struct verdict_set *set) {
  size_t entries, directory;
  if (header->given > 1 || header->count > UINT32_MAX ||
      header->bits != directory_bits(header->count) ||
      !memchr(header->unknown_text, 0, RESULTS_TEXT) ||
      !memchr(header->other_text, 0, RESULTS_TEXT))
    return false;
  entries = entries_size(header->count);
  directory = directory_size(header->count, header->bits);
  if (entries + directory > size - *at) return false;
  *set = (struct verdict_set){.given = header->given == 1,
                              .count = header->count,
                              .nameless = header->nameless,
                              .results = {.rows = header->rows,
                                          .bytes = header->bytes,
                                          .unknown = header->unknown,
                                          .other = header->other,
                                          .zulu = header->zulu,
                                          .offset = header->offset},
                              .entries = bytes + *at,
                              .directory = (const uint32_t *)(const void *)(bytes + *at + entries),
                              .bits = (uint32_t)header->bits};
  strcpy(set->results.unknown_text, header->unknown_text);
  strcpy(set->results.other_text, header->other_text);
  *at += entries + directory;
  return true;
}

/* Takes the set of one type out of the bytes of a whole file. */
static bool read_set(const unsigned char *bytes, size_t size, enum verdicts_type type,
                     struct verdict_set *set, const char *path, struct error *error) {
  struct verdicts_header header;
  struct verdict_set sets[VERDICTS_TYPES];
  size_t at = sizeof header;
  uint32_t crc;
  if (size < sizeof header + CHECK || memcmp(bytes, MAGIC_TEXT, MAGIC) != 0)
    return damaged(path, "is no file of verdicts, or only the beginning of one", error);
  memcpy(&header, bytes, sizeof header);
  memcpy(&crc, bytes + size - CHECK, CHECK);
  if (header.order != ORDER || header.version != VERSION)
    return damaged(path, "is a file of verdicts of another version or kind of machine", error);
  if (checksum_crc32c(0, bytes, size - CHECK) != crc)
    return damaged(path, "its check sum is wrong: it was changed or cut off", error);
  for (int i = 0; i < VERDICTS_TYPES; i++)
    if (!place_set(&header.sets[i], bytes, size - CHECK, &at, &sets[i]))
      return damaged(path, "its verdicts are not where they should be", error);
  if (at != size - CHECK || !check_set(&sets[type]))
    return damaged(path, "its verdicts are not where they should be", error);
  *set = sets[type];
  return true;
}

/* Each set has a mapping of its own, so that those of several files can go together. */
static bool map_set(struct shared_verdicts *shared, enum verdicts_type type, const char *path,
                    struct error *error) {
  struct stat status;
  int descriptor = file_open(path, &status, error);
  void *mapped = MAP_FAILED;
  if (descriptor < 0) return false;
  if (status.st_size < (off_t)sizeof(struct verdicts_header)) {
    damaged(path, "is no file of verdicts, or only the beginning of one", error);
  } else {
    mapped =
        mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, descriptor, 0);
    if (mapped == MAP_FAILED) error_errno(error, "mapping", path);
  }
  close(descriptor);
  if (mapped == MAP_FAILED) return false;
  shared->backings[type] =
      (struct backing){.mapped = mapped, .mapped_size = (size_t)status.st_size};
  return read_set(mapped, (size_t)status.st_size, type, &shared->public.sets[type], path, error);
}

struct verdicts *verdicts_map(const char *path, struct error *error) {
  struct shared_verdicts *shared = new_verdicts();
  bool ok = shared != NULL;
  if (!ok) error_set(error, ERROR_MEMORY, "mapping %s: out of memory", path);
  for (int type = 0; ok && type < VERDICTS_TYPES; type++)
    ok = map_set(shared, (enum verdicts_type)type, path, error);
  if (ok) return &shared->public;
  verdicts_release(shared ? &shared->public : NULL);
  return NULL;
}

/* }================================================================== */

/* {==================================================================
** The task
** =================================================================== */

struct verdicts_task {
  struct task task;
  char **paths[VERDICTS_TYPES];
  size_t path_counts[VERDICTS_TYPES];
  struct verdicts_builder *builder;
  enum verdicts_type type; /* of the file that is being read */
  uint64_t rows;
  struct verdicts *verdicts;
};

static bool take_row(void *context, const struct results_row *row, struct error *error) {
  struct verdicts_task *task = context;
  struct verdict verdict = {row->id, row->redacted_at, row->fact};
  struct verdict_set *set = &task->builder->verdicts->public.sets[task->type];
  task_set(&task->task, VERDICTS_ROWS, ++task->rows);
  if (row->id == 0) {
    set->nameless++;
    return true;
  }
  if (verdicts_add(task->builder, task->type, &verdict)) return true;
  error_set(error, ERROR_MEMORY, "loading results: out of memory after %zu rows",
            task->builder->rows[task->type].count);
  return false;
}

static bool is_saved(const char *path) {
  char start[MAGIC];
  struct error error;
  struct stat status;
  int descriptor;
  bool saved;
  if (stat(path, &status) != 0 || !S_ISREG(status.st_mode)) return false;
  descriptor = file_open(path, NULL, &error);
  if (descriptor < 0) return false; /* reading it will say why */
  saved = file_read(descriptor, start, MAGIC, 0, path, &error) == MAGIC &&
          memcmp(start, MAGIC_TEXT, MAGIC) == 0;
  close(descriptor);
  return saved;
}

static void add_results(struct results_counts *to, const struct results_counts *from) {
  if (to->unknown == 0) strcpy(to->unknown_text, from->unknown_text);
  if (to->other == 0) strcpy(to->other_text, from->other_text);
  to->rows += from->rows;
  to->bytes += from->bytes;
  to->unknown += from->unknown;
  to->other += from->other;
  to->zulu += from->zulu;
  to->offset += from->offset;
}

/* A saved file among others gives its verdicts one by one. */
static bool add_saved(struct verdicts_task *task, const struct verdict_set *from,
                      struct error *error) {
  struct verdict_set *set = &task->builder->verdicts->public.sets[task->type];
  add_results(&set->results, &from->results);
  set->given = true;
  set->nameless += from->nameless;
  for (uint64_t i = 0; i < from->count; i++) {
    struct verdict verdict = verdicts_at(from, i);
    if (verdicts_add(task->builder, task->type, &verdict)) continue;
    error_set(error, ERROR_MEMORY, "loading verdicts: out of memory");
    return false;
  }
  return true;
}

static bool load_saved(struct verdicts_task *task, const char *path, struct error *error) {
  static const char *const names[VERDICTS_TYPES] = {"tweets", "users"};
  struct shared_verdicts *shared = new_verdicts();
  struct verdict_set *set = shared ? &shared->public.sets[task->type] : NULL;
  bool ok = false;
  if (!shared)
    error_set(error, ERROR_MEMORY, "mapping %s: out of memory", path);
  else if (map_set(shared, task->type, path, error)) {
    ok = set->given;
    if (!ok)
      error_at(error, ERROR_DATA, path, 0, 0,
               "holds no verdicts on %s - it was made from results of the other type",
               names[task->type]);
  }
  if (ok && task->path_counts[task->type] == 1) {
    task->builder->verdicts->public.sets[task->type] = *set;
    task->builder->verdicts->backings[task->type] = shared->backings[task->type];
    memset(&shared->backings[task->type], 0, sizeof shared->backings[task->type]);
  } else if (ok) {
    ok = add_saved(task, set, error);
  }
  verdicts_release(shared ? &shared->public : NULL);
  return ok;
}

static bool load(struct verdicts_task *task, const char *path, struct error *error) {
  struct verdict_set *set = &task->builder->verdicts->public.sets[task->type];
  if (is_saved(path)) return load_saved(task, path, error);
  set->given = true;
  return results_read(path, &task->task, VERDICTS_BYTES, take_row, task, &set->results, error);
}

static void set_total(struct verdicts_task *task) {
  uint64_t total = 0;
  struct stat status;
  for (int type = 0; type < VERDICTS_TYPES; type++)
    for (size_t i = 0; i < task->path_counts[type]; i++)
      if (stat(task->paths[type][i], &status) == 0 && S_ISREG(status.st_mode))
        total += (uint64_t)status.st_size;
  task_set(&task->task, VERDICTS_TOTAL, total);
}

static void run(struct task *base) {
  struct verdicts_task *task = (struct verdicts_task *)base;
  set_total(task);
  for (int type = 0; type < VERDICTS_TYPES; type++) {
    task->type = (enum verdicts_type)type;
    for (size_t i = 0; i < task->path_counts[type]; i++)
      if (!load(task, task->paths[type][i], &base->error)) return;
  }
  task->verdicts = verdicts_finish(task->builder);
  task->builder = NULL;
  if (!task->verdicts) error_set(&base->error, ERROR_MEMORY, "sorting verdicts: out of memory");
}

static void destroy(struct task *base) {
  struct verdicts_task *task = (struct verdicts_task *)base;
  verdicts_abandon(task->builder);
  verdicts_release(task->verdicts);
  for (int type = 0; type < VERDICTS_TYPES; type++) {
    for (size_t i = 0; i < task->path_counts[type]; i++)
      free(task->paths[type][i]);
    free(task->paths[type]);
  }
  free(task);
}

static bool copy_paths(struct verdicts_task *task, enum verdicts_type type,
                       const char *const *paths) {
  size_t count = 0;
  while (paths && paths[count])
    count++;
  if (count == 0) return true;
  task->paths[type] = calloc(count, sizeof(char *));
  if (!task->paths[type]) return false;
  for (; task->path_counts[type] < count; task->path_counts[type]++) {
    char *copy = strdup(paths[task->path_counts[type]]);
    if (!copy) return false;
    task->paths[type][task->path_counts[type]] = copy;
  }
  return true;
}

struct task *verdicts_start(const struct verdicts_options *options, struct error *error) {
  static const struct task_kind kind = {
      .name = "loading of results",
      .counters = {"bytes", "total", "rows"},
      .run = run,
      .destroy = destroy,
  };
  struct verdicts_task *task = calloc(1, sizeof *task);
  if (!task || !(task->builder = verdicts_build()) ||
      !copy_paths(task, VERDICTS_TWEETS, options->tweets) ||
      !copy_paths(task, VERDICTS_USERS, options->users)) {
    error_set(error, ERROR_MEMORY, "loading results: out of memory");
    if (task) destroy(&task->task);
    return NULL;
  }
  if (!task_init(&task->task, &kind, error)) {
    destroy(&task->task);
    return NULL;
  }
  if (task_start(&task->task, error)) return &task->task;
  task_free(&task->task);
  return NULL;
}

struct verdicts *verdicts_loaded(const struct task *task) {
  return ((const struct verdicts_task *)task)->verdicts;
}

struct save_task {
  struct task task;
  struct verdicts *verdicts;
  char *path;
};

static void run_save(struct task *base) {
  struct save_task *task = (struct save_task *)base;
  struct error error;
  if (!verdicts_save(task->verdicts, task->path, &error)) base->error = error;
}

static void destroy_save(struct task *base) {
  struct save_task *task = (struct save_task *)base;
  verdicts_release(task->verdicts);
  free(task->path);
  free(task);
}

struct task *verdicts_save_start(struct verdicts *verdicts, const char *path, struct error *error) {
  static const struct task_kind kind = {
      .name = "saving of verdicts", .run = run_save, .destroy = destroy_save};
  struct save_task *task = calloc(1, sizeof *task);
  if (task) {
    task->verdicts = verdicts_retain(verdicts);
    task->path = strdup(path);
  }
  if (!task || !task->path) {
    error_set(error, ERROR_MEMORY, "saving %s: out of memory", path);
  } else if (task_init(&task->task, &kind, error)) {
    if (task_start(&task->task, error)) return &task->task;
    task_free(&task->task);
    return NULL;
  }
  if (task) destroy_save(&task->task);
  return NULL;
}

/* }================================================================== */
