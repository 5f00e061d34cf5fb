/* csv_test.c - the places of cells, compared with a reader that works byte by byte */
#include <stdlib.h>

#include "check.h"
#include "dataset/text/csv.h"

enum { PADDING = 64, CELLS = 8, RANDOM_TABLES = 20000 };

static uint64_t state = 3;

static uint64_t draw(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return state >> 33;
}

static char *padded(const char *text, size_t size) {
  char *copy = malloc(size + PADDING);
  if (!copy) exit(1);
  memcpy(copy, text, size);
  memset(copy + size, '"', PADDING);
  return copy;
}

/* All cells of the columns `one` and `other`, as "cell|cell\n" a row; or the problem. */
static const char *read_all(const char *text, size_t size, const char *one, const char *other) {
  static char shown[4096];
  char *copy = padded(text, size), *end = shown;
  const char *at = copy;
  struct csv csv = {0};
  enum csv_step step = csv_header(&csv, copy, size, true);
  if (step == CSV_ROW) {
    csv_want(&csv, csv_column(&csv, one));
    csv_want(&csv, csv_column(&csv, other));
    at += csv.used;
    while ((step = csv_next(&csv, at, size - (size_t)(at - copy), true)) == CSV_ROW) {
      at += csv.used;
      for (int i = 0; i < 2; i++) {
        end += csv_decode(csv.cells[i], end, 1000);
        *end++ = i ? '\n' : '|';
      }
    }
  }
  *end = '\0';
  if (step == CSV_BAD)
    snprintf(shown, sizeof shown, "%s at %zu", csv.problem, (size_t)(at - copy) + csv.problem_at);
  csv_free(&csv);
  free(copy);
  return shown;
}

static void check_cells(const char *expected, const char *text) {
  CHECK_TEXT(expected, read_all(text, strlen(text), "a", "b"));
}

static void test_cells(void) {
  check_cells("1|2\n3|4\n", "a,b\n1,2\n3,4\n");
  check_cells("1|2\n3|4\n", "b,a\r\n2,1\r\n\r\n4,3");
  check_cells("1|2\n", "a;x,y;b\n1;\",\";2\n");
  check_cells("1|2\n", "a\tb\n1\t2\n");
  check_cells("1|x\ny,\"z\"\n", "a,b\n1,\"x\ny,\"\"z\"\"\"\n");
  check_cells("|\n|\n", "a,b\n,\n\"\",\"\"\n");
  check_cells("1|2\n", "\n\r\n\"a\",\"b\"\n1,2");
  CHECK_TEXT("2|1\n", read_all("A,x\n1,2\n", 8, "X", "a"));
}

static void test_problems(void) {
  check_cells(
      "a row of 1 cell, but the header has 2 - is a quote missing, or is there one too many? at 4",
      "a,b\n1\n");
  check_cells(
      "a row of 3 cells, but the header has 2 - is a quote missing, or is there one too many? at 8",
      "a,b\n1,2\n3,4,5");
  check_cells("a quote within a cell that does not begin with one - quote the cell and double the "
              "quote at 5",
              "a,b\nx\"y,2\n");
  check_cells("something follows the closing quote of a cell at 7", "a,b\n\"x\"y,2\n");
  check_cells("the file ends within a quoted cell at 4", "a,b\n1,\"2\n");
  check_cells("the file ends within a quoted cell at 0", "a,\"b\n1,2\n");
  check_cells("a carriage return without a line feed - convert the line ends at 6",
              "a,b\n1\rx,2\n");
  CHECK_TEXT("a header with a zero byte at 0", read_all("a\0,b\n1,2\n", 9, "a", "b"));
}

static void test_columns(void) {
  struct csv csv = {0};
  char *text = padded("ID,id,\"a \"\"b\"\"\"\n", 15);
  CHECK(csv_header(&csv, text, 15, true) == CSV_ROW && csv.columns == 3 && csv.separator == ',');
  CHECK(csv_column(&csv, "id") == 1 && csv_column(&csv, "Id") == 0 && csv_column(&csv, "x") == -1);
  CHECK_TEXT("a \"b\"", csv_name(&csv, 2));
  csv_free(&csv);
  free(text);
}

/* A text cut anywhere asks for more, and gives the same when there is more. */
static void test_more(void) {
  static const char text[] = "a,b\r\n\"1\n\"\"\",2\r\n33,44\n";
  char *copy = padded(text, sizeof text - 1);
  for (size_t size = 0; size < 16; size++) {
    struct csv csv = {0};
    enum csv_step step = csv_header(&csv, copy, size, false);
    CHECK(step == (size < 5 ? CSV_MORE : CSV_ROW));
    if (step == CSV_ROW)
      CHECK(csv_next(&csv, copy + 5, size - 5, false) == (size < 15 ? CSV_MORE : CSV_ROW));
    csv_free(&csv);
  }
  free(copy);
}

/* Byte by byte: fills `cells` with the decoded cells of the first row; -1 if it is wrong. */
static int plain_row(const char *text, size_t size, char cells[CELLS][64], size_t *used) {
  size_t at = 0;
  for (int count = 0; count < CELLS; count++) {
    size_t length = 0;
    bool quoted = at < size && text[at] == '"';
    for (at += quoted; at < size; at++) {
      if (quoted && text[at] == '"' && ++at < size && text[at] != '"') break;
      if (quoted && at >= size) break;
      if (!quoted && (text[at] == ',' || text[at] == '\n')) break;
      if (!quoted && text[at] == '"') return -1;
      cells[count][length++] = text[at];
    }
    cells[count][length] = '\0';
    if (at < size && text[at] == ',') {
      at++;
      continue;
    }
    if (at < size && text[at] != '\n') return -1;
    *used = at < size ? at + 1 : at;
    return count + 1;
  }
  return -1;
}

/* A row of cells that are empty, plain, or quoted with all that may be in quotes. */
static size_t random_row(char *text, int columns, char cells[CELLS][64]) {
  size_t size = 0;
  for (int column = 0; column < columns; column++) {
    bool quoted = draw() % 2;
    size_t length = draw() % (draw() % 4 ? 8 : 40), kept = 0;
    if (column > 0) text[size++] = ',';
    if (quoted) text[size++] = '"';
    for (size_t i = 0; i < length; i++) {
      char c = quoted ? "ab\",\n\r1"[draw() % 7] : "ab1 "[draw() % 4];
      if (c == '"') text[size++] = c;
      text[size++] = cells[column][kept++] = c;
    }
    if (quoted) text[size++] = '"';
    cells[column][kept] = '\0';
  }
  return size;
}

static bool is_read(struct csv *csv, const char *text, size_t size, char cells[CELLS][64]) {
  if (csv_next(csv, text, size, true) != CSV_ROW || csv->used != size) return false;
  for (uint32_t i = 0; i < csv->columns; i++) {
    char decoded[64] = {0};
    size_t length = csv_decode(csv->cells[i], decoded, sizeof decoded - 1);
    if (length != strlen(cells[i]) || strcmp(decoded, cells[i]) != 0) return false;
  }
  return true;
}

static void test_random_rows(void) {
  static const char header[] = "c0,c1,c2,c3,c4,c5,c6,c7\n";
  bool right = true;
  for (int i = 0; i < RANDOM_TABLES && right; i++) {
    char text[2048], cells[CELLS][64], again[CELLS][64], *copy;
    int columns = 1 + (int)(draw() % CELLS);
    struct csv csv = {0};
    size_t size, used = 0, head = 3 * (size_t)columns;
    char names[sizeof header];
    memcpy(names, header, sizeof header);
    names[head - 1] = '\n';
    copy = padded(names, head);
    csv_header(&csv, copy, head, true);
    free(copy);
    for (int column = 0; column < columns; column++)
      csv_want(&csv, column);
    size = random_row(text, columns, cells);
    text[size++] = '\n';
    if (size == 1) {
      csv_free(&csv); /* a blank line */
      continue;
    }
    copy = padded(text, size);
    right = is_read(&csv, copy, size, cells) && plain_row(copy, size, again, &used) == columns &&
            used == size;
    if (!right) printf("wrong about: %.*s", (int)size, text);
    free(copy);
    csv_free(&csv);
  }
  CHECK(right);
}

int main(void) {
  test_cells();
  test_problems();
  test_columns();
  test_more();
  test_random_rows();
  return check_end();
}
