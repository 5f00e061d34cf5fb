/* csv_table.h - the rows of a CSV file: which tweets and users they are about
 *
 * For both extraction and redaction. columns.h says which columns count. A row is a tweet; or a
 * user, if the table has user names but no authors, texts or ids of tweets. All ids of the tweet
 * must be equal, except `id`, which may be the number of the row: other columns take precedence.
 *
 * Besides RFC 4180: a first line `sep=;`; line ends that are carriage returns alone; tables without
 * a header, whose columns are called #1, #2 and so on, if one of them alone holds ids.
 */
#ifndef XCOMPLIANCE_CSV_TABLE_H
#define XCOMPLIANCE_CSV_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataset/bytes/reader.h"
#include "dataset/text/columns.h"
#include "dataset/text/csv.h"
#include "dataset/text/id_row.h"
#include "error.h"

#pragma GCC visibility push(hidden)

enum { CSV_TABLE_CELLS_MAX = ROW_IDS_MAX };

struct csv_table {
  struct csv csv;
  char *header; /* with its line end, for the quarantine; NULL: the table has none */
  size_t header_size;
  bool ids_only; /* set before csv_table_open: nothing will be removed from it */
  bool user;     /* its rows are users */
  bool unknown;  /* no column of ids is known: its rows are neither tweets nor users */
  /* private */
  struct csv_table_cell {
    enum column_role role;
    uint32_t cell; /* place in csv.cells */
  } cells[CSV_TABLE_CELLS_MAX];
  uint32_t cell_count;
  uint8_t *roles;  /* of all columns */
  uint32_t places; /* csv.cells[places ...) are those of places */
  bool has[COLUMN_OTHER + 1];
  bool plain; /* its cells are of one id of the tweet and of authors alone */
  uint64_t rows;
};

/* Reads the header, which stays in the window. `*table` must be zeroed; csv_table_close it in any
 * case. `names` are the user's, ended by a NULL name, or NULL. With `unknown` a table without a
 * known column of ids is read too. False with `error` filled. */
bool csv_table_open(struct csv_table *table, struct reader *reader, const struct column_name *names,
                    bool unknown, struct error *error);

/* The row that csv_next gave last. */
struct csv_table_row {
  struct id_row row;
  bool has_author;
  uint32_t round_ids; /* that end in 000 */
};

/* Whether the table holds text of the tweets that ids of a role name: the text of a retweet is
 * another tweet's. */
bool csv_table_holds(const struct csv_table *table, enum id_row_role role);

/* Reads its ids. False with `problem` filled: a cell that must hold an id holds none. */
bool csv_table_read(const struct csv_table *table, struct reader *reader, struct csv_table_row *row,
                    struct error *problem);

/* The problem of the last csv_next, as an error of the file; `at` is where it began in the
 * window. */
bool csv_table_fail(const struct csv_table *table, struct reader *reader, size_t at,
                    struct error *error);

/* The line on which the last row begins, or the line of `at` in the window. */
uint64_t csv_table_line(const struct csv_table *table, struct reader *reader, const char *at);

/* The role of a column; COLUMN_OTHER: it is not read. */
enum column_role csv_table_role(const struct csv_table *table, uint32_t column);

void csv_table_close(struct csv_table *table);

#pragma GCC visibility pop

#endif
