/* memory.h - arrays that grow, copies of lists, and how much memory this process may have
 */
#ifndef XCOMPLIANCE_MEMORY_H
#define XCOMPLIANCE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

/* Makes room for `count` things of `size` bytes in an array that was allocated or is NULL: `array`
 * is the address of the pointer to it, `*room` its size in things. False if memory is short; the
 * array is then unchanged. */
bool memory_grow(void *array, size_t *room, size_t count, size_t size);

static inline bool memory_reserve(void *array, size_t *room, size_t count, size_t size) {
  return count <= *room || memory_grow(array, room, count, size);
}

/* Copies a list of strings that NULL ends. NULL if memory is short. */
char **memory_copy_strings(const char *const *strings);
void memory_free_strings(char **strings); /* may be NULL */

/* Bytes: those of the machine, or fewer if its container or RLIMIT_AS (ulimit -v) allows fewer. */
uint64_t memory_allowed(void);

#pragma GCC visibility pop

#endif
