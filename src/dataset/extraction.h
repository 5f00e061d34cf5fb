/* extraction.h - private to extract*.c: an extraction under way, and what the formats share
 */
#ifndef XCOMPLIANCE_EXTRACTION_H
#define XCOMPLIANCE_EXTRACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataset/extract.h"
#include "dataset/folder.h"
#include "dataset/id_output.h"
#include "dataset/id_set.h"
#include "dataset/malformed.h"
#include "dataset/reader.h"
#include "error.h"
#include "task.h"

#pragma GCC visibility push(hidden)

struct extraction {
  struct task task;
  struct extract_options options; /* its strings are owned */
  struct extract_counts counts;
  struct folder folder;
  struct reader *reader; /* of the file that is being read */
  uint64_t bytes_before; /* of the files before it */
  struct id_set *ids;
  struct id_output *output;
  struct malformed *malformed; /* NULL where malformed records stop the run */
};

/* Read the rest of the file. What is malformed is passed over or ends it, as the options say. */
bool extract_ids(struct extraction *x, struct error *error);
bool extract_csv(struct extraction *x, struct error *error);
bool extract_json_lines(struct extraction *x, struct error *error);
bool extract_json_values(struct extraction *x, struct error *error);

void extraction_progress(struct extraction *x);
bool extraction_cancelled(struct extraction *x, struct error *error);

/* Adds one id that was found. */
bool extraction_add(struct extraction *x, uint64_t id, struct error *error);

/* `error` says that a record, or the rest of a file, cannot be used. Returns whether the run goes
 * on. */
bool extraction_pass_over(struct extraction *x, struct error *error);

/* The same for text[0 .. size), which is no id; it stands at `at` of the window. */
bool extraction_refuse_id(struct extraction *x, const char *at, const char *text, size_t size,
                          struct error *error);

bool extraction_no_memory(const struct extraction *x, struct error *error);

#pragma GCC visibility pop

#endif
