/* writer_test.c - writes that the system does only in part, or not at all, leave complete outputs
 *
 * This file has its own writev, which writes little at a time.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"
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

int main(void) {
  char folder[] = "/tmp/writer_test.XXXXXX", path[64];
  if (!mkdtemp(folder)) return 1;
  snprintf(path, sizeof path, "%s/out", folder);
  test_short_writes(path);
  CHECK(unlink(path) == 0 && rmdir(folder) == 0); /* nothing else is left */
  return check_end();
}
