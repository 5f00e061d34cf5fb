/* members_test.c - gzip and bzip2 in members are what gzip(1) and bzip2(1) read, whatever the text,
 * the threads and the room
 */
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "dataset/bytes/packing.h"
#include "scarce.h"

enum { MEMBER = 1 << 20, MOST = 5 * MEMBER / 2, ROOM = MOST + MOST / 16 + 4096 };

static unsigned char text[MOST], packed[ROOM], again[ROOM];
static char folder[] = "/tmp/members_test.XXXXXX";

static const struct packing *packing; /* what is tested */

/* Packs the text in slices of at most `slice` bytes, into rooms of `room` bytes. Returns the size;
 * 0 after a failure. */
static size_t pack(int level, int threads, size_t size, size_t slice, size_t room,
                   unsigned char *to) {
  void *encoder = packing->encoder_new(level, threads);
  size_t taken = 0, made = 0;
  bool last = false;
  while (encoder && !last) {
    size_t some = size - taken < slice ? size - taken : slice;
    struct packing_buffers buffers = {.in = text + taken, .in_size = some};
    enum packing_step step = PACKING_MORE;
    last = buffers.last = taken + some == size;
    while (step == PACKING_MORE) {
      size_t left = ROOM - made < room ? ROOM - made : room;
      buffers.out = to + made;
      buffers.out_size = left;
      step = packing->encode(encoder, &buffers);
      made += left - buffers.out_size;
    }
    if (step != PACKING_DONE) made = 0;
    if (step != PACKING_DONE) break;
    taken += some;
  }
  packing->encoder_free(encoder);
  return made;
}

static bool write_file(const char *name, const unsigned char *bytes, size_t size) {
  char path[64];
  FILE *file;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  file = fopen(path, "wb");
  return file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0;
}

static bool unpacker_agrees(size_t size, size_t made) {
  char command[128];
  if (!write_file("text", text, size) || !write_file("packed", packed, made)) return false;
  snprintf(command, sizeof command, "%s -dc <%s/packed | cmp -s - %s/text", packing->name, folder,
           folder);
  return system(command) == 0;
}

/* How many members there are, by the sizes that they state; 0 if these do not add up. */
static unsigned count_members(size_t made) {
  unsigned count = 0;
  size_t at = 0;
  while (at + 20 <= made && memcmp(packed + at, "\x1f\x8b\x08\x04", 4) == 0 &&
         memcmp(packed + at + 10, "\x08\0XC\x04\0", 6) == 0) {
    const unsigned char *size = packed + at + 16;
    at += size[0] | (size_t)size[1] << 8 | (size_t)size[2] << 16 | (size_t)size[3] << 24;
    count++;
  }
  return at == made ? count : 0;
}

static void test_sizes(void) {
  static const size_t sizes[] = {0, 1, MEMBER - 1, MEMBER, MEMBER + 1, MOST};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    size_t size = sizes[i];
    for (int level = 1; level < 10; level += 4) {
      size_t made = pack(level, 0, size, MOST, ROOM, packed);
      CHECK(unpacker_agrees(size, made));
      CHECK(count_members(made) == (size == 0 ? 1 : (size + MEMBER - 1) / MEMBER));
      for (int threads = 0; threads < 4; threads++) {
        CHECK(pack(level, threads, size, 77777, 1 << 18, again) == made);
        CHECK(memcmp(packed, again, made) == 0);
      }
    }
  }
  CHECK(pack(5, 2, 100000, 1, 1, packed) == pack(5, 0, 100000, 100000, ROOM, again));
}

/* Each takes a fifth of a second. */
static void test_few_sizes(void) {
  static const size_t sizes[] = {0, 1, MOST};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    size_t made = pack(9, 0, sizes[i], MOST, ROOM, packed);
    CHECK(unpacker_agrees(sizes[i], made));
    CHECK(pack(9, 3, sizes[i], 77777, 1 << 18, again) == made);
    CHECK(memcmp(packed, again, made) == 0);
  }
}

/* Freed in the middle, while its threads work. */
static void test_abandoned(int times) {
  for (int i = 0; i < times; i++) {
    struct packing_buffers buffers = {
        .in = text, .in_size = MOST, .out = packed, .out_size = (size_t)i * 1000};
    void *encoder = packing->encoder_new(1, 3);
    packing->encode(encoder, &buffers);
    packing->encoder_free(encoder);
  }
}

/* The caller's thread does what others have no memory for. */
static void test_scarce(void) {
#if SCARCE
  size_t made = pack(5, 2, MOST, MOST, ROOM, packed);
  bool whole = false;
  for (long n = 0; n < 40; n++) {
    size_t size;
    scarce_begin(n);
    size = pack(5, 2, MOST, MOST, ROOM, again);
    scarce_begin(-1);
    CHECK(size == 0 || (size == made && memcmp(packed, again, made) == 0));
    whole = whole || size > 0;
  }
  CHECK(whole);
#endif
}

static void fill(bool shrinks) {
  uint64_t state = 1;
  for (size_t i = 0; i < MOST; i++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    text[i] = (unsigned char)(shrinks ? 'a' + (state >> 60) % 3 : state >> 56);
  }
}

int main(void) {
  char command[64];
  size_t length;
  if (!mkdtemp(folder)) return 1;
  packing = packing_of_name("a.gz", &length);
  fill(true);
  test_sizes();
  test_abandoned(50);
  test_scarce();
  fill(false);
  test_sizes();
  packing = packing_of_name("a.bz2", &length);
  test_few_sizes();
  fill(true);
  test_few_sizes();
  test_abandoned(3);
  test_scarce();
  snprintf(command, sizeof command, "rm -r %s", folder);
  CHECK(system(command) == 0);
  return check_end();
}
