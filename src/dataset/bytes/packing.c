/* packing.c - see packing.h
 *
 * gzip is ISA-L's: it decodes five times as fast as zlib. bzip2 is libbz2's, zstd libzstd's, xz
 * liblzma's. gzip and bzip2 are made of many members (members.h); zstd and xz of one, however the
 * data come, in which their libraries have threads of their own.
 */
#include "dataset/bytes/packing.h"

#include <bzlib.h>
#include <isa-l/igzip_lib.h>
#include <limits.h>
#include <lzma.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "dataset/bytes/gzip_members.h"
#include "memory.h"

enum { LEAST_MEMORY = 128 << 20 };

/* {==================================================================
** gzip
** =================================================================== */

static bool gzip_begins(const unsigned char *b, size_t size) {
  return size >= 2 && b[0] == 0x1f && b[1] == 0x8b;
}

/* Zeroed: for codes that corrupt data leave undefined it would use whatever is there. */
static void *gzip_decoder_new(void) {
  struct inflate_state *state = calloc(1, sizeof *state);
  if (state) isal_inflate_init(state);
  return state;
}

static bool gzip_decoder_begin(void *decoder) {
  struct inflate_state *state = decoder;
  isal_inflate_reset(state);
  state->crc_flag = ISAL_GZIP;
  return true;
}

static uint32_t at_most_32_bits(size_t size) {
  return size > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)size;
}

static enum packing_step gzip_decode(void *decoder, struct packing_buffers *b) {
  struct inflate_state *state = decoder;
  uint32_t in = at_most_32_bits(b->in_size), out = at_most_32_bits(b->out_size);
  int result;
  state->next_in = (unsigned char *)(uintptr_t)b->in;
  state->avail_in = in;
  state->next_out = b->out;
  state->avail_out = out;
  result = isal_inflate(state);
  b->in += in - state->avail_in;
  b->in_size -= in - state->avail_in;
  b->out += out - state->avail_out;
  b->out_size -= out - state->avail_out;
  if (result == ISAL_INCORRECT_CHECKSUM) return PACKING_CHECKSUM;
  if (result < 0) return PACKING_CORRUPT;
  return state->block_state == ISAL_BLOCK_FINISH ? PACKING_DONE : PACKING_MORE;
}

static void *gzip_encoder_new(int level, int threads) {
  return members_encoder_new(&gzip_members, level, threads);
}

/* }================================================================== */

/* {==================================================================
** zstd
** =================================================================== */

struct zstd_decoder {
  ZSTD_DStream *stream;
  bool within; /* a frame */
};

/* A skippable frame may come first. */
static bool zstd_begins(const unsigned char *b, size_t size) {
  if (size < 4) return false;
  return memcmp(b, "\x28\xb5\x2f\xfd", 4) == 0 ||
         ((b[0] & 0xf0) == 0x50 && memcmp(b + 1, "\x2a\x4d\x18", 3) == 0);
}

/* The window that the frame at `b` needs (RFC 8878, 3.1.1.1); 0 if these bytes do not say. */
static uint64_t zstd_window(const unsigned char *b, size_t size) {
  static const size_t dictionary_sizes[] = {0, 1, 2, 4}, content_sizes[] = {1, 2, 4, 8};
  size_t at, content;
  if (size < 6 || memcmp(b, "\x28\xb5\x2f\xfd", 4) != 0) return 0;
  if (!(b[4] & 0x20)) return ((uint64_t)8 + (b[5] & 7)) << (7 + (b[5] >> 3));
  at = 5 + dictionary_sizes[b[4] & 3];
  content = content_sizes[b[4] >> 6];
  if (size < at + content) return 0;
  return packing_integer(b + at, content) + (content == 2 ? 256 : 0);
}

static void zstd_decoder_free(void *decoder) {
  struct zstd_decoder *own = decoder;
  if (own) ZSTD_freeDStream(own->stream);
  free(own);
}

static void *zstd_decoder_new(void) {
  struct zstd_decoder *own = calloc(1, sizeof *own);
  int most = ZSTD_dParam_getBounds(ZSTD_d_windowLogMax).upperBound;
  if (own && (own->stream = ZSTD_createDStream()) &&
      !ZSTD_isError(ZSTD_DCtx_setParameter(own->stream, ZSTD_d_windowLogMax, most)))
    return own;
  zstd_decoder_free(own);
  return NULL;
}

static bool zstd_decoder_begin(void *decoder) {
  ((struct zstd_decoder *)decoder)->within = false;
  return true;
}

static enum packing_step zstd_decode(void *decoder, struct packing_buffers *b) {
  struct zstd_decoder *own = decoder;
  ZSTD_inBuffer in = {b->in, b->in_size, 0};
  ZSTD_outBuffer out = {b->out, b->out_size, 0};
  size_t result;
  if (!own->within) {
    b->needed = zstd_window(b->in, b->in_size);
    if (b->needed > LEAST_MEMORY && b->needed > packing_memory()) return PACKING_MEMORY;
    own->within = true;
  }
  result = ZSTD_decompressStream(own->stream, &out, &in);
  b->in += in.pos;
  b->in_size -= in.pos;
  b->out += out.pos;
  b->out_size -= out.pos;
  if (!ZSTD_isError(result)) return result == 0 ? PACKING_DONE : PACKING_MORE;
  switch (ZSTD_getErrorCode(result)) {
  case ZSTD_error_frameParameter_windowTooLarge: return PACKING_MEMORY;
  case ZSTD_error_memory_allocation: return PACKING_NO_MEMORY;
  case ZSTD_error_checksum_wrong: return PACKING_CHECKSUM;
  default: return PACKING_CORRUPT;
  }
}

static void *zstd_encoder_new(int level, int threads) {
  ZSTD_CCtx *context = ZSTD_createCCtx();
  if (!context) return NULL;
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  if (threads > 0) /* refused by a libzstd that was built without threads, and then does nothing */
    ZSTD_CCtx_setParameter(context, ZSTD_c_nbWorkers, threads);
  return context;
}

static enum packing_step zstd_encode(void *encoder, struct packing_buffers *b) {
  ZSTD_inBuffer in = {b->in, b->in_size, 0};
  ZSTD_outBuffer out = {b->out, b->out_size, 0};
  size_t left = ZSTD_compressStream2(encoder, &out, &in, b->last ? ZSTD_e_end : ZSTD_e_continue);
  b->in += in.pos;
  b->in_size -= in.pos;
  b->out += out.pos;
  b->out_size -= out.pos;
  if (ZSTD_isError(left))
    return ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation ? PACKING_NO_MEMORY
                                                                   : PACKING_REFUSED;
  return (b->last ? left : b->in_size) == 0 ? PACKING_DONE : PACKING_MORE;
}

static void zstd_encoder_free(void *encoder) {
  ZSTD_freeCCtx(encoder);
}

/* }================================================================== */

/* {==================================================================
** bzip2
** =================================================================== */

struct bzip2 {
  bz_stream stream;
  bool begun;
};

static bool bzip2_begins(const unsigned char *b, size_t size) {
  return size >= 4 && memcmp(b, "BZh", 3) == 0 && b[3] >= '1' && b[3] <= '9';
}

static void *bzip2_decoder_new(void) {
  return calloc(1, sizeof(struct bzip2));
}

/* A stream ends where the next begins, which is at a whole byte: with its head, and with 48 bits
 * that begin each block. By chance a byte within a stream looks like that once in 2^77; what is cut
 * there is refused as corrupt. pbzip2 makes and reads such series. */
static size_t bzip2_member_size(const unsigned char *b, size_t size) {
  static const char block[] = "1AY&SY";
  enum { HEAD = 4, BLOCK = sizeof block - 1 };
  for (size_t at = HEAD + BLOCK; at + HEAD + BLOCK <= size; at++) {
    const unsigned char *next = memchr(b + at, 'B', size - HEAD - BLOCK + 1 - at);
    if (!next) break;
    at = (size_t)(next - b);
    if (bzip2_begins(next, HEAD) && memcmp(next + HEAD, block, BLOCK) == 0) return at;
  }
  return 2 * size;
}

static bool bzip2_decoder_begin(void *decoder) {
  struct bzip2 *own = decoder;
  if (own->begun) BZ2_bzDecompressEnd(&own->stream);
  own->begun = BZ2_bzDecompressInit(&own->stream, 0, 0) == BZ_OK;
  return own->begun;
}

static void bzip2_decoder_free(void *decoder) {
  struct bzip2 *own = decoder;
  if (own && own->begun) BZ2_bzDecompressEnd(&own->stream);
  free(own);
}

static int bzip2_work(bz_stream *stream, struct packing_buffers *b) {
  uint32_t in = at_most_32_bits(b->in_size), out = at_most_32_bits(b->out_size);
  int result;
  stream->next_in = (char *)(uintptr_t)b->in;
  stream->avail_in = in;
  stream->next_out = (char *)b->out;
  stream->avail_out = out;
  result = BZ2_bzDecompress(stream);
  b->in += in - stream->avail_in;
  b->in_size -= in - stream->avail_in;
  b->out += out - stream->avail_out;
  b->out_size -= out - stream->avail_out;
  return result;
}

static enum packing_step bzip2_decode(void *decoder, struct packing_buffers *b) {
  switch (bzip2_work(&((struct bzip2 *)decoder)->stream, b)) {
  case BZ_OK: return PACKING_MORE;
  case BZ_STREAM_END: return PACKING_DONE;
  case BZ_MEM_ERROR: return PACKING_NO_MEMORY;
  default: return PACKING_CORRUPT;
  }
}

enum {
  BZIP2_TEXT = 890000, /* bytes of a stream: a block of level 9, with room for the codes of runs */
  BZIP2_ROOM = BZIP2_TEXT + BZIP2_TEXT / 100 + 600
};

/* libbz2 takes memory for each stream by itself, so a packer is its level alone. */
static void *bzip2_packer_new(int level) {
  int *packer = malloc(sizeof *packer);
  if (packer) *packer = level;
  return packer;
}

static size_t bzip2_pack(void *packer, const unsigned char *text, size_t size, unsigned char *to) {
  const int *level = packer;
  unsigned made = BZIP2_ROOM;
  int result = BZ2_bzBuffToBuffCompress((char *)to, &made, (char *)(uintptr_t)text, (unsigned)size,
                                        *level, 0, 0);
  return result == BZ_OK ? made : 0;
}

static void *bzip2_encoder_new(int level, int threads) {
  static const struct members_kind streams = {BZIP2_TEXT, BZIP2_ROOM, bzip2_packer_new, bzip2_pack,
                                              free};
  return members_encoder_new(&streams, level, threads);
}

/* }================================================================== */

/* {==================================================================
** xz
** =================================================================== */

enum {
  XZ_BLOCK = 8 << 20, /* bytes that one of several threads encodes at a time */
};

static bool xz_begins(const unsigned char *b, size_t size) {
  return size >= 6 && memcmp(b,
                             "\xfd"
                             "7zXZ",
                             6) == 0;
}

static void *xz_new(void) {
  return calloc(1, sizeof(lzma_stream));
}

static void xz_free(void *coder) {
  lzma_stream *stream = coder;
  if (stream) lzma_end(stream);
  free(stream);
}

static bool xz_decoder_begin(void *decoder) {
  return lzma_stream_decoder(decoder, packing_memory(), LZMA_TELL_UNSUPPORTED_CHECK) == LZMA_OK;
}

static lzma_ret xz_work(lzma_stream *stream, struct packing_buffers *b, lzma_action action) {
  lzma_ret result;
  stream->next_in = b->in;
  stream->avail_in = b->in_size;
  stream->next_out = b->out;
  stream->avail_out = b->out_size;
  result = lzma_code(stream, action);
  b->in = stream->next_in;
  b->in_size = stream->avail_in;
  b->out = stream->next_out;
  b->out_size = stream->avail_out;
  return result;
}

static enum packing_step xz_decode(void *decoder, struct packing_buffers *b) {
  switch (xz_work(decoder, b, LZMA_RUN)) {
  case LZMA_OK:
  case LZMA_BUF_ERROR: return PACKING_MORE;
  case LZMA_STREAM_END: return PACKING_DONE;
  case LZMA_MEM_ERROR: return PACKING_NO_MEMORY;
  case LZMA_MEMLIMIT_ERROR: b->needed = lzma_memusage(decoder); return PACKING_MEMORY;
  case LZMA_UNSUPPORTED_CHECK:
  case LZMA_OPTIONS_ERROR: return PACKING_REFUSED;
  default: return PACKING_CORRUPT;
  }
}

static void *xz_encoder_new(int level, int threads) {
  lzma_mt options = {.threads = (uint32_t)threads + 1,
                     .block_size = XZ_BLOCK,
                     .preset = (uint32_t)level,
                     .check = LZMA_CHECK_CRC64};
  lzma_stream *stream = xz_new();
  lzma_ret result;
  if (!stream) return NULL;
  result = threads > 0 ? lzma_stream_encoder_mt(stream, &options)
                       : lzma_easy_encoder(stream, options.preset, options.check);
  if (result == LZMA_OK) return stream;
  xz_free(stream);
  return NULL;
}

static enum packing_step xz_encode(void *encoder, struct packing_buffers *b) {
  if (!b->last && b->in_size == 0) return PACKING_DONE;
  switch (xz_work(encoder, b, b->last ? LZMA_FINISH : LZMA_RUN)) {
  case LZMA_OK: return b->in_size == 0 && !b->last ? PACKING_DONE : PACKING_MORE;
  case LZMA_BUF_ERROR: return PACKING_MORE;
  case LZMA_STREAM_END: return PACKING_DONE;
  case LZMA_MEM_ERROR: return PACKING_NO_MEMORY;
  default: return PACKING_REFUSED;
  }
}

/* }================================================================== */

/* {==================================================================
** The table
** =================================================================== */

static const struct packing packings[] = {
    {"gzip",
     ".gz",
     {".tgz"},
     "gunzip",
     "gunzip",
     gzip_begins,
     gzip_decoder_new,
     gzip_decoder_begin,
     gzip_decode,
     free,
     gzip_member_size,
     5,
     gzip_encoder_new,
     members_encode,
     members_encoder_free},
    {"zstd",
     ".zst",
     {".tzst"},
     "unzstd",
     "unzstd --long=31",
     zstd_begins,
     zstd_decoder_new,
     zstd_decoder_begin,
     zstd_decode,
     zstd_decoder_free,
     NULL,
     3,
     zstd_encoder_new,
     zstd_encode,
     zstd_encoder_free},
    {"bzip2",
     ".bz2",
     {".tbz2", ".tbz"},
     "bunzip2",
     "bunzip2",
     bzip2_begins,
     bzip2_decoder_new,
     bzip2_decoder_begin,
     bzip2_decode,
     bzip2_decoder_free,
     bzip2_member_size,
     9,
     bzip2_encoder_new,
     members_encode,
     members_encoder_free},
    {"xz",
     ".xz",
     {".txz"},
     "unxz",
     "unxz",
     xz_begins,
     xz_new,
     xz_decoder_begin,
     xz_decode,
     xz_free,
     NULL,
     6,
     xz_encoder_new,
     xz_encode,
     xz_free},
};

uint64_t packing_integer(const unsigned char *bytes, size_t size) {
  uint64_t number = 0;
  while (size-- > 0)
    number = number << 8 | bytes[size];
  return number;
}

uint64_t packing_memory(void) {
  uint64_t quarter = memory_allowed() / 4;
  return quarter > LEAST_MEMORY ? quarter : LEAST_MEMORY;
}

const struct packing *packing_number(size_t i) {
  return i < sizeof packings / sizeof *packings ? &packings[i] : NULL;
}

const struct packing *packing_of_bytes(const void *bytes, size_t size) {
  for (size_t i = 0; packing_number(i); i++)
    if (packings[i].begins(bytes, size)) return &packings[i];
  return NULL;
}

static bool ends_in(const char *name, size_t size, const char *ending) {
  size_t length = strlen(ending);
  return size > length && strcasecmp(name + size - length, ending) == 0;
}

/* The size of the suffix of `name` that states the packing; 0 if none does. */
static size_t suffix_of(const struct packing *packing, const char *name, size_t size) {
  if (ends_in(name, size, packing->suffix)) return strlen(packing->suffix);
  for (size_t i = 0; i < 2 && packing->tar_suffix[i]; i++)
    if (ends_in(name, size, packing->tar_suffix[i])) return strlen(packing->tar_suffix[i]);
  return 0;
}

const struct packing *packing_of_name(const char *name, size_t *size) {
  *size = strlen(name);
  for (size_t i = 0; packing_number(i); i++) {
    size_t length = suffix_of(&packings[i], name, *size);
    if (length == 0) continue;
    *size -= length;
    return &packings[i];
  }
  return NULL;
}

/* }================================================================== */
