/* id_set.c - see id_set.h
 *
 * Sorting beats hashing: random access to a table of many ids costs a cache miss each, while a
 * radix sort streams. The ids are first split by their topmost differing bits, which makes parts
 * that are in the cache, and each part is then sorted digit by digit from the lowest. Huge pages
 * matter: the split writes to 2048 places at once.
 *
 * All runs are in one file one after the other, so their number is not limited by the number of
 * open files; its name is removed at once, so that the file disappears with the process.
 */
#include "dataset/lists/id_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "file.h"
#include "memory.h"

enum {
  SPLIT_BITS = 11,
  DIGIT_BITS = 8,
  PART_SMALL = 48,        /* ids that are sorted by insertion */
  PART_CACHED = 1 << 16,  /* ids that, with their scratch, stay in the cache */
  MERGE_BUFFER_MIN = 64,  /* ids read at a time of one run */
  MERGE_OUTPUT = 1 << 14, /* ids given at a time */
  SORT_STEP = 1 << 20,    /* ids between checks for cancellation */
};

struct run {
  uint64_t *ids; /* buffered ones: next .. end */
  size_t next, end;
  uint64_t offset; /* ids, in the file, of the first that is not yet buffered */
  uint64_t left;   /* how many of those there are */
  uint64_t *buffer;
};

struct set {
  struct id_set public;
  uint64_t *scratch;
  struct run *runs;
  size_t run_count, run_room;
  uint64_t written; /* ids in the file */
  int file;         /* -1 before the first run */
  char *path;
  const char *beside;
  struct task *task;
};

/* Sorting */

static size_t unique(uint64_t *to, const uint64_t *from, size_t count) {
  size_t kept = 0;
  uint64_t last = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t id = from[i];
    to[kept] = id;
    kept += id != last || i == 0;
    last = id;
  }
  return kept;
}

static void sort_by_insertion(uint64_t *ids, size_t count) {
  for (size_t i = 1; i < count; i++) {
    uint64_t id = ids[i];
    size_t at = i;
    for (; at > 0 && ids[at - 1] > id; at--)
      ids[at] = ids[at - 1];
    ids[at] = id;
  }
}

/* Sorts by the lowest `bits` bits, going between the two arrays. Returns the one that holds the
 * result. */
static uint64_t *sort_by_digits(uint64_t *ids, uint64_t *other, size_t count, unsigned bits) {
  for (unsigned shift = 0; shift < bits; shift += DIGIT_BITS) {
    uint32_t places[1 << DIGIT_BITS] = {0}, sum = 0;
    uint64_t *swap = ids;
    for (size_t i = 0; i < count; i++)
      places[ids[i] >> shift & ((1 << DIGIT_BITS) - 1)]++;
    if (places[ids[0] >> shift & ((1 << DIGIT_BITS) - 1)] == count) continue; /* all the same */
    for (size_t i = 0; i < 1 << DIGIT_BITS; i++) {
      uint32_t many = places[i];
      places[i] = sum;
      sum += many;
    }
    for (size_t i = 0; i < count; i++)
      other[places[ids[i] >> shift & ((1 << DIGIT_BITS) - 1)]++] = ids[i];
    ids = other;
    other = swap;
  }
  return ids;
}

static size_t sort_split(uint64_t *ids, uint64_t *scratch, size_t count, uint64_t *to,
                         struct task *task);

/* Sorts the part at `ids`, of which `other` is the scratch, and writes it without duplicates to
 * `to`, which may be either of them or be before. */
static size_t sort_part(uint64_t *ids, uint64_t *other, size_t count, unsigned bits, uint64_t *to,
                        struct task *task) {
  if (count > PART_CACHED) return sort_split(ids, other, count, to, task);
  if (count <= PART_SMALL)
    sort_by_insertion(ids, count);
  else
    ids = sort_by_digits(ids, other, count, bits);
  return unique(to, ids, count);
}

static bool is_cancelled(struct task *task) {
  return task && task_cancelled(task);
}

/* A pass over many ids is made in steps, between which cancellation is checked. */
static size_t step_end(size_t from, size_t count) {
  return count - from < SORT_STEP ? count : from + SORT_STEP;
}

/* The least and the greatest id. */
static void find_range(const uint64_t *ids, size_t count, struct task *task, uint64_t *least,
                       uint64_t *most) {
  *least = UINT64_MAX;
  *most = 0;
  for (size_t from = 0; from < count && !is_cancelled(task); from = step_end(from, count))
    for (size_t i = from, end = step_end(from, count); i < end; i++) {
      *least = ids[i] < *least ? ids[i] : *least;
      *most = ids[i] > *most ? ids[i] : *most;
    }
}

/* Splits by the topmost bits in which the ids differ, and sorts the parts. */
static size_t sort_split(uint64_t *ids, uint64_t *scratch, size_t count, uint64_t *to,
                         struct task *task) {
  size_t ends[(1 << SPLIT_BITS) + 1] = {0}, kept = 0, start = 0;
  uint64_t least, most;
  unsigned bits, shift;
  find_range(ids, count, task, &least, &most);
  if (is_cancelled(task)) return 0;
  if (least == most) return unique(to, ids, count);
  bits = 64 - (unsigned)__builtin_clzll(most ^ least);
  shift = bits > SPLIT_BITS ? bits - SPLIT_BITS : 0;
  least = least >> shift >> SPLIT_BITS << SPLIT_BITS; /* the bits that all share, above the split */
  for (size_t from = 0; from < count && !is_cancelled(task); from = step_end(from, count))
    for (size_t i = from, end = step_end(from, count); i < end; i++)
      ends[(ids[i] >> shift) - least + 1]++;
  for (size_t i = 0; i < 1 << SPLIT_BITS; i++)
    ends[i + 1] += ends[i];
  for (size_t from = 0; from < count && !is_cancelled(task); from = step_end(from, count))
    for (size_t i = from, end = step_end(from, count); i < end; i++)
      scratch[ends[(ids[i] >> shift) - least]++] = ids[i];
  for (size_t i = 0; i < 1 << SPLIT_BITS && !is_cancelled(task); i++) {
    size_t end = ends[i];
    if (end > start)
      kept += sort_part(scratch + start, ids + start, end - start, shift, to + kept, task);
    start = end;
  }
  return kept;
}

size_t id_sort(uint64_t *ids, uint64_t *scratch, size_t count, struct task *task) {
  return sort_part(ids, scratch, count, 64, ids, task);
}

/* Runs */

static void *map(size_t size) {
  void *memory =
      mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return NULL;
  madvise(memory, size, MADV_HUGEPAGE); /* faster if it works, harmless if not */
  return memory;
}

struct id_set *id_set_new(size_t memory, const char *beside, struct task *task,
                          struct error *error) {
  struct set *set = calloc(1, sizeof *set);
  size_t room = memory / (2 * sizeof(uint64_t));
  if (!set) goto no_memory;
  set->file = -1;
  set->task = task;
  set->beside = beside;
  set->public.room = room;
  set->public.ids = map(room * sizeof(uint64_t));
  set->scratch = map(room * sizeof(uint64_t));
  if (set->public.ids && set->scratch) return &set->public;
no_memory:
  error_set(error, ERROR_MEMORY,
            "making room to sort ids in %zu bytes: out of memory - lower `memory`", memory);
  id_set_free(set ? &set->public : NULL);
  return NULL;
}

void id_set_free(struct id_set *public) {
  struct set *set = (struct set *)public;
  if (!set) return;
  if (public->ids) munmap(public->ids, public->room * sizeof(uint64_t));
  if (set->scratch) munmap(set->scratch, public->room * sizeof(uint64_t));
  if (set->file >= 0) close(set->file);
  free(set->path);
  free(set->runs);
  free(set);
}

static bool stopped(struct set *set, struct error *error) {
  if (!set->task || !task_cancelled(set->task)) return false;
  error_set(error, ERROR_CANCELLED, "sorting ids was cancelled");
  return true;
}

static bool open_file(struct set *set, struct error *error) {
  if (set->file >= 0) return true;
  set->file = file_create_beside(set->beside, &set->path, error);
  if (set->file < 0) return false;
  unlink(set->path);
  return true;
}

static struct run *new_run(struct set *set, struct error *error) {
  if (!memory_reserve(&set->runs, &set->run_room, set->run_count + 1, sizeof *set->runs)) {
    error_memory(error, "sorting ids");
    return NULL;
  }
  if ((set->run_count + 1) * MERGE_BUFFER_MIN > set->public.room) {
    error_set(error, ERROR_USAGE,
              "sorting ids: there are too many for a memory limit of %zu bytes - raise `memory`",
              set->public.room * 2 * sizeof(uint64_t));
    return NULL;
  }
  return memset(&set->runs[set->run_count], 0, sizeof *set->runs);
}

static bool write_run(struct set *set, struct error *error) {
  size_t count = set->public.count;
  struct run *run = new_run(set, error);
  if (!run || !open_file(set, error)) return false;
  for (size_t from = 0; from < count; from = step_end(from, count))
    if (stopped(set, error) ||
        !file_write(set->file, set->public.ids + from,
                    (step_end(from, count) - from) * sizeof(uint64_t), set->path, error))
      return false;
  run->offset = set->written;
  run->left = count;
  set->run_count++;
  set->written += count;
  set->public.count = 0;
  return true;
}

bool id_set_make_room(struct id_set *public, struct error *error) {
  struct set *set = (struct set *)public;
  public->count = id_sort(public->ids, set->scratch, public->count, set->task);
  if (stopped(set, error)) return false;
  /* many duplicates: what is left can be added to without a run */
  return public->count <= public->room / 2 || write_run(set, error);
}

/* Merging */

static bool refill(struct set *set, struct run *run, size_t room, struct error *error) {
  size_t count = run->left < room ? (size_t)run->left : room;
  int64_t got = file_read(set->file, run->buffer, count * sizeof(uint64_t),
                          run->offset * sizeof(uint64_t), set->path, error);
  if (got < 0) return false;
  if ((size_t)got != count * sizeof(uint64_t)) {
    error_at(error, ERROR_IO, set->path, 0, 0, "a temporary file of sorted ids became shorter");
    return false;
  }
  run->ids = run->buffer;
  run->next = 0;
  run->end = count;
  run->offset += count;
  run->left -= count;
  return true;
}

/* The runs' smallest ids compete in a tree: losers[i] lost at node i, losers[0] is the winner. An
 * exhausted run competes with UINT64_MAX, which is not an id. */
struct merge {
  struct set *set;
  size_t runs, room;
  uint32_t *losers;
  uint64_t *heads;
};

static bool advance(struct merge *merge, size_t i, struct error *error) {
  struct run *run = &merge->set->runs[i];
  if (run->next == run->end && run->left > 0 && !refill(merge->set, run, merge->room, error))
    return false;
  merge->heads[i] = run->next < run->end ? run->ids[run->next++] : UINT64_MAX;
  return true;
}

/* Lets run `i` climb from its leaf; whichever wins against it climbs on in its place. */
static void play(struct merge *merge, size_t i) {
  uint32_t winner = (uint32_t)i;
  for (size_t node = (i + merge->runs) / 2; node > 0; node /= 2) {
    uint32_t other = merge->losers[node];
    bool lost = merge->heads[other] < merge->heads[winner];
    merge->losers[node] = lost ? winner : other;
    winner = lost ? other : winner;
  }
  merge->losers[0] = winner;
}

static bool build(struct merge *merge, struct error *error) {
  /* run number `runs` is a stand-in that wins against all, and so leaves the tree first */
  merge->heads[merge->runs] = 0;
  for (size_t i = 0; i < merge->runs; i++)
    merge->losers[i] = (uint32_t)merge->runs;
  for (size_t i = 0; i < merge->runs; i++) {
    if (!advance(merge, i, error)) return false;
    play(merge, i);
  }
  return true;
}

static bool merge_all(struct merge *merge, uint64_t *output, id_set_take *take, void *context,
                      struct error *error) {
  size_t count = 0;
  uint64_t last = 0; /* no id */
  if (!build(merge, error)) return false;
  for (uint64_t merged = 0;; merged++) {
    size_t i = merge->losers[0];
    uint64_t id = merge->heads[i];
    if (id == UINT64_MAX) break;
    output[count] = id;
    count += id != last;
    last = id;
    if (merged % MERGE_OUTPUT == 0 && stopped(merge->set, error)) return false;
    if (count == MERGE_OUTPUT) {
      if (!take(context, output, count, error)) return false;
      count = 0;
    }
    if (!advance(merge, i, error)) return false;
    play(merge, i);
  }
  return count == 0 || take(context, output, count, error);
}

/* What is in memory becomes the last run; the scratch becomes the buffers of the others. */
static bool merge_runs(struct set *set, id_set_take *take, void *context, struct error *error) {
  struct run *last = new_run(set, error);
  struct merge merge = {.set = set, .runs = set->run_count + 1};
  uint64_t *output;
  bool done = false;
  if (!last) return false;
  last->ids = set->public.ids;
  last->end = set->public.count;
  merge.room = set->public.room / merge.runs;
  for (size_t i = 0; i + 1 < merge.runs; i++)
    set->runs[i].buffer = set->scratch + i * merge.room;
  merge.losers = calloc(merge.runs, sizeof *merge.losers);
  merge.heads = calloc(merge.runs + 1, sizeof *merge.heads);
  output = calloc(MERGE_OUTPUT, sizeof *output);
  if (merge.losers && merge.heads && output)
    done = merge_all(&merge, output, take, context, error);
  else
    error_memory(error, "merging sorted ids");
  free(merge.losers);
  free(merge.heads);
  free(output);
  return done;
}

bool id_set_finish(struct id_set *public, id_set_take *take, void *context, struct error *error) {
  struct set *set = (struct set *)public;
  public->count = id_sort(public->ids, set->scratch, public->count, set->task);
  if (stopped(set, error)) return false;
  if (set->run_count > 0) return merge_runs(set, take, context, error);
  for (size_t from = 0; from < public->count; from = step_end(from, public->count))
    if (stopped(set, error) ||
        !take(context, public->ids + from, step_end(from, public->count) - from, error))
      return false;
  return true;
}
