/* shapes_fuzz.c - any text as a file of shapes: it is refused, or all its words are found
 */
#include <stdlib.h>

#include "dataset/text/shapes.h"

static void expect(bool holds) {
  if (!holds) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct error error = {0};
  char *text = calloc(1, size + 1);
  struct shapes *shapes;
  if (!text) return 0;
  memcpy(text, data, size);
  shapes = shapes_new_from(text, "f", &error);
  expect(shapes || error.code == ERROR_DATA || error.code == ERROR_MEMORY);
  for (uint32_t i = SHAPE_FIRST_KEY; shapes && i < shapes->word_count; i++) {
    const struct shape_word *word = &shapes->words[i];
    char copy[256 + 64] = {0};
    if (word->size > 256) continue;
    memcpy(copy, word->text, word->size);
    expect(shapes_find(shapes, (struct json_text){copy, word->size, false}) == i);
  }
  shapes_free(shapes);
  free(text);
  return 0;
}
