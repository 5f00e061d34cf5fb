/* notice.c - see notice.h */
#include "dataset/text/notice.h"

struct notice {
  const struct shapes *shapes;
  struct json *json;
};

static struct shape_step step_of(const struct shapes *shapes, uint8_t state, uint32_t word) {
  return shapes->steps[SHAPES_ALL][(size_t)state * shapes->word_count + word];
}

/* The state for the members of the object that a step leads to; 0: no tweets or users may be
 * there. */
static uint8_t state_inside(const struct shapes *shapes, struct shape_step step) {
  if (step.action == SHAPE_INSIDE) return step.state;
  if (step.action == SHAPE_OBJECT) return step.argument == AT_DATA ? shapes->starts[AT_DATA] : 0;
  return shapes->holds[step.state] ? step.state : 0;
}

static bool is_quiet_object(struct notice *notice, uint8_t state);

/* An array holds parts of pages (media, polls, places), or nothing. */
static bool is_quiet_array(struct notice *notice, struct shape_step step) {
  bool parts = step_of(notice->shapes, step.state, SHAPE_ELEMENT).action == SHAPE_PART;
  json_enter(notice->json);
  while (json_element(notice->json)) {
    if (!parts) return false;
    json_skip(notice->json);
  }
  return true;
}

static bool is_quiet_value(struct notice *notice, struct shape_step step) {
  struct json *json = notice->json;
  bool list = notice->shapes->holds[step.state] && step.action != SHAPE_INSIDE;
  uint8_t state = state_inside(notice->shapes, step);
  switch (json_type(json)) {
  case JSON_NULL: json_skip(json); return state != 0 || list;
  case JSON_OBJECT: return (state != 0 || list) && is_quiet_object(notice, state);
  case JSON_ARRAY: return (state != 0 || list) && is_quiet_array(notice, step);
  default: return false;
  }
}

static bool is_quiet_object(struct notice *notice, uint8_t state) {
  struct json_text key;
  json_enter(notice->json);
  while (json_member(notice->json, &key)) {
    uint32_t word = shapes_find(notice->shapes, key);
    if (notice->shapes->words[word].says & SHAPE_NOTICE)
      json_skip(notice->json);
    else if (!is_quiet_value(notice, step_of(notice->shapes, state, word)))
      return false;
  }
  return true;
}

bool notice_is(const struct shapes *shapes, struct json *json, const char *text, size_t size) {
  struct notice notice = {shapes, json};
  json_begin_with(json, json->scanner, text, size);
  return json_type(json) == JSON_OBJECT && is_quiet_object(&notice, shapes->starts[AT_ROOT]);
}
