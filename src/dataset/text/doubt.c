/* doubt.c - see doubt.h */
#include "dataset/text/doubt.h"

#include <stdio.h>
#include <string.h>

#include "dataset/text/id.h"
#include "dataset/text/shapes.h"

enum { KEYS_SHOWN = 5, KEYS_ROOM = 200 };

/* Appends the printable part of another text to one of `room` bytes. */
static void append(char *to, size_t room, const char *text, size_t size) {
  size_t at = strlen(to);
  for (size_t i = 0; i < size && at + 1 < room; i++)
    to[at++] = text[i] < ' ' || text[i] > '~' ? '?' : text[i];
  to[at] = '\0';
}

/* The first keys of the object at the start of a text that is JSON. */
static void list_keys(struct json *json, const char *text, size_t size, char *keys) {
  struct json_text key;
  int count = 0;
  keys[0] = '\0';
  json_begin_with(json, json->scanner, text, size);
  if (json_type(json) != JSON_OBJECT) return;
  json_enter(json);
  while (json_member(json, &key) && count <= KEYS_SHOWN) {
    const char *separator = count == 0 ? "" : ", ";
    if (count == KEYS_SHOWN) {
      append(keys, KEYS_ROOM, ", ...", 5);
      return;
    }
    append(keys, KEYS_ROOM, separator, strlen(separator));
    append(keys, KEYS_ROOM, key.text, key.size < 32 ? key.size : 32);
    json_skip(json);
    count++;
  }
}

/* The number of the line on which the byte `at` of a record is. */
static uint64_t line_of(const struct reader_record *text, size_t at) {
  uint64_t line = text->line;
  for (size_t i = 0; i < at; i++)
    line += text->text[i] == '\n';
  return line;
}

void doubt_unrecognised(struct record *record, const char *path, const struct reader_record *text,
                        struct error *error) {
  char keys[KEYS_ROOM];
  uint32_t at = record->lost;
  list_keys(&record->json, text->text + at, text->size - at, keys);
  error_at(error, ERROR_REFUSED, path, line_of(text, at), text->byte + at,
           "no tweet and no user was found in this record (its keys: %s) - choose with "
           "`on_unrecognised` what to do with such records, or describe them in a file for "
           "`shape` (docs/shapes.md)",
           keys);
}

void doubt_condemned_id(const struct doubt_id *found, const char *path,
                        const struct reader_record *text, struct error *error) {
  error_at(error, ERROR_REFUSED, path, line_of(text, found->at), text->byte + found->at,
           "the member \"%.*s\" holds %llu, which the results condemn, but no shape knows a tweet "
           "or a user there - choose with `on_unrecognised` what to do with such records, or "
           "describe them in a file for `shape` (docs/shapes.md)",
           (int)(found->name.size < 60 ? found->name.size : 60), found->name.text,
           (unsigned long long)found->id);
}

/* Ids */

struct search {
  struct record *record;
  bool (*is_bad)(void *context, uint64_t id, uint32_t at);
  void *context;
  struct doubt_id *found;
  uint32_t noted; /* ids of the record that have been passed */
};

static bool ends_in(struct json_text name, const char *end) {
  size_t size = strlen(end);
  return name.size >= size && memcmp(name.text + name.size - size, end, size) == 0;
}

/* id, _id, ..._id, ...Id, ..._id_str, id_str */
static bool is_name_of_id(struct json_text name) {
  char decoded[128];
  if (name.size == 0) return false; /* of an element of an array, with nothing after it */
  if (json_has_escape(name.text, name.size)) {
    name.escaped = true;
    name.size = json_decode(name, decoded, sizeof decoded);
    if (name.size > sizeof decoded) return false;
    name.text = decoded;
  }
  return (name.size == 2 && memcmp(name.text, "id", 2) == 0) || ends_in(name, "_id") ||
         ends_in(name, "Id") || ends_in(name, "id_str");
}

/* Whether the walker of the record has noted an id there. It notes them in the order in which they
 * are asked for, and `*noted` is the position in that order; authors, which were noted before, come
 * last. */
static bool is_noted(const struct record *record, uint32_t at, uint32_t *noted) {
  while (*noted < record->id_count && record->ids[*noted].at < at)
    ++*noted;
  return *noted < record->id_count && record->ids[*noted].at == at;
}

/* The end of the text before `at`, without blanks. */
static const char *before_blanks(const char *start, const char *at) {
  while (at > start && (at[-1] == ' ' || at[-1] == '\t' || at[-1] == '\n' || at[-1] == '\r'))
    at--;
  return at;
}

/* The name of the member whose value begins at `at`, from the text alone: a quote that is not
 * escaped, and a colon. NULL if it is not the value of a member. */
static const char *name_before(const char *start, const char *at, size_t *size) {
  const char *end, *begin;
  at = before_blanks(start, at);
  if (at == start || *--at != ':') return NULL;
  end = before_blanks(start, at);
  if (end < start + 2 || *--end != '"' || end[-1] == '\\') return NULL;
  for (begin = end; begin > start && begin[-1] != '"'; begin--) {
  }
  *size = (size_t)(end - begin);
  return begin;
}

bool doubt_may_be_id(const struct record *record, const struct reader_record *text, uint32_t at,
                     uint32_t *noted) {
  const char *start = text->text, *value = start + at;
  bool quoted = at > 0 && value[-1] == '"';
  struct json_text name = {NULL, 0, false};
  if (*value == '\\') return true;                         /* a digit that is escaped */
  if (quoted && at > 1 && value[-2] == '\\') return false; /* in a text */
  if (is_noted(record, at, noted)) return false;
  name.text = name_before(start, value - quoted, &name.size);
  if (!name.text) return false;
  if (record->shapes->words[shapes_find(record->shapes, name)].says & SHAPE_KNOWN) return false;
  return json_has_escape(name.text, name.size) || is_name_of_id(name);
}

static bool search_value(struct search *search, struct json_text name);

static bool search_scalar(struct search *search, struct json_text name) {
  struct json *json = &search->record->json;
  struct json_text value = json_scalar(json);
  char decoded[ID_TEXT_MAX];
  struct doubt_id found = {.name = name, .at = (uint32_t)(value.text - json->text)};
  size_t size = value.size <= 6 * ID_TEXT_MAX ? json_decode(value, decoded, sizeof decoded) : 0;
  if (!is_name_of_id(name) || size > sizeof decoded) return false;
  found.id = id_parse(decoded, size);
  if (!found.id || !search->is_bad(search->context, found.id, found.at)) return false;
  if (is_noted(search->record, found.at, &search->noted)) return false;
  *search->found = found;
  return true;
}

static bool search_object(struct search *search) {
  const struct shapes *shapes = search->record->shapes;
  struct json *json = &search->record->json;
  struct json_text name;
  json_enter(json);
  while (json_member(json, &name)) {
    if (shapes->words[shapes_find(shapes, name)].says & SHAPE_KNOWN)
      json_skip(json);
    else if (search_value(search, name))
      return true;
  }
  return false;
}

static bool search_array(struct search *search) {
  const struct json_text none = {"", 0, false};
  json_enter(&search->record->json);
  while (json_element(&search->record->json))
    if (search_value(search, none)) return true;
  return false;
}

static bool search_value(struct search *search, struct json_text name) {
  switch (json_type(&search->record->json)) {
  case JSON_OBJECT: return search_object(search);
  case JSON_ARRAY: return search_array(search);
  case JSON_STRING:
  case JSON_NUMBER: return search_scalar(search, name);
  default: json_skip(&search->record->json); return false;
  }
}

bool doubt_find_id(struct record *record, const struct reader_record *text,
                   bool (*is_bad)(void *context, uint64_t id, uint32_t at), void *context,
                   struct doubt_id *found) {
  struct search search = {record, is_bad, context, found, 0};
  const struct json_text none = {"", 0, false};
  json_begin_with(&record->json, record->scanner, text->text, text->size);
  record->json.task = record->task;
  return search_value(&search, none);
}
