/* extract_csv.c - extraction from CSV
 */
#include "dataset/csv.h"
#include "dataset/extraction.h"
#include "dataset/id.h"

enum { PROGRESS_EVERY = 256 }; /* rows */

static enum csv_step fail_csv(struct extraction *x, const struct csv *csv, struct error *error) {
  const char *at = x->reader->text + csv->problem_at;
  if (csv->problem == CSV_NO_MEMORY)
    extraction_no_memory(x, error);
  else
    error_at(error, ERROR_DATA, x->reader->path, reader_line(x->reader, at),
             x->reader->byte + csv->problem_at, "%s", csv->problem);
  return CSV_BAD;
}

typedef enum csv_step csv_reader(struct csv *csv, const char *text, size_t size, bool ended);

/* Reads a header or row, filling the window until it is whole. CSV_BAD with `error` filled. */
static enum csv_step read_csv(struct extraction *x, struct csv *csv, csv_reader *read,
                              struct error *error) {
  struct reader *reader = x->reader;
  enum csv_step step;
  while ((step = read(csv, reader->text, reader->size, reader->ended)) == CSV_MORE)
    if (!reader_fill(reader, error)) return CSV_BAD;
  return step == CSV_BAD ? fail_csv(x, csv, error) : step;
}

/* The first of `names` (NULL-ended) that the header has, or -1. */
static int first_column(const struct csv *csv, const char *const *names) {
  for (; *names; names++) {
    int column = csv_column(csv, *names);
    if (column >= 0) return column;
  }
  return -1;
}

/* The column with the wanted ids; -1 where the header has none, -2 where it is of something else.
 */
static int id_column(const struct extraction *x, const struct csv *csv) {
  static const char *const tweets[] = {"id_str", "id", "tweet_id", "status_id", NULL};
  static const char *const authors[] = {"author_id", "author.id", "user_id", NULL};
  static const char *const users[] = {"id_str", "id", NULL};
  static const char *const texts[] = {"text", "full_text", NULL};
  static const char *const names[] = {"username", "screen_name", NULL};
  int author = first_column(csv, authors), text = first_column(csv, texts);
  bool of_users = author < 0 && text < 0 && first_column(csv, names) >= 0;
  if (x->options.column) return csv_column(csv, x->options.column);
  if (x->options.type == EXTRACT_TWEETS) return of_users ? -2 : first_column(csv, tweets);
  if (author >= 0) return author;
  return text >= 0 ? -1 : first_column(csv, users);
}

static bool no_column(struct extraction *x, const struct csv *csv, int column,
                      struct error *error) {
  const char *type = x->options.type == EXTRACT_TWEETS ? "tweet" : "user";
  if (column == -2)
    error_at(error, ERROR_DATA, x->reader->path, 1, 0,
             "its columns are those of users, not of tweets - extract users, or name a column");
  else if (x->options.column)
    error_at(error, ERROR_DATA, x->reader->path, 1, 0, "no column is called \"%s\"",
             x->options.column);
  else
    error_at(error, ERROR_DATA, x->reader->path, 1, 0,
             "no column of %s ids is known by its name among %u columns (the first is \"%.40s\") - "
             "name the column, or give the file a header",
             type, csv->columns, csv_name(csv, 0));
  return false;
}

/* An author may be missing, a tweet's own id may not. */
static bool add_cell(struct extraction *x, struct csv_cell cell, struct error *error) {
  char text[ID_COMPLAINT];
  size_t size = csv_decode_trimmed(cell, text, sizeof text);
  uint64_t id;
  if (size > sizeof text) size = sizeof text; /* far more than an id has */
  if (size == 0 && x->options.type == EXTRACT_USERS && !x->options.column) {
    x->counts.records++;
    x->counts.empty++;
    return true;
  }
  id = id_parse(text, size);
  if (!id) return extraction_refuse_id(x, cell.text, text, size, error);
  x->counts.records++;
  return extraction_add(x, id, error);
}

static bool read_rows(struct extraction *x, struct csv *csv, struct error *error) {
  struct reader *reader = x->reader;
  for (uint64_t row = 0;; row++) {
    enum csv_step step = read_csv(x, csv, csv_next, error);
    if (step == CSV_END) return true;
    if (step == CSV_BAD && (!csv->problem || !extraction_pass_over(x, error))) return false;
    if (step == CSV_ROW && !add_cell(x, csv->cells[0], error)) return false;
    reader_consume(reader, csv->used);
    if (row % PROGRESS_EVERY == 0 && !extraction_progress(x, error)) return false;
  }
}

static bool read_table(struct extraction *x, struct csv *csv, struct error *error) {
  enum csv_step step = read_csv(x, csv, csv_header, error);
  int column;
  if (step == CSV_END) return true;
  if (step == CSV_BAD) return false;
  column = id_column(x, csv);
  if (column < 0) return no_column(x, csv, column, error);
  if (csv_want(csv, column) < 0) return extraction_no_memory(x, error);
  reader_consume(x->reader, csv->used);
  return read_rows(x, csv, error);
}

bool extract_csv(struct extraction *x, struct error *error) {
  struct csv csv = {0};
  bool done = read_table(x, &csv, error);
  csv_free(&csv);
  return done;
}
