/* prefilter.h - which records must be parsed, at several gigabytes a second
 *
 * Redaction acts only on ids, and in a record an id is a run of digits. So the filter looks for
 * runs that are at least as long as the shortest id that matters, looks each up in a Bloom filter
 * (two bytes a verdict, one word of memory a look-up), and the few that pass in the verdicts
 * themselves. A record is a hit if it holds an id that matters anywhere, even in a text; or an
 * escape that could hide a digit (\u003x); or if it does not begin and end as one JSON object (an
 * array holds several records). The filter never misses a record; false hits only cost time.
 */
#ifndef XCOMPLIANCE_PREFILTER_H
#define XCOMPLIANCE_PREFILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataset/verdicts/verdicts.h"
#include "task.h"

#pragma GCC visibility push(hidden)

struct prefilter;

/* Makes a filter for the ids that have one of the facts `matter` in the set of their type. The
 * verdicts and `task` (may be NULL) must outlive it. NULL if memory is short, or the task was
 * cancelled. */
struct prefilter *prefilter_new(const struct verdicts *verdicts,
                                const uint32_t matter[VERDICTS_TYPES], struct task *task);
void prefilter_free(struct prefilter *filter); /* may be NULL */

/* Offsets of hits, ascending: each is in a record that must be parsed, or on its line end.
 */
struct prefilter_hits {
  size_t *at;
  size_t count, room;
  bool partial; /* there are very many, and only some are here: at least one in each record that has
                 * any */
};

/* Scans the lines text[0 .. size): the first begins at 0, and the last may lack its line end.
 * READER_PADDING bytes after the text must be readable. Replaces what `hits` holds, which the
 * caller frees; `*lines` becomes the number of lines. False if memory is short, or the task was
 * cancelled. */
bool prefilter_scan(const struct prefilter *filter, const char *text, size_t size,
                    struct prefilter_hits *hits, uint64_t *lines);

/* The same for a text that is not lines: every id that matters is a hit, and so is every escape
 * that could hide a digit. */
bool prefilter_find_all(const struct prefilter *filter, const char *text, size_t size,
                        struct prefilter_hits *hits);

/* What the filter says of one id in the set of one type: its facts that matter, or 0. */
uint32_t prefilter_facts(const struct prefilter *filter, enum verdicts_type type, uint64_t id);

/* For tests: how bytes are classified. */
enum prefilter_method { PREFILTER_PORTABLE, PREFILTER_16, PREFILTER_AVX2 };
/* False if this machine does not support it. */
bool prefilter_use(struct prefilter *filter, enum prefilter_method method);

#pragma GCC visibility pop

#endif
