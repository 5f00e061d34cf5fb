/* record_fuzz.c - any bytes as a record: the cheap walk finds what the full one finds, and whatever
 * is cut, the rest is JSON
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../json_oracle.h"
#include "dataset/text/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct record *whole, *cheap;

static void expect(bool holds) {
  if (!holds) abort();
}

static void expect_cuttable(const struct reader_record *text, const struct record_place *place) {
  uint32_t comma = place->comma_before != RECORD_NONE ? place->comma_before : place->comma_after;
  size_t kept = 0;
  char *left;
  if (place->list == RECORD_NONE) return;
  expect(place->list < whole->list_count && place->ordinal < whole->lists[place->list].items);
  expect(place->start < place->end && place->end <= text->size);
  left = malloc(text->size);
  if (!left) return;
  for (uint32_t i = 0; i < text->size; i++)
    if ((i < place->start || i >= place->end) && i != comma) left[kept++] = text->text[i];
  expect(oracle_is_json(left, kept, JSON_DEPTH_MAX));
  free(left);
}

static void expect_same_ids(void) {
  uint32_t same = 0;
  for (uint32_t i = 0; i < whole->id_count; i++) {
    if (whole->ids[i].role == ID_EDIT_HISTORY || whole->ids[i].role == ID_KNOWN) continue;
    expect(same < cheap->id_count && whole->ids[i].id == cheap->ids[same].id);
    expect(whole->ids[i].object < whole->object_count && whole->ids[i].id > 0);
    same++;
  }
  expect(same == cheap->id_count && whole->object_count == cheap->object_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct reader_record text = {.size = size, .line = 1};
  struct error error;
  char *copy = malloc(size + JSON_PADDING);
  if (!whole) {
    struct shapes *shapes = shapes_new(NULL, &error);
    if (!shapes) return 0;
    whole = record_new(shapes, RECORD_ALL);
    cheap = record_new(shapes, RECORD_IDS);
  }
  if (!copy || !whole || !cheap) return 0;
  if (size > 0) memcpy(copy, data, size);
  memset(copy + size, '}', JSON_PADDING);
  text.text = copy;
  if (record_walk(whole, "f", &text, &error)) {
    expect(oracle_is_json(copy, size, JSON_DEPTH_MAX));
    expect(record_walk(cheap, "f", &text, &error));
    expect_same_ids();
    for (uint32_t i = 0; i < whole->object_count; i++)
      expect_cuttable(&text, &whole->objects[i].place);
    for (uint32_t i = 0; i < whole->part_count; i++)
      expect_cuttable(&text, &whole->parts[i].place);
  } else {
    expect(error.code == ERROR_DATA && error.byte <= size);
  }
  free(copy);
  return 0;
}
