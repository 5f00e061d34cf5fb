/* id_output.c - see id_output.h
 *
 * There may be more files than descriptors, so each is flushed and closed when it is full; the one
 * that is being written is locked, so that another run does not remove it.
 */
#include "dataset/lists/id_output.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataset/bytes/leftover.h"
#include "dataset/text/id.h"
#include "file.h"
#include "memory.h"

enum { BUFFER_SIZE = 1 << 18 };

struct id_output {
  char *target;
  uint64_t per_file, ids, in_file;
  char **paths; /* temporary names, by number */
  size_t files, room;
  size_t published;
  int descriptor; /* of the last; -1 if it is closed */
  size_t used;
  char buffer[BUFFER_SIZE];
};

struct id_output *id_output_new(const char *target, uint64_t per_file, struct error *error) {
  struct id_output *output = calloc(1, sizeof *output);
  if (output) {
    output->descriptor = -1;
    output->per_file = per_file;
    output->target = strdup(target);
  }
  if (!output || !output->target) {
    free(output);
    error_memory(error, "writing ids");
    return NULL;
  }
  /* parts have other names, but a folder or a device is not what the user meant */
  if (per_file == 0 || file_can_be_target(target, error)) return output;
  id_output_free(output);
  return NULL;
}

int id_output_name(const char *target, uint64_t per_file, uint64_t i, char *name, size_t size) {
  if (per_file == 0) return snprintf(name, size, "%s", target);
  return snprintf(name, size, "%s.%04llu", target, (unsigned long long)i);
}

static bool target_name(const struct id_output *output, size_t i, char *name, struct error *error) {
  if (id_output_name(output->target, output->per_file, i, name, PATH_MAX) < PATH_MAX) return true;
  error_at(error, ERROR_IO, output->target, 0, 0, "the name is too long");
  return false;
}

static bool flush_buffer(struct id_output *output, struct error *error) {
  size_t used = output->used;
  output->used = 0;
  return used == 0 || file_write(output->descriptor, output->buffer, used,
                                 output->paths[output->files - 1], error);
}

static bool close_file(struct id_output *output, struct error *error) {
  bool done;
  if (output->descriptor < 0) return true;
  done = flush_buffer(output, error);
  if (done && fsync(output->descriptor) != 0) {
    error_errno(error, "flushing", output->paths[output->files - 1]);
    done = false;
  }
  close(output->descriptor);
  output->descriptor = -1;
  return done;
}

static bool open_file(struct id_output *output, struct error *error) {
  char name[PATH_MAX];
  if (!memory_reserve(&output->paths, &output->room, output->files + 1, sizeof *output->paths))
    return error_memory(error, "writing %s", output->target);
  if (!target_name(output, output->files + 1, name, error)) return false;
  output->descriptor = leftover_create_beside(name, &output->paths[output->files], error);
  if (output->descriptor < 0) return false;
  output->files++;
  output->in_file = 0;
  return true;
}

/* Formats ids until the buffer is full or the file has its number. Returns how many. */
static size_t format_some(struct id_output *output, const uint64_t *ids, size_t count) {
  size_t done = 0;
  if (output->per_file > 0 && count > output->per_file - output->in_file)
    count = (size_t)(output->per_file - output->in_file);
  for (; done < count && output->used < BUFFER_SIZE - ID_FORMAT_ROOM; done++) {
    output->used += id_format(ids[done], output->buffer + output->used);
    output->buffer[output->used++] = '\n';
  }
  return done;
}

bool id_output_write(void *context, const uint64_t *ids, size_t count, struct error *error) {
  struct id_output *output = context;
  while (count > 0) {
    size_t done;
    if (output->per_file > 0 && output->in_file == output->per_file && !close_file(output, error))
      return false;
    if (output->descriptor < 0 && !open_file(output, error)) return false;
    done = format_some(output, ids, count);
    output->in_file += done;
    output->ids += done;
    ids += done;
    count -= done;
    if (done == 0 && !flush_buffer(output, error)) return false;
  }
  return true;
}

static bool no_later_part(struct id_output *output, struct error *error) {
  char name[PATH_MAX];
  if (output->per_file == 0) return true;
  if (!target_name(output, output->files + 1, name, error)) return false;
  if (access(name, F_OK) != 0) return true;
  error_at(error, ERROR_CONFLICT, name, 0, 0,
           "was left by an earlier run and would be mistaken for a part of this one - remove it");
  return false;
}

static bool publish(struct id_output *output, size_t i, struct error *error) {
  char name[PATH_MAX];
  int descriptor;
  bool done;
  if (!target_name(output, i + 1, name, error)) return false;
  descriptor = open(output->paths[i], O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor < 0) {
    error_errno(error, "opening", output->paths[i]);
    return false;
  }
  done = file_publish(descriptor, output->paths[i], name, error);
  close(descriptor);
  return done;
}

/* Some parts without the others would be mistaken for all. */
static void withdraw(struct id_output *output) {
  char name[PATH_MAX];
  struct error error;
  for (size_t i = 0; i < output->published; i++)
    if (target_name(output, i + 1, name, &error)) unlink(name);
}

bool id_output_publish(struct id_output *output, struct error *error) {
  if (output->descriptor < 0 && !open_file(output, error)) return false;
  if (!no_later_part(output, error)) return false;
  /* the last stays open, and locked, until it has its name */
  if (!flush_buffer(output, error)) return false;
  for (; output->published < output->files; output->published++)
    if (!publish(output, output->published, error)) {
      withdraw(output);
      return false;
    }
  close(output->descriptor);
  output->descriptor = -1;
  return true;
}

uint64_t id_output_files(const struct id_output *output) {
  return output->files;
}

uint64_t id_output_ids(const struct id_output *output) {
  return output->ids;
}

void id_output_free(struct id_output *output) {
  if (!output) return;
  for (size_t i = 0; i < output->files; i++) {
    if (i >= output->published) unlink(output->paths[i]);
    free(output->paths[i]);
  }
  if (output->descriptor >= 0) close(output->descriptor);
  free(output->paths);
  free(output->target);
  free(output);
}
