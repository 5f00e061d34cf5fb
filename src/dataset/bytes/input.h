/* input.h - the bytes of a file, a pipe or another source before anything is decoded
 *
 * Reads can be cancelled: waiting for a pipe is done in slices, and `stop` and the task are checked
 * between them. One thread may read an input while another reads `done`.
 */
#ifndef XCOMPLIANCE_INPUT_H
#define XCOMPLIANCE_INPUT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "task.h"

#pragma GCC visibility push(hidden)

struct input {
  const char *path; /* for messages */
  int descriptor;
  bool regular; /* a file, not a pipe */
  bool whole;   /* likewise, and its first byte is the first that is read */
  /* the source of the bytes if not the descriptor; returns how many, 0 at the end, or -1 */
  int64_t (*read)(void *context, void *to, size_t size, struct error *error);
  void *context;
  uint64_t total;             /* its size when it was opened; 0 for a pipe */
  struct task *task;          /* may be NULL */
  atomic_bool stop;           /* set by the thread that has stopped using it */
  atomic_uint_least64_t done; /* bytes read */
};

/* Opens `path`; "-" is standard input. Folders and devices are refused. */
bool input_open(struct input *input, const char *path, struct task *task, struct error *error);

/* Opens another source. `path` and `context` must outlive the input. */
void input_open_source(struct input *input, const char *path,
                       int64_t (*read)(void *context, void *to, size_t size, struct error *error),
                       void *context, struct task *task);

/* Reads until `size` bytes are there or the input has ended. Returns how many, or -1. A file whose
 * size has changed since it was opened is an error at its end. */
int64_t input_read(struct input *input, void *to, size_t size, struct error *error);

/* The same for bytes from `at` on of an input that is `whole`, by any thread. Nothing moves. */
int64_t input_read_at(struct input *input, void *to, size_t size, uint64_t at, struct error *error);

/* Whether such a file still has the size that it had when it was opened; an error if not. */
bool input_has_its_size(struct input *input, struct error *error);

void input_close(struct input *input);

#pragma GCC visibility pop

#endif
