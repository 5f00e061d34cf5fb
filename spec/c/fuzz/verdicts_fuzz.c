/* verdicts_fuzz.c - any file as a file of verdicts: refused, or safe to use
 *
 * The checksum, which protects against accidents and not against attackers, is corrected first.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "checksum.h"
#include "../map_verdicts.h"

static int file = -1;
static char path[64];

static void write_file(const uint8_t *data, size_t size) {
  uint32_t crc = checksum_crc32c(0, data, size);
  if (file < 0) {
    file = memfd_create("verdicts", 0);
    if (file < 0) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  }
  if (ftruncate(file, 0) != 0 || pwrite(file, data, size, 0) != (ssize_t)size ||
      pwrite(file, &crc, sizeof crc, (off_t)size) != sizeof crc)
    abort();
}

static void ask(const struct verdict_set *set) {
  uint64_t ids = 0;
  for (uint64_t i = 0; i < set->count; i++) {
    struct verdict verdict = verdicts_at(set, i), found;
    if (!verdicts_find(set, verdict.id, &found) || found.facts != verdict.facts) abort();
    verdicts_find(set, verdict.id + 1, &found);
    verdicts_find(set, ~verdict.id, &found);
  }
  for (int fact = 0; fact < FACT_KINDS; fact++)
    ids += set->by_fact[fact];
  if (ids != set->count) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct verdicts *verdicts;
  struct error error;
  write_file(data, size);
  verdicts = map_verdicts(path, &error);
  if (!verdicts) return 0;
  for (int type = 0; type < VERDICTS_TYPES; type++)
    ask(&verdicts->sets[type]);
  verdicts_release(verdicts);
  return 0;
}
