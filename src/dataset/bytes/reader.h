/* reader.h - the bytes of one input as a window that moves forward, plain or packed
 *
 * Plain files, pipes and every packing of packing.h, also of several members, are recognised by
 * their first bytes. A thread of its own decodes packed input. A corrupt or truncated stream, a
 * wrong checksum, a file whose size changed while it was read, and a known format that is not a
 * dataset (foreign.h) are errors. UTF-16 becomes UTF-8. A UTF-8 byte order mark at the start is
 * skipped (`mark` records it, so that it can be written again).
 *
 * The window is text[0 .. size). A caller uses what it can, returns the bytes with reader_consume,
 * and asks for more with reader_fill when the rest is not a whole unit. READER_PADDING bytes after
 * the window may be read (not used), so that vector code needs no edge.
 *
 * On top of that, reader_next gives one record after the other. A record is a line (READER_LINES)
 * or a JSON value over any number of lines (READER_VALUES: the elements of a top-level array, or
 * top-level values one after the other).
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

/* The longest record, unless the caller lowers it. A window grows to hold one, and no further. */
#define READER_RECORD_MAX ((size_t)1 << 30)

struct reader {
  const char *path; /* as given; "standard input" for "-" */
  const char *text; /* the window */
  size_t size;
  uint64_t byte; /* offset of text[0] in the decoded input, the byte order mark included */
  bool ended;    /* nothing follows the window */
  bool mark;     /* the input began with a byte order mark */
  const struct packing *packing; /* NULL: none */
  enum encoding encoding;        /* of the file; the window is UTF-8 */
  enum container container;
  size_t record_max; /* bytes; may be lowered, to whole MiB */
  uint64_t serial;   /* no other reader of this process has the same */
};

/* Opens `path` ("-" is standard input): a regular file, or a pipe. `task` is checked now and then
 * for cancellation; it may be NULL. Archives are refused. Returns NULL with `error` filled. */
struct reader *reader_open(const char *path, struct task *task, struct error *error);

/* The same, but archives are accepted: `container` says which, and archive.h reads them. At most
 * `decoders` threads decode a packed file. */
struct reader *reader_open_dataset(const char *path, unsigned decoders, struct task *task,
                                   struct error *error);

/* The same for a member of an archive, which is not a file of its own: another archive is refused.
 * What the source points to must outlive the reader. */
struct reader_source {
  const char *path;                                                           /* for messages */
  int64_t (*read)(void *context, void *to, size_t size, struct error *error); /* see input.h */
  void *context;
};
struct reader *reader_open_source(const struct reader_source *source, struct task *task,
                                  struct error *error);

/* Reads more after the window: at least one byte, unless the input has ended. The window moves in
 * memory: pointers into it are void afterwards. False with `error` filled: ERROR_IO, ERROR_DATA
 * (corrupt, truncated, changed, or a record beyond record_max), ERROR_CANCELLED. */
bool reader_fill(struct reader *reader, struct error *error);

/* Moves the start of the window `bytes` forward. Nothing moves in memory. */
void reader_consume(struct reader *reader, size_t bytes);

/* The line (from 1) on which `at` is, a place in the window or before it but not before the last
 * place asked for since reader_fill. Lines of a plain file are counted when they are asked for, by
 * reading it again from the last that was; 0 if that fails. */
uint64_t reader_line(struct reader *reader, const char *at);

/* Ranges: threads may read a plain file, whose text is its bytes, beside each other. */
bool reader_is_plain(const struct reader *reader);

/* Takes the next `size` bytes, or what is left of the file, which become [*start, *end), without
 * reading them; none at its end. The window is empty from then on. False with `error` filled if the
 * file's size has changed. */
bool reader_take_range(struct reader *reader, size_t size, uint64_t *start, uint64_t *end,
                       struct error *error);

/* Reads `size` bytes from `at` on. Returns how many, fewer only at the end of the file, or -1. Any
 * thread may. */
int64_t reader_read_at(const struct reader *reader, void *to, size_t size, uint64_t at,
                       struct error *error);

/* How far lines have been counted: the line at an offset of the text, 1 at 0. */
struct reader_count {
  uint64_t byte, line;
};

/* The line at `at`, a place in `text` or just after it, which is at the offset `byte`. Counts from
 * where `count` is, reading what is between in a plain file, and moves it there; 0 if that cannot be
 * read. Of a place before it, the line where it is. Any thread may ask. */
uint64_t reader_count_to(const struct reader *reader, struct reader_count *count, const char *text,
                         uint64_t byte, const char *at);

/* Says that the record that begins at `byte` is longer than record_max. Returns false. */
bool reader_refuse_long(const struct reader *reader, uint64_t line, uint64_t byte,
                        struct error *error);

/* How many line ends are in [text, end). */
uint64_t reader_line_ends(const char *text, const char *end);

/* How many bytes of the file on disk have been read; how many it has (0 for a pipe: unknown). */
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
  const char *before; /* what is between the record before and this one: line ends, blank */
  size_t before_size; /* lines, white space, the bracket and commas of a top-level array */
  uint64_t byte;      /* offset of text[0] in the decoded input */
  uint64_t line;      /* where it begins, from 1 */
  bool element;       /* it is an element of a top-level array (READER_VALUES) */
};

/* Gives the next record that is not blank, and consumes it (its pointers stay valid until the next
 * call of reader_next or reader_fill). At READER_END `before` holds the bytes after the last
 * record. Joined, `before` and `text` of all records are the whole input after the byte order mark.
 *
 * A value is cut out by its brackets and strings alone; the record walker checks that it is JSON.
 * In an array file an element that is not an object or array is given too; an extra comma is
 * READER_FAILED. An assignment before the first value, as JavaScript files have, and a semicolon
 * after the last are treated as white space. */
enum reader_step reader_next(struct reader *reader, enum reader_unit unit,
                             struct reader_record *record, struct error *error);

/* An array on one line: its elements are records, as those of an array file are. */
struct reader_elements {
  const struct reader_record *array;
  const char *at; /* private, as is the next */
  enum json_place place;
};

/* Starts with a record of READER_LINES whose first byte is a bracket; it must outlive this. Returns
 * NULL, or what is wrong with its brackets and commas, at `*wrong_at`. */
const char *reader_elements(struct reader_elements *elements, const struct reader_record *array,
                            size_t *wrong_at);

/* Gives the next element, as reader_next does those of an array file. Never READER_FAILED. */
enum reader_step reader_element(struct reader_elements *elements, struct reader_record *element);

#pragma GCC visibility pop

#endif
