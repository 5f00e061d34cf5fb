/* prefilter.h - which records have to be looked at, at several gigabytes a second
 *
 * Whatever redaction acts on is an id, and an id stands in its record as a run of digits, whole and
 * nothing else. So the filter looks for runs of at least as many digits as the shortest id that
 * matters has, asks a Bloom filter (two bytes a verdict, one word of memory a look-up) about each,
 * and the verdicts themselves about the few that pass it. A record is a hit if it holds an id that
 * matters anywhere, be it in a text; or an escape that could hide a digit (\u003x); or if it does
 * not begin and end as one JSON object (an array holds several records). It never misses; what it
 * hits for nothing costs time.
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

/* Offsets of hits, ascending: each lies in a record that has to be looked at, or on its line end.
 */
struct prefilter_hits {
  size_t *at;
  size_t count, room;
  bool partial; /* there are very many, and not all are here: but one in each record that has any */
};

/* Goes over the lines text[0 .. size), of which the first begins at 0 and the last may lack its
 * line end. READER_PADDING bytes after the text must be readable. Replaces what `hits` holds, which
 * the caller frees; `*lines` becomes the number of lines. False if memory is short, or the task was
 * cancelled. */
bool prefilter_scan(const struct prefilter *filter, const char *text, size_t size,
                    struct prefilter_hits *hits, uint64_t *lines);

/* The same for a text that is not lines: every id that matters is a hit, and so is every escape
 * that could hide a digit. */
bool prefilter_find_all(const struct prefilter *filter, const char *text, size_t size,
                        struct prefilter_hits *hits);

/* What the filter says of one id in the set of one type: its facts that matter, or 0. */
uint32_t prefilter_facts(const struct prefilter *filter, enum verdicts_type type, uint64_t id);

/* For tests: how bytes are told apart. */
enum prefilter_method { PREFILTER_PORTABLE, PREFILTER_SSE2, PREFILTER_AVX2 };
/* False if this machine cannot. */
bool prefilter_use(struct prefilter *filter, enum prefilter_method method);

#pragma GCC visibility pop

#endif
