/* targets.h - which file is written where
 *
 * One input file goes to one output file. A folder goes to a folder with the same tree, and so do
 * several inputs, each under its own name. In place a file's target is the file that its links lead
 * to. names.h has checked before that the names can be used together.
 */
#ifndef XCOMPLIANCE_TARGETS_H
#define XCOMPLIANCE_TARGETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "task.h"

#pragma GCC visibility push(hidden)

struct target {
  char *path;       /* the input */
  char *output;     /* "-": standard output; NULL: none */
  char *quarantine; /* NULL: none */
  uint64_t size;    /* of the input; 0 for a pipe */
  bool found;       /* by walking a folder, not named by the user */
};

struct targets {
  struct target *list;
  size_t count, room;
  uint64_t total; /* bytes of all inputs */
  uint64_t ignored;
  char **ignored_paths;
  size_t ignored_count;
  bool output_folder;  /* outputs are in the folder that was given */
  bool one_quarantine; /* all inputs share one quarantine file */
  char **folders;      /* that were made for outputs, in this order */
  size_t folder_count, folder_room;
};

struct targets_options {
  const char *const *inputs; /* NULL-ended */
  const char *output;        /* NULL: none */
  bool in_place;
  const char *quarantine; /* NULL: none */
};

/* Lists the inputs and finds the targets of each; makes nothing. `*targets` must be zeroed;
 * targets_free it in any case. */
bool targets_find(struct targets *targets, const struct targets_options *options, struct task *task,
                  struct error *error);

/* Counts and remembers a member of an archive that is skipped. One thread at a time. */
bool targets_ignore(struct targets *targets, const char *path, struct error *error);

/* Makes the folders that `path` needs, and remembers them. One thread at a time. */
bool targets_make_folder(struct targets *targets, const char *path, struct error *error);

/* Removes the folders that were made, as far as they are empty: the run has failed. */
void targets_remove_folders(struct targets *targets);

void targets_free(struct targets *targets);

#pragma GCC visibility pop

#endif
