/* malformed.c - see malformed.h */
#include "dataset/extraction/malformed.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dataset/bytes/leftover.h"
#include "file.h"

struct malformed {
  char *target, *path;
  FILE *file;
  bool published;
};

struct malformed *malformed_new(const char *target, struct error *error) {
  struct malformed *malformed = calloc(1, sizeof *malformed);
  int descriptor = -1;
  if (!malformed || asprintf(&malformed->target, "%s.malformed", target) < 0) {
    free(malformed);
    error_memory(error, "writing %s.malformed", target);
    return NULL;
  }
  descriptor = leftover_create_beside(malformed->target, &malformed->path, error);
  if (descriptor >= 0 && (malformed->file = fdopen(descriptor, "w"))) return malformed;
  if (descriptor >= 0) {
    error_memory(error, "writing %s", malformed->target);
    close(descriptor);
  }
  malformed_free(malformed, false);
  return NULL;
}

/* Bytes beyond ASCII are copied: the file has the encoding that the names have. */
static void write_string(FILE *file, const char *text) {
  putc('"', file);
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    if (c == '"' || c == '\\')
      fprintf(file, "\\%c", c);
    else if (c < 0x20)
      fprintf(file, "\\u%04x", c);
    else
      putc(c, file);
  }
  putc('"', file);
}

static bool is_written(struct malformed *malformed, struct error *error) {
  if (!ferror(malformed->file)) return true;
  error_errno(error, "writing", malformed->path);
  return false;
}

bool malformed_add(struct malformed *malformed, const struct error *problem, struct error *error) {
  fputs("{\"file\":", malformed->file);
  write_string(malformed->file, problem->file);
  fprintf(malformed->file,
          ",\"line\":%llu,\"byte\":%llu,\"problem\":", (unsigned long long)problem->line,
          (unsigned long long)problem->byte);
  write_string(malformed->file, problem->message);
  fputs("}\n", malformed->file);
  return is_written(malformed, error);
}

bool malformed_publish(struct malformed *malformed, struct error *error) {
  fflush(malformed->file);
  if (!is_written(malformed, error)) return false;
  malformed->published =
      file_publish(fileno(malformed->file), malformed->path, malformed->target, error);
  return malformed->published;
}

void malformed_free(struct malformed *malformed, bool keep) {
  if (!malformed) return;
  if (malformed->path && !keep) unlink(malformed->published ? malformed->target : malformed->path);
  if (malformed->file) fclose(malformed->file);
  free(malformed->path);
  free(malformed->target);
  free(malformed);
}
