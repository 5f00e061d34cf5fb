/* error.h - what went wrong, in the one shape that every part of the C core returns
 *
 * A function that can fail takes a `struct error *` last, fills it, and returns false or NULL. The
 * structure owns nothing, so it can be copied and dropped freely. A message is a sentence without
 * its full stop that says what was being done, to what, what happened and what to do; it never
 * contains a token or the query of a signed URL. Options are in backquotes, so that the command can
 * show them as its flags.
 */
#ifndef XCOMPLIANCE_ERROR_H
#define XCOMPLIANCE_ERROR_H

#include <stdbool.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

/* For "%llu %s%s" in a message: "1 record", "2 records". */
#define COUNTED(count, noun) (unsigned long long)(count), noun, (count) == 1 ? "" : "s"

enum error_code {
  ERROR_NONE,
  ERROR_MEMORY,    /* an allocation failed */
  ERROR_CANCELLED, /* the caller cancelled */
  ERROR_IO,        /* a file could not be opened, read, written, flushed or renamed */
  ERROR_DATA,      /* the input is invalid; file, line and byte say where */
  ERROR_REFUSED,   /* the input is not understood: the caller must decide about it */
  ERROR_CONFLICT,  /* something else uses it */
  ERROR_NETWORK,   /* no connection, or a broken one */
  ERROR_TIMEOUT,   /* too slow, or no answer */
  ERROR_TLS,       /* the peer could not be trusted */
  ERROR_PROTOCOL,  /* the peer violates the protocol */
  ERROR_USAGE,     /* a value that the caller gave cannot be used */
  ERROR_INTERNAL,  /* a fault of this program */
};

struct error {
  enum error_code code;
  bool creating;      /* with ERROR_IO: a file or folder could not be made */
  int system;         /* errno, or libcurl's code for the network ones; 0 if neither applies */
  uint64_t line;      /* from 1; 0 if there is none */
  uint64_t byte;      /* offset from 0 within `file` (as decompressed); only with `line` */
  char file[1024];    /* the path that was being worked on, or "" */
  char message[1536]; /* a whole sentence, with file, line and byte in it if they matter */
};

/* Fills `error` with a code and a formatted message, and clears the rest. */
void error_set(struct error *error, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* For a place in a file: the message becomes "FILE, line L, byte B: what was formatted".
 * `line` 0 leaves line and byte away. */
void error_at(struct error *error, enum error_code code, const char *file, uint64_t line,
              uint64_t byte, const char *format, ...) __attribute__((format(printf, 6, 7)));

/* Fills `error` with ERROR_MEMORY: "what was formatted: out of memory". Returns false. */
bool error_memory(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Fills `error` from errno: "DOING FILE: what errno means - what helps". */
void error_errno(struct error *error, const char *doing, const char *file);

/* The same for a file or folder that could not be made. */
void error_creating(struct error *error, const char *doing, const char *file);

/* The stable word that Lua sees as `err.kind`. */
const char *error_kind(enum error_code code);

#pragma GCC visibility pop

#endif
