/* results_fuzz.c - any text as rows of results: both ways of reading a row agree
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/text/json.h"
#include "dataset/verdicts/results.h"

static void expect(bool holds) {
  if (!holds) abort();
}

static void parse_line(const char *line, size_t size) {
  char *plain = calloc(1, size + JSON_PADDING), *spaced = calloc(1, size + 1 + JSON_PADDING);
  struct results_row one = {0}, other = {0};
  struct results_counts counts = {0};
  const char *wrong, *too;
  size_t at;
  if (!plain || !spaced) abort();
  memcpy(plain, line, size);
  spaced[0] = ' '; /* a row that begins like this goes to the JSON parser */
  memcpy(spaced + 1, line, size);
  wrong = results_parse(plain, size, &one, &counts, &at);
  expect(at <= size);
  too = results_parse(spaced, size + 1, &other, NULL, &at);
  expect((wrong == NULL) == (too == NULL));
  if (!wrong) {
    expect(one.id == other.id && one.fact == other.fact && one.redacted_at == other.redacted_at);
    expect(one.fact && !(one.fact & (one.fact - 1)) && one.fact <= FACT_ALL);
    expect(one.id != 0 || one.fact == FACT_INVALID);
    expect(fact_outcome(one.fact) != NULL && counts.rows == 1);
    expect(strlen(counts.unknown_text) < RESULTS_TEXT && strlen(counts.other_text) < RESULTS_TEXT);
  }
  free(plain);
  free(spaced);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *text = (const char *)data, *end = text + size;
  while (text < end) {
    const char *feed = memchr(text, '\n', (size_t)(end - text));
    if (!feed) feed = end;
    parse_line(text, (size_t)(feed - text));
    text = feed + 1;
  }
  return 0;
}
