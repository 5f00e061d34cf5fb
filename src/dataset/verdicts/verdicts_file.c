/* verdicts_file.c - see verdicts_file.h */
#include "dataset/verdicts/verdicts_file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checksum.h"
#include "dataset/bytes/leftover.h"
#include "file.h"

enum { ENTRY = VERDICT_ENTRY, MAGIC = 8, VERSION = 1, SUM_SIZE = 1 << 18, NOW_AND_THEN = 1 << 14 };

static const char MAGIC_TEXT[MAGIC + 1] = "XCVERDI\n";

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

/* Whether the task was cancelled. */
static bool is_cancelled(struct task *task, const char *path, struct error *error) {
  if (!task || !task_cancelled(task)) return false;
  error_set(error, ERROR_CANCELLED, "saving or loading %s was cancelled", path);
  return true;
}

struct saving {
  int descriptor;
  const char *path;
  struct task *task;
  uint32_t crc;
};

static bool save_part(struct saving *saving, const void *bytes, size_t size, size_t padded_size,
                      struct error *error) {
  static const char zeros[8];
  size_t now;
  for (size_t at = 0; at < size; at += now) {
    const char *some = (const char *)bytes + at;
    now = size - at < SUM_SIZE ? size - at : SUM_SIZE;
    saving->crc = checksum_crc32c(saving->crc, some, now);
    if (is_cancelled(saving->task, saving->path, error) ||
        !file_write(saving->descriptor, some, now, saving->path, error))
      return false;
  }
  saving->crc = checksum_crc32c(saving->crc, zeros, padded_size - size);
  return file_write(saving->descriptor, zeros, padded_size - size, saving->path, error);
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

bool verdicts_save(const struct verdicts *verdicts, const char *path, struct task *task,
                   struct error *error) {
  char *temporary;
  struct saving saving = {.path = path, .task = task};
  bool ok;
  leftover_remove(path);
  saving.descriptor = leftover_create_beside(path, &temporary, error);
  if (saving.descriptor < 0) return false;
  ok =
      save_all(&saving, verdicts, error) && file_publish(saving.descriptor, temporary, path, error);
  if (!ok) unlink(temporary);
  close(saving.descriptor);
  free(temporary);
  return ok;
}

static bool damaged(const char *path, const char *what, struct error *error) {
  error_at(error, ERROR_DATA, path, 0, 0, "%s - make it again from the results", what);
  return false;
}

/* Each verdict must be where a look-up looks for it. Counts them too. */
static bool check_set(struct verdict_set *set, struct task *task) {
  uint64_t last = 0;
  size_t runs = (size_t)1 << set->bits;
  if (set->count == 0) return true;
  if (set->directory[0] != 0 || set->directory[runs] != set->count) return false;
  for (size_t run = 0; run < runs; run++) {
    if (run % NOW_AND_THEN == 0 && task && task_cancelled(task)) return false;
    uint32_t start = set->directory[run], end = set->directory[run + 1];
    if (start > end || end > set->count) return false;
    for (uint32_t i = start; i < end; i++) {
      struct verdict verdict = verdicts_at(set, i);
      uint64_t hash = verdict_hash(verdict.id);
      if (verdict.id == 0 || verdict.id > INT64_MAX || verdict.facts == 0 ||
          verdict.facts > FACT_ALL || verdict_run(set, hash) != run || (i > 0 && hash <= last))
        return false;
      last = hash;
      set->by_fact[__builtin_ctz(verdict.facts)]++;
    }
  }
  return true;
}

/* Sets `set` up from its header and the bytes at `*at`, which moves after it. */
static bool place_set(const struct set_header *header, const unsigned char *bytes, size_t size,
                      size_t *at, struct verdict_set *set) {
  size_t entries, directory;
  if (header->given > 1 || header->count > UINT32_MAX ||
      header->bits != verdicts_directory_bits(header->count) ||
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

/* Through a buffer: pages that are mapped for the sum would count as memory of this process. */
static bool sum_up(int descriptor, const char *path, uint64_t size, uint32_t *crc,
                   struct task *task, struct error *error) {
  char *buffer = malloc(SUM_SIZE);
  bool done = buffer != NULL;
  *crc = 0;
  if (!done) error_memory(error, "mapping %s", path);
  for (uint64_t at = 0; done && at < size; at += SUM_SIZE) {
    size_t now = size - at < SUM_SIZE ? (size_t)(size - at) : SUM_SIZE;
    int64_t got =
        is_cancelled(task, path, error) ? -1 : file_read(descriptor, buffer, now, at, path, error);
    done = got == (int64_t)now;
    if (done) *crc = checksum_crc32c(*crc, buffer, now);
    if (!done && got >= 0) damaged(path, "became shorter while it was read", error);
  }
  free(buffer);
  return done;
}

/* Reads the header of a whole and undamaged file. */
static bool read_header(int descriptor, const char *path, uint64_t size,
                        struct verdicts_header *header, struct task *task, struct error *error) {
  uint32_t crc, sum;
  int64_t got;
  if (size < sizeof *header + CHECK)
    return damaged(path, "is not a file of verdicts, or only the beginning of one", error);
  got = file_read(descriptor, header, sizeof *header, 0, path, error);
  if (got < 0) return false;
  if (got != (int64_t)sizeof *header || memcmp(header->magic, MAGIC_TEXT, MAGIC) != 0)
    return damaged(path, "is not a file of verdicts", error);
  if (header->order != ORDER || header->version != VERSION)
    return damaged(path, "is a file of verdicts of another version, or of another kind of machine",
                   error);
  if (!sum_up(descriptor, path, size - CHECK, &sum, task, error)) return false;
  got = file_read(descriptor, &crc, CHECK, size - CHECK, path, error);
  if (got < 0) return false;
  if (got != CHECK || crc != sum)
    return damaged(path, "its checksum is wrong: it was changed or truncated", error);
  return true;
}

/* Takes the set of one type out of the bytes of a whole file. */
static bool take_set(const struct verdicts_header *header, const unsigned char *bytes, size_t size,
                     enum verdicts_type type, struct verdict_set *set, struct task *task) {
  struct verdict_set sets[VERDICTS_TYPES];
  size_t at = sizeof *header;
  for (int i = 0; i < VERDICTS_TYPES; i++)
    if (!place_set(&header->sets[i], bytes, size - CHECK, &at, &sets[i])) return false;
  if (at != size - CHECK || !check_set(&sets[type], task)) return false;
  *set = sets[type];
  return true;
}

static bool map_open(int descriptor, const char *path, size_t size, enum verdicts_type type,
                     struct verdict_set *set, struct task *task, struct error *error) {
  struct verdicts_header header;
  void *mapped;
  if (!read_header(descriptor, path, size, &header, task, error)) return false;
  mapped = mmap(NULL, size, PROT_READ, MAP_SHARED, descriptor, 0);
  if (mapped == MAP_FAILED) {
    error_errno(error, "mapping", path);
    return false;
  }
  if (take_set(&header, mapped, size, type, set, task)) {
    set->mapped = mapped;
    set->mapped_size = size;
    return true;
  }
  munmap(mapped, size);
  return !is_cancelled(task, path, error) &&
         damaged(path, "its verdicts are not where they should be", error);
}

bool verdicts_map_set(struct verdict_set *set, enum verdicts_type type, const char *path,
                      struct task *task, struct error *error) {
  struct stat status;
  int descriptor = file_open(path, &status, error);
  bool done;
  if (descriptor < 0) return false;
  done = map_open(descriptor, path, (size_t)status.st_size, type, set, task, error);
  close(descriptor);
  return done;
}

bool verdicts_is_file(const char *path) {
  char start[MAGIC];
  struct error error;
  struct stat status;
  int descriptor;
  bool is;
  if (stat(path, &status) != 0 || !S_ISREG(status.st_mode)) return false;
  descriptor = file_open(path, NULL, &error);
  if (descriptor < 0) return false; /* reading it will say why */
  is = file_read(descriptor, start, MAGIC, 0, path, &error) == MAGIC &&
       memcmp(start, MAGIC_TEXT, MAGIC) == 0;
  close(descriptor);
  return is;
}
