/* bytes16.h - sixteen bytes at a time, as every x86-64 (SSE2) and every AArch64 (NEON) has it
 *
 * Comparisons give bytes of all ones or all zeros. BYTES16 is 1 where this is there; other machines
 * go byte by byte.
 */
#ifndef XCOMPLIANCE_BYTES16_H
#define XCOMPLIANCE_BYTES16_H

#include <stdint.h>

#define BYTES16_INLINE static inline __attribute__((always_inline))

#if defined(__SSE2__)

#include <emmintrin.h>

#define BYTES16 1

typedef __m128i bytes16;

BYTES16_INLINE bytes16 bytes16_at(const char *text) {
  return _mm_loadu_si128((const __m128i *)(const void *)text);
}

BYTES16_INLINE bytes16 bytes16_of(char c) {
  return _mm_set1_epi8(c);
}

BYTES16_INLINE bytes16 bytes16_equal(bytes16 a, bytes16 b) {
  return _mm_cmpeq_epi8(a, b);
}

/* Of bytes from 0 to 255. */
BYTES16_INLINE bytes16 bytes16_at_most(bytes16 a, bytes16 b) {
  return _mm_cmpeq_epi8(_mm_min_epu8(a, b), a);
}

BYTES16_INLINE bytes16 bytes16_and(bytes16 a, bytes16 b) {
  return _mm_and_si128(a, b);
}

BYTES16_INLINE bytes16 bytes16_or(bytes16 a, bytes16 b) {
  return _mm_or_si128(a, b);
}

BYTES16_INLINE bytes16 bytes16_minus(bytes16 a, bytes16 b) {
  return _mm_sub_epi8(a, b);
}

/* One bit for each byte of four comparisons, the first one's in the lowest bits. */
BYTES16_INLINE uint64_t bytes16_bits(bytes16 a, bytes16 b, bytes16 c, bytes16 d) {
  uint32_t low = (uint32_t)_mm_movemask_epi8(a) | (uint32_t)_mm_movemask_epi8(b) << 16;
  uint32_t high = (uint32_t)_mm_movemask_epi8(c) | (uint32_t)_mm_movemask_epi8(d) << 16;
  return low | (uint64_t)high << 32;
}

#elif defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__

#include <arm_neon.h>

#define BYTES16 1

typedef uint8x16_t bytes16;

BYTES16_INLINE bytes16 bytes16_at(const char *text) {
  return vld1q_u8((const uint8_t *)text);
}

BYTES16_INLINE bytes16 bytes16_of(char c) {
  return vdupq_n_u8((uint8_t)c);
}

BYTES16_INLINE bytes16 bytes16_equal(bytes16 a, bytes16 b) {
  return vceqq_u8(a, b);
}

BYTES16_INLINE bytes16 bytes16_at_most(bytes16 a, bytes16 b) {
  return vcleq_u8(a, b);
}

BYTES16_INLINE bytes16 bytes16_and(bytes16 a, bytes16 b) {
  return vandq_u8(a, b);
}

BYTES16_INLINE bytes16 bytes16_or(bytes16 a, bytes16 b) {
  return vorrq_u8(a, b);
}

BYTES16_INLINE bytes16 bytes16_minus(bytes16 a, bytes16 b) {
  return vsubq_u8(a, b);
}

/* There is no instruction for it: each byte keeps one bit of eight, and neighbours are added until
 * eight of them are one byte. */
BYTES16_INLINE uint64_t bytes16_bits(bytes16 a, bytes16 b, bytes16 c, bytes16 d) {
  const uint8x16_t bits = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201u));
  uint8x16_t ab = vpaddq_u8(vandq_u8(a, bits), vandq_u8(b, bits));
  uint8x16_t cd = vpaddq_u8(vandq_u8(c, bits), vandq_u8(d, bits));
  uint8x16_t all = vpaddq_u8(ab, cd);
  return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(all, all)), 0);
}

#else

#define BYTES16 0

#endif

#endif
