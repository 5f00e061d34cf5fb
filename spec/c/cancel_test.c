/* cancel_test.c - work on long records and long lists checks its task for cancellation, and stops
 *
 * Each part is started with a task that is already cancelled: it must not do its work. The longest
 * are also cancelled in the middle.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "dataset/bytes/json_cut.h"
#include "dataset/bytes/writer.h"
#include "dataset/lists/id_set.h"
#include "dataset/redaction/batch.h"
#include "dataset/text/record.h"
#include "dataset/verdicts/verdicts_file.h"

/* Cancelled in the middle it must use less than a part of what the whole work uses. The whole takes
 * about 0.7 s here, so that is about 0.1 s; under sanitizers both take longer. */
enum { IDS = 3000000, PAGE = 300000, LATE = 20 /* milliseconds */, WHOLE = 7 };

static struct task task; /* only its cancellation matters */
static char folder[] = "/tmp/cancel_test.XXXXXX";

static void *cancel_late(void *argument) {
  const struct timespec late = {0, LATE * 1000000};
  nanosleep(&late, NULL);
  atomic_store(&task.cancelled, true);
  return argument;
}

/* Cancels the task a moment later. Returns the time of the call. */
static clock_t begin_late(pthread_t *thread) {
  atomic_store(&task.cancelled, false);
  if (pthread_create(thread, NULL, cancel_late, NULL) != 0) exit(1);
  return clock();
}

/* Processor time since then, in milliseconds. */
static long since(clock_t began) {
  return (clock() - began) * 1000 / CLOCKS_PER_SEC;
}

/* The processor time used, in milliseconds. */
static long end_late(pthread_t thread, clock_t began) {
  long used = since(began);
  pthread_join(thread, NULL);
  atomic_store(&task.cancelled, true);
  return used;
}

static struct verdicts_builder *fill(uint64_t count) {
  struct verdicts_builder *builder = verdicts_build();
  for (uint64_t i = 1; i <= count; i++) {
    struct verdict verdict = {i * 2654435761u % INT64_MAX + 1, 0, FACT_DELETED};
    if (!verdicts_add(builder, VERDICTS_TWEETS, &verdict)) exit(1);
  }
  return builder;
}

static void test_verdicts(void) {
  char path[64];
  struct error error;
  struct verdicts *verdicts = verdicts_finish(fill(IDS), NULL);
  struct verdict_set set;
  const uint32_t matter[VERDICTS_TYPES] = {FACT_DELETED, FACT_DELETED};
  pthread_t thread;
  clock_t began;
  snprintf(path, sizeof path, "%s/verdicts", folder);
  CHECK(!verdicts_finish(fill(IDS), &task));
  CHECK(!verdicts_finish(fill(10), &task));
  CHECK(!prefilter_new(verdicts, matter, &task));
  CHECK(!verdicts_save(verdicts, path, &task, &error) && error.code == ERROR_CANCELLED);
  CHECK(access(path, F_OK) != 0);
  CHECK(verdicts_save(verdicts, path, NULL, &error));
  CHECK(!verdicts_map_set(&set, VERDICTS_TWEETS, path, &task, &error) &&
        error.code == ERROR_CANCELLED);
  verdicts_release(verdicts);
  struct verdicts_builder *builder = fill(4 * IDS);
  long used;
  began = begin_late(&thread);
  CHECK(!verdicts_finish(builder, &task));
  used = end_late(thread, began);
  builder = fill(4 * IDS);
  began = clock();
  verdicts_release(verdicts_finish(builder, NULL));
  CHECK(used < since(began) / WHOLE);
  unlink(path);
}

/* A page of users, each with a tweet; with padding after it. */
static char *make_page(size_t *size) {
  char *text = malloc((size_t)PAGE * 100 + JSON_PADDING), *at = text;
  if (!text) exit(1);
  at += sprintf(at, "{\"data\":[{\"id\":\"0\"}");
  for (int i = 1; i <= PAGE; i++)
    at +=
        sprintf(at, ",{\"id\":\"%d\",\"username\":\"u\",\"status\":{\"id\":\"%d\",\"text\":\"\"}}",
                i, PAGE + i);
  at += sprintf(at, "]}");
  memset(at, 0, JSON_PADDING);
  *size = (size_t)(at - text);
  return text;
}

static void test_records(void) {
  struct error error;
  struct shapes *shapes = shapes_new(NULL, &error);
  struct verdicts *verdicts = verdicts_finish(fill(10), NULL);
  const uint32_t matter[VERDICTS_TYPES] = {FACT_DELETED, FACT_DELETED};
  const struct policy policy = {.remove = FACT_DELETED};
  struct prefilter *filter = prefilter_new(verdicts, matter, NULL);
  struct record *record = record_new(shapes, RECORD_ALL);
  struct judge *judge = judge_new(&policy, filter, shapes);
  struct reader_record text = {.line = 1};
  struct batch_rules rules = {
      .policy = &policy, .filter = filter, .shapes = shapes, .task = &task, .strict = true};
  struct batch *batch = batch_new(&rules);
  size_t size;
  char *page = make_page(&size);
  text.text = page;
  text.size = size;
  CHECK(record_walk(record, "x", &text, &error));
  record->task = &task;
  CHECK(!record_walk(record, "x", &text, &error) && error.code == ERROR_CANCELLED);
  CHECK(judge_record(judge, "x", &text, &error) == JUDGED_KEPT);
  judge->task = &task;
  CHECK(judge_record(judge, "x", &text, &error) == JUDGED_FAILED && error.code == ERROR_CANCELLED);
  batch_begin(batch, false);
  batch_json_lines(batch, "x", page, size, 0);
  CHECK(batch->failed && batch->error.code == ERROR_CANCELLED);
  CHECK(!json_cut_value(page, page + size, true, &task));
  CHECK(json_cut_value(page, page + size, true, NULL) == page + size);
  batch_free(batch);
  judge_free(judge);
  record_free(record);
  prefilter_free(filter);
  filter = prefilter_new(verdicts, matter, NULL);
  verdicts_release(verdicts);
  prefilter_free(filter);
  shapes_free(shapes);
  free(page);
}

static bool count_ids(void *context, const uint64_t *ids, size_t count, struct error *error) {
  (void)ids;
  (void)error;
  *(size_t *)context += count;
  return true;
}

/* Ids in a set of `memory` bytes, of which only `different` differ: cancelled before they are
 * finished, they are not given. */
static void test_ids(size_t memory, uint64_t different) {
  struct error error;
  char beside[64];
  struct id_set *set;
  size_t given = 0;
  bool done = true;
  snprintf(beside, sizeof beside, "%s/ids", folder);
  atomic_store(&task.cancelled, false);
  set = id_set_new(memory, beside, &task, &error);
  for (uint64_t i = 0; done && i < IDS; i++)
    done = id_set_add(set, i * 7919 % different + 1, &error);
  CHECK(done);
  atomic_store(&task.cancelled, true);
  CHECK(!id_set_finish(set, count_ids, &given, &error) && error.code == ERROR_CANCELLED);
  CHECK(given == 0);
  id_set_free(set);
}

static void test_sorting(void) {
  size_t count = 12 * (size_t)IDS;
  uint64_t *ids = malloc(count * sizeof *ids), *scratch = malloc(count * sizeof *ids);
  pthread_t thread;
  clock_t began;
  if (!ids || !scratch) exit(1);
  for (size_t i = 0; i < count; i++)
    ids[i] = i * 2654435761u % INT64_MAX + 1;
  memset(scratch, 0, count * sizeof *scratch);
  long used;
  began = begin_late(&thread);
  id_sort(ids, scratch, count, &task);
  used = end_late(thread, began);
  began = clock();
  id_sort(ids, scratch, count, NULL);
  CHECK(used < since(began) / WHOLE);
  free(ids);
  free(scratch);
}

static void test_writers(void) {
  static char text[1 << 20];
  static const char *const names[] = {"out", "out.gz", "out.zst"};
  struct iovec piece = {text, sizeof text};
  struct error error;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char path[64];
    size_t size;
    struct writer_options options = {.target = path, .task = &task};
    struct writer *writer;
    int descriptor = open("/proc/self/exe", O_RDONLY);
    snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    options.packing = packing_of_name(path, &size);
    writer = writer_open(&options, &error);
    CHECK(writer != NULL);
    for (size_t at = 0; at < sizeof text; at++)
      text[at] = (char)(at * at >> 8);
    CHECK(!writer_write(writer, &piece, 1, &error) && error.code == ERROR_CANCELLED);
    CHECK(i > 0 ||
          (!writer_copy(writer, descriptor, 1000, "x", &error) && error.code == ERROR_CANCELLED));
    writer_free(writer);
    close(descriptor);
  }
}

int main(void) {
  if (!mkdtemp(folder)) return 1;
  atomic_init(&task.cancelled, true);
  test_verdicts();
  test_records();
  test_ids(1 << 20, IDS);
  test_ids(1 << 26, IDS);
  test_ids(1 << 26, 1);
  test_sorting();
  test_writers();
  CHECK(rmdir(folder) == 0); /* nothing is left */
  return check_end();
}
