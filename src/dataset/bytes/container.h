/* container.h - files that hold files: tar, plain or packed, and zip, by their bytes and their
 * names
 */
#ifndef XCOMPLIANCE_CONTAINER_H
#define XCOMPLIANCE_CONTAINER_H

#include <stddef.h>

#pragma GCC visibility push(hidden)

enum container { CONTAINER_NONE, CONTAINER_TAR, CONTAINER_ZIP };

/* What a file is that begins with these (unpacked) bytes and has this name. An empty tar, which is
 * nothing but zero bytes, is only known by its name. */
enum container container_of_bytes(const void *bytes, size_t size, const char *name);

/* What the name of a file states: .tar, also with the suffix of a packing or in one word with it
 * (.tgz), or .zip. */
enum container container_of_name(const char *name);

/* "tar" or "zip". */
const char *container_title(enum container container);

#pragma GCC visibility pop

#endif
