/* names.h - whether the names that a call was given are names of different files
 *
 * A file is known by its device and inode if it exists, and by its place: the folder it is in and
 * its name there, with links, "." and ".." resolved. Two names of one file are refused if the call
 * would write it. So is an output in a folder that is read, since the next run would read it too.
 * This is decided here for every command and every function that takes files.
 */
#ifndef XCOMPLIANCE_NAMES_H
#define XCOMPLIANCE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "task.h"

#pragma GCC visibility push(hidden)

enum name_use {
  NAME_READ,     /* a file that is read: results, a list of ids, a token */
  NAME_INPUT,    /* a file of the dataset that the user named; "-": standard input */
  NAME_FOUND,    /* a file of the dataset that was found in a folder */
  NAME_ROOT,     /* a folder of the dataset */
  NAME_WRITE,    /* a file that is written; "-": standard output */
  NAME_TARGET,   /* the same, for the input `from` */
  NAME_NUMBERED, /* PATH.0001, PATH.0002 and so on are written */
  NAME_TREE,     /* a folder that files are written to */
  NAME_OWN,      /* a folder in which nothing else may be read or written: state */
};

struct name {
  const char *what; /* the option that gave it, for messages */
  const char *path;
  enum name_use use;
  const char *from; /* of a NAME_TARGET */
};

/* Further rules. */
struct names_rules {
  bool in_place; /* files of the dataset are written, too */
  bool once;     /* a file of the dataset may have one name only */
};

/* Whether `names` can be used in one call; if not, the error names both. If something that is not a
 * file has the name of an output, the error is ERROR_IO. */
bool names_check(const struct name *names, size_t count, const struct names_rules *rules,
                 struct task *task, struct error *error);

#pragma GCC visibility pop

#endif
