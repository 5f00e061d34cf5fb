/* content_range.h - the Content-Range of an answer (RFC 9110, section 14.4) */
#ifndef XCOMPLIANCE_HTTP_CONTENT_RANGE_H
#define XCOMPLIANCE_HTTP_CONTENT_RANGE_H

#include <stdbool.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

struct content_range {
  uint64_t first, last; /* of the bytes in this part, from 0 */
  uint64_t total;       /* of the whole; 0 if the server does not know it */
};

/* Reads "bytes FIRST-LAST/TOTAL", with an asterisk for an unknown TOTAL. Returns false, with
 * `range` undefined, if it is anything else: signs, numbers beyond 2^63 - 1, a last before its
 * first or beyond the total. */
bool content_range_read(const char *text, struct content_range *range);

#pragma GCC visibility pop

#endif
