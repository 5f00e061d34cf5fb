/* json_scan.c - see json_scan.h
 *
 * For each block of 64 bytes masks are made, one bit a byte: quotes, backslashes, separators, white
 * space. Which bytes are escaped follows from the backslashes; which are inside of strings from the
 * quotes that are not, by a running exclusive or. What is left outside of strings is structural.
 *
 * Only the making of masks differs between machines; all else is written once, and compiled into
 * each scanner so that it uses the instructions of the machine.
 */
#include "dataset/text/json_scan.h"

#include <stdbool.h>

#ifdef __SSE2__
#include <immintrin.h>
#endif

#include "bytes16.h"

#define INLINE static inline __attribute__((always_inline))

static bool is_escape(char c) {
  switch (c) {
  case '"':
  case '\\':
  case '/':
  case 'b':
  case 'f':
  case 'n':
  case 'r':
  case 't':
  case 'u': return true;
  default: return false;
  }
}

#if BYTES16

/* The masks of one block. */
struct masks {
  uint64_t quotes, backslashes, separators;
  uint64_t blank;   /* white space and control characters */
  uint64_t control; /* not zero if there are control characters or white space but spaces */
};

/* Sixteen bytes at a time */

/* Applies a function of 16 bytes to the four quarters of a block. */
#define MASK(text, is)                                                                             \
  bytes16_bits(is(bytes16_at(text)), is(bytes16_at((text) + 16)), is(bytes16_at((text) + 32)),     \
               is(bytes16_at((text) + 48)))

INLINE bytes16 is_quote(bytes16 v) {
  return bytes16_equal(v, '"');
}

INLINE bytes16 is_backslash(bytes16 v) {
  return bytes16_equal(v, '\\');
}

INLINE bytes16 is_separating(bytes16 v) {
  bytes16 braced = v | bytes16_of(0x20); /* the brackets differ from the braces by this bit */
  return bytes16_equal(v, ',') | bytes16_equal(v, ':') | bytes16_equal(braced, '{') |
         bytes16_equal(braced, '}');
}

INLINE bytes16 is_blank(bytes16 v) {
  return bytes16_at_most(v, ' ');
}

INLINE bytes16 is_control(bytes16 v) {
  return bytes16_at_most(v, 0x1f);
}

INLINE bytes16 is_space(bytes16 v) {
  return bytes16_equal(v, '\n') | bytes16_equal(v, '\r') | bytes16_equal(v, '\t');
}

INLINE bytes16 is_u(bytes16 v) {
  return bytes16_equal(v, 'u');
}

INLINE bytes16 is_hex_digit(bytes16 v) {
  bytes16 lower = v | bytes16_of(0x20);
  return bytes16_at_most(v - bytes16_of('0'), 9) | bytes16_at_most(lower - bytes16_of('a'), 5);
}

INLINE struct masks masks_16(const char *text) {
  return (struct masks){MASK(text, is_quote), MASK(text, is_backslash), MASK(text, is_separating),
                        MASK(text, is_blank), MASK(text, is_control)};
}

INLINE uint64_t count_bits(uint64_t bits) {
  bits -= bits >> 1 & 0x5555555555555555u;
  bits = (bits & 0x3333333333333333u) + (bits >> 2 & 0x3333333333333333u);
  return ((bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0fu) * 0x0101010101010101u >> 56;
}

/* For no bits the result is arbitrary, but defined. */
INLINE int count_zeros(uint64_t bits) {
  return __builtin_ctzll(bits | (uint64_t)1 << 63);
}

/* Each bit becomes the exclusive or of itself and all below. */
INLINE uint64_t running_xor(uint64_t bits) {
  bits ^= bits << 1;
  bits ^= bits << 2;
  bits ^= bits << 4;
  bits ^= bits << 8;
  bits ^= bits << 16;
  return bits ^ bits << 32;
}

#ifdef __SSE2__

/* AVX2, with the instructions that came before it */

#define AVX2 __attribute__((target("avx2,bmi,bmi2,popcnt,pclmul")))

#define JOIN(a, b)                                                                                 \
  ((uint32_t)_mm256_movemask_epi8(a) | (uint64_t)(uint32_t)_mm256_movemask_epi8(b) << 32)

AVX2 INLINE struct masks masks_avx2(const char *text) {
  /* by the low four bits: what a separator is, with the bit 0x20 set */
  const __m256i separators =
      _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ':', '{', ',', '}', 0, 0, 0, 0, 0, 0, 0, 0, 0,
                       0, 0, 0, ':', '{', ',', '}', 0, 0);
  const __m256i quote = _mm256_set1_epi8('"'), backslash = _mm256_set1_epi8('\\');
  const __m256i space = _mm256_set1_epi8(' '), control = _mm256_set1_epi8(0x1f);
  __m256i a = _mm256_loadu_si256((const __m256i *)text);
  __m256i b = _mm256_loadu_si256((const __m256i *)(text + 32));
  struct masks masks;
  masks.quotes = JOIN(_mm256_cmpeq_epi8(a, quote), _mm256_cmpeq_epi8(b, quote));
  masks.backslashes = JOIN(_mm256_cmpeq_epi8(a, backslash), _mm256_cmpeq_epi8(b, backslash));
  /* two control characters look like separators here; they are refused anyway */
  masks.separators =
      JOIN(_mm256_cmpeq_epi8(_mm256_or_si256(a, space), _mm256_shuffle_epi8(separators, a)),
           _mm256_cmpeq_epi8(_mm256_or_si256(b, space), _mm256_shuffle_epi8(separators, b)));
  masks.blank = JOIN(_mm256_cmpeq_epi8(_mm256_min_epu8(a, space), a),
                     _mm256_cmpeq_epi8(_mm256_min_epu8(b, space), b));
  masks.control = JOIN(_mm256_cmpeq_epi8(_mm256_min_epu8(a, control), a),
                       _mm256_cmpeq_epi8(_mm256_min_epu8(b, control), b));
  return masks;
}

AVX2 INLINE uint64_t count_bits_avx2(uint64_t bits) {
  return (uint64_t)__builtin_popcountll(bits);
}

AVX2 INLINE uint64_t running_xor_avx2(uint64_t bits) {
  __m128i product = _mm_clmulepi64_si128(_mm_set_epi64x(0, (int64_t)bits), _mm_set1_epi8(-1), 0);
  return (uint64_t)_mm_cvtsi128_si64(product);
}

/* AVX-512, as far as the machines of 2019 and later have it */

#define AVX512                                                                                     \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,avx2,bmi,bmi2,popcnt,pclmul")))

AVX512 INLINE struct masks masks_avx512(const char *text) {
  const __m512i separators =
      _mm512_broadcast_i32x4(_mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ':', '{', ',', '}', 0, 0));
  __m512i v = _mm512_loadu_si512(text);
  __m512i braced = _mm512_or_si512(v, _mm512_set1_epi8(0x20));
  return (struct masks){
      _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('"')),
      _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\\')),
      _mm512_cmpeq_epi8_mask(braced, _mm512_shuffle_epi8(separators, v)),
      _mm512_cmple_epu8_mask(v, _mm512_set1_epi8(' ')),
      _mm512_cmple_epu8_mask(v, _mm512_set1_epi8(0x1f)),
  };
}

/* Sixteen offsets at a time, out of the numbers from 0 to 63 that have their bits set. */
AVX512 INLINE uint32_t *write_avx512(uint32_t *index, uint64_t bits, uint32_t base) {
  static const uint8_t numbers[64] = {
      0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
      22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
      44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
  uint32_t *end = index + __builtin_popcountll(bits);
  __m512i places = _mm512_maskz_compress_epi8(bits, _mm512_loadu_si512(numbers));
  do {
    __m512i some = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(places));
    _mm512_storeu_si512(index, _mm512_add_epi32(some, _mm512_set1_epi32((int)base)));
    places = _mm512_shuffle_i32x4(places, places, _MM_SHUFFLE(0, 3, 2, 1));
    index += 16;
  } while (index < end);
  return end;
}

#endif

/* Common to all */

/* The bytes after backslashes that are not themselves escaped. Several backslashes in a row are
 * rare. */
INLINE uint64_t find_escaped(uint64_t backslashes, uint64_t *carry) {
  uint64_t escaped = *carry;
  backslashes &= ~escaped;
  if (!(backslashes & backslashes << 1)) {
    *carry = backslashes >> 63;
    return escaped | backslashes << 1;
  }
  *carry = 0;
  while (backslashes) {
    uint64_t first = backslashes & -backslashes;
    escaped |= first << 1;
    *carry = first >> 63;
    backslashes &= ~(first | first << 1);
  }
  return escaped;
}

/* The escaped bytes that may not be; then the digits after each `u`. */
INLINE uint64_t bad_escapes(const char *text, uint64_t escaped, uint64_t *hex) {
  uint64_t u = escaped ? escaped & MASK(text, is_u) : 0;
  uint64_t others = escaped & ~u, due = *hex, bad = 0;
  for (; others; others &= others - 1)
    if (!is_escape(text[__builtin_ctzll(others)])) bad |= others & -others;
  due |= u << 1 | u << 2 | u << 3 | u << 4;
  *hex = u >> 63 | u >> 62 | u >> 61 | u >> 60;
  return due ? bad | (due & ~MASK(text, is_hex_digit)) : bad;
}

/* What few blocks need: those with backslashes. Takes the escaped quotes away. */
INLINE uint64_t check_escapes(struct json_scan *scan, const char *text, uint64_t backslashes,
                              uint64_t *quotes) {
  uint64_t escaped = find_escaped(backslashes, &scan->escaped);
  uint64_t bad = bad_escapes(text, escaped & ~(*quotes | backslashes), &scan->hex);
  *quotes &= ~escaped;
  return bad;
}

INLINE uint64_t bad_controls(const char *text, uint64_t control, uint64_t in_string) {
  return control & (in_string | ~MASK(text, is_space));
}

/* Writes the offsets of the bits, twelve at a time: extra ones are overwritten later, and most
 * blocks have no more. */
#define WRITE_ONE(i, count_zeros)                                                                  \
  index[i] = base + (uint32_t)count_zeros(bits);                                                   \
  bits &= bits - 1
#define WRITE_FOUR(i, count_zeros)                                                                 \
  WRITE_ONE(i, count_zeros);                                                                       \
  WRITE_ONE(i + 1, count_zeros);                                                                   \
  WRITE_ONE(i + 2, count_zeros);                                                                   \
  WRITE_ONE(i + 3, count_zeros)
#define WRITER(name, TARGET, count_bits, count_zeros)                                              \
  TARGET INLINE uint32_t *name(uint32_t *index, uint64_t bits, uint32_t base) {                    \
    uint32_t *end = index + count_bits(bits);                                                      \
    do {                                                                                           \
      WRITE_FOUR(0, count_zeros);                                                                  \
      WRITE_FOUR(4, count_zeros);                                                                  \
      WRITE_FOUR(8, count_zeros);                                                                  \
      index += 12;                                                                                 \
    } while (index < end);                                                                         \
    return end;                                                                                    \
  }

/* A scanner. `valid` has a bit for each byte of the block that belongs to the text. */
#define SCANNER(name, TARGET, find_masks, running_xor, write)                                      \
  TARGET static __attribute__((noinline)) uint64_t name##_escapes(                                 \
      struct json_scan *scan, const char *text, uint64_t backslashes, uint64_t *quotes) {          \
    return check_escapes(scan, text, backslashes, quotes);                                         \
  }                                                                                                \
  TARGET static uint32_t *name(struct json_scan *scan, const char *text, size_t start, size_t end, \
                               uint32_t *index, size_t *bad_at) {                                  \
    uint64_t was_in_string = scan->in_string, run = scan->run;                                     \
    *bad_at = end;                                                                                 \
    for (size_t at = start; at < end; at += JSON_SCAN_BLOCK) {                                     \
      struct masks m = find_masks(text + at);                                                      \
      uint64_t valid = end - at < JSON_SCAN_BLOCK ? ~(UINT64_MAX << (end - at)) : UINT64_MAX;      \
      uint64_t bad = 0, quotes = m.quotes & valid, in_string, runs;                                \
      if (__builtin_expect((m.backslashes | scan->escaped | scan->hex) != 0, 0)) {                 \
        uint64_t unescaped = quotes;                                                               \
        bad = name##_escapes(scan, text + at, m.backslashes, &unescaped);                          \
        quotes = unescaped;                                                                        \
      }                                                                                            \
      in_string = running_xor(quotes) ^ was_in_string; /* the opening quote, not the other */      \
      was_in_string = (uint64_t)((int64_t)in_string >> 63);                                        \
      if (__builtin_expect(m.control != 0, 0))                                                     \
        bad |= bad_controls(text + at, m.control, in_string);                                      \
      if (__builtin_expect((bad & valid) != 0, 0)) {                                               \
        *bad_at = at + (size_t)__builtin_ctzll(bad & valid);                                       \
        break;                                                                                     \
      }                                                                                            \
      runs = ~(m.separators | m.blank | in_string | quotes);                                       \
      index = write(index,                                                                         \
                    valid & ((m.separators & ~in_string) | (quotes & in_string) |                  \
                             (runs & ~(runs << 1 | run))),                                         \
                    (uint32_t)at);                                                                 \
      run = runs >> 63;                                                                            \
    }                                                                                              \
    scan->in_string = was_in_string;                                                               \
    scan->run = run;                                                                               \
    return index;                                                                                  \
  }

WRITER(write_16, , count_bits, count_zeros)
SCANNER(scan_16, , masks_16, running_xor, write_16)

#ifdef __SSE2__

WRITER(write_avx2, AVX2, count_bits_avx2, _tzcnt_u64)
SCANNER(scan_avx2, AVX2, masks_avx2, running_xor_avx2, write_avx2)

SCANNER(scan_avx512, AVX512, masks_avx512, running_xor_avx2, write_avx512)

#endif
#endif

/* Byte by byte */

static bool is_hex(char c) {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static bool is_separator(char c) {
  return c == ',' || c == ':' || c == '{' || c == '}' || c == '[' || c == ']';
}

/* Whether the byte breaks a rule; follows escapes. */
static bool is_bad(struct json_scan *scan, char c) {
  bool escaped = scan->escaped, due = scan->hex & 1;
  bool bad = (due && !is_hex(c)) || (escaped && !is_escape(c));
  scan->hex = scan->hex >> 1 | (escaped && c == 'u' ? 15 : 0);
  scan->escaped = c == '\\' && !escaped;
  return bad ||
         ((unsigned char)c < ' ' && (scan->in_string || (c != '\n' && c != '\r' && c != '\t')));
}

/* Whether the byte is structural; follows strings and runs. */
static bool is_structural(struct json_scan *scan, char c, bool escaped) {
  bool in_string = scan->in_string, run = scan->run;
  scan->run = 0;
  if (c == '"' && !escaped) {
    scan->in_string = in_string ? 0 : UINT64_MAX;
    return !in_string;
  }
  if (in_string) return false;
  if (is_separator(c)) return true;
  scan->run = (unsigned char)c > ' ';
  return scan->run && !run;
}

static uint32_t *scan_bytes(struct json_scan *scan, const char *text, size_t start, size_t end,
                            uint32_t *index, size_t *bad) {
  *bad = end;
  for (size_t at = start; at < end; at++) {
    bool escaped = scan->escaped;
    if (is_bad(scan, text[at])) {
      *bad = at;
      break;
    }
    if (is_structural(scan, text[at], escaped)) *index++ = (uint32_t)at;
  }
  return index;
}

enum json_scanner json_scanner(void) {
#ifdef __SSE2__
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi") ||
      !__builtin_cpu_supports("bmi2") || !__builtin_cpu_supports("popcnt") ||
      !__builtin_cpu_supports("pclmul"))
    return JSON_16;
  if (!__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512vl") ||
      !__builtin_cpu_supports("avx512vbmi2"))
    return JSON_AVX2;
  return JSON_AVX512;
#elif BYTES16
  return JSON_16;
#else
  return JSON_PORTABLE;
#endif
}

uint32_t *json_scan(enum json_scanner scanner, struct json_scan *scan, const char *text,
                    size_t start, size_t end, uint32_t *index, size_t *bad) {
#ifdef __SSE2__
  if (scanner == JSON_AVX512) return scan_avx512(scan, text, start, end, index, bad);
  if (scanner == JSON_AVX2) return scan_avx2(scan, text, start, end, index, bad);
#endif
#if BYTES16
  if (scanner == JSON_16) return scan_16(scan, text, start, end, index, bad);
#endif
  (void)scanner;
  return scan_bytes(scan, text, start, end, index, bad);
}
