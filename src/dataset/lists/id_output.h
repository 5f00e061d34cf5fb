/* id_output.h - ids to text files that take their final names together
 *
 * One id on each line, ended by LF. With a limit the files are called TARGET.0001, TARGET.0002 and
 * so on. All are written beside their targets first; a file with a higher number, left from an
 * earlier run, is a conflict, since it would be mistaken for another part.
 */
#ifndef XCOMPLIANCE_ID_OUTPUT_H
#define XCOMPLIANCE_ID_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#pragma GCC visibility push(hidden)

struct id_output;

/* `per_file` 0 means one file, called `target`. */
struct id_output *id_output_new(const char *target, uint64_t per_file, struct error *error);

/* Writes ids; an id_set_take with the output as its context. */
bool id_output_write(void *output, const uint64_t *ids, size_t count, struct error *error);

/* Flushes all files and gives them their names. There is at least one, even without an id. */
bool id_output_publish(struct id_output *output, struct error *error);

/* How many files, how many ids. */
uint64_t id_output_files(const struct id_output *output);
uint64_t id_output_ids(const struct id_output *output);

/* The name of file number `i` (from 1) to `name`. Returns what snprintf does. */
int id_output_name(const char *target, uint64_t per_file, uint64_t i, char *name, size_t size);

/* Frees it, and removes what has not been published. */
void id_output_free(struct id_output *output);

#pragma GCC visibility pop

#endif
