/* memory.c - see memory.h */
#include "memory.h"

#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

/* What a container may have, if this is one; else a number that is no limit. */
static uint64_t container_limit(void) {
  static const char *const paths[] = {"/sys/fs/cgroup/memory.max",
                                      "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
  unsigned long long limit = 0;
  for (size_t i = 0; i < sizeof paths / sizeof *paths && limit == 0; i++) {
    FILE *file = fopen(paths[i], "r");
    if (file && fscanf(file, "%llu", &limit) != 1) limit = 0; /* "max" */
    if (file) fclose(file);
  }
  return limit ? limit : UINT64_MAX;
}

static uint64_t smaller(uint64_t one, uint64_t other) {
  return one < other ? one : other;
}

uint64_t memory_allowed(void) {
  uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
  struct rlimit limit;
  memory = smaller(memory, container_limit());
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    memory = smaller(memory, limit.rlim_cur);
  return memory;
}
