/* redact_fuzz.c - any text as lines of records: the result parses, holds nothing condemned, is kept
 * when it is judged again, and is the same with and without the prefilter
 *
 * Tweets 1, 13, 17 and users 2, 4, 23 are condemned; 5 and 6 lose their places; 7 and 8 are
 * quarantined. Records that are not understood stay.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/redaction/batch.h"
#include "dataset/text/record.h"

static void expect(bool holds) {
  if (!holds) abort();
}

static struct policy policy = {.remove = FACT_DELETED,
                               .quarantine = FACT_SUSPENDED,
                               .scrub = FACT_SCRUB_GEO,
                               .rehydrate = FACT_REHYDRATE};
static struct verdicts *verdicts;
static struct batch_rules quick, strict;
static struct batch *batches[3];
static struct record *record;
static struct shapes *shapes;

static void add(struct verdicts_builder *builder, enum verdicts_type type, uint64_t id,
                uint32_t fact) {
  struct verdict verdict = {id, 0, fact};
  if (!verdicts_add(builder, type, &verdict)) abort();
}

static void prepare(void) {
  struct verdicts_builder *builder = verdicts_build();
  uint32_t matter[VERDICTS_TYPES];
  struct error error;
  add(builder, VERDICTS_TWEETS, 1, FACT_DELETED);
  add(builder, VERDICTS_TWEETS, 13, FACT_DELETED);
  add(builder, VERDICTS_TWEETS, 17, FACT_DELETED);
  add(builder, VERDICTS_TWEETS, 5, FACT_SCRUB_GEO);
  add(builder, VERDICTS_TWEETS, 7, FACT_SUSPENDED);
  add(builder, VERDICTS_TWEETS, 9, FACT_REHYDRATE);
  add(builder, VERDICTS_USERS, 2, FACT_DELETED);
  add(builder, VERDICTS_USERS, 4, FACT_DELETED);
  add(builder, VERDICTS_USERS, 23, FACT_DELETED);
  add(builder, VERDICTS_USERS, 6, FACT_SCRUB_GEO);
  add(builder, VERDICTS_USERS, 8, FACT_SUSPENDED);
  verdicts = verdicts_finish(builder, NULL);
  policy_matter(&policy, matter);
  shapes = shapes_new(NULL, &error);
  if (!shapes) abort();
  quick = (struct batch_rules){.policy = &policy,
                               .filter = prefilter_new(verdicts, matter, NULL),
                               .shapes = shapes,
                               .on_malformed = TREAT_REMOVE,
                               .on_unrecognised = TREAT_KEEP};
  strict = quick;
  strict.strict = true;
  batches[0] = batch_new(&quick);
  batches[1] = batch_new(&strict);
  batches[2] = batch_new(&strict);
  record = record_new(shapes, RECORD_ALL);
  if (!batches[0] || !batches[1] || !batches[2] || !record) abort();
}

/* The pieces as one text with padding after it. */
static char *join(const struct pieces *pieces) {
  char *text = calloc(1, pieces->size + READER_PADDING), *at = text;
  if (!text) abort();
  for (size_t i = 0; i < pieces->count; at += pieces->list[i++].iov_len)
    memcpy(at, pieces->list[i].iov_base, pieces->list[i].iov_len);
  return text;
}

static uint32_t facts(enum verdicts_type type, uint64_t id) {
  struct verdict verdict;
  return verdicts_find(&verdicts->sets[type], id, &verdict) ? verdict.facts : 0;
}

/* No object of the record is condemned by any of its ids. */
static void expect_clean(uint32_t condemned) {
  for (uint32_t i = 0; i < record->id_count; i++) {
    const struct record_id *id = &record->ids[i];
    const struct record_object *object = &record->objects[id->object];
    bool of_user =
        id->role == ID_AUTHOR || id->role == ID_RETWEETED_AUTHOR || object->kind == RECORD_USER;
    if (id->role == ID_KNOWN) continue;
    if (object->kind == RECORD_NEITHER && !(object->position == AT_REFERENCE && object->retweet))
      continue;
    expect(!(facts(of_user ? VERDICTS_USERS : VERDICTS_TWEETS, id->id) & condemned));
  }
}

static void expect_clean_record(const struct reader_record *text, uint32_t condemned) {
  struct error error;
  expect(record_walk(record, "output", text, &error));
  expect_clean(condemned);
}

/* The elements of an array on a line are records, so an array may be one. */
static void expect_clean_array(const struct reader_record *line, uint32_t condemned) {
  struct reader_elements elements;
  struct reader_record element;
  size_t wrong_at;
  expect(!reader_elements(&elements, line, &wrong_at));
  while (reader_element(&elements, &element) == READER_RECORD)
    expect_clean_record(&element, condemned);
}

static void expect_clean_lines(const char *text, size_t size, uint32_t condemned) {
  const char *end = text + size;
  while (text < end) {
    const char *feed = memchr(text, '\n', (size_t)(end - text)), *from = text, *to;
    struct reader_record line = {.line = 1};
    if (!feed) feed = end;
    to = feed;
    while (from < to && strchr(" \t\r", *from) && *from)
      from++;
    while (to > from && strchr(" \t\r", to[-1]) && to[-1])
      to--;
    line.text = from;
    line.size = (size_t)(to - from);
    if (from < to) (*from == '[' ? expect_clean_array : expect_clean_record)(&line, condemned);
    text = feed + 1;
  }
}

static void expect_sum(const struct batch_counts *counts) {
  expect(counts->records == counts->kept + counts->changed + counts->dropped + counts->quarantined);
  expect(counts->records == counts->recognised + counts->notices + counts->malformed +
                                counts->unrecognised + counts->unparsed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text, *left, *kept, *same;
  if (!verdicts) prepare();
  text = calloc(1, size + READER_PADDING);
  if (!text) abort();
  memcpy(text, data, size);
  for (int i = 0; i < 3; i++)
    batch_begin(batches[i], false);
  batch_json_lines(batches[0], "input", text, size, 0);
  batch_json_lines(batches[1], "input", text, size, 0);
  expect(!batches[0]->failed && !batches[1]->failed);
  expect_sum(&batches[0]->counts);
  expect_sum(&batches[1]->counts);
  expect(batches[0]->lines == batches[1]->lines);
  left = join(&batches[1]->output);
  kept = join(&batches[1]->quarantine);
  same = join(&batches[0]->output);
  if (batches[1]->counts.malformed == 0) {
    expect(batches[0]->output.size == batches[1]->output.size &&
           memcmp(left, same, batches[1]->output.size) == 0);
    expect(batches[0]->counts.changed == batches[1]->counts.changed);
  }
  expect_clean_lines(left, batches[1]->output.size, FACT_DELETED | FACT_SUSPENDED);
  expect_clean_lines(kept, batches[1]->quarantine.size, FACT_DELETED);
  batch_json_lines(batches[2], "output", left, batches[1]->output.size, 0);
  expect(!batches[2]->failed && !batches[2]->touched);
  free(text);
  free(left);
  free(kept);
  free(same);
  return 0;
}
