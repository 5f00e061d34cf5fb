/* foreign.h - files that are known not to be datasets, by their first bytes
 *
 * Without this they would be read as tables with one strange column. The message names the format
 * and the command that makes a dataset of it.
 */
#ifndef XCOMPLIANCE_FOREIGN_H
#define XCOMPLIANCE_FOREIGN_H

#include <stddef.h>

#pragma GCC visibility push(hidden)

/* The message for a file that begins with these bytes (unpacked); NULL if it may be a dataset.
 */
const char *foreign_refusal(const void *bytes, size_t size);

#pragma GCC visibility pop

#endif
