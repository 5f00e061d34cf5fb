/* results_jobs_test.c - for any number of threads, the rows come in the file's order, and the
 * counts, the message about the first odd row, and the first error are the same
 */
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "dataset/verdicts/results.h"

enum { ROWS = 120000 }; /* more than one thread reads */

static char path[] = "/tmp/results_jobs_test.XXXXXX";

/* Row `bad` is invalid; row `odd`, and hundreds after it, have unknown actions; 0: none. */
static void write_rows(int bad, int odd) {
  FILE *file = fopen(path, "wb");
  if (!file) exit(1);
  for (int i = 1; i <= ROWS; i++) {
    bool is_odd = odd && i >= odd && (i - odd) % 100 == 0;
    if (i == bad)
      fputs("{\"id\":\"x\",\"action\":\"delete\",\"reason\":\"deleted\"}", file);
    else
      fprintf(file,
              "{\"id\":\"%d\",\"action\":\"%s%d\",\"created_at\":\"2020-01-01T00:00:00.000Z\","
              "\"reason\":\"deleted\"}",
              i, is_odd ? "vanish" : "delete\",\"share\":\"", i);
    fputs(i % 999 ? "\n" : "\r\n\n \t\n", file);
  }
  if (fclose(file) != 0) exit(1);
}

struct outcome {
  struct results_counts counts;
  struct error error;
  bool done, in_order;
  uint64_t taken, most;
};

static bool take(void *context, const struct results_row *row, struct error *error) {
  struct outcome *outcome = context;
  outcome->in_order = outcome->in_order && row->id == ++outcome->taken;
  if (outcome->most == 0 || outcome->taken < outcome->most) return true;
  error_set(error, ERROR_MEMORY, "enough");
  return false;
}

static struct outcome read_with(unsigned jobs, uint64_t most) {
  struct outcome outcome = {.in_order = true, .most = most};
  struct results_options options = {.take = take, .context = &outcome, .jobs = jobs};
  outcome.done = results_read(path, &options, &outcome.counts, &outcome.error);
  return outcome;
}

static const unsigned jobs[] = {1, 2, 7, 0};

static void test_whole(void) {
  write_rows(0, 0);
  for (int i = 0; i < 4; i++) {
    struct outcome outcome = read_with(jobs[i], 0);
    CHECK(outcome.done && outcome.in_order && outcome.taken == ROWS);
    CHECK(outcome.counts.rows == ROWS && outcome.counts.zulu == ROWS);
    CHECK(outcome.counts.unknown == 0 && outcome.counts.unknown_text[0] == '\0');
    CHECK(outcome.counts.bytes > 8 << 20);
  }
}

static void test_odd(void) {
  write_rows(0, 70001);
  for (int i = 0; i < 4; i++) {
    struct outcome outcome = read_with(jobs[i], 0);
    CHECK(outcome.done && outcome.in_order && outcome.taken == ROWS);
    CHECK(outcome.counts.unknown == 500);
    CHECK(strstr(outcome.counts.unknown_text, "line 70141: action \"vanish70001\"") != NULL);
  }
}

static void test_bad(void) {
  write_rows(70001, 80001);
  for (int i = 0; i < 4; i++) {
    struct outcome outcome = read_with(jobs[i], 0);
    CHECK(!outcome.done && outcome.error.code == ERROR_DATA);
    CHECK(strstr(outcome.error.message, "line 70141, byte ") != NULL);
    CHECK(outcome.in_order && outcome.taken == 70000);
    CHECK(outcome.counts.rows == 70000 && outcome.counts.unknown == 0);
  }
}

/* The callback may stop; it is not called after that. */
static void test_stopped(void) {
  write_rows(0, 0);
  for (int i = 0; i < 4; i++) {
    struct outcome outcome = read_with(jobs[i], 50000);
    CHECK(!outcome.done && outcome.taken == 50000 && outcome.in_order);
    CHECK_TEXT("enough", outcome.error.message);
  }
}

/* No row is this long: it is not read into memory to its end. */
static void test_endless(void) {
  FILE *file = fopen(path, "wb");
  if (!file) exit(1);
  fputs("{\"id\":\"1\",\"action\":\"delete\",\"reason\":\"deleted\"}\n", file);
  for (int i = 0; i < 100 << 10; i++)
    fprintf(file, "%01023d ", 0);
  if (fclose(file) != 0) exit(1);
  for (int i = 0; i < 4; i++) {
    struct outcome outcome = read_with(jobs[i], 0);
    CHECK(!outcome.done && outcome.error.code == ERROR_DATA && outcome.taken == 1);
    CHECK(strstr(outcome.error.message, "line 2, byte 48: a record is longer than 1 MiB") != NULL);
  }
}

int main(void) {
  int file = mkstemp(path);
  if (file < 0 || close(file) != 0) return 1;
  test_whole();
  test_odd();
  test_bad();
  test_stopped();
  test_endless();
  unlink(path);
  return check_end();
}
