/* utf16.c - see utf16.h */
#include "dataset/bytes/utf16.h"

#include <stdint.h>
#include <string.h>

enum encoding utf16_of_mark(const void *bytes, size_t size) {
  if (size >= 2 && memcmp(bytes, "\xff\xfe", 2) == 0) return ENCODING_UTF16_LITTLE;
  if (size >= 2 && memcmp(bytes, "\xfe\xff", 2) == 0) return ENCODING_UTF16_BIG;
  return ENCODING_UTF8;
}

static uint32_t unit_at(enum encoding encoding, const unsigned char *at) {
  return encoding == ENCODING_UTF16_BIG ? (uint32_t)(at[0] << 8 | at[1])
                                        : (uint32_t)(at[1] << 8 | at[0]);
}

static unsigned char *put_unit(enum encoding encoding, uint32_t unit, unsigned char *to) {
  bool big = encoding == ENCODING_UTF16_BIG;
  to[big ? 0 : 1] = (unsigned char)(unit >> 8);
  to[big ? 1 : 0] = (unsigned char)unit;
  return to + 2;
}

static bool is_high(uint32_t unit) {
  return unit >= 0xd800 && unit < 0xdc00;
}

static bool is_low(uint32_t unit) {
  return unit >= 0xdc00 && unit < 0xe000;
}

static char *put_character(uint32_t c, char *to) {
  if (c < 0x80) {
    *to++ = (char)c;
    return to;
  }
  if (c < 0x800) {
    *to++ = (char)(0xc0 | c >> 6);
  } else {
    if (c < 0x10000) {
      *to++ = (char)(0xe0 | c >> 12);
    } else {
      *to++ = (char)(0xf0 | c >> 18);
      *to++ = (char)(0x80 | (c >> 12 & 0x3f));
    }
    *to++ = (char)(0x80 | (c >> 6 & 0x3f));
  }
  *to++ = (char)(0x80 | (c & 0x3f));
  return to;
}

size_t utf16_decode(enum encoding encoding, const void *from, size_t *size, bool last, char *to) {
  const unsigned char *bytes = from;
  char *end = to;
  size_t at = 0;
  while (at + 2 <= *size) {
    uint32_t unit = unit_at(encoding, bytes + at);
    if (is_high(unit) && at + 4 > *size && !last) break;
    at += 2;
    if (is_high(unit) && at + 2 <= *size && is_low(unit_at(encoding, bytes + at))) {
      unit = 0x10000 + ((unit - 0xd800) << 10) + (unit_at(encoding, bytes + at) - 0xdc00);
      at += 2;
    }
    end = put_character(unit, end);
  }
  *size = at;
  return (size_t)(end - to);
}

/* How many bytes a character has, by its first. */
static size_t length_of(unsigned char first) {
  return first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

size_t utf16_encode(enum encoding encoding, const char *from, size_t *size, void *to) {
  const unsigned char *bytes = (const unsigned char *)from;
  unsigned char *end = to;
  size_t at = 0;
  while (at < *size) {
    size_t length = length_of(bytes[at]);
    uint32_t c = length == 1 ? bytes[at] : bytes[at] & (0x7fu >> length);
    if (at + length > *size) break;
    for (size_t i = 1; i < length; i++)
      c = c << 6 | (bytes[at + i] & 0x3f);
    at += length;
    if (c >= 0x10000) {
      end = put_unit(encoding, 0xd800 + ((c - 0x10000) >> 10), end);
      c = 0xdc00 + ((c - 0x10000) & 0x3ff);
    }
    end = put_unit(encoding, c, end);
  }
  *size = at;
  return (size_t)(end - (unsigned char *)to);
}
