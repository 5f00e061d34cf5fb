/* id_form.c - see id_form.h */
#include "dataset/text/id_form.h"

#include <stdio.h>
#include <string.h>

#include "dataset/text/id.h"

struct span {
  const char *text;
  size_t size;
};

/* The digits of the address of a tweet: those after "/status/" or "/statuses/". */
static struct span digits_of_address(struct span line) {
  static const char *const parts[] = {"/status/", "/statuses/"};
  struct span none = {line.text, 0};
  if (line.size < 8 || strncmp(line.text, "http", 4) != 0) return none;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    const char *at = memmem(line.text, line.size, parts[i], strlen(parts[i]));
    const char *end = line.text + line.size;
    struct span digits;
    if (!at) continue;
    digits = (struct span){at + strlen(parts[i]), 0};
    while (digits.text + digits.size < end && digits.text[digits.size] >= '0' &&
           digits.text[digits.size] <= '9')
      digits.size++;
    if (digits.text + digits.size == end || strchr("?/#", digits.text[digits.size])) return digits;
  }
  return none;
}

/* A line without a comma after it, and without its quotes. */
static struct span bare(struct span line) {
  if (line.size > 1 && (line.text[line.size - 1] == ',' || line.text[line.size - 1] == ';'))
    line.size--;
  if (line.size > 2 && (line.text[0] == '"' || line.text[0] == '\'') &&
      line.text[line.size - 1] == line.text[0])
    line = (struct span){line.text + 1, line.size - 2};
  return line;
}

uint64_t id_form_parse(const char *text, size_t size) {
  struct span line = bare((struct span){text, size});
  struct span address = digits_of_address(line);
  if (address.size > 0) return id_parse(address.text, address.size);
  if (line.size > 1 && line.text[0] == 'x') line = (struct span){line.text + 1, line.size - 1};
  return id_parse(line.text, line.size);
}

static bool is_separator(char c) {
  return c == ' ' || c == '\t' || c == ',' || c == ';';
}

/* How many ids are on a line, with separators between them; 0 if there is anything else. */
static size_t count_ids(const char *text, size_t size) {
  size_t count = 0, at = 0;
  while (at < size) {
    size_t end = at;
    while (end < size && !is_separator(text[end]))
      end++;
    if (end > at && !id_form_parse(text + at, end - at)) return 0;
    count += end > at;
    at = end + 1;
  }
  return count;
}

bool id_form_is_list(const char *text, size_t size) {
  return id_form_parse(text, size) != 0 || (count_ids(text, size) > 1 && !memchr(text, ',', size) &&
                                            !memchr(text, ';', size) && !memchr(text, '\t', size));
}

void id_form_complain(const char *text, size_t size, char *complaint) {
  if (memchr(text, '\r', size))
    snprintf(complaint, ID_COMPLAINT,
             "the lines of this list end in carriage returns alone - convert it: "
             "tr '\\r' '\\n' <FILE >LIST");
  else if (count_ids(text, size) > 1)
    snprintf(complaint, ID_COMPLAINT,
             "\"%.*s\" is not one id but several on one line - put each on its own line: tr -s "
             "',; \\t' '\\n' <FILE >LIST",
             (int)(size < 40 ? size : 40), text);
  else if (digits_of_address((struct span){text, size}).size == 0 && size > 4 &&
           strncmp(text, "http", 4) == 0)
    snprintf(complaint, ID_COMPLAINT,
             "\"%.60s\" is not the address of a tweet (https://twitter.com/NAME/status/DIGITS)",
             text);
  else
    id_complain(text, size, complaint);
}
