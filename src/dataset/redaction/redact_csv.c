/* redact_csv.c - see redact_csv.h */
#include "dataset/redaction/redact_csv.h"

#include <stdlib.h>
#include <string.h>

static int by_start(const void *one, const void *other) {
  const struct cut *a = one, *b = other;
  return a->start < b->start ? -1 : a->start > b->start;
}

static void add_cut(const struct csv *csv, uint32_t cell, struct cut *cuts, size_t *count) {
  const struct csv_cell *from = &csv->cells[cell];
  uint32_t start = (uint32_t)(from->text - csv->row);
  if (from->size > 0) cuts[(*count)++] = (struct cut){start, start + (uint32_t)from->size};
}

/* The cells to be emptied, as cuts of the row. Returns how many of them are not empty. */
static size_t cut_cells(const struct csv_table *table, const struct id_row *row, struct cut *cuts) {
  const struct csv *csv = &table->csv;
  size_t count = 0;
  for (uint32_t i = 0; row->empty_words && i < table->cell_count; i++)
    if (table->cells[i].role == COLUMN_QUOTED_TEXT)
      add_cut(csv, table->cells[i].cell, cuts, &count);
  for (uint32_t i = table->places; row->empty_places && i < csv->wanted_count; i++)
    add_cut(csv, i, cuts, &count);
  if (count > 1) qsort(cuts, count, sizeof *cuts, by_start);
  return count;
}

/* A row in a table without a known column of ids. */
static void settle_unknown(struct batch *batch, const char *text, size_t size) {
  batch_unrecognised(batch, text, size);
}

/* Judges the row that csv_next gave; `size` is that of it with its line end. */
static void judge_table_row(struct csv_table *table, struct reader *reader, struct batch *batch,
                            size_t size) {
  struct cut cuts[CSV_COLUMNS_MAX];
  struct csv_table_row row;
  struct error problem;
  const char *text = table->csv.row;
  enum judgement judgement;
  size_t cut_count = 0;
  if (table->unknown) {
    settle_unknown(batch, text, size);
    return;
  }
  if (!csv_table_read(table, reader, &row, &problem)) {
    batch_malformed(batch, text, size, &problem);
    return;
  }
  batch->counts.ids += row.row.count;
  batch->counts.round_ids += row.round_ids;
  judgement = judge_row(batch->judge, &row.row);
  if (judgement == JUDGED_STOP) {
    batch_stop(batch, reader->path, csv_table_line(table, reader, text),
               reader->byte + (uint64_t)(text - reader->text));
  } else if (judgement == JUDGED_FAILED) {
    batch_no_memory(batch, reader->path);
  } else {
    if (judgement == JUDGED_CHANGED) cut_count = cut_cells(table, &row.row, cuts);
    if (judgement == JUDGED_CHANGED && cut_count == 0) judgement = JUDGED_KEPT;
    batch_settle(batch, judgement, text, size, cuts, cut_count);
  }
}

size_t redact_csv_rows(struct csv_table *table, bool *header_passed, struct reader *reader,
                       struct batch *batch) {
  struct csv *csv = &table->csv;
  size_t at = 0;
  if (!*header_passed && csv->columns > 0) {
    batch_pass(batch, reader->text, at = csv->used);
    *header_passed = true;
  }
  while (!batch->failed) {
    const char *text = reader->text + at;
    enum csv_step step = csv_next(csv, text, reader->size - at, reader->ended);
    if (step == CSV_MORE) return at;
    if (step == CSV_ROW) {
      size_t before = (size_t)(csv->row - text);
      batch_pass(batch, text, before);
      judge_table_row(table, reader, batch, csv->used - before);
      table->rows++;
    } else if (step == CSV_END) {
      batch_pass(batch, text, csv->used);
      return at + csv->used;
    } else {
      struct error problem;
      csv_table_fail(table, reader, at, &problem);
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
