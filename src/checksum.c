/* checksum.c - see checksum.h
 *
 * ISA-L computes it at memory speed and keeps the register as it stands in the algorithm; the
 * inversions before and after are ours.
 */
#include "checksum.h"

#include <isa-l/crc.h>
#include <limits.h>

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
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  text[0] = letters[crc >> 26];
  text[1] = letters[crc >> 20 & 63];
  text[2] = letters[crc >> 14 & 63];
  text[3] = letters[crc >> 8 & 63];
  text[4] = letters[crc >> 2 & 63];
  text[5] = letters[crc << 4 & 63];
  text[6] = text[7] = '=';
  text[8] = '\0';
}
