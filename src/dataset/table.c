/* table.c - see table.h */
#include "dataset/table.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dataset/id.h"

/* {==================================================================
** Columns
** =================================================================== */

/* The first of `names` (NULL-ended) that the header has, or -1. */
static int first_column(const struct csv *csv, const char *const *names) {
  for (; *names; names++) {
    int column = csv_column(csv, *names);
    if (column >= 0) return column;
  }
  return -1;
}

static const char *const *known_names(int role) {
  static const char *const ids[] = {"id_str", "id", "tweet_id", "status_id", NULL};
  static const char *const authors[] = {"author_id", "author.id", "user_id", NULL};
  static const char *const retweeted[] = {"referenced_tweets.retweeted.id", NULL};
  return role == COLUMN_ID ? ids : role == COLUMN_AUTHOR ? authors : retweeted;
}

static bool is_of_users(const struct csv *csv) {
  static const char *const texts[] = {"text", "full_text", NULL};
  static const char *const names[] = {"username", "screen_name", NULL};
  return first_column(csv, known_names(COLUMN_AUTHOR)) < 0 && first_column(csv, texts) < 0 &&
         first_column(csv, names) >= 0;
}

static bool is_place(const char *name) {
  return strcasecmp(name, "geo") == 0 || strcasecmp(name, "coordinates") == 0 ||
         strcasecmp(name, "place") == 0 || strncasecmp(name, "geo.", 4) == 0 ||
         strncasecmp(name, "place.", 6) == 0;
}

static bool no_memory(const char *path, struct error *error) {
  error_set(error, ERROR_MEMORY, "redacting %s: out of memory", path);
  return false;
}

static bool want_columns(struct table *table, const char *path, const struct batch_rules *rules,
                         struct error *error) {
  struct csv *csv = &table->csv;
  for (int role = 0; role < COLUMN_ROLES; role++) {
    const char *name = rules->columns[role];
    int column = name ? csv_column(csv, name) : first_column(csv, known_names(role));
    table->cells[role] = -1;
    if (name && column < 0) {
      error_at(error, ERROR_DATA, path, 1, 0, "no column is called \"%s\"", name);
      return false;
    }
    if (column >= 0 && (table->cells[role] = csv_want(csv, column)) < 0)
      return no_memory(path, error);
  }
  if (table->cells[COLUMN_ID] < 0 && table->cells[COLUMN_AUTHOR] < 0) {
    error_at(error, ERROR_DATA, path, 1, 0,
             "no column of ids is known by its name among %u columns (the first is \"%.40s\") - "
             "name the columns, or give the file a header",
             csv->columns, csv_name(csv, 0));
    return false;
  }
  table->user = is_of_users(csv);
  table->places = csv->wanted_count;
  for (uint32_t i = 0; i < csv->columns; i++)
    if (is_place(csv_name(csv, i)) && csv_want(csv, (int)i) < 0) return no_memory(path, error);
  return true;
}

/* What the last step says, as an error of the file. */
static bool fail_csv(const struct csv *csv, struct reader *reader, size_t at, struct error *error) {
  if (csv->problem == CSV_NO_MEMORY) return no_memory(reader->path, error);
  error_at(error, ERROR_DATA, reader->path,
           reader_line(reader, reader->text + at + csv->problem_at),
           reader->byte + at + csv->problem_at, "%s", csv->problem);
  return false;
}

bool table_open(struct table *table, struct reader *reader, const struct batch_rules *rules,
                struct error *error) {
  struct csv *csv = &table->csv;
  enum csv_step step;
  while ((step = csv_header(csv, reader->text, reader->size, reader->ended)) == CSV_MORE)
    if (!reader_fill(reader, error)) return false;
  if (step == CSV_END) return true;
  if (step == CSV_BAD) return fail_csv(csv, reader, 0, error);
  table->header_size = csv->used;
  table->header = malloc(csv->used + 1);
  if (!table->header) return no_memory(reader->path, error);
  memcpy(table->header, reader->text, csv->used);
  table->header[csv->used] = '\n';
  if (csv->used == 0 || table->header[csv->used - 1] != '\n') table->header_size++;
  return want_columns(table, reader->path, rules, error);
}

void table_close(struct table *table) {
  csv_free(&table->csv);
  free(table->header);
  memset(table, 0, sizeof *table);
}

/* }================================================================== */

/* {==================================================================
** Rows
** =================================================================== */

/* Reads the id in the cell of a role; 0 where there is none. False, with `problem` filled, for what
 * is no id; only a tweet's or user's own may not be missing. */
static bool read_cell(const struct table *table, int role, struct reader *reader, uint64_t *id,
                      struct error *problem) {
  char text[ID_COMPLAINT], complaint[ID_COMPLAINT];
  const struct csv_cell *cell;
  size_t size;
  *id = 0;
  if (table->cells[role] < 0) return true;
  cell = &table->csv.cells[table->cells[role]];
  size = csv_decode_trimmed(*cell, text, sizeof text);
  if (size > sizeof text) size = sizeof text; /* far more than an id has */
  if (size == 0 && role != COLUMN_ID) return true;
  *id = id_parse(text, size);
  if (*id) return true;
  id_complain(text, size, complaint);
  error_at(problem, ERROR_DATA, reader->path, reader_line(reader, cell->text),
           reader->byte + (uint64_t)(cell->text - reader->text), "%s", complaint);
  return false;
}

/* The cells that scrubbing empties, as cuts of the row. Returns how many hold anything. */
static size_t cut_places(const struct table *table, struct cut *cuts) {
  const struct csv *csv = &table->csv;
  size_t count = 0;
  for (uint32_t i = table->places; i < csv->wanted_count; i++) {
    const struct csv_cell *cell = &csv->cells[i];
    if (cell->size == 0) continue;
    cuts[count].start = (uint32_t)(cell->text - csv->row);
    cuts[count++].end = (uint32_t)(cell->text - csv->row) + (uint32_t)cell->size;
  }
  return count;
}

/* Judges the row that csv_next gave; text[0 .. size) is it with its line end. */
static void judge_table_row(struct table *table, struct reader *reader, struct batch *batch,
                            size_t size) {
  struct cut cuts[CSV_COLUMNS_MAX];
  struct judge_row row = {.user = table->user};
  struct error problem;
  const char *text = table->csv.row;
  enum judgement judgement;
  size_t cut_count = 0;
  if (!read_cell(table, COLUMN_ID, reader, &row.id, &problem) ||
      !read_cell(table, COLUMN_AUTHOR, reader, &row.author, &problem) ||
      !read_cell(table, COLUMN_RETWEETED, reader, &row.retweeted, &problem)) {
    batch_malformed(batch, text, size, &problem);
    return;
  }
  judgement = judge_row(batch->judge, &row);
  if (judgement == JUDGED_STOP) {
    batch_stop(batch, reader->path, reader_line(reader, text),
               reader->byte + (uint64_t)(text - reader->text));
  } else if (judgement == JUDGED_FAILED) {
    batch_no_memory(batch, reader->path);
  } else {
    if (judgement == JUDGED_CHANGED) cut_count = cut_places(table, cuts);
    if (judgement == JUDGED_CHANGED && cut_count == 0) judgement = JUDGED_KEPT;
    batch_settle(batch, judgement, text, size, cuts, cut_count);
  }
}

size_t table_rows(struct table *table, struct reader *reader, struct batch *batch) {
  struct csv *csv = &table->csv;
  size_t at = 0;
  if (!table->header_passed && table->header) {
    batch_pass(batch, reader->text, at = csv->used);
    table->header_passed = true;
  }
  while (!batch->failed) {
    const char *text = reader->text + at;
    enum csv_step step = csv_next(csv, text, reader->size - at, reader->ended);
    if (step == CSV_MORE) return at;
    if (step == CSV_ROW) {
      size_t before = (size_t)(csv->row - text);
      batch_pass(batch, text, before);
      judge_table_row(table, reader, batch, csv->used - before);
    } else if (step == CSV_END) {
      batch_pass(batch, text, csv->used);
      return at + csv->used;
    } else {
      struct error problem;
      fail_csv(csv, reader, at, &problem);
      if (problem.code == ERROR_DATA) {
        batch_malformed(batch, text, csv->used, &problem);
      } else {
        batch->failed = true;
        batch->error = problem;
      }
    }
    at += csv->used;
  }
  return at;
}

/* }================================================================== */
