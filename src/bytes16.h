/* bytes16.h - sixteen bytes at a time, as every x86-64 (SSE2) and every AArch64 (NEON) has it
 *
 * Comparisons give bytes of all ones or all zeros. BYTES16 is 1 where this is there; other machines
 * go byte by byte.
 */
#ifndef XCOMPLIANCE_BYTES16_H
#define XCOMPLIANCE_BYTES16_H

#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#define BYTES16 1
#elif defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#include <arm_neon.h>
#define BYTES16 1
#else
#define BYTES16 0
#endif

#if BYTES16

#define BYTES16_INLINE static inline __attribute__((always_inline))

/* The operators of C apply to it, byte by byte. */
typedef uint8_t bytes16 __attribute__((vector_size(16)));

BYTES16_INLINE bytes16 bytes16_at(const char *text) {
  bytes16 v;
  memcpy(&v, text, sizeof v);
  return v;
}

BYTES16_INLINE bytes16 bytes16_of(char c) {
  return (bytes16){0} + (uint8_t)c;
}

BYTES16_INLINE bytes16 bytes16_equal(bytes16 v, char c) {
  return (bytes16)(v == bytes16_of(c));
}

/* Of bytes from 0 to 255. */
BYTES16_INLINE bytes16 bytes16_at_most(bytes16 v, char c) {
  return (bytes16)(v <= bytes16_of(c));
}

/* One bit for each byte of four comparisons, the first one's in the lowest bits. */
#ifdef __SSE2__
BYTES16_INLINE uint64_t bytes16_mask(bytes16 v) {
  return (uint32_t)_mm_movemask_epi8((__m128i)v);
}

BYTES16_INLINE uint64_t bytes16_bits(bytes16 a, bytes16 b, bytes16 c, bytes16 d) {
  return bytes16_mask(a) | bytes16_mask(b) << 16 | bytes16_mask(c) << 32 | bytes16_mask(d) << 48;
}
#else
/* There is no instruction for it: each byte keeps one bit of eight, and neighbours are added until
 * eight of them are one byte. */
BYTES16_INLINE uint64_t bytes16_bits(bytes16 a, bytes16 b, bytes16 c, bytes16 d) {
  const uint8x16_t bits = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201u));
  uint8x16_t ab = vpaddq_u8(vandq_u8(a, bits), vandq_u8(b, bits));
  uint8x16_t cd = vpaddq_u8(vandq_u8(c, bits), vandq_u8(d, bits));
  uint8x16_t all = vpaddq_u8(ab, cd);
  return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(all, all)), 0);
}
#endif

#endif

#endif
