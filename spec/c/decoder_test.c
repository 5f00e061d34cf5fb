/* decoder_test.c - members that are decoded beside each other give what one thread gives
 *
 * One decoding thread is the witness, and gzip(1) for the members that are made here.
 */
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "dataset/bytes/decoder.h"
#include "dataset/bytes/input.h"
#include "dataset/bytes/packing.h"
#include "dataset/bytes/reader.h"
#include "scarce.h"

enum { TEXT = 5 << 19, ROOM = TEXT + (1 << 20), HEAD = 20 };

static unsigned char text[TEXT], packed[ROOM];
static size_t made;
static char path[] = "/tmp/decoder_test.XXXXXX";

static uint64_t draw(void) {
  static uint64_t state = 7;
  state = state * 6364136223846793005u + 1442695040888963407u;
  return state >> 33;
}

/* Appends a member with `size` bytes of the text from `at` on. Returns where it begins. */
static size_t add_packed(const char *name, size_t at, size_t size) {
  size_t start = made, length;
  const struct packing *packing = packing_of_name(name, &length);
  struct packing_buffers buffers = {text + at, size, packed + made, ROOM - made, true, 0};
  void *encoder = packing->encoder_new(1, 0);
  while (encoder && packing->encode(encoder, &buffers) == PACKING_MORE) {
  }
  packing->encoder_free(encoder);
  made = ROOM - buffers.out_size;
  return start;
}

static size_t add(size_t at, size_t size) {
  return add_packed("a.gz", at, size);
}

/* Gives the member that was added last a header of `size` bytes, instead of its own. */
static void change_head(size_t start, const void *head, size_t size) {
  memmove(packed + start + size, packed + start + HEAD, made - start - HEAD);
  memcpy(packed + start, head, size);
  made = made - HEAD + size;
}

/* A member that does not state its size. */
static void add_plain(size_t at, size_t size) {
  change_head(add(at, size), "\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
}

/* A member as bgzip makes it, with another field before the one that states its size. */
static void add_bgzip(size_t at, size_t size) {
  unsigned char head[] = "\x1f\x8b\x08\x04\0\0\0\0\0\xff\x0b\0xy\x01\0zBC\x02\0\0\0";
  size_t start = add(at, size), least;
  least = made - start - HEAD + sizeof head - 1 - 1;
  head[21] = (unsigned char)least;
  head[22] = (unsigned char)(least >> 8);
  change_head(start, head, sizeof head - 1);
}

static void write_packed(size_t size) {
  FILE *file = fopen(path, "wb");
  if (!file || fwrite(packed, 1, size, file) != size || fclose(file) != 0) exit(1);
}

struct outcome {
  uint64_t lines, sum;
  struct error error;
};

/* Reads the file by `decoders` threads; stops after `most` lines. */
static struct outcome read_by(unsigned decoders, uint64_t most) {
  struct outcome outcome = {0};
  struct reader_record record;
  struct reader *reader = reader_open_dataset(path, decoders, NULL, &outcome.error);
  enum reader_step step = reader ? READER_RECORD : READER_FAILED;
  while (step == READER_RECORD && outcome.lines < most) {
    step = reader_next(reader, READER_LINES, &record, &outcome.error);
    if (step != READER_RECORD) break;
    outcome.lines++;
    for (size_t i = 0; i < record.size; i++)
      outcome.sum = outcome.sum * 31 + (unsigned char)record.text[i];
  }
  reader_close(reader);
  return outcome;
}

static bool are_equal(const struct outcome *a, const struct outcome *b) {
  return a->lines == b->lines && a->sum == b->sum && a->error.code == b->error.code &&
         (a->error.code == ERROR_NONE ||
          (a->error.line == b->error.line && strcmp(a->error.message, b->error.message) == 0));
}

/* What one thread says of the file, if others say the same. */
static struct outcome read_packed(size_t size) {
  struct outcome one;
  write_packed(size);
  one = read_by(1, UINT64_MAX);
  for (unsigned decoders = 2; decoders < 6; decoders++) {
    struct outcome other = read_by(decoders, UINT64_MAX);
    CHECK(are_equal(&one, &other));
  }
  return one;
}

/* Ours, plain ones and bgzip's. */
static void make_members(bool padded) {
  size_t at = 0;
  made = 0;
  for (int i = 0; at < TEXT; i++) {
    size_t size = i % 3 == 2 ? 60000 : 1 + draw() % 400000;
    if (size > TEXT - at) size = TEXT - at;
    switch (i % 3) {
    case 0: add(at, size); break;
    case 1: add_plain(at, size); break;
    default: add_bgzip(at, size); break;
    }
    if (padded && i % 4 == 3) packed[made++] = 0;
    at += size;
  }
}

/* Without padding, which gzip(1) does not accept between members. */
static void test_whole(uint64_t lines) {
  char command[128];
  struct outcome outcome;
  make_members(false);
  outcome = read_packed(made);
  CHECK(outcome.error.code == ERROR_NONE && outcome.lines == lines);
  snprintf(command, sizeof command, "gzip -dc <%s 2>&- | wc -l | grep -qx %llu", path,
           (unsigned long long)lines);
  CHECK(system(command) == 0);
}

static void test_truncated(void) {
  for (int i = 0; i < 60; i++)
    read_packed(i < 30 ? made - 1 - (size_t)i : draw() % made);
}

/* One bit is wrong. If it is in a size, the message may be another one, but text is never wrong. */
static void test_corrupt(const struct outcome *right) {
  for (int i = 0; i < 100; i++) {
    size_t at = draw() % made;
    unsigned char bit = (unsigned char)(1 << draw() % 8);
    packed[at] ^= bit;
    write_packed(made);
    for (unsigned decoders = 1; decoders < 4; decoders++) {
      struct outcome outcome = read_by(decoders, UINT64_MAX);
      CHECK(outcome.error.code == ERROR_DATA || are_equal(&outcome, right));
    }
    packed[at] ^= bit;
  }
}

/* A member states a size that it does not have. */
static void test_wrong_sizes(void) {
  static const int32_t wrong[] = {-100, -1, 1, 100, 1 << 24};
  size_t second;
  made = 0;
  add(0, 100000);
  second = add(100000, 100000);
  add(200000, 100000);
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    unsigned char *size = packed + second + 16, right[4];
    uint32_t stated;
    struct outcome outcome;
    memcpy(right, size, 4);
    stated = size[0] | (uint32_t)size[1] << 8 | (uint32_t)size[2] << 16;
    stated += (uint32_t)wrong[i];
    for (int j = 0; j < 4; j++)
      size[j] = (unsigned char)(stated >> 8 * j);
    write_packed(made);
    outcome = read_by(3, UINT64_MAX);
    /* too large to be read into memory: decoded as it is read */
    CHECK((outcome.error.code == ERROR_NONE) == (wrong[i] == 1 << 24));
    memcpy(size, right, 4);
  }
}

/* Streams as pbzip2 makes them; one alone; one that has lost its head. */
static void test_bzip2(const struct outcome *right) {
  struct outcome outcome;
  size_t second;
  made = 0;
  add_packed("a.bz2", 0, 900000);
  second = add_packed("a.bz2", 900000, 900000);
  add_packed("a.bz2", 1800000, TEXT - 1800000);
  outcome = read_packed(made);
  CHECK(outcome.error.code == ERROR_NONE && outcome.sum == right->sum);
  for (int i = 0; i < 20; i++)
    read_packed(i < 10 ? made - 1 - (size_t)i : draw() % made);
  packed[second + 5] ^= 1;
  CHECK(read_packed(made).error.code == ERROR_DATA);
  memset(packed + second, 0, 4);
  CHECK(read_packed(made).error.code == ERROR_DATA);
  made = 0;
  add_packed("a.bz2", 0, TEXT);
  CHECK(read_packed(made).sum == right->sum);
}

/* A source that fails or ends once, and then gives more: what follows a gap, or what another
 * program writes to a pipe. */
struct broken {
  bool fails;
  const unsigned char *bytes;
  size_t size;
  bool asked;
};

static int64_t read_broken(void *context, void *to, size_t size, struct error *error) {
  struct broken *broken = context;
  if (!broken->asked) {
    broken->asked = true;
    if (!broken->fails) return 0;
    error_set(error, ERROR_IO, "reading failed");
    return -1;
  }
  if (size > broken->size) size = broken->size;
  memcpy(to, broken->bytes, size);
  broken->bytes += size;
  broken->size -= size;
  return (int64_t)size;
}

static void test_broken(bool fails, unsigned decoders) {
  struct input input;
  struct broken broken = {.fails = fails};
  struct error error = {0};
  struct decoder *decoder;
  char bytes[4096];
  size_t length, second;
  made = 0;
  add(0, 1000);
  second = add(2000, 1000);
  broken.bytes = packed + second;
  broken.size = made - second;
  input_open_source(&input, "source", read_broken, &broken, NULL);
  decoder =
      decoder_open(packing_of_name("a.gz", &length), &input, decoders, packed, second, &error);
  CHECK(decoder && decoder_read(decoder, bytes, sizeof bytes, &error) == 1000);
  CHECK(decoder && decoder_read(decoder, bytes, sizeof bytes, &error) == (fails ? -1 : 0));
  CHECK(!fails || error.code == ERROR_IO);
  decoder_close(decoder);
  input_close(&input);
}

static void test_abandoned(void) {
  for (uint64_t lines = 0; lines < 200; lines++)
    CHECK(read_by(1 + (unsigned)lines % 5, lines * lines).error.code == ERROR_NONE);
}

static void test_scarce(const struct outcome *right) {
#if SCARCE
  bool whole = false;
  for (long n = 0; n < 60; n++) {
    struct outcome outcome;
    scarce_begin(n);
    outcome = read_by(3, UINT64_MAX);
    scarce_begin(-1);
    CHECK(outcome.error.code == ERROR_MEMORY || are_equal(&outcome, right));
    whole = whole || outcome.error.code == ERROR_NONE;
  }
  CHECK(whole);
#else
  (void)right;
#endif
}

int main(void) {
  struct outcome right;
  uint64_t lines = 0;
  int descriptor = mkstemp(path);
  if (descriptor < 0 || close(descriptor) != 0) return 1;
  for (size_t i = 0; i < TEXT; i++) {
    text[i] = i + 1 == TEXT || draw() % 60 == 0 ? '\n' : (unsigned char)('a' + draw() % 20);
    /* no blank line: those are not records */
    if (i > 0 && text[i] == '\n' && text[i - 1] == '\n' && i + 1 < TEXT) text[i] = 'a';
    lines += text[i] == '\n';
  }
  test_whole(lines);
  right = read_by(1, UINT64_MAX);
  make_members(true);
  CHECK(read_packed(made).sum == right.sum);
  test_abandoned();
  test_scarce(&right);
  test_truncated();
  test_corrupt(&right);
  test_wrong_sizes();
  test_bzip2(&right);
  for (unsigned decoders = 1; decoders < 4; decoders++) {
    test_broken(true, decoders);
    test_broken(false, decoders);
  }
  unlink(path);
  return check_end();
}
