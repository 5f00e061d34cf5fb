/* format.h - what kind of dataset a file is, by its first bytes
 *
 *   {...  one object a line, or objects and arrays over many lines (by what the first line ends in)
 *   [...  an array of records, or (if the first line holds a whole one, and more lines follow)
 *         an array a line
 *   1...  an id list
 *   else  CSV: the first line is a header
 *
 * The name only decides if the first line of a JSON file ends within a value and the next line
 * begins one: in x.json that is a value over many lines, in any other file a truncated line.
 */
#ifndef XCOMPLIANCE_FORMAT_H
#define XCOMPLIANCE_FORMAT_H

#include <stdbool.h>

#include "dataset/bytes/reader.h"
#include "error.h"

#pragma GCC visibility push(hidden)

enum format { FORMAT_JSON_LINES, FORMAT_JSON_VALUES, FORMAT_CSV, FORMAT_IDS };

/* Examines a reader that has just been opened; consumes nothing. An empty file is FORMAT_IDS. False
 * with `error` filled if reading failed. */
bool format_detect(struct reader *reader, enum format *format, struct error *error);

/* The same if it is known to be JSON: FORMAT_JSON_LINES or FORMAT_JSON_VALUES. */
bool format_detect_json(struct reader *reader, enum format *format, struct error *error);

/* Whether the name of a file ends like that of a file of records: .jsonl .ndjson .json .csv .tsv
 * .txt, each also with the suffix of a packing; and whether it ends like that, or like an archive's
 * of such files (container.h). */
bool format_is_dataset_name(const char *name);
bool format_is_known_name(const char *name);

#pragma GCC visibility pop

#endif
