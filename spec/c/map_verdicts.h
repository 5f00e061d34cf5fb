/* map_verdicts.h - both sets of a file of verdicts, mapped */
#ifndef MAP_VERDICTS_H
#define MAP_VERDICTS_H

#include "dataset/verdicts/verdicts_file.h"

static inline struct verdicts *map_verdicts(const char *path, struct error *error) {
  struct verdicts *verdicts = verdicts_new();
  bool ok = verdicts || error_memory(error, "mapping %s", path);
  for (int type = 0; ok && type < VERDICTS_TYPES; type++)
    ok = verdicts_map_set(&verdicts->sets[type], (enum verdicts_type)type, path, NULL, error);
  if (ok) return verdicts;
  verdicts_release(verdicts);
  return NULL;
}

#endif
