/* notice.h - whether an object without a tweet or a user has no content
 */
#ifndef XCOMPLIANCE_NOTICE_H
#define XCOMPLIANCE_NOTICE_H

#include <stdbool.h>
#include <stddef.h>

#include "dataset/text/json.h"
#include "dataset/text/shapes.h"

#pragma GCC visibility push(hidden)

/* Whether all members of the object at the start of text[0 .. size) are those of notices (messages
 * of streams, `meta`, `errors`), or empty places for tweets and users. The text is known to be
 * JSON. `json` is used for reading. */
bool notice_is(const struct shapes *shapes, struct json *json, const char *text, size_t size);

#pragma GCC visibility pop

#endif
