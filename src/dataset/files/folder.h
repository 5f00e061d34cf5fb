/* folder.h - the files of a dataset: what the user named, folders walked
 */
#ifndef XCOMPLIANCE_FOLDER_H
#define XCOMPLIANCE_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "task.h"

#pragma GCC visibility push(hidden)

struct folder_file {
  char *path;
  uint64_t size; /* 0 for a pipe */
  bool found;    /* by walking a folder, not named by the user */
};

struct folder {
  struct folder_file *files; /* in the order of the inputs; those of a folder by name */
  size_t count, room;
  uint64_t total;   /* bytes of all files together */
  uint64_t ignored; /* what was skipped in folders: names without a known suffix, links to folders,
                       pipes, sockets, devices */
  char **ignored_paths; /* the first of them */
  size_t ignored_count;
};

enum { FOLDER_IGNORED_MAX = 100, FOLDER_DEPTH_MAX = 64 };

/* Lists the files of `inputs` (NULL-ended): files, pipes and "-" as they are, folders walked for
 * regular files with names that format_is_known_name knows. Hidden files and folders in them are
 * ignored; links to files are followed, links to folders are not (they may form cycles). A file or
 * folder that cannot be read is an error that names it. `*folder` must be zeroed; folder_free it in
 * any case. `task` may be NULL. */
bool folder_list(struct folder *folder, const char *const *inputs, struct task *task,
                 struct error *error);

/* Fills `error`: `inputs` hold no file of a dataset, so they must be the wrong ones. Returns
 * false. */
bool folder_refuse_empty(const char *const *inputs, struct error *error);

/* Fills `error`: `count` files were not read, of which one is `path`. ERROR_REFUSED. */
void folder_refuse_ignored(uint64_t count, const char *path, struct error *error);

/* Counts and remembers what was skipped: a file, or a member of an archive. */
bool folder_ignore(struct folder *folder, const char *path, struct error *error);

void folder_free(struct folder *folder);

#pragma GCC visibility pop

#endif
