/* extract_test.c - if memory runs out anywhere in an extraction, that is an error: no crash, no
 * leak, no output under its final name, no file left
 *
 * The n-th allocation of the whole process fails, for every n; mappings count as well. All blocks
 * are counted, so that a leak shows. The sanitizers have their own malloc, so the test does nothing
 * under them.
 */
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "check.h"
#include "dataset/extraction/extract.h"
#include "dataset/text/id.h"
#include "scarce.h"

#if !SCARCE

int main(void) {
  CHECK(true);
  return check_end();
}

#else

static char folder[] = "/tmp/extract_test.XXXXXX";
static char inputs[64], output[64];

static void write_file(const char *name, const void *bytes, size_t size) {
  char path[128];
  FILE *file;
  snprintf(path, sizeof path, "%s/in/%s", folder, name);
  file = fopen(path, "wb");
  if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) exit(1);
}

/* A folder with one file for each way of reading. */
static void write_inputs(void) {
  static char text[1 << 18], packed[1 << 18];
  size_t size = 0;
  for (int i = 1; i < 900; i++)
    size +=
        (size_t)sprintf(text + size,
                        "{\"id\":\"%d\",\"text\":\"\\u0069\",\"referenced_tweets\":[{\"id\":\"%d\","
                        "\"text\":\"\"}],\"t\\u0065xt\":[%d]}\n",
                        i, i + 1000, i);
  write_file("a.jsonl", text, size);
  size = ZSTD_compress(packed, sizeof packed, text, size, 1);
  write_file("b.jsonl.zst", packed, size);
  write_file("c.csv", "id,text\n3,\"a\nb\"\n4,\n", 20);
  write_file("d.json", "[{\"id\":5,\"text\":\"\"},\n{\"id\":\"x\",\"text\":\"\"}]", 42);
  write_file("e.txt", "6\n7\n", 4);
  write_file("README.md", "?", 1);
}

static bool is_empty_but_for_inputs(void) {
  DIR *directory = opendir(folder);
  struct dirent *entry;
  bool empty = true;
  while (directory && (entry = readdir(directory)))
    if (entry->d_name[0] != '.' ? strcmp(entry->d_name, "in") != 0
                                : entry->d_name[1] && entry->d_name[1] != '.')
      empty = false;
  if (directory) closedir(directory);
  return empty;
}

static void remove_outputs(void) {
  char path[128];
  unlink(output);
  snprintf(path, sizeof path, "%s.malformed", output);
  unlink(path);
  for (int i = 1; i < 10; i++) {
    snprintf(path, sizeof path, "%s.%04d", output, i);
    unlink(path);
  }
}

/* One extraction; the error's code. */
static enum error_code extract(uint64_t *ids) {
  const char *paths[] = {inputs, NULL};
  struct extract_options options = {.type = EXTRACT_TWEETS,
                                    .inputs = paths,
                                    .output = output,
                                    .ids_per_file = 1000,
                                    .memory = 1 << 14, /* so that there are runs */
                                    .on_malformed = EXTRACT_SKIP};
  struct error error = {0};
  struct task *task = extract_start(&options, &error);
  if (!task) return error.code;
  task_wait(task, HUGE_VAL);
  error = task->error;
  *ids = extract_counts(task)->ids;
  task_free(task);
  return error.code;
}

static void test_every_allocation(void) {
  uint64_t ids = 0;
  long count, before, failures = 0;
  CHECK(extract(&ids) == ERROR_NONE && ids == 1798); /* also warms up what libraries keep */
  remove_outputs();
  extract(&ids);
  remove_outputs();
  before = atomic_load(&scarce_blocks);
  scarce_begin(-1);
  extract(&ids);
  count = atomic_load(&scarce_allocations);
  remove_outputs();
  CHECK(count > 60 && atomic_load(&scarce_blocks) == before);
  for (long i = 0; i < count; i++) {
    enum error_code code;
    scarce_begin(i);
    code = extract(&ids);
    scarce_begin(-1);
    failures += code != ERROR_NONE;
    /* an optional allocation of a library may be missing */
    if (!CHECK(code == ERROR_NONE ? ids == 1798 : code == ERROR_MEMORY || code == ERROR_IO) ||
        !CHECK(code == ERROR_NONE || is_empty_but_for_inputs()) ||
        !CHECK(atomic_load(&scarce_blocks) == before))
      printf("  at allocation %ld of %ld: code %d, %ld blocks more\n", i, count, code,
             atomic_load(&scarce_blocks) - before);
    remove_outputs();
  }
  CHECK(failures > count / 2);
}

int main(void) {
  if (!mkdtemp(folder)) return 1;
  snprintf(inputs, sizeof inputs, "%s/in", folder);
  snprintf(output, sizeof output, "%s/out.ids", folder);
  mkdir(inputs, 0700);
  write_inputs();
  test_every_allocation();
  if (fork() == 0) execlp("rm", "rm", "-r", folder, (char *)NULL);
  return check_end();
}

#endif
