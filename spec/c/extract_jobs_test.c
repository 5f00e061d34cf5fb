/* extract_jobs_test.c - the ids, the counts, the first error and the list of skipped records are
 * the same for any number of threads
 */
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "dataset/extraction/extract.h"

enum { LINES = 90000, ROOM = 1 << 20 };

static char folder[] = "/tmp/extract_jobs_test.XXXXXX";
static char input[64], output[64], list[96];
static char parts[64]; /* a folder of small files, which threads take; else the input is one file */

/* More than one thread reads. Every `bad`th line is malformed; 0: none. */
static void write_input(int bad) {
  FILE *file = fopen(input, "wb");
  if (!file) exit(1);
  for (int i = 1; i <= LINES; i++) {
    if (bad && i % bad == 0) {
      fprintf(file, i % 2 ? "{\"id\":\"%d\",\"text\":\"x}\n" : "{\"id\":\"0%d\",\"text\":\"x\"}\n",
              i);
    } else {
      fprintf(file, "{\"id\":\"%d\",\"text\":\"%0*d\",\"author_id\":\"%d\"}\n",
              1 + (i * 7919) % 70000, (i % 5000 ? 60 : 300000) + i % 50, i, 1 + i % 100);
    }
    if (i % 1000 == 0) fputs("  \r\n\n", file);
  }
  if (fclose(file) != 0) exit(1);
}

/* The lines of the input in 23 files, in that order. */
static void split_input(void) {
  char command[256];
  snprintf(command, sizeof command,
           "cd %s && mkdir parts && split -n l/23 --additional-suffix=.jsonl input.jsonl parts/",
           folder);
  if (system(command) != 0) exit(1);
  snprintf(parts, sizeof parts, "%s/parts", folder);
}

static void clear_parts(void) {
  char command[96];
  snprintf(command, sizeof command, "rm -r %s", parts);
  CHECK(system(command) == 0);
}

static char *read_all(const char *path) {
  char *text = calloc(1, ROOM);
  FILE *file = fopen(path, "rb");
  if (!text) exit(1);
  if (file) {
    if (fread(text, 1, ROOM - 1, file) == ROOM - 1) exit(1);
    fclose(file);
  }
  return text;
}

struct outcome {
  struct error error;
  struct extract_counts counts;
  char *ids, *malformed;
};

static struct outcome extract(unsigned jobs, enum extract_malformed on_malformed) {
  const char *paths[] = {*parts ? parts : input, NULL};
  struct extract_options options = {.type = EXTRACT_TWEETS,
                                    .inputs = paths,
                                    .output = output,
                                    .memory = 1 << 24,
                                    .jobs = jobs,
                                    .on_malformed = on_malformed};
  struct outcome outcome = {0};
  struct task *task = extract_start(&options, &outcome.error);
  if (!task) exit(1);
  task_wait(task, HUGE_VAL);
  outcome.error = task->error;
  outcome.counts = *extract_counts(task);
  task_free(task);
  outcome.ids = read_all(output);
  outcome.malformed = read_all(list);
  unlink(output);
  unlink(list);
  return outcome;
}

static void check_same(const char *what, enum extract_malformed on_malformed) {
  struct outcome one = extract(1, on_malformed);
  for (unsigned jobs = 2; jobs <= 5; jobs++) {
    struct outcome many = extract(jobs, on_malformed);
    CHECK_TEXT(one.error.message, many.error.message);
    CHECK(strcmp(one.ids, many.ids) == 0 && strcmp(one.malformed, many.malformed) == 0);
    if (one.error.code == ERROR_NONE)
      CHECK(memcmp(&one.counts, &many.counts, sizeof one.counts) == 0);
    free(many.ids);
    free(many.malformed);
  }
  printf("%s: %llu ids, %llu malformed\n", what, (unsigned long long)one.counts.ids,
         (unsigned long long)one.counts.classes.malformed);
  free(one.ids);
  free(one.malformed);
}

/* The counts are those of the simplest implementation. */
static void test_counts(void) {
  struct outcome outcome;
  write_input(0);
  outcome = extract(4, EXTRACT_STOP);
  CHECK(outcome.error.code == ERROR_NONE && outcome.counts.records == LINES);
  CHECK(outcome.counts.ids_seen == LINES && outcome.counts.ids == 70000);
  free(outcome.ids);
  free(outcome.malformed);
}

/* Most threads find nothing left to do. */
static void test_short_pipe(void) {
  char path[64];
  const char *paths[] = {path, NULL};
  struct extract_options options = {
      .type = EXTRACT_TWEETS, .inputs = paths, .output = output, .jobs = 8, .memory = 1 << 24};
  for (int i = 0; i < 200; i++) {
    static const char text[] = "{\"id\":\"1\",\"text\":\"\"}\n";
    struct error error;
    struct task *task;
    int ends[2];
    if (pipe(ends) != 0 || write(ends[1], text, sizeof text - 1) < 0) exit(1);
    close(ends[1]);
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
    if (!(task = extract_start(&options, &error))) exit(1);
    task_wait(task, HUGE_VAL);
    CHECK(task->error.code == ERROR_NONE && extract_counts(task)->ids == 1);
    task_free(task);
    close(ends[0]);
  }
  unlink(output);
}

static void test_cancelling(void) {
  const char *paths[] = {input, input, input, input, input, input, input, input, NULL};
  struct extract_options options = {
      .type = EXTRACT_TWEETS, .inputs = paths, .output = output, .jobs = 3, .memory = 1 << 24};
  for (int i = 0; i < 10; i++) {
    struct error error;
    struct task *task = extract_start(&options, &error);
    if (!task) exit(1);
    usleep((useconds_t)(i * 3000));
    task_free(task);
    CHECK(access(output, F_OK) != 0 || i > 5);
    unlink(output);
  }
}

int main(void) {
  if (!mkdtemp(folder)) return 1;
  snprintf(input, sizeof input, "%s/input.jsonl", folder);
  snprintf(output, sizeof output, "%s/out.ids", folder);
  snprintf(list, sizeof list, "%s.malformed", output);
  test_short_pipe();
  test_counts();
  check_same("whole", EXTRACT_STOP);
  test_cancelling();
  write_input(997);
  check_same("the first error", EXTRACT_STOP);
  check_same("some malformed", EXTRACT_SKIP);
  write_input(40);
  check_same("many malformed", EXTRACT_SKIP);
  split_input();
  check_same("the first error of several files", EXTRACT_STOP);
  check_same("many malformed in several files", EXTRACT_SKIP);
  unlink(input);
  clear_parts();
  rmdir(folder);
  return check_end();
}
