/* lines.c - see lines.h */
#include "dataset/lines.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "thread.h"

enum {
  PIECE = 1 << 19, /* bytes taken at a time, or one line: a whole window, for less means waits */
  THREADS_MAX = 64,
  WORTH_A_THREAD = 8 << 20, /* bytes: smaller files are read by one */
};

struct lines {
  struct reader *reader;
  const struct lines_work *work;
  bool shared; /* by more than one thread */

  pthread_mutex_t reading; /* for the reader, and: */
  uint64_t taken;          /* pieces */

  pthread_mutex_t turning; /* for `take`, and: */
  pthread_cond_t turned;
  uint64_t turn; /* pieces that have been handed over */
  bool stopped;  /* `error` says why */
  struct error error;
};

/* What each thread has for itself. */
struct lines_turn {
  struct lines *lines;
  pthread_t thread;
  void *state;
  char *buffer; /* of `room` bytes and padding */
  size_t room;
  struct lines_piece piece;
  uint64_t number; /* of the piece */
};

static bool no_memory(const struct lines *lines, struct error *error) {
  error_set(error, ERROR_MEMORY, "reading %s: out of memory", lines->reader->path);
  return false;
}

/* How much of the window is whole lines, but not much more than a piece; 0: it must be filled. */
static size_t whole_lines(const struct reader *reader) {
  const char *end;
  if (reader->ended && reader->size <= PIECE) return reader->size;
  if (reader->size > PIECE && (end = memrchr(reader->text, '\n', PIECE)))
    return (size_t)(end + 1 - reader->text);
  end = memchr(reader->text, '\n', reader->size); /* the window is short, or the line is long */
  if (end && reader->size <= PIECE) end = memrchr(reader->text, '\n', reader->size);
  if (end) return (size_t)(end + 1 - reader->text);
  return reader->ended ? reader->size : 0;
}

/* Others will move the window on. */
static bool copy_piece(struct lines_turn *own, struct error *error) {
  struct lines_piece *piece = &own->piece;
  if (!own->lines->shared || piece->size == 0) return true;
  if (piece->size > own->room) {
    char *buffer = realloc(own->buffer, piece->size + READER_PADDING);
    if (!buffer) return no_memory(own->lines, error);
    own->buffer = buffer;
    own->room = piece->size;
  }
  memcpy(own->buffer, piece->text, piece->size);
  memset(own->buffer + piece->size, 0, READER_PADDING);
  piece->text = own->buffer;
  return true;
}

/* Takes the next piece: of no bytes when the file has ended. */
static bool take_piece(struct lines_turn *own, struct error *error) {
  struct reader *reader = own->lines->reader;
  struct lines_piece *piece = &own->piece;
  size_t size;
  while ((size = whole_lines(reader)) == 0 && !reader->ended)
    if (!reader_fill(reader, error)) return false;
  piece->text = reader->text;
  piece->size = size;
  piece->line = reader_line(reader, reader->text);
  piece->byte = reader->byte;
  reader_consume(reader, size);
  return copy_piece(own, error);
}

/* Waits until all pieces before this one have been handed over, and gives what was found so far.
 * False where the run has stopped. */
static bool give(struct lines_turn *own, const struct error *problem, bool last) {
  struct lines *lines = own->lines;
  bool goes_on;
  pthread_mutex_lock(&lines->turning);
  while (lines->turn < own->number && !lines->stopped)
    pthread_cond_wait(&lines->turned, &lines->turning);
  if (!lines->stopped) {
    lines->stopped = !lines->work->take(lines->work->context, own->state, &lines->error);
    if (!lines->stopped && problem) {
      lines->stopped = true;
      lines->error = *problem;
    }
  }
  goes_on = !lines->stopped;
  if (last || !goes_on) {
    lines->turn++;
    pthread_cond_broadcast(&lines->turned);
  }
  pthread_mutex_unlock(&lines->turning);
  return goes_on;
}

bool lines_hand_over(struct lines_turn *turn) {
  return give(turn, NULL, false);
}

static void *run(void *argument) {
  struct lines_turn *own = argument;
  struct lines *lines = own->lines;
  const struct lines_work *work = lines->work;
  for (;;) {
    struct error error;
    bool taken;
    pthread_mutex_lock(&lines->reading);
    own->number = lines->taken++;
    taken = take_piece(own, &error);
    pthread_mutex_unlock(&lines->reading);
    if (!taken) own->piece.size = 0;
    if (own->piece.size > 0 && !work->parse(work->context, own->state, &own->piece, own))
      return NULL;
    if (!give(own, taken ? NULL : &error, true) || own->piece.size == 0) return NULL;
  }
}

static void run_threads(struct lines_turn *turns, unsigned count) {
  unsigned started = 1;
  while (started < count && pthread_create(&turns[started].thread, NULL, run, &turns[started]) == 0)
    started++;
  run(&turns[0]);
  for (unsigned i = 1; i < started; i++)
    pthread_join(turns[i].thread, NULL);
}

unsigned lines_threads(const struct reader *reader, unsigned jobs) {
  uint64_t total = reader_total(reader);
  if (jobs == 0) {
    jobs = thread_processors();
    if (reader->packing && jobs > 1) jobs--; /* the decoder has one */
  }
  if (total > 0 && total < WORTH_A_THREAD) return 1;
  return jobs < THREADS_MAX ? jobs : THREADS_MAX;
}

bool lines_parse(struct reader *reader, const struct lines_work *work, void *states, size_t size,
                 unsigned count, struct error *error) {
  struct lines lines = {.reader = reader, .work = work, .shared = count > 1};
  struct lines_turn *turns = calloc(count, sizeof *turns);
  if (!turns) return no_memory(&lines, error);
  for (unsigned i = 0; i < count; i++) {
    turns[i].lines = &lines;
    turns[i].state = (char *)states + i * size;
  }
  pthread_mutex_init(&lines.reading, NULL);
  pthread_mutex_init(&lines.turning, NULL);
  pthread_cond_init(&lines.turned, NULL);
  run_threads(turns, count);
  pthread_mutex_destroy(&lines.reading);
  pthread_mutex_destroy(&lines.turning);
  pthread_cond_destroy(&lines.turned);
  for (unsigned i = 0; i < count; i++)
    free(turns[i].buffer);
  free(turns);
  if (lines.stopped) *error = lines.error;
  return !lines.stopped;
}
