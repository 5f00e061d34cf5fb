/* redact_csv.h - the rows of a table, judged
 */
#ifndef XCOMPLIANCE_REDACT_CSV_H
#define XCOMPLIANCE_REDACT_CSV_H

#include <stddef.h>

#include "dataset/bytes/reader.h"
#include "dataset/redaction/batch.h"
#include "dataset/text/csv_table.h"

#pragma GCC visibility push(hidden)

/* Judges the rows in the reader's window, and outputs the header before the first of them. Returns
 * how many bytes were used, which the caller consumes once the batch is written; 0: the window
 * holds no whole row. If `reader->ended` all is used. */
size_t redact_csv_rows(struct csv_table *table, bool *header_passed, struct reader *reader,
                       struct batch *batch);

#pragma GCC visibility pop

#endif
