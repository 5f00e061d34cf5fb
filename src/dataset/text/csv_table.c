/* csv_table.c - see csv_table.h */
#include "dataset/text/csv_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dataset/text/id.h"

enum {
  CELL_ROOM = 256,
  LIKELY_DIGITS = 11, /* an id of this many digits is hardly the number of a row */
};

uint64_t csv_table_line(const struct csv_table *table, struct reader *reader, const char *at) {
  if (table->csv.feed == '\r') return table->rows + 1 + (table->header != NULL);
  return reader_line(reader, at);
}

bool csv_table_fail(const struct csv_table *table, struct reader *reader, size_t at,
                    struct error *error) {
  const struct csv *csv = &table->csv;
  if (csv->problem == CSV_NO_MEMORY) return error_memory(error, "reading %s", reader->path);
  error_at(error, ERROR_DATA, reader->path,
           csv_table_line(table, reader, reader->text + at + csv->problem_at),
           reader->byte + at + csv->problem_at, "%s", csv->problem);
  return false;
}

/* Decodes a cell, without the blanks around it. Returns its size, at most CELL_ROOM, which is far
 * more than an id has. */
static size_t cell_text(struct csv_cell cell, char *text) {
  size_t size = csv_decode_trimmed(cell, text, CELL_ROOM);
  return size < CELL_ROOM ? size : CELL_ROOM;
}

/* Most cells with ids are digits and nothing else. */
static uint64_t plain_id(const struct csv_cell *cell) {
  uint64_t id;
  return cell->size > 0 && id_read(cell->text, &id) == cell->size ? id : 0;
}

/* The id in a cell; rtweet writes an x before it, so that no spreadsheet rounds it. */
static uint64_t cell_id(const char *text, size_t size) {
  if (size > 1 && text[0] == 'x') return id_parse(text + 1, size - 1);
  return id_parse(text, size);
}

/* {==================================================================
** Columns
** =================================================================== */

/* Whether the cells of a role are read, in a table that has columns of these roles. */
static bool is_wanted(const struct csv_table *table, enum column_role role) {
  const bool *has = table->has;
  switch (role) {
  case COLUMN_QUOTED:
  case COLUMN_QUOTED_AUTHOR: return has[COLUMN_QUOTED_TEXT];
  case COLUMN_QUOTED_TEXT:
  case COLUMN_PLACE: return !table->ids_only;
  case COLUMN_KIND: return has[COLUMN_EITHER] || has[COLUMN_EITHER_AUTHOR];
  case COLUMN_TEXT: return (has[COLUMN_EITHER] || has[COLUMN_EITHER_AUTHOR]) && !has[COLUMN_KIND];
  case COLUMN_USERNAME:
  case COLUMN_OTHER: return false;
  default: return true;
  }
}

static bool want(struct csv_table *table, int column, enum column_role role, const char *path,
                 struct error *error) {
  int cell;
  if (role != COLUMN_PLACE && table->cell_count == CSV_TABLE_CELLS_MAX) {
    error_at(error, ERROR_DATA, path, 1, 0, "more than %d columns of ids and texts",
             CSV_TABLE_CELLS_MAX);
    return false;
  }
  cell = csv_want(&table->csv, column);
  if (cell < 0) return error_memory(error, "reading %s", path);
  if (role != COLUMN_PLACE)
    table->cells[table->cell_count++] = (struct csv_table_cell){role, (uint32_t)cell};
  return true;
}

static bool is_named(const struct column_name *names, enum column_role role) {
  for (; names && names->name; names++)
    if (names->role == role) return true;
  return false;
}

/* The role of a column, from the user or the known names. If the user has named the column of the
 * tweet's id or author, no other column has that role. */
static enum column_role role_of(const char *name, const struct column_name *names) {
  enum column_role role = columns_role(name);
  for (const struct column_name *own = names; own && own->name; own++)
    if (strcasecmp(own->name, name) == 0) return own->role;
  if ((role == COLUMN_ID || role == COLUMN_WEAK_ID) && is_named(names, COLUMN_ID))
    return COLUMN_OTHER;
  if (role == COLUMN_AUTHOR && is_named(names, COLUMN_AUTHOR)) return COLUMN_OTHER;
  return role;
}

static bool has_all_named(const struct csv *csv, const struct column_name *names, const char *path,
                          struct error *error) {
  for (; names && names->name; names++)
    if (csv_column(csv, names->name) < 0) {
      error_at(error, ERROR_DATA, path, 1, 0, "no column is called \"%s\"", names->name);
      return false;
    }
  return true;
}

static bool has_ids(const struct csv_table *table) {
  return table->has[COLUMN_ID] || table->has[COLUMN_WEAK_ID] || table->has[COLUMN_AUTHOR];
}

static bool refuse_unknown(const struct csv *csv, const char *path, struct error *error) {
  error_at(error, ERROR_REFUSED, path, 1, 0,
           "no column has a known name for ids (the first of %u is \"%.40s\") - name one with "
           "`column` id=NAME or author=NAME, or choose with `on_unrecognised` what to do with "
           "such rows",
           csv->columns, csv_name(csv, 0));
  return false;
}

/* Asks for the columns of roles that are read; those of places come last. */
static bool want_all(struct csv_table *table, const uint8_t *roles, const char *path,
                     struct error *error) {
  struct csv *csv = &table->csv;
  for (int places = 0; places <= 1; places++) {
    if (places) table->places = csv->wanted_count;
    for (uint32_t i = 0; i < csv->columns; i++) {
      enum column_role role = (enum column_role)roles[i];
      if ((role == COLUMN_PLACE) == places && is_wanted(table, role) &&
          !want(table, (int)i, role, path, error))
        return false;
    }
  }
  return true;
}

static bool is_plain(const struct csv_table *table) {
  uint32_t own = 0;
  for (uint32_t i = 0; i < table->cell_count; i++) {
    enum column_role role = table->cells[i].role;
    if (role == COLUMN_ID || role == COLUMN_WEAK_ID)
      own++;
    else if (role != COLUMN_AUTHOR)
      return false;
  }
  return own == 1;
}

static bool want_columns(struct csv_table *table, const char *path, const struct column_name *names,
                         bool unknown, struct error *error) {
  struct csv *csv = &table->csv;
  uint8_t *roles;
  const char *name = csv_name(csv, 0);
  if (!has_all_named(csv, names, path, error)) return false;
  roles = table->roles = malloc(csv->columns);
  if (!roles) return error_memory(error, "reading %s", path);
  for (uint32_t i = 0; i < csv->columns; i++, name += strlen(name) + 1) {
    roles[i] = (uint8_t)role_of(name, names);
    table->has[roles[i]] = true;
  }
  if (!want_all(table, roles, path, error)) return false;
  table->unknown = !has_ids(table);
  table->plain = is_plain(table);
  table->user = table->has[COLUMN_USERNAME] && !table->has[COLUMN_ID] &&
                !table->has[COLUMN_AUTHOR] && !table->has[COLUMN_TEXT];
  return !table->unknown || unknown || refuse_unknown(csv, path, error);
}

/* }================================================================== */

/* {==================================================================
** Headers, and tables without one
** =================================================================== */

static bool is_digits(const char *text) {
  size_t size = strlen(text);
  return size >= LIKELY_DIGITS && strspn(text, "0123456789") == size;
}

/* How many cells of the first line are ids, which are not names of columns. */
static uint32_t count_ids(const struct csv *csv) {
  uint32_t count = 0;
  const char *name = csv_name(csv, 0);
  for (uint32_t i = 0; i < csv->columns; i++, name += strlen(name) + 1)
    count += is_digits(name);
  return count;
}

static bool refuse_several(const char *path, struct error *error) {
  error_at(error, ERROR_DATA, path, 1, 0,
           "holds several ids on its first line, but no header - if it is a list, put one id "
           "on a line: tr -s ',; \\t' '\\n' <FILE >LIST; if it is a table, say which column is "
           "which: `column` id=#1 author=#2");
  return false;
}

/* The first line is a row: its columns are named by their numbers. */
static bool open_headless(struct csv_table *table, const char *path,
                          const struct column_name *names, bool unknown, struct error *error) {
  struct column_name own[2] = {{COLUMN_ID, NULL}, {COLUMN_ID, NULL}};
  char name[16];
  uint32_t ids = count_ids(&table->csv), column = 0;
  if (ids > 1 && (!names || !names->name)) return refuse_several(path, error);
  while (column < table->csv.columns && !is_digits(csv_name(&table->csv, column)))
    column++;
  if (!csv_number_names(&table->csv)) return error_memory(error, "reading %s", path);
  table->csv.used = 0;
  if (names && names->name) return want_columns(table, path, names, unknown, error);
  own[0].name = strcpy(name, csv_name(&table->csv, column));
  return want_columns(table, path, own, unknown, error);
}

static bool keep_header(struct csv_table *table, const char *text, const char *path,
                        struct error *error) {
  const struct csv *csv = &table->csv;
  table->header = malloc(csv->used + 2);
  if (!table->header) return error_memory(error, "reading %s", path);
  memcpy(table->header, text, csv->used);
  table->header[csv->used] = csv->feed;
  table->header_size = csv->used;
  if (csv->used == 0 || table->header[csv->used - 1] != csv->feed) table->header_size++;
  return true;
}

bool csv_table_open(struct csv_table *table, struct reader *reader, const struct column_name *names,
                    bool unknown, struct error *error) {
  struct csv *csv = &table->csv;
  enum csv_step step;
  while ((step = csv_header(csv, reader->text, reader->size, reader->ended)) == CSV_MORE)
    if (!reader_fill(reader, error)) return false;
  if (step == CSV_END) return true;
  if (step == CSV_BAD) return csv_table_fail(table, reader, 0, error);
  if (count_ids(csv) > 0) return open_headless(table, reader->path, names, unknown, error);
  return keep_header(table, reader->text, reader->path, error) &&
         want_columns(table, reader->path, names, unknown, error);
}

enum column_role csv_table_role(const struct csv_table *table, uint32_t column) {
  enum column_role role = (enum column_role)table->roles[column];
  return is_wanted(table, role) ? role : COLUMN_OTHER;
}

void csv_table_close(struct csv_table *table) {
  csv_free(&table->csv);
  free(table->header);
  free(table->roles);
  memset(table, 0, sizeof *table);
}

/* }================================================================== */

/* {==================================================================
** Rows
** =================================================================== */

static bool refuse_cell(const struct csv_table *table, struct reader *reader,
                        const struct csv_cell *cell, const char *complaint, struct error *problem) {
  error_at(problem, ERROR_DATA, reader->path, csv_table_line(table, reader, cell->text),
           reader->byte + (uint64_t)(cell->text - reader->text), "%s", complaint);
  return false;
}

/* The content of the first column of a role, if the table has one. */
static size_t text_of(const struct csv_table *table, enum column_role role, char *text) {
  for (uint32_t i = 0; i < table->cell_count; i++)
    if (table->cells[i].role == role)
      return cell_text(table->csv.cells[table->cells[i].cell], text);
  return 0;
}

/* Whether the row retweets, rather than quotes. */
static bool is_retweet(const struct csv_table *table) {
  char text[CELL_ROOM];
  size_t size;
  if (table->has[COLUMN_KIND]) {
    size = text_of(table, COLUMN_KIND, text);
    return size == 7 && strncasecmp(text, "retweet", 7) == 0;
  }
  size = text_of(table, COLUMN_TEXT, text);
  return !table->has[COLUMN_TEXT] || (size >= 4 && memcmp(text, "RT @", 4) == 0);
}

/* What an id in a column is to the row. */
static enum id_row_role row_role(const struct csv_table *table, enum column_role role) {
  switch (role) {
  case COLUMN_AUTHOR: return ROW_AUTHOR;
  case COLUMN_RETWEETED: return ROW_RETWEETED;
  case COLUMN_RETWEETED_AUTHOR: return ROW_RETWEETED_AUTHOR;
  case COLUMN_QUOTED: return ROW_QUOTED;
  case COLUMN_QUOTED_AUTHOR: return ROW_QUOTED_AUTHOR;
  case COLUMN_EITHER: return is_retweet(table) ? ROW_RETWEETED : ROW_QUOTED;
  case COLUMN_EITHER_AUTHOR: return is_retweet(table) ? ROW_RETWEETED_AUTHOR : ROW_QUOTED_AUTHOR;
  default: return ROW_OWN;
  }
}

bool csv_table_holds(const struct csv_table *table, enum id_row_role role) {
  return table->has[COLUMN_QUOTED_TEXT] || (role != ROW_QUOTED && role != ROW_QUOTED_AUTHOR);
}

static inline void add_id(struct csv_table_row *row, enum id_row_role role, uint64_t id) {
  row->row.ids[row->row.count++] = (struct id_row_id){id, role};
  row->round_ids += id_is_round(id);
  row->has_author = row->has_author || role == ROW_AUTHOR;
}

static bool is_of_id(enum column_role role) {
  return role <= COLUMN_QUOTED_AUTHOR || role == COLUMN_WEAK_ID || role == COLUMN_EITHER ||
         role == COLUMN_EITHER_AUTHOR;
}

/* Several columns name the tweet, and do not agree. */
static bool refuse_different(const struct csv_table *table, struct reader *reader,
                             const struct csv_cell *cell, uint64_t one, uint64_t other,
                             struct error *problem) {
  char complaint[ID_COMPLAINT];
  snprintf(complaint, sizeof complaint,
           "two columns hold different ids of the tweet, %llu and %llu - say which is right: "
           "`column` id=NAME",
           (unsigned long long)one, (unsigned long long)other);
  return refuse_cell(table, reader, cell, complaint, problem);
}

static bool is_likely(uint64_t id) {
  return id >= 10000000000u;
}

/* Reads the columns with the row's own id. */
static bool read_own(const struct csv_table *table, struct reader *reader,
                     struct csv_table_row *row, struct error *problem) {
  const struct csv_cell *weak_cell = NULL, *empty = NULL;
  char text[CELL_ROOM], complaint[ID_COMPLAINT];
  uint64_t own = 0, weak = 0;
  for (uint32_t i = 0; i < table->cell_count; i++) {
    const struct csv_cell *cell = &table->csv.cells[table->cells[i].cell];
    enum column_role role = table->cells[i].role;
    size_t size;
    uint64_t id;
    if (role != COLUMN_ID && role != COLUMN_WEAK_ID) continue;
    id = plain_id(cell);
    size = id ? cell->size : cell_text(*cell, text);
    if (!id) id = cell_id(text, size);
    if (role == COLUMN_WEAK_ID && table->has[COLUMN_ID]) {
      weak = id;
      weak_cell = cell;
    } else if (size == 0) {
      empty = cell;
    } else if (!id) {
      id_complain(text, size, complaint);
      return refuse_cell(table, reader, cell, complaint, problem);
    } else if (own && own != id) {
      return refuse_different(table, reader, cell, own, id, problem);
    } else {
      own = id;
    }
  }
  if (own && is_likely(weak) && weak != own)
    return refuse_different(table, reader, weak_cell, own, weak, problem);
  if (!own && empty) {
    id_complain("", 0, complaint);
    return refuse_cell(table, reader, empty, complaint, problem);
  }
  if (own) add_id(row, ROW_OWN, own);
  return true;
}

/* What programs write if there is no id. */
static bool is_nothing(const char *text, size_t size) {
  static const char *const words[] = {"NA", "N/A", "NaN", "nan",   "None",  "null", "NULL",
                                      "0",  "-",   "-1",  "False", "FALSE", "false"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (size == strlen(words[i]) && memcmp(text, words[i], size) == 0) return true;
  return size == 0;
}

/* Reads the columns with other ids, which may be empty. */
static bool read_others(const struct csv_table *table, struct reader *reader,
                        struct csv_table_row *row, struct error *problem) {
  char text[CELL_ROOM], complaint[ID_COMPLAINT];
  for (uint32_t i = 0; i < table->cell_count; i++) {
    const struct csv_cell *cell = &table->csv.cells[table->cells[i].cell];
    enum column_role role = table->cells[i].role;
    size_t size;
    uint64_t id;
    if (role == COLUMN_ID || role == COLUMN_WEAK_ID || !is_of_id(role) || cell->size == 0) continue;
    id = plain_id(cell);
    if (!id) {
      size = cell_text(*cell, text);
      if (is_nothing(text, size)) continue;
      id = cell_id(text, size);
    }
    if (!id) {
      id_complain(text, size, complaint);
      return refuse_cell(table, reader, cell, complaint, problem);
    }
    add_id(row, row_role(table, role), id);
  }
  return true;
}

/* Most rows of most tables: an id of the tweet, and one of its author. False if there is anything
 * else. */
static bool read_plain(const struct csv_table *table, struct csv_table_row *row) {
  for (uint32_t i = 0; i < table->cell_count; i++) {
    uint64_t id = plain_id(&table->csv.cells[table->cells[i].cell]);
    if (!id) return false;
    add_id(row, table->cells[i].role == COLUMN_AUTHOR ? ROW_AUTHOR : ROW_OWN, id);
  }
  return true;
}

static void clear(const struct csv_table *table, struct csv_table_row *row) {
  row->row.count = 0;
  row->row.user = table->user;
  row->has_author = false;
  row->round_ids = 0;
}

bool csv_table_read(const struct csv_table *table, struct reader *reader, struct csv_table_row *row,
                    struct error *problem) {
  clear(table, row);
  if (table->plain && read_plain(table, row)) return true;
  clear(table, row);
  return read_own(table, reader, row, problem) && read_others(table, reader, row, problem);
}

/* }================================================================== */
