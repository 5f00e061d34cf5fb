/* memory.h - how much memory this process may have
 */
#ifndef XCOMPLIANCE_MEMORY_H
#define XCOMPLIANCE_MEMORY_H

#include <stdint.h>

#pragma GCC visibility push(hidden)

/* Bytes: those of the machine, or fewer if its container or RLIMIT_AS (ulimit -v) allows fewer. */
uint64_t memory_allowed(void);

#pragma GCC visibility pop

#endif
