/* format.c - see format.h */
#include "dataset/files/format.h"

#include <string.h>
#include <strings.h>

#include "characters.h"
#include "dataset/bytes/json_cut.h"
#include "dataset/text/id_form.h"

enum { LINE_MAX_READ = 1 << 16 };

/* The first byte at or after `at` that is not blank, or `end`. */
static const char *not_blank(const char *at, const char *end) {
  while (at < end && is_white(*at))
    at++;
  return at;
}

/* Whether a file's name, without its packing, ends like this. */
static bool ends_in(const char *name, const char *ending) {
  size_t size, length = strlen(ending);
  packing_of_name(name, &size);
  return size > length && strncasecmp(name + size - length, ending, length) == 0;
}

/* Whether it is a file of a user's own archive that may hold tweets: tweets.js, like.js. */
static bool is_of_archive(const char *path) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  return ends_in(name, ".js") && (strcasestr(name, "tweet") || strncasecmp(name, "like", 4) == 0);
}

bool format_is_dataset_name(const char *name) {
  static const char *const endings[] = {".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt"};
  for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
    if (ends_in(name, endings[i])) return true;
  return is_of_archive(name);
}

bool format_is_known_name(const char *name) {
  return format_is_dataset_name(name) || container_of_name(name) != CONTAINER_NONE;
}

/* Whether the brackets opened in text[0 .. size) are all closed in it. */
static bool is_balanced(const char *text, size_t size) {
  size_t depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < size; i++) {
    char c = text[i];
    if (in_string) {
      if (c == '\\') i++;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      depth++;
    } else if ((c == '}' || c == ']') && depth > 0) {
      depth--;
    }
  }
  return depth == 0 && !in_string;
}

/* Skips blank text at the start of the window, reading more if needed. */
static bool fill_to_text(struct reader *reader, const char **start, struct error *error) {
  for (;;) {
    *start = not_blank(reader->text, reader->text + reader->size);
    if (*start < reader->text + reader->size || reader->ended) return true;
    if (!reader_fill(reader, error)) return false;
  }
}

/* `start` is the first byte that is not blank: a brace or bracket. */
static enum format json_format(const struct reader *reader, const char *start) {
  const char *end = reader->text + reader->size, *next;
  const char *line_end = memchr(start, '\n', (size_t)(end - start));
  if (!line_end) return *start == '[' ? FORMAT_JSON_VALUES : FORMAT_JSON_LINES;
  next = not_blank(line_end, end);
  if (is_balanced(start, (size_t)(line_end - start)))
    return *start == '[' && next == end ? FORMAT_JSON_VALUES : FORMAT_JSON_LINES;
  if (*start == '[') return FORMAT_JSON_VALUES;
  if (next < end && (*next != '{' || ends_in(reader->path, ".json"))) return FORMAT_JSON_VALUES;
  return FORMAT_JSON_LINES;
}

bool format_detect_json(struct reader *reader, enum format *format, struct error *error) {
  const char *start;
  *format = FORMAT_JSON_LINES;
  if (!fill_to_text(reader, &start, error)) return false;
  if (start == reader->text + reader->size) return true;
  if (*start == '{' || *start == '[') *format = json_format(reader, start);
  if (json_cut_assignment(start, (size_t)(reader->text + reader->size - start)) > 0)
    *format = FORMAT_JSON_VALUES;
  return true;
}

/* Makes the window hold the whole first line from `*start` on, if it is not too long. Returns where
 * it ends, without its blanks; NULL with an error. */
static const char *first_line_end(struct reader *reader, const char **start, struct error *error) {
  for (;;) {
    const char *end = reader->text + reader->size, *line_end = *start;
    while (line_end < end && *line_end != '\n' && *line_end != '\r')
      line_end++;
    if (line_end < end || reader->ended || line_end - *start > LINE_MAX_READ) {
      while (line_end > *start && is_white(line_end[-1]))
        line_end--;
      return line_end;
    }
    if (!reader_fill(reader, error) || !fill_to_text(reader, start, error)) return NULL;
  }
}

/* A list of ids, or a table: with a header, or without one but with more than ids in a line. */
static enum format line_format(const char *start, size_t size) {
  bool digit = *start >= '0' && *start <= '9', several = false;
  if (id_form_is_list(start, size)) return FORMAT_IDS;
  for (const char *separator = ",;\t"; *separator; separator++)
    several = several || memchr(start, *separator, size);
  return digit && !several ? FORMAT_IDS : FORMAT_CSV;
}

bool format_detect(struct reader *reader, enum format *format, struct error *error) {
  const char *start, *end;
  *format = FORMAT_IDS;
  if (!fill_to_text(reader, &start, error)) return false;
  end = reader->text + reader->size;
  if (start == end) return true;
  if (*start == '{' || *start == '[') {
    *format = json_format(reader, start);
    return true;
  }
  if (json_cut_assignment(start, (size_t)(end - start)) > 0) {
    *format = FORMAT_JSON_VALUES;
    return true;
  }
  end = first_line_end(reader, &start, error);
  if (end) *format = line_format(start, (size_t)(end - start));
  return end != NULL;
}
