/* csv_fuzz.c - any bytes as CSV: the masks agree with a reader that works byte by byte, and reading
 * in pieces gives the same as reading at once
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/text/csv.h"

enum { PADDING = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int holds) {
  if (!holds) abort();
}

/* The end of the row at `at` and how many cells it has; 0 if it is wrong. Lines end in `feed`: in a
 * carriage return alone only if the file has no line feed. */
static uint32_t plain_row(const char *at, const char *end, char separator, char feed,
                          const char **row_end) {
  uint32_t cells = 1;
  while (at < end) {
    if (*at == '"') {
      for (at++; at < end && (*at != '"' || (at + 1 < end && at[1] == '"')); at++)
        if (*at == '"') at++;
      if (at == end) return 0;
      at++;
      if (at < end && *at != separator && *at != feed && *at != '\r') return 0;
    }
    while (at < end && *at != separator && *at != feed) {
      if (*at == '"' || (*at == '\r' && at + 1 < end && at[1] != feed)) return 0;
      at++;
    }
    if (at == end || *at == feed) break;
    at++;
    cells++;
  }
  *row_end = at;
  return cells;
}

static void expect_row(const struct csv *csv, const char *end) {
  const char *row_end = NULL;
  uint32_t cells = plain_row(csv->row, end, csv->separator, csv->feed, &row_end);
  char decoded[8];
  expect(cells == csv->columns);
  if (csv->feed == '\n' && row_end > csv->row && row_end[-1] == '\r') row_end--;
  expect(csv->row + csv->row_size == row_end);
  for (uint32_t i = 0; i < csv->wanted_count; i++) {
    const struct csv_cell *cell = &csv->cells[i];
    expect(cell->text >= csv->row && cell->text + cell->size <= csv->row + csv->row_size);
    expect(csv_decode(*cell, decoded, sizeof decoded) <= cell->size);
  }
}

/* The row again, with only some of its bytes. */
static void expect_more(struct csv *csv, const char *at, size_t size) {
  enum csv_step step = csv_next(csv, at, size, false);
  expect(step == CSV_MORE || step == CSV_BAD || csv->used <= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *copy = malloc(size + PADDING);
  const char *at = copy, *end = copy + size;
  struct csv csv = {0};
  if (!copy) return 0;
  if (size > 0) memcpy(copy, data, size);
  memset(copy + size, '"', PADDING);
  if (csv_header(&csv, copy, size, true) == CSV_ROW) {
    csv_want(&csv, (int)csv.columns - 1);
    csv_want(&csv, 0);
    csv_want(&csv, (int)csv.columns / 2);
    for (at += csv.used; at <= end; at += csv.used) {
      enum csv_step step = csv_next(&csv, at, (size_t)(end - at), true);
      expect(csv.used <= (size_t)(end - at));
      if (step == CSV_ROW) expect_row(&csv, end);
      if (step == CSV_BAD) expect(csv.problem_at <= (size_t)(end - at) && csv.used > 0);
      if (step == CSV_END) break;
      expect_more(&csv, at, csv.used / 2);
      expect(csv_next(&csv, at, (size_t)(end - at), true) == step);
    }
  }
  csv_free(&csv);
  free(copy);
  return 0;
}
