/* verdicts_test.c - what was added is found, and nothing else; the order of rows makes no
 * difference; a file is unchanged, or refused
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "map_verdicts.h"

static uint64_t state = 88172645463325252u;

static uint64_t random_number(void) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

struct expected {
  uint64_t id;
  uint32_t facts, redacted_at;
};

static int by_id(const void *one, const void *other) {
  const struct expected *a = one, *b = other;
  return a->id < b->id ? -1 : a->id > b->id;
}

static struct verdicts *build(const struct expected *rows, size_t count, bool backwards) {
  struct verdicts_builder *builder = verdicts_build();
  for (size_t i = 0; i < count; i++) {
    const struct expected *row = &rows[backwards ? count - 1 - i : i];
    struct verdict verdict = {row->id, row->redacted_at, row->facts};
    if (!verdicts_add(builder, VERDICTS_TWEETS, &verdict)) exit(1);
  }
  return verdicts_finish(builder, NULL);
}

/* Merges rows of one id; the array is sorted by id before. */
static size_t merge(struct expected *rows, size_t count) {
  size_t kept = 0;
  qsort(rows, count, sizeof *rows, by_id);
  for (size_t i = 0; i < count; i++) {
    struct expected *last = kept > 0 ? &rows[kept - 1] : NULL;
    if (last && last->id == rows[i].id) {
      last->facts |= rows[i].facts;
      if (rows[i].redacted_at && (!last->redacted_at || rows[i].redacted_at < last->redacted_at))
        last->redacted_at = rows[i].redacted_at;
    } else {
      rows[kept++] = rows[i];
    }
  }
  return kept;
}

static bool is_as_expected(const struct verdicts *verdicts, const struct expected *rows,
                           size_t count) {
  const struct verdict_set *set = &verdicts->sets[VERDICTS_TWEETS];
  struct verdict found;
  bool right = set->count == count;
  for (size_t i = 0; right && i < count; i++) {
    right = verdicts_find(set, rows[i].id, &found) && found.id == rows[i].id &&
            found.facts == rows[i].facts && found.redacted_at == rows[i].redacted_at;
    if (i + 1 < count && rows[i].id + 1 < rows[i + 1].id)
      right = right && !verdicts_find(set, rows[i].id + 1, &found);
  }
  return right && !verdicts_find(&verdicts->sets[VERDICTS_USERS], rows[0].id, &found);
}

static char path[] = "/tmp/verdicts_test.XXXXXX", other_path[] = "/tmp/verdicts_test.XXXXXX";

static bool same_files(void) {
  char command[128];
  snprintf(command, sizeof command, "cmp -s %s %s", path, other_path);
  return system(command) == 0;
}

/* `spread`: how many different ids there are, about. */
static void test_size(size_t count, uint64_t spread) {
  struct expected *rows = calloc(count + 1, sizeof *rows);
  struct verdicts *verdicts, *backwards, *mapped;
  struct error error;
  size_t distinct;
  if (!rows) exit(1);
  for (size_t i = 0; i < count; i++)
    rows[i] = (struct expected){random_number() % spread + 1, 1u << random_number() % FACT_KINDS,
                                random_number() % 3 ? (uint32_t)random_number() : 0};
  verdicts = build(rows, count, false);
  backwards = build(rows, count, true);
  distinct = merge(rows, count);
  CHECK(verdicts && is_as_expected(verdicts, rows, distinct));
  CHECK(verdicts_save(verdicts, path, NULL, &error) &&
        verdicts_save(backwards, other_path, NULL, &error));
  CHECK(same_files());
  mapped = map_verdicts(path, &error);
  CHECK(mapped && is_as_expected(mapped, rows, distinct));
  verdicts_release(verdicts);
  verdicts_release(backwards);
  verdicts_release(mapped);
  free(rows);
}

/* A changed byte, and an end that comes too early. */
static void test_damage(void) {
  struct expected rows[300];
  struct verdicts *verdicts, *mapped;
  struct error error;
  struct stat status;
  int descriptor;
  for (size_t i = 0; i < 300; i++)
    rows[i] = (struct expected){random_number() >> 1, FACT_DELETED, 0};
  verdicts = build(rows, 300, false);
  CHECK(verdicts_save(verdicts, path, NULL, &error));
  verdicts_release(verdicts);
  descriptor = open(path, O_RDWR);
  CHECK(descriptor >= 0 && fstat(descriptor, &status) == 0);
  for (off_t at = 0; at < status.st_size; at += 7) {
    unsigned char byte, changed;
    if (pread(descriptor, &byte, 1, at) != 1) exit(1);
    changed = byte ^ 0x10;
    if (pwrite(descriptor, &changed, 1, at) != 1) exit(1);
    mapped = map_verdicts(path, &error);
    if (mapped) FAIL("a damaged file is refused");
    verdicts_release(mapped);
    if (pwrite(descriptor, &byte, 1, at) != 1) exit(1);
  }
  mapped = map_verdicts(path, &error);
  CHECK(mapped != NULL);
  verdicts_release(mapped);
  for (off_t size = status.st_size - 1; size > 0; size /= 2) {
    if (ftruncate(descriptor, size) != 0) exit(1);
    CHECK(map_verdicts(path, &error) == NULL && error.code == ERROR_DATA);
  }
  close(descriptor);
}

int main(void) {
  close(mkstemp(path));
  close(mkstemp(other_path));
  test_size(1, 1);
  test_size(2, 1);
  test_size(10, 3);
  for (size_t count = 16; count < 200000; count = count * 3 + 1) {
    test_size(count, UINT64_MAX >> 1);
    test_size(count, count / 2);
  }
  test_size(50000, 1); /* all rows about one id */
  test_damage();
  unlink(path);
  unlink(other_path);
  return check_end();
}
