/* checksum.c - see checksum.h
 *
 * ISA-L computes it at memory speed, without the algorithm's inversions before and after, which are
 * done here.
 */
#include "checksum.h"

#include <isa-l/crc.h>
#include <limits.h>
#include <string.h>

static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

uint32_t checksum_crc32c(uint32_t crc, const void *bytes, size_t size) {
  const unsigned char *next = bytes;
  crc = ~crc;
  while (size > 0) {
    int piece = size > INT_MAX ? INT_MAX : (int)size;
    /* the parameter is not const in ISA-L 2, though nothing is written through it */
    crc = crc32_iscsi((unsigned char *)(uintptr_t)next, piece, crc);
    next += piece;
    size -= (size_t)piece;
  }
  return ~crc;
}

void checksum_format(uint32_t crc, char text[CHECKSUM_TEXT]) {
  text[0] = LETTERS[crc >> 26];
  text[1] = LETTERS[crc >> 20 & 63];
  text[2] = LETTERS[crc >> 14 & 63];
  text[3] = LETTERS[crc >> 8 & 63];
  text[4] = LETTERS[crc >> 2 & 63];
  text[5] = LETTERS[crc << 4 & 63];
  text[6] = text[7] = '=';
  text[8] = '\0';
}

bool checksum_read(const char *text, uint32_t *crc) {
  uint64_t bits = 0;
  char again[CHECKSUM_TEXT];
  for (int i = 0; i < 6; i++) {
    const char *letter = text[i] ? strchr(LETTERS, text[i]) : NULL;
    if (!letter) return false;
    bits = bits << 6 | (uint64_t)(letter - LETTERS);
  }
  *crc = (uint32_t)(bits >> 4);
  checksum_format(*crc, again);
  return strcmp(text, again) == 0;
}
