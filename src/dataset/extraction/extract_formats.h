/* extract_formats.h - extraction from one file of each format: extract_ids.c, extract_csv.c and
 * extract_json.c
 */
#ifndef XCOMPLIANCE_EXTRACT_FORMATS_H
#define XCOMPLIANCE_EXTRACT_FORMATS_H

#include "dataset/extraction/extraction.h"

#pragma GCC visibility push(hidden)

/* Read the rest of x->reader. A malformed record is skipped or ends it, as the options say. */
bool extract_ids(struct extraction *x, struct error *error);
bool extract_csv(struct extraction *x, struct error *error);
bool extract_json_lines(struct extraction *x, struct error *error);
bool extract_json_values(struct extraction *x, struct error *error);

#pragma GCC visibility pop

#endif
