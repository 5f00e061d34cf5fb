/* reader_fuzz.c - any bytes as a file, plain or compressed: read twice they give the same, in lines
 * and in values, and everything between records is given too
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dataset/bytes/reader.h"
#include "dataset/files/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CONTENT_MAX = 1 << 21 }; /* a few bytes of bzip2 may be a gigabyte */

static void expect(int holds) {
  if (!holds) abort();
}

/* A sum of all records; all bytes must come, one after the other. */
static uint64_t read_all(const char *path, enum reader_unit unit) {
  struct error error = {0};
  struct reader *reader = reader_open(path, NULL, &error);
  struct reader_record record;
  enum reader_step step = READER_FAILED;
  enum format format;
  uint64_t sum = 0, byte = 0, line = 0;
  if (!reader) {
    expect(error.code == ERROR_DATA);
    return 1;
  }
  if (reader->mark) byte = 3;
  reader->record_max = 1 << 20;
  if (!format_detect(reader, &format, &error)) goto done;
  while ((step = reader_next(reader, unit, &record, &error)) == READER_RECORD) {
    expect(record.size > 0 && record.byte == byte + record.before_size && record.line >= line);
    byte = record.byte + record.size;
    line = record.line;
    for (size_t i = 0; i < record.size; i++)
      sum = sum * 31 + (unsigned char)record.text[i];
    if (byte > CONTENT_MAX) break;
  }
done:
  expect(step != READER_FAILED || error.code == ERROR_DATA);
  reader_close(reader);
  return sum * 31 + (uint64_t)step;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static int file = -1;
  static char path[32];
  if (file < 0) {
    file = memfd_create("input", 0);
    expect(file >= 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  }
  if (ftruncate(file, 0) != 0 || pwrite(file, data, size, 0) != (ssize_t)size) return 0;
  for (int unit = READER_LINES; unit <= READER_VALUES; unit++)
    expect(read_all(path, (enum reader_unit)unit) == read_all(path, (enum reader_unit)unit));
  return 0;
}
