/* members.c - see members.h
 *
 * A ring of members: the caller fills one after the other, any thread packs them, and the caller
 * gives them away in their order. The caller's thread packs too if the ring is full, so all is done
 * even if the system has no more threads. Threads start only if there is more than one member.
 */
#include "dataset/bytes/members.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "thread.h"

struct member {
  unsigned char *text, *packed;
  size_t text_size, packed_size;
  bool done;
};

struct encoder {
  const struct members_kind *kind;
  int level;
  unsigned most_threads, thread_count;
  struct thread *threads;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  void *packer;       /* of the caller's thread; made when it is needed */
  size_t given_bytes; /* of the first member that is not given */
  bool no_memory;     /* it cannot be packed, or filled */
  /* under the lock */
  bool stopped;
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

/* Packs the next member that nobody has begun with, if there is one; the lock is held. */
static bool pack_next(struct encoder *encoder, void *packer) {
  struct member *member;
  if (encoder->begun == encoder->filled) return false;
  member = member_at(encoder, encoder->begun++);
  pthread_mutex_unlock(&encoder->mutex);
  member->packed_size =
      encoder->kind->pack(packer, member->text, member->text_size, member->packed);
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
  void *packer = encoder->kind->packer_new(encoder->level);
  if (!packer) return;
  pthread_mutex_lock(&encoder->mutex);
  while (!encoder->stopped)
    if (!pack_next(encoder, packer)) pthread_cond_wait(&encoder->changed, &encoder->mutex);
  pthread_mutex_unlock(&encoder->mutex);
  encoder->kind->packer_free(packer);
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
    if (encoder->begun < encoder->filled && !encoder->packer)
      encoder->no_memory = !(encoder->packer = encoder->kind->packer_new(encoder->level));
    if (!encoder->no_memory && !pack_next(encoder, encoder->packer))
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
  if (!member->text) member->text = malloc(encoder->kind->text_size);
  if (!member->packed) member->packed = malloc(encoder->kind->room);
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
  size_t left = encoder->kind->text_size - member->text_size,
         some = b->in_size < left ? b->in_size : left;
  memcpy(member->text + member->text_size, b->in, some);
  member->text_size += some;
  b->in += some;
  b->in_size -= some;
  if (member->text_size == encoder->kind->text_size) fill(encoder, member);
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
    encoder->no_memory = member->packed_size == 0;
    if (encoder->no_memory) return;
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

enum packing_step members_encode(void *context, struct packing_buffers *b) {
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

void *members_encoder_new(const struct members_kind *kind, int level, int threads) {
  unsigned ring_size = threads > 0 ? (unsigned)threads + 3 : 1;
  struct encoder *encoder = calloc(1, sizeof *encoder + ring_size * sizeof *encoder->ring);
  if (!encoder) return NULL;
  encoder->kind = kind;
  encoder->level = level;
  encoder->threads = calloc((size_t)threads + 1, sizeof *encoder->threads);
  encoder->most_threads = (unsigned)threads;
  encoder->ring_size = ring_size;
  pthread_mutex_init(&encoder->mutex, NULL);
  pthread_cond_init(&encoder->changed, NULL);
  if (encoder->threads) return encoder;
  members_encoder_free(encoder);
  return NULL;
}

void members_encoder_free(void *context) {
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
  if (encoder->packer) encoder->kind->packer_free(encoder->packer);
  free(encoder);
}

/* }================================================================== */
