/* checksum_test.c - CRC32C against RFC 3720's vectors and against its definition, bit by bit */
#include <stdlib.h>
#include <sys/mman.h>

#include "check.h"
#include "checksum.h"

static const uint32_t POLYNOMIAL = 0x82f63b78; /* reversed */

static uint32_t by_definition(uint32_t crc, const unsigned char *bytes, size_t size) {
  crc = ~crc;
  for (size_t i = 0; i < size; i++) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; bit++)
      crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
  }
  return ~crc;
}

static uint32_t multiply(const uint32_t matrix[32], uint32_t vector) {
  uint32_t product = 0;
  for (int i = 0; i < 32; i++)
    if (vector >> i & 1) product ^= matrix[i];
  return product;
}

/* The sum of `crc` and then 2^`power` zero bytes: the matrix for one zero bit, squared. */
static uint32_t with_zeros(uint32_t crc, int power) {
  uint32_t matrix[32] = {POLYNOMIAL}, square[32];
  for (int i = 1; i < 32; i++)
    matrix[i] = 1u << (i - 1);
  for (int i = 0; i < power + 3; i++) {
    for (int j = 0; j < 32; j++)
      square[j] = multiply(matrix, matrix[j]);
    memcpy(matrix, square, sizeof matrix);
  }
  return ~multiply(matrix, ~crc);
}

static void test_vectors(void) {
  static const unsigned char read_pdu[48] = {
      0x01, 0xc0, 0, 0,    0, 0, 0, 0,    0,    0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 4, 0,
      0,    0,    0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 2,    0, 0, 0, 0, 0, 0, 0};
  unsigned char bytes[32];
  CHECK(checksum_crc32c(0, "", 0) == 0);
  CHECK(checksum_crc32c(0, "123456789", 9) == 0xe3069283);
  memset(bytes, 0, 32);
  CHECK(checksum_crc32c(0, bytes, 32) == 0x8a9136aa);
  memset(bytes, 0xff, 32);
  CHECK(checksum_crc32c(0, bytes, 32) == 0x62a8ab43);
  for (int i = 0; i < 32; i++)
    bytes[i] = (unsigned char)i;
  CHECK(checksum_crc32c(0, bytes, 32) == 0x46dd794e);
  for (int i = 0; i < 32; i++)
    bytes[i] = (unsigned char)(31 - i);
  CHECK(checksum_crc32c(0, bytes, 32) == 0x113fdb5c);
  CHECK(checksum_crc32c(0, read_pdu, 48) == 0xd9963a56);
}

/* Every place at which a text may be cut, at every alignment. */
static void test_splits(void) {
  unsigned char bytes[1024 + 16];
  unsigned wrong = 0;
  srand(1);
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (unsigned char)rand();
  for (size_t start = 0; start < 16; start++) {
    uint32_t whole = by_definition(0, bytes + start, 1024);
    for (size_t cut = 0; cut <= 1024; cut++) {
      uint32_t crc = checksum_crc32c(0, bytes + start, cut);
      wrong += checksum_crc32c(crc, bytes + start + cut, 1024 - cut) != whole;
      wrong += crc != by_definition(0, bytes + start, cut);
    }
  }
  CHECK(wrong == 0);
}

/* One call of more bytes than an int counts, and than 32 bits do. */
static void test_large(void) {
  const size_t size = ((size_t)1 << 32) + 1;
  void *zeros = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  uint32_t expected = by_definition(with_zeros(0, 32), (const unsigned char *)"", 1);
  CHECK(with_zeros(0, 5) == 0x8a9136aa);
  if (!CHECK(zeros != MAP_FAILED)) return;
  CHECK(checksum_crc32c(0, zeros, size) == expected);
  munmap(zeros, size);
}

static void test_format(void) {
  char text[CHECKSUM_TEXT];
  checksum_format(0, text);
  CHECK_TEXT("AAAAAA==", text);
  checksum_format(0xe3069283, text);
  CHECK_TEXT("4waSgw==", text);
  checksum_format(0xffffffff, text);
  CHECK_TEXT("/////w==", text);
}

int main(void) {
  test_vectors();
  test_splits();
  test_large();
  test_format();
  return check_end();
}
