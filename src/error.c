/* error.c - see error.h
 *
 * Messages are formatted into the structure itself: an error must be reportable when memory is what
 * has run out.
 */
#include "error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void clear(struct error *error, enum error_code code) {
  error->code = code;
  error->creating = false;
  error->system = 0;
  error->line = 0;
  error->byte = 0;
  error->file[0] = '\0';
  error->message[0] = '\0';
}

void error_set(struct error *error, enum error_code code, const char *format, ...) {
  va_list arguments;
  clear(error, code);
  va_start(arguments, format);
  vsnprintf(error->message, sizeof error->message, format, arguments);
  va_end(arguments);
}

/* If a path is longer than the field, its end is kept, which says more than its start. */
static void set_file(struct error *error, const char *file) {
  size_t size = strlen(file);
  if (size >= sizeof error->file) file += size - (sizeof error->file - 1);
  snprintf(error->file, sizeof error->file, "%s", file);
}

void error_at(struct error *error, enum error_code code, const char *file, uint64_t line,
              uint64_t byte, const char *format, ...) {
  va_list arguments;
  int prefix;
  clear(error, code);
  set_file(error, file);
  error->line = line;
  error->byte = byte;
  if (line > 0)
    prefix = snprintf(error->message, sizeof error->message,
                      "%s, line %" PRIu64 ", byte %" PRIu64 ": ", error->file, line, byte);
  else
    prefix = snprintf(error->message, sizeof error->message, "%s: ", error->file);
  va_start(arguments, format);
  vsnprintf(error->message + prefix, sizeof error->message - (size_t)prefix, format, arguments);
  va_end(arguments);
}

bool error_memory(struct error *error, const char *format, ...) {
  va_list arguments;
  size_t size;
  clear(error, ERROR_MEMORY);
  va_start(arguments, format);
  vsnprintf(error->message, sizeof error->message, format, arguments);
  va_end(arguments);
  size = strlen(error->message);
  snprintf(error->message + size, sizeof error->message - size, ": out of memory");
  return false;
}

static const char *remedy(int system) {
  switch (system) {
  case ENOSPC:
  case EDQUOT: return " - free some space and run it again";
  case EACCES:
  case EPERM: return " - check the owner and the mode";
  case EROFS: return " - choose a place that can be written";
  case ENOENT: return " - check the path";
  case EMFILE:
  case ENFILE: return " - raise the limit of open files (ulimit -n)";
  default: return "";
  }
}

void error_errno(struct error *error, const char *doing, const char *file) {
  int system = errno;
  char reason[128];
  /* the GNU strerror_r: thread-safe, and it returns the text */
  const char *text = strerror_r(system, reason, sizeof reason);
  clear(error, system == ENOMEM ? ERROR_MEMORY : ERROR_IO);
  error->system = system;
  set_file(error, file);
  snprintf(error->message, sizeof error->message, "%s %s: %s%s", doing, error->file, text,
           remedy(system));
}

void error_creating(struct error *error, const char *doing, const char *file) {
  error_errno(error, doing, file);
  error->creating = error->code == ERROR_IO;
}

const char *error_kind(enum error_code code) {
  switch (code) {
  case ERROR_NONE: return "none";
  case ERROR_MEMORY: return "memory";
  case ERROR_CANCELLED: return "cancelled";
  case ERROR_IO: return "io";
  case ERROR_DATA:
  case ERROR_REFUSED: return "data";
  case ERROR_CONFLICT: return "conflict";
  case ERROR_NETWORK: return "network";
  case ERROR_TIMEOUT: return "timeout";
  case ERROR_TLS: return "tls";
  case ERROR_PROTOCOL: return "protocol";
  case ERROR_USAGE: return "usage";
  case ERROR_INTERNAL: return "internal";
  }
  return "internal";
}
