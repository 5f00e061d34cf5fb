/* gzip_members.c - see gzip_members.h */
#include "dataset/bytes/gzip_members.h"

#include <isa-l/igzip_lib.h>
#include <stdlib.h>
#include <string.h>

enum {
  TEXT_SIZE = 1 << 20, /* of a member */
  HEAD_SIZE = 20,      /* its header: 10 bytes, and an extra field of 10 */
  FLAGS_AT = 3,
  HAS_EXTRA = 4,
  EXTRA_AT = 12,                          /* after the two bytes that say how long the field is */
  SIZE_AT = 16,                           /* where the header states the size of the member */
  ROOM = TEXT_SIZE + TEXT_SIZE / 64 + 512 /* for a member, even of text that does not shrink */
};

/* ISA-L's three levels, for gzip's nine. The first two take half the time of the third, which saves
 * one byte in twenty; zlib's level 6 takes ten times as long as they and saves a quarter. The
 * memory of a level follows the stream; zeroed, so that nothing depends on what was there. */
static void *packer_new(int level) {
  static const uint32_t memory[] = {0, ISAL_DEF_LVL1_EXTRA_LARGE, ISAL_DEF_LVL2_EXTRA_LARGE,
                                    ISAL_DEF_LVL3_EXTRA_LARGE};
  uint32_t own = level < 4 ? 1 : level < 6 ? 2 : 3;
  struct isal_zstream *stream = calloc(1, sizeof *stream + memory[own]);
  if (!stream) return NULL;
  isal_deflate_init(stream);
  stream->level = own;
  stream->level_buf = (uint8_t *)(stream + 1);
  stream->level_buf_size = memory[own];
  stream->gzip_flag = IGZIP_GZIP_NO_HDR;
  return stream;
}

static void write_number(unsigned char *to, size_t number) {
  for (int i = 0; i < 4; i++)
    to[i] = (unsigned char)(number >> 8 * i);
}

static size_t pack(void *packer, const unsigned char *text, size_t size, unsigned char *to) {
  static const unsigned char head[SIZE_AT] = {0x1f, 0x8b, 8, 4, 0,   0,   0, 0,
                                              0,    255,  8, 0, 'X', 'C', 4, 0};
  struct isal_zstream *stream = packer;
  size_t packed;
  isal_deflate_reset(stream);
  stream->next_in = (unsigned char *)(uintptr_t)text;
  stream->avail_in = (uint32_t)size;
  stream->next_out = to + HEAD_SIZE;
  stream->avail_out = ROOM - HEAD_SIZE;
  stream->end_of_stream = 1;
  isal_deflate(stream); /* with so much room it writes all at once */
  packed = ROOM - stream->avail_out;
  memcpy(to, head, SIZE_AT);
  write_number(to + SIZE_AT, packed);
  return packed;
}

/* The member's size, from its extra field: ours states it in four bytes, bgzip's, less one, in two
 * (The SAM/BAM Format Specification, 4.1). */
size_t gzip_member_size(const unsigned char *b, size_t size) {
  size_t at = EXTRA_AT, end;
  if (size < EXTRA_AT) return EXTRA_AT;
  if (!(b[FLAGS_AT] & HAS_EXTRA)) return 0;
  end = EXTRA_AT + packing_integer(b + EXTRA_AT - 2, 2);
  if (size < end) return end;
  while (at + 4 <= end) {
    const unsigned char *field = b + at;
    size_t length = packing_integer(field + 2, 2);
    if (at + 4 + length > end) return 0;
    if (memcmp(field, "XC", 2) == 0 && length == 4) return packing_integer(field + 4, 4);
    if (memcmp(field, "BC", 2) == 0 && length == 2) return packing_integer(field + 4, 2) + 1;
    at += 4 + length;
  }
  return 0;
}

const struct members_kind gzip_members = {TEXT_SIZE, ROOM, packer_new, pack, free};
