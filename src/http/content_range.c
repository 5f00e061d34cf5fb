/* content_range.c - see content_range.h
 *
 * sscanf would accept signs and spaces, and let numbers overflow.
 */
#include "http/content_range.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* Returns what follows the digits, or NULL if there are none, or too many. */
static const char *read_number(const char *text, uint64_t *number) {
  const char *start = text;
  for (*number = 0; *text >= '0' && *text <= '9'; text++) {
    uint64_t digit = (uint64_t)(*text - '0');
    if (*number > ((uint64_t)INT64_MAX - digit) / 10) return NULL;
    *number = *number * 10 + digit;
  }
  return text > start ? text : NULL;
}

bool content_range_read(const char *text, struct content_range *range) {
  if (strncasecmp(text, "bytes ", 6) != 0) return false;
  text = read_number(text + 6, &range->first);
  if (!text || *text != '-') return false;
  text = read_number(text + 1, &range->last);
  if (!text || *text != '/' || range->last < range->first) return false;
  range->total = 0;
  if (strcmp(text + 1, "*") == 0) return true;
  text = read_number(text + 1, &range->total);
  return text && *text == '\0' && range->last < range->total;
}
