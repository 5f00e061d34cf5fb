/* id.h - tweet and user ids: decimal text to uint64 and back
 *
 * An id is 1 to 19 digits, at most 9223372036854775807, without sign, leading zero or exponent. Ids
 * never pass through a double: 1.26532E+18 shows that a spreadsheet has destroyed one.
 */
#ifndef XCOMPLIANCE_ID_H
#define XCOMPLIANCE_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#pragma GCC visibility push(hidden)

/* Ids from here on have 16 digits or more, of which a spreadsheet keeps 15. */
#define ID_LONG 1000000000000000u

enum { ID_TEXT_MAX = 19, ID_FORMAT_ROOM = 24, ID_READ_ROOM = 24 };

/* Reads the `size` bytes at `text` as one id. Returns 0 (which is not an id) if they are not
 * one. */
uint64_t id_parse(const char *text, size_t size);

/* Reads the digits at the start of `text`, of which ID_READ_ROOM bytes can be read, as one id.
 * Returns how many digits there are and sets `*id`; 0 if they are not an id. For loops over long
 * lists: the end of an id need not be known before. */
size_t id_read(const char *text, uint64_t *id);

/* Writes `id` in decimal to `text`, which has room for ID_FORMAT_ROOM bytes; no terminator. Returns
 * the bytes that count. */
size_t id_format(uint64_t id, char *text);

/* Whether a long id ends in 000, as ids do that a spreadsheet has rounded. */
static inline bool id_is_round(uint64_t id) {
  return id >= ID_LONG && id % 1000 == 0;
}

/* Whether `round` of `count` ids that end in 000 are more than chance explains. */
bool id_are_rounded(uint64_t round, uint64_t count);

/* Fills `error` with that, for the file `path`. ERROR_REFUSED. */
void id_refuse_rounded(const char *path, uint64_t round, uint64_t count, struct error *error);

/* Says why the `size` bytes at `text` are not an id, beginning with them: "\"1.26E+18\" is a number
 * that a spreadsheet has rounded ...". Writes at most ID_COMPLAINT bytes to `complaint`, ended by
 * zero. */
enum { ID_COMPLAINT = 256 };
void id_complain(const char *text, size_t size, char *complaint);

#pragma GCC visibility pop

#endif
