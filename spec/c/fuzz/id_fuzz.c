/* id_fuzz.c - any bytes as an id: eight digits at a time give the same as one at a time
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/text/id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int holds) {
  if (!holds) abort();
}

static size_t digits(const uint8_t *data, size_t size) {
  size_t count = 0;
  while (count < size && data[count] >= '0' && data[count] <= '9')
    count++;
  return count;
}

/* 0 if the digits are not an id. */
static uint64_t plain(const uint8_t *data, size_t size) {
  uint64_t id = 0;
  if (size == 0 || size > ID_TEXT_MAX || data[0] == '0') return 0;
  for (size_t i = 0; i < size; i++)
    id = id * 10 + (uint64_t)(data[i] - '0');
  return id <= INT64_MAX ? id : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  size_t count = digits(data, size);
  uint64_t expected = plain(data, count), id;
  char text[ID_READ_ROOM + 64] = {0}, complaint[ID_COMPLAINT];
  expect(id_parse((const char *)data, size) == (count == size ? expected : 0));
  if (size > 64) return 0;
  if (size > 0) memcpy(text, data, size);
  expect(id_read(text, &id) == (expected ? count : 0) && id == expected);
  id_complain(text, size, complaint);
  expect(strlen(complaint) > 10);
  if (!expected) return 0;
  expect(id_format(expected, text) == count && memcmp(text, data, count) == 0);
  return 0;
}
