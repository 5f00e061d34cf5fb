/* gzip_members.c - see gzip_members.h
 *
 * A ring of members: the caller fills one after the other, any thread packs them, and the caller
 * gives them away in their order. The caller's thread packs too if the ring is full, so all is done
 * even if the system has no more threads. Threads start only if there is more than one member.
 */
#include "dataset/bytes/gzip_members.h"

#include <isa-l/igzip_lib.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "thread.h"

enum {
  TEXT_SIZE = 1 << 20, /* of a member */
  HEAD_SIZE = 20,      /* its header: 10 bytes, and an extra field of 10 */
  FLAGS_AT = 3,
  HAS_EXTRA = 4,
  EXTRA_AT = 12,                          /* after the two bytes that say how long the field is */
  SIZE_AT = 16,                           /* where the header states the size of the member */
  ROOM = TEXT_SIZE + TEXT_SIZE / 64 + 512 /* for a member, even of text that does not shrink */
};

struct member {
  unsigned char *text, *packed;
  size_t text_size, packed_size;
  bool done;
};

struct encoder {
  uint32_t level; /* ISA-L's */
  unsigned most_threads, thread_count;
  struct thread *threads;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  struct isal_zstream *stream; /* of the caller's thread; made when it is needed */
  size_t given_bytes;          /* of the first member that is not given */
  /* under the lock */
  bool stopped;
  bool no_memory;                /* of a thread, or of the caller */
  uint64_t filled, begun, given; /* members: full; being packed or packed; given to the caller */
  unsigned ring_size;
  struct member ring[];
};

static struct member *member_at(struct encoder *encoder, uint64_t number) {
  return &encoder->ring[number % encoder->ring_size];
}

/* {==================================================================
** One member
** =================================================================== */

/* The memory of a level follows the stream. Zeroed, so that nothing depends on what was there. */
static struct isal_zstream *stream_new(uint32_t level) {
  static const uint32_t memory[] = {0, ISAL_DEF_LVL1_EXTRA_LARGE, ISAL_DEF_LVL2_EXTRA_LARGE,
                                    ISAL_DEF_LVL3_EXTRA_LARGE};
  struct isal_zstream *stream = calloc(1, sizeof *stream + memory[level]);
  if (!stream) return NULL;
  isal_deflate_init(stream);
  stream->level = level;
  stream->level_buf = (uint8_t *)(stream + 1);
  stream->level_buf_size = memory[level];
  stream->gzip_flag = IGZIP_GZIP_NO_HDR;
  return stream;
}

static void write_number(unsigned char *to, size_t number) {
  for (int i = 0; i < 4; i++)
    to[i] = (unsigned char)(number >> 8 * i);
}

static size_t read_number(const unsigned char *from, int bytes) {
  size_t number = 0;
  while (bytes-- > 0)
    number = number << 8 | from[bytes];
  return number;
}

static void pack(struct isal_zstream *stream, struct member *member) {
  static const unsigned char head[SIZE_AT] = {0x1f, 0x8b, 8, 4, 0,   0,   0, 0,
                                              0,    255,  8, 0, 'X', 'C', 4, 0};
  isal_deflate_reset(stream);
  stream->next_in = member->text;
  stream->avail_in = (uint32_t)member->text_size;
  stream->next_out = member->packed + HEAD_SIZE;
  stream->avail_out = ROOM - HEAD_SIZE;
  stream->end_of_stream = 1;
  isal_deflate(stream); /* with so much room it writes all at once */
  member->packed_size = ROOM - stream->avail_out;
  memcpy(member->packed, head, SIZE_AT);
  write_number(member->packed + SIZE_AT, member->packed_size);
}

/* The member's size, from its extra field: ours states it in four bytes, bgzip's, less one, in two
 * (The SAM/BAM Format Specification, 4.1). */
size_t gzip_member_size(const unsigned char *b, size_t size) {
  size_t at = EXTRA_AT, end;
  if (size < EXTRA_AT) return EXTRA_AT;
  if (!(b[FLAGS_AT] & HAS_EXTRA)) return 0;
  end = EXTRA_AT + read_number(b + EXTRA_AT - 2, 2);
  if (size < end) return end;
  while (at + 4 <= end) {
    const unsigned char *field = b + at;
    size_t length = read_number(field + 2, 2);
    if (at + 4 + length > end) return 0;
    if (memcmp(field, "XC", 2) == 0 && length == 4) return read_number(field + 4, 4);
    if (memcmp(field, "BC", 2) == 0 && length == 2) return read_number(field + 4, 2) + 1;
    at += 4 + length;
  }
  return 0;
}

/* Packs the next member that nobody has begun with, if there is one; the lock is held. */
static bool pack_next(struct encoder *encoder, struct isal_zstream *stream) {
  struct member *member;
  if (encoder->begun == encoder->filled) return false;
  member = member_at(encoder, encoder->begun++);
  pthread_mutex_unlock(&encoder->mutex);
  pack(stream, member);
  pthread_mutex_lock(&encoder->mutex);
  member->done = true;
  pthread_cond_broadcast(&encoder->changed);
  return true;
}

/* }================================================================== */

/* {==================================================================
** Threads
** =================================================================== */

/* A thread without memory leaves the work to the others. */
static void work(void *argument) {
  struct encoder *encoder = argument;
  struct isal_zstream *stream = stream_new(encoder->level);
  if (!stream) return;
  pthread_mutex_lock(&encoder->mutex);
  while (!encoder->stopped)
    if (!pack_next(encoder, stream)) pthread_cond_wait(&encoder->changed, &encoder->mutex);
  pthread_mutex_unlock(&encoder->mutex);
  free(stream);
}

/* One more thread with each member after the first. */
static void start_thread(struct encoder *encoder) {
  if (encoder->filled < 2 || encoder->thread_count == encoder->most_threads) return;
  if (thread_start(&encoder->threads[encoder->thread_count], work, encoder) == 0)
    encoder->thread_count++;
  else
    encoder->most_threads = encoder->thread_count;
}

/* Until the next member is packed. False if memory is short. */
static bool wait_for_member(struct encoder *encoder) {
  pthread_mutex_lock(&encoder->mutex);
  while (!member_at(encoder, encoder->given)->done && !encoder->no_memory) {
    if (encoder->begun < encoder->filled && !encoder->stream)
      encoder->no_memory = !(encoder->stream = stream_new(encoder->level));
    if (!encoder->no_memory && !pack_next(encoder, encoder->stream))
      pthread_cond_wait(&encoder->changed, &encoder->mutex);
  }
  pthread_mutex_unlock(&encoder->mutex);
  return !encoder->no_memory;
}

/* }================================================================== */

/* {==================================================================
** The caller's side
** =================================================================== */

/* The member that is being filled; NULL if the ring is full, or memory is short. */
static struct member *unfilled(struct encoder *encoder) {
  struct member *member = member_at(encoder, encoder->filled);
  if (encoder->filled - encoder->given == encoder->ring_size) return NULL;
  if (!member->text) member->text = malloc(TEXT_SIZE);
  if (!member->packed) member->packed = malloc(ROOM);
  if (member->text && member->packed) return member;
  encoder->no_memory = true;
  return NULL;
}

static void fill(struct encoder *encoder, struct member *member) {
  pthread_mutex_lock(&encoder->mutex);
  member->done = false;
  encoder->filled++;
  pthread_cond_broadcast(&encoder->changed);
  pthread_mutex_unlock(&encoder->mutex);
  start_thread(encoder);
}

/* Takes what fits into the member. */
static void take(struct encoder *encoder, struct member *member, struct packing_buffers *b) {
  size_t left = TEXT_SIZE - member->text_size, some = b->in_size < left ? b->in_size : left;
  memcpy(member->text + member->text_size, b->in, some);
  member->text_size += some;
  b->in += some;
  b->in_size -= some;
  if (member->text_size == TEXT_SIZE) fill(encoder, member);
}

static bool is_done(struct encoder *encoder) {
  bool done;
  pthread_mutex_lock(&encoder->mutex);
  done = encoder->given < encoder->filled && member_at(encoder, encoder->given)->done;
  pthread_mutex_unlock(&encoder->mutex);
  return done;
}

/* Gives what is packed, as long as there is room. */
static void give(struct encoder *encoder, struct packing_buffers *b) {
  while (b->out_size > 0 && is_done(encoder)) {
    struct member *member = member_at(encoder, encoder->given);
    size_t left = member->packed_size - encoder->given_bytes;
    size_t some = b->out_size < left ? b->out_size : left;
    memcpy(b->out, member->packed + encoder->given_bytes, some);
    b->out += some;
    b->out_size -= some;
    encoder->given_bytes += some;
    if (some < left) return;
    encoder->given_bytes = member->text_size = 0;
    encoder->given++;
  }
}

/* Nothing is taken any more: the last member is what has been taken, and if that is nothing, there
 * is still one. True if all have been given. */
static bool end(struct encoder *encoder) {
  struct member *member = unfilled(encoder);
  if (member && (member->text_size > 0 || encoder->filled == 0)) fill(encoder, member);
  return encoder->given == encoder->filled;
}

enum packing_step gzip_encode(void *context, struct packing_buffers *b) {
  struct encoder *encoder = context;
  for (;;) {
    struct member *member;
    give(encoder, b);
    if (b->out_size == 0) return PACKING_MORE;
    member = unfilled(encoder);
    if (encoder->no_memory) return PACKING_NO_MEMORY;
    if (b->in_size > 0 && member) {
      take(encoder, member, b);
      continue;
    }
    if (b->in_size == 0 && (!b->last || end(encoder))) return PACKING_DONE;
    if (!wait_for_member(encoder)) return PACKING_NO_MEMORY;
  }
}

/* ISA-L's three levels, for gzip's nine. The first two take half the time of the third, which saves
 * one byte in twenty; zlib's level 6 takes ten times as long as they and saves a quarter. */
void *gzip_encoder_new(int level, int threads) {
  unsigned ring_size = threads > 0 ? (unsigned)threads + 3 : 1;
  struct encoder *encoder = calloc(1, sizeof *encoder + ring_size * sizeof *encoder->ring);
  if (!encoder) return NULL;
  encoder->threads = calloc((size_t)threads + 1, sizeof *encoder->threads);
  encoder->level = level < 4 ? 1 : level < 6 ? 2 : 3;
  encoder->most_threads = (unsigned)threads;
  encoder->ring_size = ring_size;
  pthread_mutex_init(&encoder->mutex, NULL);
  pthread_cond_init(&encoder->changed, NULL);
  if (encoder->threads) return encoder;
  gzip_encoder_free(encoder);
  return NULL;
}

void gzip_encoder_free(void *context) {
  struct encoder *encoder = context;
  if (!encoder) return;
  pthread_mutex_lock(&encoder->mutex);
  encoder->stopped = true;
  pthread_cond_broadcast(&encoder->changed);
  pthread_mutex_unlock(&encoder->mutex);
  while (encoder->thread_count > 0)
    thread_join(&encoder->threads[--encoder->thread_count]);
  for (unsigned i = 0; i < encoder->ring_size; i++) {
    free(encoder->ring[i].text);
    free(encoder->ring[i].packed);
  }
  pthread_mutex_destroy(&encoder->mutex);
  pthread_cond_destroy(&encoder->changed);
  free(encoder->threads);
  free(encoder->stream);
  free(encoder);
}

/* }================================================================== */
