/* json_fuzz.c - any bytes as JSON: every scanner agrees with the simple reading of the grammar, and
 * walking by hand finds what skipping finds
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../json_oracle.h"
#include "dataset/text/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct json json;

static void expect(bool holds) {
  if (!holds) abort();
}

/* Walks into every bracket and reads everything; the offsets must increase. */
static void walk(void) {
  struct json_text text;
  size_t before = json_end(&json);
  char decoded[16];
  switch (json_type(&json)) {
  case JSON_OBJECT:
    json_enter(&json);
    while (json_member(&json, &text)) {
      expect(json_decode(text, decoded, sizeof decoded) <= text.size);
      expect(text.escaped == (memchr(text.text, '\\', text.size) != NULL));
      walk();
    }
    break;
  case JSON_ARRAY:
    json_enter(&json);
    while (json_element(&json))
      walk();
    break;
  default:
    text = json_scalar(&json);
    expect(json_decode(text, decoded, sizeof decoded) <= text.size && json_same(text, text));
    break;
  }
  expect(json.problem || json_end(&json) > before || json_end(&json) == json.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  /* the first byte is what follows the text, which must not be read */
  char follows = size > 0 ? (char)data[0] : 'x', *copy;
  bool expected;
  size_t problem_at = SIZE_MAX;
  if (size > 0) data++, size--;
  copy = malloc(size + JSON_PADDING);
  if (!copy) return 0;
  if (size > 0) memcpy(copy, data, size);
  memset(copy + size, follows, JSON_PADDING);
  expected = oracle_is_json(copy, size, JSON_DEPTH_MAX);
  for (int scanner = JSON_PORTABLE; scanner <= (int)json_scanner(); scanner++) {
    json_begin_with(&json, (enum json_scanner)scanner, copy, size);
    json_skip(&json);
    expect(json_finish(&json) == expected);
    expect(problem_at == SIZE_MAX || problem_at == json.problem_at);
    problem_at = json.problem_at;
    expect(problem_at <= size);
  }
  json_begin(&json, copy, size);
  walk();
  expect(json_finish(&json) == expected);
  free(copy);
  return 0;
}
