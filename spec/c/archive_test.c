/* archive_test.c - archives are read and written in the same way by any number of threads; and if
 * memory runs out anywhere, that is an error: no crash, no leak, no file left
 */
#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "dataset/bytes/packing.h"
#include "dataset/extraction/extract.h"
#include "dataset/redaction/redact.h"
#include "dataset/verdicts/verdicts_load.h"
#include "scarce.h"

static char folder[] = "/dev/shm/archive_test.XXXXXX";

static const char *in_folder(const char *name) {
  static char paths[8][128];
  static unsigned next;
  char *path = paths[next++ % 8];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

static size_t pack(const struct packing *packing, const char *text, size_t size, char *to,
                   size_t room) {
  struct packing_buffers buffers = {
      (const unsigned char *)text, size, (unsigned char *)to, room, true, 0};
  void *encoder = packing->encoder_new(1, 0);
  enum packing_step step = PACKING_MORE;
  while (encoder && step == PACKING_MORE)
    step = packing->encode(encoder, &buffers);
  if (step != PACKING_DONE) exit(1);
  packing->encoder_free(encoder);
  return room - buffers.out_size;
}

static void add(struct archive *archive, const char *name, const char *bytes, size_t size) {
  struct archive_entry *entry = archive_entry_new();
  archive_entry_set_pathname(entry, name);
  archive_entry_set_size(entry, (la_int64_t)size);
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_entry_set_perm(entry, 0640);
  archive_entry_set_mtime(entry, 1600000000 + (time_t)size, 0);
  if (archive_write_header(archive, entry) != ARCHIVE_OK ||
      archive_write_data(archive, bytes, size) != (la_ssize_t)size)
    exit(1);
  archive_entry_free(entry);
}

static void add_text(struct archive *archive, const char *name, const char *text) {
  add(archive, name, text, strlen(text));
}

/* `lines` records in a member, of which one in a hundred is condemned. */
static size_t fill(char *text, int member, int lines) {
  size_t size = 0;
  for (int i = 0; i < lines; i++)
    size += (size_t)sprintf(text + size, "{\"id\":\"%d\",\"text\":\"%d words\"}\n",
                            i % 100 == 99 ? 13 : 1000 * member + i + 20, i);
  return size;
}

/* Members of all packings, sizes and forms; in every third nothing changes. */
static void write_archive(const char *name, int format, int members, int lines) {
  static char text[1 << 21], packed[1 << 21];
  struct archive *archive = archive_write_new();
  if (archive_write_set_format(archive, format) != ARCHIVE_OK ||
      archive_write_open_filename(archive, in_folder(name)) != ARCHIVE_OK)
    exit(1);
  for (int i = 0; i < members; i++) {
    size_t size = fill(text, i, i % 3 == 0 ? 50 : lines * (i % 7 + 1));
    const struct packing *packing = packing_number((size_t)i % 6);
    char member[64];
    snprintf(member, sizeof member, "in/%d.jsonl%s", i, packing ? packing->suffix : "");
    if (packing) size = pack(packing, text, size, packed, sizeof packed);
    add(archive, member, packing ? packed : text, size);
  }
  add_text(archive, "table.csv", "id,text\n3,\"a\nb\"\n13,\n");
  add_text(archive, "array.json", "[{\"id\":\"1\",\"text\":\"\"},\n{\"id\":\"13\",\"text\":\"\"}]");
  add_text(archive, "README.md", "hello\n");
  if (archive_write_close(archive) != ARCHIVE_OK) exit(1);
  archive_write_free(archive);
}

static void write_results(void) {
  FILE *file = fopen(in_folder("results"), "w");
  if (!file || fputs("{\"id\":\"13\",\"action\":\"delete\",\"reason\":\"deleted\"}\n", file) < 0 ||
      fclose(file) != 0)
    exit(1);
}

static enum error_code end(struct task *task, const struct error *error) {
  enum error_code code = error->code;
  if (!task) return code;
  task_wait(task, HUGE_VAL);
  return task->error.code;
}

static enum error_code load(struct verdicts **verdicts) {
  const char *results[] = {in_folder("results"), NULL};
  struct verdicts_options options = {.tweets = results};
  struct error error = {0};
  struct task *task = verdicts_start(&options, &error);
  enum error_code code = end(task, &error);
  *verdicts = code == ERROR_NONE ? verdicts_retain(verdicts_loaded(task)) : NULL;
  if (task) task_free(task);
  return code;
}

static enum error_code extract(const char *name, unsigned jobs, uint64_t *records) {
  const char *inputs[] = {in_folder(name), NULL};
  struct extract_options options = {.type = EXTRACT_TWEETS,
                                    .inputs = inputs,
                                    .output = in_folder("ids"),
                                    .memory = 1 << 24,
                                    .jobs = jobs};
  struct error error = {0};
  struct task *task = extract_start(&options, &error);
  enum error_code code = end(task, &error);
  if (code == ERROR_NONE) *records = extract_counts(task)->records;
  if (task) task_free(task);
  return code;
}

static enum error_code redact(struct verdicts *verdicts, const char *name, bool in_place,
                              unsigned jobs, struct batch_counts *counts) {
  const char *inputs[] = {in_folder(name), NULL};
  struct redact_options options = {.verdicts = verdicts,
                                   .inputs = inputs,
                                   .output = in_place ? NULL : in_folder("out/"),
                                   .in_place = in_place,
                                   .policy = {.remove = FACT_DELETED},
                                   .jobs = jobs};
  struct error error = {0};
  struct task *task = redact_start(&options, &error);
  enum error_code code = end(task, &error);
  if (code == ERROR_NONE) *counts = redact_report(task)->counts;
  if (task) task_free(task);
  return code;
}

static bool shell(const char *what) {
  char command[512];
  snprintf(command, sizeof command, "cd %s && %s", folder, what);
  return system(command) == 0;
}

static void test_threads(const char *name, int format) {
  struct verdicts *verdicts;
  char command[256];
  write_archive(name, format, 40, 700);
  CHECK(load(&verdicts) == ERROR_NONE);
  for (unsigned jobs = 1; jobs <= 5; jobs++) {
    struct batch_counts counts, again;
    uint64_t records = 0;
    CHECK(extract(name, jobs, &records) == ERROR_NONE);
    CHECK(redact(verdicts, name, false, jobs, &counts) == ERROR_NONE);
    CHECK(counts.records == records && counts.dropped > 100 && counts.changed == 0);
    snprintf(command, sizeof command,
             "if [ -e ids.1 ]; then cmp ids ids.1 && cmp out/%s new; else mv ids ids.1 && "
             "mv out/%s new; fi && rm -rf out && cp %s place",
             name, name, name);
    CHECK(shell(command));
    CHECK(redact(verdicts, "place", true, jobs, &again) == ERROR_NONE);
    CHECK(memcmp(&counts, &again, sizeof counts) == 0);
    CHECK(shell("if [ -e place.1 ]; then cmp place place.1; else mv place place.1; fi"));
  }
  CHECK(shell("rm -f place.1 ids.1 new place"));
  verdicts_release(verdicts);
}

#if SCARCE

static enum error_code run(const char *name) {
  struct batch_counts counts;
  struct verdicts *verdicts;
  uint64_t records;
  enum error_code code = extract(name, 1, &records);
  if (code == ERROR_NONE) code = load(&verdicts);
  if (code != ERROR_NONE) return code;
  code = redact(verdicts, name, false, 1, &counts);
  verdicts_release(verdicts);
  return code;
}

static void remove_outputs(const char *name) {
  char path[128];
  snprintf(path, sizeof path, "%s/out/%s", folder, name);
  unlink(path);
  rmdir(in_folder("out"));
  unlink(in_folder("ids"));
}

/* The archive and the results are alone in the folder. */
static bool left_nothing(void) {
  DIR *directory = opendir(folder);
  int count = 0;
  while (directory && readdir(directory))
    count++;
  if (directory) closedir(directory);
  return count == 4;
}

/* Every one, or every `step`-th. */
static void test_allocations(const char *name, int format, long step) {
  long count, before, failures = 0;
  write_archive(name, format, 6, 20);
  tzset();
  CHECK(run(name) == ERROR_NONE); /* also warms up what libraries keep */
  remove_outputs(name);
  before = atomic_load(&scarce_blocks);
  scarce_begin(-1);
  run(name);
  count = atomic_load(&scarce_allocations);
  remove_outputs(name);
  CHECK(count > 100 && atomic_load(&scarce_blocks) == before);
  for (long i = 0; i < count; i += step) {
    enum error_code code;
    scarce_begin(i);
    code = run(name);
    scarce_begin(-1);
    tzset(); /* a zip has local times, and libc remembers where it is */
    failures += code != ERROR_NONE;
    if (!CHECK(code == ERROR_NONE || code == ERROR_MEMORY || code == ERROR_IO ||
               code == ERROR_DATA) ||
        !CHECK(atomic_load(&scarce_blocks) == before))
      printf("  at allocation %ld of %ld: code %d, %ld blocks more\n", i, count, code,
             atomic_load(&scarce_blocks) - before);
    unlink(in_folder("ids"));
    CHECK(code == ERROR_NONE || left_nothing());
    remove_outputs(name);
  }
  CHECK(failures > count / step / 2);
  unlink(in_folder(name));
}

#endif

int main(void) {
  if (!mkdtemp(folder)) return 1;
  write_results();
#if SCARCE
  scarce_spared[0] = "libarchive";
  scarce_spared[1] = "libz."; /* archive_read_open1 of 3.6.2 does not look at what calloc gives */
  test_allocations("scarce.tar", ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE, 1);
  test_allocations("scarce.zip", ARCHIVE_FORMAT_ZIP, 5);
#endif
  test_threads("a.tar", ARCHIVE_FORMAT_TAR_GNUTAR);
  test_threads("a.zip", ARCHIVE_FORMAT_ZIP);
  CHECK(shell("rm -rf *") && rmdir(folder) == 0);
  return check_end();
}
