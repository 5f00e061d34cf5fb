/* spool.c - see spool.h */
#include "dataset/bytes/spool.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataset/bytes/leftover.h"
#include "file.h"

enum { BUFFER = 1 << 18, ROOM_FIRST = 1 << 16, LEVEL = 1 };

static const char NAME[] = "a temporary file";

static const struct packing *packing(void) {
  size_t size;
  return packing_of_name("spool.zst", &size);
}

void spool_begin(struct spool *spool, const char *beside, size_t limit) {
  spool->beside = beside;
  spool->limit = limit;
  spool->descriptor = -1;
}

static void close_file(struct spool *spool) {
  if (spool->encoder) packing()->encoder_free(spool->encoder);
  spool->encoder = NULL;
  if (spool->descriptor >= 0) close(spool->descriptor);
  spool->descriptor = -1;
}

void spool_clear(struct spool *spool) {
  close_file(spool);
  spool->size = 0;
  spool->used = 0;
}

void spool_free(struct spool *spool) {
  if (!spool->beside) return;
  close_file(spool);
  free(spool->memory);
  free(spool->packed);
}

static bool open_file(struct spool *spool, struct error *error) {
  char *path;
  if (!spool->packed) spool->packed = malloc(BUFFER);
  spool->encoder = packing()->encoder_new(LEVEL, 0);
  if (!spool->packed || !spool->encoder) return error_memory(error, "buffering data");
  spool->descriptor = leftover_create_beside(spool->beside, &path, error);
  if (spool->descriptor < 0) return false;
  unlink(path);
  free(path);
  return true;
}

static bool write_packed(struct spool *spool, const void *bytes, size_t size, bool last,
                         struct error *error) {
  struct packing_buffers buffers = {.in = bytes, .in_size = size, .last = last};
  enum packing_step step = PACKING_MORE;
  while (step == PACKING_MORE) {
    buffers.out = spool->packed;
    buffers.out_size = BUFFER;
    step = packing()->encode(spool->encoder, &buffers);
    if (step != PACKING_MORE && step != PACKING_DONE) return error_memory(error, "buffering data");
    if (!file_write(spool->descriptor, spool->packed, BUFFER - buffers.out_size, NAME, error))
      return false;
  }
  return true;
}

static bool grow(struct spool *spool, size_t least) {
  size_t room = spool->room ? spool->room : ROOM_FIRST;
  char *memory;
  while (room < least)
    room *= 2;
  if (room > spool->limit) room = spool->limit;
  memory = realloc(spool->memory, room);
  if (!memory) return false;
  spool->memory = memory;
  spool->room = room;
  return true;
}

bool spool_add(struct spool *spool, const void *bytes, size_t size, struct error *error) {
  size_t now = spool->limit - spool->used < size ? spool->limit - spool->used : size;
  if (spool->used + now > spool->room && !grow(spool, spool->used + now))
    return error_memory(error, "buffering data");
  if (now > 0) memcpy(spool->memory + spool->used, bytes, now);
  spool->used += now;
  spool->size += size;
  if (now == size) return true;
  if (spool->descriptor < 0 && !open_file(spool, error)) return false;
  return write_packed(spool, (const char *)bytes + now, size - now, false, error);
}

/* One direction of a drain: bytes of the file, unpacked. */
struct drain {
  struct spool *spool;
  bool (*take)(void *context, const void *bytes, size_t size, struct error *error);
  void *context;
  void *decoder;
  unsigned char *in, *out;
};

static bool unpack(struct drain *drain, size_t size, bool last, struct error *error) {
  struct packing_buffers buffers = {.in = drain->in, .in_size = size, .last = last};
  enum packing_step step = PACKING_MORE;
  while (step == PACKING_MORE) {
    buffers.out = drain->out;
    buffers.out_size = BUFFER;
    step = packing()->decode(drain->decoder, &buffers);
    if (step != PACKING_MORE && step != PACKING_DONE) {
      error_set(error, ERROR_IO, "reading %s: its contents have changed", NAME);
      return false;
    }
    if (!drain->take(drain->context, drain->out, BUFFER - buffers.out_size, error)) return false;
    if (buffers.in_size == 0 && buffers.out_size > 0) break;
  }
  return true;
}

static bool drain_packed(struct drain *drain, struct error *error) {
  int descriptor = drain->spool->descriptor;
  int64_t got = 1;
  for (uint64_t at = 0; got > 0; at += (uint64_t)got) {
    got = file_read(descriptor, drain->in, BUFFER, at, NAME, error);
    if (got < 0 || (got > 0 && !unpack(drain, (size_t)got, false, error))) return false;
    /* not every file system can; on others the space is freed at the end */
    if (got > 0)
      (void)!fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, got);
  }
  return true;
}

static bool drain_file(struct spool *spool,
                       bool (*take)(void *context, const void *bytes, size_t size,
                                    struct error *error),
                       void *context, struct error *error) {
  struct drain drain = {spool, take, context, NULL, NULL, NULL};
  bool done;
  if (!write_packed(spool, "", 0, true, error)) return false;
  drain.decoder = packing()->decoder_new();
  drain.in = malloc(BUFFER);
  drain.out = malloc(BUFFER);
  done = drain.decoder && drain.in && drain.out ? drain_packed(&drain, error)
                                                : error_memory(error, "buffering data");
  packing()->decoder_free(drain.decoder);
  free(drain.in);
  free(drain.out);
  return done;
}

bool spool_drain(struct spool *spool,
                 bool (*take)(void *context, const void *bytes, size_t size, struct error *error),
                 void *context, struct error *error) {
  bool done = spool->used == 0 || take(context, spool->memory, spool->used, error);
  if (done && spool->descriptor >= 0) done = drain_file(spool, take, context, error);
  spool_clear(spool);
  return done;
}
