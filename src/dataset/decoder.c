/* decoder.c - see decoder.h
 *
 * One producer, one consumer, a ring of blocks under one lock: a block is a quarter of a mebibyte,
 * so the lock is taken some thousand times a second and costs nothing that could be measured.
 */
#include "dataset/decoder.h"

#include <isa-l/igzip_lib.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "thread.h"

enum { INPUT_SIZE = 1 << 18, BLOCK_SIZE = 1 << 18, BLOCKS = 4, WINDOW_LOG_MAX = 27 };

struct block {
  size_t size;
  unsigned char bytes[BLOCK_SIZE];
};

struct decoder {
  enum decoder_kind kind;
  struct input *input;
  struct thread thread;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  /* under the lock */
  struct block *blocks[BLOCKS];
  unsigned filled, first; /* how many blocks are full; which comes next */
  bool ended;             /* the thread fills no more; `error` is set where it failed */
  bool stopped;           /* the consumer wants no more */
  struct error error;
  /* the consumer's */
  size_t taken; /* bytes of the first block */
  /* the thread's */
  unsigned char *in; /* INPUT_SIZE bytes */
  size_t in_next, in_end;
  struct block *out;
  struct inflate_state *inflate;
  ZSTD_DStream *zstd;
};

enum decoder_kind decoder_kind(const void *bytes, size_t size) {
  const unsigned char *b = bytes;
  if (size >= 2 && b[0] == 0x1f && b[1] == 0x8b) return DECODER_GZIP;
  if (size < 4 || b[1] != 0xb5 || b[2] != 0x2f || b[3] != 0xfd)
    /* a skippable frame may come first */
    return size >= 4 && (b[0] & 0xf0) == 0x50 && b[1] == 0x2a && b[2] == 0x4d && b[3] == 0x18
               ? DECODER_ZSTD
               : DECODER_NONE;
  return b[0] == 0x28 ? DECODER_ZSTD : DECODER_NONE;
}

/* The thread's side */

static bool failed(struct decoder *decoder, const char *problem) {
  error_set(&decoder->error, ERROR_DATA, "%s", problem);
  return false;
}

/* Waits for a block that can be filled. False where the consumer wants no more. */
static bool next_block(struct decoder *decoder) {
  bool stopped;
  pthread_mutex_lock(&decoder->mutex);
  while (decoder->filled == BLOCKS && !decoder->stopped)
    pthread_cond_wait(&decoder->changed, &decoder->mutex);
  stopped = decoder->stopped;
  decoder->out = decoder->blocks[(decoder->first + decoder->filled) % BLOCKS];
  decoder->out->size = 0;
  pthread_mutex_unlock(&decoder->mutex);
  return !stopped;
}

static void pass_block(struct decoder *decoder) {
  if (!decoder->out || decoder->out->size == 0) return;
  pthread_mutex_lock(&decoder->mutex);
  decoder->filled++;
  pthread_cond_signal(&decoder->changed);
  pthread_mutex_unlock(&decoder->mutex);
  decoder->out = NULL;
}

/* Makes sure that there is room to decode into. */
static bool have_room(struct decoder *decoder) {
  if (decoder->out && decoder->out->size < BLOCK_SIZE) return true;
  pass_block(decoder);
  return next_block(decoder);
}

/* Reads on where all input has been used. False where that failed; `*ended` where there is none. */
static bool have_input(struct decoder *decoder, bool *ended) {
  int64_t got;
  *ended = false;
  if (decoder->in_next < decoder->in_end) return true;
  got = input_read(decoder->input, decoder->in, INPUT_SIZE, &decoder->error);
  decoder->in_next = 0;
  decoder->in_end = got > 0 ? (size_t)got : 0;
  *ended = got == 0;
  return got >= 0;
}

/* One member, of which the first byte at least is there. At the end of the input what the decoder
 * still holds must come out; only when nothing comes the member has been cut off. */
static bool decode_member(struct decoder *decoder) {
  struct inflate_state *state = decoder->inflate;
  isal_inflate_reset(state);
  state->crc_flag = ISAL_GZIP;
  while (state->block_state != ISAL_BLOCK_FINISH) {
    size_t before;
    bool ended;
    int result;
    if (!have_room(decoder) || !have_input(decoder, &ended)) return false;
    before = decoder->out->size;
    state->next_in = decoder->in + decoder->in_next;
    state->avail_in = (uint32_t)(decoder->in_end - decoder->in_next);
    state->next_out = decoder->out->bytes + before;
    state->avail_out = (uint32_t)(BLOCK_SIZE - before);
    result = isal_inflate(state);
    decoder->in_next = decoder->in_end - state->avail_in;
    decoder->out->size = BLOCK_SIZE - state->avail_out;
    if (result == ISAL_INCORRECT_CHECKSUM)
      return failed(decoder, "the gzip data are corrupt: their check sum is wrong");
    if (result < 0) return failed(decoder, "the gzip data are corrupt");
    if (ended && decoder->out->size == before && state->block_state != ISAL_BLOCK_FINISH)
      return failed(decoder, "the gzip data end too early: the file is truncated");
  }
  return true;
}

/* Zero bytes behind the last member are padding (tapes had it), anything else is no gzip file. */
static bool decode_gzip(struct decoder *decoder) {
  bool ended, padding = false;
  while (have_input(decoder, &ended)) {
    if (ended) return true;
    if (decoder->in[decoder->in_next] == 0) {
      padding = true;
      decoder->in_next++;
    } else if (padding || decoder->in[decoder->in_next] != 0x1f) {
      return failed(decoder, "something that is not gzip follows the gzip data");
    } else if (!decode_member(decoder)) {
      return false;
    }
  }
  return false;
}

static bool decode_zstd(struct decoder *decoder) {
  size_t result = 0; /* 0: between two frames */
  for (;;) {
    ZSTD_inBuffer in;
    ZSTD_outBuffer out;
    size_t before;
    bool ended;
    if (!have_room(decoder) || !have_input(decoder, &ended)) return false;
    if (ended && result == 0) return true;
    before = decoder->out->size;
    in = (ZSTD_inBuffer){decoder->in, decoder->in_end, decoder->in_next};
    out = (ZSTD_outBuffer){decoder->out->bytes, BLOCK_SIZE, before};
    result = ZSTD_decompressStream(decoder->zstd, &out, &in);
    if (ZSTD_isError(result)) return failed(decoder, "the zstd data are corrupt");
    if (ended && out.pos == before && result != 0)
      return failed(decoder, "the zstd data end too early: the file is truncated");
    decoder->in_next = in.pos;
    decoder->out->size = out.pos;
  }
}

static void decode(void *argument) {
  struct decoder *decoder = argument;
  if (decoder->kind == DECODER_GZIP)
    decode_gzip(decoder);
  else
    decode_zstd(decoder);
  pass_block(decoder);
  pthread_mutex_lock(&decoder->mutex);
  decoder->ended = true;
  pthread_cond_signal(&decoder->changed);
  pthread_mutex_unlock(&decoder->mutex);
}

/* The consumer's side */

static bool allocate(struct decoder *decoder, const void *first, size_t size) {
  size_t room = size > INPUT_SIZE ? size : INPUT_SIZE;
  for (int i = 0; i < BLOCKS; i++)
    if (!(decoder->blocks[i] = malloc(sizeof *decoder->blocks[i]))) return false;
  if (!(decoder->in = malloc(room))) return false;
  memcpy(decoder->in, first, size);
  decoder->in_end = size;
  if (decoder->kind == DECODER_GZIP) {
    /* zeroed: of codes that corrupt data leave undefined it would use whatever it finds */
    if (!(decoder->inflate = calloc(1, sizeof *decoder->inflate))) return false;
    isal_inflate_init(decoder->inflate);
    return true;
  }
  decoder->zstd = ZSTD_createDStream();
  return decoder->zstd &&
         !ZSTD_isError(ZSTD_DCtx_setParameter(decoder->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX));
}

static void release(struct decoder *decoder) {
  for (int i = 0; i < BLOCKS; i++)
    free(decoder->blocks[i]);
  free(decoder->in);
  free(decoder->inflate);
  ZSTD_freeDStream(decoder->zstd);
  pthread_mutex_destroy(&decoder->mutex);
  pthread_cond_destroy(&decoder->changed);
  free(decoder);
}

struct decoder *decoder_open(enum decoder_kind kind, struct input *input, const void *first,
                             size_t size, struct error *error) {
  struct decoder *decoder = calloc(1, sizeof *decoder);
  if (!decoder) {
    error_set(error, ERROR_MEMORY, "decoding %s: out of memory", input->path);
    return NULL;
  }
  decoder->kind = kind;
  decoder->input = input;
  pthread_mutex_init(&decoder->mutex, NULL);
  pthread_cond_init(&decoder->changed, NULL);
  if (!allocate(decoder, first, size)) {
    error_set(error, ERROR_MEMORY, "decoding %s: out of memory", input->path);
  } else if (thread_start(&decoder->thread, decode, decoder) != 0) {
    error_set(error, ERROR_IO, "decoding %s: the system has no thread to spare", input->path);
  } else {
    return decoder;
  }
  release(decoder);
  return NULL;
}

/* Waits for a block that can be read; NULL at the end and after a failure. */
static struct block *full_block(struct decoder *decoder) {
  struct block *block = NULL;
  pthread_mutex_lock(&decoder->mutex);
  while (decoder->filled == 0 && !decoder->ended)
    pthread_cond_wait(&decoder->changed, &decoder->mutex);
  if (decoder->filled > 0) block = decoder->blocks[decoder->first];
  pthread_mutex_unlock(&decoder->mutex);
  return block;
}

static void free_block(struct decoder *decoder) {
  pthread_mutex_lock(&decoder->mutex);
  decoder->first = (decoder->first + 1) % BLOCKS;
  decoder->filled--;
  decoder->taken = 0;
  pthread_cond_signal(&decoder->changed);
  pthread_mutex_unlock(&decoder->mutex);
}

int64_t decoder_read(struct decoder *decoder, void *to, size_t size, struct error *error) {
  size_t got = 0;
  while (got < size) {
    struct block *block = full_block(decoder);
    size_t some;
    if (!block) break;
    some = block->size - decoder->taken;
    if (some > size - got) some = size - got;
    memcpy((char *)to + got, block->bytes + decoder->taken, some);
    got += some;
    decoder->taken += some;
    if (decoder->taken == block->size) free_block(decoder);
  }
  if (got > 0 || decoder->error.code == ERROR_NONE) return (int64_t)got;
  *error = decoder->error;
  return -1;
}

void decoder_close(struct decoder *decoder) {
  if (!decoder) return;
  atomic_store(&decoder->input->stop, true);
  pthread_mutex_lock(&decoder->mutex);
  decoder->stopped = true;
  pthread_cond_signal(&decoder->changed);
  pthread_mutex_unlock(&decoder->mutex);
  thread_join(&decoder->thread);
  release(decoder);
}
