/* redact_test.c - if memory runs out anywhere while results are loaded, in a redaction or in a
 * list, that is an error: no crash, no leak, no output under its final name, no file left
 *
 * The n-th allocation of the whole process fails, for every n.
 */
#include <dirent.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "check.h"
#include "dataset/redaction/redact.h"
#include "dataset/verdicts/verdicts_export.h"
#include "dataset/verdicts/verdicts_load.h"
#include "scarce.h"

static char folder[] = "/tmp/redact_test.XXXXXX";

static const char *in_folder(const char *name) {
  static char paths[8][128];
  static unsigned next;
  char *path = paths[next++ % 8];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

static void write_file(const char *name, const void *bytes, size_t size) {
  FILE *file = fopen(in_folder(name), "wb");
  if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) exit(1);
}

/* A folder with one file for each way of reading and writing, and results. */
static void write_inputs(void) {
  static const char table[] = "id,text,geo\n3,\"a\nb\",x\n13,c,\n19,d,e\n";
  static const char array[] = "[{\"id\":\"1\",\"text\":\"\"},\n{\"id\":\"13\",\"text\":\"\"}]\n";
  static const char results[] = "{\"id\":\"13\",\"action\":\"delete\",\"reason\":\"deleted\"}\n"
                                "{\"id\":\"17\",\"action\":\"delete\",\"reason\":\"suspended\"}\n"
                                "{ \"id\":\"19\",\"action\":\"scrub_geo\"}\n"
                                "{\"id\":\"5\",\"action\":\"rehydrate\"}\n";
  static char text[1 << 18], packed[1 << 18];
  size_t size = 0;
  for (int i = 0; i < 300; i++)
    size += (size_t)sprintf(
        text + size,
        "{\"data\":[{\"id\":\"%d\",\"text\":\"\",\"attachments\":{\"media_keys\":[\"3_%d\"]}},"
        "{\"id\":\"13\",\"text\":\"\",\"attachments\":{\"media_keys\":[\"4_%d\"]}}],"
        "\"includes\":{\"media\":[{\"media_key\":\"3_%d\"},{\"media_key\":\"4_%d\"}]}}\n",
        i + 1, i, i, i, i);
  size += (size_t)sprintf(text + size,
                          "{\"id\":\"13\",\"text\":\"\"}\n{\"id\":\"17\",\"text\":\"\"}\n");
  mkdir(in_folder("in"), 0700);
  write_file("in/0.csv", "id,text\n5,a\n", 12); /* the first, so that it makes the room to list 5 */
  write_file("in/a.jsonl", text, size);
  size = ZSTD_compress(packed, sizeof packed, text, size, 1);
  write_file("in/b.jsonl.zst", packed, size);
  write_file("in/c.csv", table, sizeof table - 1);
  write_file("in/d.json", array, sizeof array - 1);
  write_file("in/e.txt", "6\n13\n5\n", 7);
  write_file("in/README.md", "?", 1);
  write_file("results", results, sizeof results - 1);
}

static void remove_outputs(void) {
  char command[256];
  snprintf(command, sizeof command, "cd %s && rm -rf out kept ids saved list .[a-z]*", folder);
  if (system(command) != 0) exit(1);
}

/* Waits for a task and returns the code of its error. */
static enum error_code end(struct task *task) {
  task_wait(task, HUGE_VAL);
  return task->error.code;
}

static enum error_code load(struct verdicts **verdicts) {
  const char *results[] = {in_folder("results"), in_folder("results"), NULL};
  struct verdicts_options options = {.tweets = results};
  struct error error = {0};
  struct task *task = verdicts_start(&options, &error);
  enum error_code code = task ? end(task) : error.code;
  *verdicts = code == ERROR_NONE ? verdicts_retain(verdicts_loaded(task)) : NULL;
  if (task) task_free(task);
  return code;
}

static enum error_code redact(struct verdicts *verdicts, unsigned jobs, bool *right) {
  const char *inputs[] = {in_folder("in"), NULL};
  struct redact_options options = {
      .verdicts = verdicts,
      .inputs = inputs,
      .output = in_folder("out"),
      .quarantine = in_folder("kept"),
      .rehydrate = in_folder("ids"),
      .policy = {.remove = FACT_DELETED,
                 .quarantine = FACT_SUSPENDED,
                 .scrub = FACT_SCRUB_GEO,
                 .rehydrate = FACT_REHYDRATE},
      .jobs = jobs,
  };
  struct error error = {0};
  struct task *task = redact_start(&options, &error);
  enum error_code code = task ? end(task) : error.code;
  if (code == ERROR_NONE) {
    const struct batch_counts *counts = &redact_report(task)->counts;
    *right = counts->records == 613 && counts->changed == 597 && counts->dropped == 7 &&
             counts->quarantined == 4 && counts->kept == 5;
  }
  if (task) task_free(task);
  return code;
}

/* More than one piece of a file, so that threads share it. */
static void write_more_inputs(void) {
  FILE *file = fopen(in_folder("in/f.jsonl"), "wb");
  for (int i = 0; file && i < 60000; i++)
    fprintf(file,
            "{\"id\":\"%d\",\"text\":\"some words to make it longer than a line has to be\"}\n",
            i % 97 + 1);
  if (!file || fclose(file) != 0) exit(1);
}

static bool same_as(const char *name) {
  char command[256];
  snprintf(command, sizeof command,
           "cd %s && if [ -e %s ]; then diff -r out %s; else mv out %s; fi", folder, name, name,
           name);
  return system(command) == 0;
}

static void test_threads(void) {
  struct verdicts *verdicts;
  bool right;
  CHECK(load(&verdicts) == ERROR_NONE);
  write_more_inputs();
  for (unsigned jobs = 1; jobs <= 5; jobs++) {
    CHECK(redact(verdicts, jobs, &right) == ERROR_NONE);
    CHECK(same_as("expected"));
    remove_outputs();
  }
  verdicts_release(verdicts);
}

#if SCARCE

/* The names in the folder, which must be only inputs. */
static bool holds_only_inputs(void) {
  DIR *directory = opendir(folder);
  struct dirent *entry;
  bool only = true;
  while (directory && (entry = readdir(directory)))
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
        strcmp(entry->d_name, "in") != 0 && strcmp(entry->d_name, "results") != 0)
      only = false;
  if (directory) closedir(directory);
  return only;
}

static enum error_code save(struct verdicts *verdicts) {
  struct error error = {0};
  struct task *task = verdicts_save_start(verdicts, in_folder("saved"), &error);
  enum error_code code = task ? end(task) : error.code;
  if (task) task_free(task);
  return code;
}

static enum error_code list(struct verdicts *verdicts) {
  struct verdicts_export_options options = {
      .verdicts = verdicts, .type = VERDICTS_TWEETS, .output = in_folder("list")};
  struct error error = {0};
  struct task *task = verdicts_export_start(&options, &error);
  enum error_code code = task ? end(task) : error.code;
  if (task) task_free(task);
  return code;
}

/* The whole run; `right`: what succeeded is correct. */
static enum error_code run(bool *right) {
  struct verdicts *verdicts;
  enum error_code code = load(&verdicts);
  *right = true;
  if (code != ERROR_NONE) return code;
  code = redact(verdicts, 1, right);
  if (code == ERROR_NONE) code = save(verdicts);
  if (code == ERROR_NONE) code = list(verdicts);
  verdicts_release(verdicts);
  return code;
}

static void test_every_allocation(void) {
  bool right;
  long count, before, failures = 0;
  CHECK(run(&right) == ERROR_NONE && right); /* also warms up what libraries keep */
  remove_outputs();
  run(&right);
  remove_outputs();
  before = atomic_load(&scarce_blocks);
  scarce_begin(-1);
  run(&right);
  count = atomic_load(&scarce_allocations);
  remove_outputs();
  CHECK(count > 100 && atomic_load(&scarce_blocks) == before);
  for (long i = 0; i < count; i++) {
    enum error_code code;
    bool published;
    scarce_begin(i);
    code = run(&right);
    scarce_begin(-1);
    failures += code != ERROR_NONE;
    /* files that have been renamed stay; the quarantine is the first */
    published = access(in_folder("kept"), F_OK) == 0;
    if (!CHECK(code == ERROR_NONE || code == ERROR_MEMORY || code == ERROR_IO) || !CHECK(right) ||
        !CHECK(code == ERROR_NONE || published || holds_only_inputs()) ||
        !CHECK(atomic_load(&scarce_blocks) == before))
      printf("  at allocation %ld of %ld: code %d, %ld blocks more\n", i, count, code,
             atomic_load(&scarce_blocks) - before);
    remove_outputs();
  }
  CHECK(failures > count / 2);
}

static atomic_uint threads_started;

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *),
                   void *argument) {
  static int (*start)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
  void *found = start ? NULL : dlsym(RTLD_NEXT, "pthread_create");
  if (found) memcpy(&start, &found, sizeof found);
  atomic_fetch_add(&threads_started, 1);
  return start(thread, attributes, body, argument);
}

/* A task is a thread, and no more than `jobs` work on plain files. */
static void test_thread_count(void) {
  const char *inputs[] = {in_folder("in/f.jsonl"), NULL};
  struct verdicts *verdicts;
  CHECK(load(&verdicts) == ERROR_NONE);
  for (unsigned jobs = 1; jobs <= 4; jobs++) {
    struct redact_options options = {.verdicts = verdicts,
                                     .inputs = inputs,
                                     .output = in_folder("out"),
                                     .policy = {.remove = FACT_DELETED | FACT_SUSPENDED},
                                     .jobs = jobs};
    struct error error = {0};
    struct task *task;
    atomic_store(&threads_started, 0);
    task = redact_start(&options, &error);
    CHECK(task && end(task) == ERROR_NONE);
    CHECK(atomic_load(&threads_started) == jobs);
    if (task) task_free(task);
    remove_outputs();
  }
  verdicts_release(verdicts);
}

#endif

int main(void) {
  char command[64];
  if (!mkdtemp(folder)) return 1;
  write_inputs();
#if SCARCE
  test_every_allocation();
#endif
  test_threads();
#if SCARCE
  test_thread_count();
#endif
  snprintf(command, sizeof command, "rm -r %s", folder);
  if (system(command) != 0) return 1;
  return check_end();
}
