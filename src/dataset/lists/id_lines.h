/* id_lines.h - whether bytes are a list of ids as X takes it: plain text, one id on a line
 *
 * Blank lines, spaces and tabs around an id, and lines that end in CR LF are allowed, and no line
 * of more than ID_LINE_MAX bytes. The bytes come in pieces of any size.
 */
#ifndef XCOMPLIANCE_ID_LINES_H
#define XCOMPLIANCE_ID_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#pragma GCC visibility push(hidden)

enum { ID_LINE_MAX = 128 };

struct id_lines {
  const char *path; /* for messages */
  uint64_t ids, line, byte;
  size_t used; /* bytes of a line that is not complete yet */
  char text[ID_LINE_MAX + 1];
};

/* Takes the next bytes. Returns false with the line that is not an id in `error`. Zero `*lines` but
 * for its path first. */
bool id_lines_add(struct id_lines *lines, const char *bytes, size_t size, struct error *error);

/* There are no more bytes. */
bool id_lines_end(struct id_lines *lines, struct error *error);

#pragma GCC visibility pop

#endif
