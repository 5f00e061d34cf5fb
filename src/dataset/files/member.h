/* member.h - a member of an archive, taken out as a piece of work
 *
 * A member that is small enough is read into memory, so that others can be taken while it is worked
 * on, and so that it can be read twice. A larger one is read from the archive, which no other
 * thread may use at the same time.
 */
#ifndef XCOMPLIANCE_MEMBER_H
#define XCOMPLIANCE_MEMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataset/bytes/archive.h"
#include "dataset/bytes/reader.h"
#include "dataset/bytes/turns.h"
#include "error.h"
#include "task.h"

#pragma GCC visibility push(hidden)

enum member_kind {
  MEMBER_DATASET, /* a file with the name of a dataset */
  MEMBER_FOLDER,
  MEMBER_OTHER,   /* a file with another name, a link, a device */
  MEMBER_REFUSED, /* `problem` says why */
};

/* Zeroed at first; member_free it. */
struct member {
  enum member_kind kind;
  char *path; /* "ARCHIVE!NAME", for messages */
  struct archive_entry *entry;
  uint64_t number; /* from 0 */
  bool whole;      /* all its bytes are here */
  unsigned char *bytes;
  size_t size;
  struct error problem;
  /* private */
  struct archive_in *archive;
  size_t room, at;
};

/* How many bytes of a member each of `jobs` threads may hold. */
size_t member_room(unsigned jobs);

/* Takes the next member of the archive, up to `room` bytes of it. The bytes of folders and other
 * members are not read unless `others`. `*number` counts the members. */
enum turns_step member_take(struct member *member, struct archive_in *archive, uint64_t *number,
                            size_t room, bool others, struct error *error);

/* Opens a reader of the member's content, unpacked; it ends before the member does. Once only, if
 * the member is not whole. */
struct reader *member_open(struct member *member, struct task *task, struct error *error);

/* Reads the member's bytes as they are in the archive, from where the last call ended. */
int64_t member_read(struct member *member, void *to, size_t size, struct error *error);

void member_free(struct member *member);

#pragma GCC visibility pop

#endif
