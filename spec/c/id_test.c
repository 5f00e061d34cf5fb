/* id_test.c - ids to text and back; sorting, within memory and beyond it */
#include <stdlib.h>

#include "check.h"
#include "dataset/lists/id_set.h"
#include "dataset/text/id.h"

static uint64_t state = 7;

static uint64_t draw(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return state >> 20 ^ state << 20;
}

static uint64_t parse(const char *text) {
  return id_parse(text, strlen(text));
}

static void test_parsing(void) {
  CHECK(parse("1") == 1);
  CHECK(parse("12345678") == 12345678);
  CHECK(parse("1265324480517361664") == 1265324480517361664u);
  CHECK(parse("9223372036854775807") == INT64_MAX);
  CHECK(parse("9223372036854775808") == 0);
  CHECK(parse("9999999999999999999") == 0);
  CHECK(parse("12345678901234567890") == 0);
  CHECK(parse("") == 0 && parse("0") == 0 && parse("01") == 0 && parse("-1") == 0);
  CHECK(parse("1.26E+18") == 0 && parse("12a") == 0 && parse(" 1") == 0 && parse("1 ") == 0);
  CHECK(parse("1234567\xff") == 0 && parse("12345678\x80") == 0 && parse("1234567:") == 0 &&
        parse("1234567/") == 0);
}

static void test_round_trip(void) {
  bool right = true;
  for (int i = 0; i < 200000; i++) {
    char text[ID_FORMAT_ROOM], expected[32], read[ID_READ_ROOM + 8] = {0};
    uint64_t id = draw() >> draw() % 63 & INT64_MAX, back;
    size_t size;
    if (id == 0) continue;
    size = id_format(id, text);
    snprintf(expected, sizeof expected, "%llu", (unsigned long long)id);
    memcpy(read, text, size);
    read[size] = "\n,\"x"[i % 4];
    right = right && size == strlen(expected) && memcmp(text, expected, size) == 0 &&
            id_parse(text, size) == id && id_read(read, &back) == size && back == id;
  }
  CHECK(right);
}

static void check_complaint(const char *expected, const char *text) {
  char complaint[ID_COMPLAINT];
  id_complain(text, strlen(text), complaint);
  CHECK(strstr(complaint, expected) != NULL);
}

static void test_complaints(void) {
  check_complaint("\"1.26532E+18\" is a number that a spreadsheet has rounded", "1.26532E+18");
  check_complaint("a spreadsheet has rounded", "1,26532E+18");
  check_complaint("a spreadsheet has rounded", "1265324480517361700.0");
  check_complaint("too large", "9223372036854775808");
  check_complaint("too large", "12345678901234567890");
  check_complaint("begins with a zero", "007");
  check_complaint("is empty", "");
  check_complaint("is not an id", "abc");
  check_complaint("\"a?b\" is not an id", "a\x1b"
                                          "b");
  check_complaint("...\" is not an id",
                  "a very long text that is not an id, and continues on and on");
}

static int by_size(const void *one, const void *other) {
  uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;
  return (a > b) - (a < b);
}

/* The expected result of sorting, by the library's qsort. */
static size_t sort_plainly(uint64_t *ids, size_t count) {
  size_t kept = 0;
  qsort(ids, count, sizeof *ids, by_size);
  for (size_t i = 0; i < count; i++)
    if (i == 0 || ids[i] != ids[i - 1]) ids[kept++] = ids[i];
  return kept;
}

enum shape { SNOWFLAKES, USERS, MIXED, FEW, SAME, ASCENDING, SHAPES };

static void fill(uint64_t *ids, size_t count, enum shape shape) {
  for (size_t i = 0; i < count; i++) {
    uint64_t random = draw();
    switch (shape) {
    case SNOWFLAKES: ids[i] = 1000000000000000000u + random % 800000000000000000u; break;
    case USERS: ids[i] = 1 + random % 3000000000u; break;
    case MIXED:
      ids[i] = random % 3 ? 1 + random % 100000 : 1000000000000000000u + random % 1000000000u;
      break;
    case FEW: ids[i] = 1 + random % 100; break;
    case SAME: ids[i] = 1265324480517361664u; break;
    default: ids[i] = i / 2 + 1; break;
    }
  }
}

static void test_sorting(void) {
  static const size_t counts[] = {0, 1, 2, 48, 49, 1000, 65536, 65537, 300000};
  uint64_t *ids = calloc(300000, sizeof *ids), *scratch = calloc(300000, sizeof *ids),
           *expected = calloc(300000, sizeof *ids);
  for (size_t c = 0; ids && scratch && expected && c < sizeof counts / sizeof *counts; c++)
    for (int shape = 0; shape < SHAPES; shape++) {
      size_t count = counts[c], kept;
      fill(ids, count, (enum shape)shape);
      memcpy(expected, ids, count * sizeof *ids);
      kept = sort_plainly(expected, count);
      CHECK(id_sort(ids, scratch, count, NULL) == kept &&
            memcmp(ids, expected, kept * sizeof *ids) == 0);
    }
  free(ids);
  free(scratch);
  free(expected);
}

struct taken {
  uint64_t *ids;
  size_t count;
};

static bool take(void *context, const uint64_t *ids, size_t count, struct error *error) {
  struct taken *taken = context;
  (void)error;
  memcpy(taken->ids + taken->count, ids, count * sizeof *ids);
  taken->count += count;
  return true;
}

/* A set in little memory, so that many runs are merged. */
static void test_set(size_t memory, size_t count, enum shape shape) {
  struct error error = {0};
  struct id_set *set = id_set_new(memory, "build/id_test.ids", NULL, &error);
  struct taken taken = {calloc(count + 1, sizeof(uint64_t)), 0};
  uint64_t *expected = calloc(count + 1, sizeof *expected);
  bool added = true;
  size_t kept;
  fill(expected, count, shape);
  for (size_t i = 0; i < count; i++)
    added = added && id_set_add(set, expected[i], &error);
  kept = sort_plainly(expected, count);
  CHECK(added && id_set_finish(set, take, &taken, &error));
  CHECK(taken.count == kept && memcmp(taken.ids, expected, kept * sizeof *expected) == 0);
  id_set_free(set);
  free(expected);
  free(taken.ids);
}

static void test_sets(void) {
  for (int shape = 0; shape < SHAPES; shape++) {
    test_set(1 << 16, 0, (enum shape)shape);
    test_set(1 << 16, 4096, (enum shape)shape);
    test_set(1 << 16, 4097, (enum shape)shape);
    test_set(1 << 16, 100000, (enum shape)shape);
    test_set(1 << 20, 200000, (enum shape)shape);
  }
}

/* More ids than this little memory can merge is an error, not a wrong result. */
static void test_too_many(void) {
  struct error error = {0};
  struct id_set *set = id_set_new(1 << 14, "build/id_test.ids", NULL, &error);
  bool added = true;
  for (uint64_t id = 1; id < 100000 && added; id++)
    added = id_set_add(set, id, &error);
  CHECK(!added && error.code == ERROR_USAGE && strstr(error.message, "memory limit"));
  id_set_free(set);
}

int main(void) {
  test_parsing();
  test_round_trip();
  test_complaints();
  test_sorting();
  test_sets();
  test_too_many();
  return check_end();
}
