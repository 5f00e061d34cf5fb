/* writer_test.c - writes that the system does only in part, or not at all, leave complete outputs
 *
 * This file has its own writev, which writes little at a time, and a copy_file_range that can fail.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"
#include "checksum.h"
#include "dataset/bytes/writer.h"

static size_t most; /* bytes that one call writes; 0: as many as it is given */
static unsigned calls;

ssize_t writev(int descriptor, const struct iovec *pieces, int count) {
  if (most == 0) return syscall(SYS_writev, descriptor, pieces, count);
  if (++calls % 5 == 0) {
    errno = EINTR;
    return -1;
  }
  for (int i = 0; i < count; i++) { /* empty pieces are skipped, as the system does */
    size_t size = pieces[i].iov_len < most ? pieces[i].iov_len : most;
    if (size > 0) return write(descriptor, pieces[i].iov_base, size);
  }
  return 0;
}

static int copy_problem; /* what the kernel's copying fails with; 0: with nothing */

ssize_t copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t size,
                        unsigned flags) {
  errno = copy_problem;
  return copy_problem ? -1 : syscall(SYS_copy_file_range, from, from_at, to, to_at, size, flags);
}

static void test_short_writes(const char *path) {
  static char text[1 << 16], read_back[2 * sizeof text];
  struct error error;
  for (size_t i = 0; i < sizeof text; i++)
    text[i] = (char)(i * i >> 7);
  for (most = 1; most < 3000; most = 2 * most + 1) {
    struct writer_options options = {.target = path};
    struct writer *writer = writer_open(&options, &error);
    struct iovec pieces[300];
    size_t size = 0, used = 0;
    FILE *file;
    for (size_t i = 0; i < 300; i++) {
      pieces[i] = (struct iovec){text + used, i % 7 == 0 ? 0 : i};
      used += pieces[i].iov_len;
    }
    CHECK(writer && writer_write(writer, pieces, 300, &error) && writer_finish(writer, &error) &&
          writer_publish(writer, &error));
    CHECK(writer_size(writer) == used);
    writer_free(writer);
    file = fopen(path, "rb");
    if (file) size = fread(read_back, 1, sizeof read_back, file);
    if (file) fclose(file);
    CHECK(size == used && memcmp(text, read_back, used) == 0);
  }
  most = 0;
}

enum { COPIED = (1 << 20) + 12345 };

/* The first COPIED bytes of the file open as `from`, which has `size`. */
static void check_copy(const char *path, const char *text, int from, size_t size, bool checksum) {
  static char read_back[COPIED + 1];
  struct writer_options options = {.target = path, .checksum = checksum};
  struct error error = {0};
  struct writer *writer = writer_open(&options, &error);
  size_t got = 0;
  FILE *file;
  if (!CHECK(writer != NULL)) return;
  if (size < COPIED) {
    CHECK(!writer_copy(writer, from, COPIED, "source", &error) && error.code == ERROR_DATA);
    writer_free(writer);
    return;
  }
  CHECK(writer_copy(writer, from, COPIED, "source", &error) && writer_finish(writer, &error) &&
        writer_publish(writer, &error) && writer_size(writer) == COPIED);
  CHECK(!checksum || writer_crc(writer) == checksum_crc32c(0, text, COPIED));
  writer_free(writer);
  file = fopen(path, "rb");
  if (file) got = fread(read_back, 1, sizeof read_back, file);
  if (file) fclose(file);
  CHECK(got == COPIED && memcmp(text, read_back, COPIED) == 0);
}

/* By the kernel, by hand as a checksum is wanted, or as the kernel cannot; from a file that is long
 * enough, and from one that has become shorter. */
static void test_copies(const char *path, const char *source) {
  static char text[2 * COPIED];
  const int problems[] = {0, EXDEV, EINVAL, EOPNOTSUPP};
  for (size_t i = 0; i < sizeof text; i++)
    text[i] = (char)(i * i >> 7);
  for (size_t size = sizeof text; size > 0; size = size == sizeof text ? COPIED - 1 : 0) {
    FILE *file = fopen(source, "w+b");
    if (!file || fwrite(text, 1, size, file) != size || fflush(file) != 0) exit(1);
    for (size_t i = 0; i < sizeof problems / sizeof *problems; i++) {
      copy_problem = problems[i];
      check_copy(path, text, fileno(file), size, false);
      check_copy(path, text, fileno(file), size, true);
    }
    fclose(file);
  }
  copy_problem = 0;
  unlink(source);
}

int main(void) {
  char folder[] = "/tmp/writer_test.XXXXXX", path[64], source[64];
  if (!mkdtemp(folder)) return 1;
  snprintf(path, sizeof path, "%s/out", folder);
  snprintf(source, sizeof source, "%s/source", folder);
  test_short_writes(path);
  test_copies(path, source);
  CHECK(unlink(path) == 0 && rmdir(folder) == 0); /* nothing else is left */
  return check_end();
}
