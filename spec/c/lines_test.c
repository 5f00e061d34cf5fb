/* lines_test.c - the pieces of a plain file that threads read beside each other are its lines, each
 * once, wherever the ranges end; their numbers are right; and a file that changes is an error
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "dataset/bytes/lines.h"

enum { RANGE = 1 << 19, ROOM = 5 * RANGE };

static char folder[] = "/tmp/xcompliance.XXXXXX", path[64];
static char *text; /* of the file */
static size_t size;

static void write_file(void) {
  FILE *file = fopen(path, "wb");
  if (!file || fwrite(text, 1, size, file) != size || fclose(file) != 0) exit(1);
}

/* Adds a line of `length` bytes, its end included. */
static void add_line(size_t length) {
  memset(text + size, 'x', length - 1);
  size += length;
  text[size - 1] = '\n';
}

/* Lines of the lengths from 1 to `longest` in turn, up to `end`. */
static void add_lines_to(size_t end, size_t longest) {
  for (size_t length = 1; size < end; length = length % longest + 1)
    add_line(length < end - size ? length : end - size);
}

static uint64_t line_at(size_t at) {
  uint64_t line = 1;
  for (size_t i = 0; i < at; i++)
    line += text[i] == '\n';
  return line;
}

/* Whether text[at] is the first byte of a line. */
static bool begins_line(size_t at, size_t start) {
  return at == start || text[at - 1] == '\n';
}

/* Two pieces at a time, as two threads would have them, the later one read first. */
static void check_pieces(size_t start) {
  struct lines_piece pieces[2] = {{0}, {0}};
  struct error error = {0};
  struct reader *reader = reader_open(path, NULL, &error);
  enum turns_step step = TURNS_BESIDE;
  size_t at = start;
  bool right = reader != NULL;
  while (right && step == TURNS_BESIDE) {
    int count = 0;
    while (count < 2 && (step = lines_take(reader, &pieces[count], true, &error)) == TURNS_BESIDE)
      count++;
    for (int i = count; i-- > 0;)
      right = right && lines_read(reader, &pieces[i], &error);
    for (int i = 0; i < count; i++) {
      struct lines_piece *piece = &pieces[i];
      if (piece->size == 0) continue;
      right =
          right && piece->byte == at && begins_line(at, start) && piece->size <= size - at &&
          memcmp(piece->text, text + at, piece->size) == 0 &&
          lines_line(reader, piece, piece->text) == line_at(at) &&
          lines_line(reader, piece, piece->text + piece->size - 1) == line_at(at + piece->size - 1);
      at += piece->size;
    }
  }
  CHECK(right && step == TURNS_END && at == size);
  lines_free(&pieces[0]);
  lines_free(&pieces[1]);
  reader_close(reader);
}

/* A line ends before, at and after the end of a range, and the last one may have no end. */
static void test_ends_of_ranges(void) {
  for (size_t end = RANGE - 3; end <= RANGE + 3; end++) {
    size = 0;
    add_lines_to(end, 5000);
    add_lines_to(end + RANGE, 300);
    add_line(7);
    write_file();
    check_pieces(0);
    size--;
    write_file();
    check_pieces(0);
  }
}

/* Lines longer than what is read after a range, and than a range. */
static void test_long_lines(void) {
  static const size_t lengths[] = {40000, RANGE - 1, RANGE, RANGE + 1, 2 * RANGE, 2 * RANGE + 77};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    for (size_t before = RANGE - 20; before < RANGE + 2; before += 7) {
      size = 0;
      add_lines_to(before, 50);
      add_line(lengths[i]);
      add_lines_to(size + RANGE, 3);
      write_file();
      check_pieces(0);
    }
  }
}

static void test_byte_order_mark(void) {
  size = 3;
  memcpy(text, "\xef\xbb\xbf", 3);
  add_lines_to(2 * RANGE, 900);
  write_file();
  check_pieces(3);
}

/* Takes and reads all pieces, up to the first error; the file becomes `changed` long before. */
static void check_changed(off_t changed) {
  struct lines_piece piece = {0};
  struct error error = {0};
  struct reader *reader;
  enum turns_step step;
  bool read = true;
  size = 0;
  add_lines_to(3 * RANGE, 2000);
  write_file();
  reader = reader_open(path, NULL, &error);
  if (!CHECK(reader && truncate(path, changed) == 0)) return;
  while (read && (step = lines_take(reader, &piece, true, &error)) == TURNS_BESIDE)
    read = lines_read(reader, &piece, &error);
  CHECK((!read || step == TURNS_FAILED) && error.code == ERROR_DATA);
  CHECK(strstr(error.message, "its size changed from 1572864 to ") != NULL);
  lines_free(&piece);
  reader_close(reader);
}

/* The file ends within the part of a line that is read last, after what was read has moved. */
static void test_cut_while_reading(void) {
  struct lines_piece piece = {0};
  struct error error = {0};
  struct reader *reader;
  size = 0;
  add_lines_to(RANGE - 20, 100);
  add_line(2 * RANGE);
  write_file();
  reader = reader_open(path, NULL, &error);
  if (!CHECK(reader && truncate(path, RANGE + (1 << 16)) == 0)) return;
  CHECK(lines_take(reader, &piece, true, &error) == TURNS_BESIDE);
  CHECK(!lines_read(reader, &piece, &error) && piece.size == 0 && error.code == ERROR_DATA);
  lines_free(&piece);
  reader_close(reader);
}

/* What comes before a line that is too long is given; the line is named. */
static void test_too_long(void) {
  struct lines_piece piece = {0};
  struct error error = {0};
  struct reader *reader;
  size = 0;
  add_lines_to(1000, 100);
  add_line(2 << 20);
  write_file();
  reader = reader_open(path, NULL, &error);
  if (!CHECK(reader != NULL)) return;
  reader->record_max = 1 << 20;
  CHECK(lines_take(reader, &piece, true, &error) == TURNS_BESIDE);
  CHECK(!lines_read(reader, &piece, &error) && piece.size == 1000);
  CHECK(error.code == ERROR_DATA && error.line == line_at(1000) && error.byte == 1000);
  lines_free(&piece);
  reader_close(reader);
}

/* A line of the longest length is read by one thread and by several, and one byte more by none, with
 * or without a line end, in the first range and in a later one. */
static void check_longest(size_t before, size_t more, bool fed) {
  enum { LONGEST = 1 << 20 };
  for (int shared = 0; shared < 2; shared++) {
    struct lines_piece piece = {0};
    struct error error = {0};
    struct reader *reader;
    size_t read = 0;
    bool done = true;
    size = 0;
    add_lines_to(before, 100);
    add_line(LONGEST + more + 1);
    size -= !fed;
    write_file();
    reader = reader_open(path, NULL, &error);
    if (!CHECK(reader != NULL)) return;
    reader->record_max = LONGEST;
    while (done) {
      enum turns_step step = lines_take(reader, &piece, shared, &error);
      if (step == TURNS_END) break;
      done = step != TURNS_FAILED && lines_read(reader, &piece, &error);
      if (step != TURNS_FAILED) read += piece.size;
    }
    CHECK(done == (more == 0) && read == (more == 0 ? size : before));
    CHECK(done || (error.code == ERROR_DATA && error.line == line_at(before)));
    lines_free(&piece);
    reader_close(reader);
  }
}

static void test_longest(void) {
  const size_t places[] = {0, 1000, RANGE - 1, RANGE, RANGE + 1, 2 * RANGE + 77};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++)
    for (size_t more = 0; more < 2; more++) {
      check_longest(places[i], more, true);
      check_longest(places[i], more, false);
    }
}

int main(void) {
  if (!mkdtemp(folder) || !(text = malloc(ROOM))) return 1;
  snprintf(path, sizeof path, "%s/lines", folder);
  test_ends_of_ranges();
  test_long_lines();
  test_byte_order_mark();
  check_changed(3 * RANGE - 1);
  check_changed(3 * RANGE + 1);
  check_changed(RANGE / 2);
  test_cut_while_reading();
  test_too_long();
  test_longest();
  free(text);
  unlink(path);
  rmdir(folder);
  return check_end();
}
