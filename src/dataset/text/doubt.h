/* doubt.h - errors about records that no shape understands, in whole or in part
 */
#ifndef XCOMPLIANCE_DOUBT_H
#define XCOMPLIANCE_DOUBT_H

#include <stdbool.h>
#include <stdint.h>

#include "dataset/bytes/reader.h"
#include "dataset/text/record.h"
#include "error.h"

#pragma GCC visibility push(hidden)

/* Fills `error` for a record, walked by `record`, in which neither a tweet nor a user was found:
 * the message names its first keys. ERROR_REFUSED. */
void doubt_unrecognised(struct record *record, const char *path, const struct reader_record *text,
                        struct error *error);

/* A member with an id at a place that no shape knows. */
struct doubt_id {
  uint64_t id;
  struct json_text name; /* of the member */
  uint32_t at;           /* of the id, as in record.h */
};

/* Whether the digits, or the escape, at `at` of the record may be the value of such a member: a
 * quick check with false positives. Set `*noted` to zero before the first of a record; they are
 * asked for in its order. */
bool doubt_may_be_id(const struct record *record, const struct reader_record *text, uint32_t at,
                     uint32_t *noted);

/* Looks for such members with the name of an id that are not known references. `is_bad` says
 * whether the id at an offset of the record is condemned. Returns whether there is one. */
bool doubt_find_id(struct record *record, const struct reader_record *text,
                   bool (*is_bad)(void *context, uint64_t id, uint32_t at), void *context,
                   struct doubt_id *found);

/* Fills `error` for one that was found. ERROR_REFUSED. */
void doubt_condemned_id(const struct doubt_id *found, const char *path,
                        const struct reader_record *text, struct error *error);

#pragma GCC visibility pop

#endif
