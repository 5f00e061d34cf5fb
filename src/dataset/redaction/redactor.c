/* redactor.c - see redactor.h */
#include "dataset/redaction/redactor.h"

#include <stdlib.h>
#include <string.h>

#include "characters.h"
#include "dataset/bytes/reader.h"
#include "dataset/text/shapes.h"
#include "dataset/verdicts/prefilter.h"

enum { ROOM_LEAST = 1 << 14, ROOM_KEPT = 1 << 20 }; /* bytes of the buffer */

static const char NAME[] = "record"; /* in messages */

struct redactor {
  struct redactor_settings settings; /* its string is owned */
  struct batch_rules rules;
  struct shapes *shapes;
  struct prefilter *filter;
  struct batch *batch;
  char *text; /* the record, and padding after it */
  size_t size, room;
};

void redactor_free(struct redactor *redactor) {
  if (!redactor) return;
  batch_free(redactor->batch);
  prefilter_free(redactor->filter);
  shapes_free(redactor->shapes);
  free((void *)redactor->settings.shape);
  free(redactor->text);
  free(redactor);
}

static bool fill(struct redactor *redactor, const struct verdicts *verdicts, const char *shape,
                 struct error *error) {
  uint32_t matter[VERDICTS_TYPES];
  if (shape && !(redactor->settings.shape = strdup(shape)))
    return error_memory(error, "redacting a record");
  redactor->shapes = shapes_new(shape, error);
  if (!redactor->shapes) return false;
  policy_matter(&redactor->settings.policy, matter);
  redactor->filter = prefilter_new(verdicts, matter, NULL);
  if (!redactor->filter) return error_memory(error, "redacting a record");
  redactor->rules = (struct batch_rules){
      .policy = &redactor->settings.policy,
      .filter = redactor->filter,
      .shapes = redactor->shapes,
      .strict = redactor->settings.strict,
      .on_malformed = redactor->settings.on_malformed,
      .on_unrecognised = redactor->settings.on_unrecognised,
  };
  redactor->batch = batch_new(&redactor->rules);
  return redactor->batch || error_memory(error, "redacting a record");
}

struct redactor *redactor_new(const struct verdicts *verdicts,
                              const struct redactor_settings *settings, struct error *error) {
  struct redactor *redactor = calloc(1, sizeof *redactor);
  if (!redactor) {
    error_memory(error, "redacting a record");
    return NULL;
  }
  redactor->settings = *settings;
  redactor->settings.shape = NULL;
  if (fill(redactor, verdicts, settings->shape, error)) return redactor;
  redactor_free(redactor);
  return NULL;
}

bool redactor_has(const struct redactor *redactor, const struct redactor_settings *settings) {
  const struct redactor_settings *own = &redactor->settings;
  bool same_shape = own->shape && settings->shape ? strcmp(own->shape, settings->shape) == 0
                                                  : own->shape == settings->shape;
  return same_shape && own->strict == settings->strict &&
         own->on_malformed == settings->on_malformed &&
         own->on_unrecognised == settings->on_unrecognised &&
         own->policy.remove == settings->policy.remove &&
         own->policy.quarantine == settings->policy.quarantine &&
         own->policy.stop == settings->policy.stop && own->policy.scrub == settings->policy.scrub &&
         own->policy.rehydrate == settings->policy.rehydrate;
}

/* Frees the memory that a long record needed. */
static void give_back(struct redactor *redactor) {
  struct batch *batch = batch_new(&redactor->rules);
  if (batch) {
    batch_free(redactor->batch);
    redactor->batch = batch;
  }
  free(redactor->text);
  redactor->text = NULL;
  redactor->room = 0;
}

/* Copies the record to a place with padding after it. */
static bool copy_text(struct redactor *redactor, const char *text, size_t size) {
  size_t needed = size + READER_PADDING;
  if (needed > redactor->room) {
    size_t room = needed < ROOM_LEAST ? ROOM_LEAST : needed + needed / 2;
    free(redactor->text);
    redactor->text = malloc(room);
    redactor->room = redactor->text ? room : 0;
    if (!redactor->text) return false;
  }
  memcpy(redactor->text, text, size);
  memset(redactor->text + size, 0, READER_PADDING);
  redactor->size = size;
  return true;
}

static enum redactor_action action_of(const struct batch *batch, bool array) {
  if (batch->failed) return REDACTOR_STOPPED;
  if (array) return batch->touched ? REDACTOR_CHANGED : REDACTOR_KEPT;
  if (batch->counts.changed > 0) return REDACTOR_CHANGED;
  if (batch->counts.dropped > 0) return REDACTOR_DROPPED;
  return batch->counts.quarantined > 0 ? REDACTOR_QUARANTINED : REDACTOR_KEPT;
}

/* The class of a record that stopped the run: by its error; the judge knows that of one with an id
 * of unknown outcome. */
static enum redactor_class class_of(const struct batch *batch) {
  const struct batch_counts *counts = &batch->counts;
  if (batch->failed && batch->error.code == ERROR_REFUSED) return REDACTOR_UNRECOGNISED;
  if (batch->failed && batch->judge->stop.id == 0) return REDACTOR_MALFORMED;
  if (batch->failed) return REDACTOR_RECOGNISED;
  if (counts->malformed > 0) return REDACTOR_MALFORMED;
  if (counts->unrecognised > 0) return REDACTOR_UNRECOGNISED;
  if (counts->unparsed > 0) return REDACTOR_UNPARSED;
  if (counts->recognised > 0) return REDACTOR_RECOGNISED;
  return counts->notices > 0 ? REDACTOR_NOTICE : REDACTOR_EMPTY;
}

static bool is_array(const char *text, size_t size) {
  size_t i = 0;
  while (i < size && is_white(text[i]))
    i++;
  return i < size && text[i] == '[';
}

void redactor_judge(struct redactor *redactor, const char *text, size_t size,
                    struct redactor_result *result) {
  struct batch *batch;
  bool known;
  if (redactor->room > ROOM_KEPT) give_back(redactor);
  batch = redactor->batch;
  memset(result, 0, sizeof *result);
  batch_begin(batch, false);
  batch->error.code = ERROR_NONE;
  batch->judge->stop.id = 0;
  result->array = is_array(text, size);
  if (size > READER_RECORD_MAX) {
    batch->failed = true;
    error_set(&batch->error, ERROR_DATA, "a record of %zu bytes is longer than %zu", size,
              READER_RECORD_MAX);
  } else if (!copy_text(redactor, text, size)) {
    batch_no_memory(batch, NAME);
  } else {
    batch_record(batch, NAME, redactor->text, size);
  }
  result->action = action_of(batch, result->array);
  result->class = class_of(batch);
  result->output = &batch->output;
  result->quarantine = &batch->quarantine;
  known = result->class != REDACTOR_MALFORMED && result->class != REDACTOR_UNPARSED &&
          result->class != REDACTOR_EMPTY && !result->array;
  result->judge = known ? batch->judge : NULL;
  if (batch->error.code != ERROR_NONE) result->problem = &batch->error;
}

void redactor_parse(struct redactor *redactor, struct redactor_result *result) {
  struct batch *batch = redactor->batch;
  struct reader_record record = {.text = redactor->text, .size = redactor->size, .line = 1};
  enum judgement judgement = judge_record(batch->judge, NAME, &record, &batch->error);
  if (judgement == JUDGED_MALFORMED) {
    result->class = REDACTOR_MALFORMED;
  } else if (judgement != JUDGED_FAILED) {
    static const enum redactor_class classes[] = {
        [RECORD_RECOGNISED] = REDACTOR_RECOGNISED,
        [RECORD_NOTICE] = REDACTOR_NOTICE,
        [RECORD_UNRECOGNISED] = REDACTOR_UNRECOGNISED,
    };
    result->class = classes[batch->judge->class];
  }
  if (batch->error.code != ERROR_NONE) result->problem = &batch->error;
}
