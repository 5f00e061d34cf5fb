/* extract_json.c - extraction from JSON
 *
 * Parsing takes most of the time, so several threads parse the lines of a file.
 */
#include <string.h>

#include "dataset/extraction/extract_formats.h"
#include "characters.h"
#include "dataset/text/doubt.h"

enum { PROGRESS_EVERY = 256 }; /* records */

/* Records */

static bool is_top_level(const struct record_object *object) {
  switch (object->position) {
  case AT_ROOT:
  case AT_ROOT_ELEMENT:
  case AT_DATA:
  case AT_ITEM:
  case AT_TWEET_ITEM: return true;
  default: return false;
  }
}

static bool is_wanted(const struct extract_options *options, const struct record_id *id,
                      const struct record_object *object) {
  if (options->top_level && !is_top_level(object)) return false;
  switch (id->role) {
  case ID_OWN:
    return (object->kind == RECORD_TWEET && options->type == EXTRACT_TWEETS) ||
           (object->kind == RECORD_USER && options->type == EXTRACT_USERS);
  case ID_AUTHOR: return options->type == EXTRACT_USERS;
  case ID_RETWEETED: return options->type == EXTRACT_TWEETS && !options->top_level;
  case ID_RETWEETED_AUTHOR: return options->type == EXTRACT_USERS && !options->top_level;
  default: return false;
  }
}

static struct record *record_of(struct extraction *x, struct error *error) {
  if (!x->record) x->record = record_new(x->run->shapes, RECORD_IDS);
  if (x->record)
    x->record->task = &x->run->task;
  else
    extraction_no_memory(x, error);
  return x->record;
}

static bool understand(const struct extraction *x, struct record *record,
                       const struct reader_record *text, struct error *error) {
  if (!record_walk(record, x->reader->path, text, error)) return false;
  if (record->class != RECORD_UNRECOGNISED || x->options.on_unrecognised != EXTRACT_STOP)
    return true;
  doubt_unrecognised(record, x->reader->path, text, error);
  return false;
}

/* Nobody counts lines until one is not understood; it is walked again for the message. */
static bool skip(struct extraction *x, struct record *record, const struct reader_record *text,
                 struct error *error) {
  struct reader_record counted = *text;
  if (text->line == 0) {
    counted.line = lines_line(x->reader, &x->piece, text->text);
    understand(x, record, &counted, error);
  }
  return extraction_skip(x, error);
}

/* Adds the ids of a record. A malformed one is skipped or ends the run. */
static bool find_ids(struct extraction *x, struct record *record, const struct reader_record *text,
                     struct error *error) {
  bool found = false;
  if (!understand(x, record, text, error)) return skip(x, record, text, error);
  for (uint32_t i = 0; i < record->id_count; i++) {
    const struct record_id *id = &record->ids[i];
    if (!is_wanted(&x->options, id, &record->objects[id->object])) continue;
    if (!extraction_add(x, id->id, error)) return false;
    found = true;
  }
  x->counts.records++;
  x->counts.classes.notices += record->class == RECORD_NOTICE;
  x->counts.classes.unrecognised += record->class == RECORD_UNRECOGNISED;
  x->counts.classes.without_author += record->without_author;
  x->counts.empty += !found;
  return true;
}

/* Values over any number of lines: by one thread, since they must be read to be cut */

bool extract_json_values(struct extraction *x, struct error *error) {
  struct record *record = record_of(x, error);
  struct reader_record text;
  enum reader_step step;
  if (!record) return false;
  while ((step = reader_next(x->reader, READER_VALUES, &text, error)) == READER_RECORD) {
    if (!find_ids(x, record, &text, error)) return false;
    if (x->counts.records >= PROGRESS_EVERY && !extraction_progress(x, error)) return false;
  }
  return step == READER_END;
}

/* Lines: by several threads, if others do not read beside this one already */

/* The elements of an array on a line are records. */
static bool find_in_array(struct extraction *x, struct record *record,
                          const struct reader_record *array, struct error *error) {
  struct reader_elements elements;
  struct reader_record element;
  size_t wrong_at;
  const char *wrong = reader_elements(&elements, array, &wrong_at);
  if (wrong) {
    error_at(error, ERROR_DATA, x->reader->path, lines_line(x->reader, &x->piece, array->text),
             array->byte + wrong_at, "%s", wrong);
    return extraction_skip(x, error);
  }
  while (reader_element(&elements, &element) == READER_RECORD)
    if (!find_ids(x, record, &element, error)) return false;
  return true;
}

/* Parses the lines of x->piece. */
static bool parse_lines(struct extraction *x, struct error *error) {
  const struct lines_piece *piece = &x->piece;
  struct record *record = record_of(x, error);
  const char *at = piece->text, *end = at + piece->size;
  if (!record) return extraction_skip(x, error);
  while (at < end) {
    const char *feed = memchr(at, '\n', (size_t)(end - at)), *start = at, *stop;
    struct reader_record text = {.line = 0};
    stop = feed ? feed : end;
    at = stop + 1;
    while (start < stop && is_blank(*start))
      start++;
    while (stop > start && is_blank(stop[-1]))
      stop--;
    if (start == stop) continue;
    text.text = start;
    text.size = (size_t)(stop - start);
    text.byte = piece->byte + (uint64_t)(start - piece->text);
    if (!(*start == '[' ? find_in_array : find_ids)(x, record, &text, error)) return false;
  }
  return true;
}

static enum turns_step take_lines(void *context, void *state, struct error *error) {
  struct extraction *x = state;
  (void)context;
  return lines_take(x->reader, &x->piece, x->shared, error);
}

static bool work_on_lines(void *context, void *state, struct turn *turn) {
  struct extraction *x = state;
  struct error error, problem;
  bool read = lines_read(x->reader, &x->piece, &problem);
  (void)context;
  x->turn = turn;
  return parse_lines(x, &error) && (read || extraction_fail(x, &problem));
}

static bool parse_alone(struct extraction *x, struct error *error) {
  enum turns_step step;
  while ((step = lines_take(x->reader, &x->piece, false, error)) == TURNS_ALONE)
    if (!parse_lines(x, error) || !extraction_progress(x, error)) return false;
  return step == TURNS_END;
}

bool extract_json_lines(struct extraction *x, struct error *error) {
  if (x->turn) return parse_alone(x, error);
  return extraction_share(x, NULL, take_lines, work_on_lines,
                          lines_threads(x->reader, x->options.jobs), error);
}
