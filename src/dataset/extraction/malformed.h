/* malformed.h - the list of skipped records: TARGET.malformed, one JSON object on each line
 */
#ifndef XCOMPLIANCE_MALFORMED_H
#define XCOMPLIANCE_MALFORMED_H

#include <stdbool.h>

#include "error.h"

#pragma GCC visibility push(hidden)

struct malformed;

/* Begins the list beside `target`. NULL with `error` filled. */
struct malformed *malformed_new(const char *target, struct error *error);

/* Adds what `problem` says: {"file":...,"line":...,"byte":...,"problem":...}. */
bool malformed_add(struct malformed *malformed, const struct error *problem, struct error *error);

/* Flushes the list and gives it its name, even if it is empty: it replaces an older one. */
bool malformed_publish(struct malformed *malformed, struct error *error);

/* Frees it, and removes it, under whichever name, unless `keep`. */
void malformed_free(struct malformed *malformed, bool keep);

#pragma GCC visibility pop

#endif
