/* id_lines_test.c - lists of ids, in pieces of every size */
#include "dataset/lists/id_lines.h"

#include <stdbool.h>

#include <string.h>

#include "check.h"

/* Whether `text`, cut into pieces of `piece` bytes, is a list; fills `lines` and `error`. */
static bool is_list(const char *text, size_t piece, struct id_lines *lines, struct error *error) {
  size_t size = strlen(text);
  memset(lines, 0, sizeof *lines);
  memset(error, 0, sizeof *error);
  lines->path = "list";
  for (size_t at = 0; at < size; at += piece)
    if (!id_lines_add(lines, text + at, size - at < piece ? size - at : piece, error)) return false;
  return id_lines_end(lines, error);
}

static void accepts(const char *text, uint64_t ids) {
  for (size_t piece = 1; piece <= strlen(text) + 1; piece++) {
    struct id_lines lines;
    struct error error;
    CHECK(is_list(text, piece, &lines, &error));
    CHECK(lines.ids == ids);
  }
}

static void refuses(const char *text, uint64_t line, uint64_t byte) {
  for (size_t piece = 1; piece <= strlen(text) + 1; piece++) {
    struct id_lines lines;
    struct error error;
    CHECK(!is_list(text, piece, &lines, &error));
    CHECK(error.code == ERROR_DATA && error.line == line && error.byte == byte);
    CHECK(strncmp(error.message, "list, line ", 11) == 0);
  }
}

int main(void) {
  char text[2 * ID_LINE_MAX + 8];
  accepts("", 0);
  accepts("\n\r\n \n", 0);
  accepts("1", 1);
  accepts("1\n", 1);
  accepts("1\n9223372036854775807\r\n\n \t20 \n3", 4);
  refuses("{\"id\":\"1\"}\n", 1, 0);
  refuses("1\n2,\n3\n", 2, 2);
  refuses("1\n  x\n", 2, 4);
  refuses("1\n01\n", 2, 2);
  refuses("1\n1.2E+18", 2, 2);
  refuses("\xef\xbb\xbf"
          "1\n",
          1, 0);
  refuses("\x1f\x8b\x08\n", 1, 0);
  refuses("1 2\n", 1, 0);
  memset(text, ' ', sizeof text);
  memcpy(text + ID_LINE_MAX - 1, "1\n2\n", 5); /* a line that just fits */
  accepts(text, 2);
  memset(text, ' ', sizeof text);
  memcpy(text + ID_LINE_MAX, "1\n2\n", 5);
  refuses(text, 1, 0);
  return check_end();
}
