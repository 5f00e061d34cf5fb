/* reader.h - the bytes of one input as a window that moves forward, whatever they are wrapped in
 *
 * Plain files, pipes and every packing of packing.h, also of several members, are recognised by
 * their first bytes. Packed input is decoded by a thread of its own, beside the reader's user. A
 * corrupt or truncated stream, a wrong checksum, a file that changed its size while it was read and
 * a known format that is no dataset (foreign.h) are errors. UTF-16 becomes UTF-8. A UTF-8 byte
 * order mark at the start is skipped (`mark` records it for whoever writes the file again).
 *
 * The window is text[0 .. size). A user takes what it can use, gives the bytes back with
 * reader_consume, and asks for more with reader_fill when the rest is no whole unit. READER_PADDING
 * bytes behind the window may be read (not used), so that vector code needs no edge.
 *
 * Above it stand units: reader_next gives one record after the other, where a record is either
 * a line (READER_LINES) or a JSON value over any number of lines (READER_VALUES: the elements of a
 * top-level array, or top-level values one after the other).
 */
#ifndef XCOMPLIANCE_READER_H
#define XCOMPLIANCE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataset/bytes/container.h"
#include "dataset/bytes/input.h"
#include "dataset/bytes/json_cut.h"
#include "dataset/bytes/packing.h"
#include "dataset/bytes/utf16.h"
#include "error.h"
#include "task.h"

#pragma GCC visibility push(hidden)

enum { READER_PADDING = 64 };

/* The longest record, unless the user lowers it. A window grows to hold one, and no further. */
#define READER_RECORD_MAX ((size_t)1 << 30)

struct reader {
  const char *path; /* as given; "standard input" for "-" */
  const char *text; /* the window */
  size_t size;
  uint64_t byte; /* offset of text[0] in the decoded input, the byte order mark included */
  bool ended;    /* nothing follows the window */
  bool mark;     /* the input began with a byte order mark */
  const struct packing *packing; /* NULL: none */
  enum encoding encoding;        /* as it lies in the file; the window is UTF-8 */
  enum container container;
  size_t record_max; /* bytes; may be lowered, to whole MiB */
};

/* Opens `path` ("-" is standard input): a regular file, or a pipe. `task` is asked now and then
 * whether it has been cancelled; NULL if nobody can cancel. Archives are refused. Returns NULL with
 * `error` filled. */
struct reader *reader_open(const char *path, struct task *task, struct error *error);

/* The same, but takes archives: `container` says so, and archive.h reads them. */
struct reader *reader_open_dataset(const char *path, struct task *task, struct error *error);

/* The same for what is not a file of its own, a member of an archive: another archive is refused.
 * What the source points to must outlive the reader. */
struct reader_source {
  const char *path;                                                           /* for messages */
  int64_t (*read)(void *context, void *to, size_t size, struct error *error); /* see input.h */
  void *context;
};
struct reader *reader_open_source(const struct reader_source *source, struct task *task,
                                  struct error *error);

/* Reads more behind the window: at least one byte, unless the input has ended. The window moves in
 * memory: pointers into it are void afterwards. False with `error` filled: ERROR_IO, ERROR_DATA
 * (corrupt, truncated, changed, or a record beyond record_max), ERROR_CANCELLED. */
bool reader_fill(struct reader *reader, struct error *error);

/* Moves the start of the window `bytes` forward. Nothing moves in memory. */
void reader_consume(struct reader *reader, size_t bytes);

/* The line (from 1) on which `at` stands, a place in the window or before it but not before the
 * last place asked for since reader_fill. */
uint64_t reader_line(struct reader *reader, const char *at);

/* How many bytes of the file, as it lies on the disk, have been read; how many it has (0 where
 * nobody knows: a pipe). */
uint64_t reader_done(const struct reader *reader);
uint64_t reader_total(const struct reader *reader);

/* What is read, for archive.h. */
struct input *reader_input(struct reader *reader);

void reader_close(struct reader *reader);

/* Units */

enum reader_unit { READER_LINES, READER_VALUES };

enum reader_step {
  READER_RECORD, /* here is one */
  READER_END,    /* the input ended after the last one; `record` holds what followed it */
  READER_FAILED, /* `error` says why */
};

struct reader_record {
  const char *text; /* the record alone: neither line end nor the white space around it */
  size_t size;
  const char *before; /* what stands between the record before and this one: line ends, blank */
  size_t before_size; /* lines, white space, the bracket and commas of a top-level array */
  uint64_t byte;      /* offset of text[0] in the decoded input */
  uint64_t line;      /* where it begins, from 1 */
  bool element;       /* it is an element of a top-level array (READER_VALUES) */
};

/* Gives the next record that is not blank, and consumes it (its pointers stay valid until the next
 * call of reader_next or reader_fill). At READER_END `before` holds the bytes behind the last
 * record. Joined, `before` and `text` of all records are the whole input after the byte order mark.
 *
 * A value is cut out by its brackets and strings alone; whether it is JSON is for the record walker
 * to say. In an array file an element that is no object or array is given too; a comma too many is
 * READER_FAILED. An assignment before the first value, as files of JavaScript have one, and a
 * semicolon after the last are passed with the white space. */
enum reader_step reader_next(struct reader *reader, enum reader_unit unit,
                             struct reader_record *record, struct error *error);

/* An array that stands on one line: its elements are records, as those of an array file are. */
struct reader_elements {
  const struct reader_record *array;
  const char *at; /* private, as is the next */
  enum json_place place;
};

/* Begins with a record of READER_LINES whose first byte is a bracket; it must outlive this. Returns
 * NULL, or what is wrong with its brackets and commas; `*wrong_at` is where then. */
const char *reader_elements(struct reader_elements *elements, const struct reader_record *array,
                            size_t *wrong_at);

/* Gives the next element, as reader_next does those of an array file. Never READER_FAILED. */
enum reader_step reader_element(struct reader_elements *elements, struct reader_record *element);

#pragma GCC visibility pop

#endif
