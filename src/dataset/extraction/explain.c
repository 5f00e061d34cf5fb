/* explain.c - see explain.h */
#include "dataset/extraction/explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/bytes/reader.h"
#include "dataset/files/format.h"
#include "dataset/text/csv.h"
#include "dataset/text/csv_table.h"
#include "dataset/text/doubt.h"
#include "dataset/text/record.h"

enum { PATH_ROOM = 240 };

struct explanation {
  FILE *out;
  const char *path;
  const struct shapes *shapes;
  struct record *record;
  struct reader *reader;
  uint64_t count;
};

/* {==================================================================
** The path to an object: data[0].quoted_status
** =================================================================== */

/* Adds to a path; what does not fit is left out. */
static void extend(char *path, const char *format, int size, const char *text) {
  size_t at = strlen(path);
  snprintf(path + at, PATH_ROOM - at, format, size, text);
}

static bool find_path(struct json *json, size_t start, char *path);

static bool find_in_object(struct json *json, size_t start, char *path) {
  struct json_text key;
  size_t size = strlen(path);
  json_enter(json);
  while (json_member(json, &key)) {
    extend(path, size > 0 ? ".%.*s" : "%.*s", key.size < 60 ? (int)key.size : 60, key.text);
    if (find_path(json, start, path)) return true;
    path[size] = '\0';
  }
  return false;
}

static bool find_in_array(struct json *json, size_t start, char *path) {
  size_t size = strlen(path);
  char number[24];
  json_enter(json);
  for (size_t i = 0; json_element(json); i++) {
    int length = snprintf(number, sizeof number, "%zu", i);
    extend(path, "[%.*s]", length, number);
    if (find_path(json, start, path)) return true;
    path[size] = '\0';
  }
  return false;
}

/* Whether the value that `json` is at holds, or is, the one that begins at `start`. */
static bool find_path(struct json *json, size_t start, char *path) {
  if (*json->at == start) return true;
  switch (json_type(json)) {
  case JSON_OBJECT: return find_in_object(json, start, path);
  case JSON_ARRAY: return find_in_array(json, start, path);
  default: json_skip(json); return false;
  }
}

/* }================================================================== */

/* {==================================================================
** JSON
** =================================================================== */

static const char *position_name(enum record_position position) {
  static const char *const names[] = {
      "the record itself",
      "an element of the record",
      "what the record is about",
      "an item of the record",
      "an item of the record",
      "included in the record",
      "included in the record",
      "retweeted by the tweet around it",
      "quoted by the tweet around it",
      "referred to by the tweet around it",
      "posted by the user around it",
      "the author of the tweet around it",
      "named by the tweet around it",
      "in something that is neither a tweet nor a user",
  };
  return names[position];
}

static void print_object(struct explanation *e, const struct reader_record *text, uint32_t i) {
  const struct record_object *object = &e->record->objects[i];
  char path[PATH_ROOM] = "";
  bool tweet = object->kind == RECORD_TWEET, authored = false;
  json_begin_with(&e->record->json, e->record->scanner, text->text, text->size);
  find_path(&e->record->json, object->start, path);
  fprintf(e->out, "  %s %llu%s%s: %s", tweet ? "tweet" : "user", (unsigned long long)object->id,
          path[0] ? " at " : "", path, position_name(object->position));
  for (uint32_t j = 0; tweet && j < e->record->id_count; j++) {
    const struct record_id *id = &e->record->ids[j];
    if (id->object != i || id->role != ID_AUTHOR) continue;
    fprintf(e->out, "%s %llu", authored ? "," : ", by", (unsigned long long)id->id);
    authored = true;
  }
  if (tweet && !authored && object->position != AT_POSTED) fprintf(e->out, ", author unknown");
  fprintf(e->out, "\n");
}

static void print_record(struct explanation *e, const struct reader_record *text) {
  static const char *const classes[] = {"recognised", "a notice without content", "unrecognised"};
  struct error error;
  fprintf(e->out, "record %llu, line %llu: ", (unsigned long long)++e->count,
          (unsigned long long)text->line);
  if (!record_walk(e->record, e->path, text, &error)) {
    fprintf(e->out, "malformed: %s\n", error.message);
    return;
  }
  if (e->record->class == RECORD_UNRECOGNISED) {
    doubt_unrecognised(e->record, e->path, text, &error);
    fprintf(e->out, "unrecognised: %s\n", error.message);
    return;
  }
  fprintf(e->out, "%s\n", classes[e->record->class]);
  for (uint32_t i = 0; i < e->record->object_count; i++)
    if (e->record->objects[i].kind != RECORD_NEITHER) print_object(e, text, i);
}

static void print_array(struct explanation *e, const struct reader_record *array, size_t records) {
  struct reader_elements elements;
  struct reader_record element;
  size_t wrong_at;
  if (reader_elements(&elements, array, &wrong_at)) {
    print_record(e, array); /* says what is wrong */
    return;
  }
  while (e->count < records && reader_element(&elements, &element) == READER_RECORD)
    print_record(e, &element);
}

static bool print_json(struct explanation *e, enum reader_unit unit, size_t records,
                       struct error *error) {
  struct reader_record text;
  enum reader_step step = READER_END;
  fprintf(e->out, "%s: %s\n", e->path,
          unit == READER_LINES ? "JSON, a record on each line" : "JSON values, or arrays of them");
  while (e->count < records &&
         (step = reader_next(e->reader, unit, &text, error)) == READER_RECORD) {
    if (unit == READER_LINES && text.text[0] == '[')
      print_array(e, &text, records);
    else
      print_record(e, &text);
  }
  return step != READER_FAILED;
}

/* }================================================================== */

/* {==================================================================
** Tables and lists
** =================================================================== */

static const char *role_name(enum column_role role) {
  switch (role) {
  case COLUMN_ID: return "the id of the tweet";
  case COLUMN_WEAK_ID: return "the id of the tweet, unless another column has it";
  case COLUMN_AUTHOR: return "the id of its author";
  case COLUMN_RETWEETED: return "the id of the tweet that it retweets";
  case COLUMN_RETWEETED_AUTHOR: return "the id of that tweet's author";
  case COLUMN_QUOTED: return "the id of the tweet that it quotes";
  case COLUMN_QUOTED_AUTHOR: return "the id of that tweet's author";
  case COLUMN_QUOTED_TEXT: return "words of the tweet that it quotes";
  case COLUMN_PLACE: return "where it was written";
  case COLUMN_EITHER:
  case COLUMN_EITHER_AUTHOR: return "an id of what it retweets or quotes";
  default: return NULL;
  }
}

static bool print_table(struct explanation *e, const struct column_name *columns,
                        struct error *error) {
  struct csv_table table = {0};
  bool done = csv_table_open(&table, e->reader, columns, true, error);
  if (done)
    fprintf(e->out, "%s: a table of %s, %llu %s%s\n", e->path,
            table.unknown ? "unknown rows"
            : table.user  ? "users"
                          : "tweets",
            COUNTED(table.csv.columns, "column"));
  for (uint32_t i = 0; done && i < table.csv.columns; i++) {
    const char *name = csv_name(&table.csv, i);
    const char *role = role_name(csv_table_role(&table, i));
    if (role) fprintf(e->out, "  %s: %s\n", name, table.user ? "the id of the user" : role);
  }
  csv_table_close(&table);
  return done;
}

/* }================================================================== */

static bool explain(struct explanation *e, const struct column_name *columns, size_t records,
                    struct error *error) {
  enum format format;
  e->reader = reader_open(e->path, NULL, error);
  if (!e->reader || !format_detect(e->reader, &format, error)) return false;
  switch (format) {
  case FORMAT_JSON_LINES: return print_json(e, READER_LINES, records, error);
  case FORMAT_JSON_VALUES: return print_json(e, READER_VALUES, records, error);
  case FORMAT_CSV: return print_table(e, columns, error);
  default:
    fprintf(e->out, "%s: a list of ids; it does not say whether they are of tweets or of users\n",
            e->path);
    return true;
  }
}

char *explain_file(const char *path, const char *shape, const struct column_name *columns,
                   size_t records, struct error *error) {
  struct explanation e = {.path = path};
  struct shapes *shapes = shapes_new(shape, error);
  char *text = NULL;
  size_t size;
  bool done = false;
  if (!shapes) return NULL;
  e.shapes = shapes;
  e.record = record_new(shapes, RECORD_ALL);
  e.out = open_memstream(&text, &size);
  if (e.record && e.out)
    done = explain(&e, columns, records, error);
  else
    error_memory(error, "explaining %s", path);
  if (e.out) fclose(e.out);
  reader_close(e.reader);
  record_free(e.record);
  shapes_free(shapes);
  if (done) return text;
  free(text);
  return NULL;
}
