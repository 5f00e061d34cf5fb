/* explain.h - what is recognised in the first records of a file, in words
 */
#ifndef XCOMPLIANCE_EXPLAIN_H
#define XCOMPLIANCE_EXPLAIN_H

#include <stddef.h>

#include "dataset/text/columns.h"
#include "error.h"

#pragma GCC visibility push(hidden)

/* Reads at most `records` records of the file `path`, with the shapes of the file `shape` (NULL:
 * the built-in ones alone) and the columns that the user has named (may be NULL). Returns lines of
 * text, to be freed; NULL with `error` filled. */
char *explain_file(const char *path, const char *shape, const struct column_name *columns,
                   size_t records, struct error *error);

#pragma GCC visibility pop

#endif
