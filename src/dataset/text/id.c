/* id.c - see id.h
 *
 * Lists hold ids by the hundred million, so both directions work on eight digits at a time in one
 * 64-bit word. Machines of the other byte order take the words through a swap.
 */
#include "dataset/text/id.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static uint64_t little_endian(uint64_t word) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  return __builtin_bswap64(word);
#else
  return word;
#endif
}

/* How many of the eight bytes at `text` are digits before the first that is not. */
static unsigned leading_digits(uint64_t word) {
  uint64_t zeros = word ^ 0x3030303030303030u; /* a digit becomes 0 to 9 */
  uint64_t others = ((zeros & 0x7f7f7f7f7f7f7f7fu) + 0x7676767676767676u) | zeros;
  others &= 0x8080808080808080u; /* the high bit of each byte that is not a digit */
  return others ? (unsigned)__builtin_ctzll(others) / 8 : 8;
}

/* The value of eight digits, the first of them in the lowest byte. */
static uint64_t eight_digits(uint64_t word) {
  word = (word & 0x0f0f0f0f0f0f0f0fu) * 2561 >> 8;
  word = (word & 0x00ff00ff00ff00ffu) * 6553601 >> 16;
  return (word & 0x0000ffff0000ffffu) * 42949672960001u >> 32;
}

size_t id_read(const char *text, uint64_t *id) {
  static const uint64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
  uint64_t value = 0;
  size_t size = 0;
  *id = 0;
  if (text[0] == '0') return 0;
  for (;;) {
    uint64_t word;
    unsigned digits;
    memcpy(&word, text + size, 8);
    word = little_endian(word);
    digits = leading_digits(word);
    if (size + digits > ID_TEXT_MAX) return 0;
    if (digits == 0) break;
    /* bytes that are not digits are shifted out at the top, and leading zeros come in below */
    value = value * powers[digits] + eight_digits(word << (64 - 8 * digits));
    size += digits;
    if (digits < 8) break;
  }
  if (value > INT64_MAX) return 0; /* 19 digits cannot overflow 64 bits */
  *id = value;
  return size;
}

uint64_t id_parse(const char *text, size_t size) {
  uint64_t id;
  char copy[ID_READ_ROOM] = {0};
  if (size == 0 || size > ID_TEXT_MAX) return 0;
  memcpy(copy, text, size);
  return id_read(copy, &id) == size ? id : 0;
}

/* Eight digits of `value`, as text in a word whose lowest byte is the first digit. */
static uint64_t as_digits(uint32_t value) {
  uint64_t fours = value / 10000 | (uint64_t)(value % 10000) << 32;
  uint64_t hundreds = (fours * 10486 >> 20) & 0x0000007f0000007fu;
  uint64_t pairs = hundreds | (fours - hundreds * 100) << 16;
  uint64_t tens = (pairs * 103 >> 10) & 0x000f000f000f000fu;
  return (tens | (pairs - tens * 10) << 8) + 0x3030303030303030u;
}

size_t id_format(uint64_t id, char *text) {
  char all[2 * ID_FORMAT_ROOM];
  size_t zeros = 0;
  uint64_t words[3] = {
      little_endian(as_digits((uint32_t)(id / 10000000000000000u))),
      little_endian(as_digits((uint32_t)(id / 100000000u % 100000000u))),
      little_endian(as_digits((uint32_t)(id % 100000000u))),
  };
  memcpy(all, words, sizeof words);
  while (zeros < ID_FORMAT_ROOM - 1 && all[zeros] == '0')
    zeros++;
  memset(all + ID_FORMAT_ROOM, 0, ID_FORMAT_ROOM);
  memcpy(text, all + zeros, ID_FORMAT_ROOM);
  return ID_FORMAT_ROOM - zeros;
}

/* An id ends in 000 by chance once in 1,000 times; but its last bits count the tweets of the same
 * millisecond and are often zero, so once in 125 times at most. What would happen by chance to less
 * than one list in a million is not chance. */
bool id_are_rounded(uint64_t round, uint64_t count) {
  const double chance = 1.0 / 125;
  double n = (double)count, k = (double)round;
  if (round < 3 || k <= chance * n) return false;
  return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(chance) +
             (n - k) * log1p(-chance) <
         log(1e-6);
}

void id_refuse_rounded(const char *path, uint64_t round, uint64_t count, struct error *error) {
  uint64_t thousandths = round * 1000 / count;
  error_at(error, ERROR_REFUSED, path, 0, 0,
           "%llu of its %llu ids (%llu.%llu %%) end in 000, but by chance at most one in a hundred "
           "would: a spreadsheet has rounded them, and they are no longer the ids of tweets - use "
           "the data from before the spreadsheet, or accept them with `allow_rounded`",
           (unsigned long long)round, (unsigned long long)count,
           (unsigned long long)(thousandths / 10), (unsigned long long)(thousandths % 10));
}

/* Whether it is a number in a form that spreadsheets use for long ids. */
static bool is_rounded(const char *text, size_t size) {
  bool digit = false, mark = false;
  for (size_t i = 0; i < size; i++) {
    char c = text[i];
    if (c >= '0' && c <= '9')
      digit = true;
    else if (digit && (c == 'e' || c == 'E' || c == '.' || c == ','))
      mark = true;
    else if (c != '+' && c != '-')
      return false;
  }
  return digit && mark;
}

static const char *problem_of(const char *text, size_t size) {
  bool digits = size > 0;
  for (size_t i = 0; i < size; i++)
    if (text[i] < '0' || text[i] > '9') digits = false;
  if (size == 0) return "is empty, but an id is required";
  if (is_rounded(text, size))
    return "is a number that a spreadsheet has rounded: the id cannot be recovered from it - "
           "use the data from before the spreadsheet";
  if (digits && text[0] == '0') return "begins with a zero, so it is not an id";
  if (digits) return "is too large to be an id (at most 9223372036854775807)";
  return "is not an id (1 to 19 digits and nothing else)";
}

void id_complain(const char *text, size_t size, char *complaint) {
  char shown[41];
  size_t kept = size < sizeof shown - 1 ? size : sizeof shown - 1;
  for (size_t i = 0; i < kept; i++)
    shown[i] = text[i] < ' ' || text[i] > '~' ? '?' : text[i];
  shown[kept] = '\0';
  snprintf(complaint, ID_COMPLAINT, "\"%s%s\" %s", shown, kept < size ? "..." : "",
           problem_of(text, size));
}
