/* memory.c - see memory.h */
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { ROOM_FIRST = 16 };

bool memory_grow(void *array, size_t *room, size_t count, size_t size) {
  size_t larger = count + count / 2 + ROOM_FIRST;
  void *old, *moved;
  memcpy(&old, array, sizeof old); /* a pointer to whatever the array holds */
  moved = realloc(old, larger * size);
  if (!moved) return false;
  memcpy(array, &moved, sizeof moved);
  *room = larger;
  return true;
}

char **memory_copy_strings(const char *const *strings) {
  size_t count = 0;
  char **copies;
  while (strings[count])
    count++;
  copies = calloc(count + 1, sizeof *copies);
  for (size_t i = 0; copies && i < count; i++) {
    copies[i] = strdup(strings[i]);
    if (copies[i]) continue;
    memory_free_strings(copies);
    return NULL;
  }
  return copies;
}

void memory_free_strings(char **strings) {
  for (size_t i = 0; strings && strings[i]; i++)
    free(strings[i]);
  free(strings);
}

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
