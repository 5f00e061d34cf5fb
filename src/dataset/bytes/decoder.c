/* decoder.c - see decoder.h
 *
 * One producer, one consumer, a ring of blocks under one lock: a block is a quarter of a mebibyte,
 * so the lock is taken some thousand times a second, which costs nothing measurable.
 */
#include "dataset/bytes/decoder.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "thread.h"

enum { INPUT_SIZE = 1 << 18, BLOCK_SIZE = 1 << 18, BLOCKS = 4 };

struct block {
  size_t size;
  unsigned char bytes[BLOCK_SIZE];
};

struct decoder {
  const struct packing *packing;
  struct input *input;
  struct thread thread;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  /* under the lock */
  struct block *blocks[BLOCKS];
  unsigned filled, first; /* how many blocks are full; which comes next */
  bool ended;             /* the thread has stopped filling; `error` is set if it failed */
  bool stopped;           /* the consumer has stopped */
  struct error error;
  /* the consumer's */
  size_t taken; /* bytes of the first block */
  /* the thread's */
  unsigned char *in; /* INPUT_SIZE bytes */
  size_t in_next, in_end;
  struct block *out;
  void *state; /* the packing's */
};

/* The thread's side */

static bool failed(struct decoder *decoder, enum packing_step step) {
  const struct packing *packing = decoder->packing;
  struct error *error = &decoder->error;
  switch (step) {
  case PACKING_NO_MEMORY: error_memory(error, "decoding %s", decoder->input->path); break;
  case PACKING_REFUSED:
    error_set(error, ERROR_DATA,
              "these %s data need a feature that this version of the "
              "library lacks",
              packing->name);
    break;
  case PACKING_CHECKSUM:
    error_set(error, ERROR_DATA, "the %s data are corrupt: their checksum is wrong", packing->name);
    break;
  default: error_set(error, ERROR_DATA, "the %s data are corrupt", packing->name); break;
  }
  return false;
}

static bool need_memory(struct decoder *decoder, uint64_t needed) {
  const struct packing *packing = decoder->packing;
  char amount[32] = "more";
  if (needed > 0) snprintf(amount, sizeof amount, "%llu MiB", (unsigned long long)(needed >> 20));
  error_set(&decoder->error, ERROR_DATA,
            "decoding these %s data takes %s of memory, but at most a quarter of this machine's "
            "memory, %llu MiB, may be used - unpack the file with %s",
            packing->name, amount, (unsigned long long)(packing_memory() >> 20),
            packing->large_unpacker);
  return false;
}

static bool fail_at_end(struct decoder *decoder, const char *format) {
  const char *name = decoder->packing->name;
  error_set(&decoder->error, ERROR_DATA, format, name, name);
  return false;
}

/* Waits for a block that can be filled. False if the consumer has stopped. */
static bool next_block(struct decoder *decoder) {
  bool stopped;
  pthread_mutex_lock(&decoder->mutex);
  while (decoder->filled == BLOCKS && !decoder->stopped)
    pthread_cond_wait(&decoder->changed, &decoder->mutex);
  stopped = decoder->stopped;
  decoder->out = decoder->blocks[(decoder->first + decoder->filled) % BLOCKS];
  decoder->out->size = 0;
  pthread_mutex_unlock(&decoder->mutex);
  if (!stopped && decoder->input->task && task_cancelled(decoder->input->task)) {
    error_set(&decoder->error, ERROR_CANCELLED, "reading %s was cancelled", decoder->input->path);
    return false;
  }
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

/* Reads until at least `least` unused bytes are there, or the input has ended. False if that
 * failed. */
static bool have_input(struct decoder *decoder, size_t least, bool *ended) {
  size_t left = decoder->in_end - decoder->in_next;
  int64_t got;
  *ended = false;
  if (left >= least) return true;
  memmove(decoder->in, decoder->in + decoder->in_next, left);
  got = input_read(decoder->input, decoder->in + left, INPUT_SIZE - left, &decoder->error);
  decoder->in_next = 0;
  decoder->in_end = left + (got > 0 ? (size_t)got : 0);
  *ended = got == 0;
  return got >= 0;
}

/* One member. At the end of the input the packing must give what it still holds; if nothing comes,
 * the member was cut off. */
static bool decode_member(struct decoder *decoder) {
  enum packing_step step = PACKING_MORE;
  uint64_t needed = 0;
  if (!decoder->packing->decoder_begin(decoder->state)) return failed(decoder, PACKING_NO_MEMORY);
  while (step == PACKING_MORE) {
    struct packing_buffers buffers;
    size_t before;
    bool ended;
    if (!have_room(decoder) || !have_input(decoder, 1, &ended)) return false;
    before = decoder->out->size;
    buffers = (struct packing_buffers){.in = decoder->in + decoder->in_next,
                                       .in_size = decoder->in_end - decoder->in_next,
                                       .out = decoder->out->bytes + before,
                                       .out_size = BLOCK_SIZE - before,
                                       .last = ended};
    step = decoder->packing->decode(decoder->state, &buffers);
    decoder->in_next = decoder->in_end - buffers.in_size;
    decoder->out->size = BLOCK_SIZE - buffers.out_size;
    needed = buffers.needed;
    if (ended && decoder->out->size == before && step == PACKING_MORE)
      return fail_at_end(decoder, "the %s data end too early: the file is truncated");
  }
  if (step == PACKING_MEMORY) return need_memory(decoder, needed);
  return step == PACKING_DONE || failed(decoder, step);
}

/* Zero bytes are padding: tapes had them, and xz files may. */
static bool decode_members(struct decoder *decoder) {
  bool ended;
  while (have_input(decoder, PACKING_HEAD_MAX, &ended)) {
    const unsigned char *in = decoder->in + decoder->in_next;
    size_t size = decoder->in_end - decoder->in_next;
    if (size == 0) return true;
    if (*in == 0)
      decoder->in_next++;
    else if (!decoder->packing->begins(in, size))
      return fail_at_end(decoder, "something that is not %s follows the %s data");
    else if (!decode_member(decoder))
      return false;
  }
  return false;
}

static void decode(void *argument) {
  struct decoder *decoder = argument;
  decode_members(decoder);
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
  decoder->state = decoder->packing->decoder_new();
  return decoder->state != NULL;
}

static void release(struct decoder *decoder) {
  for (int i = 0; i < BLOCKS; i++)
    free(decoder->blocks[i]);
  free(decoder->in);
  decoder->packing->decoder_free(decoder->state);
  pthread_mutex_destroy(&decoder->mutex);
  pthread_cond_destroy(&decoder->changed);
  free(decoder);
}

struct decoder *decoder_open(const struct packing *packing, struct input *input, const void *first,
                             size_t size, struct error *error) {
  struct decoder *decoder = calloc(1, sizeof *decoder);
  if (!decoder) {
    error_memory(error, "decoding %s", input->path);
    return NULL;
  }
  decoder->packing = packing;
  decoder->input = input;
  pthread_mutex_init(&decoder->mutex, NULL);
  pthread_cond_init(&decoder->changed, NULL);
  if (!allocate(decoder, first, size)) {
    error_memory(error, "decoding %s", input->path);
  } else if (thread_start(&decoder->thread, decode, decoder) != 0) {
    error_set(error, ERROR_IO, "decoding %s: the system has no more threads", input->path);
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
