/* decoder.c - see decoder.h
 *
 * Threads decode members by turns (turns.h) into blocks, which go through a ring to one consumer.
 * Members of a known size are read into memory and decoded beside others; another one is decoded as
 * it is read, and the next begins when it has ended. Blocks are a mebibyte at
 * most, so the lock is taken some thousand times a second, which costs nothing measurable.
 */
#include "dataset/bytes/decoder.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/bytes/turns.h"
#include "thread.h"

enum {
  INPUT_SIZE = 1 << 18,
  MEMBER_MAX = 1 << 23, /* bytes of a packed member that is decoded beside others */
  ENOUGH = 1 << 16,     /* of small members, that a thread decodes at a time */
  SMALL_BLOCK = 1 << 18,
  LARGE_BLOCK = 1 << 20, /* if members are decoded beside each other: holds one of ours */
  BLOCKS = 4,
  THREADS_MAX = 64,
};

struct block {
  size_t size;
  unsigned char bytes[];
};

/* One thread. */
struct unpacker {
  struct decoder *decoder;
  struct thread thread;
  void *state;             /* the packing's */
  unsigned char *in;       /* whole members, */
  size_t in_size, in_room; /* or nothing: the member is read while it is decoded */
  struct block *out;       /* what is being filled; NULL: it must be made */
  size_t limit;            /* how much a block may hold */
  bool stopped;            /* the consumer has */
  struct error error;
};

struct decoder {
  const struct packing *packing;
  struct input *input;
  struct turns turns;
  size_t block_size;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  /* under the lock */
  struct block *blocks[BLOCKS];
  unsigned filled, first;    /* how many blocks are full; which comes next */
  unsigned started, running; /* threads */
  bool ended;                /* the threads have stopped filling; `error` is set if they failed */
  bool stopped;              /* the consumer has stopped */
  struct error error;
  /* the consumer's */
  size_t taken; /* bytes of the first block */
  /* of the thread that takes a member */
  bool several;          /* that can be decoded beside each other */
  unsigned thread_count; /* that may be started */
  struct error problem;  /* why nothing can be taken any more */
  unsigned char *in;
  size_t in_room, in_next, in_end;
  bool in_ended; /* the input has */
  unsigned room;
  struct unpacker unpackers[]; /* `room` */
};

/* {==================================================================
** What can be wrong
** =================================================================== */

/* Notes why this member cannot be decoded. Returns false. */
static bool failed(struct unpacker *own, enum packing_step step) {
  const struct packing *packing = own->decoder->packing;
  struct error *error = &own->error;
  switch (step) {
  case PACKING_NO_MEMORY: error_memory(error, "decoding %s", own->decoder->input->path); break;
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

static bool need_memory(struct unpacker *own, uint64_t needed) {
  const struct packing *packing = own->decoder->packing;
  char amount[32] = "more";
  if (needed > 0) snprintf(amount, sizeof amount, "%llu MiB", (unsigned long long)(needed >> 20));
  error_set(&own->error, ERROR_DATA,
            "decoding these %s data takes %s of memory, but at most a quarter of this machine's "
            "memory, %llu MiB, may be used - unpack the file with %s",
            packing->name, amount, (unsigned long long)(packing_memory() >> 20),
            packing->large_unpacker);
  return false;
}

static bool fail_at_end(const struct decoder *decoder, const char *format, struct error *error) {
  const char *name = decoder->packing->name;
  error_set(error, ERROR_DATA, format, name, name);
  return false;
}

static bool refuse_other(const struct decoder *decoder, struct error *error) {
  return fail_at_end(decoder, "something that is not %s follows the %s data", error);
}

/* }================================================================== */

/* {==================================================================
** One member
** =================================================================== */

static bool grow(unsigned char **bytes, size_t *room, size_t size) {
  unsigned char *larger;
  if (size <= *room) return true;
  larger = realloc(*bytes, size);
  if (!larger) return false;
  *bytes = larger;
  *room = size;
  return true;
}

/* Reads until at least `least` unused bytes are there, or the input has ended. False if that
 * failed. After its end a pipe is not read again: another writer may have opened it. */
static bool have_input(struct decoder *decoder, size_t least, bool *ended, struct error *error) {
  size_t left = decoder->in_end - decoder->in_next;
  int64_t got;
  *ended = decoder->in_ended;
  if (left >= least || *ended) return true;
  if (!grow(&decoder->in, &decoder->in_room, least))
    return error_memory(error, "decoding %s", decoder->input->path);
  memmove(decoder->in, decoder->in + decoder->in_next, left);
  got = input_read(decoder->input, decoder->in + left, decoder->in_room - left, error);
  decoder->in_next = 0;
  decoder->in_end = left + (got > 0 ? (size_t)got : 0);
  *ended = decoder->in_ended = got == 0;
  return got >= 0;
}

/* Makes sure that there is room to decode into. False if decoding is to stop. */
static bool have_room(struct unpacker *own, struct turn *turn) {
  struct task *task = own->decoder->input->task;
  if (own->out && own->out->size < own->limit) return true;
  if (own->out && !turns_hand_over(turn)) {
    own->stopped = true;
    return false;
  }
  if (task && task_cancelled(task)) {
    error_set(&own->error, ERROR_CANCELLED, "reading %s was cancelled", own->decoder->input->path);
    return false;
  }
  if (!own->out && !(own->out = malloc(sizeof *own->out + own->decoder->block_size)))
    return failed(own, PACKING_NO_MEMORY);
  own->out->size = 0;
  return true;
}

/* One step with the bytes from `*next` to `end` of `in`. At the end of the input the packing must
 * give what it still holds; if nothing comes, the member was cut off. */
static bool decode_some(struct unpacker *own, const unsigned char *in, size_t *next, size_t end,
                        enum packing_step *step) {
  size_t before = own->out->size;
  struct packing_buffers buffers = {.in = in + *next,
                                    .in_size = end - *next,
                                    .out = own->out->bytes + before,
                                    .out_size = own->limit - before,
                                    .last = *next == end};
  *step = own->decoder->packing->decode(own->state, &buffers);
  *next = end - buffers.in_size;
  own->out->size = own->limit - buffers.out_size;
  if (*step == PACKING_MEMORY) return need_memory(own, buffers.needed);
  if (*step != PACKING_MORE && *step != PACKING_DONE) return failed(own, *step);
  if (!buffers.last || own->out->size > before || *step == PACKING_DONE) return true;
  return fail_at_end(own->decoder, "the %s data end too early: the file is truncated", &own->error);
}

static bool begin_member(struct unpacker *own) {
  return own->decoder->packing->decoder_begin(own->state) || failed(own, PACKING_NO_MEMORY);
}

/* The members that have been read into memory. */
static bool decode_whole(struct unpacker *own, struct turn *turn) {
  const struct decoder *decoder = own->decoder;
  size_t next = 0;
  own->limit = decoder->block_size;
  while (next < own->in_size) {
    enum packing_step step = PACKING_MORE;
    if (own->in[next] == 0) { /* padding */
      next++;
      continue;
    }
    if (!decoder->packing->begins(own->in + next, own->in_size - next))
      return refuse_other(decoder, &own->error);
    if (!begin_member(own)) return false;
    while (step == PACKING_MORE)
      if (!have_room(own, turn) || !decode_some(own, own->in, &next, own->in_size, &step))
        return false;
  }
  return true;
}

/* The member that the input is at, as it is read. */
static bool decode_read(struct unpacker *own, struct turn *turn) {
  struct decoder *decoder = own->decoder;
  enum packing_step step = PACKING_MORE;
  bool ended;
  own->limit = SMALL_BLOCK;
  while (step == PACKING_MORE)
    if (!have_room(own, turn) || !have_input(decoder, 1, &ended, &own->error) ||
        !decode_some(own, decoder->in, &decoder->in_next, decoder->in_end, &step))
      return false;
  return true;
}

/* }================================================================== */

/* {==================================================================
** Turns
** =================================================================== */

/* Looks for the beginning of a member. Zero bytes are padding: tapes had them, and xz files may. */
static enum turns_step find_member(struct decoder *decoder, struct error *error) {
  bool ended;
  while (have_input(decoder, PACKING_HEAD_MAX, &ended, error)) {
    const unsigned char *in = decoder->in + decoder->in_next;
    size_t size = decoder->in_end - decoder->in_next;
    if (size == 0) return TURNS_END;
    if (*in != 0) {
      if (decoder->packing->begins(in, size)) return TURNS_ALONE;
      refuse_other(decoder, error);
      return TURNS_FAILED;
    }
    decoder->in_next++;
  }
  return TURNS_FAILED;
}

/* Finds the size of the member that the input is at, and reads it; 0 if it cannot be known, or is
 * too large. False if reading failed. */
static bool measure(struct decoder *decoder, size_t *size, struct error *error) {
  bool ended = false;
  for (;;) {
    size_t left = decoder->in_end - decoder->in_next;
    *size = decoder->packing->member_size(decoder->in + decoder->in_next, left);
    if (*size <= left) return true;
    if (*size > MEMBER_MAX) *size = 0;
    if (ended) *size = left; /* cut off, or the last one */
    if (*size == 0 || ended) return true;
    if (!have_input(decoder, *size, &ended, error)) return false;
  }
}

/* Adds the member to those that the thread has in memory. */
static bool keep(struct decoder *decoder, struct unpacker *own, size_t size, struct error *error) {
  if (!grow(&own->in, &own->in_room, own->in_size + size))
    return error_memory(error, "decoding %s", decoder->input->path);
  memcpy(own->in + own->in_size, decoder->in + decoder->in_next, size);
  own->in_size += size;
  decoder->in_next += size;
  return true;
}

/* Whether the member that the input is at can be decoded beside others; its `*size` bytes are then
 * there. False with `error` filled if reading failed. */
static bool may_go_beside(struct decoder *decoder, size_t *size, struct error *error) {
  *size = 0;
  return decoder->thread_count == 1 || !decoder->packing->member_size ||
         measure(decoder, size, error);
}

static void start_another(struct decoder *decoder);

/* A problem that comes after the members is kept: reading again could give what follows it. */
static enum turns_step take(void *context, void *state, struct error *error) {
  struct decoder *decoder = context;
  struct unpacker *own = state;
  struct error *problem = &decoder->problem;
  enum turns_step step = TURNS_FAILED;
  size_t size;
  own->in_size = 0;
  if (problem->code == ERROR_NONE) step = find_member(decoder, problem);
  while (step == TURNS_ALONE && own->in_size < ENOUGH) {
    bool done = may_go_beside(decoder, &size, problem);
    if (done && size == 0) break;
    step = done && keep(decoder, own, size, problem) ? find_member(decoder, problem) : TURNS_FAILED;
  }
  if (own->in_size > 0) {
    start_another(decoder);
    return TURNS_BESIDE;
  }
  *error = *problem;
  return step;
}

/* Members as they are read, until one can be decoded beside others. */
static void decode_alone(struct unpacker *own, struct turn *turn) {
  struct decoder *decoder = own->decoder;
  size_t size = 0;
  while (size == 0 && begin_member(own) && decode_read(own, turn)) {
    if (find_member(decoder, &own->error) != TURNS_ALONE) return;
    if (!may_go_beside(decoder, &size, &own->error)) return;
  }
}

static bool work(void *context, void *state, struct turn *turn) {
  struct unpacker *own = state;
  (void)context;
  if (own->in_size > 0)
    decode_whole(own, turn);
  else
    decode_alone(own, turn);
  return !own->stopped;
}

/* Passes the thread's block to the consumer, and gives it one to fill. False if the consumer has
 * stopped. */
static bool pass_block(struct unpacker *own) {
  struct decoder *decoder = own->decoder;
  struct block **place, *empty;
  bool stopped;
  pthread_mutex_lock(&decoder->mutex);
  while (decoder->filled == BLOCKS && !decoder->stopped)
    pthread_cond_wait(&decoder->changed, &decoder->mutex);
  stopped = decoder->stopped;
  if (!stopped) {
    place = &decoder->blocks[(decoder->first + decoder->filled++) % BLOCKS];
    empty = *place;
    *place = own->out;
    own->out = empty;
    pthread_cond_broadcast(&decoder->changed);
  }
  pthread_mutex_unlock(&decoder->mutex);
  if (own->out) own->out->size = 0;
  return !stopped;
}

static bool give(void *context, void *state, struct error *error) {
  struct unpacker *own = state;
  (void)context;
  if (own->out && own->out->size > 0 && !pass_block(own)) return false;
  if (own->error.code == ERROR_NONE) return true;
  *error = own->error;
  return false;
}

static const struct turns_work decoding = {take, work, give};

/* }================================================================== */

/* {==================================================================
** Threads
** =================================================================== */

/* The last thread to leave ends the decoding. */
static void decode(void *argument) {
  struct unpacker *own = argument;
  struct decoder *decoder = own->decoder;
  bool last;
  turns_join(&decoder->turns, own);
  pthread_mutex_lock(&decoder->mutex);
  last = --decoder->running == 0;
  pthread_mutex_unlock(&decoder->mutex);
  if (!last) return;
  turns_end(&decoder->turns, &decoder->error);
  pthread_mutex_lock(&decoder->mutex);
  decoder->ended = true;
  pthread_cond_broadcast(&decoder->changed);
  pthread_mutex_unlock(&decoder->mutex);
}

/* Returns 0, or an errno. */
static int start(struct decoder *decoder, struct unpacker *own) {
  int problem;
  own->decoder = decoder;
  own->state = decoder->packing->decoder_new();
  if (!own->state) return ENOMEM;
  pthread_mutex_lock(&decoder->mutex); /* the thread ends with it, too */
  problem = thread_start(&own->thread, decode, own);
  if (problem == 0) {
    decoder->started++;
    decoder->running++;
  }
  pthread_mutex_unlock(&decoder->mutex);
  return problem;
}

/* One more with each member that can be decoded beside others, after the first. If there can be no
 * more, those that there are do the work. */
static void start_another(struct decoder *decoder) {
  if (!decoder->several)
    decoder->several = true;
  else if (decoder->started < decoder->thread_count &&
           start(decoder, &decoder->unpackers[decoder->started]) != 0)
    decoder->thread_count = decoder->started;
}

static unsigned started(struct decoder *decoder) {
  unsigned count;
  pthread_mutex_lock(&decoder->mutex);
  count = decoder->started;
  pthread_mutex_unlock(&decoder->mutex);
  return count;
}

/* }================================================================== */

/* {==================================================================
** The consumer's side
** =================================================================== */

static struct decoder *decoder_new(const struct packing *packing, unsigned threads,
                                   const void *first, size_t size) {
  unsigned count = threads < 1 ? 1 : threads < THREADS_MAX ? threads : THREADS_MAX;
  struct decoder *decoder = calloc(1, sizeof *decoder + count * sizeof *decoder->unpackers);
  if (!decoder) return NULL;
  decoder->packing = packing;
  decoder->thread_count = decoder->room = count;
  decoder->block_size = count > 1 && packing->member_size ? LARGE_BLOCK : SMALL_BLOCK;
  decoder->in_room = size > INPUT_SIZE ? size : INPUT_SIZE;
  decoder->in = malloc(decoder->in_room);
  if (!decoder->in) {
    free(decoder);
    return NULL;
  }
  memcpy(decoder->in, first, size);
  decoder->in_end = size;
  pthread_mutex_init(&decoder->mutex, NULL);
  pthread_cond_init(&decoder->changed, NULL);
  return decoder;
}

static void release(struct decoder *decoder) {
  for (int i = 0; i < BLOCKS; i++)
    free(decoder->blocks[i]);
  for (unsigned i = 0; i < decoder->room; i++) {
    free(decoder->unpackers[i].in);
    free(decoder->unpackers[i].out);
    decoder->packing->decoder_free(decoder->unpackers[i].state);
  }
  free(decoder->in);
  pthread_mutex_destroy(&decoder->mutex);
  pthread_cond_destroy(&decoder->changed);
  free(decoder);
}

struct decoder *decoder_open(const struct packing *packing, struct input *input, unsigned threads,
                             const void *first, size_t size, struct error *error) {
  struct error none;
  struct decoder *decoder = decoder_new(packing, threads, first, size);
  int problem = ENOMEM;
  if (decoder) {
    decoder->input = input;
    turns_begin(&decoder->turns, &decoding, decoder);
    problem = start(decoder, decoder->unpackers);
    if (problem == 0) return decoder;
    turns_end(&decoder->turns, &none);
    release(decoder);
  }
  if (problem == ENOMEM)
    error_memory(error, "decoding %s", input->path);
  else
    error_set(error, ERROR_IO, "decoding %s: the system has no more threads", input->path);
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
  pthread_cond_broadcast(&decoder->changed);
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
  pthread_cond_broadcast(&decoder->changed);
  pthread_mutex_unlock(&decoder->mutex);
  /* those that have started may start more; if all of them have ended, none can */
  for (unsigned i = 0; i < started(decoder); i++)
    thread_join(&decoder->unpackers[i].thread);
  release(decoder);
}

/* }================================================================== */
