/* id_lines.c - see id_lines.h */
#include "dataset/lists/id_lines.h"

#include <string.h>

#include "characters.h"
#include "dataset/text/id.h"

static bool refuse(const struct id_lines *lines, const char *text, size_t size, uint64_t byte,
                   struct error *error) {
  char complaint[ID_COMPLAINT];
  id_complain(text, size, complaint);
  error_at(error, ERROR_DATA, lines->path, lines->line, byte, "%s", complaint);
  return false;
}

static bool take_line(struct id_lines *lines, const char *text, size_t size, struct error *error) {
  uint64_t byte = lines->byte;
  lines->line++;
  lines->byte += size + 1;
  if (size > ID_LINE_MAX) return refuse(lines, text, size, byte, error);
  while (size > 0 && is_blank(text[size - 1]))
    size--;
  for (; size > 0 && is_blank(*text); size--) {
    text++;
    byte++;
  }
  if (size == 0) return true;
  lines->ids++;
  return id_parse(text, size) != 0 || refuse(lines, text, size, byte, error);
}

/* Keeps the start of a line. */
static bool keep(struct id_lines *lines, const char *text, size_t size, struct error *error) {
  size_t room = sizeof lines->text - lines->used;
  size_t kept = size < room ? size : room;
  memcpy(lines->text + lines->used, text, kept);
  lines->used += kept;
  return lines->used <= ID_LINE_MAX || take_line(lines, lines->text, lines->used, error);
}

bool id_lines_add(struct id_lines *lines, const char *bytes, size_t size, struct error *error) {
  const char *end = bytes + size, *feed;
  while (bytes < end && (feed = memchr(bytes, '\n', (size_t)(end - bytes)))) {
    size_t length = (size_t)(feed - bytes);
    const char *line = bytes;
    if (lines->used > 0) {
      if (!keep(lines, bytes, length, error)) return false;
      line = lines->text;
      length = lines->used;
      lines->used = 0;
    }
    if (!take_line(lines, line, length, error)) return false;
    bytes = feed + 1;
  }
  return keep(lines, bytes, (size_t)(end - bytes), error);
}

bool id_lines_end(struct id_lines *lines, struct error *error) {
  return lines->used == 0 || take_line(lines, lines->text, lines->used, error);
}
