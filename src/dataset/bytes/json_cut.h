/* json_cut.h - JSON values cut out of a text, by their brackets and strings alone
 *
 * Whether the result is JSON is checked by the record walker. Values come one after the other, or
 * are the elements of top-level arrays; between them is white space, and the brackets and commas of
 * such arrays.
 */
#ifndef XCOMPLIANCE_JSON_CUT_H
#define XCOMPLIANCE_JSON_CUT_H

#include <stdbool.h>
#include <stddef.h>

#include "task.h"

#pragma GCC visibility push(hidden)

/* The position in a text of values, and so what may come next. */
enum json_place {
  JSON_OUTSIDE,       /* a value or an array */
  JSON_AFTER_OPEN,    /* an element or the end of the array */
  JSON_AFTER_COMMA,   /* an element */
  JSON_AFTER_ELEMENT, /* a comma or the end of the array */
};

/* Moves `*at` over what is between two values: up to `end`, or to the first byte of a value. False
 * if a comma or bracket is out of place, at `*at`. */
bool json_cut_between(enum json_place *place, const char **at, const char *end);

/* Where the value at `start` ends; NULL if that is not before `end`, or `task` (may be NULL) was
 * cancelled. `ended`: nothing follows `end`. */
const char *json_cut_value(const char *start, const char *end, bool ended, struct task *task);

/* How many bytes at the start of a text are an assignment, `window.YTD.tweets.part0 = `, as files
 * of JavaScript have before their value (an array or object); 0: none. */
size_t json_cut_assignment(const char *text, size_t size);

/* What is wrong if json_cut_between has failed. */
extern const char JSON_CUT_OUTSIDE[], JSON_CUT_INSIDE[];

#pragma GCC visibility pop

#endif
