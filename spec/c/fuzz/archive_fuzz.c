/* archive_fuzz.c - any bytes as a file that may be an archive: its members and errors are the same
 * whether members are taken whole or in parts
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dataset/bytes/archive.h"
#include "dataset/bytes/reader.h"
#include "dataset/files/member.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CONTENT_MAX = 1 << 20 }; /* a sparse member may be endless */

static void expect(int holds) {
  if (!holds) abort();
}

struct outcome {
  uint64_t sum, members, size;
};

static void mix(struct outcome *outcome, const void *bytes, size_t size) {
  for (size_t i = 0; i < size; i++)
    outcome->sum = outcome->sum * 31 + ((const unsigned char *)bytes)[i];
}

/* The content as it is stored. */
static void read_raw(struct member *member, struct outcome *outcome) {
  unsigned char buffer[777];
  struct error error = {0};
  int64_t got;
  while (outcome->size < CONTENT_MAX &&
         (got = member_read(member, buffer, sizeof buffer, &error)) != 0) {
    if (got < 0) {
      expect(error.code == ERROR_DATA);
      outcome->sum++;
      return;
    }
    expect((size_t)got <= sizeof buffer);
    mix(outcome, buffer, (size_t)got);
    outcome->size += (size_t)got;
  }
}

/* The first window of the content, unpacked. */
static void read_unpacked(struct member *member) {
  struct error error = {0};
  struct reader *reader = member_open(member, NULL, &error);
  expect(reader ? reader->container == CONTAINER_NONE : error.code == ERROR_DATA);
  reader_close(reader);
}

static struct outcome read_all(const char *path, size_t room, int unpack) {
  struct outcome outcome = {0, 0, 0};
  struct member member = {0};
  struct error error = {0};
  enum turns_step step = TURNS_FAILED;
  struct reader *reader = reader_open_dataset(path, 3, NULL, &error);
  struct archive_in *archive =
      reader && reader->container != CONTAINER_NONE ? archive_in_open(reader, &error) : NULL;
  while (archive && outcome.size < CONTENT_MAX) {
    step = member_take(&member, archive, &outcome.members, room, 1, &error);
    if (step != TURNS_BESIDE && step != TURNS_ALONE) break;
    expect(member.path && member.size <= room);
    mix(&outcome, member.path, strlen(member.path));
    if (member.kind == MEMBER_REFUSED)
      outcome.sum++;
    else if (unpack)
      read_unpacked(&member);
    else
      read_raw(&member, &outcome);
  }
  expect(step != TURNS_FAILED || !archive || error.code == ERROR_DATA);
  member_free(&member);
  archive_in_close(archive);
  reader_close(reader);
  return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static int file = -1;
  static char path[32];
  struct outcome one, other;
  if (file < 0) {
    file = memfd_create("input", 0);
    expect(file >= 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  }
  if (ftruncate(file, 0) != 0 || pwrite(file, data, size, 0) != (ssize_t)size) return 0;
  one = read_all(path, CONTENT_MAX, 0);
  other = read_all(path, CONTENT_MAX, 0);
  expect(one.sum == other.sum && one.members == other.members && one.size == other.size);
  read_all(path, 100, 0);
  read_all(path, CONTENT_MAX, 1);
  return 0;
}
