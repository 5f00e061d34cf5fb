/* csv.h - finds the cells of CSV
 *
 * CSV as in RFC 4180 and as twarc-csv, pandas, R and spreadsheets write it: a header; cells that
 * may be quoted, with quotes doubled inside; line ends (LF or CR LF) and separators within quotes
 * are text. The separator is a comma, semicolon or tab: the one that is most frequent in the header
 * outside quotes. Every row must have as many cells as the header; a quote inside an unquoted cell,
 * text after a closing quote and an input that ends within a quoted cell are problems. Blank lines
 * are skipped.
 *
 *   while (!csv_header(&csv, reader->text, reader->size, reader->ended)) ... reader_fill
 *   csv_want(&csv, csv_column(&csv, "id"))
 *   csv_next(&csv, reader->text, reader->size, reader->ended) == CSV_MORE ... reader_fill
 */
#ifndef XCOMPLIANCE_CSV_H
#define XCOMPLIANCE_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

enum { CSV_COLUMNS_MAX = 4096 };

/* A cell as it is written, with its quotes if it has any; without white space taken off. */
struct csv_cell {
  const char *text;
  size_t size;
};

enum csv_step {
  CSV_ROW,  /* here is one */
  CSV_MORE, /* the text ends within a row */
  CSV_END,  /* nothing but blank lines; `used` says how many bytes of them */
  CSV_BAD,  /* `problem` and `problem_at` say what and where; `used`: how many bytes to skip to
             * continue after it */
};

struct csv {
  char separator;
  char feed;        /* what ends a line: a line feed, or a carriage return alone */
  uint32_t columns; /* how many cells each row has */
  /* the row given last */
  const char *row;
  size_t row_size;        /* without its line end */
  size_t used;            /* bytes from `text` to after its line end */
  struct csv_cell *cells; /* the wanted ones, in the order in which they were wanted */
  uint32_t wanted_count;
  const char *problem; /* lives as long as the csv, until the next call */
  size_t problem_at;   /* offset in `text` */
  /* private */
  char *names;         /* the decoded names, each ended by a zero byte */
  uint32_t *wanted;    /* columns, ascending */
  uint32_t *places;    /* where in `cells` each of them goes */
  char complaint[112]; /* for a `problem` that is not constant */
};

/* Reads the header from text[0 .. size). CSV_ROW: separator and columns are set. `*csv` must be
 * zeroed before. CSV_BAD with `problem` "memory" (CSV_NO_MEMORY) if memory is short. JSON_PADDING
 * bytes after the text must be readable, here and below. */
enum csv_step csv_header(struct csv *csv, const char *text, size_t size, bool ended);
extern const char CSV_NO_MEMORY[];

/* Names the columns by their numbers: #1, #2 and so on. False: no memory. */
bool csv_number_names(struct csv *csv);

/* The number of the column `name` (exactly, then without regard to case), or -1. */
int csv_column(const struct csv *csv, const char *name);
/* The name of a column, decoded. */
const char *csv_name(const struct csv *csv, uint32_t column);

/* Makes csv_next give a column. Returns its place in `cells`, or -1 (no memory). A column may be
 * wanted twice. */
int csv_want(struct csv *csv, int column);

/* Gives the next row at the start of text[0 .. size). `ended` says that nothing follows. */
enum csv_step csv_next(struct csv *csv, const char *text, size_t size, bool ended);

/* Writes a cell without its quotes and with doubled quotes single to `to`, at most `limit` bytes.
 * Returns the decoded size, which may be more. */
size_t csv_decode(struct csv_cell cell, char *to, size_t limit);

/* The same without the white space around it, however long that is. */
size_t csv_decode_trimmed(struct csv_cell cell, char *to, size_t limit);

void csv_free(struct csv *csv);

#pragma GCC visibility pop

#endif
