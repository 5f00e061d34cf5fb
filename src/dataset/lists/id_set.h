/* id_set.h - sort ids and remove duplicates, on disk if they do not fit in memory
 *
 * Ids are collected in one large array. When it is full it is sorted and its duplicates removed; if
 * it is then still rather full, it is written as a run to a temporary file beside the output (which
 * has no name, so that nothing is left), and filled again. At the end the runs and the ids
 * in memory are merged in one pass. Ids that fit in memory are never written to disk.
 */
#ifndef XCOMPLIANCE_ID_SET_H
#define XCOMPLIANCE_ID_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "task.h"

#pragma GCC visibility push(hidden)

struct id_set {
  uint64_t *ids; /* ids[0 .. count) have been added and not yet sorted */
  size_t count, room;
};

/* The least that a user may ask for. Tests take less. */
enum { ID_SET_MEMORY_MIN = 16 << 20 };

/* Makes a set that uses at most about `memory` bytes (16 for each id held). Runs go beside the file
 * `beside`. `task` is checked now and then for cancellation; may be NULL. NULL with `error` filled
 * if memory is short. */
struct id_set *id_set_new(size_t memory, const char *beside, struct task *task,
                          struct error *error);

/* Makes room for at least one more id, by sorting or writing a run. */
bool id_set_make_room(struct id_set *set, struct error *error);

/* Adds one id. */
static inline bool id_set_add(struct id_set *set, uint64_t id, struct error *error) {
  if (set->count == set->room && !id_set_make_room(set, error)) return false;
  set->ids[set->count++] = id;
  return true;
}

/* Gives all ids, ascending and each once, to `take` in pieces of any size. Stops if `take` returns
 * false, with `error` filled. The set can only be freed afterwards. */
typedef bool id_set_take(void *context, const uint64_t *ids, size_t count, struct error *error);
bool id_set_finish(struct id_set *set, id_set_take *take, void *context, struct error *error);

void id_set_free(struct id_set *set);

/* Sorts ids[0 .. count) ascending by their digits, using scratch[0 .. count), and removes
 * duplicates. Returns how many are left. Once `task` (may be NULL) is cancelled it stops early,
 * with the ids in no order. */
size_t id_sort(uint64_t *ids, uint64_t *scratch, size_t count, struct task *task);

#pragma GCC visibility pop

#endif
