/* extract_csv.c - extraction from tables
 */
#include "dataset/extraction/extract_formats.h"
#include "dataset/text/csv_table.h"

enum { PROGRESS_EVERY = 256 }; /* rows */

/* The roles of the ids that are asked for, as bits. */
static uint32_t wanted_roles(const struct extract_options *options, const struct csv_table *table) {
  bool users = options->type == EXTRACT_USERS;
  uint32_t roles = 0;
  for (uint32_t role = ROW_OWN; role <= ROW_QUOTED_AUTHOR; role++) {
    bool of_user = role == ROW_AUTHOR || role == ROW_RETWEETED_AUTHOR ||
                   role == ROW_QUOTED_AUTHOR || (role == ROW_OWN && table->user);
    bool top = role == ROW_OWN || role == ROW_AUTHOR;
    if (of_user == users && (top || !options->top_level) &&
        csv_table_holds(table, (enum id_row_role)role))
      roles |= 1u << role;
  }
  return roles;
}

static bool add_row(struct extraction *x, const struct csv_table *table, uint32_t roles,
                    struct error *error) {
  struct csv_table_row row;
  bool found = false;
  if (table->unknown) {
    x->counts.records++;
    x->counts.classes.unrecognised++;
    x->counts.empty++;
    return true;
  }
  if (!csv_table_read(table, x->reader, &row, error)) return extraction_skip(x, error);
  for (uint32_t i = 0; i < row.row.count; i++) {
    if (!(roles & 1u << row.row.ids[i].role)) continue;
    if (!extraction_add(x, row.row.ids[i].id, error)) return false;
    found = true;
  }
  x->counts.records++;
  x->counts.empty += !found;
  x->counts.classes.without_author += !row.has_author && !table->user;
  x->ids_read += row.row.count;
  x->round_ids += row.round_ids;
  return true;
}

/* Reads a row, filling the window until it is whole. CSV_BAD with `error` filled. */
static enum csv_step next_row(struct extraction *x, struct csv_table *table, struct error *error) {
  struct reader *reader = x->reader;
  enum csv_step step;
  while ((step = csv_next(&table->csv, reader->text, reader->size, reader->ended)) == CSV_MORE)
    if (!reader_fill(reader, error)) return CSV_BAD;
  if (step == CSV_BAD) csv_table_fail(table, reader, 0, error);
  return step;
}

static bool read_rows(struct extraction *x, struct csv_table *table, struct error *error) {
  uint32_t roles = wanted_roles(&x->options, table);
  for (uint64_t row = 0;; row++) {
    enum csv_step step = next_row(x, table, error);
    if (step == CSV_END) return true;
    if (step == CSV_BAD && (!table->csv.problem || !extraction_skip(x, error))) return false;
    if (step == CSV_ROW && !add_row(x, table, roles, error)) return false;
    table->rows++;
    reader_consume(x->reader, table->csv.used);
    if (row % PROGRESS_EVERY == 0 && !extraction_progress(x, error)) return false;
  }
}

static bool read_table(struct extraction *x, struct csv_table *table, struct error *error) {
  bool unknown = x->options.on_unrecognised == EXTRACT_SKIP;
  table->ids_only = true;
  if (!csv_table_open(table, x->reader, x->options.columns, unknown, error)) return false;
  reader_consume(x->reader, table->csv.used);
  return read_rows(x, table, error);
}

bool extract_csv(struct extraction *x, struct error *error) {
  struct csv_table table = {0};
  bool done = read_table(x, &table, error);
  csv_table_close(&table);
  return done;
}
